/*
 * The node's own copy of the registry and the territory: which snapshot holds what, and keeping them
 * up to date (snapshot.h says what a snapshot is).
 *
 * Owned and called by the loader's thread alone. A load from PostgreSQL writes a new one as it reads.
 * Small changes gather here, and a rewriting copies the old snapshot without the rows that changed
 * and adds the new ones: a person who withdrew is then in no file any more. A change of a person is
 * rewritten at once, others after a few seconds; under many changes a rewriting waits four times as
 * long as the last one took. A disk that fails is a state, tried again, and never stops the loading.
 */
#ifndef TOCSIN_KEEP_CACHE_H
#define TOCSIN_KEEP_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keep/changes.h"
#include "keep/disk.h"
#include "keep/snapshot.h"
#include "support/clock.h"

#define CACHE_WHY_SIZE 256
#define CACHE_PENDING_MAX 50000 /* rows; past it only a new load can bring the snapshot up to date */

struct cache {
	const struct disk *disk;
	bool is_kept; /* false: no folder, nothing is ever read or written */
	char paths[SNAPSHOT_TERRITORY + 1][SNAPSHOT_PATH_SIZE];
	struct snapshot_writer writer; /* of a load under way */
	struct changes pending;
	struct mono due;       /* of the next rewriting; not set: nothing to do */
	struct mono not_before;
	int64_t retry_ms;      /* grows while the disk fails */
	bool has_whole;        /* the registry's snapshot and `pending` together are what was loaded */
	bool is_failing;
	char why[CACHE_WHY_SIZE]; /* of the last failure, one line */
};

void cache_init(struct cache *c, const struct disk *disk, const char *folder); /* NULL: not kept */
void cache_done(struct cache *c);

/* Every row of a snapshot, as it is on the disk. Unless the answer is SNAPSHOT_WHOLE, what was given
 * must be thrown away; `why` says then what is wrong. False from `each` ends it: SNAPSHOT_FAILED. */
typedef bool cache_row(void *context, enum row_kind kind, const uint8_t *bytes, size_t length);
enum snapshot_state cache_read(struct cache *c, enum snapshot_kind kind, struct snapshot_about *about,
                               cache_row *each, void *context);

/* A whole new one beside a load: begin, add each row, then end, or abandon when the load failed. A
 * disk that fails is noted, and the load goes on. */
void cache_begin(struct cache *c, const struct snapshot_about *about);
void cache_add(struct cache *c, enum row_kind kind, const uint8_t *bytes, size_t length);
void cache_end(struct cache *c, enum snapshot_kind kind);
void cache_abandon(struct cache *c);

/* A small change of the registry, to be rewritten when it is due. */
void cache_change(struct cache *c, enum row_kind kind, const uint8_t *bytes, size_t length, struct mono now);
/* Does it, whatever is due. False: it failed, and is due again later; `needs_load` is set when only a
 * new load can help. */
bool cache_rewrite(struct cache *c, const struct snapshot_about *about, bool *needs_load);

/* Notes in the snapshots that are up to date that they were so now. */
void cache_see(struct cache *c, struct wall now);

#endif
