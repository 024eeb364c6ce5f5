#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include "keep/pg_client.h"
#include "tests/unit/pg_rig.h"

static struct pg_rig rig;

static struct mono in_ms(int64_t ms)
{
	return mono_add_ms(clock_mono(), ms);
}

static struct pg_client *client_of(int stop_fd)
{
	char conninfo[128], why[PG_CLIENT_WHY_SIZE];
	struct pg_client *c = pg_client_new(pg_rig_conninfo(&rig, conninfo), stop_fd, why);

	assert_non_null(c);
	return c;
}

static void answer_all(struct pg_rig *r, const char *sql)
{
	static const char *const values[] = { "7", NULL, "seven" };

	if (strstr(sql, "hang"))
		return;
	if (strstr(sql, "error"))
		pg_rig_error(r, "permission denied for table practitioners");
	else if (strstr(sql, "COPY")) {
		pg_rig_copy_begin(r);
		for (int i = 0; i < 2000; i++)
			pg_rig_copy_row(r, "a piece of a copy that goes on for a while", 40);
		if (strstr(sql, "stuck"))
			pg_rig_flush(r);
		else
			pg_rig_copy_end(r);
	} else if (strstr(sql, "SELECT"))
		pg_rig_values(r, 3, values);
	else
		pg_rig_command(r);
}

static int start(void **state)
{
	(void)state;
	memset(&rig, 0, sizeof rig);
	rig.answer = answer_all;
	pg_rig_listen(&rig);
	pg_rig_start(&rig);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	pg_rig_stop(&rig);
	return 0;
}

static void test_conninfo(void **state)
{
	static const struct {
		bool good;
		const char *conninfo;
	} rows[] = {
		{ true, "hostaddr=10.0.0.1 dbname=tocsin" },
		{ true, "host=db.example hostaddr=10.0.0.1" }, /* the name is for the certificate */
		{ true, "host=/run/postgresql" },
		{ true, "host=@abstract" },
		{ true, "host=127.0.0.1" },
		{ true, "host=2001:db8::1" },
		{ false, "host=127.0.0.1,db.example" },
		{ false, "host=127.0.0" },
		{ true, "hostaddr=10.0.0.1,10.0.0.2 port=5432,5433" },
		{ true, "host=/run/a,/run/b" },
		{ true, "postgresql://user@/tocsin?host=/run/postgresql" },
		{ false, "dbname=tocsin" }, /* the environment's host is nobody's decision */
		{ false, "host=db.example" },
		{ false, "host=localhost" },
		{ false, "hostaddr=10.0.0.1, host=a,b" },
		{ false, "hostaddr=" },
		{ false, "nonsense" },
		{ false, "unknown=1 host=/run" },
		{ false, "" },
	};
	char why[PG_CLIENT_WHY_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pg_client *c = pg_client_new(rows[i].conninfo, -1, why);
		if ((c != NULL) != rows[i].good)
			fail_msg("%s: %s", rows[i].conninfo, why);
		assert_true(rows[i].good || (why[0] && !strchr(why, '\n')));
		pg_client_free(c);
	}
	pg_client_free(NULL);
}

static void test_statements(void **state)
{
	struct pg_client *c = client_of(-1);

	(void)state;
	assert_false(pg_client_is_connected(c));
	assert_true(pg_client_connect(c, in_ms(5000)));
	assert_true(pg_client_is_connected(c));
	assert_true(pg_client_tell(c, "BEGIN", in_ms(5000)));
	PGresult *r = pg_client_ask(c, "SELECT $1", 1, (const char *const[]){ "x" }, in_ms(5000));
	assert_non_null(r);
	assert_int_equal(PQntuples(r), 1);
	assert_string_equal(PQgetvalue(r, 0, 0), "7");
	assert_true(PQgetisnull(r, 0, 1));
	assert_string_equal(PQgetvalue(r, 0, 2), "seven");
	PQclear(r);
	assert_true(pg_client_tell(c, "COMMIT", in_ms(5000)));
	pg_client_free(c);
}

