#include "tool/admin_page.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/text.h"
#include "wire/address.h"

static bool refuse(char why[static ADMIN_PAGE_WHY_SIZE], const char *what, const char *cause)
{
	why[0] = '\0';
	text_add(why, ADMIN_PAGE_WHY_SIZE, "%s: %s", what, cause);
	return false;
}

static bool wait_for(int fd, short what, struct mono deadline)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = what };
		int64_t left = mono_ms_between(clock_mono(), deadline);
		int n;
		if (left <= 0) {
			errno = ETIMEDOUT;
			return false;
		}
		n = poll(&p, 1, left > 60000 ? 60000 : (int)left);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

static bool dial(int fd, const struct address *to, struct mono deadline)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (connect(fd, (const struct sockaddr *)&to->storage, to->length) == 0)
		return true;
	if (errno != EINPROGRESS || !wait_for(fd, POLLOUT, deadline) ||
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
		return false;
	errno = error;
	return error == 0;
}

/* A request is short: a fresh socket takes it whole. */
static bool ask(int fd, const char *address, const char *path)
{
	char request[512] = "";
	size_t length;

	if (!text_add(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path,
	              address)) {
		errno = EMSGSIZE;
		return false;
	}
	length = strlen(request);
	return send(fd, request, length, MSG_NOSIGNAL) == (ssize_t)length;
}

/* All until the end of the connection, terminated; NULL: errno. */
static char *hear(int fd, struct mono deadline)
{
	char *text = malloc(ADMIN_PAGE_BYTES_MAX + 1);
	size_t length = 0;
	ssize_t n = 1;

	while (text && n > 0 && length < ADMIN_PAGE_BYTES_MAX && wait_for(fd, POLLIN, deadline)) {
		n = recv(fd, text + length, ADMIN_PAGE_BYTES_MAX - length, 0);
		if (n > 0)
			length += (size_t)n;
		else if (n < 0 && (errno == EAGAIN || errno == EINTR))
			n = 1;
	}
	if (text && n == 0) {
		text[length] = '\0';
		return text;
	}
	if (text && length == ADMIN_PAGE_BYTES_MAX)
		errno = EMSGSIZE;
	free(text);
	return NULL;
}

/* Takes the head off; false: it is no answer, or not the page. */
static bool cut_head(char *text, const char *address, char why[static ADMIN_PAGE_WHY_SIZE])
{
	char *body = strstr(text, "\r\n\r\n");
	int status = 0;

	if (!body || sscanf(text, "HTTP/1.1 %3d", &status) != 1)
		return refuse(why, address, "what answers there is no tocsind");
	if (status != 200) {
		text[strcspn(text, "\r\n")] = '\0';
		return refuse(why, address, text);
	}
	memmove(text, body + 4, strlen(body + 4) + 1);
	return true;
}

char *admin_page_get(const char *address, const char *path, struct mono deadline,
                     char why[static ADMIN_PAGE_WHY_SIZE])
{
	struct address to;
	char *text = NULL;
	int fd;

	if (!address_parse(address, &to)) {
		refuse(why, address, "not an address and a port in figures");
		return NULL;
	}
	fd = socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && dial(fd, &to, deadline) && ask(fd, address, path))
		text = hear(fd, deadline);
	if (!text)
		refuse(why, address, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (text && !cut_head(text, address, why)) {
		free(text);
		text = NULL;
	}
	return text;
}
