#include "decide/pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define POOL_CHUNKS_FIRST 16
#define POOL_LINK_SIZE    sizeof(uint32_t)

void pool_init(struct pool *p, size_t record_size)
{
	*p = (struct pool){ .record_size = record_size };
}

void pool_done(struct pool *p)
{
	for (uint32_t i = 0; i < p->chunks_count; i++)
		free(p->chunks[i]);
	free(p->chunks);
	pool_init(p, p->record_size);
}

void *pool_at(const struct pool *p, uint32_t slot)
{
	uint32_t index = slot - 1;

	return p->chunks[index / POOL_CHUNK_RECORDS] +
	       (index % POOL_CHUNK_RECORDS) * p->record_size;
}

static uint8_t *pool_link(const struct pool *p, uint32_t slot)
{
	return (uint8_t *)pool_at(p, slot) + p->record_size - POOL_LINK_SIZE;
}

static bool pool_grow(struct pool *p)
{
	if (p->chunks_count == p->chunks_room) {
		uint32_t room = p->chunks_room ? p->chunks_room * 2 : POOL_CHUNKS_FIRST;
		uint8_t **chunks = realloc(p->chunks, room * sizeof *chunks);
		if (!chunks)
			return false;
		p->chunks = chunks;
		p->chunks_room = room;
	}
	uint8_t *chunk = calloc(POOL_CHUNK_RECORDS, p->record_size);
	if (!chunk)
		return false;
	p->chunks[p->chunks_count++] = chunk;
	return true;
}

uint32_t pool_add(struct pool *p)
{
	if (p->first_free) {
		uint32_t slot = p->first_free;
		memcpy(&p->first_free, pool_link(p, slot), POOL_LINK_SIZE);
		memset(pool_link(p, slot), 0, POOL_LINK_SIZE);
		return slot;
	}
	if (p->used == UINT32_MAX)
		return 0;
	if (p->used == p->chunks_count * POOL_CHUNK_RECORDS && !pool_grow(p))
		return 0;
	return ++p->used;
}

void pool_remove(struct pool *p, uint32_t slot)
{
	explicit_bzero(pool_at(p, slot), p->record_size);
	memcpy(pool_link(p, slot), &p->first_free, POOL_LINK_SIZE);
	p->first_free = slot;
}

size_t pool_bytes(const struct pool *p)
{
	return p->chunks_count * POOL_CHUNK_RECORDS * p->record_size +
	       p->chunks_room * sizeof *p->chunks;
}
