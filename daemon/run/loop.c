#include "run/loop.h"

#include <event2/event.h>

#include "decide/decide.h"
#include "support/bug.h"
#include "support/log.h"

/* So many events at most in a turn: it stays short, and links are served between. */
#define TURN_EVENTS_MAX 256

struct event *loop_post(struct loop *l)
{
	struct event *e = inbox_post(l->inbox);
	if (inbox_is_full(l->inbox) && !l->is_paused) {
		links_pause(l->links); /* what is read already stays with the links */
		l->is_paused = true;
	}
	return e;
}

static void port_receipt(void *owner, const struct effect *e, struct mono at)
{
	struct loop *l = owner;
	enum source_kind kind = senders_receipt(l->senders, e);
	if (kind == SOURCE_KINDS)
		return; /* its link has ended: it will ask again */
	stats_count(l->stats, STATS_RECEIPTS, kind, 1);
	stats_time(l->stats, STATS_RECEIPT_TIME, kind, mono_us_between(at, clock_mono()));
}

static void port_answer(void *owner, const struct effect *e)
{
	struct loop *l = owner;
	consoles_answer(l->consoles, e);
}

static void port_tell(void *owner, struct sender_note *note)
{
	struct loop *l = owner;
	senders_tell(l->senders, note);
}

static void port_show(void *owner, struct view *v, bool recorded)
{
	struct loop *l = owner;
	struct mono now = clock_mono();
	view_set_recorded(v, recorded);
	stats_count(l->stats, STATS_SHOWN, !recorded, 1);
	if (v->from != SOURCE_KINDS)
		stats_time(l->stats, STATS_SHOWN_TIME, v->from, mono_us_between(v->made_at, now));
	consoles_show(l->consoles, v, now);
}

static void on_wake(struct timer *t, struct mono now)
{
	(void)t; /* the turn looks at what is due */
	(void)now;
}

bool loop_init(struct loop *l, int64_t unrecorded_after_ms)
{
	struct release_ports ports = { .owner = l,
		                       .receipt = port_receipt,
		                       .answer = port_answer,
		                       .tell = port_tell,
		                       .show = port_show };
	l->inbox = inbox_new();
	l->release = release_new(&ports, unrecorded_after_ms);
	l->wake.on_due = on_wake;
	if (l->inbox != NULL && l->release != NULL)
		return true;
	loop_done(l);
	return false;
}

void loop_done(struct loop *l)
{
	inbox_free(l->inbox);
	release_free(l->release);
	l->inbox = NULL;
	l->release = NULL;
}

/* 1. Callbacks of links and timers append to the inbox. */
static void gather(struct loop *l)
{
	bool busy = l->wants_turn || inbox_count(l->inbox) > 0;
	event_base_loop(l->base, EVLOOP_ONCE | (busy ? EVLOOP_NONBLOCK : 0));
	l->turn_began = clock_mono();
	l->wants_turn = false;
}

/* Whose alert an event is; SOURCE_KINDS: nobody's. */
static enum source_kind kind_of(const struct loop *l, const struct event *e)
{
	struct source source;
	const struct alert *a = e->kind == EVENT_ALERT  ? &e->alert
	                        : e->kind == EVENT_CALL ? &e->call.alert
	                                                : NULL;
	return a != NULL && registry_source(l->world.registry, a->source, &source) ? source.kind
	                                                                           : SOURCE_KINDS;
}

static void show(struct loop *l, const struct effect *e, const struct event *event)
{
	struct view *v = view_new(e->show.incident, e->show.quiet, event->at, l->world.registry,
	                          l->world.territory);
	if (v == NULL) {
		log_event(LOG_LEVEL_CRIT, "view-no-memory");
		return;
	}
	v->from = kind_of(l, event);
	release_put_view(l->release, v, e->position, event->at);
}

