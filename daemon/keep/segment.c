#include "keep/segment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keep/crc32c.h"
#include "keep/little_endian.h"
#include "keep/preamble.h"
#include "support/bug.h"

#define SEGMENT_READ_BYTES  (64 * 1024)
#define SEGMENT_BLOCK_BYTES 4096
#define SEGMENT_WINDOW_BYTES                                                                       \
	(SEGMENT_RECORD_HEADER_BYTES + SEGMENT_PAYLOAD_BYTES_MAX + SEGMENT_ALIGNMENT)
#define SEGMENT_RECORD_MAGIC 0x43455254u /* "TREC" */

static const char magic[PREAMBLE_MAGIC_BYTES] = { 't', 'o', 'c', 's', 'i', 'n', 'J', '\n' };

static bool bytes_are_zero(const uint8_t *at, size_t length)
{
	return length == 0 || (at[0] == 0 && memcmp(at, at + 1, length - 1) == 0);
}

/* The sum of a framed record that stands at `offset` of the file `key`. */
static uint32_t record_sum(const uint8_t *at, size_t size, const struct segment_key *key,
                           off_t offset)
{
	uint8_t place[20];
	put_u32(place, key->node);
	put_u32(place + 4, key->epoch);
	put_u32(place + 8, key->index);
	put_u64(place + 12, (uint64_t)offset);
	return crc32c(crc32c(0, place, sizeof(place)), at + 8, size - 8);
}

size_t segment_record_size(size_t length)
{
	const size_t size = SEGMENT_RECORD_HEADER_BYTES + length;
	return (size + SEGMENT_ALIGNMENT - 1) / SEGMENT_ALIGNMENT * SEGMENT_ALIGNMENT;
}

void segment_header_write(uint8_t out[static SEGMENT_HEADER_BYTES],
                          const struct segment_header *header)
{
	memset(out, 0, SEGMENT_HEADER_BYTES);
	preamble_write(out, magic, SEGMENT_FORMAT_VERSION);
	put_u32(out + 16, header->key.node);
	put_u32(out + 20, header->key.epoch);
	put_u32(out + 24, header->key.index);
	put_u32(out + 28, header->record_version);
	put_u64(out + 32, header->first);
	put_u32(out + 40, header->after.epoch);
	put_u64(out + 48, header->after.number);
	put_u64(out + 56, (uint64_t)header->created.us);
	put_u32(out + SEGMENT_HEADER_BYTES - 4, crc32c(0, out, SEGMENT_HEADER_BYTES - 4));
}

void segment_record_frame(uint8_t *at, uint64_t number, uint32_t version, const void *bytes,
                          uint32_t length)
{
	const size_t size = segment_record_size(length);
	put_u32(at, SEGMENT_RECORD_MAGIC);
	put_u32(at + 4, 0);
	put_u32(at + 8, length);
	put_u32(at + 12, version);
	put_u64(at + 16, number);
	put_u64(at + 24, 0);
	memcpy(at + SEGMENT_RECORD_HEADER_BYTES, bytes, length);
	memset(at + SEGMENT_RECORD_HEADER_BYTES + length, 0,
	       size - SEGMENT_RECORD_HEADER_BYTES - length);
}

size_t segment_record_framed_size(const uint8_t *at)
{
	return segment_record_size(get_u32(at + 8));
}

uint64_t segment_record_framed_number(const uint8_t *at)
{
	return get_u64(at + 16);
}

void segment_record_seal(uint8_t *at, const struct segment_key *key, off_t offset, uint64_t batch)
{
	put_u64(at + 24, batch);
	put_u32(at + 4, record_sum(at, segment_record_framed_size(at), key, offset));
}

enum segment_header_state segment_header_read(const uint8_t in[static SEGMENT_HEADER_BYTES],
                                              const struct segment_key *key,
                                              struct segment_header *out)
{
	if (bytes_are_zero(in, SEGMENT_HEADER_BYTES))
		return SEGMENT_HEADER_BLANK;
	/* Before the sum: a later format may put its own elsewhere. */
	const enum preamble preamble = preamble_read(in, magic, SEGMENT_FORMAT_VERSION);
	if (preamble == PREAMBLE_NEWER)
		return SEGMENT_HEADER_NEWER;
	if (preamble == PREAMBLE_BAD ||
	    get_u32(in + SEGMENT_HEADER_BYTES - 4) != crc32c(0, in, SEGMENT_HEADER_BYTES - 4))
		return SEGMENT_HEADER_BAD;
	const struct segment_key found = { get_u32(in + 16), get_u32(in + 20), get_u32(in + 24) };
	*out = (struct segment_header){
		.key = found,
		.record_version = get_u32(in + 28),
		.first = get_u64(in + 32),
		.after = { found.node, get_u32(in + 40), get_u64(in + 48) },
		.created = { (int64_t)get_u64(in + 56) },
	};
	if (found.node != key->node || found.epoch != key->epoch || found.index != key->index)
		return SEGMENT_HEADER_FOREIGN;
	return SEGMENT_HEADER_WHOLE;
}

bool segment_record_read(const uint8_t *at, size_t left, const struct segment_key *key,
                         off_t offset, struct segment_record *out)
{
	if (left < SEGMENT_RECORD_HEADER_BYTES || get_u32(at) != SEGMENT_RECORD_MAGIC)
		return false;
	const uint32_t length = get_u32(at + 8);
	if (length > SEGMENT_PAYLOAD_BYTES_MAX)
		return false;
	const size_t size = segment_record_size(length);
	if (size > left || get_u32(at + 4) != record_sum(at, size, key, offset))
		return false;
	*out = (struct segment_record){
		.number = get_u64(at + 16),
		.batch = get_u64(at + 24),
		.version = get_u32(at + 12),
		.length = length,
		.bytes = at + SEGMENT_RECORD_HEADER_BYTES,
		.offset = offset,
		.end = offset + (off_t)size,
	};
	return true;
}

