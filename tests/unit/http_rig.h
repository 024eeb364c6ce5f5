/*
 * A server in a child process that answers each connection with the same bytes, whatever is asked.
 */
#ifndef TOCSIN_TESTS_HTTP_RIG_H
#define TOCSIN_TESTS_HTTP_RIG_H

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "wire/socket.h"

struct http_rig {
	pid_t child;
	char address[32];
};

/* `answer` NULL: it takes the connection and says nothing. */
static inline void http_rig_start(struct http_rig *r, const char *answer)
{
	char why[128];
	int listening = socket_listen("127.0.0.1:0", 5, why, sizeof(why));

	assert_true(listening >= 0);
	snprintf(r->address, sizeof(r->address), "127.0.0.1:%u", socket_port(listening));
	r->child = fork();
	assert_true(r->child >= 0);
	if (r->child > 0) {
		close(listening);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		struct pollfd p = { .fd = listening, .events = POLLIN };
		char asked[1024];
		int fd;
		if (poll(&p, 1, 60000) <= 0)
			_exit(1);
		fd = accept(listening, NULL, NULL);
		if (fd < 0 || recv(fd, asked, sizeof(asked), 0) <= 0)
			_exit(1);
		if (!answer)
			continue; /* kept open */
		if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
			_exit(1);
		shutdown(fd, SHUT_WR);
		while (recv(fd, asked, sizeof(asked), 0) > 0)
			;
		close(fd);
	}
}

static inline void http_rig_stop(struct http_rig *r)
{
	kill(r->child, SIGKILL);
	waitpid(r->child, NULL, 0);
}

#endif
