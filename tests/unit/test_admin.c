#include "run/admin.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include <event2/event.h>

#include "support/clock.h"
#include "wire/socket.h"
#include "wire/timer.h"

struct fixture {
	struct event_base *base;
	struct timers *timers;
	struct admin *admin;
	bool healthy, ready, overfull;
	char heard[1 << 20];
};

static bool is_healthy(void *owner, char *out, size_t size)
{
	snprintf(out, size, "turning\n");
	return ((struct fixture *)owner)->healthy;
}

static bool is_ready(void *owner, char *out, size_t size)
{
	struct fixture *f = owner;
	snprintf(out, size, f->ready ? "ready\n" : "registry-missing\n");
	return f->ready;
}

static void metrics(void *owner, struct exposition *e)
{
	struct fixture *f = owner;

	exposition_family(e, "tocsin_x_total", EXPOSITION_COUNTER, "X.");
	for (int i = 0; i < (f->overfull ? 1000000 : 1); i++)
		exposition_put_count(e, "", NULL, 3);
}

static bool status(void *owner, char *out, size_t size)
{
	snprintf(out, size, "{\"state\":\"serving\"}\n");
	return !((struct fixture *)owner)->overfull;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct admin_pages pages = { f, is_healthy, is_ready, metrics, status };
	char why[256];

	f->base = event_base_new();
	f->timers = timers_new(f->base);
	f->admin = admin_new(f->base, f->timers, &pages);
	assert_non_null(f->admin);
	if (!admin_bind(f->admin, "127.0.0.1:0", why, sizeof(why)))
		fail_msg("%s", why);
	f->healthy = f->ready = true;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	admin_free(f->admin);
	timers_free(f->timers);
	event_base_free(f->base);
	free(f);
	return 0;
}

/* The whole answer to a GET of `path` by `host`. */
static const char *get(struct fixture *f, const char *path, const char *host)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		                  .sin_port = htons(admin_port(f->admin)),
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct mono deadline = mono_add_ms(clock_mono(), 5000);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char request[512];
	size_t length = 0;

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host);
	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	for (;;) {
		struct timeval at_most = { .tv_usec = 2000 };
		ssize_t n =
		        recv(fd, f->heard + length, sizeof(f->heard) - 1 - length, MSG_DONTWAIT);
		if (n > 0)
			length += (size_t)n;
		else if (n == 0)
			break;
		else
			assert_int_equal(errno, EAGAIN);
		assert_false(mono_is_due(deadline, clock_mono()));
		event_base_loopexit(f->base, &at_most);
		event_base_loop(f->base, EVLOOP_ONCE);
	}
	f->heard[length] = '\0';
	close(fd);
	return f->heard;
}

static void must_answer(struct fixture *f, const char *path, const char *host, int code,
                        const char *body)
{
	const char *answer = get(f, path, host), *end = strstr(answer, "\r\n\r\n");
	int said = 0;

	assert_int_equal(sscanf(answer, "HTTP/1.1 %d ", &said), 1);
	assert_int_equal(said, code);
	assert_non_null(end);
	assert_string_equal(end + 4, body);
}

static void pages_are_those_of_the_owner(void **state)
{
	struct fixture *f = *state;

	must_answer(f, "/healthz", "localhost", 200, "turning\n");
	must_answer(f, "/readyz", "localhost:7780", 200, "ready\n");
	must_answer(f, "/metrics", "127.0.0.1:7780", 200,
	            "# HELP tocsin_x_total X.\n# TYPE tocsin_x_total counter\ntocsin_x_total 3\n");
	assert_non_null(
	        strstr(f->heard, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	must_answer(f, "/status?x", "[::1]:7780", 200, "{\"state\":\"serving\"}\n");
	assert_non_null(strstr(f->heard, "\r\nContent-Type: application/json\r\n"));
	must_answer(f, "/", "[::1]", 404, "here are /healthz, /readyz, /metrics and /status\n");
	must_answer(f, "/metrics/", "10.0.0.1", 404,
	            "here are /healthz, /readyz, /metrics and /status\n");
}

static void trouble_is_503(void **state)
{
	struct fixture *f = *state;

	f->healthy = f->ready = false;
	must_answer(f, "/healthz", "localhost", 503, "turning\n");
	must_answer(f, "/readyz", "localhost", 503, "registry-missing\n");
}

/* Half a page of metrics would look like a whole one. */
static void page_that_does_not_fit_is_an_error(void **state)
{
	struct fixture *f = *state;

	f->overfull = true;
	must_answer(f, "/metrics", "localhost", 500, "the metrics do not fit\n");
	must_answer(f, "/status", "localhost", 500, "{}\n");
}

/* A page in a browser on this machine may have a name that leads to 127.0.0.1. */
static void foreign_names_see_nothing(void **state)
{
	static const char *const names[] = { "attaque.example", "attaque.example:7780",
		                             "localhost.attaque.example",
		                             "127.0.0.1.attaque.example:7780", "x" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		must_answer(f, "/status", names[i], 403, "not by this name\n");
}

static void only_this_machine_may_be_bound(void **state)
{
	struct fixture *f = *state;
	char why[256];
	int fd;

	assert_false(admin_bind(f->admin, "0.0.0.0:0", why, sizeof(why)));
	assert_string_equal(why, "not an address of this machine alone: 0.0.0.0:0");
	assert_false(admin_bind(f->admin, "[::]:0", why, sizeof(why)));
	assert_false(admin_bind(f->admin, "nom:1", why, sizeof(why)));
	assert_string_equal(why, "not an address in figures: nom:1: Invalid argument");
	fd = socket_listen("0.0.0.0:0", 5, why, sizeof(why));
	assert_true(fd >= 0);
	assert_false(admin_inherit(f->admin, fd, why, sizeof(why)));
	assert_non_null(strstr(why, "not an address of this machine alone: 0.0.0.0:"));
	fd = socket_listen("127.0.0.1:0", 5, why, sizeof(why));
	assert_true(admin_inherit(f->admin, fd, why, sizeof(why)));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pages_are_those_of_the_owner),       TEST(trouble_is_503),
		TEST(page_that_does_not_fit_is_an_error), TEST(foreign_names_see_nothing),
		TEST(only_this_machine_may_be_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
