/*
 * A process on a terminal of its own, for the tests of what a console shows: what it writes is read
 * here, what is typed here is read there.
 */
#ifndef TOCSIN_TESTS_PTY_CHILD_H
#define TOCSIN_TESTS_PTY_CHILD_H

#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/clock.h"

struct pty_child {
	pid_t pid;
	int fd;
	size_t count;
	char seen[1 << 18]; /* all that it wrote */
};

/* Runs `body`, whose answer is the exit code, on a terminal of so many rows and columns. */
static inline void pty_start(struct pty_child *c, int (*body)(void *), void *argument,
			     unsigned short rows, unsigned short columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	c->count = 0;
	c->seen[0] = '\0';
	fflush(NULL);
	c->pid = forkpty(&c->fd, NULL, NULL, &size);
	assert_true(c->pid >= 0);
	if (c->pid > 0)
		return;
	int code = body(argument);
	fflush(NULL);
	_exit(code);
}

/* Reads what is there, at most `wait_ms` later; false at the end. */
static inline bool pty_read(struct pty_child *c, int wait_ms)
{
	struct pollfd ready = { .fd = c->fd, .events = POLLIN };

	if (poll(&ready, 1, wait_ms) == 0)
		return true;
	ssize_t got = read(c->fd, c->seen + c->count, sizeof c->seen - 1 - c->count);
	if (got <= 0)
		return false;
	c->count += (size_t)got;
	c->seen[c->count] = '\0';
	return true;
}

/* Until `piece` was written, behind the first `from` bytes; where it stands. */
static inline size_t pty_wait_from(struct pty_child *c, size_t from, const char *piece)
{
	struct mono deadline = mono_add_ms(clock_mono(), 10000);
	const char *found;

	while ((found = strstr(c->seen + from, piece)) == NULL)
		if (!pty_read(c, 100) || mono_is_due(deadline, clock_mono()))
			fail_msg("no '%s' in:\n%s", piece, c->seen + from);
	return (size_t)(found - c->seen);
}

static inline void pty_wait(struct pty_child *c, const char *piece)
{
	pty_wait_from(c, 0, piece);
}

static inline void pty_type(struct pty_child *c, const char *keys)
{
	assert_int_equal(write(c->fd, keys, strlen(keys)), strlen(keys));
}

/* Reads to the end; the exit code. */
static inline int pty_stop(struct pty_child *c)
{
	struct mono deadline = mono_add_ms(clock_mono(), 10000);
	int status;

	while (pty_read(c, 100) && !mono_is_due(deadline, clock_mono()))
		;
	close(c->fd);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif
