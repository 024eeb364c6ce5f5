#include "wire/link.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/err.h>

#include "support/bug.h"
#include "wire/link_private.h"

#define LINK_READ_PER_TURN                                                                         \
	(64 * 1024) /* of one link, so that no peer keeps the turn for itself                      \
	             */
#define LINK_LINGER_BYTES_MAX (1024 * 1024)
/* ---- deadlines ---- */

static struct mono earlier(struct mono a, struct mono b)
{
	if (!mono_is_set(a))
		return b;
	return mono_is_set(b) && b.ns < a.ns ? b : a;
}

static struct mono after(struct mono since, int64_t ms)
{
	return mono_is_set(since) ? mono_add_ms(since, ms) : (struct mono){ 0 };
}

/* When it ends unless something happens before; not set: no deadline. */
static struct mono link_due(const struct link *l)
{
	const struct link_settings *s = &l->group->settings;
	struct mono due = { 0 };

	switch (l->state) {
	case LINK_QUIET:
	case LINK_SHAKING: return after(l->begun, s->handshake_ms);
	case LINK_FLUSHING:
	case LINK_LINGERING: return l->close_due;
	case LINK_DEAD: return due;
	case LINK_OPEN: break;
	}
	/* Nobody is to blame for what we did not want to read. */
	if (!l->in_held) {
		if (s->idle_ms > 0)
			due = after(l->heard, s->idle_ms);
		due = earlier(due, after(l->part_since, s->frame_ms));
	}
	return earlier(due, after(l->blocked_since, s->write_ms));
}

/* A deadline that moved away leaves the timer as it is: the early call looks again. So an ordinary
 * message costs no work on the heap. */
static void link_schedule(struct link *l)
{
	struct mono due = link_due(l);

	if (!mono_is_set(due) || (timer_is_set(&l->timer) && l->timer.node.due.ns <= due.ns))
		return;
	if (!timer_set(l->links->timers, &l->timer, due))
		link_fail(l, LINK_END_NO_MEMORY);
}

/* ---- lists and events ---- */

void link_leave_shaking(struct link *l)
{
	if (!l->in_shaking)
		return;
	TAILQ_REMOVE(&l->links->shaking, l, shaking_entry);
	l->in_shaking = false;
	l->group->handshaking--;
}

static void link_enter_ended(struct link *l)
{
	if (l->in_ended)
		return;
	TAILQ_INSERT_TAIL(&l->links->ended, l, ended_entry);
	l->in_ended = true;
}

static void link_enter_dirty(struct link *l)
{
	if (l->in_dirty)
		return;
	TAILQ_INSERT_TAIL(&l->links->dirty, l, dirty_entry);
	l->in_dirty = true;
}

static void link_enter_again(struct link *l)
{
	if (l->in_again)
		return;
	TAILQ_INSERT_TAIL(&l->links->again, l, again_entry);
	l->in_again = true;
	links_wake(l->links);
}

void link_watch(struct link *l, struct event *event)
{
	if (event_add(event, NULL) != 0)
		link_fail(l, LINK_END_NO_MEMORY);
}

static bool link_must_hold(const struct link *l)
{
	return l->paused || l->links->paused;
}

static void link_enter_held(struct link *l)
{
	if (l->in_held)
		return;
	TAILQ_INSERT_TAIL(&l->links->held, l, held_entry);
	l->in_held = true;
	event_del(&l->on_readable);
}

/* Reading goes on in the next turn, never from inside the caller. */
void link_leave_held(struct link *l)
{
	if (!l->in_held)
		return;
	TAILQ_REMOVE(&l->links->held, l, held_entry);
	l->in_held = false;
	if (l->state != LINK_OPEN)
		return;
	l->heard = clock_mono();
	if (frame_pending(&l->in) > 0)
		l->part_since = l->heard;
	link_watch(l, &l->on_readable);
	link_enter_again(l);
	link_schedule(l);
}

/* ---- ends ---- */

static void link_set_end(struct link *l, enum link_end end)
{
	if (l->end != LINK_END_NONE)
		return;
	l->end = end;
	l->group->counters.ended[end]++;
	link_leave_shaking(l);
	link_enter_ended(l);
}

