/*
 * A checkpoint: all that a restart needs of the past, so that only the records after it are read.
 *
 * A stream of items, opaque bytes, in a file of its own; it counts only when its end is there and
 * every sum is right. The journal's thread writes it, in pieces, under another name: synced, then
 * renamed, then the folder synced. Recovery reads the newest whole one. What an item means is not
 * known here.
 *
 * Little-endian. The header, 128 bytes:
 *
 *       0  preamble: magic "tocsinC\n", format version, CRC32C        (preamble.h)
 *      16  node, 20 item version, 24 epoch of the start, 28 epoch confirmed   (4 bytes each)
 *      32  number of the start, 40 number confirmed, 48 written at, µs UTC    (8 bytes each)
 *      56  zero
 *     124  CRC32C of bytes 0 to 123 (4)
 *
 * An item: length (4), CRC32C (4), bytes. The end: 0xFFFFFFFF (4), CRC32C (4), count of items (8),
 * their bytes (8); nothing follows. Each sum goes on from the one before, so that no item can be
 * missing, doubled or out of order.
 */
#ifndef TOCSIN_KEEP_CHECKPOINT_H
#define TOCSIN_KEEP_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "keep/folder.h"
#include "keep/segment.h"
#include "support/clock.h"
#include "support/position.h"

#define CHECKPOINT_FORMAT_VERSION 1
#define CHECKPOINT_HEADER_BYTES 128
#define CHECKPOINT_ITEM_BYTES_MAX SEGMENT_PAYLOAD_BYTES_MAX
#define CHECKPOINTS_KEPT 2

struct checkpoint_header {
	struct position start;     /* of the first record that it does not hold; node: the file's */
	struct position confirmed; /* what PostgreSQL had confirmed */
	uint32_t item_version;
	struct wall written;
};

/* Writing: begin, add …, end or abandon. One at a time in a folder. False, errno set: it failed,
 * what was written is gone, and the writer is to be begun anew. */
struct checkpoint_writer {
	const struct folder *folder;
	struct checkpoint_header header;
	int fd; /* -1: none is being written */
	uint8_t *bytes;
	size_t used;
	off_t at;
	uint32_t sum;
	uint64_t items, items_bytes;
};

bool checkpoint_begin(struct checkpoint_writer *writer, const struct folder *folder,
                      const struct checkpoint_header *header);
bool checkpoint_add(struct checkpoint_writer *writer, const void *bytes, size_t length);
bool checkpoint_end(struct checkpoint_writer *writer);
void checkpoint_abandon(struct checkpoint_writer *writer); /* fine when none is being written */

/* Reading. */
enum checkpoint_state {
	CHECKPOINT_WHOLE,
	CHECKPOINT_BAD,
	CHECKPOINT_FOREIGN, /* whole, of another node or under another name */
	CHECKPOINT_NEWER,   /* of a later format: to be left alone */
	CHECKPOINT_FAILED,  /* it could not be read; errno */
};

struct checkpoint_reader {
	const struct disk *disk;
	int fd;
	uint8_t *bytes;
	size_t length; /* of what is buffered, from `from` in the file */
	off_t from, at;
	uint32_t sum;
	uint64_t items, items_bytes;
	bool is_done;
};

/* The header alone; `out` is filled unless it is bad, newer or failed. */
enum checkpoint_state checkpoint_look(const struct folder *folder, struct position start,
                                      struct checkpoint_header *out);
/* Reads it all once to see that it is whole, then stands before the first item. Only a whole one is
 * open afterwards, and to be closed. */
enum checkpoint_state checkpoint_open(struct checkpoint_reader *reader, const struct folder *folder,
                                      struct position start, struct checkpoint_header *out);
/* The next item, borrowed until the next call; false at the end or, when `is_done` is not set,
 * where the disk no longer gives what it gave before. */
bool checkpoint_next(struct checkpoint_reader *reader, const uint8_t **bytes, size_t *length);
void checkpoint_close(struct checkpoint_reader *reader);

#endif
