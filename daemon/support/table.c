#include "support/table.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "support/bug.h"
#include "support/text.h"

/*
 * A slot is the value and then the key; a value of NULL marks a free one. The hash is not stored:
 * a slot stays small enough that a look-up costs one miss of the cache, and comparing the key costs
 * less than a second miss would.
 *
 * A full table does not move at once, since a million entries would hold the loop for a tenth of a
 * second. A larger array is begun, and each further entry moves some of the older ones over, so
 * for a while a key is in one of two arrays. Only whole clusters move (a cluster is a run of taken
 * slots between two free ones): so what is left of the old array stays a sound table of its own.
 */
#define TABLE_BITS_MIN  4
#define TABLE_BITS_MAX  48
#define TABLE_MOVES_MIN 16 /* old slots passed at each entry; 2 would do to be done in time */

struct slots {
	char *bytes;   /* NULL: there are none */
	unsigned bits; /* 2^bits slots */
};

struct table {
	size_t key_size, slot_size;
	size_t count;
	uint64_t seed;
	struct slots now, old;
	size_t old_at; /* the old slots before this one have been moved */
};

static _Atomic uint64_t common_seed;
static _Atomic uint64_t tables_made;

void table_set_seed(uint64_t seed)
{
	atomic_store(&common_seed, seed);
	atomic_store(&tables_made, 0);
}

static size_t slots_total(const struct slots *s)
{
	return s->bytes ? (size_t)1 << s->bits : 0;
}

static size_t slot_after(const struct slots *s, size_t slot)
{
	return (slot + 1) & (slots_total(s) - 1);
}

static void **value_at(const struct table *t, const struct slots *s, size_t slot)
{
	return (void **)(s->bytes + slot * t->slot_size);
}

static char *key_at(const struct table *t, const struct slots *s, size_t slot)
{
	return s->bytes + slot * t->slot_size + sizeof(void *);
}

/* The home of a key is the highest bits of its hash: so the order of the slots is the order of the
 * hashes at any size, and moving to a larger array writes it from one end to the other. */
static size_t home_of(const struct slots *s, uint64_t hash)
{
	return (size_t)(hash >> (64 - s->bits));
}

static uint64_t hash_of(const struct table *t, const void *key)
{
	return text_hash(key, t->key_size, t->seed);
}

/* The slot that holds the key, or the free one where it would go. There is always a free one. */
static size_t slot_of(const struct table *t, const struct slots *s, const void *key, uint64_t hash)
{
	size_t slot = home_of(s, hash);

	while (*value_at(t, s, slot) && memcmp(key_at(t, s, slot), key, t->key_size) != 0)
		slot = slot_after(s, slot);
	return slot;
}

/* Finds the array and the slot that hold the key. */
static const struct slots *find(const struct table *t, const void *key, size_t *slot)
{
	uint64_t hash = hash_of(t, key);

	*slot = slot_of(t, &t->now, key, hash);
	if (*value_at(t, &t->now, *slot))
		return &t->now;
	if (!t->old.bytes)
		return NULL;
	*slot = slot_of(t, &t->old, key, hash);
	return *value_at(t, &t->old, *slot) ? &t->old : NULL;
}

/* A key that is not there yet, into a table that has room. */
static void add(struct table *t, const void *key, void *value)
{
	size_t slot = slot_of(t, &t->now, key, hash_of(t, key));

	*value_at(t, &t->now, slot) = value;
	memcpy(key_at(t, &t->now, slot), key, t->key_size);
}

/* Three quarters full is where the probes begin to grow long. */
static bool fits(size_t count, unsigned bits)
{
	return count <= ((size_t)3 << bits) / 4;
}

struct table *table_new(size_t key_size, size_t expected)
{
	struct table *t = fits(expected, TABLE_BITS_MAX) ? calloc(1, sizeof(*t)) : NULL;

