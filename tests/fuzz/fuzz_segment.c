/*
 * One segment of arbitrary bytes: looked at everywhere, scanned from everywhere. What passes as a
 * record lies within the file, and a scan that says "none" agrees with every single look.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keep/segment.h"

struct input {
	const uint8_t *bytes;
	size_t size;
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static int fuzz_close(void *context, int fd)
{
	(void)context, (void)fd;
	return 0;
}

/* Every third block of 4 KiB cannot be read when the input says so. */
static ssize_t fuzz_pread(void *context, int fd, void *bytes, size_t length, off_t at)
{
	const struct input *input = context;
	const size_t left = (size_t)at < input->size ? input->size - (size_t)at : 0;
	const size_t part = left < length ? left : length;
	for (size_t block = (size_t)at / 4096; fd == 1 && block * 4096 < (size_t)at + part; block++)
		if (block % 3 == 2) {
			errno = EIO;
			return -1;
		}
	if (part > 0)
		memcpy(bytes, input->bytes + at, part);
	return (ssize_t)part;
}

static off_t fuzz_size(void *context, int fd)
{
	(void)fd;
	return (off_t)((const struct input *)context)->size;
}

static void check(const struct segment_record *record, const struct input *input, off_t at)
{
	if (record->offset != at || record->end > (off_t)input->size || record->end <= at ||
	    record->length > SEGMENT_PAYLOAD_BYTES_MAX)
		abort();
	for (uint32_t i = 0; i < record->length; i++)
		if (record->bytes[i] != input->bytes[at + SEGMENT_RECORD_HEADER_BYTES + i])
			abort();
}

static void scan(struct segment_view *view, const struct input *input)
{
	struct segment_record record;
	struct segment_header header;
	off_t at = 0, found = 0;
	segment_view_header(view, &header);
	while (segment_view_resync(view, at, 0, &record)) {
		check(&record, input, record.offset);
		for (off_t between = at + (8 - at % 8) % 8; between < record.offset; between += 8) {
			struct segment_record other;
			if (segment_view_look(view, between, &other) && other.number > 0)
				abort();
		}
		at = record.offset + 8;
		found++;
	}
	if (segment_view_last_byte(view, 0) > (off_t)input->size || found > (off_t)input->size / 32)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const struct segment_key key = { 7, 1, 0 };
	if (length < 1)
		return 0;
	const size_t size = length - 1;
	uint8_t *copy = malloc(size > 0 ? size : 1);
	if (copy == NULL)
		abort();
	memcpy(copy, bytes + 1, size);
	const struct input input = { copy, size };
	const struct disk disk = {
		.context = (void *)(uintptr_t)&input,
		.close = fuzz_close,
		.pread = fuzz_pread,
		.size = fuzz_size,
	};
	/* Sums made right where a record might be, so that lengths and numbers are tried and not
	 * sums. */
	for (size_t at = 0; (bytes[0] & 1) && at + SEGMENT_RECORD_HEADER_BYTES <= size; at += 8)
		if (memcmp(copy + at, "TREC", 4) == 0 && copy[at + 11] == 0 &&
		    segment_record_framed_size(copy + at) <= size - at)
			segment_record_seal(copy + at, &key, (off_t)at, 1);
	struct segment_view view;
	if (segment_view_init(&view, &disk, bytes[0] & 2 ? 1 : 0, &key)) {
		if (!(bytes[0] & 2))
			scan(&view, &input);
		else {
			struct segment_record record;
			for (off_t at = 0; at < (off_t)size; at += 8)
				if (segment_view_look(&view, at, &record) &&
				    record.end > (off_t)size)
					abort();
		}
		segment_view_done(&view);
	}
	free(copy);
	return 0;
}
