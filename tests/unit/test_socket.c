#include "wire/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static void bound_sockets_listen_and_are_our_own(void **state)
{
	char why[128];
	int fd = socket_listen("127.0.0.1:0", 5, why, sizeof(why));
	int listening = 0;
	socklen_t length = sizeof(listening);
	(void)state;

	assert_true(fd >= 0);
	assert_true(socket_port(fd) > 0);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length), 0);
	assert_int_equal(listening, 1);
	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	close(fd);
	assert_int_equal(socket_port(fd), 0);
}

static void what_cannot_be_had_is_told(void **state)
{
	char why[128];
	(void)state;

	assert_int_equal(socket_listen("nom:1", 5, why, sizeof(why)), -1);
	assert_string_equal(why, "not an address in figures: nom:1: Invalid argument");
	/* TEST-NET-1 (RFC 5737) is no address of this machine. */
	assert_int_equal(socket_listen("192.0.2.1:7701", 5, why, sizeof(why)), -1);
	assert_string_equal(why,
	                    "cannot listen at 192.0.2.1:7701: Cannot assign requested address");
}

static void inherited_sockets_are_made_ours_or_closed(void **state)
{
	char why[128];
	int fd = socket_listen("127.0.0.1:0", 5, why, sizeof(why)), other;
	(void)state;

	fcntl(fd, F_SETFL, 0);
	fcntl(fd, F_SETFD, 0);
	assert_int_equal(socket_adopt(fd, "alerts", why, sizeof(why)), fd);
	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	close(fd);
	assert_int_equal(socket_adopt(fd, "alerts", why, sizeof(why)), -1);
	assert_string_equal(why,
	                    "cannot listen on the inherited socket of alerts: Bad file descriptor");
	other = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(socket_adopt(other, "alerts", why, sizeof(why)), -1);
	assert_string_equal(why,
	                    "cannot listen on the inherited socket of alerts: Invalid argument");
	assert_int_equal(fcntl(other, F_GETFD), -1);
	other = open("/dev/null", O_RDONLY);
	assert_int_equal(socket_adopt(other, "alerts", why, sizeof(why)), -1);
	assert_string_equal(
	        why,
	        "cannot listen on the inherited socket of alerts: Socket operation on non-socket");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bound_sockets_listen_and_are_our_own),
		cmocka_unit_test(what_cannot_be_had_is_told),
		cmocka_unit_test(inherited_sockets_are_made_ours_or_closed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
