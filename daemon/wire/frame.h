/*
 * Frames: a 4-byte big-endian length, then one message of that many bytes.
 *
 * A pure incremental reader: wire/link puts in what the peer sent, in pieces of any size, and takes
 * whole messages out. It never looks into a message. Its memory grows with what has arrived, never
 * with what a peer announces, and a reader without a half-read frame holds none.
 *
 * Invariant: begin <= end <= room; bytes [begin, end) have arrived and were not given out yet, and
 * `begin` stands on the first byte of a frame.
 */
#ifndef TOCSIN_WIRE_FRAME_H
#define TOCSIN_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEADER_SIZE 4

enum frame_answer {
	FRAME_WHOLE,     /* one message was given out */
	FRAME_PART,      /* more bytes are needed */
	FRAME_EMPTY,     /* a frame of length 0: a peer's error */
	FRAME_OVERSIZED, /* a frame longer than message_max: a peer's error */
};

struct frame_reader {
	uint8_t *bytes; /* NULL when room is 0 */
	size_t begin, end, room;
	size_t message_max;
};

void frame_init(struct frame_reader *r, size_t message_max);
void frame_done(struct frame_reader *r);

/* Where the next bytes of the peer go, *room >= 1 of them; then frame_added says how many came. To
 * be asked only after frame_next answered FRAME_PART. NULL: no memory. */
uint8_t *frame_room(struct frame_reader *r, size_t *room);
void frame_added(struct frame_reader *r, size_t count);

/* FRAME_WHOLE lends the message until the next call on this reader. An error stays: it is answered
 * again at each call. */
enum frame_answer frame_next(struct frame_reader *r, const uint8_t **message, size_t *length);

/* Bytes that came and were not given out. */
static inline size_t frame_pending(const struct frame_reader *r)
{
	return r->end - r->begin;
}

/* Gives the memory back when nothing is pending. */
void frame_trim(struct frame_reader *r);

void frame_put_header(uint8_t out[static FRAME_HEADER_SIZE], uint32_t length);

#endif
