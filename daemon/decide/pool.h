/*
 * Records of one size in chunks, each known by a 32-bit slot that is its own until it is removed.
 *
 * Nothing moves when it grows, so a record may be pointed at while others are added. registry and
 * words keep their entries in pools; which record lives is for them to know.
 */
#ifndef TOCSIN_DECIDE_POOL_H
#define TOCSIN_DECIDE_POOL_H

#include <stddef.h>
#include <stdint.h>

#define POOL_CHUNK_RECORDS 4096

struct pool {
	size_t record_size; /* 4 or more */
	uint8_t **chunks;
	uint32_t chunks_count, chunks_room;
	uint32_t used;       /* slots 1 to `used` were given out once */
	uint32_t first_free; /* the list of removed ones runs through their last four bytes */
};

void pool_init(struct pool *p, size_t record_size);
void pool_done(struct pool *p);

uint32_t pool_add(struct pool *p); /* a zeroed record's slot; 0: no memory */
void *pool_at(const struct pool *p, uint32_t slot);
void pool_remove(struct pool *p, uint32_t slot); /* overwrites it with zeros, save the link */
size_t pool_bytes(const struct pool *p);

#endif
