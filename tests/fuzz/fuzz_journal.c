/*
 * A journal's folder of arbitrary files, read as a start reads it: segments, checkpoints, in any
 * order and state. Whatever they hold, the reading ends, records come in order and within bounds,
 * and no more bytes are said to be bad than there are.
 *
 * The input is a list of files: kind and flags (1 byte), epoch (1), index (1), length (2,
 * big-endian), bytes. Behind the header of a file whose flag says so, sums are made right first, so
 * that what is tried is the meaning and not the sums.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keep/crc32c.h"
#include "keep/little_endian.h"
#include "keep/preamble.h"
#include "keep/recovery.h"

#define FILES_MAX 16
#define NODE      7

enum { FLAG_CHECKPOINT = 1, FLAG_SEALED = 2, FLAG_HEADER = 4 };

struct file {
	char name[FOLDER_NAME_SIZE];
	struct segment_key key;
	uint8_t *bytes;
	size_t size;
};

static struct file files[FILES_MAX];
static unsigned files_count;
static struct position last;
static size_t records, given, bad_bytes;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static int fuzz_open(void *context, const char *path, int flags)
{
	(void)context, (void)flags;
	for (unsigned i = 0; i < files_count; i++)
		if (strcmp(strrchr(path, '/') + 1, files[i].name) == 0)
			return (int)i;
	errno = ENOENT;
	return -1;
}

static int fuzz_close(void *context, int fd)
{
	(void)context, (void)fd;
	return 0;
}

static ssize_t fuzz_pread(void *context, int fd, void *bytes, size_t length, off_t at)
{
	(void)context;
	const struct file *file = &files[fd];
	const size_t left = (size_t)at < file->size ? file->size - (size_t)at : 0;
	const size_t part = left < length ? left : length;
	if (part > 0)
		memcpy(bytes, file->bytes + at, part);
	return (ssize_t)part;
}

static off_t fuzz_size(void *context, int fd)
{
	(void)context;
	return (off_t)files[fd].size;
}

static int fuzz_list(void *context, const char *path, void (*each)(void *arg, const char *name),
                     void *arg)
{
	(void)context, (void)path;
	for (unsigned i = 0; i < files_count; i++)
		each(arg, files[i].name);
	return 0;
}

static const struct disk disk = {
	.open = fuzz_open,
	.close = fuzz_close,
	.pread = fuzz_pread,
	.size = fuzz_size,
	.list = fuzz_list,
};

static bool on_item(void *context, uint32_t version, const uint8_t *bytes, size_t length)
{
	uint32_t sum = 0;
	(void)context, (void)version;
	for (size_t i = 0; i < length; i++)
		sum += bytes[i];
	given += length + (sum & 0); /* every byte can be read */
	return true;
}

static bool on_record(void *context, struct position position, uint32_t version,
                      const uint8_t *bytes, size_t length)
{
	if (records++ > 0 && position_compare(position, last) <= 0)
		abort();
	last = position;
	return on_item(context, version, bytes, length);
}

/* Right sums for every record that is somewhere in the file, and for the header if asked. */
static void seal_segment(struct file *file, bool header)
{
	for (size_t at = SEGMENT_HEADER_BYTES; at + SEGMENT_RECORD_HEADER_BYTES <= file->size;
	     at += 8) {
		uint8_t *record = file->bytes + at;
		if (memcmp(record, "TREC", 4) != 0 || get_u32(record + 8) > file->size)
			continue;
		if (segment_record_framed_size(record) <= file->size - at)
			segment_record_seal(record, &file->key, (off_t)at, get_u64(record + 24));
	}
	if (!header || file->size < SEGMENT_HEADER_BYTES)
		return;
	const struct segment_header h = {
		.key = file->key,
		.first = get_u64(file->bytes + 32),
		.after = { NODE, get_u32(file->bytes + 40), get_u64(file->bytes + 48) },
	};
	segment_header_write(file->bytes, &h);
}

/* A checkpoint's sums go on from one another, so the items are walked through. */
static void seal_checkpoint(struct file *file)
{
	static const char magic[PREAMBLE_MAGIC_BYTES] = { 't', 'o', 'c', 's', 'i', 'n', 'C', '\n' };
	size_t at = CHECKPOINT_HEADER_BYTES;
	if (file->size < at)
		return;
	preamble_write(file->bytes, magic, CHECKPOINT_FORMAT_VERSION);
	put_u32(file->bytes + 16, NODE);
	put_u32(file->bytes + 24, file->key.epoch);
	put_u64(file->bytes + 32, file->key.index);
	put_u32(file->bytes + at - 4, crc32c(0, file->bytes, at - 4));
	uint32_t sum = crc32c(0, file->bytes, at);
	while (file->size - at >= 8) {
		uint8_t *item = file->bytes + at;
		const uint32_t length = get_u32(item);
		const size_t follows = length == UINT32_MAX ? 16 : length;
		if (follows > file->size - at - 8)
			return;
		sum = crc32c(crc32c(sum, item, 4), item + 8, follows);
		put_u32(item + 4, sum);
		at += 8 + follows;
	}
}

static void add_file(const uint8_t *head, const uint8_t *bytes, size_t size)
{
	struct file *file = &files[files_count++];
	*file = (struct file){ .key = { NODE, head[1], head[2] }, .size = size };
	file->bytes =
	        malloc(size > 0 ? size : 1); /* its own, so that the sanitizer knows its end */
	if (file->bytes == NULL)
		abort();
	memcpy(file->bytes, bytes, size);
	if (head[0] & FLAG_CHECKPOINT)
		snprintf(file->name, sizeof(file->name), "%010u-%020u.checkpoint", head[1],
		         head[2]);
	else
		snprintf(file->name, sizeof(file->name), "%010u-%010u.segment", head[1], head[2]);
	if ((head[0] & FLAG_SEALED) && (head[0] & FLAG_CHECKPOINT))
		seal_checkpoint(file);
	else if (head[0] & FLAG_SEALED)
		seal_segment(file, (head[0] & FLAG_HEADER) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const struct recovery_calls calls = { NULL, on_item, on_record, NULL };
	struct recovery_report report;
	struct folder folder;
	size_t total = 0;
	files_count = 0;
	records = given = bad_bytes = 0;
	while (length >= 5 && files_count < FILES_MAX) {
		size_t size = (size_t)bytes[3] << 8 | bytes[4];
		if (size > length - 5)
			size = length - 5;
		add_file(bytes, bytes + 5, size);
		total += size;
		bytes += 5 + size;
		length -= 5 + size;
	}
	if (!folder_init(&folder, &disk, "/journal", NODE))
		abort();
	recovery_run(&folder, false, &calls, &report);
	if (given > total || records * SEGMENT_RECORD_HEADER_BYTES > total ||
	    report.bad_bytes + report.torn_bytes > total)
		abort();
	for (unsigned i = 0; i < files_count; i++)
		free(files[i].bytes);
	return 0;
}
