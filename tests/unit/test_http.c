#include "wire/http.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include <event2/event.h>

#include "support/clock.h"
#include "wire/timer.h"

#define CLIENTS_MAX 16
#define PATIENCE_MS 5000

struct peer {
	int fd;
	bool ended;
	char heard[300000];
	size_t length;
};

struct fixture {
	struct event_base *base;
	struct timers *timers;
	struct http *http;
	struct peer *peers[CLIENTS_MAX];
	unsigned count, pages;
	char host[128], path[256];
	char *big;
};

static void page(void *owner, const char *host, const char *path, struct http_answer *answer)
{
	struct fixture *f = owner;

	f->pages++;
	snprintf(f->host, sizeof(f->host), "%s", host);
	snprintf(f->path, sizeof(f->path), "%s", path);
	if (strcmp(path, "/big") == 0) {
		answer->body = f->big;
		answer->length = 4 << 20;
	} else if (strcmp(path, "/") == 0) {
		answer->body = "bonjour\n";
		answer->length = 8;
	} else {
		answer->status = 404;
	}
}

static int setup_with(void **state, unsigned connections_max, int64_t request_ms)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct http_settings settings = { connections_max, request_ms, 2048 };
	char why[256];

	f->base = event_base_new();
	f->timers = timers_new(f->base);
	f->http = http_new(f->base, f->timers, &settings, page, f);
	f->big = calloc(1, 4 << 20);
	assert_non_null(f->http);
	if (!http_bind(f->http, "127.0.0.1:0", why, sizeof(why)))
		fail_msg("%s", why);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, 4, 60000);
}

static int setup_hasty(void **state)
{
	return setup_with(state, 4, 100);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < f->count; i++) {
		close(f->peers[i]->fd);
		free(f->peers[i]);
	}
	http_free(f->http);
	timers_free(f->timers);
	event_base_free(f->base);
	free(f->big);
	free(f);
	return 0;
}

static struct peer *dial(struct fixture *f)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		                  .sin_port = htons(http_port(f->http)),
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct peer *p = calloc(1, sizeof(*p));

	assert_true(f->count < CLIENTS_MAX);
	f->peers[f->count++] = p;
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(p->fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return p;
}

