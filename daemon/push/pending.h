/*
 * What one console has not been sent yet: the newest view of each incident, the most urgent first
 * and then in the order in which they came. A newer view of an incident takes the place of the one
 * that waits. Every call costs the same, however much waits.
 */
#ifndef TOCSIN_PUSH_PENDING_H
#define TOCSIN_PUSH_PENDING_H

#include <stddef.h>

#include "push/view.h"

struct pending;

struct pending *pending_new(void); /* NULL: no memory */
void pending_free(struct pending *p);

/* Takes a reference of its own. False: no memory, and what waited waits on. */
bool pending_put(struct pending *p, struct view *v);
/* The next one, whose reference is the caller's then; NULL: nothing waits. */
struct view *pending_take(struct pending *p);
size_t pending_count(const struct pending *p);

#endif
