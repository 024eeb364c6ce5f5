#include <string.h>

#include "decide/registry.h"
#include "decide/registry_store.h"

/* Its block: department, owner and site if it has them, name, subject. */
struct device {
	struct source_id id;
	uint32_t block;  /* 0 in a removed record */
	uint32_t issuer; /* a word; 0: no certificate identity */
	uint32_t supervision_s;
	uint8_t kind, state;
	uint8_t centre; /* its place + 1; 0: none */
	bool has_panic_button, has_owner, has_site;
};

static const char *const kind_names[SOURCE_KINDS] = {
	[SOURCE_DEVICE] = "device",     [SOURCE_BUTTON] = "button",
	[SOURCE_PANEL] = "panel",       [SOURCE_REGULATION] = "regulation",
	[SOURCE_EXCHANGE] = "exchange", [SOURCE_PLATFORM] = "platform",
	[SOURCE_CONSOLE] = "console",
};

const char *source_kind_name(enum source_kind kind)
{
	return (unsigned)kind < SOURCE_KINDS ? kind_names[kind] : "unknown";
}

bool source_kind_parse(const char *name, enum source_kind *out)
{
	for (unsigned kind = 0; kind < SOURCE_KINDS; kind++) {
		if (strcmp(kind_names[kind], name) != 0)
			continue;
		*out = (enum source_kind)kind;
		return true;
	}
	return false;
}

void registry_init_sources(struct registry *r)
{
	pool_init(&r->sources, sizeof(struct device));
}

static uint32_t id_hash(struct source_id id)
{
	return registry_hash(&id, sizeof id, 0);
}

static uint32_t name_hash(const char *name)
{
	return registry_hash(name, registry_text_length(name), 0);
}

/* The issuer is the seed: one subject under two authorities is two identities. */
static uint32_t certificate_hash(uint32_t issuer, const char *subject)
{
	return registry_hash(subject, strlen(subject), issuer);
}

static uint32_t registry_find_source(const struct registry *r, struct source_id id)
{
	struct slots_probe probe = slots_probe(&r->by_source, id_hash(id));
	uint32_t slot;

	while ((slot = slots_next(&r->by_source, &probe)) != 0) {
		const struct device *record = pool_at(&r->sources, slot);
		if (id_equal(record->id.v, id.v))
			break;
	}
	return slot;
}

static void source_read(const struct registry *r, const struct device *record, struct source *out)
{
	const uint8_t *at = arena_at(&r->arena, record->block);

	*out = (struct source){
		.id = record->id,
		.kind = record->kind,
		.state = record->state,
		.has_panic_button = record->has_panic_button,
		.issuer = record->issuer ? words_text(&r->words, record->issuer) : "",
		.supervision_s = record->supervision_s,
	};
	if (record->centre)
		out->centre = r->centres[record->centre - 1];
	block_get(&at, &out->department, sizeof out->department);
	if (record->has_owner)
		block_get(&at, &out->owner, sizeof out->owner);
	if (record->has_site)
		block_get(&at, &out->site, sizeof out->site);
	out->name = block_get_text(&at);
	out->subject = block_get_text(&at);
}

/* Out of the indexes by what it says, and its texts wiped; the record itself stays. */
static void source_wipe(struct registry *r, uint32_t slot, struct device *record)
{
	const uint8_t *start = arena_at(&r->arena, record->block);
	struct source s;

	source_read(r, record, &s);
	slots_remove(&r->by_name, name_hash(s.name), slot);
	if (record->issuer)
		slots_remove(&r->by_certificate, certificate_hash(record->issuer, s.subject), slot);
	arena_wipe(&r->arena, record->block,
	           (size_t)((const uint8_t *)s.subject - start) + strlen(s.subject) + 1);
	words_drop(&r->words, record->issuer);
	record->block = 0;
}

static bool source_write(struct registry *r, const struct source *s, struct device *record)
{
	size_t name = registry_text_length(s->name), subject = strlen(s->subject);
	size_t length = sizeof s->department + name + subject + 2;

	if (record->has_owner)
		length += sizeof s->owner;
	if (record->has_site)
		length += sizeof s->site;
	if ((*s->issuer || *s->subject) &&
	    !(record->issuer = words_take(&r->words, s->issuer, strlen(s->issuer))))
		return false;
	record->block = arena_add(&r->arena, length);
	if (!record->block) {
		words_drop(&r->words, record->issuer);
		return false;
	}
	uint8_t *at = arena_at(&r->arena, record->block);
	block_put(&at, &s->department, sizeof s->department);
	if (record->has_owner)
		block_put(&at, &s->owner, sizeof s->owner);
	if (record->has_site)
		block_put(&at, &s->site, sizeof s->site);
	block_put_text(&at, s->name, name);
	block_put_text(&at, s->subject, subject);
	return true;
}

