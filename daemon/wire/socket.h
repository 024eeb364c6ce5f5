/*
 * Listening sockets: bound here to an address in figures, or inherited from the supervisor. Both
 * come out non-blocking and closed on exec. What is accepted from them is others' business.
 */
#ifndef TOCSIN_WIRE_SOCKET_H
#define TOCSIN_WIRE_SOCKET_H

#include <stddef.h>
#include <stdint.h>

/* A listening TCP socket at "HOST:PORT". -1, with a sentence in `why`. */
int socket_listen(const char *address, int backlog, char *why, size_t why_size);

/* Takes a descriptor that is said to listen; `name` says whose it is. Returns it; -1, with a
 * sentence in `why`, and it is closed. */
int socket_adopt(int fd, const char *name, char *why, size_t why_size);

uint16_t socket_port(int fd); /* 0: not of TCP */

#endif
