#include "keep/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keep/crc32c.h"
#include "keep/little_endian.h"
#include "keep/preamble.h"
#include "support/text.h"

#define MAGIC          "tocsinR\n"
#define HEADER_BYTES   4096
#define HEADER_SUMMED  124
#define SEEN_AT_FIRST  512
#define SEEN_AT_SECOND 1024
#define SEEN_BYTES     12
#define ITEM_HEAD      8
#define END_BYTES      16
#define END_MARK       UINT32_MAX
#define BUFFER_BYTES   (1u << 18)

static uint32_t item_sum(uint32_t sum, uint32_t length, const uint8_t *bytes, size_t size)
{
	uint8_t head[4];

	put_u32(head, length);
	return crc32c(crc32c(sum, head, sizeof head), bytes, size);
}

static void seen_write(uint8_t out[static SEEN_BYTES], struct wall seen_at)
{
	put_u64(out, (uint64_t)seen_at.us);
	put_u32(out + 8, crc32c(0, out, 8));
}

/* Not set when torn or never written. */
static struct wall seen_read(const uint8_t in[static SEEN_BYTES])
{
	bool is_whole = get_u32(in + 8) == crc32c(0, in, 8);

	return (struct wall){ is_whole ? (int64_t)get_u64(in) : 0 };
}

static void header_write(uint8_t out[static HEADER_BYTES], const struct snapshot_about *about)
{
	memset(out, 0, HEADER_BYTES);
	preamble_write(out, MAGIC, SNAPSHOT_FORMAT_VERSION);
	put_u32(out + 16, about->kind);
	put_u64(out + 24, about->version);
	put_u64(out + 32, (uint64_t)about->changed_at.us);
	put_u64(out + 40, (uint64_t)about->seen_at.us);
	put_u32(out + HEADER_SUMMED, crc32c(0, out, HEADER_SUMMED));
}

/* ---- writing ---- */

void snapshot_abandon(struct snapshot_writer *w)
{
	int error = errno;

	if (w->fd < 0)
		return;
	w->disk->close(w->disk->context, w->fd);
	w->disk->unlink(w->disk->context, w->unfinished);
	free(w->bytes);
	w->bytes = NULL;
	w->fd = -1;
	errno = error;
}

static bool writer_fail(struct snapshot_writer *w)
{
	snapshot_abandon(w);
	return false;
}

static bool writer_flush(struct snapshot_writer *w)
{
	const struct disk *disk = w->disk;

	if (disk_write_all(disk, w->fd, w->bytes, w->used, w->at) != 0)
		return false;
	/* On its way at once, so that the sync at the end is short: the journal may share this
	 * disk. */
	disk->start_writing(disk->context, w->fd, w->at, (off_t)w->used);
	w->at += (off_t)w->used;
	w->used = 0;
	return true;
}

static bool writer_put(struct snapshot_writer *w, const void *bytes, size_t length)
{
	const uint8_t *from = bytes;

	while (length > 0) {
		size_t part = BUFFER_BYTES - w->used < length ? BUFFER_BYTES - w->used : length;
		memcpy(w->bytes + w->used, from, part);
		w->used += part;
		from += part;
		length -= part;
		if (w->used == BUFFER_BYTES && !writer_flush(w))
			return false;
	}
	return true;
}

bool snapshot_begin(struct snapshot_writer *w, const struct disk *disk, const char *path,
                    const struct snapshot_about *about)
{
	*w = (struct snapshot_writer){ .disk = disk, .fd = -1 };
	if (!TEXT_COPY(w->path, path) || !TEXT_COPY(w->unfinished, path) ||
	    !text_add(w->unfinished, sizeof w->unfinished, ".tmp")) {
		errno = ENAMETOOLONG;
		return false;
	}
	/* What an earlier run did not finish. */
	if (disk->unlink(disk->context, w->unfinished) != 0 && errno != ENOENT)
		return false;
	w->bytes = malloc(BUFFER_BYTES);
	if (!w->bytes)
		return false;
	w->fd = disk->open(disk->context, w->unfinished, O_WRONLY | O_CREAT | O_EXCL);
	if (w->fd < 0) {
		free(w->bytes);
		return false;
	}
	header_write(w->bytes, about);
	w->used = HEADER_BYTES;
	w->sum = get_u32(w->bytes + HEADER_SUMMED);
	return true;
}