bool registry_put_source(struct registry *r, const struct source *s)
{
	struct device written = {
		.id = s->id,
		.supervision_s = s->supervision_s,
		.kind = (uint8_t)s->kind,
		.state = (uint8_t)s->state,
		.has_panic_button = s->has_panic_button,
		.has_owner = id_is_set(s->owner.v),
		.has_site = id_is_set(s->site.v),
	};
	uint32_t slot;

	/* An identity is never cut: two long names with one beginning must stay two. */
	if (strlen(s->issuer) > REGISTRY_IDENTITY_MAX || strlen(s->subject) > REGISTRY_IDENTITY_MAX)
		return false;
	if (!slots_reserve(&r->by_source, 1) || !slots_reserve(&r->by_name, 1) ||
	    !slots_reserve(&r->by_certificate, 1))
		return false;
	if (centre_is_set(s->centre)) {
		int centre = registry_learn_centre(r, s->centre);
		if (centre < 0)
			return false;
		written.centre = (uint8_t)(centre + 1);
	}
	slot = registry_find_source(r, s->id);
	bool is_new = slot == 0;
	if (is_new && !(slot = pool_add(&r->sources)))
		return false;
	if (!source_write(r, s, &written)) {
		if (is_new)
			pool_remove(&r->sources, slot);
		return false;
	}

	/* From here on nothing can fail. */
	struct device *record = pool_at(&r->sources, slot);
	if (is_new) {
		slots_add(&r->by_source, id_hash(s->id), slot);
		r->sources_count++;
	} else {
		source_wipe(r, slot, record);
	}
	*record = written;
	slots_add(&r->by_name, name_hash(s->name), slot);
	if (record->issuer)
		slots_add(&r->by_certificate, certificate_hash(record->issuer, s->subject), slot);
	return true;
}

void registry_remove_source(struct registry *r, struct source_id id)
{
	uint32_t slot = registry_find_source(r, id);

	if (!slot)
		return;
	source_wipe(r, slot, pool_at(&r->sources, slot));
	slots_remove(&r->by_source, id_hash(id), slot);
	pool_remove(&r->sources, slot);
	r->sources_count--;
}

bool registry_source(const struct registry *r, struct source_id id, struct source *out)
{
	uint32_t slot = registry_find_source(r, id);

	if (!slot)
		return false;
	source_read(r, pool_at(&r->sources, slot), out);
	return true;
}

bool registry_source_by_name(const struct registry *r, const char *name, struct source *out)
{
	struct slots_probe probe = slots_probe(&r->by_name, name_hash(name));
	unsigned found = 0;
	uint32_t slot;

	while ((slot = slots_next(&r->by_name, &probe)) != 0) {
		struct source s;
		source_read(r, pool_at(&r->sources, slot), &s);
		if (strcmp(s.name, name) != 0)
			continue;
		if (found++ == 0)
			*out = s;
	}
	return found == 1;
}

/* A retired source's certificate may serve a successor; a revoked one keeps its names, so that it
 * stays refused. */
static int source_rank(const struct source *s)
{
	return s->state == SOURCE_ACTIVE ? 0 : s->state == SOURCE_REVOKED ? 1 : 2;
}

bool registry_source_by_certificate(const struct registry *r, const char *issuer,
                                    const char *subject, struct source *out)
{
	uint32_t word = words_find(&r->words, issuer, strlen(issuer));
	bool found = false;
	uint32_t slot;

	if (!word)
		return false;
	struct slots_probe probe = slots_probe(&r->by_certificate, certificate_hash(word, subject));
	while ((slot = slots_next(&r->by_certificate, &probe)) != 0) {
		struct source s;
		source_read(r, pool_at(&r->sources, slot), &s);
		if (strcmp(s.subject, subject) != 0 || strcmp(s.issuer, issuer) != 0)
			continue;
		if (!found || source_rank(&s) < source_rank(out))
			*out = s;
		found = true;
	}
	return found;
}

bool registry_next_source(const struct registry *r, size_t *index, struct source *out)
{
	while (*index < r->sources.used) {
		const struct device *record = pool_at(&r->sources, (uint32_t)++ * index);
		if (!record->block)
			continue;
		source_read(r, record, out);
		return true;
	}
	return false;
}
