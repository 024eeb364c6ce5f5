#include "keep/scratch.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define SCRATCH_BLOCK_BYTES (256u * 1024)

struct scratch_block {
	struct scratch_block *next;
	size_t used, room;
	_Alignas(max_align_t) unsigned char bytes[];
};

static void *allocate(void *scratch, size_t size)
{
	return scratch_alloc(scratch, size);
}

static void leave(void *scratch, void *pointer)
{
	(void)scratch;
	(void)pointer; /* goes with its batch */
}

void scratch_init(struct scratch *s)
{
	*s = (struct scratch){ .allocator = { allocate, leave, s } };
}

static void free_from(struct scratch_block *b)
{
	while (b != NULL) {
		struct scratch_block *next = b->next;
		free(b);
		b = next;
	}
}

void scratch_done(struct scratch *s)
{
	free_from(s->blocks);
	s->blocks = NULL;
}

void scratch_clear(struct scratch *s)
{
	s->failed = false;
	if (s->blocks == NULL)
		return;
	free_from(s->blocks->next);
	s->blocks->next = NULL;
	s->blocks->used = 0;
}

void *scratch_alloc(struct scratch *s, size_t size)
{
	size_t step = _Alignof(max_align_t);
	struct scratch_block *b = s->blocks;

	if (size > SIZE_MAX / 2) {
		s->failed = true;
		return NULL;
	}
	size = (size + step - 1) / step * step;
	if (b == NULL || size > b->room - b->used) {
		size_t room = size > SCRATCH_BLOCK_BYTES ? size : SCRATCH_BLOCK_BYTES;
		b = malloc(sizeof *b + room);
		if (b == NULL) {
			s->failed = true;
			return NULL;
		}
		*b = (struct scratch_block){ .next = s->blocks, .room = room };
		s->blocks = b;
	}
	void *at = b->bytes + b->used;
	b->used += size;
	return at;
}
