#include "keep/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "keep/crc32c.h"
#include "keep/little_endian.h"
#include "keep/preamble.h"
#include "support/bug.h"

#define CHECKPOINT_ITEM_HEADER_BYTES 8
#define CHECKPOINT_END_BYTES         24
#define CHECKPOINT_END_LENGTH        UINT32_MAX
#define CHECKPOINT_WRITE_BYTES       (256 * 1024)
#define CHECKPOINT_READ_BYTES        (2 * CHECKPOINT_ITEM_BYTES_MAX)

static const char magic[PREAMBLE_MAGIC_BYTES] = { 't', 'o', 'c', 's', 'i', 'n', 'C', '\n' };

static void header_write(uint8_t out[static CHECKPOINT_HEADER_BYTES],
                         const struct checkpoint_header *header)
{
	memset(out, 0, CHECKPOINT_HEADER_BYTES);
	preamble_write(out, magic, CHECKPOINT_FORMAT_VERSION);
	put_u32(out + 16, header->start.node);
	put_u32(out + 20, header->item_version);
	put_u32(out + 24, header->start.epoch);
	put_u32(out + 28, header->confirmed.epoch);
	put_u64(out + 32, header->start.number);
	put_u64(out + 40, header->confirmed.number);
	put_u64(out + 48, (uint64_t)header->written.us);
	put_u32(out + CHECKPOINT_HEADER_BYTES - 4, crc32c(0, out, CHECKPOINT_HEADER_BYTES - 4));
}

static enum checkpoint_state header_read(const uint8_t in[static CHECKPOINT_HEADER_BYTES],
                                         struct position start, struct checkpoint_header *out)
{
	if (preamble_read(in, magic, CHECKPOINT_FORMAT_VERSION) != PREAMBLE_KNOWN ||
	    get_u32(in + CHECKPOINT_HEADER_BYTES - 4) != crc32c(0, in, CHECKPOINT_HEADER_BYTES - 4))
		return CHECKPOINT_BAD;
	const uint32_t node = get_u32(in + 16);
	*out = (struct checkpoint_header){
		.start = { node, get_u32(in + 24), get_u64(in + 32) },
		.confirmed = { node, get_u32(in + 28), get_u64(in + 40) },
		.item_version = get_u32(in + 20),
		.written = { (int64_t)get_u64(in + 48) },
	};
	if (node != start.node || position_compare(out->start, start) != 0)
		return CHECKPOINT_FOREIGN;
	return CHECKPOINT_WHOLE;
}

/* Gives up and removes what there is of it, keeping the errno that says why. */
static bool writer_failed(struct checkpoint_writer *writer)
{
	const int error = errno;
	checkpoint_abandon(writer);
	errno = error;
	return false;
}

static bool writer_flush(struct checkpoint_writer *writer)
{
	const struct disk *disk = writer->folder->disk;
	if (writer->used == 0)
		return true;
	if (disk_write_all(disk, writer->fd, writer->bytes, writer->used, writer->at) < 0)
		return false;
	/* Under way when the last sync comes: that one is waited for between two batches. */
	disk->start_writing(disk->context, writer->fd, writer->at, (off_t)writer->used);
	writer->at += (off_t)writer->used;
	writer->used = 0;
	return true;
}

static bool writer_put(struct checkpoint_writer *writer, const void *bytes, size_t length)
{
	const uint8_t *from = bytes;
	while (length > 0) {
		size_t part = CHECKPOINT_WRITE_BYTES - writer->used;
		if (part > length)
			part = length;
		memcpy(writer->bytes + writer->used, from, part);
		writer->used += part;
		from += part;
		length -= part;
		if (writer->used == CHECKPOINT_WRITE_BYTES && !writer_flush(writer))
			return false;
	}
	return true;
}

