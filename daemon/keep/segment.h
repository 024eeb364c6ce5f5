/*
 * One file of the journal: its format, and how it is read.
 *
 * A header, then records one after the other, then zeros up to the size it was prepared with. The
 * batch and the writer fill segments; the journal's reader and the tools look into them. Bytes
 * only: what a record means is not known here. Nothing here writes to a disk.
 *
 * All numbers are little-endian. The header, 128 bytes at offset 0:
 *
 *       0  preamble: magic "tocsinJ\n", format version, CRC32C        (preamble.h)
 *      16  node, 20 epoch, 24 index of the file in its epoch, 28 record version   (4 bytes each)
 *      32  number of the first record (8)
 *      40  epoch, 48 number: the record before it, in this epoch or the one before (4 + 4 zero, 8)
 *      56  when it was begun, µs UTC (8)
 *      64  zero
 *     124  CRC32C of bytes 0 to 123 (4)
 *
 * A record, 32 bytes and its payload, padded with zeros to a multiple of 8:
 *
 *       0  magic "TREC", 4 CRC32C, 8 payload length, 12 payload version   (4 bytes each)
 *      16  number (8), 24 number of the first record of its batch (8): what is before was durable
 *
 * A record's sum covers everything but magic and sum, padding included, and begins with where the
 * record must stand (node, epoch, index, offset): bytes of another file or place never pass.
 */
#ifndef TOCSIN_KEEP_SEGMENT_H
#define TOCSIN_KEEP_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "keep/disk.h"
#include "support/clock.h"
#include "support/position.h"

#define SEGMENT_FORMAT_VERSION 1
#define SEGMENT_HEADER_BYTES 128
#define SEGMENT_RECORD_HEADER_BYTES 32
#define SEGMENT_PAYLOAD_BYTES_MAX (256 * 1024)
#define SEGMENT_ALIGNMENT 8

/* Which file: its name on disk, and the beginning of every sum in it. */
struct segment_key {
	uint32_t node;
	uint32_t epoch;
	uint32_t index; /* from 0 within its epoch; grows, may jump */
};

struct segment_header {
	struct segment_key key;
	uint32_t record_version; /* the newest payload version its writer knew */
	uint64_t first;          /* number of its first record */
	struct position after;   /* the record before that; not set: the journal began here */
	struct wall created;
};

enum segment_header_state {
	SEGMENT_HEADER_WHOLE,
	SEGMENT_HEADER_BLANK, /* all zero: prepared, never used */
	SEGMENT_HEADER_BAD,
	SEGMENT_HEADER_FOREIGN, /* whole, of another node or another file; `out` says which */
	SEGMENT_HEADER_NEWER,   /* of a later format: to be left alone */
};

struct segment_record {
	uint64_t number;
	uint64_t batch;       /* everything before this number was durable when it was written */
	uint32_t version;
	uint32_t length;
	const uint8_t *bytes; /* borrowed: valid until the view is used again */
	off_t offset, end;    /* where it stands, and where the next one would */
};

/* Writing: what a record of `length` bytes takes; framing it in memory; sealing it for its place. */
size_t segment_record_size(size_t length);
void segment_header_write(uint8_t out[static SEGMENT_HEADER_BYTES],
                          const struct segment_header *header);
/* Fills all but the sum; `at` has segment_record_size(length) bytes. */
void segment_record_frame(uint8_t *at, uint64_t number, uint32_t version, const void *bytes,
                          uint32_t length);
/* Framed bytes of which `at` is the beginning: the record's whole size and its number. */
size_t segment_record_framed_size(const uint8_t *at);
uint64_t segment_record_framed_number(const uint8_t *at);
void segment_record_seal(uint8_t *at, const struct segment_key *key, off_t offset, uint64_t batch);

/* Reading. `out` is filled when the header is whole, even a foreign one. */
enum segment_header_state segment_header_read(const uint8_t in[static SEGMENT_HEADER_BYTES],
                                              const struct segment_key *key,
                                              struct segment_header *out);
/* True, and `out` filled, when the `left` bytes begin with a whole record that belongs here. */
bool segment_record_read(const uint8_t *at, size_t left, const struct segment_key *key,
                         off_t offset, struct segment_record *out);

/* A window on a file open for reading. Blocks that the disk cannot read count as zeros. */
struct segment_view {
	const struct disk *disk;
	int fd;
	struct segment_key key;
	off_t size;
	unsigned long unreadable; /* blocks of 4 KiB met so far */
	uint8_t *bytes;
	off_t from;
	size_t length;
};

/* Takes the descriptor on success alone. False, errno set: no memory, or no size to be had. */
bool segment_view_init(struct segment_view *view, const struct disk *disk, int fd,
                       const struct segment_key *key);
void segment_view_done(struct segment_view *view); /* closes the descriptor */
enum segment_header_state segment_view_header(struct segment_view *view,
                                              struct segment_header *out);
/* The record at `offset`, if there is one. What the window holds is read again before a "no", so a
 * file that is still being written gives what it has now. */
bool segment_view_look(struct segment_view *view, off_t offset, struct segment_record *out);
/* The first record at or after `offset` with a number above `above`. */
bool segment_view_resync(struct segment_view *view, off_t offset, uint64_t above,
                         struct segment_record *out);
/* Where the last byte that is not zero ends, from `offset` on; `offset` when all are zero. */
off_t segment_view_last_byte(struct segment_view *view, off_t offset);
/* Bytes as they stand, for setting aside: as many as are there up to `room`. */
size_t segment_view_copy(struct segment_view *view, off_t offset, uint8_t *out, size_t room);

#endif
