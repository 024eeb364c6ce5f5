/*
 * What is counted and measured on the way of an alert: counters, and histograms of latencies from
 * 100 microseconds to 10 seconds. Counting is one relaxed addition on a fixed place, from any
 * thread, without memory; only the page of /metrics and the status read it.
 *
 * What somebody else counts already (links, journal) is not counted here a second time.
 */
#ifndef TOCSIN_RUN_STATS_H
#define TOCSIN_RUN_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#include "decide/effect.h"
#include "decide/registry.h"
#include "run/exposition.h"

/* The stages of a turn, in their order. */
enum stats_stage { STATS_DECIDE, STATS_KEEP, STATS_RELEASE, STATS_REAP, STATS_STAGES };

/* What the alarm outside of tocsin came to. */
enum stats_alarm {
	STATS_ALARM_RUN,
	STATS_ALARM_FAILED,
	STATS_ALARM_LATE,
	STATS_ALARM_DROPPED,
	STATS_ALARMS
};

enum stats_counter {
	STATS_HEARD,     /* alerts and calls read; by source kind */
	STATS_DECISIONS, /* by enum effect_count */
	STATS_RECEIPTS,  /* by source kind */
	STATS_SHOWN,     /* views given to consoles, and how: 0 recorded, 1 not recorded yet */
	STATS_OUTSIDE,   /* alarms outside of tocsin; by enum stats_alarm */
	STATS_TURNS,
	STATS_RELOADS, /* 0 taken, 1 refused */
	STATS_COUNTERS,
};

enum stats_histogram {
	STATS_STAGE_TIME,   /* by enum stats_stage, of turns that had something to do */
	STATS_RECEIPT_TIME, /* from the alert's last byte to its receipt; by source kind */
	STATS_SHOWN_TIME,   /* from the alert's last byte to its view on the way; by source kind */
	STATS_HISTOGRAMS,
};

#define STATS_LABELS_MAX 8
#define STATS_BUCKETS    16 /* 1, 2, 5 for each power of ten; past the last: "+Inf" */

struct stats_times {
	_Atomic uint64_t buckets[STATS_BUCKETS + 1]; /* not cumulative */
	_Atomic uint64_t sum_us;
};

struct stats { /* all zero at the start */
	_Atomic uint64_t counters[STATS_COUNTERS][STATS_LABELS_MAX];
	struct stats_times times[STATS_HISTOGRAMS][STATS_LABELS_MAX];
};

/* `label` as the counter's comment says; 0 for one without. */
void stats_count(struct stats *s, enum stats_counter counter, unsigned label, uint64_t n);
void stats_time(struct stats *s, enum stats_histogram histogram, unsigned label, int64_t us);

uint64_t stats_counted(const struct stats *s, enum stats_counter counter, unsigned label);
uint64_t stats_timed(const struct stats *s, enum stats_histogram histogram, unsigned label);
/* The bound, in microseconds, below which `share` (0 to 1) of the times lie: the upper one of their
 * bucket, INT64_MAX past the last bucket, 0 when nothing was timed. */
int64_t stats_quantile_us(const struct stats *s, enum stats_histogram histogram, unsigned label,
                          double share);

void stats_write(const struct stats *s, struct exposition *e);

#endif