bool checkpoint_begin(struct checkpoint_writer *writer, const struct folder *folder,
                      const struct checkpoint_header *header)
{
	const struct disk *disk = folder->disk;
	const struct folder_path path = folder_path(folder, FOLDER_NEW_CHECKPOINT);
	*writer = (struct checkpoint_writer){ .folder = folder, .header = *header, .fd = -1 };
	writer->bytes = malloc(CHECKPOINT_WRITE_BYTES);
	if (writer->bytes == NULL)
		return false;
	writer->fd = disk->open(disk->context, path.text, O_WRONLY | O_CREAT | O_TRUNC);
	if (writer->fd < 0)
		return writer_failed(writer);
	uint8_t head[CHECKPOINT_HEADER_BYTES];
	header_write(head, header);
	writer->sum = crc32c(0, head, sizeof(head));
	return writer_put(writer, head, sizeof(head)) || writer_failed(writer);
}

bool checkpoint_add(struct checkpoint_writer *writer, const void *bytes, size_t length)
{
	uint8_t head[CHECKPOINT_ITEM_HEADER_BYTES];
	if (BUG(length > CHECKPOINT_ITEM_BYTES_MAX)) {
		errno = EMSGSIZE;
		return writer_failed(writer);
	}
	put_u32(head, (uint32_t)length);
	writer->sum = crc32c(crc32c(writer->sum, head, 4), bytes, length);
	put_u32(head + 4, writer->sum);
	writer->items++;
	writer->items_bytes += length;
	if (!writer_put(writer, head, sizeof(head)) || !writer_put(writer, bytes, length))
		return writer_failed(writer);
	return true;
}

bool checkpoint_end(struct checkpoint_writer *writer)
{
	const struct folder *folder = writer->folder;
	const struct disk *disk = folder->disk;
	uint8_t end[CHECKPOINT_END_BYTES];
	put_u32(end, CHECKPOINT_END_LENGTH);
	put_u64(end + 8, writer->items);
	put_u64(end + 16, writer->items_bytes);
	writer->sum = crc32c(crc32c(writer->sum, end, 4), end + 8, 16);
	put_u32(end + 4, writer->sum);
	if (!writer_put(writer, end, sizeof(end)) || !writer_flush(writer) ||
	    disk->fsync(disk->context, writer->fd) < 0)
		return writer_failed(writer);
	const struct folder_path from = folder_path(folder, FOLDER_NEW_CHECKPOINT);
	const struct folder_path to = folder_checkpoint_path(folder, writer->header.start);
	if (disk->rename(disk->context, from.text, to.text) < 0)
		return writer_failed(writer);
	/* From here on the file is whole under its name; what may be missing is the name itself. */
	const bool synced = disk->sync_folder(disk->context, folder->path) == 0;
	const int error = errno;
	disk->close(disk->context, writer->fd);
	free(writer->bytes);
	*writer = (struct checkpoint_writer){ .fd = -1 };
	errno = error;
	return synced;
}

void checkpoint_abandon(struct checkpoint_writer *writer)
{
	if (writer->fd >= 0) {
		const struct disk *disk = writer->folder->disk;
		disk->close(disk->context, writer->fd);
		disk->unlink(disk->context,
		             folder_path(writer->folder, FOLDER_NEW_CHECKPOINT).text);
	}
	free(writer->bytes);
	*writer = (struct checkpoint_writer){ .fd = -1 };
}

/* `length` bytes at the place where the reader stands, or NULL: the file ends before, or cannot be
 * read. The place does not move. */
static const uint8_t *reader_peek(struct checkpoint_reader *reader, size_t length)
{
	const off_t skip = reader->at - reader->from;
	if (skip < 0 || skip > (off_t)reader->length || length > reader->length - (size_t)skip) {
		const ssize_t got = disk_read_all(reader->disk, reader->fd, reader->bytes,
		                                  CHECKPOINT_READ_BYTES, reader->at);
		reader->from = reader->at;
		reader->length = got > 0 ? (size_t)got : 0;
	}
	const size_t from = (size_t)(reader->at - reader->from);
	return length <= reader->length - from ? reader->bytes + from : NULL;
}

static bool reader_end(struct checkpoint_reader *reader)
{
	const uint8_t *at = reader_peek(reader, CHECKPOINT_END_BYTES);
	if (at == NULL || get_u64(at + 8) != reader->items ||
	    get_u64(at + 16) != reader->items_bytes ||
	    get_u32(at + 4) != crc32c(crc32c(reader->sum, at, 4), at + 8, 16))
		return false;
	reader->at += CHECKPOINT_END_BYTES;
	reader->is_done = reader_peek(reader, 1) == NULL;
	return reader->is_done;
}

