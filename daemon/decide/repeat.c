#include "decide/repeat.h"

#include <stdlib.h>
#include <string.h>

#include "support/table.h"
#include "support/text.h"

/* Seeds are fixed: these hashes are kept and compared after a restart. */
#define REPEAT_SEED_A 0x746f6373696e2d61ULL
#define REPEAT_SEED_B 0x746f6373696e2d62ULL

struct repeats {
	struct table *by_key;
	struct repeat *oldest, *newest, *walk;
	size_t entries, max;
};

struct repeats *repeats_new(size_t max)
{
	struct repeats *r = calloc(1, sizeof *r);
	if (r == NULL)
		return NULL;
	r->by_key = table_new(sizeof(struct repeat_key), 0);
	r->max = max;
	if (r->by_key == NULL) {
		free(r);
		return NULL;
	}
	return r;
}

void repeats_free(struct repeats *r)
{
	if (r == NULL)
		return;
	while (r->oldest != NULL) {
		struct repeat *next = r->oldest->next;
		free(r->oldest);
		r->oldest = next;
	}
	table_free(r->by_key);
	free(r);
}

size_t repeats_count(const struct repeats *r)
{
	return r->entries;
}

struct repeat_key repeat_key(struct source_id source, const char *ref, unsigned phase)
{
	struct repeat_key key;
	size_t length = strlen(ref);
	uint64_t a = text_hash(ref, length, REPEAT_SEED_A + phase);
	uint64_t b = text_hash(ref, length, REPEAT_SEED_B + phase);
	memcpy(key.source, source.v.b, sizeof key.source);
	memcpy(key.ref, &a, sizeof a);
	memcpy(key.ref + sizeof a, &b, sizeof b);
	return key;
}

uint64_t repeat_content(const struct alert *a)
{
	/* One field after the other, each hash seeding the next, so that moving a letter from one
	 * field to its neighbour is another content. */
	struct {
		double lat, lon, accuracy_m;
		int64_t fixed_at, occurred_at;
		uint64_t rpps;
		uint32_t kind, exercise;
	} fixed;
	memset(&fixed, 0, sizeof fixed);
	fixed.kind = a->kind;
	fixed.exercise = a->exercise;
	fixed.rpps = a->rpps;
	fixed.occurred_at = a->occurred_at.us;
	if (a->has_fix) {
		fixed.lat = a->fix.lat;
		fixed.lon = a->fix.lon;
		fixed.accuracy_m = a->fix.accuracy_m;
		fixed.fixed_at = a->fix.fixed_at.us;
	}
	uint64_t hash = text_hash(&fixed, sizeof fixed, REPEAT_SEED_A);
	const char *texts[] = { a->number,  a->person_name,  a->person_number,
		                a->address, a->commune.text, a->note };
	for (size_t n = 0; n < sizeof texts / sizeof *texts; n++)
		hash = text_hash(texts[n], strlen(texts[n]), hash);
	return hash;
}

bool repeat_is_dated(struct wall occurred_at, unsigned doubts)
{
	return wall_is_set(occurred_at) && !(doubts & ALERT_DOUBT_CLOCK);
}

const struct repeat *repeats_get(const struct repeats *r, const struct repeat_key *key)
{
	return table_get(r->by_key, key);
}

static void repeats_forget_oldest(struct repeats *r)
{
	struct repeat *old = r->oldest;
	r->oldest = old->next;
	if (r->walk == old)
		r->walk = old->next;
	if (r->oldest == NULL)
		r->newest = NULL;
	/* A newer one may have taken its key; then the table no longer points here. */
	if (table_get(r->by_key, &old->key) == old)
		table_remove(r->by_key, &old->key);
	free(old);
	r->entries--;
}

bool repeats_put(struct repeats *r, const struct repeat *repeat)
{
	struct repeat *copy = malloc(sizeof *copy);
	if (copy == NULL)
		return false;
	*copy = *repeat;
	copy->next = NULL;
	if (!table_put(r->by_key, &copy->key, copy)) {
		free(copy);
		return false;
	}
	if (r->newest != NULL)
		r->newest->next = copy;
	else
		r->oldest = copy;
	r->newest = copy;
	r->entries++;
	while (r->entries > r->max && r->oldest != copy)
		repeats_forget_oldest(r);
	return true;
}

void repeats_walk_begin(struct repeats *r)
{
	r->walk = r->oldest;
}

const struct repeat *repeats_walk(struct repeats *r)
{
	struct repeat *at = r->walk;
	if (at != NULL)
		r->walk = at->next;
	return at;
}
