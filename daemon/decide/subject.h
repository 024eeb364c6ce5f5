/*
 * Whom and what the open incidents are about, as an index: persons, their numbers, a single-user
 * source, a site. correlate() asks it for the few incidents that may have to do with an alert
 * instead of looking at all. Kept by world and decide whenever people or place of one change.
 */
#ifndef TOCSIN_DECIDE_SUBJECT_H
#define TOCSIN_DECIDE_SUBJECT_H

#include "decide/finding.h"
#include "decide/incident.h"

struct subjects;

struct subjects *subjects_new(void); /* NULL: no memory */
void subjects_free(struct subjects *s);

/* Enters the incident under what it is about now, in place of what it was before. False: no memory,
 * it is then found under less than it should be. */
bool subjects_put(struct subjects *s, struct incident *i);
void subjects_remove(struct subjects *s, struct incident *i);

/* Incidents that share a person, source, number or site with the finding, each once: in this order,
 * the newest of each first, so that a crowded site never hides what belongs together. Returns how
 * many were written, at most `max`. */
unsigned subjects_find(struct subjects *s, const struct finding *f, struct incident **out, unsigned max);

#endif
