/*
 * What waits to be sent on one link: framed messages behind one another in one buffer, so that all
 * of a turn leave with one write. It grows by need up to the caller's ceiling and holds no memory
 * when it is empty.
 *
 * Invariant: begin <= end <= room; bytes [begin, end) wait.
 */
#ifndef TOCSIN_WIRE_OUTBOX_H
#define TOCSIN_WIRE_OUTBOX_H

#include <stddef.h>
#include <stdint.h>

enum outbox_answer { OUTBOX_TAKEN, OUTBOX_FULL, OUTBOX_NO_MEMORY };

struct outbox { /* all zero is an empty one */
	uint8_t *bytes;
	size_t begin, end, room;
};

void outbox_done(struct outbox *o);

/* Appends the frame of one message of 1 to UINT32_MAX bytes, whole or not at all; not if more than
 * `bytes_max` would wait. */
enum outbox_answer outbox_put(struct outbox *o, const void *message, size_t length,
                              size_t bytes_max);

static inline size_t outbox_used(const struct outbox *o)
{
	return o->end - o->begin;
}
void outbox_sent(struct outbox *o, size_t count); /* that many from the front are gone */

#endif
