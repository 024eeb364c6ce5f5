#include "wire/outbox.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "support/bug.h"
#include "wire/frame.h"

#define OUTBOX_ROOM_FIRST 512

void outbox_done(struct outbox *o)
{
	free(o->bytes);
	*o = (struct outbox){ 0 };
}

/* Room for `length` bytes more behind those that wait. */
static bool outbox_reserve(struct outbox *o, size_t length)
{
	size_t used = outbox_used(o);
	size_t room = o->room > 0 ? o->room : OUTBOX_ROOM_FIRST;
	uint8_t *bytes;

	if (length <= o->room - o->end)
		return true;
	if (o->begin > 0) {
		memmove(o->bytes, o->bytes + o->begin, used);
		o->begin = 0;
		o->end = used;
	}
	while (room - used < length)
		room *= 2;
	if (room == o->room)
		return true;
	bytes = realloc(o->bytes, room);
	if (!bytes)
		return false;
	o->bytes = bytes;
	o->room = room;
	return true;
}

enum outbox_answer outbox_put(struct outbox *o, const void *message, size_t length,
                              size_t bytes_max)
{
	size_t used = outbox_used(o);
	size_t left = bytes_max > used ? bytes_max - used : 0;

	must(length > 0 && length <= UINT32_MAX);
	if (left < FRAME_HEADER_SIZE || length > left - FRAME_HEADER_SIZE)
		return OUTBOX_FULL;
	if (!outbox_reserve(o, FRAME_HEADER_SIZE + length))
		return OUTBOX_NO_MEMORY;
	frame_put_header(o->bytes + o->end, (uint32_t)length);
	memcpy(o->bytes + o->end + FRAME_HEADER_SIZE, message, length);
	o->end += FRAME_HEADER_SIZE + length;
	return OUTBOX_TAKEN;
}

void outbox_sent(struct outbox *o, size_t count)
{
	must(count <= outbox_used(o));
	o->begin += count;
	if (o->begin == o->end)
		outbox_done(o);
}
