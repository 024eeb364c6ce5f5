/*
 * Numeric addresses: "127.0.0.1:7701", "[::1]:7701". Names are never looked up: a look-up blocks,
 * and a service that people depend on does not ask who it is.
 */
#ifndef TOCSIN_WIRE_ADDRESS_H
#define TOCSIN_WIRE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT_SIZE 56 /* "[ffff:...:255.255.255.255]:65535" and room */

struct address {
	struct sockaddr_storage storage;
	socklen_t length;
};

bool address_parse(const char *text, struct address *out); /* false: not HOST:PORT in figures */
/* Returns `out`; "local" for a socket that is neither IPv4 nor IPv6. */
const char *address_format(const struct address *a, char out[static ADDRESS_TEXT_SIZE]);
uint16_t address_port(const struct address *a);
bool address_is_loopback(
        const struct address *a); /* 127.0.0.0/8, ::1, and the former inside IPv6 */

#endif
