#include "decide/registry.h"

#include <stdlib.h>
#include <string.h>

#include "decide/registry_store.h"
#include "support/bug.h"
#include "support/text.h"

#define NUMBER_SHARED (1ULL << 63) /* an E.164 number has 15 digits: 50 bits */

/* Its block: department, RPPS number if it has one, numbers, slots of sites, name, exposed. */
struct member {
	struct practitioner_id id;
	uint64_t consents; /* a bit per centre */
	uint32_t block;    /* 0 in a removed record */
	uint32_t profession, specialty;
	uint8_t numbers_count, sites_count;
	bool has_rpps;
};

/* Its block: commune, precision, point if it has one, label, address, access. A site that only a
 * practitioner spoke of has no block; its slot stays its own, so that they find each other in
 * whatever order they come. */
struct premises {
	struct site_id id;
	uint32_t block;
	bool has_point;
};

size_t registry_text_length(const char *text)
{
	char cut[REGISTRY_TEXT_MAX + 1];
	size_t length = strnlen(text, sizeof cut);

	if (length <= REGISTRY_TEXT_MAX)
		return length;
	TEXT_COPY(cut, text);
	return strlen(cut);
}

/* ---- centres ---- */

static int registry_centre(const struct registry *r, struct centre_id centre)
{
	for (unsigned i = 0; i < r->centres_count; i++)
		if (centre_equal(r->centres[i], centre))
			return (int)i;
	return -1;
}

int registry_learn_centre(struct registry *r, struct centre_id centre)
{
	int known = registry_centre(r, centre);

	if (known >= 0 || r->centres_count == REGISTRY_CENTRES_MAX)
		return known;
	r->centres[r->centres_count] = centre;
	return (int)r->centres_count++;
}

static bool registry_learn_consents(struct registry *r, const struct practitioner *p, uint64_t *out)
{
	*out = 0;
	for (unsigned i = 0; i < p->consents_count; i++) {
		if (!centre_is_set(p->consents[i]))
			continue;
		int centre = registry_learn_centre(r, p->consents[i]);
		if (centre < 0)
			return false;
		*out |= 1ULL << centre;
	}
	return true;
}

/* ---- sites ---- */

static uint32_t registry_find_site(const struct registry *r, struct site_id id)
{
	struct slots_probe probe = slots_probe(&r->by_site, registry_hash(&id, sizeof id, 0));
	uint32_t slot;

	while ((slot = slots_next(&r->by_site, &probe)) != 0) {
		const struct premises *s = pool_at(&r->sites, slot);
		if (id_equal(s->id.v, id.v))
			break;
	}
	return slot;
}

static uint32_t registry_learn_site(struct registry *r, struct site_id id)
{
	uint32_t slot = registry_find_site(r, id);

	if (slot || !slots_reserve(&r->by_site, 1))
		return slot;
	slot = pool_add(&r->sites);
	if (!slot)
		return 0;
	((struct premises *)pool_at(&r->sites, slot))->id = id;
	slots_add(&r->by_site, registry_hash(&id, sizeof id, 0), slot);
	return slot;
}

static void site_read(const struct registry *r, const struct premises *record, struct site *out)
{
	const uint8_t *at = arena_at(&r->arena, record->block);
	uint8_t precision;

	*out = (struct site){ .id = record->id, .has_point = record->has_point };
	block_get(&at, &out->commune, sizeof out->commune);
	block_get(&at, &precision, sizeof precision);
	out->precision = precision;
	if (record->has_point) {
		block_get(&at, &out->lat, sizeof out->lat);
		block_get(&at, &out->lon, sizeof out->lon);
	}
	out->label = block_get_text(&at);
	out->address = block_get_text(&at);
	out->access = block_get_text(&at);
}

static void site_wipe(struct registry *r, struct premises *record)
{
	const uint8_t *start;
	struct site s;

	if (!record->block)
		return;
	start = arena_at(&r->arena, record->block);
	site_read(r, record, &s);
	arena_wipe(&r->arena, record->block,
	           (size_t)((const uint8_t *)s.access - start) + strlen(s.access) + 1);
	record->block = 0;
	record->has_point = false;
	r->sites_count--;
}

