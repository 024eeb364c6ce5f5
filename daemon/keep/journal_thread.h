/*
 * The inside of the journal: what the loop and the journal's thread share, and the thread's turn.
 *
 * journal.c is the loop's side, journal_thread.c the thread's; nobody else includes this. A field
 * belongs to the side under whose heading it stands; the shared ones are touched under the lock,
 * which neither side holds while it does anything but copy and swap.
 */
#ifndef TOCSIN_KEEP_JOURNAL_THREAD_H
#define TOCSIN_KEEP_JOURNAL_THREAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "keep/batch.h"
#include "keep/checkpoint.h"
#include "keep/journal.h"
#include "keep/segment_writer.h"

#define JOURNAL_PIECES_BYTES (512u * 1024) /* of a checkpoint, on their way to the thread */
#define JOURNAL_RETENTION_MS 60000

struct backoff {
	int64_t ms;
	struct mono until; /* not set: nothing failed */
};

struct pieces { /* of a checkpoint: length (4), bytes, one after the other */
	uint8_t *bytes;
	size_t used;
};

struct journal {
	/* Set before the thread starts, then constant. */
	struct folder folder;
	const struct disk *disk;
	uint32_t record_version, epoch;
	uint64_t segment_bytes, total_bytes_max;
	size_t payload_max;
	int64_t keep_us;
	bool is_threadless, is_recovered, is_started;
	int lock_fd, wake_fd;
	pthread_t thread;
	struct recovery_report found;

	/* Shared. */
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	struct batch gathering;
	struct pieces pieces;
	struct position checkpoint_start;
	bool is_checkpoint_open;   /* from its begin until it counts or is given up */
	bool is_checkpoint_sealed; /* the loop has ended it */
	bool is_checkpoint_begun, is_checkpoint_ended; /* said, and not taken by the thread yet */
	bool is_closing, is_given_up, is_finished;
	struct journal_status status;
	uint64_t written;               /* durable here: the last number */
	uint64_t missing_from, missing_to; /* left out since it was full; 0: none */
	struct mono missing_since;
	_Atomic uint64_t durable;      /* the number alone, for those that take no lock */
	_Atomic int64_t turn_began_ns; /* 0: the thread waits for work */

	/* The thread's. */
	struct batch writing;
	struct pieces pieces_taken;
	bool checkpoint_begins, checkpoint_ends, checkpoint_failed;
	struct checkpoint_header checkpoint_header;
	struct checkpoint_writer checkpoint_writer;
	struct position checkpoints[CHECKPOINTS_KEPT]; /* newest first; epoch 0: none */
	struct segment_writer writer;
	struct folder_list segments; /* those with a header, the active one last */
	struct backoff write_backoff, spare_backoff;
	enum journal_reason write_reason;
	int write_error, spare_error, checkpoint_error;
	bool is_idle, is_over_ceiling;
	struct mono retention_at;
	struct position confirmed;
	struct journal_status own; /* what the next publication says */
	bool is_news;              /* and it is worth a wake-up */
};

void *journal_thread_main(void *journal);
/* One turn; true when there is more to do at once. */
bool journal_thread_turn(struct journal *j, struct mono *due);
/* The first segment, before the thread runs: a full disk is known at the start. */
void journal_thread_prepare(struct journal *j);

/* Under the lock: what is durable, for all to see. True when it moved. Either side. */
bool journal_thread_show_durable(struct journal *j);
void journal_thread_wake_loop(struct journal *j);

#endif
