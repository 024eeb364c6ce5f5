#include "run/activation.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* Sockets are handed over from descriptor 3 on, which the test itself needs: each case runs in a
 * child. Its exit status is how far it came. */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			_exit(__LINE__ % 256);                                                     \
	} while (0)

static int in_child(void (*what)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		what();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Descriptors 3 to 3 + count - 1, as a manager leaves them: open across exec. */
static void hand_over(unsigned count, const char *names, pid_t pid)
{
	char text[24];
	int null = open("/dev/null", O_RDONLY);

	for (unsigned i = 0; i < count; i++)
		if (null != (int)(3 + i))
			CHECK(dup2(null, (int)(3 + i)) == (int)(3 + i));
	snprintf(text, sizeof(text), "%d", (int)pid);
	setenv("LISTEN_PID", text, 1);
	snprintf(text, sizeof(text), "%u", count);
	setenv("LISTEN_FDS", text, 1);
	if (names)
		setenv("LISTEN_FDNAMES", names, 1);
	else
		unsetenv("LISTEN_FDNAMES");
}

static void take_by_name(void)
{
	struct activation a;

	hand_over(4, "alerts:consoles:alerts:admin", getpid());
	activation_read(&a);
	CHECK(a.count == 4);
	CHECK(!getenv("LISTEN_PID") && !getenv("LISTEN_FDS") && !getenv("LISTEN_FDNAMES"));
	CHECK((fcntl(3, F_GETFD) & FD_CLOEXEC) && (fcntl(6, F_GETFD) & FD_CLOEXEC));
	CHECK(activation_take(&a, "alerts") == 3);
	CHECK(activation_take(&a, "alerts") == 5);
	CHECK(activation_take(&a, "alerts") == -1);
	CHECK(activation_take(&a, "consoles") == 4);
	CHECK(activation_take(&a, "nobody") == -1);
	CHECK(activation_close_rest(&a) == 1);
	CHECK(fcntl(6, F_GETFD) == -1);
	CHECK(activation_close_rest(&a) == 0);
}

static void names_may_be_missing_or_too_long(void)
{
	struct activation a;

	hand_over(3, "0123456789012345678901234567890123456789:b", getpid());
	activation_read(&a);
	CHECK(a.count == 3);
	CHECK(strcmp(a.sockets[0].name, "") == 0);
	CHECK(strcmp(a.sockets[1].name, "b") == 0);
	CHECK(strcmp(a.sockets[2].name, "") == 0);
	hand_over(1, NULL, getpid());
	activation_read(&a);
	CHECK(a.count == 1 && a.sockets[0].name[0] == '\0');
}

static void others_sockets(void)
{
	struct activation a;

	hand_over(2, "alerts:alerts", getppid());
	activation_read(&a);
	CHECK(a.count == 0);
	CHECK(!getenv("LISTEN_FDS"));
	setenv("LISTEN_PID", "x", 1);
	setenv("LISTEN_FDS", "1", 1);
	activation_read(&a);
	CHECK(a.count == 0);
	hand_over(0, "", getpid());
	setenv("LISTEN_FDS", "99999999999", 1);
	activation_read(&a);
	CHECK(a.count == 0);
	unsetenv("LISTEN_PID");
	activation_read(&a);
	CHECK(a.count == 0);
}

static void too_many(void)
{
	struct activation a;

	hand_over(20, NULL, getpid());
	activation_read(&a);
	CHECK(a.count == ACTIVATION_MAX);
	CHECK(fcntl(3 + ACTIVATION_MAX, F_GETFD) == -1);
	CHECK(activation_close_rest(&a) == ACTIVATION_MAX);
}

static void sockets_are_taken_by_name(void **state)
{
	(void)state;
	assert_int_equal(in_child(take_by_name), 0);
}

static void names_are_optional(void **state)
{
	(void)state;
	assert_int_equal(in_child(names_may_be_missing_or_too_long), 0);
}

static void what_is_for_another_process_is_left_alone(void **state)
{
	(void)state;
	assert_int_equal(in_child(others_sockets), 0);
}

static void more_than_there_is_place_for_are_closed(void **state)
{
	(void)state;
	assert_int_equal(in_child(too_many), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets_are_taken_by_name),
		cmocka_unit_test(names_are_optional),
		cmocka_unit_test(what_is_for_another_process_is_left_alone),
		cmocka_unit_test(more_than_there_is_place_for_are_closed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
