#include "wire/http.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>

#include "support/text.h"
#include "wire/socket.h"
#include "wire/timer.h"

#define HTTP_SOCKETS_MAX 4
#define HTTP_BACKLOG     64
#define HTTP_PATH_SIZE   256
#define HTTP_SWEEP_MS    50

/* evhttp tells nobody that it let a connection go. So each one's bufferevent is referenced here,
 * and looked at now and then: evhttp takes its callbacks off one that it has done with. */
struct http_connection {
	struct bufferevent *bufferevent;
	struct mono due; /* not set: its deadline has been carried out */
	TAILQ_ENTRY(http_connection) entry;
};

struct http {
	struct timer sweep; /* first, so that the timer is the server */
	struct event_base *base;
	struct timers *timers;
	struct evhttp *evhttp;
	struct evconnlistener *listeners[HTTP_SOCKETS_MAX];
	unsigned listeners_count;
	struct http_settings settings;
	http_page *page;
	void *owner;
	TAILQ_HEAD(, http_connection) connections;
	unsigned count;
	struct http_counters counters;
	TAILQ_ENTRY(http) entry;
};

/* All servers: an error of accepting is told with evhttp's pointer and not with ours. */
static TAILQ_HEAD(, http) servers = TAILQ_HEAD_INITIALIZER(servers);

static void listen_or_rest(struct http *h)
{
	for (unsigned i = 0; i < h->listeners_count; i++) {
		if (h->count < h->settings.connections_max)
			evconnlistener_enable(h->listeners[i]);
		else
			evconnlistener_disable(h->listeners[i]);
	}
}

static void sweep_later(struct http *h)
{
	/* Without memory for a timer the next connection asks for one. */
	if (!timer_is_set(&h->sweep))
		timer_set(h->timers, &h->sweep, mono_add_ms(clock_mono(), HTTP_SWEEP_MS));
}

static bool is_let_go(const struct http_connection *c)
{
	bufferevent_data_cb on_read, on_write;
	bufferevent_event_cb on_event;
	void *arg;

	bufferevent_getcb(c->bufferevent, &on_read, &on_write, &on_event, &arg);
	return !on_read && !on_write && !on_event;
}

static void connection_forget(struct http *h, struct http_connection *c)
{
	TAILQ_REMOVE(&h->connections, c, entry);
	bufferevent_decref(c->bufferevent);
	free(c);
	h->count--;
}

static void http_on_sweep(struct timer *t, struct mono now)
{
	struct http *h = (struct http *)t;
	struct http_connection *c, *next;

	for (c = TAILQ_FIRST(&h->connections); c; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (is_let_go(c)) {
			connection_forget(h, c);
		} else if (mono_is_due(c->due, now)) {
			/* evhttp sees the end of both directions and lets it go. */
			shutdown(bufferevent_getfd(c->bufferevent), SHUT_RDWR);
			c->due = (struct mono){ 0 };
			h->counters.late++;
		}
	}
	listen_or_rest(h);
	if (h->count > 0)
		sweep_later(h);
}

/* No descriptor left, or the like: the sockets rest until the next sweep, instead of being ready in
 * every turn for nothing. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	struct http *h;

	evconnlistener_disable(listener);
	TAILQ_FOREACH(h, &servers, entry)
	if (h->evhttp == arg)
		sweep_later(h);
}

/* evhttp asks for the bufferevent of a connection that it has just accepted. */
static struct bufferevent *on_connection(struct event_base *base, void *arg)
{
	struct http *h = arg;
	struct http_connection *c = calloc(1, sizeof(*c));
	/* It must not be evhttp that closes the descriptor: our reference keeps the events alive,
	 * and whoever got the same number next would never hear of anything. */
	struct bufferevent *b = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

	/* With NULL evhttp tries for itself, and fails for want of memory as well. */
	if (!c || !b) {
		free(c);
		if (b)
			bufferevent_free(b);
		return NULL;
	}
	bufferevent_incref(b);
	c->bufferevent = b;
	c->due = mono_add_ms(clock_mono(), h->settings.request_ms);
	TAILQ_INSERT_TAIL(&h->connections, c, entry);
	h->count++;
	h->counters.connections++;
	listen_or_rest(h);
	sweep_later(h);
	return b;
}

/* ---- requests ---- */

/* How often a header stands in the request; *value is the last one's. */
static unsigned header_count(struct evkeyvalq *headers, const char *name, const char **value)
{
	unsigned count = 0;
	struct evkeyval *kv;

	TAILQ_FOREACH(kv, headers, next)
	{
		if (strcasecmp(kv->key, name) != 0)
			continue;
		*value = kv->value;
		count++;
	}
	return count;
}

/* RFC 9110, 5.1: a name is a token. evhttp keeps a blank before the colon in the name, where
 * another reader may cut it off. */
static bool header_names_are_tokens(struct evkeyvalq *headers)
{
	struct evkeyval *kv;

	TAILQ_FOREACH(kv, headers, next)
	{
		if (kv->key[0] == '\0')
			return false;
		for (const char *c = kv->key; *c; c++)
			if (*c <= ' ' || *c > '~' || strchr("\"(),/:;<=>?@[\\]{}", *c))
				return false;
	}
	return true;
}