static void test_an_error_closes(void **state)
{
	struct pg_client *c = client_of(-1);

	(void)state;
	assert_true(pg_client_connect(c, in_ms(5000)));
	assert_null(pg_client_ask(c, "SELECT error", 0, NULL, in_ms(5000)));
	assert_string_equal(pg_client_why(c), "permission denied for table practitioners");
	assert_false(pg_client_is_connected(c));
	assert_false(pg_client_tell(c, "BEGIN", in_ms(5000)));
	assert_string_equal(pg_client_why(c), "not connected");
	/* A command where rows were asked for is a fault as well. */
	assert_true(pg_client_connect(c, in_ms(5000)));
	assert_null(pg_client_ask(c, "BEGIN", 0, NULL, in_ms(5000)));
	assert_true(pg_client_connect(c, in_ms(5000)));
	pg_client_free(c);
}

struct pieces {
	unsigned count, most;
};

static bool count_piece(void *context, const uint8_t *bytes, size_t length)
{
	struct pieces *p = context;

	(void)bytes;
	(void)length;
	return ++p->count < p->most;
}

static void test_copy(void **state)
{
	struct pg_client *c = client_of(-1);
	struct pieces p = { .most = UINT32_MAX };

	(void)state;
	assert_true(pg_client_connect(c, in_ms(5000)));
	assert_true(pg_client_copy(c, "COPY (SELECT 1) TO STDOUT", 5000, count_piece, &p));
	assert_int_equal(p.count, 2002);                       /* header, rows, trailer */
	assert_true(pg_client_tell(c, "COMMIT", in_ms(5000))); /* and the connection is as before */
	p = (struct pieces){ .most = 100 };
	assert_false(pg_client_copy(c, "COPY (SELECT 1) TO STDOUT", 5000, count_piece, &p));
	assert_int_equal(p.count, 100);
	assert_false(pg_client_is_connected(c));
	assert_true(pg_client_connect(c, in_ms(5000)));
	assert_false(pg_client_copy(c, "COPY error", 5000, count_piece, &p));
	pg_client_free(c);
}

static void test_a_server_that_hangs(void **state)
{
	struct pg_client *c = client_of(-1);
	struct pieces p = { .most = UINT32_MAX };
	struct mono begin;

	(void)state;
	assert_true(pg_client_connect(c, in_ms(5000)));
	begin = clock_mono();
	assert_false(pg_client_tell(c, "hang", in_ms(200)));
	assert_string_equal(pg_client_why(c), "no answer in time");
	int64_t took = mono_ms_between(begin, clock_mono());
	assert_true(took >= 200 && took < 2000);
	assert_true(pg_client_connect(c, in_ms(5000)));
	assert_false(pg_client_copy(c, "COPY stuck", 200, count_piece, &p));
	assert_int_equal(p.count, 2001); /* what came before the silence */
	assert_string_equal(pg_client_why(c), "no answer in time");
	pg_client_free(c);
}

/* A listener that nobody serves: the kernel connects, and then there is silence. */
static void test_a_host_that_is_silent(void **state)
{
	struct pg_rig silent = { 0 };
	char conninfo[256], why[PG_CLIENT_WHY_SIZE];
	struct mono begin = clock_mono();

	(void)state;
	pg_rig_listen(&silent);
	/* The first host is silent, the second one is not. */
	snprintf(conninfo, sizeof conninfo,
	         "hostaddr=127.0.0.1,127.0.0.1 port=%u,%u dbname=x user=x sslmode=disable",
	         silent.port, rig.port);
	struct pg_client *c = pg_client_new(conninfo, -1, why);
	assert_non_null(c);
	assert_false(pg_client_connect(c, in_ms(200)));
	assert_true(mono_ms_between(begin, clock_mono()) < 2000);
	assert_true(pg_client_connect(c, in_ms(5000)));
	assert_false(pg_client_connect(c, in_ms(200))); /* and round again */
	pg_client_free(c);
	close(silent.listener);

	snprintf(conninfo, sizeof conninfo, "hostaddr=127.0.0.1 port=%u dbname=x user=x",
	         silent.port);
	c = pg_client_new(conninfo, -1, why);
	assert_false(pg_client_connect(c, in_ms(5000))); /* nobody listens there any more */
	assert_non_null(strstr(pg_client_why(c), "refused"));
	pg_client_free(c);
}

