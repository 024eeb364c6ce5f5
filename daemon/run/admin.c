#include "run/admin.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/text.h"
#include "wire/address.h"
#include "wire/http.h"

#define ADMIN_CONNECTIONS_MAX 16
#define ADMIN_REQUEST_MS      5000
#define ADMIN_HEADERS_MAX     4096
#define ADMIN_PAGE_SIZE       (512 * 1024)

struct admin {
	struct http *http;
	struct admin_pages pages;
	char page[ADMIN_PAGE_SIZE];
};

/* "localhost" or an address in figures, with or without a port. */
static bool is_own_host(const char *host)
{
	struct address a;
	char with_port[ADDRESS_TEXT_SIZE] = "";

	if (strcasecmp(host, "localhost") == 0 || strncasecmp(host, "localhost:", 10) == 0)
		return true;
	if (address_parse(host, &a))
		return true;
	return text_add(with_port, sizeof(with_port), "%s:0", host) && address_parse(with_port, &a);
}

static void say(struct admin *a, struct http_answer *answer, int status, const char *text)
{
	text_copy(a->page, sizeof(a->page), text);
	answer->status = status;
}

static void metrics(struct admin *a, struct http_answer *answer)
{
	struct exposition e;

	exposition_begin(&e, a->page, sizeof(a->page));
	a->pages.metrics(a->pages.owner, &e);
	answer->type = "text/plain; version=0.0.4; charset=utf-8";
	if (e.is_cut)
		say(a, answer, 500, "the metrics do not fit\n");
}

static void status(struct admin *a, struct http_answer *answer)
{
	answer->type = "application/json";
	if (!a->pages.status(a->pages.owner, a->page, sizeof(a->page)))
		say(a, answer, 500, "{}\n");
}

static void page(void *owner, const char *host, const char *path, struct http_answer *answer)
{
	struct admin *a = owner;

	a->page[0] = '\0';
	if (!is_own_host(host))
		say(a, answer, 403, "not by this name\n");
	else if (strcmp(path, "/healthz") == 0)
		answer->status =
		        a->pages.is_healthy(a->pages.owner, a->page, sizeof(a->page)) ? 200 : 503;
	else if (strcmp(path, "/readyz") == 0)
		answer->status =
		        a->pages.is_ready(a->pages.owner, a->page, sizeof(a->page)) ? 200 : 503;
	else if (strcmp(path, "/metrics") == 0)
		metrics(a, answer);
	else if (strcmp(path, "/status") == 0)
		status(a, answer);
	else
		say(a, answer, 404, "here are /healthz, /readyz, /metrics and /status\n");
	answer->body = a->page;
	answer->length = strlen(a->page);
}

struct admin *admin_new(struct event_base *base, struct timers *timers,
                        const struct admin_pages *pages)
{
	static const struct http_settings settings = {
		.connections_max = ADMIN_CONNECTIONS_MAX,
		.request_ms = ADMIN_REQUEST_MS,
		.headers_bytes_max = ADMIN_HEADERS_MAX,
	};
	struct admin *a = malloc(sizeof(*a));

	if (!a)
		return NULL;
	a->pages = *pages;
	a->http = http_new(base, timers, &settings, page, a);
	if (a->http)
		return a;
	free(a);
	return NULL;
}

void admin_free(struct admin *a)
{
	if (!a)
		return;
	http_free(a->http);
	free(a);
}

bool admin_bind(struct admin *a, const char *address, char *why, size_t why_size)
{
	struct address parsed;

	if (!address_parse(address, &parsed) || address_is_loopback(&parsed))
		return http_bind(a->http, address, why, why_size);
	why[0] = '\0';
	text_add(why, why_size, "not an address of this machine alone: %s", address);
	return false;
}

bool admin_inherit(struct admin *a, int fd, char *why, size_t why_size)
{
	struct address bound = { .length = sizeof(bound.storage) };
	char text[ADDRESS_TEXT_SIZE];

	if (getsockname(fd, (struct sockaddr *)&bound.storage, &bound.length) != 0 ||
	    bound.storage.ss_family == AF_UNIX || address_is_loopback(&bound))
		return http_inherit(a->http, fd, why, why_size);
	why[0] = '\0';
	text_add(why, why_size, "not an address of this machine alone: %s",
	         address_format(&bound, text));
	close(fd);
	return false;
}

uint16_t admin_port(const struct admin *a)
{
	return http_port(a->http);
}
