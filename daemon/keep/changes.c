#include "keep/changes.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 4096
#define HEAD_BYTES 8 /* length and kind */

void changes_done(struct changes *c)
{
	/* It may hold the last words about somebody who withdrew. */
	if (c->bytes)
		explicit_bzero(c->bytes, c->used);
	free(c->bytes);
	*c = (struct changes){ 0 };
}

bool changes_add(struct changes *c, enum row_kind kind, const uint8_t *bytes, size_t length)
{
	uint32_t head[2] = { (uint32_t)length, kind };

	if (length > ROW_BYTES_MAX)
		return false;
	if (HEAD_BYTES + length > c->room - c->used) {
		size_t room = c->room ? c->room * 2 : ROOM_FIRST;
		while (HEAD_BYTES + length > room - c->used)
			room *= 2;
		uint8_t *grown = realloc(c->bytes, room);
		if (!grown)
			return false;
		c->bytes = grown;
		c->room = room;
	}
	memcpy(c->bytes + c->used, head, HEAD_BYTES);
	memcpy(c->bytes + c->used + HEAD_BYTES, bytes, length);
	c->used += HEAD_BYTES + length;
	c->count++;
	return true;
}

bool changes_next(const struct changes *c, size_t *at, struct change *out)
{
	uint32_t head[2];

	if (*at >= c->used)
		return false;
	memcpy(head, c->bytes + *at, HEAD_BYTES);
	*out = (struct change){ .kind = (enum row_kind)head[1],
		                .bytes = c->bytes + *at + HEAD_BYTES,
		                .length = head[0] };
	*at += HEAD_BYTES + head[0];
	return true;
}
