#include "run/notify.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/* A manager's end: a datagram socket at `name` ("@..." is the abstract kind). */
static int manager(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t length = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(length < sizeof(at.sun_path));
	memcpy(at.sun_path, name, length);
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	else
		unlink(name);
	assert_int_equal(bind(fd, (struct sockaddr *)&at,
	                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
	                 0);
	return fd;
}

static void must_hear(int fd, const char *expected)
{
	char heard[512];
	ssize_t n = recv(fd, heard, sizeof(heard) - 1, MSG_DONTWAIT);

	if (!expected) {
		assert_int_equal(n, -1);
		assert_int_equal(errno, EAGAIN);
		return;
	}
	assert_true(n >= 0);
	heard[n] = '\0';
	assert_string_equal(heard, expected);
}

static void says_everything_to(const char *name)
{
	struct notify n;
	int fd = manager(name);

	setenv("NOTIFY_SOCKET", name, 1);
	assert_true(notify_open(&n));
	assert_null(getenv("NOTIFY_SOCKET"));
	notify_ready(&n);
	must_hear(fd, "READY=1\n");
	notify_status(&n, "12 links, nothing degraded");
	must_hear(fd, "STATUS=12 links, nothing degraded\n");
	notify_status(&n, "12 links, nothing degraded");
	must_hear(fd, NULL);
	notify_status(&n, "x\nREADY=1");
	must_hear(fd, "STATUS=x\n");
	notify_status(&n, "x\nWATCHDOG=1");
	must_hear(fd, NULL);
	notify_stopping(&n);
	must_hear(fd, "STOPPING=1\n");
	notify_close(&n);
	notify_ready(&n);
	must_hear(fd, NULL);
	close(fd);
}

static void all_is_said_on_a_path(void **state)
{
	(void)state;
	says_everything_to(TEMP_DIR "/notify");
	unlink(TEMP_DIR "/notify");
}

static void all_is_said_on_an_abstract_name(void **state)
{
	char name[64];
	(void)state;

	snprintf(name, sizeof(name), "@tocsin-test-%d", (int)getpid());
	says_everything_to(name);
}

static void reload_bears_the_monotonic_time(void **state)
{
	struct timespec before, after;
	long long said;
	struct notify n;
	char name[64], heard[128];
	int fd;
	ssize_t length;
	(void)state;

	snprintf(name, sizeof(name), "@tocsin-test-%d", (int)getpid());
	fd = manager(name);
	setenv("NOTIFY_SOCKET", name, 1);
	assert_true(notify_open(&n));
	clock_gettime(CLOCK_MONOTONIC, &before);
	notify_reloading(&n);
	clock_gettime(CLOCK_MONOTONIC, &after);
	length = recv(fd, heard, sizeof(heard) - 1, MSG_DONTWAIT);
	assert_true(length > 0);
	heard[length] = '\0';
	assert_int_equal(sscanf(heard, "RELOADING=1\nMONOTONIC_USEC=%lld\n", &said), 1);
	assert_true(said >= before.tv_sec * 1000000LL + before.tv_nsec / 1000);
	assert_true(said <= after.tv_sec * 1000000LL + after.tv_nsec / 1000);
	notify_close(&n);
	close(fd);
}

/* A manager that is not there, or has gone, costs nothing. */
static void nobody_listening_is_no_trouble(void **state)
{
	struct notify n;
	(void)state;

	unsetenv("NOTIFY_SOCKET");
	assert_true(notify_open(&n));
	notify_ready(&n);
	notify_alive(&n, clock_mono());
	notify_close(&n);
	setenv("NOTIFY_SOCKET", "relative", 1);
	assert_false(notify_open(&n));
	assert_int_equal(errno, EINVAL);
	notify_ready(&n);
	notify_close(&n);
	setenv("NOTIFY_SOCKET", TEMP_DIR "/no-such-socket", 1);
	assert_true(notify_open(&n));
	notify_ready(&n);
	notify_close(&n);
}

static void watchdog_is_fed_at_half_of_what_is_allowed(void **state)
{
	struct mono t = clock_mono();
	struct notify n;
	char name[64], pid[24];
	int fd;
	(void)state;

	snprintf(name, sizeof(name), "@tocsin-test-%d", (int)getpid());
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	fd = manager(name);
	setenv("NOTIFY_SOCKET", name, 1);
	setenv("WATCHDOG_USEC", "10000000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	assert_true(notify_open(&n));
	assert_null(getenv("WATCHDOG_USEC"));
	assert_null(getenv("WATCHDOG_PID"));
	assert_int_equal(n.watchdog_ms, 5000);
	notify_alive(&n, t);
	must_hear(fd, "WATCHDOG=1\n");
	notify_alive(&n, mono_add_ms(t, 4999));
	must_hear(fd, NULL);
	notify_alive(&n, mono_add_ms(t, 5000));
	must_hear(fd, "WATCHDOG=1\n");
	notify_close(&n);
	close(fd);
}

static int64_t watchdog_of(const char *usec, const char *pid)
{
	struct notify n;

	if (usec)
		setenv("WATCHDOG_USEC", usec, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	assert_true(notify_open(&n));
	notify_close(&n);
	return n.watchdog_ms;
}

static void watchdog_of_another_process_is_not_ours(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(watchdog_of(NULL, NULL), 0);
	assert_int_equal(watchdog_of("3000000", NULL), 1500);
	assert_int_equal(watchdog_of("3000000", "1"), 0);
	assert_int_equal(watchdog_of("x", NULL), 0);
	assert_int_equal(watchdog_of("0", NULL), 0);
	assert_int_equal(watchdog_of("1", NULL), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_said_on_a_path),
		cmocka_unit_test(all_is_said_on_an_abstract_name),
		cmocka_unit_test(reload_bears_the_monotonic_time),
		cmocka_unit_test(nobody_listening_is_no_trouble),
		cmocka_unit_test(watchdog_is_fed_at_half_of_what_is_allowed),
		cmocka_unit_test(watchdog_of_another_process_is_not_ours),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