/* Nothing more goes in or out; reap frees it. */
static void link_drop(struct link *l)
{
	l->state = LINK_DEAD;
	event_del(&l->on_readable);
	event_del(&l->on_writable);
	timer_clear(l->links->timers, &l->timer);
	link_enter_ended(l);
}

void link_fail(struct link *l, enum link_end end)
{
	link_set_end(l, end);
	link_drop(l);
}

/* After SSL_* failed with `error`, which is no mere wish to read or write. */
void link_fail_tls(struct link *l, int error, int saved_errno)
{
	unsigned long code = ERR_peek_error();

	if (error == SSL_ERROR_ZERO_RETURN && BIO_eof(SSL_get_rbio(l->ssl))) {
		link_fail(l, LINK_END_PEER_GONE);
	} else if (error == SSL_ERROR_ZERO_RETURN) {
		/* One goodbye deserves another; if it cannot leave now, it need not. */
		SSL_shutdown(l->ssl);
		link_fail(l, LINK_END_PEER_CLOSED);
	} else if (error == SSL_ERROR_SYSCALL) {
		l->detail = saved_errno ? strerrordesc_np(saved_errno) : NULL;
		link_fail(l, LINK_END_PEER_GONE);
	} else {
		l->detail = ERR_reason_error_string(code);
		link_fail(l, l->state == LINK_SHAKING ? link_handshake_end(l, ERR_GET_REASON(code))
		                                      : LINK_END_TLS);
	}
	ERR_clear_error();
}

/* ---- writing ---- */

/* Says goodbye; the socket stays open until the peer has read all, so that a reset, sent because
 * of bytes that nobody read, does not destroy our last message on its way. */
static void link_finish(struct link *l)
{
	int n, error;

	ERR_clear_error();
	n = SSL_shutdown(l->ssl);
	error = SSL_get_error(l->ssl, n);
	if (n < 0 && error == SSL_ERROR_WANT_WRITE) {
		link_watch(l, &l->on_writable);
		return;
	}
	if (n != 0) {
		link_drop(l);
		return;
	}
	shutdown(l->fd, SHUT_WR);
	l->state = LINK_LINGERING;
	link_watch(l, &l->on_readable);
}

static void link_write_blocked(struct link *l, int error, int saved_errno)
{
	if (error != SSL_ERROR_WANT_WRITE && error != SSL_ERROR_WANT_READ) {
		link_fail_tls(l, error, saved_errno);
		return;
	}
	if (!mono_is_set(l->blocked_since))
		l->blocked_since = clock_mono();
	/* To read is what it always waits for. */
	if (error == SSL_ERROR_WANT_WRITE)
		link_watch(l, &l->on_writable);
	link_schedule(l);
}

/* Open or flushing: all that goes out now. One record holds 16 KiB: an ordinary turn's messages
 * leave with one call. */
void link_write(struct link *l)
{
	struct link_counters *counters = &l->group->counters;
	bool wrote = false;

	while (l->out.begin < l->out.end) {
		size_t left = outbox_used(&l->out);
		int n;
		ERR_clear_error();
		errno = 0;
		n = SSL_write(l->ssl, l->out.bytes + l->out.begin,
		              left > INT_MAX ? INT_MAX : (int)left);
		if (n <= 0) {
			link_write_blocked(l, SSL_get_error(l->ssl, n), errno);
			return;
		}
		outbox_sent(&l->out, (size_t)n);
		l->blocked_since = (struct mono){ 0 };
		wrote = true;
		counters->writes++;
		counters->bytes_out += (uint64_t)n;
	}
	if (l->state == LINK_FLUSHING)
		link_finish(l);
	else if (wrote && l->told_open && l->group->callbacks.on_drained)
		l->group->callbacks.on_drained(l, l->owner);
}

/* ---- reading ---- */

/* Gives out what came whole. False: not to read on. */
static bool link_deliver(struct link *l, struct mono now)
{
	const uint8_t *message;
	size_t length;

	while (l->state == LINK_OPEN) {
		if (link_must_hold(l)) {
			link_enter_held(l);
			return false;
		}
		switch (frame_next(&l->in, &message, &length)) {
		case FRAME_PART: return true;
		case FRAME_EMPTY: link_close(l, LINK_END_EMPTY_FRAME); return false;
		case FRAME_OVERSIZED: link_close(l, LINK_END_OVERSIZED); return false;
		case FRAME_WHOLE: break;
		}
		l->heard = now;
		l->part_since = (struct mono){ 0 };
		l->group->counters.messages_in++;
		l->group->callbacks.on_message(l, l->owner, message, length);
	}
	return false;
}