static void *say_stop(void *arg)
{
	uint64_t one = 1;

	/* Once the statement that hangs, the first one, is at the server. */
	while (rig.statements == 0)
		sched_yield();
	assert_int_equal(write(*(int *)arg, &one, sizeof one), sizeof one);
	return NULL;
}

static void test_stopped_in_the_middle(void **state)
{
	int stop_fd = eventfd(0, EFD_CLOEXEC);
	struct pg_client *c = client_of(stop_fd);
	pthread_t thread;

	(void)state;
	assert_true(pg_client_connect(c, in_ms(5000)));
	assert_int_equal(pthread_create(&thread, NULL, say_stop, &stop_fd), 0);
	struct mono begin = clock_mono();
	assert_false(pg_client_tell(c, "hang", in_ms(60000)));
	assert_true(mono_ms_between(begin, clock_mono()) < 5000);
	assert_string_equal(pg_client_why(c), "stopping");
	pthread_join(thread, NULL);
	/* And from then on at every step. */
	assert_false(pg_client_connect(c, in_ms(60000)));
	assert_int_equal(pg_client_wait(c, -1, in_ms(60000)), PG_CLIENT_STOPPED);
	pg_client_free(c);
	close(stop_fd);
}

static void test_waiting(void **state)
{
	int work_fd = eventfd(0, EFD_CLOEXEC);
	uint64_t count = 1;
	struct pg_client *c = client_of(-1);

	(void)state;
	/* Without a connection it is a pause. */
	assert_int_equal(pg_client_wait(c, work_fd, in_ms(20)), PG_CLIENT_DUE);
	assert_int_equal(write(work_fd, &count, sizeof count), sizeof count);
	assert_int_equal(pg_client_wait(c, work_fd, in_ms(60000)), PG_CLIENT_WOKEN);
	assert_int_equal(read(work_fd, &count, sizeof count), sizeof count);

	assert_true(pg_client_connect(c, in_ms(5000)));
	assert_true(pg_client_tell(c, "LISTEN tocsin_registry", in_ms(5000)));
	assert_int_equal(pg_client_wait(c, work_fd, in_ms(20)), PG_CLIENT_DUE);
	pg_rig_notify(&rig, "tocsin_registry");
	assert_int_equal(pg_client_wait(c, work_fd, in_ms(60000)), PG_CLIENT_NOTIFIED);
	assert_int_equal(pg_client_wait(c, work_fd, in_ms(20)), PG_CLIENT_DUE);
	/* A notification that came along with an answer is not lost. */
	pg_rig_notify(&rig, "tocsin_registry");
	assert_true(pg_client_tell(c, "BEGIN", in_ms(5000)));
	assert_int_equal(pg_client_wait(c, work_fd, in_ms(60000)), PG_CLIENT_NOTIFIED);
	assert_int_equal(shutdown(rig.fd, SHUT_RDWR), 0);
	assert_int_equal(pg_client_wait(c, work_fd, in_ms(60000)), PG_CLIENT_LOST);
	assert_false(pg_client_is_connected(c));
	assert_int_not_equal(pg_client_why(c)[0], '\0');
	pg_client_free(c);
	close(work_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conninfo),
		cmocka_unit_test_setup_teardown(test_statements, start, stop),
		cmocka_unit_test_setup_teardown(test_an_error_closes, start, stop),
		cmocka_unit_test_setup_teardown(test_copy, start, stop),
		cmocka_unit_test_setup_teardown(test_a_server_that_hangs, start, stop),
		cmocka_unit_test_setup_teardown(test_a_host_that_is_silent, start, stop),
		cmocka_unit_test_setup_teardown(test_stopped_in_the_middle, start, stop),
		cmocka_unit_test_setup_teardown(test_waiting, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