bool snapshot_add(struct snapshot_writer *w, enum row_kind kind, const uint8_t *bytes,
                  size_t length)
{
	uint8_t head[ITEM_HEAD + 1];

	if (w->fd < 0 || length >= ROW_BYTES_MAX) {
		errno = w->fd < 0 ? EBADF : EMSGSIZE;
		return writer_fail(w);
	}
	head[ITEM_HEAD] = (uint8_t)kind;
	w->sum = item_sum(w->sum, (uint32_t)length + 1, head + ITEM_HEAD, 1);
	w->sum = crc32c(w->sum, bytes, length);
	put_u32(head, (uint32_t)length + 1);
	put_u32(head + 4, w->sum);
	w->items++;
	return (writer_put(w, head, sizeof head) && writer_put(w, bytes, length)) || writer_fail(w);
}

static bool sync_folder_of(const struct disk *disk, const char *path)
{
	char copy[SNAPSHOT_PATH_SIZE];

	TEXT_COPY(copy, path);
	return disk->sync_folder(disk->context, dirname(copy)) == 0;
}

bool snapshot_end(struct snapshot_writer *w)
{
	const struct disk *disk = w->disk;
	uint8_t end[END_BYTES];

	if (w->fd < 0) {
		errno = EBADF;
		return false;
	}
	put_u32(end, END_MARK);
	put_u64(end + 8, w->items);
	put_u32(end + 4, item_sum(w->sum, END_MARK, end + 8, 8));
	if (!writer_put(w, end, sizeof end) || !writer_flush(w) ||
	    disk->fsync(disk->context, w->fd) != 0 ||
	    disk->rename(disk->context, w->unfinished, w->path) != 0)
		return writer_fail(w);
	int closed = disk->close(disk->context, w->fd);
	free(w->bytes);
	w->bytes = NULL;
	w->fd = -1;
	/* Until the folder is on the disk a power cut may bring back the file before this one. */
	return closed == 0 && sync_folder_of(disk, w->path);
}

/* ---- reading ---- */

static enum snapshot_state reader_fail(struct snapshot_reader *r, enum snapshot_state state,
                                       const char *why)
{
	TEXT_COPY(r->why, why);
	return state;
}

static enum snapshot_state header_read(struct snapshot_reader *r, enum snapshot_kind kind,
                                       struct snapshot_about *out)
{
	uint8_t in[HEADER_BYTES];

	if (disk_read_all(r->disk, r->fd, in, sizeof in, 0) != HEADER_BYTES)
		return reader_fail(r, SNAPSHOT_BAD, "shorter than its header");
	switch (preamble_read(in, MAGIC, SNAPSHOT_FORMAT_VERSION)) {
	case PREAMBLE_KNOWN: break;
	case PREAMBLE_NEWER: return reader_fail(r, SNAPSHOT_NEWER, "of a later version");
	case PREAMBLE_BAD:
		return reader_fail(r, SNAPSHOT_BAD, "no snapshot, or its header is damaged");
	}
	r->sum = crc32c(0, in, HEADER_SUMMED);
	if (get_u32(in + HEADER_SUMMED) != r->sum)
		return reader_fail(r, SNAPSHOT_BAD, "its header is damaged");
	if (get_u32(in + 16) != kind)
		return reader_fail(r, SNAPSHOT_BAD, "a snapshot of something else");
	*out = (struct snapshot_about){ .kind = kind,
		                        .version = get_u64(in + 24),
		                        .changed_at = { (int64_t)get_u64(in + 32) },
		                        .seen_at = { (int64_t)get_u64(in + 40) } };
	struct wall first = seen_read(in + SEEN_AT_FIRST), second = seen_read(in + SEEN_AT_SECOND);
	if (first.us > out->seen_at.us)
		out->seen_at = first;
	if (second.us > out->seen_at.us)
		out->seen_at = second;
	return SNAPSHOT_WHOLE;
}

enum snapshot_state snapshot_open(struct snapshot_reader *r, const struct disk *disk,
                                  const char *path, enum snapshot_kind kind,
                                  struct snapshot_about *out)
{
	*r = (struct snapshot_reader){ .disk = disk, .from = HEADER_BYTES, .at = HEADER_BYTES };
	r->fd = disk->open(disk->context, path, O_RDONLY);
	if (r->fd < 0 && errno == ENOENT)
		return reader_fail(r, SNAPSHOT_ABSENT, "there is none");
	if (r->fd < 0 || (r->size = disk->size(disk->context, r->fd)) < 0)
		return reader_fail(r, SNAPSHOT_FAILED, strerror(errno));
	r->room = BUFFER_BYTES;
	r->bytes = malloc(r->room);
	if (!r->bytes)
		return reader_fail(r, SNAPSHOT_FAILED, "no memory");
	return header_read(r, kind, out);
}

