#include "wire/timer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "support/bug.h"

#define NS_PER_S 1000000000LL

struct timers {
	struct heap heap;
	int fd;
	struct mono armed; /* when the descriptor fires; not set: never */
	struct event *on_readable;
};

static void timers_arm(struct timers *ts)
{
	struct heap_node *first = heap_first(&ts->heap);
	struct itimerspec at = { 0 };

	/* A later first one needs no call: the early wake-up arms it. */
	if (!first || (mono_is_set(ts->armed) && ts->armed.ns <= first->due.ns))
		return;
	ts->armed = first->due;
	at.it_value.tv_sec = first->due.ns / NS_PER_S;
	at.it_value.tv_nsec = first->due.ns % NS_PER_S;
	must(timerfd_settime(ts->fd, TFD_TIMER_ABSTIME, &at, NULL) == 0);
}

static void timers_on_readable(int fd, short what, void *arg)
{
	struct timers *ts = arg;
	struct mono now = clock_mono();
	uint64_t expirations;
	(void)what;

	/* Nothing to read is fine: it was armed anew in between. */
	if (read(fd, &expirations, sizeof(expirations)) < 0)
		must(errno == EAGAIN || errno == EINTR);
	ts->armed = (struct mono){ 0 };
	/* At most what was there: a timer that sets itself to now waits for the next turn. */
	for (size_t left = ts->heap.count; left > 0; left--) {
		struct heap_node *first = heap_first(&ts->heap);
		struct timer *t = (struct timer *)first;
		if (!first || !mono_is_due(first->due, now))
			break;
		heap_remove(&ts->heap, first);
		t->on_due(t, now);
	}
	timers_arm(ts);
}

struct timers *timers_new(struct event_base *base)
{
	struct timers *ts = calloc(1, sizeof(*ts));

	if (!ts)
		return NULL;
	heap_init(&ts->heap);
	ts->fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (ts->fd < 0) {
		free(ts);
		return NULL;
	}
	ts->on_readable = event_new(base, ts->fd, EV_READ | EV_PERSIST, timers_on_readable, ts);
	if (!ts->on_readable || event_add(ts->on_readable, NULL) != 0) {
		timers_free(ts);
		errno = ENOMEM;
		return NULL;
	}
	return ts;
}

void timers_free(struct timers *ts)
{
	if (!ts)
		return;
	if (ts->on_readable)
		event_free(ts->on_readable);
	close(ts->fd);
	heap_done(&ts->heap);
	free(ts);
}

bool timer_set(struct timers *ts, struct timer *t, struct mono due)
{
	/* "Never" is said by timer_clear; a timer set to it would be lost in silence. */
	if (BUG(!mono_is_set(due)))
		due = clock_mono();
	if (!heap_set(&ts->heap, &t->node, due))
		return false;
	timers_arm(ts);
	return true;
}

void timer_clear(struct timers *ts, struct timer *t)
{
	heap_remove(&ts->heap, &t->node);
}
