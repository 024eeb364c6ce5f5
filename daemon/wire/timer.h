/*
 * Deadlines on the boot-time clock, which goes on while the machine sleeps: a deadline that passed
 * in suspend is due at the wake-up, not as much later as the machine slept. (libevent's own timers
 * stand on the monotonic clock, which stops.)
 *
 * One timerfd and one heap for all; a struct timer lives in its owner. Not thread-safe.
 */
#ifndef TOCSIN_WIRE_TIMER_H
#define TOCSIN_WIRE_TIMER_H

#include <stdbool.h>

#include "support/clock.h"
#include "support/heap.h"

struct event_base;
struct timers;

struct timer {
	struct heap_node node; /* first, so that the heap's node is the timer */
	void (*on_due)(struct timer *t, struct mono now);
};

struct timers *timers_new(struct event_base *base); /* NULL: no memory or descriptor, see errno */
void timers_free(struct timers *ts);                /* the timers are their owners' */

/* Calls t->on_due once, from the event loop, when `due` has come; moves it if it was set. A `due`
 * that has passed is due in the next turn. False: no memory, and it is not set. */
bool timer_set(struct timers *ts, struct timer *t, struct mono due);
void timer_clear(struct timers *ts, struct timer *t);
static inline bool timer_is_set(const struct timer *t)
{
	return t->node.place != 0;
}

#endif
