/* The follower's thread where there is no database: it says so, tries each host, and ends at once.
 * With one: tests/system/test_follower.py. */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "keep/follower_thread.h"

static struct folder folder;

static struct follower *start(const char *conninfo, size_t queue_bytes)
{
	struct follower_settings s;
	char why[FOLLOWER_WHY_SIZE];

	follower_settings_default(&s);
	s.conninfo = conninfo;
	s.folder = &folder;
	s.epoch = 7;
	s.last = (struct position){ 1, 6, 40 };
	s.queue_bytes = queue_bytes;
	struct follower *f = follower_start(&s, why);
	if (f == NULL)
		fail_msg("%s", why);
	return f;
}

static void wait_for_state(struct follower *f, enum follower_state state,
                           struct follower_status *out)
{
	struct mono deadline = mono_add_ms(clock_mono(), 10000);
	struct pollfd p = { .fd = follower_fd(f), .events = POLLIN };

	for (;;) {
		follower_woken(f);
		follower_status(f, out);
		if (out->state == state)
			return;
		assert_false(mono_is_due(deadline, clock_mono()));
		poll(&p, 1, 1000);
	}
}

static void assert_stops(struct follower *f, int64_t drain_ms)
{
	struct mono begun = clock_mono();

	follower_stop(f, drain_ms);
	assert_true(mono_ms_between(begun, clock_mono()) < drain_ms + 1000);
}

static void test_away(void **state)
{
	struct follower *f = start("host=/nonexistent", 1 << 20);
	struct follower_status s;

	(void)state;
	wait_for_state(f, FOLLOWER_AWAY, &s);
	assert_non_null(strstr(s.why, "/nonexistent"));
	assert_string_equal(s.host, "/nonexistent:5432");
	assert_int_equal(s.confirmed.number, 0);
	assert_int_equal(s.lag_records,
	                 40); /* of the journal's last epoch, as far as anybody knows */
	assert_int_equal(s.lag_ms, 0);
	assert_stops(f, 2000); /* there is nothing to drain to: it does not wait for it */
}

static void test_each_host_in_turn(void **state)
{
	struct follower *f = start("host=/nonexistent,/neither port=1,2", 1 << 20);
	struct mono deadline = mono_add_ms(clock_mono(), 10000);
	struct follower_status s;

	(void)state;
	for (unsigned seen = 0; seen != 3;) {
		wait_for_state(f, FOLLOWER_AWAY, &s);
		seen |= strcmp(s.host, "/nonexistent:1") == 0 ? 1
		        : strcmp(s.host, "/neither:2") == 0   ? 2
		                                              : 0;
		assert_false(mono_is_due(deadline, clock_mono()));
	}
	assert_stops(f, 0);
}

static void test_ends_beside_a_host_that_hangs(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char conninfo[128];
	struct follower_status s;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &length), 0);
	snprintf(conninfo, sizeof conninfo, "hostaddr=127.0.0.1 port=%u", ntohs(a.sin_port));
	struct follower *f = start(conninfo, 1 << 20);
	struct mono deadline = mono_add_ms(clock_mono(), 5000);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 5000), 1); /* it is connecting */
	follower_status(f, &s);
	assert_int_equal(s.state, FOLLOWER_CONNECTING);
	assert_stops(f, 100);
	assert_false(mono_is_due(deadline, clock_mono()));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_away),
		cmocka_unit_test(test_each_host_in_turn),
		cmocka_unit_test(test_ends_beside_a_host_that_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