/* What is left of the file from `offset` on, up to `room`. */
static size_t view_left(const struct segment_view *view, off_t offset, size_t room)
{
	if (offset < 0 || offset >= view->size)
		return 0;
	const off_t left = view->size - offset;
	return left < (off_t)room ? (size_t)left : room;
}

/* Reads as much as is there; a block that cannot be read is given as zeros and counted, so that one
 * bad sector costs the records that lie on it and no other. */
static size_t view_read(struct segment_view *view, off_t offset, uint8_t *out, size_t length)
{
	length = view_left(view, offset, length);
	const ssize_t got = disk_read_all(view->disk, view->fd, out, length, offset);
	if (got >= 0) {
		memset(out + got, 0, length - (size_t)got);
		return length;
	}
	for (size_t at = 0; at < length;) {
		size_t block =
		        SEGMENT_BLOCK_BYTES - (size_t)((offset + (off_t)at) % SEGMENT_BLOCK_BYTES);
		if (block > length - at)
			block = length - at;
		const ssize_t part =
		        disk_read_all(view->disk, view->fd, out + at, block, offset + (off_t)at);
		if (part < 0)
			view->unreadable++;
		memset(out + at + (part > 0 ? part : 0), 0, block - (size_t)(part > 0 ? part : 0));
		at += block;
	}
	return length;
}

/* The bytes at `offset`, at least `wanted` of them unless the file ends before; fresh from the
 * disk. */
static void view_fill(struct segment_view *view, off_t offset, size_t wanted)
{
	if (wanted < SEGMENT_READ_BYTES)
		wanted = SEGMENT_READ_BYTES;
	view->from = offset;
	view->length = view_read(view, offset, view->bytes, wanted);
}

static bool view_holds(const struct segment_view *view, off_t offset)
{
	return offset >= view->from && offset - view->from < (off_t)view->length;
}

/* The record at `offset` of what the window holds now. */
static bool view_record(const struct segment_view *view, off_t offset, struct segment_record *out)
{
	if (!view_holds(view, offset))
		return false;
	const size_t skip = (size_t)(offset - view->from);
	return segment_record_read(view->bytes + skip, view->length - skip, &view->key, offset,
	                           out);
}

bool segment_view_init(struct segment_view *view, const struct disk *disk, int fd,
                       const struct segment_key *key)
{
	*view = (struct segment_view){ .disk = disk, .fd = fd, .key = *key };
	view->size = disk->size(disk->context, fd);
	if (view->size < 0)
		return false;
	view->bytes = malloc(SEGMENT_WINDOW_BYTES);
	return view->bytes != NULL;
}

void segment_view_done(struct segment_view *view)
{
	free(view->bytes);
	view->disk->close(view->disk->context, view->fd);
	view->bytes = NULL;
	view->fd = -1;
}

enum segment_header_state segment_view_header(struct segment_view *view, struct segment_header *out)
{
	uint8_t bytes[SEGMENT_HEADER_BYTES] = { 0 };
	if (view_read(view, 0, bytes, sizeof(bytes)) < sizeof(bytes))
		return bytes_are_zero(bytes, sizeof(bytes)) ? SEGMENT_HEADER_BLANK
		                                            : SEGMENT_HEADER_BAD;
	return segment_header_read(bytes, &view->key, out);
}

bool segment_view_look(struct segment_view *view, off_t offset, struct segment_record *out)
{
	if (view_record(view, offset, out))
		return true;
	if (view_left(view, offset, SEGMENT_RECORD_HEADER_BYTES) < SEGMENT_RECORD_HEADER_BYTES)
		return false;
	view_fill(view, offset, 0);
	if (get_u32(view->bytes) != SEGMENT_RECORD_MAGIC)
		return false;
	const uint32_t length = get_u32(view->bytes + 8);
	if (length > SEGMENT_PAYLOAD_BYTES_MAX)
		return false;
	if (segment_record_size(length) > view->length)
		view_fill(view, offset, segment_record_size(length));
	return view_record(view, offset, out);
}

bool segment_view_resync(struct segment_view *view, off_t offset, uint64_t above,
                         struct segment_record *out)
{
	offset += (SEGMENT_ALIGNMENT - offset % SEGMENT_ALIGNMENT) % SEGMENT_ALIGNMENT;
	/* The magic first: sums are only taken where a record may begin. */
	for (; view_left(view, offset, SEGMENT_RECORD_HEADER_BYTES) == SEGMENT_RECORD_HEADER_BYTES;
	     offset += SEGMENT_ALIGNMENT) {
		if (!view_holds(view, offset) ||
		    view->from + (off_t)view->length - offset < SEGMENT_ALIGNMENT)
			view_fill(view, offset, 0);
		if (get_u32(view->bytes + (offset - view->from)) == SEGMENT_RECORD_MAGIC &&
		    segment_view_look(view, offset, out) && out->number > above)
			return true;
	}
	return false;
}

off_t segment_view_last_byte(struct segment_view *view, off_t offset)
{
	off_t last = offset;
	for (off_t at = offset; view_left(view, at, 1) == 1; at += (off_t)view->length) {
		view_fill(view, at, 0);
		if (bytes_are_zero(view->bytes, view->length))
			continue;
		size_t end = view->length;
		while (view->bytes[end - 1] == 0)
			end--;
		last = at + (off_t)end;
	}
	return last;
}

size_t segment_view_copy(struct segment_view *view, off_t offset, uint8_t *out, size_t room)
{
	return view_read(view, offset, out, room);
}
