/*
 * Records on their way to the disk: framed one after the other in one bounded buffer.
 *
 * The journal has two, one that gathers while the other is written, and swaps them. A batch is
 * written from its front; what a failed write leaves in it goes to another file, sealed anew.
 * Not thread-safe: whoever holds it, holds it alone.
 */
#ifndef TOCSIN_KEEP_BATCH_H
#define TOCSIN_KEEP_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "keep/segment.h"

struct batch {
	uint8_t *bytes;
	size_t room;
	size_t used;    /* framed */
	size_t durable; /* of these, from the front: done with */
};

/* Some whole records from the front of what is not durable yet. */
struct batch_part {
	uint8_t *bytes;
	size_t length;
	uint64_t first, last, records;
};

bool batch_init(struct batch *b, size_t room); /* false: no memory */
void batch_done(struct batch *b);
bool batch_add(struct batch *b, uint64_t number, uint32_t version, const void *bytes,
	       uint32_t length); /* false: it does not fit any more */
bool batch_is_done(const struct batch *b); /* nothing left to write */
size_t batch_left(const struct batch *b);  /* bytes not durable yet */
void batch_clear(struct batch *b);

/* As many records as fit in `room` bytes of a file; length 0 when not even the first does. */
struct batch_part batch_part(const struct batch *b, size_t room);
void batch_part_seal(const struct batch_part *part, const struct segment_key *key, off_t offset);
void batch_part_done(struct batch *b, const struct batch_part *part);

#endif
