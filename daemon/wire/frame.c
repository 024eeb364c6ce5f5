#include "wire/frame.h"

#include <stdlib.h>
#include <string.h>

#include "support/bug.h"

/* One read of this size takes several ordinary messages at once. */
#define FRAME_ROOM_FIRST 4096

void frame_init(struct frame_reader *r, size_t message_max)
{
	*r = (struct frame_reader){ .message_max = message_max };
}

void frame_done(struct frame_reader *r)
{
	free(r->bytes);
	*r = (struct frame_reader){ 0 };
}

static uint32_t header_read(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
}

void frame_put_header(uint8_t out[static FRAME_HEADER_SIZE], uint32_t length)
{
	out[0] = (uint8_t)(length >> 24);
	out[1] = (uint8_t)(length >> 16);
	out[2] = (uint8_t)(length >> 8);
	out[3] = (uint8_t)length;
}

/* The largest half-read frame fits exactly, so that a reader never grows past it. */
static size_t room_max(const struct frame_reader *r)
{
	size_t frame_max = FRAME_HEADER_SIZE + r->message_max;
	return frame_max > FRAME_ROOM_FIRST ? frame_max : FRAME_ROOM_FIRST;
}

static bool grow(struct frame_reader *r)
{
	size_t room = r->room > 0 ? r->room : FRAME_ROOM_FIRST / 2;
	uint8_t *bytes;

	room = room > room_max(r) / 2 ? room_max(r) : room * 2;
	bytes = realloc(r->bytes, room);
	if (!bytes)
		return false;
	r->bytes = bytes;
	r->room = room;
	return true;
}

uint8_t *frame_room(struct frame_reader *r, size_t *room)
{
	if (r->begin > 0) {
		memmove(r->bytes, r->bytes + r->begin, r->end - r->begin);
		r->end -= r->begin;
		r->begin = 0;
	}
	if (r->end == r->room) {
		/* A whole frame was left standing: the caller did not take what there is. */
		if (BUG(r->room >= room_max(r)))
			return NULL;
		if (!grow(r))
			return NULL;
	}
	*room = r->room - r->end;
	return r->bytes + r->end;
}

void frame_added(struct frame_reader *r, size_t count)
{
	must(count <= r->room - r->end);
	r->end += count;
}

enum frame_answer frame_next(struct frame_reader *r, const uint8_t **message, size_t *length)
{
	size_t left = r->end - r->begin;
	uint32_t announced;

	if (left < FRAME_HEADER_SIZE)
		return FRAME_PART;
	announced = header_read(r->bytes + r->begin);
	if (announced == 0)
		return FRAME_EMPTY;
	if (announced > r->message_max)
		return FRAME_OVERSIZED;
	if (announced > left - FRAME_HEADER_SIZE)
		return FRAME_PART;
	*message = r->bytes + r->begin + FRAME_HEADER_SIZE;
	*length = announced;
	r->begin += FRAME_HEADER_SIZE + announced;
	return FRAME_WHOLE;
}

void frame_trim(struct frame_reader *r)
{
	if (r->begin < r->end || !r->bytes)
		return;
	free(r->bytes);
	r->bytes = NULL;
	r->begin = r->end = r->room = 0;
}