/* Effects borrow from the world: each is used up before the next event is decided. */
static void consume(struct loop *l, const struct event *event)
{
	for (unsigned n = 0; n < l->effects.count; n++) {
		struct effect *e = &l->effects.list[n];
		switch (e->kind) {
		case EFFECT_KEEP: {
			size_t length = record_encode(e, event->at, event->wall, l->record);
			keepers_append(&l->keepers, e->position, l->record, length);
			checkpointer_kept(l->checkpointer, length);
			break;
		}
		case EFFECT_RECEIPT: release_put_receipt(l->release, e, event->at); break;
		case EFFECT_ANSWER: release_put_answer(l->release, e, event->at); break;
		case EFFECT_SHOW: show(l, e, event); break;
		case EFFECT_STATE:
			release_put_note(l->release, sender_note_new(e->show.incident), e->position,
			                 event->at);
			break;
		case EFFECT_ALARM:
			if (l->watch.on_alarm != NULL)
				l->watch.on_alarm(l->watch.owner, e);
			break;
		case EFFECT_COUNT: stats_count(l->stats, STATS_DECISIONS, e->count, 1); break;
		}
	}
}

/* 2. Each event in order of arrival, deadlines first: they are older. */
static void decide_events(struct loop *l)
{
	struct event *e;
	struct event tick = { .kind = EVENT_TICK, .at = l->turn_began, .wall = clock_wall() };
	while (mono_is_due(world_next_wake(&l->world), tick.at)) {
		decide(&l->world, &tick, &l->effects);
		consume(l, &tick);
	}
	for (unsigned n = 0; n < TURN_EVENTS_MAX && (e = inbox_first(l->inbox)) != NULL; n++) {
		decide(&l->world, e, &l->effects);
		consume(l, e);
		inbox_drop(l->inbox);
	}
}

/* 3. The turn's records go to both keepers. */
static void keep(struct loop *l)
{
	keepers_commit(&l->keepers);
	l->wants_turn |= checkpointer_turn(l->checkpointer, &l->world, l->keepers.journal,
	                                   l->turn_began, clock_wall());
}

/* 4. Receipts and views whose position is durable, or that waited long enough. */
static void release(struct loop *l)
{
	struct position recorded = keepers_recorded(&l->keepers);
	release_run(l->release, keepers_receipts(&l->keepers), recorded, clock_mono());
	consoles_recorded(l->consoles, recorded);
	l->wants_turn |= links_flush(l->links);
}

/* 5. What ended in this turn is freed, and reading goes on if there is room again. */
static void reap(struct loop *l)
{
	links_reap(l->links);
	world_reap(&l->world);
	bool full = l->is_ending || inbox_is_full(l->inbox) || keepers_is_behind(&l->keepers);
	if (full && !l->is_paused)
		links_pause(l->links);
	else if (!full && l->is_paused)
		links_resume(l->links);
	l->is_paused = full;
}

static void set_wake(struct loop *l)
{
	struct mono due = world_next_wake(&l->world), view = release_next_wake(l->release);
	if (mono_is_set(view) && (!mono_is_set(due) || view.ns < due.ns))
		due = view;
	if (mono_is_set(due))
		must(timer_set(l->timers, &l->wake, due));
	else
		timer_clear(l->timers, &l->wake);
}

static struct mono staged(struct loop *l, enum stats_stage stage, bool did, struct mono from)
{
	struct mono now = clock_mono();
	if (did)
		stats_time(l->stats, STATS_STAGE_TIME, stage, mono_us_between(from, now));
	return now;
}

void loop_turn(struct loop *l)
{
	gather(l);
	struct mono t = l->turn_began;
	bool did = inbox_count(l->inbox) > 0 || mono_is_due(world_next_wake(&l->world), t);
	decide_events(l);
	t = staged(l, STATS_DECIDE, did, t);
	keep(l);
	t = staged(l, STATS_KEEP, did, t);
	release(l);
	t = staged(l, STATS_RELEASE, did, t);
	reap(l);
	staged(l, STATS_REAP, did, t);
	stats_count(l->stats, STATS_TURNS, 0, 1);
	set_wake(l);
	l->turns++;
}

bool loop_is_drained(const struct loop *l)
{
	return inbox_count(l->inbox) == 0 && release_waiting(l->release) == 0;
}
