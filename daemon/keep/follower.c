#include "keep/follower.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "keep/follower_thread.h"
#include "support/bug.h"
#include "support/text.h"

void follower_settings_default(struct follower_settings *s)
{
	*s = (struct follower_settings){
		.conninfo = "",
		.node = 1,
		.epoch = 1,
		.pace_ms = FOLLOWER_PACE_MS,
		.connect_ms = FOLLOWER_CONNECT_MS,
		.answer_ms = FOLLOWER_ANSWER_MS,
		.batch_records = FOLLOWER_BATCH_RECORDS,
		.batch_bytes = FOLLOWER_BATCH_BYTES,
		.queue_bytes = FOLLOWER_QUEUE_BYTES,
	};
}

static void free_all(struct follower *f)
{
	record_queue_free(f->queue);
	transcript_free(f->transcript);
	portion_done(&f->portion);
	backlog_done(&f->backlog);
	pg_target_done(&f->target);
	if (f->stop_fd >= 0)
		close(f->stop_fd);
	if (f->event_fd >= 0)
		close(f->event_fd);
	pthread_cond_destroy(&f->ended);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static bool prepare(struct follower *f, char *why)
{
	pthread_condattr_t by_monotonic;

	pthread_condattr_init(&by_monotonic);
	pthread_condattr_setclock(&by_monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->ended, &by_monotonic);
	pthread_condattr_destroy(&by_monotonic);
	f->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	f->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	f->queue = record_queue_new(f->settings.queue_bytes, f->settings.last);
	f->transcript = transcript_new();
	portion_init(&f->portion, f->settings.batch_records);
	backlog_init(&f->backlog, f->settings.folder);
	if (f->stop_fd < 0 || f->event_fd < 0 || f->queue == NULL || f->transcript == NULL) {
		text_copy(why, FOLLOWER_WHY_SIZE, "no memory or no descriptors");
		return false;
	}
	return pg_target_parse(&f->target, f->settings.conninfo, why);
}

struct follower *follower_start(const struct follower_settings *s,
                                char why[static FOLLOWER_WHY_SIZE])
{
	struct follower *f = calloc(1, sizeof *f);

	_Static_assert(FOLLOWER_WHY_SIZE >= PG_WHY_SIZE, "a reason of pg_target fits");
	text_copy(why, FOLLOWER_WHY_SIZE, "no memory");
	if (f == NULL)
		return NULL;
	f->settings = *s;
	f->shown.state = FOLLOWER_CONNECTING;
	f->shown.since = clock_wall();
	if (prepare(f, why)) {
		f->settings.conninfo = NULL; /* it was the caller's */
		sigset_t all, before;        /* signals are the loop's */
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		int error = pthread_create(&f->thread, NULL, follower_run, f);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		if (error == 0)
			return f;
		text_copy(why, FOLLOWER_WHY_SIZE, strerror(error));
	}
	free_all(f);
	return NULL;
}

void follower_stop(struct follower *f, int64_t drain_ms)
{
	struct timespec until;
	uint64_t one = 1;

	if (f == NULL)
		return;
	atomic_store(&f->is_draining, true);
	record_queue_wake(f->queue);
	clock_gettime(CLOCK_MONOTONIC, &until);
	int64_t ns = until.tv_nsec + drain_ms % 1000 * CLOCK_MS_NS;
	until.tv_sec += drain_ms / 1000 + ns / 1000000000;
	until.tv_nsec = ns % 1000000000;
	pthread_mutex_lock(&f->lock);
	while (!f->has_ended && pthread_cond_timedwait(&f->ended, &f->lock, &until) == 0)
		continue;
	pthread_mutex_unlock(&f->lock);
	must(write(f->stop_fd, &one, sizeof one) == sizeof one);
	must(pthread_join(f->thread, NULL) == 0);
	free_all(f);
}

void follower_append(struct follower *f, struct position position, const void *bytes, size_t length)
{
	record_queue_push(f->queue, position, bytes, length);
}

void follower_commit(struct follower *f)
{
	record_queue_commit(f->queue);
}

void follower_durable(struct follower *f, struct position durable)
{
	record_queue_durable(f->queue, durable);
}

bool follower_is_full(struct follower *f)
{
	return record_queue_is_full(f->queue);
}

struct position follower_confirmed(struct follower *f)
{
	pthread_mutex_lock(&f->lock);
	struct position confirmed = f->shown.confirmed;
	pthread_mutex_unlock(&f->lock);
	return confirmed;
}

int follower_fd(const struct follower *f)
{
	return f->event_fd;
}

void follower_woken(struct follower *f)
{
	uint64_t count;

	if (read(f->event_fd, &count, sizeof count) < 0)
		return; /* nothing moved since */
}

void follower_status(struct follower *f, struct follower_status *out)
{
	struct record_queue_size queued = record_queue_size(f->queue);

	pthread_mutex_lock(&f->lock);
	*out = f->shown;
	struct mono since = mono_is_set(f->shown_since) ? f->shown_since : queued.since;
	out->lag_bytes = queued.bytes + f->shown_bytes;
	pthread_mutex_unlock(&f->lock);
	out->newest = queued.newest;
	if (position_compare(out->confirmed, queued.newest) < 0) {
		/* Numbers begin again with each epoch: of an earlier one only this is known. */
		out->lag_records = out->confirmed.epoch == queued.newest.epoch
		                           ? queued.newest.number - out->confirmed.number
		                           : queued.newest.number;
		out->lag_ms = mono_is_set(since) ? mono_ms_between(since, clock_mono()) : 0;
	}
}

const char *follower_state_name(enum follower_state state)
{
	static const char *const names[] = { "connecting", "following", "away", "schema",
		                             "foreign" };

	return state < FOLLOWER_STATES ? names[state] : "unknown";
}
