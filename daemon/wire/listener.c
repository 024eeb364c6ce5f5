#include "wire/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "support/bug.h"
#include "support/log.h"
#include "support/text.h"
#include "wire/socket.h"
#include "wire/timer.h"

#define LISTENER_SOCKETS_MAX      8
#define LISTENER_BACKLOG          1024 /* the kernel lowers it to net.core.somaxconn */
#define LISTENER_ACCEPTS_PER_TURN 16
#define LISTENER_REST_MS          100
#define LISTENER_FULL_TOLD_MS     10000 /* from one line in the log to the next */
/* A handshake over a slow mobile line takes a second. One this young may still be on its way; if
 * all are, newcomers wait in the kernel's backlog. */
#define LISTENER_CROWD_AGE_MS  1000
#define LISTENER_CROWD_REST_MS 20

/* A peer that lost its power sends no goodbye: the kernel asks after a minute of silence, five
 * times in 50 s, and data that nobody confirms ends the connection after 30 s. */
#define LISTENER_KEEP_IDLE_S     60
#define LISTENER_KEEP_INTERVAL_S 10
#define LISTENER_KEEP_COUNT      5
#define LISTENER_UNCONFIRMED_MS  30000

/* The kernel would hold megabytes for a peer that reads slowly. What is not on its way yet stays
 * with the link's owner, who can put something newer or graver in its place. */
#define LISTENER_UNSENT_BYTES (128 << 10)

struct listener_socket {
	struct listener *listener;
	int fd;
	struct event *on_readable;
};

struct listener {
	struct timer rest; /* first, so that the timer is the listener */
	struct event_base *base;
	struct timers *timers;
	struct links *links;
	struct link_group *group;
	struct listener_settings settings;
	struct listener_socket sockets[LISTENER_SOCKETS_MAX];
	unsigned sockets_count;
	int reserve; /* a descriptor to give away when there is none; -1: could not be had */
	struct mono starved_since;
	struct mono full_told;
	struct listener_counters counters;
};

static void listener_rest(struct listener *ls, int64_t ms)
{
	ls->counters.rests++;
	/* Without memory for a timer, better to try in each turn than never again. */
	if (!timer_set(ls->timers, &ls->rest, mono_add_ms(clock_mono(), ms)))
		return;
	for (unsigned i = 0; i < ls->sockets_count; i++)
		event_del(ls->sockets[i].on_readable);
}

static void listener_on_rested(struct timer *t, struct mono now)
{
	struct listener *ls = (struct listener *)t;
	(void)now;

	for (unsigned i = 0; i < ls->sockets_count; i++)
		if (event_add(ls->sockets[i].on_readable, NULL) != 0) {
			listener_rest(ls, LISTENER_REST_MS);
			return;
		}
}

static void reserve_open(struct listener *ls)
{
	if (ls->reserve < 0)
		ls->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* No descriptor is left. The peer at the head of the queue gets an end instead of silence, so that
 * it may try another node. */
static void listener_starve(struct listener *ls, int socket_fd)
{
	int fd;

	if (!mono_is_set(ls->starved_since)) {
		ls->starved_since = clock_mono();
		log_event(LOG_LEVEL_ERROR, "listener-starved",
		          LOG_TEXT("listener", ls->group->name),
		          LOG_NUMBER("links", ls->group->count));
	}
	if (ls->reserve >= 0) {
		close(ls->reserve);
		ls->reserve = -1;
		fd = accept4(socket_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			close(fd);
			ls->counters.turned_away_descriptors++;
		}
		reserve_open(ls);
	}
	listener_rest(ls, LISTENER_REST_MS);
}

static void listener_fed(struct listener *ls)
{
	if (!mono_is_set(ls->starved_since))
		return;
	log_event(LOG_LEVEL_NOTICE, "listener-fed", LOG_TEXT("listener", ls->group->name),
	          LOG_NUMBER("starved_ms", mono_ms_between(ls->starved_since, clock_mono())));
	ls->starved_since = (struct mono){ 0 };
	reserve_open(ls);
}

/* Best effort: a link without one of these still works. */
static void options_set(int fd)
{
	int on = 1, idle = LISTENER_KEEP_IDLE_S, interval = LISTENER_KEEP_INTERVAL_S;
	int count = LISTENER_KEEP_COUNT;
	int unsent = LISTENER_UNSENT_BYTES;
	unsigned unconfirmed = LISTENER_UNCONFIRMED_MS;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unconfirmed, sizeof(unconfirmed));
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
}

/* Place for one more handshake, made if need be. Asked only when somebody waits. */
static bool listener_has_place(struct listener *ls)
{
	if (ls->group->handshaking < ls->settings.handshakes_max)
		return true;
	if (links_crowd_out(ls->links, ls->group, LISTENER_CROWD_AGE_MS))
		return true;
	listener_rest(ls, LISTENER_CROWD_REST_MS);
	return false;
}

static void listener_turn_away(struct listener *ls, int fd)
{
	struct mono now = clock_mono();

	close(fd);
	ls->counters.turned_away_full++;
	if (mono_is_set(ls->full_told) &&
	    mono_ms_between(ls->full_told, now) < LISTENER_FULL_TOLD_MS)
		return;
	ls->full_told = now;
	log_event(LOG_LEVEL_ERROR, "listener-full", LOG_TEXT("listener", ls->group->name),
	          LOG_NUMBER("links", ls->group->count),
	          LOG_NUMBER("turned_away", ls->counters.turned_away_full));
}

