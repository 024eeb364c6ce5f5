/*
 * Small HTTP pages: GET alone, one request a connection, short answers made at once. libevent's
 * evhttp behind a guard of ours, because evhttp alone has no ceiling of connections and no deadline
 * for a whole request, and lets pass what two readers may understand differently (a second
 * Content-Length, a Transfer-Encoding, no Host).
 *
 * Every connection has one deadline from its first moment to the last byte of its answer. What is
 * not plainly a request is refused and the connection closed. It knows no page.
 */
#ifndef TOCSIN_WIRE_HTTP_H
#define TOCSIN_WIRE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct timers;
struct http;

struct http_settings {
	unsigned connections_max; /* past it newcomers wait in the kernel's backlog */
	int64_t request_ms;       /* from the connection to the last byte of the answer */
	size_t headers_bytes_max;
};

struct http_counters {
	uint64_t connections, requests;
	uint64_t refused; /* requests that were not plainly one */
	uint64_t late;    /* connections that the deadline ended */
};

/* What is answered; the texts are copied. */
struct http_answer {
	int status;       /* 200 unless set */
	const char *type; /* "text/plain; charset=utf-8" unless set */
	const char *body; /* `length` bytes; "" unless set */
	size_t length;
};

/* `host` as the request says it (perhaps with a port), `path` without the query, neither decoded.
 */
typedef void http_page(void *owner, const char *host, const char *path, struct http_answer *answer);

/* NULL: no memory. Ignores SIGPIPE in the whole process. */
struct http *http_new(struct event_base *base, struct timers *timers,
                      const struct http_settings *settings, http_page *page, void *owner);
void http_free(struct http *h);

/* One more address, "HOST:PORT" in figures; or a listening socket, which is taken even when it
 * fails. False, with a sentence in `why`. */
bool http_bind(struct http *h, const char *address, char *why, size_t why_size);
bool http_inherit(struct http *h, int fd, char *why, size_t why_size);
uint16_t http_port(const struct http *h); /* of the first socket */

unsigned http_connections(const struct http *h);
const struct http_counters *http_counters(const struct http *h);

#endif