/* One SSL_read. False: nothing now, or the link has ended. */
static bool link_receive(struct link *l, size_t *budget)
{
	size_t room;
	uint8_t *to = frame_room(&l->in, &room);
	int n, error;

	if (!to) {
		link_fail(l, LINK_END_NO_MEMORY);
		return false;
	}
	if (room > *budget)
		room = *budget;
	ERR_clear_error();
	errno = 0;
	n = SSL_read(l->ssl, to, room > INT_MAX ? INT_MAX : (int)room);
	if (n > 0) {
		frame_added(&l->in, (size_t)n);
		*budget -= (size_t)n;
		l->group->counters.bytes_in += (uint64_t)n;
		return true;
	}
	error = SSL_get_error(l->ssl, n);
	if (error == SSL_ERROR_WANT_WRITE) {
		l->read_blocked = true;
		link_watch(l, &l->on_writable);
	} else if (error != SSL_ERROR_WANT_READ) {
		link_fail_tls(l, error, errno);
	}
	return false;
}

void link_read(struct link *l)
{
	size_t budget = LINK_READ_PER_TURN;
	struct mono now = clock_mono();

	while (link_deliver(l, now)) {
		if (budget == 0) {
			/* What OpenSSL holds makes no descriptor readable. */
			link_enter_again(l);
			break;
		}
		if (!link_receive(l, &budget))
			break;
	}
	frame_trim(&l->in);
	if (frame_pending(&l->in) > 0 && !mono_is_set(l->part_since))
		l->part_since = now;
	link_schedule(l);
}

static void link_linger(struct link *l)
{
	uint8_t away[4096];
	ssize_t n;

	do {
		n = recv(l->fd, away, sizeof(away), 0);
		if (n > 0)
			l->lingered += (size_t)n;
	} while (n > 0 && l->lingered <= LINK_LINGER_BYTES_MAX);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	link_drop(l);
}

/* ---- events ---- */

static void link_on_readable(int fd, short what, void *arg)
{
	struct link *l = arg;
	(void)fd, (void)what;

	switch (l->state) {
	case LINK_QUIET:
	case LINK_SHAKING:
		/* With no step left, the descriptor is still readable in the next turn. */
		if (l->links->handshake_steps > 0)
			link_shake(l);
		return;
	case LINK_OPEN:
		link_read(l);
		if (l->state == LINK_OPEN && mono_is_set(l->blocked_since) &&
		    !event_pending(&l->on_writable, EV_WRITE, NULL))
			link_write(l);
		return;
	case LINK_LINGERING: link_linger(l); return;
	case LINK_FLUSHING:
	case LINK_DEAD: return;
	}
}

static void link_on_writable(int fd, short what, void *arg)
{
	struct link *l = arg;
	(void)fd, (void)what;

	if (l->state == LINK_SHAKING) {
		link_watch(l, &l->on_readable);
		if (l->links->handshake_steps == 0)
			link_watch(l, &l->on_writable);
		else
			link_shake(l);
		return;
	}
	if (l->state == LINK_OPEN && l->read_blocked) {
		l->read_blocked = false;
		link_read(l);
	}
	if (l->state == LINK_OPEN || l->state == LINK_FLUSHING)
		link_write(l);
}

static void link_on_due(struct timer *t, struct mono now)
{
	struct link *l = (struct link *)t;
	const struct link_settings *s = &l->group->settings;

	if (!mono_is_due(link_due(l), now)) {
		link_schedule(l);
		return;
	}
	if (l->state == LINK_FLUSHING || l->state == LINK_LINGERING)
		link_drop(l);
	else if (l->state != LINK_OPEN)
		link_fail(l, LINK_END_HANDSHAKE_LATE);
	else if (mono_is_due(after(l->blocked_since, s->write_ms), now))
		link_fail(l, LINK_END_SLOW_READER);
	else if (mono_is_due(after(l->part_since, s->frame_ms), now))
		link_close(l, LINK_END_STALLED);
	else
		link_close(l, LINK_END_SILENT);
}

