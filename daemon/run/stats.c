#include "run/stats.h"

#include <math.h>
#include <stdio.h>

#include "support/bug.h"

_Static_assert(SOURCE_KINDS <= STATS_LABELS_MAX, "a place for each source kind");
_Static_assert(COUNT_KINDS <= STATS_LABELS_MAX, "a place for each decision");

/* Upper bounds of the buckets, in microseconds and as Prometheus is told them, in seconds. */
static const struct {
	int64_t us;
	const char *le;
} bounds[STATS_BUCKETS] = {
	{ 100, "0.0001" }, { 200, "0.0002" }, { 500, "0.0005" }, { 1000, "0.001" },
	{ 2000, "0.002" }, { 5000, "0.005" }, { 10000, "0.01" }, { 20000, "0.02" },
	{ 50000, "0.05" }, { 100000, "0.1" }, { 200000, "0.2" }, { 500000, "0.5" },
	{ 1000000, "1" },  { 2000000, "2" },  { 5000000, "5" },  { 10000000, "10" },
};

/* A family as the page shows it: `names` of its labels, NULL when it has none. */
struct family {
	const char *name, *help, *label;
	unsigned count;
	const char *const *names;
};

static const char *const kind_names[SOURCE_KINDS] = {
	[SOURCE_DEVICE] = "device",     [SOURCE_BUTTON] = "button",
	[SOURCE_PANEL] = "panel",       [SOURCE_REGULATION] = "regulation",
	[SOURCE_EXCHANGE] = "exchange", [SOURCE_PLATFORM] = "platform",
	[SOURCE_CONSOLE] = "console",
};

static const char *const decision_names[COUNT_KINDS] = {
	[COUNT_CALLS_NOT_REGISTERED] = "call-not-registered",
	[COUNT_ALERTS_REPEATED] = "repeated",
	[COUNT_INCIDENTS_RAISED] = "raised",
	[COUNT_ALERTS_JOINED] = "joined",
	[COUNT_RENEWALS] = "renewed",
	[COUNT_ESCALATIONS] = "escalated",
};

static const char *const stage_names[STATS_STAGES] = { "decide", "keep", "release", "reap" };
static const char *const alarm_names[STATS_ALARMS] = { "run", "failed", "late", "dropped" };
static const char *const shown_names[] = { "yes", "no" };
static const char *const reload_names[] = { "taken", "refused" };

static const struct family counters[STATS_COUNTERS] = {
	[STATS_HEARD] = { "tocsin_alerts_heard_total", "Alerts and calls that were read.",
	                  "source_kind", SOURCE_KINDS, kind_names },
	[STATS_DECISIONS] = { "tocsin_decisions_total", "What was decided.", "decision",
	                      COUNT_KINDS, decision_names },
	[STATS_RECEIPTS] = { "tocsin_receipts_total", "Receipts given, each for something durable.",
	                     "source_kind", SOURCE_KINDS, kind_names },
	[STATS_SHOWN] = { "tocsin_views_shown_total",
	                  "Revisions shown to consoles, by whether they were durable by then.",
	                  "recorded", 2, shown_names },
	[STATS_OUTSIDE] = { "tocsin_outside_alarms_total",
	                    "Alarms outside of tocsin, by their outcome.", "outcome", STATS_ALARMS,
	                    alarm_names },
	[STATS_TURNS] = { "tocsin_turns_total", "Turns of the loop.", NULL, 1, NULL },
	[STATS_RELOADS] = { "tocsin_reloads_total", "Reloads of the configuration.", "outcome", 2,
	                    reload_names },
};

static const struct family histograms[STATS_HISTOGRAMS] = {
	[STATS_STAGE_TIME] = { "tocsin_stage_seconds", "Time in each stage of a turn.", "stage",
	                       STATS_STAGES, stage_names },
	[STATS_RECEIPT_TIME] = { "tocsin_receipt_seconds", "From reading an alert to its receipt.",
	                         "source_kind", SOURCE_KINDS, kind_names },
	[STATS_SHOWN_TIME] = { "tocsin_shown_seconds",
	                       "From reading an alert to its view on the way to consoles.",
	                       "source_kind", SOURCE_KINDS, kind_names },
};