/* False: accepting rests, or there is nobody. */
static bool listener_accept(struct listener *ls, int socket_fd)
{
	int fd = accept4(socket_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			listener_starve(ls, socket_fd);
		else if (errno == ENOMEM || errno == ENOBUFS)
			listener_rest(ls, LISTENER_REST_MS);
		/* All else is that one peer's trouble (accept(2): ECONNABORTED, EPROTO, ...) or
		 * nobody there; what is left makes the socket readable again. */
		return false;
	}
	listener_fed(ls);
	if (ls->group->count >= ls->settings.links_max) {
		listener_turn_away(ls, fd);
		return true;
	}
	options_set(fd);
	link_new(ls->links, ls->group, fd);
	return true;
}

static void socket_on_readable(int fd, short what, void *arg)
{
	struct listener *ls = ((struct listener_socket *)arg)->listener;
	(void)what;

	if (!listener_has_place(ls))
		return;
	for (int i = 0; i < LISTENER_ACCEPTS_PER_TURN; i++)
		if (!listener_accept(ls, fd) ||
		    ls->group->handshaking >= ls->settings.handshakes_max)
			return;
}

/* Takes `fd`, also when it fails. */
static bool socket_add(struct listener *ls, int fd, char *why, size_t why_size)
{
	struct listener_socket *s = &ls->sockets[ls->sockets_count];

	if (ls->sockets_count < LISTENER_SOCKETS_MAX) {
		s->listener = ls;
		s->fd = fd;
		s->on_readable =
		        event_new(ls->base, fd, EV_READ | EV_PERSIST, socket_on_readable, s);
		if (s->on_readable && event_add(s->on_readable, NULL) == 0) {
			ls->sockets_count++;
			return true;
		}
		if (s->on_readable)
			event_free(s->on_readable);
	}
	close(fd);
	if (why_size > 0)
		why[0] = '\0';
	text_add(why, why_size, "no place for one more socket of %s", ls->group->name);
	return false;
}

struct listener *listener_new(struct event_base *base, struct timers *timers, struct links *links,
                              struct link_group *group, const struct listener_settings *settings,
                              struct tls *tls)
{
	struct listener *ls = calloc(1, sizeof(*ls));

	if (!ls)
		return NULL;
	ls->rest.on_due = listener_on_rested;
	ls->base = base;
	ls->timers = timers;
	ls->links = links;
	ls->group = group;
	ls->group->tls = tls_ref(tls);
	ls->reserve = -1;
	listener_set_settings(ls, settings);
	reserve_open(ls);
	return ls;
}

void listener_free(struct listener *ls)
{
	if (!ls)
		return;
	must(ls->group->count == 0);
	listener_stop(ls);
	if (ls->reserve >= 0)
		close(ls->reserve);
	tls_unref(ls->group->tls);
	ls->group->tls = NULL;
	free(ls);
}

bool listener_bind(struct listener *ls, const char *address, char *why, size_t why_size)
{
	int fd = socket_listen(address, LISTENER_BACKLOG, why, why_size);
	return fd >= 0 && socket_add(ls, fd, why, why_size);
}

bool listener_inherit(struct listener *ls, int fd, char *why, size_t why_size)
{
	fd = socket_adopt(fd, ls->group->name, why, why_size);
	return fd >= 0 && socket_add(ls, fd, why, why_size);
}

void listener_set_tls(struct listener *ls, struct tls *tls)
{
	unsigned closed;

	tls_ref(tls);
	tls_unref(ls->group->tls);
	ls->group->tls = tls;
	closed = links_close_revoked(ls->links, ls->group);
	if (closed > 0)
		log_event(LOG_LEVEL_NOTICE, "listener-revoked",
		          LOG_TEXT("listener", ls->group->name), LOG_NUMBER("links", closed));
}

void listener_set_settings(struct listener *ls, const struct listener_settings *settings)
{
	ls->settings = *settings;
	ls->group->settings = settings->link;
}

void listener_stop(struct listener *ls)
{
	for (unsigned i = 0; i < ls->sockets_count; i++) {
		event_free(ls->sockets[i].on_readable);
		close(ls->sockets[i].fd);
	}
	ls->sockets_count = 0;
	timer_clear(ls->timers, &ls->rest);
}

const char *listener_name(const struct listener *ls)
{
	return ls->group->name;
}

const struct tls *listener_tls(const struct listener *ls)
{
	return ls->group->tls;
}

uint16_t listener_port(const struct listener *ls)
{
	return ls->sockets_count > 0 ? socket_port(ls->sockets[0].fd) : 0;
}

unsigned listener_links(const struct listener *ls)
{
	return ls->group->count;
}

struct link_group *listener_group(const struct listener *ls)
{
	return ls->group;
}

const struct link_counters *listener_link_counters(const struct listener *ls)
{
	return &ls->group->counters;
}

const struct listener_counters *listener_counters(const struct listener *ls)
{
	return &ls->counters;
}

struct mono listener_starved_since(const struct listener *ls)
{
	return ls->starved_since;
}
