/*
 * What the follower's two files share: follower.c is the loop's side, follower_thread.c the
 * thread's. Nobody else includes this.
 */
#ifndef TOCSIN_KEEP_FOLLOWER_THREAD_H
#define TOCSIN_KEEP_FOLLOWER_THREAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "keep/backlog.h"
#include "keep/follower.h"
#include "keep/pg.h"
#include "keep/portion.h"
#include "keep/record_queue.h"
#include "keep/transcript.h"

/* The thread alone touches what is not said to be shared. */
struct follower {
	struct follower_settings settings;
	struct pg_target target;
	pthread_t thread;
	struct record_queue *queue; /* shared; has its own lock */
	int stop_fd;                /* readable from the moment that the thread must end */
	int event_fd;               /* for the loop */
	atomic_bool is_draining;

	pthread_mutex_t lock; /* of `shown` and `has_ended` */
	pthread_cond_t ended;
	bool has_ended;
	struct follower_status shown;
	struct mono shown_since; /* when the oldest record that is being written came */
	size_t shown_bytes;      /* of these */

	struct pg pg;
	unsigned host;
	int64_t backoff_ms;
	bool has_committed;     /* of the batch whose answers are being read */
	bool is_again;          /* some positions are in the database already: pass over them */
	struct position cursor; /* in the database */
	struct position
	        after; /* filled up to here; beyond the cursor when the journal has a hole */
	uint32_t types[TRANSCRIPT_TABLES];
	struct transcript *transcript;
	struct portion portion;
	struct backlog backlog;
	struct mono next_batch; /* not before, unless there is much to do */
	struct mono behind_since;
};

/* The thread: connects, reads the cursor, writes, and ends when it is told. */
void *follower_run(void *follower);

#endif
