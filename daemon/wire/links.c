#include "wire/links.h"

#include <signal.h>
#include <stdlib.h>

#include <event2/event.h>

#include "support/bug.h"
#include "support/log.h"
#include "wire/link_private.h"

/* A handshake step costs up to 0.6 ms. This many a turn, so that a crowd that reconnects does not
 * stand before an alarm of a link that is open. */
#define LINKS_HANDSHAKE_STEPS_PER_TURN 8
/* A scanner must not fill the log: so many refusals are told in so much time, then their number. */
#define LINKS_REFUSALS_TOLD    20
#define LINKS_REFUSALS_SPAN_MS 10000

const char *link_end_name(enum link_end end)
{
	static const char *const names[LINK_ENDS] = {
		[LINK_END_NONE] = "none",
		[LINK_END_PEER_CLOSED] = "peer-closed",
		[LINK_END_PEER_GONE] = "peer-gone",
		[LINK_END_NOT_TLS] = "not-tls",
		[LINK_END_HANDSHAKE] = "handshake",
		[LINK_END_NO_CERTIFICATE] = "no-certificate",
		[LINK_END_UNTRUSTED] = "untrusted",
		[LINK_END_REVOKED] = "revoked",
		[LINK_END_HANDSHAKE_LATE] = "handshake-late",
		[LINK_END_CROWDED_OUT] = "crowded-out",
		[LINK_END_EMPTY_FRAME] = "empty-frame",
		[LINK_END_OVERSIZED] = "oversized",
		[LINK_END_STALLED] = "stalled",
		[LINK_END_SILENT] = "silent",
		[LINK_END_SLOW_READER] = "slow-reader",
		[LINK_END_TLS] = "tls",
		[LINK_END_PROTOCOL] = "protocol",
		[LINK_END_REFUSED] = "refused",
		[LINK_END_REPLACED] = "replaced",
		[LINK_END_SHUTDOWN] = "shutdown",
		[LINK_END_NO_MEMORY] = "no-memory",
	};

	if (BUG((unsigned)end >= LINK_ENDS || !names[end]))
		return "none";
	return names[end];
}

void links_wake(struct links *ls)
{
	/* Without memory for a timer the next event of any link wakes us. */
	if (!timer_is_set(&ls->again_timer))
		timer_set(ls->timers, &ls->again_timer, clock_mono());
}

static void links_on_again(struct timer *t, struct mono now)
{
	struct links *ls = (struct links *)t;
	struct link_list due = TAILQ_HEAD_INITIALIZER(due);
	struct link *l;
	(void)now;

	TAILQ_CONCAT(&due, &ls->again, again_entry);
	while ((l = TAILQ_FIRST(&due))) {
		TAILQ_REMOVE(&due, l, again_entry);
		l->in_again = false;
		if (l->state == LINK_OPEN)
			link_read(l);
	}
}

struct links *links_new(struct event_base *base, struct timers *timers)
{
	struct links *ls = calloc(1, sizeof(*ls));

	if (!ls)
		return NULL;
	/* A peer that is gone is an answer of write(), not the end of the process. */
	signal(SIGPIPE, SIG_IGN);
	ls->base = base;
	ls->timers = timers;
	ls->again_timer.on_due = links_on_again;
	ls->handshake_steps = LINKS_HANDSHAKE_STEPS_PER_TURN;
	TAILQ_INIT(&ls->all);
	TAILQ_INIT(&ls->shaking);
	TAILQ_INIT(&ls->dirty);
	TAILQ_INIT(&ls->held);
	TAILQ_INIT(&ls->again);
	TAILQ_INIT(&ls->ended);
	return ls;
}

void links_free(struct links *ls)
{
	struct link *l;

	if (!ls)
		return;
	while ((l = TAILQ_FIRST(&ls->all)))
		link_free(l);
	timer_clear(ls->timers, &ls->again_timer);
	free(ls);
}

bool links_flush(struct links *ls)
{
	struct link_list dirty = TAILQ_HEAD_INITIALIZER(dirty);
	struct link *l;

	TAILQ_CONCAT(&dirty, &ls->dirty, dirty_entry);
	while ((l = TAILQ_FIRST(&dirty))) {
		TAILQ_REMOVE(&dirty, l, dirty_entry);
		l->in_dirty = false;
		if (l->state == LINK_OPEN)
			link_write(l);
	}
	return !TAILQ_EMPTY(&ls->dirty);
}

