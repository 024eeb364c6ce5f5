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
 * The slot comes from the hash's highest bits. So the order of the slots is the order of the
 * hashes, at any size, and growing reads and writes memory from one end to the other: a million
 * entries move in a few milliseconds and the loop does not feel it.
 */
#define TABLE_BITS_MIN 4

struct table {
	size_t key_size, slot_size;
	size_t count;
	unsigned bits; /* 2^bits slots */
	uint64_t seed;
	char *slots;
};

static _Atomic uint64_t common_seed;
static _Atomic uint64_t tables_made;

void table_set_seed(uint64_t seed)
{
	atomic_store(&common_seed, seed);
	atomic_store(&tables_made, 0);
}

static size_t slots_total(const struct table *t)
{
	return (size_t)1 << t->bits;
}

static void **value_at(const struct table *t, size_t slot)
{
	return (void **)(t->slots + slot * t->slot_size);
}

static char *key_at(const struct table *t, size_t slot)
{
	return t->slots + slot * t->slot_size + sizeof(void *);
}

static size_t home_of(const struct table *t, const void *key)
{
	return (size_t)(text_hash(key, t->key_size, t->seed) >> (64 - t->bits));
}

static size_t slot_after(const struct table *t, size_t slot)
{
	return (slot + 1) & (slots_total(t) - 1);
}

/* The slot that holds the key, or the free one where it would go. There is always a free one. */
static size_t slot_of(const struct table *t, const void *key)
{
	size_t slot = home_of(t, key);

	while (*value_at(t, slot) && memcmp(key_at(t, slot), key, t->key_size) != 0)
		slot = slot_after(t, slot);
	return slot;
}

static void slot_fill(struct table *t, size_t slot, const void *key, void *value)
{
	*value_at(t, slot) = value;
	memcpy(key_at(t, slot), key, t->key_size);
}

/* Three quarters full is where the probes begin to grow long. */
static bool fits(size_t count, unsigned bits)
{
	return count <= ((size_t)3 << bits) / 4;
}

struct table *table_new(size_t key_size, size_t expected)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->key_size = key_size;
	t->slot_size = (sizeof(void *) + key_size + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
	/* Each table has a seed of its own: filling one in another's order would else crowd its
	 * front (the order of the slots is the order of the hashes) and make each step longer than
	 * the last. */
	t->seed =
	        atomic_load(&common_seed) + atomic_fetch_add(&tables_made, 1) * 0x9e3779b97f4a7c15;
	t->bits = TABLE_BITS_MIN;
	while (!fits(expected, t->bits) && t->bits < 48)
		t->bits++;
	t->slots = calloc(slots_total(t), t->slot_size);
	if (!t->slots) {
		free(t);
		return NULL;
	}
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	free(t->slots);
	free(t);
}

size_t table_count(const struct table *t)
{
	return t->count;
}

void *table_get(const struct table *t, const void *key)
{
	return *value_at(t, slot_of(t, key));
}

static bool grow(struct table *t)
{
	struct table next = *t;

	next.bits++;
	next.slots = calloc(slots_total(&next), next.slot_size);
	if (!next.slots)
		return false;
	for (size_t slot = 0; slot < slots_total(t); slot++) {
		void *value = *value_at(t, slot);
		if (value)
			slot_fill(&next, slot_of(&next, key_at(t, slot)), key_at(t, slot), value);
	}
	free(t->slots);
	*t = next;
	return true;
}

bool table_put(struct table *t, const void *key, void *value)
{
	size_t slot = slot_of(t, key);

	if (BUG(!value))
		return false;
	if (!*value_at(t, slot)) {
		if (!fits(t->count + 1, t->bits)) {
			if (!grow(t))
				return false;
			slot = slot_of(t, key);
		}
		t->count++;
	}
	slot_fill(t, slot, key, value);
	return true;
}

/* Frees a slot and moves back what stood behind it only because it was taken, so that a look-up may
 * go on ending at the first free slot. */
static void *slot_clear(struct table *t, size_t slot)
{
	void *value = *value_at(t, slot);
	size_t mask = slots_total(t) - 1;
	size_t hole = slot;

	for (size_t at = slot_after(t, hole); *value_at(t, at); at = slot_after(t, at)) {
		size_t home = home_of(t, key_at(t, at));
		/* An entry may move back to the hole unless its home lies behind it. */
		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		memcpy(value_at(t, hole), value_at(t, at), t->slot_size);
		hole = at;
	}
	*value_at(t, hole) = NULL;
	t->count--;
	return value;
}

void *table_remove(struct table *t, const void *key)
{
	size_t slot = slot_of(t, key);
	return *value_at(t, slot) ? slot_clear(t, slot) : NULL;
}

void *table_next(const struct table *t, size_t *index)
{
	while (*index < slots_total(t)) {
		void *value = *value_at(t, (*index)++);
		if (value)
			return value;
	}
	return NULL;
}

void *table_remove_at(struct table *t, size_t *index)
{
	/* The slot will be looked at again, since its successor may have moved into it. */
	return slot_clear(t, --*index);
}
