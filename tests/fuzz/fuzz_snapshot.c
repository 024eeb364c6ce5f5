/*
 * A snapshot of any bytes: read to its end or refused, with a reason. One that was written and then
 * changed in any byte that counts is never whole.
 *
 * The first byte chooses: the rest is the file as it is, or rows to be written, read back and
 * damaged in one byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keep/snapshot.h"

#define FILE_BYTES_MAX (1 << 20)
#define HEADER_SUMMED  128 /* after it, up to the rows: marks with sums of their own, and nothing  \
	                    */
#define FIRST_ROW 4096

/* One file, in memory. */
static uint8_t file[FILE_BYTES_MAX];
static size_t file_length;

static int memory_open(void *context, const char *path, int flags)
{
	(void)context;
	(void)path;
	if (flags & O_CREAT)
		file_length = 0;
	return 3;
}

static int memory_close(void *context, int fd)
{
	(void)context;
	(void)fd;
	return 0;
}

static ssize_t memory_pread(void *context, int fd, void *bytes, size_t length, off_t at)
{
	(void)context;
	(void)fd;
	size_t left = (size_t)at < file_length ? file_length - (size_t)at : 0;
	if (length > left)
		length = left;
	memcpy(bytes, file + at, length);
	return (ssize_t)length;
}

static ssize_t memory_pwrite(void *context, int fd, const void *bytes, size_t length, off_t at)
{
	(void)context;
	(void)fd;
	if (length > FILE_BYTES_MAX - (size_t)at) {
		errno = ENOSPC;
		return -1;
	}
	memcpy(file + at, bytes, length);
	file_length = (size_t)at + length;
	return (ssize_t)length;
}

static off_t memory_size(void *context, int fd)
{
	(void)context;
	(void)fd;
	return (off_t)file_length;
}

static int memory_sync(void *context, int fd)
{
	(void)context;
	(void)fd;
	return 0;
}

static void memory_start_writing(void *context, int fd, off_t at, off_t length)
{
	(void)context;
	(void)fd;
	(void)at;
	(void)length;
}

static int memory_rename(void *context, const char *from, const char *to)
{
	(void)context;
	(void)from;
	(void)to;
	return 0;
}

static int memory_path(void *context, const char *path)
{
	(void)context;
	(void)path;
	return 0;
}

static const struct disk memory = { .open = memory_open,
	                            .close = memory_close,
	                            .pread = memory_pread,
	                            .pwrite = memory_pwrite,
	                            .size = memory_size,
	                            .fsync = memory_sync,
	                            .fdatasync = memory_sync,
	                            .start_writing = memory_start_writing,
	                            .rename = memory_rename,
	                            .unlink = memory_path,
	                            .sync_folder = memory_path };

/* Reads it all; how many rows there were. */
static enum snapshot_state read_all(unsigned *rows)
{
	struct snapshot_reader r;
	struct snapshot_about about;
	enum snapshot_state state = snapshot_open(&r, &memory, "f", SNAPSHOT_REGISTRY, &about);
	enum row_kind kind;
	const uint8_t *bytes;
	size_t length;
	uint8_t last = 0;

	*rows = 0;
	while (state == SNAPSHOT_WHOLE && snapshot_next(&r, &state, &kind, &bytes, &length)) {
		++*rows;
		for (size_t i = 0; i < length; i++)
			last ^= bytes[i]; /* every byte of it is there */
	}
	if ((state == SNAPSHOT_WHOLE) != (r.why[0] == '\0') || (last == 1 && *rows == UINT32_MAX))
		abort();
	snapshot_close(&r);
	return state;
}

static void write_and_damage(const uint8_t *data, size_t size)
{
	static const struct snapshot_about about = { .kind = SNAPSHOT_REGISTRY, .version = 1 };
	struct snapshot_writer w;
	unsigned written = 0, rows;

	if (size < 4 || !snapshot_begin(&w, &memory, "f", &about))
		return;
	size_t at = (size_t)data[0] << 8 | data[1];
	uint8_t change = data[2] ? data[2] : 1;
	for (data += 3, size -= 3; size > 0; written++) {
		size_t length = data[0] < size - 1 ? data[0] : size - 1;
		if (!snapshot_add(&w, ROW_SITE, data + 1, length))
			abort();
		data += length + 1;
		size -= length + 1;
	}
	if (!snapshot_end(&w) || read_all(&rows) != SNAPSHOT_WHOLE || rows != written)
		abort();
	/* A byte of the header that is summed, or one of the rows. */
	at %= file_length - FIRST_ROW + HEADER_SUMMED;
	if (at >= HEADER_SUMMED)
		at += FIRST_ROW - HEADER_SUMMED;
	file[at] ^= change;
	if (read_all(&rows) == SNAPSHOT_WHOLE)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned rows;

	if (size < 1 || size > FILE_BYTES_MAX / 4)
		return 0;
	if (data[0] % 2) {
		write_and_damage(data + 1, size - 1);
		return 0;
	}
	memcpy(file, data + 1, size - 1);
	file_length = size - 1;
	read_all(&rows);
	snapshot_see(&memory, "f", (struct wall){ 1 });
	return 0;
}
