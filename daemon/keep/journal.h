/*
 * The node's journal: makes what was decided durable, in order, and says how far it has come.
 *
 * The loop appends the records of its turn and commits; one thread writes what gathered while the
 * last sync ran, with one write and one sync, and then publishes the durable position. The loop
 * waits for nothing but a short lock. Trouble of the disk is a state that the loop reads: records
 * are taken up to a ceiling, the thread goes on trying with a back-off, nothing is dropped.
 * Payloads are opaque bytes. All calls are the loop's unless said otherwise.
 */
#ifndef TOCSIN_KEEP_JOURNAL_H
#define TOCSIN_KEEP_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keep/disk.h"
#include "keep/folder.h"
#include "keep/recovery.h"
#include "support/clock.h"
#include "support/position.h"

#define JOURNAL_SEGMENT_BYTES (64u << 20)
#define JOURNAL_SEGMENT_BYTES_MIN 4096
#define JOURNAL_PENDING_BYTES_MAX (32u << 20)
#define JOURNAL_KEEP_DAYS 7
#define JOURNAL_BACKOFF_MIN_MS 100
#define JOURNAL_BACKOFF_MAX_MS 5000
#define JOURNAL_SLOW_MS 1000
#define JOURNAL_SYNC_BUCKETS 24 /* the i-th counts syncs under 2^(i+1) µs, the last the rest */

struct journal_settings {
	const char *folder;
	uint32_t node;
	uint32_t record_version;    /* of the payloads written; a later one on disk is refused */
	uint64_t segment_bytes;     /* a multiple of 8, from JOURNAL_SEGMENT_BYTES_MIN */
	uint64_t pending_bytes_max; /* accepted and not durable */
	uint64_t total_bytes_max;   /* of all segments; 0: no ceiling */
	unsigned keep_days;         /* after PostgreSQL confirmed them */
	const struct disk *disk;
	bool is_threadless; /* the simulation: journal_turn() is called instead */
};

enum journal_answer {
	JOURNAL_OK,
	JOURNAL_FULL,         /* the ceiling is reached: not taken */
	JOURNAL_TOO_LONG,     /* no segment can hold it */
	JOURNAL_OUT_OF_ORDER, /* the number is not above the last one */
	JOURNAL_CLOSED,       /* not started, or closing */
	JOURNAL_BUSY,         /* another checkpoint is being written */
	JOURNAL_GIVEN_UP,     /* this checkpoint failed; begin another one later */
	JOURNAL_LOCKED,       /* another process holds the folder */
	JOURNAL_NEWER,        /* a later version wrote there; nothing was touched */
	JOURNAL_OTHER_NODE,   /* the folder is another node's */
	JOURNAL_NOT_READ,     /* it was not recovered: what it holds is not known */
	JOURNAL_SETTINGS,     /* a setting is out of bounds */
	JOURNAL_DISK,         /* errno */
	JOURNAL_NO_MEMORY,
};

enum journal_state {
	JOURNAL_GOOD,
	/* Records become durable; something needs a person before they do not. For want of room, a
	 * checkpoint helps too: it lets older segments go. */
	JOURNAL_LOW,
	JOURNAL_FAILING, /* records wait; receipts need another keeper */
};

enum journal_reason {
	JOURNAL_REASON_NONE,
	JOURNAL_REASON_NO_ROOM,      /* the next segment does not fit */
	JOURNAL_REASON_PREPARE,      /* it could not be prepared for another reason */
	JOURNAL_REASON_WRITE,        /* a write failed */
	JOURNAL_REASON_SYNC,         /* a sync failed */
	JOURNAL_REASON_SLOW,         /* the disk has not answered for JOURNAL_SLOW_MS */
	JOURNAL_REASON_OVER_CEILING, /* what may not be deleted exceeds total_bytes_max */
	JOURNAL_REASON_CHECKPOINT,   /* the last checkpoint failed: restarts get slower */
	JOURNAL_REASON_LEFT_OUT,     /* it was full: records are missing that PostgreSQL has not
	                              * confirmed either */
};

struct journal_status {
	enum journal_state state;
	enum journal_reason reason;
	int error; /* errno, or 0 */
	struct mono since;
	struct wall since_wall;

	struct position durable, confirmed;
	uint64_t appended;          /* the last number taken */
	uint64_t pending_bytes;     /* not handed to the thread yet */
	uint64_t pending_bytes_max; /* of these: then it is full */
	uint64_t left_out;          /* records that it was too full to take */
	uint64_t segments, bytes, unconfirmed_bytes;
	bool has_spare;

	bool is_checkpointing;
	struct position checkpoint; /* the newest; epoch 0: none */
	struct wall checkpoint_at;
	uint64_t checkpoints, checkpoints_failed;

	/* Counted since the start. */
	uint64_t records, records_bytes, syncs;
	uint64_t sync_us_last, sync_us_max, sync_us_total, sync_us[JOURNAL_SYNC_BUCKETS];
	uint64_t batch_records_last, batch_records_max;
	uint64_t write_failures, sync_failures, prepare_failures;
	uint64_t segments_deleted, segments_deleted_early;
};

struct journal;

void journal_settings_default(struct journal_settings *settings);

/* Three steps, so that a start decides on what it finds before anything is written: lock and look;
 * read; open a new epoch. NULL with *why. */
struct journal *journal_open(const struct journal_settings *settings, enum journal_answer *why);
enum recovery journal_recover(struct journal *j, const struct recovery_calls *calls,
                              struct recovery_report *report);
/* *first is the position of the first record of the epoch. A disk that cannot take one is a state,
 * not an error. */
enum journal_answer journal_start(struct journal *j, struct position *first);
/* Waits until all is durable, or for so long; false when something was not. Ends the thread. */
bool journal_close(struct journal *j, int64_t wait_ms);

/* Copies the record into the gathering batch. Numbers grow. One that was refused because it was full
 * is missing from then on, unless it is appended again before any other: the durable position stays
 * before it until PostgreSQL has confirmed it, so that no receipt goes out for what nobody has. */
enum journal_answer journal_append(struct journal *j, uint64_t number, const void *bytes,
                                   size_t length);
/* At the end of the turn: the thread may go. */
void journal_commit(struct journal *j);
/* Everything up to it is durable here, or was left out and PostgreSQL has it. Any thread. */
struct position journal_durable(struct journal *j);
/* Readable when the durable position, the state or a checkpoint moved; cleared by journal_woken. */
int journal_wake_fd(const struct journal *j);
void journal_woken(struct journal *j);
/* Any thread. A disk that hangs shows here alone: nothing can wake the loop for it. */
void journal_status(struct journal *j, struct journal_status *out);

/* What PostgreSQL has; it may go back, when another database took its place. Any thread. */
void journal_confirm(struct journal *j, struct position confirmed);

/* A checkpoint in slices: begin, add …, end, over as many turns as it takes; FULL says when the
 * thread is behind. `start`: of the first record whose effect may be missing in it. The status says
 * when it counts. */
enum journal_answer journal_checkpoint_begin(struct journal *j, struct position start);
enum journal_answer journal_checkpoint_add(struct journal *j, const void *bytes, size_t length);
enum journal_answer journal_checkpoint_end(struct journal *j);

/* For journal_reader_open. Any thread. */
const struct folder *journal_folder(const struct journal *j);

/* Threadless alone: what the thread does between two waits. True: call again at once; else at *due,
 * if that is set, or when something was committed. */
bool journal_turn(struct journal *j, struct mono *due);

const char *journal_answer_text(enum journal_answer answer);
const char *journal_state_name(enum journal_state state);
const char *journal_reason_name(enum journal_reason reason);

#endif