/* The header, and the reader placed behind it. */
static enum checkpoint_state reader_begin(struct checkpoint_reader *reader, struct position start,
                                          struct checkpoint_header *out)
{
	reader->at = 0;
	/* Too short for ours, a file of a later format may still say what it is. */
	const uint8_t *head = reader_peek(reader, PREAMBLE_BYTES);
	if (head != NULL &&
	    preamble_read(head, magic, CHECKPOINT_FORMAT_VERSION) == PREAMBLE_NEWER)
		return CHECKPOINT_NEWER;
	head = reader_peek(reader, CHECKPOINT_HEADER_BYTES);
	if (head == NULL)
		return CHECKPOINT_BAD;
	const enum checkpoint_state state = header_read(head, start, out);
	reader->at = CHECKPOINT_HEADER_BYTES;
	reader->sum = crc32c(0, head, CHECKPOINT_HEADER_BYTES);
	reader->items = reader->items_bytes = 0;
	reader->is_done = false;
	return state;
}

static enum checkpoint_state reader_open(struct checkpoint_reader *reader,
                                         const struct folder *folder, struct position start,
                                         struct checkpoint_header *out)
{
	const struct disk *disk = folder->disk;
	const struct folder_path path = folder_checkpoint_path(folder, start);
	*reader = (struct checkpoint_reader){ .disk = disk, .fd = -1 };
	reader->bytes = malloc(CHECKPOINT_READ_BYTES);
	if (reader->bytes == NULL)
		return CHECKPOINT_FAILED;
	reader->fd = disk->open(disk->context, path.text, O_RDONLY);
	if (reader->fd < 0)
		return CHECKPOINT_FAILED;
	return reader_begin(reader, start, out);
}

enum checkpoint_state checkpoint_look(const struct folder *folder, struct position start,
                                      struct checkpoint_header *out)
{
	struct checkpoint_reader reader;
	const enum checkpoint_state state = reader_open(&reader, folder, start, out);
	const int error = errno;
	checkpoint_close(&reader);
	errno = error;
	return state;
}

enum checkpoint_state checkpoint_open(struct checkpoint_reader *reader, const struct folder *folder,
                                      struct position start, struct checkpoint_header *out)
{
	enum checkpoint_state state = reader_open(reader, folder, start, out);
	if (state == CHECKPOINT_WHOLE) {
		const uint8_t *bytes;
		size_t length;
		while (checkpoint_next(reader, &bytes, &length))
			;
		state = reader->is_done ? reader_begin(reader, start, out) : CHECKPOINT_BAD;
	}
	if (state != CHECKPOINT_WHOLE) {
		const int error = errno;
		checkpoint_close(reader);
		errno = error;
	}
	return state;
}

bool checkpoint_next(struct checkpoint_reader *reader, const uint8_t **bytes, size_t *length)
{
	const uint8_t *head =
	        reader->is_done ? NULL : reader_peek(reader, CHECKPOINT_ITEM_HEADER_BYTES);
	if (head == NULL)
		return false;
	const uint32_t size = get_u32(head);
	if (size == CHECKPOINT_END_LENGTH) {
		reader_end(reader);
		return false;
	}
	if (size > CHECKPOINT_ITEM_BYTES_MAX)
		return false;
	head = reader_peek(reader, CHECKPOINT_ITEM_HEADER_BYTES + size);
	if (head == NULL)
		return false;
	const uint32_t sum =
	        crc32c(crc32c(reader->sum, head, 4), head + CHECKPOINT_ITEM_HEADER_BYTES, size);
	if (get_u32(head + 4) != sum)
		return false;
	reader->sum = sum;
	reader->items++;
	reader->items_bytes += size;
	reader->at += CHECKPOINT_ITEM_HEADER_BYTES + (off_t)size;
	*bytes = head + CHECKPOINT_ITEM_HEADER_BYTES;
	*length = size;
	return true;
}

void checkpoint_close(struct checkpoint_reader *reader)
{
	if (reader->fd >= 0)
		reader->disk->close(reader->disk->context, reader->fd);
	free(reader->bytes);
	*reader = (struct checkpoint_reader){ .fd = -1 };
}