static void say(struct peer *p, const char *text)
{
	assert_int_equal(send(p->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void hear(struct peer *p)
{
	ssize_t n =
	        recv(p->fd, p->heard + p->length, sizeof(p->heard) - 1 - p->length, MSG_DONTWAIT);

	if (n > 0)
		p->length += (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		p->ended = true;
}

static void turn(struct fixture *f)
{
	struct timeval at_most = { .tv_usec = 2000 };

	event_base_loopexit(f->base, &at_most);
	event_base_loop(f->base, EVLOOP_ONCE);
}

#define until(f, condition)                                                                        \
	do {                                                                                       \
		struct mono deadline_ = mono_add_ms(clock_mono(), PATIENCE_MS);                    \
		while (!(condition)) {                                                             \
			if (mono_is_due(deadline_, clock_mono()))                                  \
				fail_msg("line %d: waited in vain for %s", __LINE__, #condition);  \
			turn(f);                                                                   \
		}                                                                                  \
	} while (0)

static struct peer *ask(struct fixture *f, const char *request)
{
	struct peer *p = dial(f);

	say(p, request);
	until(f, (hear(p), p->ended));
	return p;
}

static void plain_request_has_its_answer_and_the_connection_ends(void **state)
{
	struct fixture *f = *state;
	struct peer *p = ask(f, "GET /?a=b HTTP/1.1\r\nHost: 127.0.0.1:7780\r\n\r\n");

	assert_int_equal(strncmp(p->heard, "HTTP/1.1 200 OK\r\n", 17), 0);
	assert_non_null(strstr(p->heard, "\r\nConnection: close\r\n"));
	assert_non_null(strstr(p->heard, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
	assert_non_null(strstr(p->heard, "\r\nContent-Length: 8\r\n"));
	assert_non_null(strstr(p->heard, "\r\n\r\nbonjour\n"));
	assert_string_equal(f->path, "/");
	assert_string_equal(f->host, "127.0.0.1:7780");
	until(f, http_connections(f->http) == 0);
}

static void page_may_refuse(void **state)
{
	struct fixture *f = *state;
	struct peer *p = ask(f, "GET /rien HTTP/1.1\r\nHost: localhost\r\n\r\n");

	assert_int_equal(strncmp(p->heard, "HTTP/1.1 404 ", 13), 0);
}

/* None of these reaches a page; each is answered with a refusal or with nothing, and closed. */
static void what_is_not_plainly_a_request_is_refused(void **state)
{
	static const char *const hostile[] = {
		"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
		"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
		"DELETE / HTTP/1.1\r\nHost: a\r\n\r\n",
		"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET http://elsewhere/ HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET rien HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
		"GET /\r\n\r\n",
		"\r\n\r\n\r\n\r\n",
		"\x16\x03\x01\x02\x01\r\n\r\n",
		"SSH-2.0-scan\r\n",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		struct peer *p = dial(f);
		say(p, hostile[i]);
		shutdown(p->fd, SHUT_WR); /* so that waiting for more is no answer */
		until(f, (hear(p), p->ended));
		if (f->pages > 0)
			fail_msg("reached a page: %s", hostile[i]);
		if (p->length > 0 && strncmp(p->heard, "HTTP/1.1 4", 10) != 0 &&
		    strncmp(p->heard, "HTTP/1.1 5", 10) != 0 &&
		    strncmp(p->heard, "HTTP/1.0 4", 10) != 0)
			fail_msg("answered with %.30s: %s", p->heard, hostile[i]);
		until(f, http_connections(f->http) == 0);
		close(p->fd);
		f->count--;
		free(p);
	}
}

static void long_headers_are_refused(void **state)
{
	struct fixture *f = *state;
	char request[4096];
	struct peer *p;

	memset(request, 'a', sizeof(request));
	memcpy(request, "GET / HTTP/1.1\r\nHost: a\r\nX: ", 28);
	memcpy(request + sizeof(request) - 5, "\r\n\r\n", 5);
	p = ask(f, request);
	assert_int_equal(f->pages, 0);
	assert_true(p->length == 0 || strncmp(p->heard, "HTTP/1.1 4", 10) == 0);
	/* A path that is longer than any page's. */
	memset(request, 'a', 600);
	memcpy(request, "GET /", 5);
	memcpy(request + 500, " HTTP/1.1\r\nHost: a\r\n\r\n", 23);
	p = ask(f, request);
	assert_int_equal(strncmp(p->heard, "HTTP/1.1 400 ", 13), 0);
	assert_int_equal(f->pages, 0);
}

static void second_request_on_a_connection_has_no_answer(void **state)
{
	struct fixture *f = *state;
	struct peer *p =
	        ask(f, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");

	assert_null(strstr(p->heard + 1, "HTTP/1.1"));
	assert_int_equal(f->pages, 1);
}

/* One byte now and then, for ever: the deadline is of the whole. */
static void trickled_request_ends_at_the_deadline(void **state)
{
	struct fixture *f = *state;
	struct mono begun = clock_mono(), next = begun;
	struct peer *p = dial(f);

	while (!p->ended) {
		if (mono_is_due(next, clock_mono())) {
			if (send(p->fd, "G", 1, MSG_NOSIGNAL) < 0)
				break;
			next = mono_add_ms(next, 10);
		}
		turn(f);
		hear(p);
		assert_true(mono_ms_between(begun, clock_mono()) < PATIENCE_MS);
	}
	assert_true(mono_ms_between(begun, clock_mono()) >= 100);
	until(f, http_connections(f->http) == 0);
	assert_int_equal(http_counters(f->http)->late, 1);
	assert_int_equal(f->pages, 0);
}

static void silent_connection_ends_at_the_deadline(void **state)
{
	struct fixture *f = *state;
	struct peer *p = dial(f);

	until(f, (hear(p), p->ended));
	until(f, http_connections(f->http) == 0);
	assert_int_equal(http_counters(f->http)->late, 1);
}

static void reader_that_does_not_read_ends_at_the_deadline(void **state)
{
	struct fixture *f = *state;
	struct peer *p = dial(f);
	int small = 4096;

	setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	say(p, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	until(f, f->pages == 1);
	assert_int_equal(http_connections(f->http), 1);
	until(f, http_connections(f->http) == 0);
	assert_int_equal(http_counters(f->http)->late, 1);
}

/* The fifth of four waits; it is served when one of them has gone. */
static void connections_have_a_ceiling(void **state)
{
	struct fixture *f = *state;
	struct peer *silent[4], *fifth;

	for (int i = 0; i < 4; i++)
		silent[i] = dial(f);
	until(f, http_connections(f->http) == 4);
	fifth = dial(f);
	say(fifth, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	for (int i = 0; i < 50; i++)
		turn(f);
	assert_int_equal(f->pages, 0);
	assert_int_equal(http_connections(f->http), 4);
	shutdown(silent[2]->fd, SHUT_RDWR);
	until(f, (hear(fifth), fifth->ended));
	assert_int_equal(f->pages, 1);
	assert_int_equal(http_counters(f->http)->connections, 5);
}

/* Without a descriptor for it the newcomer waits, the loop does not spin, and later it is served.
 */
static void no_descriptor_is_a_pause(void **state)
{
	struct fixture *f = *state;
	struct peer *p = dial(f);
	struct rlimit before, tight;
	unsigned turns = 0;
	struct mono until_ = mono_add_ms(clock_mono(), 200);
	int next = dup(0);

	close(next);
	getrlimit(RLIMIT_NOFILE, &before);
	tight = before;
	tight.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	say(p, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	while (!mono_is_due(until_, clock_mono())) {
		turn(f);
		turns++;
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(f->pages, 0);
	assert_true(turns < 400); /* a turn waits 2 ms when nothing happens */
	until(f, (hear(p), p->ended));
	assert_int_equal(f->pages, 1);
}

#define TEST(f)  cmocka_unit_test_setup_teardown(f, setup, teardown)
#define HASTY(f) cmocka_unit_test_setup_teardown(f, setup_hasty, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(plain_request_has_its_answer_and_the_connection_ends),
		TEST(page_may_refuse),
		TEST(what_is_not_plainly_a_request_is_refused),
		TEST(long_headers_are_refused),
		TEST(second_request_on_a_connection_has_no_answer),
		HASTY(trickled_request_ends_at_the_deadline),
		HASTY(silent_connection_ends_at_the_deadline),
		HASTY(reader_that_does_not_read_ends_at_the_deadline),
		TEST(connections_have_a_ceiling),
		TEST(no_descriptor_is_a_pause),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
