/*
 * The desk: the newest view of every open incident, and of those closed lately, as consoles have
 * been shown them. It paces: a stuck button reaches consoles as at most one revision a second.
 * Consoles take their snapshots from here. run/ feeds it as decisions become durable.
 */
#ifndef TOCSIN_PUSH_DESK_H
#define TOCSIN_PUSH_DESK_H

#include <stddef.h>

#include "push/view.h"
#include "support/clock.h"

#define DESK_QUIET_MS 1000   /* between two revisions of one incident that only count */
#define DESK_CLOSED_MAX 1024 /* remembered, for consoles that resume */

struct desk;
struct timers;

struct desk *desk_new(struct timers *timers, void (*on_show)(void *owner, struct view *v), void *owner);
void desk_free(struct desk *d);

/* Shows it now, or within DESK_QUIET_MS when it is quiet and one was shown just before. Takes the
 * reference. False: no memory to remember it; it is shown all the same. */
bool desk_put(struct desk *d, struct view *v, struct mono now);
/* At the start: what closed up to `before` is not remembered. */
void desk_begin(struct desk *d, struct position before);
/* A restored incident, before the first console: remembered, shown to nobody. */
bool desk_restore(struct desk *d, struct view *v);

/* for (size_t i = 0; (v = desk_next_open(d, &i)) != NULL;) … */
struct view *desk_next_open(const struct desk *d, size_t *index);
size_t desk_count(const struct desk *d);
/* Whether everything that closed after `position` is still remembered; then desk_closed gives the
 * n-th newest of them, NULL past the end. */
bool desk_remembers(const struct desk *d, struct position position);
struct view *desk_closed(const struct desk *d, size_t n);

#endif
