#include "run/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/text.h"

/* A path, or "@" and a name of the abstract kind (unix(7)). */
static bool address_read(const char *text, struct sockaddr_un *out, socklen_t *length)
{
	size_t bytes = strlen(text);

	if ((text[0] != '/' && text[0] != '@') || bytes < 2 || bytes >= sizeof(out->sun_path))
		return false;
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(out->sun_path, text, bytes);
	*length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes);
	if (text[0] == '@')
		out->sun_path[0] = '\0';
	else
		*length += 1; /* its terminator */
	return true;
}

/* A datagram that has no room now is lost: the manager's deafness must not hold the loop. Not
 * connected: the manager may have a new socket at the same place after an upgrade of its own. */
static bool tell(const struct notify *n, const char *lines)
{
	return n->fd >= 0 && sendto(n->fd, lines, strlen(lines), MSG_NOSIGNAL | MSG_DONTWAIT,
	                            (const struct sockaddr *)&n->to, n->to_length) >= 0;
}

static int64_t watchdog_read(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	int64_t allowed_us, whose;

	if (!usec || !text_to_int(usec, 1, INT64_MAX, &allowed_us))
		return 0;
	if (pid && (!text_to_int(pid, 1, INT64_MAX, &whose) || whose != getpid()))
		return 0;
	/* sd_watchdog_enabled(3) recommends half of it. */
	return allowed_us / 2000 > 0 ? allowed_us / 2000 : 1;
}

bool notify_open(struct notify *n)
{
	const char *where = getenv("NOTIFY_SOCKET");
	bool good = true;

	*n = (struct notify){ .fd = -1, .watchdog_ms = watchdog_read() };
	errno = EINVAL;
	if (where)
		good = address_read(where, &n->to, &n->to_length) &&
		       (n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) >= 0;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return good;
}

void notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

void notify_ready(struct notify *n)
{
	tell(n, "READY=1\n");
}

/* The manager compares the time with its own of the same clock, which is the monotonic one. */
void notify_reloading(struct notify *n)
{
	char lines[80] = "";
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	text_add(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%lld\n",
	         (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	tell(n, lines);
}

void notify_stopping(struct notify *n)
{
	tell(n, "STOPPING=1\n");
}

void notify_status(struct notify *n, const char *line)
{
	char lines[sizeof(n->status) + 16] = "", status[sizeof(n->status)];

	TEXT_COPY(status, line);
	/* One line: what comes after a line feed would be another message. */
	status[strcspn(status, "\n")] = '\0';
	if (strcmp(status, n->status) == 0)
		return;
	TEXT_COPY(n->status, status);
	text_add(lines, sizeof(lines), "STATUS=%s\n", n->status);
	tell(n, lines);
}

void notify_alive(struct notify *n, struct mono now)
{
	if (n->watchdog_ms == 0 ||
	    (mono_is_set(n->fed_at) && mono_ms_between(n->fed_at, now) < n->watchdog_ms))
		return;
	if (tell(n, "WATCHDOG=1\n"))
		n->fed_at = now;
}