void snapshot_close(struct snapshot_reader *r)
{
	if (r->fd >= 0)
		r->disk->close(r->disk->context, r->fd);
	free(r->bytes);
	r->bytes = NULL;
	r->fd = -1;
}

/* The next `length` bytes of the file, buffered; NULL when there are not as many. */
static const uint8_t *reader_look(struct snapshot_reader *r, size_t length)
{
	size_t skip = (size_t)(r->at - r->from);

	if (length > (size_t)(r->size - r->at))
		return NULL;
	if (length <= r->length - skip)
		return r->bytes + skip;
	if (length > r->room) {
		uint8_t *bytes = realloc(r->bytes, length);
		if (!bytes)
			return NULL;
		r->bytes = bytes;
		r->room = length;
	}
	memmove(r->bytes, r->bytes + skip, r->length - skip);
	r->length -= skip;
	r->from = r->at;
	ssize_t got = disk_read_all(r->disk, r->fd, r->bytes + r->length, r->room - r->length,
	                            r->from + (off_t)r->length);
	if (got > 0)
		r->length += (size_t)got;
	return length <= r->length ? r->bytes : NULL;
}

static enum snapshot_state reader_end(struct snapshot_reader *r)
{
	const uint8_t *end = reader_look(r, END_BYTES);

	if (!end || item_sum(r->sum, END_MARK, end + 8, 8) != get_u32(end + 4))
		return reader_fail(r, SNAPSHOT_BAD, "its end is damaged");
	if (get_u64(end + 8) != r->items || r->at + END_BYTES != r->size)
		return reader_fail(r, SNAPSHOT_BAD, "it ends in the wrong place");
	return SNAPSHOT_WHOLE;
}

bool snapshot_next(struct snapshot_reader *r, enum snapshot_state *state, enum row_kind *kind,
                   const uint8_t **bytes, size_t *length)
{
	const uint8_t *head = reader_look(r, ITEM_HEAD);
	uint32_t size = head ? get_u32(head) : 0;

	if (head && size == END_MARK) {
		*state = reader_end(r);
		return false;
	}
	if (!head || size == 0 || size > ROW_BYTES_MAX ||
	    !(head = reader_look(r, ITEM_HEAD + (size_t)size))) {
		*state = reader_fail(r, SNAPSHOT_BAD, "cut off, or damaged");
		return false;
	}
	r->sum = item_sum(r->sum, size, head + ITEM_HEAD, size);
	if (r->sum != get_u32(head + 4)) {
		*state = reader_fail(r, SNAPSHOT_BAD, "a row is damaged");
		return false;
	}
	*kind = head[ITEM_HEAD];
	*bytes = head + ITEM_HEAD + 1;
	*length = size - 1;
	r->at += ITEM_HEAD + (off_t)size;
	r->items++;
	return true;
}

/* ---- seeing ---- */

bool snapshot_see(const struct disk *disk, const char *path, struct wall seen_at)
{
	uint8_t first[SEEN_BYTES], second[SEEN_BYTES], seen[SEEN_BYTES];
	int fd = disk->open(disk->context, path, O_RDWR);

	if (fd < 0)
		return false;
	seen_write(seen, seen_at);
	/* Over the older one: whatever happens to this, the other stays. */
	bool ok = disk_read_all(disk, fd, first, sizeof first, SEEN_AT_FIRST) == SEEN_BYTES &&
	          disk_read_all(disk, fd, second, sizeof second, SEEN_AT_SECOND) == SEEN_BYTES;
	off_t at =
	        ok && seen_read(first).us <= seen_read(second).us ? SEEN_AT_FIRST : SEEN_AT_SECOND;
	ok = ok && disk_write_all(disk, fd, seen, sizeof seen, at) == 0 &&
	     disk->fdatasync(disk->context, fd) == 0;
	int error = errno;
	disk->close(disk->context, fd);
	errno = error;
	return ok;
}
