#include "keep/batch.h"

#include <stdlib.h>

bool batch_init(struct batch *b, size_t room)
{
	/* Pages that no burst has touched yet cost nothing, and no burst has to ask for memory. */
	*b = (struct batch){ .bytes = malloc(room), .room = room };
	return b->bytes != NULL;
}

void batch_done(struct batch *b)
{
	free(b->bytes);
	*b = (struct batch){ 0 };
}

bool batch_add(struct batch *b, uint64_t number, uint32_t version, const void *bytes,
               uint32_t length)
{
	const size_t size = segment_record_size(length);
	if (size > b->room - b->used)
		return false;
	segment_record_frame(b->bytes + b->used, number, version, bytes, length);
	b->used += size;
	return true;
}

bool batch_is_done(const struct batch *b)
{
	return b->durable == b->used;
}

size_t batch_left(const struct batch *b)
{
	return b->used - b->durable;
}

void batch_clear(struct batch *b)
{
	b->used = b->durable = 0;
}

struct batch_part batch_part(const struct batch *b, size_t room)
{
	struct batch_part part = { .bytes = b->bytes + b->durable };
	while (part.length < batch_left(b)) {
		const uint8_t *at = part.bytes + part.length;
		const size_t size = segment_record_framed_size(at);
		if (size > room - part.length)
			break;
		part.last = segment_record_framed_number(at);
		if (part.records++ == 0)
			part.first = part.last;
		part.length += size;
	}
	return part;
}

void batch_part_seal(const struct batch_part *part, const struct segment_key *key, off_t offset)
{
	for (size_t at = 0; at < part->length; at += segment_record_framed_size(part->bytes + at))
		segment_record_seal(part->bytes + at, key, offset + (off_t)at, part->first);
}

void batch_part_done(struct batch *b, const struct batch_part *part)
{
	b->durable += part->length;
}
