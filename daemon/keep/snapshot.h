/*
 * A snapshot: the rows of the registry or of the territory as they last were, on the node's own disk
 * and readable by the service alone, so that a start without PostgreSQL serves what was last known
 * and says how old that is.
 *
 * Written by the loader's thread, whole each time, under another name: synced, renamed, the folder
 * synced. A person who withdraws leaves it with the next writing: nothing is ever only marked as
 * gone. A file that is not whole or of a later format is refused, with the reason. What a row means
 * is row.h's.
 *
 * Little-endian. The header, 4096 bytes:
 *
 *       0  preamble: magic "tocsinR\n", format version, CRC32C        (preamble.h)
 *      16  what: 1 registry, 2 territory (4), zero (4)
 *      24  version, 32 when that version was made, 40 when it was read, µs UTC    (8 bytes each)
 *      48  zero
 *     124  CRC32C of bytes 0 to 123 (4)
 *     512  when it was last seen to be current, µs UTC (8), CRC32C of these (4); twice, the second one
 *    1024  here: they are written in place by turns, so that a torn one leaves the other
 *
 * An item: length (4), CRC32C (4), then as many bytes: the row's kind and the row. The end:
 * 0xFFFFFFFF (4), CRC32C (4), count of items (8); nothing follows. Each sum goes on from the one
 * before, the first one from the header's, so that no item can be missing, doubled or out of order.
 */
#ifndef TOCSIN_KEEP_SNAPSHOT_H
#define TOCSIN_KEEP_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "keep/disk.h"
#include "keep/row.h"
#include "support/clock.h"

#define SNAPSHOT_FORMAT_VERSION 1
#define SNAPSHOT_PATH_SIZE 512
#define SNAPSHOT_WHY_SIZE 160

enum snapshot_kind { SNAPSHOT_REGISTRY = 1, SNAPSHOT_TERRITORY = 2 };

struct snapshot_about {
	enum snapshot_kind kind;
	uint64_t version;       /* of the registry or territory in the database */
	struct wall changed_at; /* when the database came to that version */
	struct wall seen_at;    /* when this was last known to be current */
};

/* Writing: begin, add …, end or abandon. After a false, errno set, abandon does nothing more: what
 * was written is gone. */
struct snapshot_writer {
	const struct disk *disk;
	char path[SNAPSHOT_PATH_SIZE], unfinished[SNAPSHOT_PATH_SIZE];
	int fd; /* -1: none is being written */
	uint8_t *bytes;
	size_t used;
	off_t at;
	uint32_t sum;
	uint64_t items;
};

bool snapshot_begin(struct snapshot_writer *w, const struct disk *disk, const char *path,
                    const struct snapshot_about *about);
bool snapshot_add(struct snapshot_writer *w, enum row_kind kind, const uint8_t *bytes, size_t length);
bool snapshot_end(struct snapshot_writer *w);
void snapshot_abandon(struct snapshot_writer *w); /* fine when none is being written */

/* Notes in the file that it was still current at `seen_at`. False, errno set: it is as it was. */
bool snapshot_see(const struct disk *disk, const char *path, struct wall seen_at);

/* Reading. */
enum snapshot_state {
	SNAPSHOT_WHOLE,
	SNAPSHOT_ABSENT,
	SNAPSHOT_NEWER,  /* of a later format: left alone */
	SNAPSHOT_BAD,
	SNAPSHOT_FAILED, /* it could not be read */
};

struct snapshot_reader {
	const struct disk *disk;
	int fd;
	uint8_t *bytes;
	size_t room, length; /* of what is buffered, from `from` in the file */
	off_t from, at, size;
	uint32_t sum;
	uint64_t items;
	char why[SNAPSHOT_WHY_SIZE]; /* one line, when it is not whole */
};

/* The header alone was looked at: SNAPSHOT_WHOLE means go on with snapshot_next. To be closed in any
 * case. */
enum snapshot_state snapshot_open(struct snapshot_reader *r, const struct disk *disk, const char *path,
                                  enum snapshot_kind kind, struct snapshot_about *out);
/* The next row, borrowed until the next call. False at the end: *state is SNAPSHOT_WHOLE then, or
 * says why nothing of what was given so far may be used. */
bool snapshot_next(struct snapshot_reader *r, enum snapshot_state *state, enum row_kind *kind,
                   const uint8_t **bytes, size_t *length);
void snapshot_close(struct snapshot_reader *r);

#endif
