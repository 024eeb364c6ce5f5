/*
 * The follower: one thread that writes what was decided into PostgreSQL, in order, behind the
 * journal, and says how far it has come.
 *
 * run/loop appends each turn's records and never waits: they are copied into a bounded queue.
 * Records that the queue let go are read again from the journal, so that PostgreSQL may be away for
 * hours. Each batch is one transaction that moves this node's cursor with its rows; at every
 * connection the cursor is read back, so that nothing is written twice and a database that was
 * restored is filled again. A record that the database refuses is set aside there, whole, and holds
 * up nothing. All calls are the loop's and return at once, follower_stop apart.
 */
#ifndef TOCSIN_KEEP_FOLLOWER_H
#define TOCSIN_KEEP_FOLLOWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keep/folder.h"
#include "support/clock.h"
#include "support/position.h"

#define FOLLOWER_PACE_MS        20
#define FOLLOWER_CONNECT_MS     3000
#define FOLLOWER_ANSWER_MS      10000
#define FOLLOWER_BATCH_BYTES    (4u << 20)
#define FOLLOWER_BATCH_RECORDS  8192
#define FOLLOWER_QUEUE_BYTES    (64u << 20)
#define FOLLOWER_BACKOFF_MIN_MS 100
#define FOLLOWER_BACKOFF_MAX_MS 5000
#define FOLLOWER_SCHEMA_MS      10000 /* between two looks at a schema that does not fit */
#define FOLLOWER_WHY_SIZE       256

struct follower_settings {
	const char *conninfo;        /* numeric addresses or sockets (pg_target.h) */
	uint32_t node;               /* 1 to INT32_MAX */
	const struct folder *folder; /* of the journal; outlives the follower */
	struct position last; /* what the journal ended with at the start; epoch 0: nothing */
	uint32_t epoch;       /* of the records to come */
	int64_t pace_ms;      /* at least so long between two batches, unless there is much to do */
	int64_t connect_ms;   /* for each host */
	int64_t answer_ms;    /* for a batch; past it the connection is given up */
	uint32_t batch_records;
	size_t batch_bytes;
	size_t queue_bytes;
};

enum follower_state {
	FOLLOWER_CONNECTING, /* at the start */
	FOLLOWER_FOLLOWING,
	FOLLOWER_AWAY,    /* no connection; tried again with a back-off */
	FOLLOWER_SCHEMA,  /* the schema is too old, or too new for this version; looked at again */
	FOLLOWER_FOREIGN, /* the database has records of this node that the node has not: another
	                   * one bears its number, or its journal was lost */
	FOLLOWER_STATES,
};

struct follower_status {
	enum follower_state state;
	struct wall since;
	char why[FOLLOWER_WHY_SIZE]; /* of what is not FOLLOWING; one line for people, never data */
	char host[128];              /* the one that is connected, or was tried last */
	struct position
	        confirmed;      /* as in the database; may go back when another takes its place */
	struct position newest; /* appended */
	uint64_t lag_records;   /* appended in this epoch and not confirmed */
	uint64_t lag_bytes;     /* in memory and not confirmed; what is in the journal alone, not */
	int64_t lag_ms;         /* since the oldest of these came; 0: none */
	bool is_behind;         /* reads the journal */
	/* Counted since the start. */
	uint64_t records, batches, connections;
	uint64_t set_aside; /* records that the database refused */
	uint64_t lost;      /* that could not even be set aside, or are missing in the journal */
	int64_t batch_us;   /* the newest batch, from sending to its commit */
};

struct follower;

void follower_settings_default(struct follower_settings *s);

/* Copies the settings. NULL, with a sentence in `why`: the conninfo cannot be used, or no memory.
 */
struct follower *follower_start(const struct follower_settings *s,
                                char why[static FOLLOWER_WHY_SIZE]);
/* Writes on for at most `drain_ms` if it is connected, then ends the thread; what is not written is
 * the journal's, for the next start. Returns within drain_ms and a second. NULL is fine. */
void follower_stop(struct follower *f, int64_t drain_ms);

/* Copies. Positions in order. */
void follower_append(struct follower *f, struct position position, const void *bytes,
                     size_t length);
void follower_commit(struct follower *f); /* at the end of the turn */
/* What the journal has confirmed: how far it may be read, and what memory may let go. */
void follower_durable(struct follower *f, struct position durable);
/* The queue is full of what is nowhere but in memory: take in nothing more until it is less. */
bool follower_is_full(struct follower *f);

struct position follower_confirmed(struct follower *f);
/* Readable when the confirmed position or the state moved; cleared by follower_woken. */
int follower_fd(const struct follower *f);
void follower_woken(struct follower *f);
void follower_status(struct follower *f, struct follower_status *out);

const char *follower_state_name(enum follower_state state);

#endif
