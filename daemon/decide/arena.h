/*
 * The texts of a registry: blocks of any length in chunks of 1 MiB, each named by a 32-bit mark.
 *
 * Nothing moves when it grows, and a mark costs half a pointer. registry and words own one each.
 * A block that is given up is overwritten at once and its room is never used again: it counts as
 * waste, and who owns the registry builds a new one when there is too much of it.
 */
#ifndef TOCSIN_DECIDE_ARENA_H
#define TOCSIN_DECIDE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define ARENA_CHUNK_BITS 20
#define ARENA_CHUNK_BYTES (1u << ARENA_CHUNK_BITS)
#define ARENA_CHUNKS_MAX (1u << (32 - ARENA_CHUNK_BITS)) /* 4 GiB in all */

struct arena {
	uint8_t **chunks;
	uint32_t chunks_count, chunks_room;
	uint32_t used;      /* of the last chunk */
	size_t text, waste; /* bytes in blocks that live, and that were wiped */
};

void arena_done(struct arena *a); /* a zeroed struct arena is an empty one */

/* A block of `length` bytes, 1 or more, not initialised. 0: no memory, or more than a chunk. */
uint32_t arena_add(struct arena *a, size_t length);
void *arena_at(const struct arena *a, uint32_t mark);
void arena_wipe(struct arena *a, uint32_t mark, size_t length);
size_t arena_bytes(const struct arena *a);

#endif
