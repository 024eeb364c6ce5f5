#include "decide/arena.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_CHUNKS_FIRST 16

void arena_done(struct arena *a)
{
	for (uint32_t i = 0; i < a->chunks_count; i++)
		free(a->chunks[i]);
	free(a->chunks);
	*a = (struct arena){ 0 };
}

static bool arena_grow(struct arena *a)
{
	if (a->chunks_count == ARENA_CHUNKS_MAX)
		return false;
	if (a->chunks_count == a->chunks_room) {
		uint32_t room = a->chunks_room ? a->chunks_room * 2 : ARENA_CHUNKS_FIRST;
		uint8_t **chunks = realloc(a->chunks, room * sizeof *chunks);
		if (!chunks)
			return false;
		a->chunks = chunks;
		a->chunks_room = room;
	}
	uint8_t *chunk = malloc(ARENA_CHUNK_BYTES);
	if (!chunk)
		return false;
	a->chunks[a->chunks_count++] = chunk;
	/* Mark 0 is "none": the first byte of the first chunk is nobody's. */
	a->used = a->chunks_count == 1 ? 1 : 0;
	return true;
}

uint32_t arena_add(struct arena *a, size_t length)
{
	if (length == 0 || length >= ARENA_CHUNK_BYTES)
		return 0;
	if ((a->chunks_count == 0 || length > ARENA_CHUNK_BYTES - a->used) && !arena_grow(a))
		return 0;
	uint32_t mark = (a->chunks_count - 1) << ARENA_CHUNK_BITS | a->used;
	a->used += (uint32_t)length;
	a->text += length;
	return mark;
}

void *arena_at(const struct arena *a, uint32_t mark)
{
	return a->chunks[mark >> ARENA_CHUNK_BITS] + (mark & (ARENA_CHUNK_BYTES - 1));
}

void arena_wipe(struct arena *a, uint32_t mark, size_t length)
{
	explicit_bzero(arena_at(a, mark), length);
	a->text -= length;
	a->waste += length;
}

size_t arena_bytes(const struct arena *a)
{
	return (size_t)a->chunks_count * ARENA_CHUNK_BYTES + a->chunks_room * sizeof *a->chunks;
}