/* One Host (RFC 9112, 3.2), no body in any spelling, and a path. */
static bool is_plain(struct evhttp_request *request, const char **host, char path[HTTP_PATH_SIZE])
{
	struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
	const char *uri = evhttp_request_get_uri(request), *ignored;
	size_t length = uri ? strcspn(uri, "?#") : 0;

	if (!uri || uri[0] != '/' || length >= HTTP_PATH_SIZE)
		return false;
	memcpy(path, uri, length);
	path[length] = '\0';
	return header_names_are_tokens(headers) && header_count(headers, "Host", host) == 1 &&
	       header_count(headers, "Content-Length", &ignored) == 0 &&
	       header_count(headers, "Transfer-Encoding", &ignored) == 0;
}

static void answer_send(struct evhttp_request *request, const struct http_answer *a)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *body = evbuffer_new();
	bool whole = body && evbuffer_add(body, a->body, a->length) == 0;

	evhttp_add_header(headers, "Connection", "close");
	evhttp_add_header(headers, "Content-Type", a->type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	evhttp_send_reply(request, whole ? a->status : HTTP_INTERNAL, NULL, whole ? body : NULL);
	if (body)
		evbuffer_free(body);
}

static void on_request(struct evhttp_request *request, void *arg)
{
	struct http *h = arg;
	struct http_answer answer = { .status = HTTP_OK,
		                      .type = "text/plain; charset=utf-8",
		                      .body = "" };
	char path[HTTP_PATH_SIZE];
	const char *host = NULL;

	h->counters.requests++;
	if (is_plain(request, &host, path)) {
		h->page(h->owner, host, path, &answer);
	} else {
		h->counters.refused++;
		answer.status = HTTP_BADREQUEST;
	}
	answer_send(request, &answer);
}

/* ---- the verbs ---- */

struct http *http_new(struct event_base *base, struct timers *timers,
                      const struct http_settings *settings, http_page *page, void *owner)
{
	struct http *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	/* As in links_new: a peer that is gone is an answer of write(). */
	signal(SIGPIPE, SIG_IGN);
	h->sweep.on_due = http_on_sweep;
	h->base = base;
	h->timers = timers;
	h->settings = *settings;
	h->page = page;
	h->owner = owner;
	TAILQ_INIT(&h->connections);
	h->evhttp = evhttp_new(base);
	if (!h->evhttp) {
		free(h);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&servers, h, entry);
	evhttp_set_bevcb(h->evhttp, on_connection, h);
	evhttp_set_gencb(h->evhttp, on_request, h);
	evhttp_set_allowed_methods(h->evhttp, EVHTTP_REQ_GET);
	evhttp_set_max_headers_size(h->evhttp, (ev_ssize_t)settings->headers_bytes_max);
	evhttp_set_max_body_size(h->evhttp, 0);
	evhttp_set_default_content_type(h->evhttp, NULL);
	return h;
}

void http_free(struct http *h)
{
	struct http_connection *c;

	if (!h)
		return;
	evhttp_free(h->evhttp); /* its sockets and connections with it */
	while ((c = TAILQ_FIRST(&h->connections)))
		connection_forget(h, c);
	timer_clear(h->timers, &h->sweep);
	TAILQ_REMOVE(&servers, h, entry);
	free(h);
}

/* Takes `fd`, also when it fails. */
static bool socket_add(struct http *h, int fd, char *why, size_t why_size)
{
	struct evconnlistener *listener = NULL;

	if (h->listeners_count < HTTP_SOCKETS_MAX)
		listener = evconnlistener_new(h->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE, 0, fd);
	if (listener && evhttp_bind_listener(h->evhttp, listener)) {
		evconnlistener_set_error_cb(listener, on_accept_error);
		h->listeners[h->listeners_count++] = listener;
		listen_or_rest(h);
		return true;
	}
	if (listener)
		evconnlistener_free(listener); /* closes the descriptor */
	else
		close(fd);
	if (why_size > 0)
		why[0] = '\0';
	text_add(why, why_size, "no place for one more socket");
	return false;
}

bool http_bind(struct http *h, const char *address, char *why, size_t why_size)
{
	int fd = socket_listen(address, HTTP_BACKLOG, why, why_size);
	return fd >= 0 && socket_add(h, fd, why, why_size);
}

bool http_inherit(struct http *h, int fd, char *why, size_t why_size)
{
	fd = socket_adopt(fd, "http", why, why_size);
	return fd >= 0 && socket_add(h, fd, why, why_size);
}

uint16_t http_port(const struct http *h)
{
	return h->listeners_count > 0 ? socket_port(evconnlistener_get_fd(h->listeners[0])) : 0;
}

unsigned http_connections(const struct http *h)
{
	return h->count;
}

const struct http_counters *http_counters(const struct http *h)
{
	return &h->counters;
}
