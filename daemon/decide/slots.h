/*
 * An index from a hash to 32-bit slots: open addressing, linear probing, no tombstones.
 *
 * An entry is 8 bytes, half of them hash, so that a look-up reads one line of memory and follows a
 * slot only when it is almost certainly the right one. One hash may have several slots (a shared
 * number); the caller compares. The table stays ordered by hash, so growing reads and writes it
 * from one end to the other. Called by registry and words; it knows nothing of what it indexes.
 */
#ifndef TOCSIN_DECIDE_SLOTS_H
#define TOCSIN_DECIDE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slots_entry { uint32_t hash, slot; }; /* slot 0: empty */

struct slots {
	struct slots_entry *entries;
	uint32_t room, count;
};

struct slots_probe { uint32_t hash, at; };

void slots_done(struct slots *s); /* a zeroed struct slots is an empty one */

/* Room for `more` entries beside those there are; slots_add needs it. False: no memory. */
bool slots_reserve(struct slots *s, size_t more);
void slots_add(struct slots *s, uint32_t hash, uint32_t slot);
void slots_remove(struct slots *s, uint32_t hash, uint32_t slot); /* fine when it is not there */

/* Every slot with this hash:
 * for (p = slots_probe(s, hash); (slot = slots_next(s, &p)) != 0;) … */
struct slots_probe slots_probe(const struct slots *s, uint32_t hash);
uint32_t slots_next(const struct slots *s, struct slots_probe *p);

size_t slots_bytes(const struct slots *s);

#endif