bool registry_put_site(struct registry *r, const struct site *s)
{
	size_t label = registry_text_length(s->label), address = registry_text_length(s->address);
	size_t access = registry_text_length(s->access);
	uint8_t precision = (uint8_t)s->precision;
	size_t length = sizeof s->commune + sizeof precision + label + address + access + 3;
	uint32_t slot, block;
	struct premises *record;

	if (s->has_point)
		length += sizeof s->lat + sizeof s->lon;
	slot = registry_learn_site(r, s->id);
	if (!slot || !(block = arena_add(&r->arena, length)))
		return false;
	uint8_t *at = arena_at(&r->arena, block);
	block_put(&at, &s->commune, sizeof s->commune);
	block_put(&at, &precision, sizeof precision);
	if (s->has_point) {
		block_put(&at, &s->lat, sizeof s->lat);
		block_put(&at, &s->lon, sizeof s->lon);
	}
	block_put_text(&at, s->label, label);
	block_put_text(&at, s->address, address);
	block_put_text(&at, s->access, access);

	record = pool_at(&r->sites, slot);
	site_wipe(r, record);
	record->block = block;
	record->has_point = s->has_point;
	r->sites_count++;
	return true;
}

void registry_remove_site(struct registry *r, struct site_id id)
{
	uint32_t slot = registry_find_site(r, id);

	if (slot)
		site_wipe(r, pool_at(&r->sites, slot));
}

bool registry_site(const struct registry *r, struct site_id id, struct site *out)
{
	uint32_t slot = registry_find_site(r, id);
	const struct premises *record = slot ? pool_at(&r->sites, slot) : NULL;

	if (!record || !record->block)
		return false;
	site_read(r, record, out);
	return true;
}

/* ---- practitioners ---- */

static uint32_t registry_find_person(const struct registry *r, struct practitioner_id id)
{
	struct slots_probe probe = slots_probe(&r->by_person, registry_hash(&id, sizeof id, 0));
	uint32_t slot;

	while ((slot = slots_next(&r->by_person, &probe)) != 0) {
		const struct member *record = pool_at(&r->people, slot);
		if (id_equal(record->id.v, id.v))
			break;
	}
	return slot;
}

static uint32_t number_hash(uint64_t digits)
{
	return registry_hash(&digits, sizeof digits, 0);
}

static bool member_has_number(const struct registry *r, const struct member *record,
                              uint64_t digits)
{
	const uint8_t *at = arena_at(&r->arena, record->block);
	uint64_t number;

	at += sizeof(struct department_code) + (record->has_rpps ? sizeof(uint64_t) : 0);
	for (unsigned i = 0; i < record->numbers_count; i++) {
		block_get(&at, &number, sizeof number);
		if ((number & ~NUMBER_SHARED) == digits)
			return true;
	}
	return false;
}

static void member_read(const struct registry *r, const struct member *record,
                        struct practitioner *out)
{
	const uint8_t *at = arena_at(&r->arena, record->block);

	*out = (struct practitioner){ .id = record->id,
		                      .numbers_count = record->numbers_count,
		                      .sites_count = record->sites_count };
	block_get(&at, &out->department, sizeof out->department);
	if (record->has_rpps)
		block_get(&at, &out->rpps, sizeof out->rpps);
	for (unsigned i = 0; i < record->numbers_count; i++) {
		uint64_t number;
		block_get(&at, &number, sizeof number);
		out->numbers[i] = (struct practitioner_number){ { number & ~NUMBER_SHARED },
			                                        (number & NUMBER_SHARED) != 0 };
	}
	for (unsigned i = 0; i < record->sites_count; i++) {
		uint32_t slot;
		block_get(&at, &slot, sizeof slot);
		out->sites[i] = ((const struct premises *)pool_at(&r->sites, slot))->id;
	}
	out->name = block_get_text(&at);
	out->exposed = block_get_text(&at);
	out->profession = words_text(&r->words, record->profession);
	out->specialty = words_text(&r->words, record->specialty);
	for (unsigned i = 0; i < r->centres_count && out->consents_count < REGISTRY_CONSENTS_MAX;
	     i++)
		if (record->consents >> i & 1)
			out->consents[out->consents_count++] = r->centres[i];
}

/* Out of the indexes by what it says, and its texts wiped; the record itself stays. */
static void member_wipe(struct registry *r, uint32_t slot, struct member *record)
{
	const uint8_t *start = arena_at(&r->arena, record->block);
	struct practitioner p;

	member_read(r, record, &p);
	for (unsigned i = 0; i < p.numbers_count; i++)
		slots_remove(&r->by_number, number_hash(p.numbers[i].number.digits), slot);
	if (record->has_rpps)
		slots_remove(&r->by_rpps, number_hash(p.rpps), slot);
	arena_wipe(&r->arena, record->block,
	           (size_t)((const uint8_t *)p.exposed - start) + strlen(p.exposed) + 1);
	words_drop(&r->words, record->profession);
	words_drop(&r->words, record->specialty);
	record->block = 0;
}

