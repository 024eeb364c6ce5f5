/*
 * Memory for one batch: handed out from blocks, given back all at once. As protobuf-c's allocator
 * it lets thousands of unpacked records live until their batch is written, without a free for each.
 */
#ifndef TOCSIN_KEEP_SCRATCH_H
#define TOCSIN_KEEP_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

struct scratch_block;

struct scratch {
	struct scratch_block *blocks; /* the newest first */
	ProtobufCAllocator allocator; /* for unpack: never free what it gave */
	bool failed;                  /* memory ran out, since it was cleared */
};

void scratch_init(struct scratch *s); /* the address is kept in its allocator: it must not move */
void scratch_done(struct scratch *s);
void scratch_clear(struct scratch *s);               /* keeps one block for the next batch */
void *scratch_alloc(struct scratch *s, size_t size); /* aligned for anything; NULL: no memory */

#endif