/* One line for a peer that never came in; scanners and those who left by themselves are counted
 * and shown to who debugs. */
static void link_log_refused(struct link *l)
{
	struct links *ls = l->links;
	struct mono now = clock_mono();
	struct tls_peer peer = { 0 };
	bool quiet = l->end == LINK_END_NOT_TLS || l->end == LINK_END_PEER_CLOSED ||
	             l->end == LINK_END_PEER_GONE || l->end == LINK_END_SHUTDOWN;

	if (!mono_is_set(ls->refusals_since) ||
	    mono_ms_between(ls->refusals_since, now) >= LINKS_REFUSALS_SPAN_MS) {
		if (ls->refusals_untold > 0)
			log_event(LOG_LEVEL_NOTICE, "links-refused-untold",
			          LOG_NUMBER("count", ls->refusals_untold));
		ls->refusals_since = now;
		ls->refusals = ls->refusals_untold = 0;
	}
	if (!quiet && ls->refusals >= LINKS_REFUSALS_TOLD) {
		ls->refusals_untold++;
		return;
	}
	if (!quiet)
		ls->refusals++;
	link_peer(l, &peer);
	log_event(quiet ? LOG_LEVEL_DEBUG : LOG_LEVEL_NOTICE, "link-refused",
	          LOG_TEXT("listener", l->group->name), LOG_TEXT("address", l->address),
	          LOG_TEXT("reason", link_end_name(l->end)), LOG_TEXT("detail", link_detail(l)),
	          LOG_TEXT("subject", peer.subject));
}

static void link_tell_end(struct link *l)
{
	if (l->told_end)
		return;
	l->told_end = true;
	if (l->told_open)
		l->group->callbacks.on_end(l, l->owner, l->end);
	else
		link_log_refused(l);
}

void links_reap(struct links *ls)
{
	struct link *l;

	while ((l = TAILQ_FIRST(&ls->ended))) {
		link_tell_end(l);
		if (l->state == LINK_FLUSHING)
			link_write(l);
		if (l->state == LINK_DEAD) {
			link_free(l);
			continue;
		}
		TAILQ_REMOVE(&ls->ended, l, ended_entry);
		l->in_ended = false;
	}
	ls->handshake_steps = LINKS_HANDSHAKE_STEPS_PER_TURN;
	/* What an on_end sent to others leaves in the next turn, which must not wait for an event.
	 */
	if (!TAILQ_EMPTY(&ls->dirty))
		links_wake(ls);
}

void links_pause(struct links *ls)
{
	ls->paused = true;
}

void links_resume(struct links *ls)
{
	struct link *l, *next;

	ls->paused = false;
	for (l = TAILQ_FIRST(&ls->held); l; l = next) {
		next = TAILQ_NEXT(l, held_entry);
		if (!l->paused)
			link_leave_held(l);
	}
}

void links_close(struct links *ls, const struct link_group *group, enum link_end end)
{
	struct link *l;

	TAILQ_FOREACH(l, &ls->all, all_entry)
	if (!group || l->group == group)
		link_close(l, end);
}

unsigned links_close_revoked(struct links *ls, const struct link_group *group)
{
	unsigned closed = 0;
	struct link *l;

	TAILQ_FOREACH(l, &ls->all, all_entry)
	{
		if (l->group != group || l->state != LINK_OPEN ||
		    !tls_is_revoked(group->tls, l->ssl))
			continue;
		link_close(l, LINK_END_REVOKED);
		closed++;
	}
	return closed;
}

bool links_crowd_out(struct links *ls, const struct link_group *group, int64_t age_ms)
{
	struct mono now = clock_mono();
	struct link *l;

	TAILQ_FOREACH(l, &ls->shaking, shaking_entry)
	{
		if (mono_ms_between(l->begun, now) < age_ms)
			return false; /* and all after it are younger */
		if (l->group != group)
			continue;
		link_fail(l, LINK_END_CROWDED_OUT);
		return true;
	}
	return false;
}

unsigned links_count(const struct links *ls)
{
	return ls->count;
}
