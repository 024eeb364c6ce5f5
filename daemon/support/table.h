/*
 * A hash table from fixed-size keys to pointers: open addressing, linear probing, no tombstones
 * (a removal shifts its successors back), grown before it is three quarters full, a few entries at a
 * time, so that no call ever holds the loop.
 *
 * Keys are copied; values are borrowed and never NULL, which is how absence is told. Iteration order
 * is not defined; an entry must not be added during iteration, and removal during iteration goes
 * through table_remove_at.
 */
#ifndef TOCSIN_SUPPORT_TABLE_H
#define TOCSIN_SUPPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table;

/* Once, before the first table_new: keys come from outside, and a known seed invites collisions.
 * Tests and the simulation leave it at 0, so that a run can be repeated. */
void table_set_seed(uint64_t seed);

struct table *table_new(size_t key_size, size_t expected); /* NULL: no memory. expected may be 0 */
void table_free(struct table *t);                          /* the values are the owner's */
size_t table_count(const struct table *t);
void *table_get(const struct table *t, const void *key);             /* NULL: absent */
bool table_put(struct table *t, const void *key, void *value);       /* replaces; false: no memory */
void *table_remove(struct table *t, const void *key);                /* the old value or NULL */

/* for (size_t i = 0; (v = table_next(t, &i)) != NULL;) … */
void *table_next(const struct table *t, size_t *index);
/* Removes and returns the entry that table_next gave last with this index. The iteration goes on and
 * misses none; an entry that it had kept may come by a second time. */
void *table_remove_at(struct table *t, size_t *index);

#endif
