/*
 * Any bytes, in any pieces, give the same messages as the same bytes read the plain way; and the
 * reader never holds more than a frame may have.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/frame.h"

#define MESSAGE_MAX 600

/* The plain way: the next message at *at, or why there is none. */
static enum frame_answer plain_next(const uint8_t *bytes, size_t size, size_t *at, size_t *length)
{
	size_t left = size - *at, announced;

	if (left < 4)
		return FRAME_PART;
	announced = (size_t)bytes[*at] << 24 | (size_t)bytes[*at + 1] << 16 |
	            (size_t)bytes[*at + 2] << 8 | bytes[*at + 3];
	if (announced == 0)
		return FRAME_EMPTY;
	if (announced > MESSAGE_MAX)
		return FRAME_OVERSIZED;
	if (announced > left - 4)
		return FRAME_PART;
	*at += 4 + announced;
	*length = announced;
	return FRAME_WHOLE;
}

static void feed(struct frame_reader *r, const uint8_t *bytes, size_t size)
{
	size_t room;
	uint8_t *to = frame_room(r, &room);

	if (!to || size > room)
		abort();
	memcpy(to, bytes, size);
	frame_added(r, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t put = 0, at = 0, piece, plain_length, length;
	const uint8_t *message;
	struct frame_reader r;

	if (size < 1)
		return 0;
	piece = (size_t)data[0] + 1;
	data++;
	size--;
	frame_init(&r, MESSAGE_MAX);
	for (;;) {
		enum frame_answer answer = frame_next(&r, &message, &length);
		if (r.begin > r.end || r.end > r.room || r.room > 4096)
			abort();
		if (answer == FRAME_PART && put < size) {
			size_t now = piece < size - put ? piece : size - put;
			feed(&r, data + put, now);
			put += now;
			continue;
		}
		if (answer != plain_next(data, put, &at, &plain_length))
			abort();
		if (answer != FRAME_WHOLE)
			break;
		if (length != plain_length || memcmp(message, data + at - length, length) != 0)
			abort();
	}
	frame_trim(&r);
	frame_done(&r);
	return 0;
}
