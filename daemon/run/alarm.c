#include "run/alarm.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "support/bug.h"
#include "support/log.h"
#include "support/text.h"

#define PROGRAM_SIZE 512

struct alarm {
	struct stats *stats;
	pthread_t thread;
	int stop_fd; /* readable: wait for no program any more */
	pthread_mutex_t lock;
	pthread_cond_t work, quiet; /* something to do; nothing left to do */
	/* under the lock */
	bool stop;
	char program[PROGRAM_SIZE];
	int64_t timeout_ms;
	struct alarm_cause queue[ALARM_QUEUE_MAX]; /* the oldest first */
	struct alarm_status status;
};

static const enum stats_alarm counted_as[ALARM_ENDS] = {
	[ALARM_END_DONE] = STATS_ALARM_RUN,           [ALARM_END_FAILED] = STATS_ALARM_FAILED,
	[ALARM_END_KILLED] = STATS_ALARM_FAILED,      [ALARM_END_LATE] = STATS_ALARM_LATE,
	[ALARM_END_NOT_STARTED] = STATS_ALARM_FAILED, [ALARM_END_LEFT] = STATS_ALARM_LATE,
};

static void tell_outcome(struct alarm *a, const struct alarm_cause *cause, struct alarm_outcome o)
{
	bool done = o.end == ALARM_END_DONE;

	stats_count(a->stats, STATS_OUTSIDE, counted_as[o.end], 1);
	log_event(done ? LOG_LEVEL_NOTICE : LOG_LEVEL_CRIT, "alarm-ended",
	          LOG_TEXT("reason", cause->reason), LOG_TEXT("incident", cause->incident),
	          LOG_TEXT("end", alarm_end_name(o.end)), LOG_NUMBER("code", o.code),
	          LOG_TEXT("error", o.end == ALARM_END_NOT_STARTED ? strerrordesc_np(o.code) : ""),
	          LOG_NUMBER("took_ms", o.took_ms));
}

/* Takes the oldest off the queue, with what it needs; false: to end. */
static bool next_wait(struct alarm *a, struct alarm_cause *cause, char *program,
                      int64_t *timeout_ms)
{
	pthread_mutex_lock(&a->lock);
	while (a->status.waiting == 0 && !a->stop) {
		pthread_cond_signal(&a->quiet);
		pthread_cond_wait(&a->work, &a->lock);
	}
	if (a->stop) {
		pthread_mutex_unlock(&a->lock);
		return false;
	}
	*cause = a->queue[0];
	a->status.waiting--;
	memmove(a->queue, a->queue + 1, a->status.waiting * sizeof(*a->queue));
	cause->waiting = a->status.waiting;
	a->status.is_running = true;
	text_copy(program, PROGRAM_SIZE, a->program);
	*timeout_ms = a->timeout_ms;
	pthread_mutex_unlock(&a->lock);
	return true;
}

static void *alarm_thread(void *arg)
{
	struct alarm *a = arg;
	char program[PROGRAM_SIZE];
	struct alarm_cause cause;
	int64_t timeout_ms;

	while (next_wait(a, &cause, program, &timeout_ms)) {
		struct alarm_outcome o = alarm_command_run(program, &cause, timeout_ms, a->stop_fd);
		tell_outcome(a, &cause, o);
		pthread_mutex_lock(&a->lock);
		a->status.is_running = false;
		a->status.ended++;
		a->status.last = o;
		a->status.last_at = clock_wall();
		pthread_mutex_unlock(&a->lock);
	}
	return NULL;
}

/* Signals are the loop's. */
static int thread_start(struct alarm *a)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&a->thread, NULL, alarm_thread, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

struct alarm *alarm_new(struct stats *stats)
{
	struct alarm *a = calloc(1, sizeof(*a));
	pthread_condattr_t by_monotonic;

	if (!a)
		return NULL;
	a->stats = stats;
	a->stop_fd = eventfd(0, EFD_CLOEXEC);
	pthread_mutex_init(&a->lock, NULL);
	pthread_condattr_init(&by_monotonic);
	pthread_condattr_setclock(&by_monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&a->work, NULL);
	pthread_cond_init(&a->quiet, &by_monotonic);
	pthread_condattr_destroy(&by_monotonic);
	if (a->stop_fd >= 0) {
		errno = thread_start(a);
		if (errno == 0)
			return a;
		close(a->stop_fd);
	}
	free(a);
	return NULL;
}

static void wait_until_quiet(struct alarm *a, int64_t wait_ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	while ((a->status.waiting > 0 || a->status.is_running) &&
	       pthread_cond_timedwait(&a->quiet, &a->lock, &until) == 0)
		;
}

void alarm_free(struct alarm *a, int64_t wait_ms)
{
	const uint64_t one = 1;

	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	wait_until_quiet(a, wait_ms);
	a->stop = true;
	pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
	must(write(a->stop_fd, &one, sizeof(one)) == sizeof(one));
	pthread_join(a->thread, NULL);
	if (a->status.waiting > 0)
		log_event(LOG_LEVEL_CRIT, "alarms-not-run", LOG_NUMBER("count", a->status.waiting));
	close(a->stop_fd);
	pthread_cond_destroy(&a->work);
	pthread_cond_destroy(&a->quiet);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

void alarm_set(struct alarm *a, const char *program, int64_t timeout_ms)
{
	pthread_mutex_lock(&a->lock);
	a->status.is_set = program[0] != '\0' && TEXT_COPY(a->program, program);
	a->timeout_ms = timeout_ms;
	pthread_mutex_unlock(&a->lock);
}

enum alarm_answer alarm_raise(struct alarm *a, const struct alarm_cause *cause)
{
	static const char *const why[] = { "", "no program is set", "too many wait" };
	enum alarm_answer answer = ALARM_QUEUED;

	pthread_mutex_lock(&a->lock);
	if (!a->status.is_set)
		answer = ALARM_NONE;
	else if (a->status.waiting == ALARM_QUEUE_MAX)
		answer = ALARM_DROPPED;
	else
		a->queue[a->status.waiting++] = *cause;
	/* Under the lock, so that the line stands before the one of its end. */
	log_event(answer == ALARM_QUEUED ? LOG_LEVEL_WARN : LOG_LEVEL_CRIT,
	          answer == ALARM_QUEUED ? "alarm-raised" : "alarm-not-raised",
	          LOG_TEXT("reason", cause->reason), LOG_TEXT("incident", cause->incident),
	          LOG_TEXT("text", cause->text), LOG_TEXT("why", why[answer]));
	pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
	if (answer != ALARM_QUEUED)
		stats_count(a->stats, STATS_OUTSIDE, STATS_ALARM_DROPPED, 1);
	return answer;
}

void alarm_status(struct alarm *a, struct alarm_status *out)
{
	pthread_mutex_lock(&a->lock);
	*out = a->status;
	pthread_mutex_unlock(&a->lock);
}
