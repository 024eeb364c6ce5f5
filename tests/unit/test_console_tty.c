/* The terminal of a console: what is written to it, and that it is raw while it is open and as
 * before afterwards. */
#include "tool/console_tty.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "tests/unit/pty_child.h"

static struct pty_child child;

static int draw_twice(void *unused)
{
	struct console_tty *t = console_tty_open();

	(void)unused;
	if (t == NULL || console_tty_columns(t) != 39 || console_tty_rows(t) != 10)
		return 1;
	console_tty_draw(t, "", "a\nb\n", "> x", 3);
	console_tty_ring(t);
	console_tty_draw(t, "new\n", "c\n", "> ", 0);
	console_tty_draw(t, "", "c\n", "> ", 2);
	console_tty_clear(t);
	console_tty_draw(t, "", "c\n", "> ", 2);
	console_tty_close(t);
	return 0;
}

/* Exactly: where the cursor is left is where the next drawing begins. */
static void test_drawing(void **state)
{
	(void)state;
	pty_start(&child, draw_twice, NULL, 10, 40);
	assert_int_equal(pty_stop(&child), 0);
	assert_string_equal(child.seen, "\033[?25l\r\033[Ja\r\nb\r\n> x\r\033[3C\033[?25h"
					"\033[?25l\r\033[2A\033[J\anew\r\nc\r\n> \r\033[?25h"
					"\033[?25l\r\033[1A\033[Jc\r\n> \r\033[2C\033[?25h"
					"\033[?25l\r\033[H\033[2J\033[Jc\r\n> \r\033[2C\033[?25h"
					"\r\r\n");
}

static int read_keys(void *unused)
{
	struct console_tty *t = console_tty_open();
	struct termios during, after;
	char keys[4];
	size_t have = 0;

	(void)unused;
	if (t == NULL)
		return 1;
	console_tty_draw(t, "", "", "ready", 0);
	for (ssize_t got; have < sizeof keys; have += (size_t)got)
		if ((got = read(STDIN_FILENO, keys + have, sizeof keys - have)) <= 0)
			return 2;
	tcgetattr(STDIN_FILENO, &during);
	console_tty_close(t);
	tcgetattr(STDIN_FILENO, &after);
	if (memcmp(keys, "\003\032\023\r", 4) != 0 ||
	    (during.c_lflag & (ISIG | ICANON | ECHO)) != 0)
		return 3;
	return (after.c_lflag & (ISIG | ICANON | ECHO)) == (ISIG | ICANON | ECHO) ? 0 : 4;
}

/* Ctrl-C, Ctrl-Z and Ctrl-S are keys, not an end, a stop or a freeze. */
static void test_keys_are_only_keys(void **state)
{
	(void)state;
	pty_start(&child, read_keys, NULL, 24, 80);
	pty_wait(&child, "ready");
	pty_type(&child, "\003\032\023\r");
	assert_int_equal(pty_stop(&child), 0);
}

static int measure_twice(void *unused)
{
	struct console_tty *t = console_tty_open();
	char key;

	(void)unused;
	if (t == NULL || console_tty_measure(t))
		return 1;
	console_tty_draw(t, "", "", "ready", 0);
	if (read(STDIN_FILENO, &key, 1) != 1 || !console_tty_measure(t))
		return 2;
	bool right = console_tty_columns(t) == 119 && console_tty_rows(t) == 50;
	console_tty_close(t);
	return right ? 0 : 3;
}

static void test_size(void **state)
{
	struct winsize size = { .ws_row = 50, .ws_col = 120 };

	(void)state;
	pty_start(&child, measure_twice, NULL, 24, 80);
	pty_wait(&child, "ready");
	assert_int_equal(ioctl(child.fd, TIOCSWINSZ, &size), 0);
	pty_type(&child, "x");
	assert_int_equal(pty_stop(&child), 0);
	pty_start(&child, read_keys, NULL, 0, 0); /* a terminal that does not know its size */
	pty_wait(&child, "ready");
	pty_type(&child, "\003\032\023\r");
	assert_int_equal(pty_stop(&child), 0);
}

static int open_without(void *unused)
{
	int null = open("/dev/null", O_RDWR);

	(void)unused;
	dup2(null, STDIN_FILENO);
	return console_tty_open() == NULL ? 0 : 1;
}

static void test_no_terminal(void **state)
{
	(void)state;
	pty_start(&child, open_without, NULL, 24, 80);
	assert_int_equal(pty_stop(&child), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drawing),
		cmocka_unit_test(test_keys_are_only_keys),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_no_terminal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
