#include "wire/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "support/text.h"
#include "wire/address.h"

static int refuse(char *why, size_t size, const char *what, const char *whom)
{
	int saved = errno;

	if (size > 0) {
		why[0] = '\0';
		text_add(why, size, "%s %s: %s", what, whom, strerror(saved));
	}
	return -1;
}

int socket_listen(const char *address, int backlog, char *why, size_t why_size)
{
	struct address a;
	int fd, on = 1;

	if (!address_parse(address, &a)) {
		errno = EINVAL;
		return refuse(why, why_size, "not an address in figures:", address);
	}
	fd = socket(a.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return refuse(why, why_size, "no socket for", address);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* "[::]:7701" is IPv6 alone: who wants both says both. */
	if (a.storage.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a.storage, a.length) == 0 && listen(fd, backlog) == 0)
		return fd;
	refuse(why, why_size, "cannot listen at", address);
	close(fd);
	return -1;
}

static bool is_listening(int fd)
{
	int listening = 0;
	socklen_t length = sizeof(listening);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0)
		return false;
	if (!listening)
		errno = EINVAL;
	return listening != 0;
}

int socket_adopt(int fd, const char *name, char *why, size_t why_size)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && is_listening(fd) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
		return fd;
	refuse(why, why_size, "cannot listen on the inherited socket of", name);
	close(fd);
	return -1;
}

uint16_t socket_port(int fd)
{
	struct address a = { .length = sizeof(a.storage) };

	if (getsockname(fd, (struct sockaddr *)&a.storage, &a.length) != 0)
		return 0;
	return address_port(&a);
}
