/*
 * A checkpoint of arbitrary bytes. What opens as whole gives the same items twice, all of them
 * within the file, and ends.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keep/checkpoint.h"
#include "keep/crc32c.h"
#include "keep/little_endian.h"

struct input {
	const uint8_t *bytes;
	size_t size;
};

static const struct position start = { 7, 1, 2 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static int fuzz_open(void *context, const char *path, int flags)
{
	(void)context, (void)path, (void)flags;
	return 0;
}

static int fuzz_close(void *context, int fd)
{
	(void)context, (void)fd;
	return 0;
}

static ssize_t fuzz_pread(void *context, int fd, void *bytes, size_t length, off_t at)
{
	const struct input *input = context;
	const size_t left = (size_t)at < input->size ? input->size - (size_t)at : 0;
	const size_t part = left < length ? left : length;
	(void)fd;
	if (part > 0)
		memcpy(bytes, input->bytes + at, part);
	return (ssize_t)part;
}

/* Each sum goes on from the one before: the items are walked through and their sums made right. */
static void seal(uint8_t *bytes, size_t size)
{
	size_t at = CHECKPOINT_HEADER_BYTES;
	put_u32(bytes + at - 4, crc32c(0, bytes, at - 4));
	uint32_t sum = crc32c(0, bytes, at);
	while (size - at >= 8) {
		const uint32_t length = get_u32(bytes + at);
		const size_t follows = length == UINT32_MAX ? 16 : length;
		if (follows > size - at - 8)
			return;
		sum = crc32c(crc32c(sum, bytes + at, 4), bytes + at + 8, follows);
		put_u32(bytes + at + 4, sum);
		at += 8 + follows;
	}
}

static uint32_t read_all(const struct folder *folder, const struct input *input, bool *is_whole)
{
	struct checkpoint_reader reader;
	struct checkpoint_header header;
	const uint8_t *item;
	size_t length, total = CHECKPOINT_HEADER_BYTES;
	uint32_t sum = 0;
	*is_whole = checkpoint_open(&reader, folder, start, &header) == CHECKPOINT_WHOLE;
	if (!*is_whole)
		return 0;
	while (checkpoint_next(&reader, &item, &length)) {
		sum = crc32c(sum, item, length);
		total += 8 + length;
	}
	if (!reader.is_done || total + 24 != input->size)
		abort();
	checkpoint_close(&reader);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct folder folder;
	bool first, second;
	if (length < 1)
		return 0;
	const size_t size = length - 1;
	uint8_t *copy = malloc(size > 0 ? size : 1);
	if (copy == NULL)
		abort();
	memcpy(copy, bytes + 1, size);
	if ((bytes[0] & 1) && size >= CHECKPOINT_HEADER_BYTES)
		seal(copy, size);
	const struct input input = { copy, size };
	const struct disk disk = {
		.context = (void *)(uintptr_t)&input,
		.open = fuzz_open,
		.close = fuzz_close,
		.pread = fuzz_pread,
	};
	if (!folder_init(&folder, &disk, "/journal", start.node))
		abort();
	const uint32_t sum = read_all(&folder, &input, &first);
	if (sum != read_all(&folder, &input, &second) || first != second)
		abort();
	free(copy);
	return 0;
}
