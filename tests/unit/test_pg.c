/* A connection that never waits longer than it may: against ports where nobody, or nobody who knows
 * PostgreSQL, answers. What a real server says is tested in tests/system/test_follower.py. */
#include "keep/pg.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct pg_setup setup = { "test", true, 1000 };

static int listening(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &length), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static enum pg_end open_port(uint16_t port, int stop_fd, int64_t ms, struct pg_error *error)
{
	struct pg_target target;
	struct pg c;
	char conninfo[64], why[PG_WHY_SIZE];

	snprintf(conninfo, sizeof conninfo, "hostaddr=127.0.0.1 port=%u dbname=x user=x", port);
	assert_true(pg_target_parse(&target, conninfo, why));
	enum pg_end end =
	        pg_open(&c, &target, 0, &setup, stop_fd, mono_add_ms(clock_mono(), ms), error);
	assert_null(c.conn);
	pg_target_done(&target);
	return end;
}

static void test_nobody_listens(void **state)
{
	struct pg_error error;
	uint16_t port;
	int fd = listening(&port); /* bound, not listening: refused */

	(void)state;
	assert_int_equal(open_port(port, -1, 5000, &error), PG_LOST);
	assert_non_null(strstr(error.text, "Connection refused"));
	assert_null(strchr(error.text, '\n'));
	assert_string_equal(error.sqlstate, "");
	close(fd);
}

static void test_silence(void **state)
{
	struct pg_error error;
	uint16_t port;
	int fd = listening(&port);
	struct mono begun = clock_mono();

	(void)state;
	assert_int_equal(listen(fd, 1), 0); /* taken by the kernel, answered by nobody */
	assert_int_equal(open_port(port, -1, 200, &error), PG_LATE);
	assert_in_range(mono_ms_between(begun, clock_mono()), 200, 5000);
	assert_string_equal(error.text, "no answer while connecting");
	close(fd);
}

static void test_stop(void **state)
{
	struct pg_error error;
	uint16_t port;
	int fd = listening(&port), stop = eventfd(1, EFD_CLOEXEC);
	struct mono begun = clock_mono();

	(void)state;
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(open_port(port, stop, 60000, &error), PG_STOPPED);
	assert_int_equal(pg_rest(stop, mono_add_ms(begun, 60000)), PG_STOPPED);
	assert_true(mono_ms_between(begun, clock_mono()) < 5000);
	close(stop);
	close(fd);
}

static void test_not_postgresql(void **state)
{
	struct pg_error error;
	uint16_t port;
	int fd = listening(&port);

	(void)state;
	assert_int_equal(listen(fd, 1), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		for (;;) { /* until it is killed */
			int c = accept(fd, NULL, NULL);
			if (write(c, "HTTP/1.1 400 Bad Request\r\n\r\n", 28) != 28)
				_exit(1);
			close(c);
		}
	}
	enum pg_end end = open_port(port, -1, 5000, &error);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(end, PG_LOST);
	assert_true(error.text[0] != '\0');
	close(fd);
}

static void test_rest(void **state)
{
	struct mono begun = clock_mono();

	(void)state;
	assert_int_equal(pg_rest(-1, mono_add_ms(begun, 50)), PG_LATE);
	assert_in_range(mono_ms_between(begun, clock_mono()), 50, 5000);
	assert_int_equal(pg_rest(-1, begun), PG_LATE); /* past already */
}

static void test_errors_of_data(void **state)
{
	static const struct {
		const char *sqlstate;
		bool is_of_data;
	} rows[] = {
		{ "22021", true },                      /* not UTF-8 */
		{ "22008", true },                      /* a time out of range */
		{ "23502", true },                      /* null where none may be */
		{ "23514", true },                      /* a check */
		{ "21000", true },                      /* a row twice in one statement */
		{ "54000", true },                      /* an index row too large */
		{ "P0001", true },                      /* raised by a function */
		{ "XX000", true },                      /* what no function expected */
		{ "XX001", false },                     /* the database is damaged */
		{ "40001", false }, { "40P01", false }, /* try again */
		{ "42501", false }, { "42P01", false }, /* rights, the schema */
		{ "53100", false }, { "53200", false }, /* disk, memory */
		{ "57014", false }, { "57P01", false }, /* a timeout, a shutdown */
		{ "25006", false },                     /* a standby */
		{ "TC001", false },                     /* the cursor is elsewhere */
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pg_error error = { 0 };
		memcpy(error.sqlstate, rows[i].sqlstate, strlen(rows[i].sqlstate));
		if (pg_error_is_of_data(&error) != rows[i].is_of_data)
			fail_msg("%s", rows[i].sqlstate);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_listens), cmocka_unit_test(test_silence),
		cmocka_unit_test(test_stop),           cmocka_unit_test(test_not_postgresql),
		cmocka_unit_test(test_rest),           cmocka_unit_test(test_errors_of_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
