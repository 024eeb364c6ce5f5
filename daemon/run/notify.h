/*
 * Tells the service manager how the daemon is: ready, its status in a line, that it is alive,
 * that it reloads or stops. The protocol of sd_notify(3), which is one datagram of NAME=VALUE lines
 * on the socket that NOTIFY_SOCKET names. Without that variable every call does nothing.
 *
 * Whether to say that it is alive is run/loop's to decide: only a healthy turn does.
 */
#ifndef TOCSIN_RUN_NOTIFY_H
#define TOCSIN_RUN_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "support/clock.h"

struct notify {
	int fd; /* -1: nobody listens */
	struct sockaddr_un to;
	socklen_t to_length;
	int64_t watchdog_ms; /* how often to say "alive": half of what is allowed; 0: not at all */
	struct mono fed_at;
	char status[128]; /* the last one told */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of the environment, so
 * that no child speaks for us. False when NOTIFY_SOCKET cannot be used (errno); the daemon then
 * goes on unheard. */
bool notify_open(struct notify *n);
void notify_close(struct notify *n);

void notify_ready(struct notify *n);
void notify_reloading(struct notify *n); /* notify_ready says that it is over */
void notify_stopping(struct notify *n);
void notify_status(struct notify *n, const char *line); /* told when it differs from the last */
/* Called in each healthy turn; tells it when watchdog_ms have passed. */
void notify_alive(struct notify *n, struct mono now);

#endif
