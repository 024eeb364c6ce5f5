#include "push/desk.h"

#include <stdlib.h>

#include "support/table.h"
#include "wire/timer.h"

struct shown {
	struct timer timer; /* of the waiting one */
	struct desk *desk;
	struct view *view;    /* what consoles have */
	struct view *waiting; /* a newer one that only counts; NULL: none */
	struct mono last_at;
};

struct desk {
	struct timers *timers;
	void (*on_show)(void *owner, struct view *v);
	void *owner;
	struct table *open; /* by incident */
	struct view *closed[DESK_CLOSED_MAX];
	size_t closed_total;   /* the n-th closed one at n % DESK_CLOSED_MAX */
	struct position since; /* what was closed after it is remembered */
};

struct desk *desk_new(struct timers *timers, void (*on_show)(void *owner, struct view *v),
                      void *owner)
{
	struct desk *d = calloc(1, sizeof *d);
	if (d == NULL)
		return NULL;
	d->timers = timers;
	d->on_show = on_show;
	d->owner = owner;
	d->open = table_new(sizeof(struct incident_id), 0);
	if (d->open == NULL) {
		free(d);
		return NULL;
	}
	return d;
}

static void shown_free(struct shown *s)
{
	timer_clear(s->desk->timers, &s->timer);
	view_unref(s->view);
	view_unref(s->waiting);
	free(s);
}

void desk_free(struct desk *d)
{
	if (d == NULL)
		return;
	struct shown *s;
	for (size_t i = 0; (s = table_next(d->open, &i)) != NULL;)
		shown_free(s);
	for (size_t n = 0; n < DESK_CLOSED_MAX; n++)
		view_unref(d->closed[n]);
	table_free(d->open);
	free(d);
}

static void show(struct shown *s, struct view *v, struct mono now)
{
	view_unref(s->view);
	s->view = v;
	s->last_at = now;
	s->desk->on_show(s->desk->owner, v);
}

static void on_due(struct timer *t, struct mono now)
{
	struct shown *s = (struct shown *)t; /* the timer is the first member */
	struct view *v = s->waiting;
	s->waiting = NULL;
	if (v != NULL)
		show(s, v, now);
}

static struct shown *shown_of(struct desk *d, struct incident_id id)
{
	struct shown *s = table_get(d->open, &id);
	if (s != NULL)
		return s;
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	s->desk = d;
	s->timer.on_due = on_due;
	if (!table_put(d->open, &id, s)) {
		free(s);
		return NULL;
	}
	return s;
}

static void close_view(struct desk *d, struct view *v)
{
	struct shown *s = table_remove(d->open, &v->incident);
	if (s != NULL)
		shown_free(s);
	struct view **place = &d->closed[d->closed_total++ % DESK_CLOSED_MAX];
	if (*place != NULL) {
		d->since = (*place)->position;
		view_unref(*place);
	}
	*place = v;
	d->on_show(d->owner, v);
}

bool desk_put(struct desk *d, struct view *v, struct mono now)
{
	if (v->is_closed) {
		close_view(d, v);
		return true;
	}
	struct shown *s = shown_of(d, v->incident);
	if (s == NULL) {
		d->on_show(d->owner, v);
		view_unref(v);
		return false;
	}
	struct mono next = mono_add_ms(s->last_at, DESK_QUIET_MS);
	bool wait = v->is_quiet && mono_is_set(s->last_at) && !mono_is_due(next, now);
	view_unref(s->waiting);
	s->waiting = NULL;
	if (wait && (timer_is_set(&s->timer) || timer_set(d->timers, &s->timer, next))) {
		s->waiting = v;
		return true;
	}
	timer_clear(d->timers, &s->timer);
	show(s, v, now);
	return true;
}

void desk_begin(struct desk *d, struct position before)
{
	d->since = before;
}

bool desk_restore(struct desk *d, struct view *v)
{
	struct shown *s = shown_of(d, v->incident);
	if (s == NULL) {
		view_unref(v);
		return false;
	}
	view_unref(s->view);
	s->view = v;
	return true;
}

struct view *desk_next_open(const struct desk *d, size_t *index)
{
	struct shown *s;
	while ((s = table_next(d->open, index)) != NULL)
		if (s->view != NULL)
			return s->view;
	return NULL;
}

size_t desk_count(const struct desk *d)
{
	return table_count(d->open);
}

bool desk_remembers(const struct desk *d, struct position position)
{
	return position_compare(position, d->since) >= 0;
}

struct view *desk_closed(const struct desk *d, size_t n)
{
	if (n >= d->closed_total || n >= DESK_CLOSED_MAX)
		return NULL;
	return d->closed[(d->closed_total - 1 - n) % DESK_CLOSED_MAX];
}