/* Every number and site once, the unset ones left out. Sites are learnt on the way; one that is
 * learnt for a person who then finds no room is an empty slot and harms nobody. */
static bool member_collect(struct registry *r, const struct practitioner *p, struct member *record,
                           uint64_t numbers[REGISTRY_NUMBERS_MAX],
                           uint32_t sites[REGISTRY_SITES_MAX])
{
	for (unsigned i = 0; i < p->numbers_count; i++) {
		uint64_t digits = p->numbers[i].number.digits;
		bool known = digits == 0;
		for (unsigned k = 0; k < record->numbers_count && !known; k++)
			known = (numbers[k] & ~NUMBER_SHARED) == digits;
		if (!known)
			numbers[record->numbers_count++] =
			        digits | (p->numbers[i].shared ? NUMBER_SHARED : 0);
	}
	for (unsigned i = 0; i < p->sites_count; i++) {
		if (!id_is_set(p->sites[i].v))
			continue;
		uint32_t site = registry_learn_site(r, p->sites[i]);
		if (!site)
			return false;
		sites[record->sites_count++] = site;
	}
	return true;
}

static bool member_write(struct registry *r, const struct practitioner *p, struct member *record)
{
	uint64_t numbers[REGISTRY_NUMBERS_MAX];
	uint32_t sites[REGISTRY_SITES_MAX];
	size_t name = registry_text_length(p->name), exposed = registry_text_length(p->exposed);

	if (!member_collect(r, p, record, numbers, sites))
		return false;
	size_t numbers_bytes = record->numbers_count * sizeof *numbers,
	       sites_bytes = record->sites_count * sizeof *sites;
	record->block =
	        arena_add(&r->arena, sizeof p->department + (p->rpps ? sizeof p->rpps : 0) +
	                                     numbers_bytes + sites_bytes + name + exposed + 2);
	if (!record->block)
		return false;
	uint8_t *at = arena_at(&r->arena, record->block);
	block_put(&at, &p->department, sizeof p->department);
	if (p->rpps)
		block_put(&at, &p->rpps, sizeof p->rpps);
	block_put(&at, numbers, numbers_bytes);
	block_put(&at, sites, sites_bytes);
	block_put_text(&at, p->name, name);
	block_put_text(&at, p->exposed, exposed);
	record->has_rpps = p->rpps != 0;

	record->profession =
	        words_take(&r->words, p->profession, registry_text_length(p->profession));
	record->specialty = words_take(&r->words, p->specialty, registry_text_length(p->specialty));
	if (record->profession && record->specialty)
		return true;
	words_drop(&r->words, record->profession);
	words_drop(&r->words, record->specialty);
	arena_wipe(&r->arena, record->block,
	           (size_t)(at - (uint8_t *)arena_at(&r->arena, record->block)));
	return false;
}

static void member_index(struct registry *r, uint32_t slot, const struct member *record)
{
	struct practitioner p;

	member_read(r, record, &p);
	for (unsigned i = 0; i < p.numbers_count; i++)
		slots_add(&r->by_number, number_hash(p.numbers[i].number.digits), slot);
	if (record->has_rpps)
		slots_add(&r->by_rpps, number_hash(p.rpps), slot);
}

bool registry_put_practitioner(struct registry *r, const struct practitioner *p)
{
	struct member written = { .id = p->id };
	uint32_t slot;

	if (p->numbers_count > REGISTRY_NUMBERS_MAX || p->sites_count > REGISTRY_SITES_MAX ||
	    p->consents_count > REGISTRY_CONSENTS_MAX)
		return false;
	if (!slots_reserve(&r->by_number, p->numbers_count) || !slots_reserve(&r->by_rpps, 1) ||
	    !slots_reserve(&r->by_person, 1))
		return false;
	if (!registry_learn_consents(r, p, &written.consents))
		return false;
	slot = registry_find_person(r, p->id);
	bool is_new = slot == 0;
	if (is_new && !(slot = pool_add(&r->people)))
		return false;
	if (!member_write(r, p, &written)) {
		if (is_new)
			pool_remove(&r->people, slot);
		return false;
	}

	/* From here on nothing can fail. */
	struct member *record = pool_at(&r->people, slot);
	if (is_new) {
		slots_add(&r->by_person, registry_hash(&p->id, sizeof p->id, 0), slot);
		r->people_count++;
	} else {
		member_wipe(r, slot, record);
	}
	*record = written;
	member_index(r, slot, record);
	return true;
}

