/*
 * Fills segments: one that takes records, and a spare that is prepared before it is needed.
 *
 * The spare is made in slices between batches: blocks for all of it, zeros over all of it, synced,
 * named, the folder synced. So writing records changes no metadata, a full disk is known a segment
 * early, and rotation waits for nothing. A file whose write or sync failed is never written or
 * synced again: the kernel may have dropped the dirty pages and would report a success that is
 * none.
 *
 * Owned by the journal's thread. It tries once and tells; when to try again is for others to say.
 */
#ifndef TOCSIN_KEEP_SEGMENT_WRITER_H
#define TOCSIN_KEEP_SEGMENT_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "keep/batch.h"
#include "keep/folder.h"
#include "keep/segment.h"
#include "support/position.h"

#define SEGMENT_WRITER_SLICE_BYTES (256 * 1024)

enum segment_spare { SEGMENT_SPARE_NONE, SEGMENT_SPARE_ZEROING, SEGMENT_SPARE_READY };

enum segment_step { /* at which step it failed */
	SEGMENT_STEP_NONE,
	SEGMENT_STEP_CREATE,
	SEGMENT_STEP_ALLOCATE,
	SEGMENT_STEP_ZERO,
	SEGMENT_STEP_NAME,
	SEGMENT_STEP_WRITE,
	SEGMENT_STEP_SYNC,
};

struct segment_writer {
	const struct folder *folder;
	off_t segment_bytes;
	uint32_t record_version;
	uint32_t epoch, next_index;
	struct position last; /* the last durable record; at first, what recovery found */
	struct {
		int fd; /* -1: none */
		struct segment_key key;
		off_t at;
		bool has_records; /* durable ones */
	} active;
	struct {
		enum segment_spare stage;
		int fd;
		struct segment_key key;
		off_t at;
	} spare;
	enum segment_step failed_step; /* of the last call that failed; errno is in failed_error */
	int failed_error;
};

enum segment_write {
	SEGMENT_WRITE_DONE,    /* a part of the batch is durable */
	SEGMENT_WRITE_NO_FILE, /* nothing tried: there is no spare to go on with */
	SEGMENT_WRITE_FAILED,  /* the file is given up; the batch is as it was */
};

struct segment_written {
	struct batch_part part;
	struct segment_header begun; /* with is_new: the segment that this was the first part of */
	bool is_new;
	int64_t sync_us;
};

void segment_writer_init(struct segment_writer *writer, const struct folder *folder, uint32_t epoch,
                         struct position last, off_t segment_bytes, uint32_t record_version);
/* Closes its files; an unused spare stays for the next start. */
void segment_writer_done(struct segment_writer *writer);

/* Makes a blank segment that an earlier epoch left the spare of this one, if it is really blank. */
bool segment_writer_adopt(struct segment_writer *writer, const struct segment_key *blank);

/* Makes as much of the batch durable as fits in one file: one write, one sync. */
enum segment_write segment_writer_write(struct segment_writer *writer, struct batch *batch,
                                        struct segment_written *out);
/* One slice of the spare; false when it failed. Nothing to do once it is ready. */
bool segment_writer_prepare(struct segment_writer *writer);
/* Whether the spare is behind the filling of the active segment, so that it must not wait for idle
 * moments. */
bool segment_writer_is_behind(const struct segment_writer *writer);

const char *segment_step_name(enum segment_step step);

#endif