/* ---- the verbs ---- */

struct link *link_new(struct links *ls, struct link_group *group, int fd)
{
	struct link *l = calloc(1, sizeof(*l));
	struct address peer = { .length = sizeof(peer.storage) };

	if (!l) {
		close(fd);
		return NULL;
	}
	l->timer.on_due = link_on_due;
	l->links = ls;
	l->group = group;
	l->owner = group->owner;
	l->fd = fd;
	l->begun = clock_mono();
	frame_init(&l->in, group->settings.message_bytes_max);
	if (getpeername(fd, (struct sockaddr *)&peer.storage, &peer.length) != 0)
		peer.storage.ss_family = AF_UNSPEC;
	address_format(&peer, l->address);
	event_assign(&l->on_readable, ls->base, fd, EV_READ | EV_PERSIST, link_on_readable, l);
	event_assign(&l->on_writable, ls->base, fd, EV_WRITE, link_on_writable, l);
	TAILQ_INSERT_TAIL(&ls->all, l, all_entry);
	TAILQ_INSERT_TAIL(&ls->shaking, l, shaking_entry);
	l->in_shaking = true;
	ls->count++;
	group->count++;
	group->handshaking++;
	group->counters.accepted++;
	link_watch(l, &l->on_readable);
	link_schedule(l);
	return l;
}

void link_free(struct link *l)
{
	struct links *ls = l->links;

	link_drop(l);
	link_leave_shaking(l);
	if (l->in_dirty)
		TAILQ_REMOVE(&ls->dirty, l, dirty_entry);
	if (l->in_held)
		TAILQ_REMOVE(&ls->held, l, held_entry);
	if (l->in_again)
		TAILQ_REMOVE(&ls->again, l, again_entry);
	TAILQ_REMOVE(&ls->ended, l, ended_entry);
	TAILQ_REMOVE(&ls->all, l, all_entry);
	ls->count--;
	l->group->count--;
	/* A line that was cut says nothing against its session, and resuming it is what a crowd
	 * that comes back after a network failure needs most. OpenSSL would forget it. */
	if (l->ssl && l->end != LINK_END_TLS && l->end != LINK_END_REVOKED)
		SSL_set_shutdown(l->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(l->ssl);
	close(l->fd);
	frame_done(&l->in);
	outbox_done(&l->out);
	free(l);
}

void link_set_owner(struct link *l, void *owner)
{
	l->owner = owner;
}

bool link_send(struct link *l, const void *bytes, size_t length)
{
	if (l->state != LINK_OPEN || BUG(length == 0 || length > UINT32_MAX))
		return false;
	switch (outbox_put(&l->out, bytes, length, l->group->settings.out_bytes_max)) {
	case OUTBOX_TAKEN: break;
	case OUTBOX_FULL: link_fail(l, LINK_END_SLOW_READER); return false;
	case OUTBOX_NO_MEMORY: link_fail(l, LINK_END_NO_MEMORY); return false;
	}
	l->group->counters.messages_out++;
	/* While it waits for the peer, the writable event is what goes on. */
	if (!mono_is_set(l->blocked_since))
		link_enter_dirty(l);
	return true;
}

size_t link_queued(const struct link *l)
{
	return outbox_used(&l->out);
}

void link_pause(struct link *l)
{
	l->paused = true;
}

void link_resume(struct link *l)
{
	l->paused = false;
	if (!link_must_hold(l))
		link_leave_held(l);
}

void link_close(struct link *l, enum link_end end)
{
	if (l->end != LINK_END_NONE)
		return;
	if (l->state != LINK_OPEN) {
		link_fail(l, end);
		return;
	}
	l->state = LINK_FLUSHING;
	l->close_due = mono_add_ms(clock_mono(), l->group->settings.close_ms);
	event_del(&l->on_readable);
	link_set_end(l, end);
	link_schedule(l);
}

bool link_is_open(const struct link *l)
{
	return l->state == LINK_OPEN;
}

bool link_peer(const struct link *l, struct tls_peer *out)
{
	return l->ssl && tls_peer_read(l->ssl, clock_wall(), out);
}

const char *link_address(const struct link *l)
{
	return l->address;
}

const char *link_detail(const struct link *l)
{
	return l->detail ? l->detail : "";
}
