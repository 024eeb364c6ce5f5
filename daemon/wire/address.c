#include "wire/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "support/text.h"

static bool host_parse(const char *host, bool bracketed, uint16_t port, struct address *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&out->storage;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->storage;

	if (bracketed) {
		if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1)
			return false;
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		out->length = sizeof(*in6);
		return true;
	}
	if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
		return false;
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	out->length = sizeof(*in);
	return true;
}

bool address_parse(const char *text, struct address *out)
{
	struct address parsed = { 0 };
	bool bracketed = text[0] == '[';
	const char *colon = strrchr(text, ':');
	char host[ADDRESS_TEXT_SIZE];
	size_t length;
	int64_t port;

	if (!colon || !text_to_int(colon + 1, 0, UINT16_MAX, &port))
		return false;
	length = (size_t)(colon - text);
	if (length == 0 || length >= sizeof(host))
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	if (bracketed) {
		if (length < 2 || host[length - 1] != ']')
			return false;
		host[length - 1] = '\0';
	}
	if (!host_parse(host + bracketed, bracketed, (uint16_t)port, &parsed))
		return false;
	*out = parsed;
	return true;
}

const char *address_format(const struct address *a, char out[static ADDRESS_TEXT_SIZE])
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&a->storage;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a->storage;
	char host[INET6_ADDRSTRLEN];

	out[0] = '\0';
	if (a->storage.ss_family == AF_INET &&
	    inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host)))
		text_add(out, ADDRESS_TEXT_SIZE, "%s:%u", host, ntohs(in->sin_port));
	else if (a->storage.ss_family == AF_INET6 &&
	         inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host)))
		text_add(out, ADDRESS_TEXT_SIZE, "[%s]:%u", host, ntohs(in6->sin6_port));
	else
		text_add(out, ADDRESS_TEXT_SIZE, "local");
	return out;
}

uint16_t address_port(const struct address *a)
{
	if (a->storage.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)&a->storage)->sin_port);
	if (a->storage.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)&a->storage)->sin6_port);
	return 0;
}

bool address_is_loopback(const struct address *a)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&a->storage;
	const struct in6_addr *six = &((const struct sockaddr_in6 *)&a->storage)->sin6_addr;

	if (a->storage.ss_family == AF_INET)
		return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (a->storage.ss_family != AF_INET6)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(six))
		return six->s6_addr[12] == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(six);
}
