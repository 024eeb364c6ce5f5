#include "run/activation.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/text.h"

#define FIRST_FD 3
#define FDS_MAX  4096 /* what no manager would hand over */

static bool is_for_us(void)
{
	const char *pid = getenv("LISTEN_PID");
	int64_t whose;

	return pid && text_to_int(pid, 1, INT64_MAX, &whose) && whose == getpid();
}

/* The name at the front of a list with colons; the rest of it, or NULL behind the last. */
static const char *name_read(const char *list, char out[static ACTIVATION_NAME_SIZE])
{
	size_t length = strcspn(list, ":");

	out[0] = '\0';
	if (length < ACTIVATION_NAME_SIZE) {
		memcpy(out, list, length);
		out[length] = '\0';
	}
	return list[length] == ':' ? list + length + 1 : NULL;
}

static void read_all(struct activation *a, int64_t count, const char *names)
{
	for (int fd = FIRST_FD; fd < FIRST_FD + count; fd++) {
		struct activation_socket *s = &a->sockets[a->count];
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
			continue;
		if (a->count == ACTIVATION_MAX) {
			close(fd);
			continue;
		}
		s->fd = fd;
		s->name[0] = '\0';
		if (names)
			names = name_read(names, s->name);
		a->count++;
	}
}

void activation_read(struct activation *a)
{
	const char *fds = getenv("LISTEN_FDS");
	int64_t count;

	a->count = 0;
	if (is_for_us() && fds && text_to_int(fds, 0, FDS_MAX, &count))
		read_all(a, count, getenv("LISTEN_FDNAMES"));
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

int activation_take(struct activation *a, const char *name)
{
	for (unsigned i = 0; i < a->count; i++) {
		int fd = a->sockets[i].fd;
		if (fd < 0 || strcmp(a->sockets[i].name, name) != 0)
			continue;
		a->sockets[i].fd = -1;
		return fd;
	}
	return -1;
}

unsigned activation_close_rest(struct activation *a)
{
	unsigned closed = 0;

	for (unsigned i = 0; i < a->count; i++)
		if (a->sockets[i].fd >= 0) {
			close(a->sockets[i].fd);
			a->sockets[i].fd = -1;
			closed++;
		}
	return closed;
}