	if (!t)
		return NULL;
	t->key_size = key_size;
	t->slot_size = (sizeof(void *) + key_size + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
	/* Each table has a seed of its own: filling one in another's order would else crowd its
	 * front (slots lie in the order of hashes) and make each step longer than the last. */
	t->seed = atomic_load(&common_seed);
	t->seed += atomic_fetch_add(&tables_made, 1) * 0x9e3779b97f4a7c15;
	t->now.bits = TABLE_BITS_MIN;
	while (!fits(expected, t->now.bits))
		t->now.bits++;
	t->now.bytes = calloc((size_t)1 << t->now.bits, t->slot_size);
	if (!t->now.bytes) {
		free(t);
		return NULL;
	}
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	free(t->now.bytes);
	free(t->old.bytes);
	free(t);
}

size_t table_count(const struct table *t)
{
	return t->count;
}

void *table_get(const struct table *t, const void *key)
{
	size_t slot;
	const struct slots *s = find(t, key, &slot);

	return s ? *value_at(t, s, slot) : NULL;
}

/* Moves whole clusters over until at least `wanted` old slots were passed. A cluster around the end
 * of the array moves in two parts, its tail first: what stays is sound all the same. */
static void move_some(struct table *t, size_t wanted)
{
	if (!t->old.bytes)
		return;
	for (size_t passed = 0; t->old_at < slots_total(&t->old); passed++) {
		void **value = value_at(t, &t->old, t->old_at);
		if (!*value && passed >= wanted)
			return;
		if (*value)
			add(t, key_at(t, &t->old, t->old_at), *value);
		*value = NULL;
		t->old_at++;
	}
	free(t->old.bytes);
	t->old = (struct slots){ 0 };
}

static bool grow(struct table *t)
{
	struct slots next = { .bits = t->now.bits + 1 };

	if (next.bits > TABLE_BITS_MAX)
		return false;
	next.bytes = calloc((size_t)1 << next.bits, t->slot_size);
	if (!next.bytes)
		return false;
	if (BUG(t->old.bytes)) /* the last move has ended long before the array is full */
		move_some(t, SIZE_MAX);
	t->old = t->now;
	t->old_at = 0;
	t->now = next;
	return true;
}

bool table_put(struct table *t, const void *key, void *value)
{
	size_t slot;

	if (BUG(!value))
		return false;
	const struct slots *s = find(t, key, &slot);
	if (s) {
		*value_at(t, s, slot) = value;
		return true;
	}
	move_some(t, TABLE_MOVES_MIN);
	if (!fits(t->count + 1, t->now.bits) && !grow(t))
		return false;
	add(t, key, value);
	t->count++;
	return true;
}

/* Frees a slot and moves back what stood behind it only because it was taken, so that a look-up may
 * go on ending at the first free slot. */
static void *slot_clear(struct table *t, const struct slots *s, size_t slot)
{
	void *value = *value_at(t, s, slot);
	size_t mask = slots_total(s) - 1;
	size_t hole = slot;

	for (size_t at = slot_after(s, hole); *value_at(t, s, at); at = slot_after(s, at)) {
		size_t home = home_of(s, hash_of(t, key_at(t, s, at)));
		/* An entry may move back to the hole unless its home lies behind it. */
		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		memcpy(value_at(t, s, hole), value_at(t, s, at), t->slot_size);
		hole = at;
	}
	*value_at(t, s, hole) = NULL;
	t->count--;
	return value;
}

void *table_remove(struct table *t, const void *key)
{
	size_t slot;
	const struct slots *s = find(t, key, &slot);

	return s ? slot_clear(t, s, slot) : NULL;
}

/* The index runs through the present slots and then through the old ones. */
static const struct slots *slots_at(const struct table *t, size_t index, size_t *slot)
{
	size_t now = slots_total(&t->now);

	*slot = index < now ? index : index - now;
	return index < now ? &t->now : &t->old;
}

void *table_next(const struct table *t, size_t *index)
{
	size_t end = slots_total(&t->now) + slots_total(&t->old);

	while (*index < end) {
		size_t slot;
		const struct slots *s = slots_at(t, (*index)++, &slot);
		if (*value_at(t, s, slot))
			return *value_at(t, s, slot);
	}
	return NULL;
}

void *table_remove_at(struct table *t, size_t *index)
{
	/* The slot will be looked at again, since its successor may have moved into it. */
	size_t slot;
	const struct slots *s = slots_at(t, --*index, &slot);

	return slot_clear(t, s, slot);
}