void registry_remove_practitioner(struct registry *r, struct practitioner_id id)
{
	uint32_t slot = registry_find_person(r, id);

	if (!slot)
		return;
	member_wipe(r, slot, pool_at(&r->people, slot));
	slots_remove(&r->by_person, registry_hash(&id, sizeof id, 0), slot);
	pool_remove(&r->people, slot);
	r->people_count--;
}

bool registry_practitioner(const struct registry *r, struct practitioner_id id,
                           struct practitioner *out)
{
	uint32_t slot = registry_find_person(r, id);

	if (!slot)
		return false;
	member_read(r, pool_at(&r->people, slot), out);
	return true;
}

bool registry_by_rpps(const struct registry *r, uint64_t rpps, struct practitioner_id *out)
{
	struct slots_probe probe = slots_probe(&r->by_rpps, number_hash(rpps));
	uint32_t slot;

	while (rpps && (slot = slots_next(&r->by_rpps, &probe)) != 0) {
		const struct member *record = pool_at(&r->people, slot);
		struct practitioner p;
		member_read(r, record, &p);
		if (p.rpps != rpps)
			continue;
		*out = record->id;
		return true;
	}
	return false;
}

size_t registry_by_number(const struct registry *r, struct e164 number, struct practitioner_id *out,
                          size_t max)
{
	struct slots_probe probe = slots_probe(&r->by_number, number_hash(number.digits));
	size_t count = 0;
	uint32_t slot;

	while ((slot = slots_next(&r->by_number, &probe)) != 0) {
		const struct member *record = pool_at(&r->people, slot);
		if (!member_has_number(r, record, number.digits))
			continue;
		if (count < max)
			out[count] = record->id;
		count++;
	}
	return count;
}

bool registry_has_consent(const struct registry *r, struct practitioner_id id,
                          struct centre_id centre)
{
	uint32_t slot = registry_find_person(r, id);
	int place = registry_centre(r, centre);

	if (!slot || place < 0)
		return false;
	return ((const struct member *)pool_at(&r->people, slot))->consents >> place & 1;
}

/* ---- the whole ---- */

struct registry *registry_new(size_t numbers_expected)
{
	struct registry *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	words_init(&r->words);
	pool_init(&r->people, sizeof(struct member));
	pool_init(&r->sites, sizeof(struct premises));
	registry_init_sources(r);
	/* Sized with a quarter to spare, so that the small changes of a day never grow them. */
	if (slots_reserve(&r->by_number, numbers_expected + numbers_expected / 4))
		return r;
	registry_free(r);
	return NULL;
}

bool registry_settle(struct registry *r)
{
	struct slots *all[] = { &r->by_person, &r->by_number, &r->by_rpps,       &r->by_site,
		                &r->by_source, &r->by_name,   &r->by_certificate };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (!slots_reserve(all[i], all[i]->count / 4))
			return false;
	return true;
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	struct slots *all[] = { &r->by_person, &r->by_number, &r->by_rpps,       &r->by_site,
		                &r->by_source, &r->by_name,   &r->by_certificate };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		slots_done(all[i]);
	pool_done(&r->people);
	pool_done(&r->sites);
	pool_done(&r->sources);
	words_done(&r->words);
	arena_done(&r->arena);
	free(r);
}

struct registry_size registry_size(const struct registry *r)
{
	const struct slots *all[] = { &r->by_person, &r->by_number, &r->by_rpps,       &r->by_site,
		                      &r->by_source, &r->by_name,   &r->by_certificate };
	struct registry_size size = {
		.practitioners = r->people_count,
		.numbers = r->by_number.count,
		.sites = r->sites_count,
		.sources = r->sources_count,
		.text_bytes = r->arena.text,
		.waste_bytes = r->arena.waste,
		.bytes = sizeof *r + arena_bytes(&r->arena) + words_bytes(&r->words) +
		         pool_bytes(&r->people) + pool_bytes(&r->sites) + pool_bytes(&r->sources),
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		size.bytes += slots_bytes(all[i]);
	return size;
}

void registry_set_version(struct registry *r, uint64_t version, struct wall as_of)
{
	r->version = version;
	r->as_of = as_of;
}

uint64_t registry_version(const struct registry *r)
{
	return r->version;
}

struct wall registry_as_of(const struct registry *r)
{
	return r->as_of;
}
