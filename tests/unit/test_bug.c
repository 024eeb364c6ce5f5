/* The two answers to our own faults: must() ends the process with one line, BUG() counts and goes
 * on. */
#include "support/bug.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs `body` in a child whose standard error comes back in `said`; returns its wait status. */
static int run_child(void (*body)(void), char *said, size_t size)
{
	int ends[2], status;
	size_t used = 0;
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		body();
		_exit(0);
	}
	close(ends[1]);
	while (used < size - 1 && (n = read(ends[0], said + used, size - 1 - used)) > 0)
		used += (size_t)n;
	said[used] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void must_that_holds(void)
{
	must(1 + 1 == 2);
}

static void must_that_fails(void)
{
	must(1 + 1 == 3);
}

static void test_must(void **state)
{
	char said[1024];

	(void)state;
	assert_int_equal(run_child(must_that_holds, said, sizeof(said)), 0);
	assert_string_equal(said, "");

	int status = run_child(must_that_fails, said, sizeof(said));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_memory_equal(said, "<2>must-failed condition=\"1 + 1 == 3\" file=",
	                    strlen("<2>must-failed condition=\"1 + 1 == 3\" file="));
	assert_non_null(strstr(said, "test_bug.c line="));
}

static bool look(int n)
{
	return BUG(n > 0);
}

static void look_often(void)
{
	for (int i = 0; i < 1000; i++)
		(void)look(1);
	(void)look(1);
	if (BUG(true))
		return;
}

static void test_bug_counts(void **state)
{
	unsigned long before = bug_count();

	(void)state;
	assert_false(look(0));
	assert_int_equal(bug_count(), before);
	assert_true(look(1));
	assert_true(look(2));
	assert_int_equal(bug_count(), before + 2);
}

static void test_bug_is_reported_once_a_place(void **state)
{
	char said[4096];
	int lines = 0;

	(void)state;
	assert_int_equal(run_child(look_often, said, sizeof(said)), 0);
	for (const char *at = said; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 2);
	assert_memory_equal(said, "<3>bug condition=", strlen("<3>bug condition="));
	assert_non_null(strstr(said, "\n<3>bug condition=true "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_must),
		cmocka_unit_test(test_bug_is_reported_once_a_place),
		cmocka_unit_test(test_bug_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
