/*
 * How urgent: 1 (attack under way or presumed) to 4 (technical, for operations alone), by numbered
 * rules (see triage.c and tests/table/triage.txt). Time, lateness and a history of false alarms
 * lower nothing.
 */
#ifndef TOCSIN_DECIDE_TRIAGE_H
#define TOCSIN_DECIDE_TRIAGE_H

#include "decide/alert.h"
#include "decide/reason.h"
#include "decide/registry.h"

struct triage {
	unsigned priority;
	enum reason_code why;
};

/* `phase` counts for ALERT_CALL only; `answered`: the call was answered before. */
struct triage triage(const struct alert *a, const struct source *s, enum call_phase phase, bool answered);

#endif