static uint64_t load(const _Atomic uint64_t *at)
{
	return atomic_load_explicit(at, memory_order_relaxed);
}

static void increase(_Atomic uint64_t *at, uint64_t n)
{
	atomic_fetch_add_explicit(at, n, memory_order_relaxed);
}

void stats_count(struct stats *s, enum stats_counter counter, unsigned label, uint64_t n)
{
	if (BUG((unsigned)counter >= STATS_COUNTERS || label >= counters[counter].count))
		return;
	increase(&s->counters[counter][label], n);
}

void stats_time(struct stats *s, enum stats_histogram histogram, unsigned label, int64_t us)
{
	struct stats_times *t;
	unsigned bucket = 0;

	if (BUG((unsigned)histogram >= STATS_HISTOGRAMS || label >= histograms[histogram].count))
		return;
	t = &s->times[histogram][label];
	if (us < 0)
		us = 0;
	while (bucket < STATS_BUCKETS && us > bounds[bucket].us)
		bucket++;
	increase(&t->buckets[bucket], 1);
	increase(&t->sum_us, (uint64_t)us);
}

uint64_t stats_counted(const struct stats *s, enum stats_counter counter, unsigned label)
{
	return load(&s->counters[counter][label]);
}

uint64_t stats_timed(const struct stats *s, enum stats_histogram histogram, unsigned label)
{
	uint64_t count = 0;

	for (unsigned i = 0; i <= STATS_BUCKETS; i++)
		count += load(&s->times[histogram][label].buckets[i]);
	return count;
}

int64_t stats_quantile_us(const struct stats *s, enum stats_histogram histogram, unsigned label,
                          double share)
{
	const struct stats_times *t = &s->times[histogram][label];
	uint64_t count = stats_timed(s, histogram, label), below = 0;
	uint64_t wanted = (uint64_t)ceil(share * (double)count);

	if (count == 0)
		return 0;
	for (unsigned i = 0; i < STATS_BUCKETS; i++) {
		below += load(&t->buckets[i]);
		if (below >= wanted)
			return bounds[i].us;
	}
	return INT64_MAX;
}

static void write_counter(const struct stats *s, enum stats_counter c, struct exposition *e)
{
	const struct family *f = &counters[c];

	exposition_family(e, f->name, EXPOSITION_COUNTER, f->help);
	if (!f->label)
		exposition_put_count(e, "", NULL, load(&s->counters[c][0]));
	for (unsigned i = 0; f->label && i < f->count; i++)
		exposition_put_count(e, "", EXPOSITION_LABELS({ f->label, f->names[i] }),
		                     load(&s->counters[c][i]));
}

static void write_times(const struct stats_times *t, const struct family *f, unsigned label,
                        struct exposition *e)
{
	uint64_t count = 0;

	for (unsigned i = 0; i <= STATS_BUCKETS; i++) {
		count += load(&t->buckets[i]);
		exposition_put_count(
		        e, "_bucket",
		        EXPOSITION_LABELS({ f->label, f->names[label] },
		                          { "le", i < STATS_BUCKETS ? bounds[i].le : "+Inf" }),
		        count);
	}
	exposition_put(e, "_sum", EXPOSITION_LABELS({ f->label, f->names[label] }),
	               (double)load(&t->sum_us) / 1e6);
	/* Of the buckets read above, so that it equals the last one while others count on. */
	exposition_put_count(e, "_count", EXPOSITION_LABELS({ f->label, f->names[label] }), count);
}

void stats_write(const struct stats *s, struct exposition *e)
{
	for (unsigned c = 0; c < STATS_COUNTERS; c++)
		write_counter(s, (enum stats_counter)c, e);
	for (unsigned h = 0; h < STATS_HISTOGRAMS; h++) {
		const struct family *f = &histograms[h];
		exposition_family(e, f->name, EXPOSITION_HISTOGRAM, f->help);
		for (unsigned i = 0; i < f->count; i++)
			write_times(&s->times[h][i], f, i, e);
	}
}
