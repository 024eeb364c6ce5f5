/*
 * A PostgreSQL of a few lines: speaks the wire protocol (PostgreSQL 15, chapter 55) on a loopback
 * port, on a thread of its own, one client after the other, and answers each statement as the
 * test's function says, or not at all. For what a real server does only once in a blue moon.
 */
#ifndef TOCSIN_TESTS_PG_RIG_H
#define TOCSIN_TESTS_PG_RIG_H

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keep/row.h"

#define PG_RIG_BYTES (1 << 20)

struct pg_rig {
	int listener, stop[2];
	atomic_int fd; /* of the client; -1: none */
	atomic_int statements, clients;
	unsigned port;
	pthread_t thread;
	/* Answers one statement with the functions below; one that is not answered hangs. */
	void (*answer)(struct pg_rig *rig, const char *sql);
	void *context;
	char param[64]; /* the statement's first parameter */
	size_t used;    /* of what is to be sent */
	uint8_t out[PG_RIG_BYTES];
};

/* ---- messages of the server ---- */

static inline void pg_rig_flush(struct pg_rig *rig)
{
	for (size_t sent = 0; sent < rig->used;) {
		ssize_t n = send(rig->fd, rig->out + sent, rig->used - sent, MSG_NOSIGNAL);
		if (n <= 0)
			break; /* the client left: its business */
		sent += (size_t)n;
	}
	rig->used = 0;
}

static inline void pg_rig_bytes(struct pg_rig *rig, const void *bytes, size_t length)
{
	if (length > sizeof rig->out - rig->used)
		pg_rig_flush(rig);
	memcpy(rig->out + rig->used, bytes, length);
	rig->used += length;
}

static inline void pg_rig_message(struct pg_rig *rig, char type, const void *bytes, size_t length)
{
	uint32_t big = htobe32((uint32_t)length + 4);

	pg_rig_bytes(rig, &type, 1);
	pg_rig_bytes(rig, &big, sizeof big);
	pg_rig_bytes(rig, bytes, length);
}

static inline void pg_rig_done(struct pg_rig *rig, const char *tag)
{
	pg_rig_message(rig, 'C', tag, strlen(tag) + 1);
	pg_rig_message(rig, 'Z', "I", 1);
	pg_rig_flush(rig);
}

static inline void pg_rig_parsed(struct pg_rig *rig)
{
	pg_rig_message(rig, '1', "", 0);
	pg_rig_message(rig, '2', "", 0);
}

/* Any statement without rows. */
static inline void pg_rig_command(struct pg_rig *rig)
{
	pg_rig_parsed(rig);
	pg_rig_message(rig, 'n', "", 0);
	pg_rig_done(rig, "SET");
}

/* One row of texts; NULL is null. */
static inline void pg_rig_values(struct pg_rig *rig, uint16_t count, const char *const *values)
{
	uint8_t bytes[4096];
	uint16_t big = htobe16(count);
	size_t used = 2;

	pg_rig_parsed(rig);
	memcpy(bytes, &big, 2);
	for (uint16_t i = 0; i < count; i++) {
		static const uint8_t column[] = {
			'x', 0,  0,    0,    0,    0,    0,    0,    0, 0,
			0,   25, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0
		};
		memcpy(bytes + used, column, sizeof column);
		used += sizeof column;
	}
	pg_rig_message(rig, 'T', bytes, used);
	used = 2;
	for (uint16_t i = 0; i < count; i++) {
		uint32_t length = values[i] ? (uint32_t)strlen(values[i]) : UINT32_MAX;
		uint32_t network = htobe32(length);
		memcpy(bytes + used, &network, 4);
		used += 4;
		if (!values[i])
			continue;
		memcpy(bytes + used, values[i], length);
		used += length;
	}
	pg_rig_message(rig, 'D', bytes, used);
	pg_rig_done(rig, "SELECT 1");
}

static inline void pg_rig_copy_begin(struct pg_rig *rig)
{
	pg_rig_parsed(rig);
	pg_rig_message(rig, 'n', "", 0);
	pg_rig_message(rig, 'H', "\1\0\0", 3);
	pg_rig_message(rig, 'd', "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0", 19);
}

static inline void pg_rig_copy_row(struct pg_rig *rig, const void *bytes, size_t length)
{
	pg_rig_message(rig, 'd', bytes, length);
}

static inline void pg_rig_copy_end(struct pg_rig *rig)
{
	pg_rig_message(rig, 'd', "\377\377", 2);
	pg_rig_message(rig, 'c', "", 0);
	pg_rig_done(rig, "COPY 1");
}

static inline void pg_rig_error(struct pg_rig *rig, const char *text)
{
	char fields[512];
	int length = snprintf(fields, sizeof fields, "SERROR%cC42501%cM%s%c", 0, 0, text, 0);

	pg_rig_message(rig, 'E', fields, (size_t)length + 1);
	pg_rig_message(rig, 'Z', "I", 1);
	pg_rig_flush(rig);
}

/* From the test's thread, while the client has nothing asked. */
static inline void pg_rig_notify(struct pg_rig *rig, const char *channel)
{
	uint8_t bytes[128] = { 'A', 0, 0, 0, 0, 0, 0, 0, 1 };
	size_t length = 9 + strlen(channel) + 1 + 1;

	bytes[4] = (uint8_t)(length - 1);
	memcpy(bytes + 9, channel, strlen(channel));
	assert_int_equal(send(rig->fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

/* ---- the server ---- */

/* False: the client left, or the test ends. */
static inline bool pg_rig_read(struct pg_rig *rig, void *bytes, size_t length)
{
	for (size_t got = 0; got < length;) {
		struct pollfd fds[] = { { .fd = rig->stop[0], .events = POLLIN },
			                { .fd = rig->fd, .events = POLLIN } };
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return false;
		if (fds[0].revents)
			return false;
		ssize_t n = recv(rig->fd, (uint8_t *)bytes + got, length - got, 0);
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

static inline bool pg_rig_hello(struct pg_rig *rig)
{
	uint32_t length;
	uint8_t bytes[4096];

	if (!pg_rig_read(rig, &length, 4) || be32toh(length) > sizeof bytes ||
	    !pg_rig_read(rig, bytes, be32toh(length) - 4))
		return false;
	pg_rig_message(rig, 'R', "\0\0\0\0", 4);
	pg_rig_message(rig, 'S', "client_encoding\0UTF8", 21);
	pg_rig_message(rig, 'S', "server_version\00015.0", 20);
	pg_rig_message(rig, 'Z', "I", 1);
	pg_rig_flush(rig);
	return true;
}

/* Of a Bind message: two names, the formats, the values. */
static inline void pg_rig_bind(struct pg_rig *rig, const char *bytes)
{
	uint16_t formats, params;
	uint32_t length;

	bytes += strlen(bytes) + 1;
	bytes += strlen(bytes) + 1;
	memcpy(&formats, bytes, 2);
	bytes += 2 + 2 * be16toh(formats);
	memcpy(&params, bytes, 2);
	memcpy(&length, bytes + 2, 4);
	length = be16toh(params) ? be32toh(length) : 0;
	assert_true(length < sizeof rig->param);
	memcpy(rig->param, bytes + 6, length);
	rig->param[length] = '\0';
}

static inline void pg_rig_serve(struct pg_rig *rig)
{
	char sql[8192] = "", bytes[8192], type;
	uint32_t length;

	while (pg_rig_read(rig, &type, 1) && pg_rig_read(rig, &length, 4)) {
		length = be32toh(length) - 4;
		assert_true(length < sizeof bytes);
		if (!pg_rig_read(rig, bytes, length))
			return;
		bytes[length] = '\0';
		if (type == 'X')
			return;
		if (type == 'P')
			snprintf(sql, sizeof sql, "%s", bytes + strlen(bytes) + 1);
		if (type == 'B')
			pg_rig_bind(rig, bytes);
		if (type != 'S')
			continue;
		rig->statements++;
		rig->answer(rig, sql);
	}
}

static inline void *pg_rig_main(void *arg)
{
	struct pg_rig *rig = arg;

	for (;;) {
		struct pollfd fds[] = { { .fd = rig->stop[0], .events = POLLIN },
			                { .fd = rig->listener, .events = POLLIN } };
		poll(fds, 2, -1);
		if (fds[0].revents)
			return NULL;
		rig->fd = accept(rig->listener, NULL, NULL);
		if (rig->fd < 0)
			continue;
		rig->clients++;
		rig->used = 0;
		if (pg_rig_hello(rig))
			pg_rig_serve(rig);
		int fd = rig->fd;
		rig->fd = -1;
		close(fd);
	}
}

/* A socket that accepts at the kernel's level and never says a word is one without pg_rig_start. */
static inline void pg_rig_listen(struct pg_rig *rig)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof address;

	rig->fd = -1;
	rig->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(rig->listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(rig->listener, 8), 0);
	assert_int_equal(getsockname(rig->listener, (struct sockaddr *)&address, &length), 0);
	rig->port = ntohs(address.sin_port);
}

static inline void pg_rig_start(struct pg_rig *rig)
{
	assert_int_equal(pipe(rig->stop), 0);
	assert_int_equal(pthread_create(&rig->thread, NULL, pg_rig_main, rig), 0);
}

static inline void pg_rig_stop(struct pg_rig *rig)
{
	assert_int_equal(write(rig->stop[1], "x", 1), 1);
	pthread_join(rig->thread, NULL);
	close(rig->stop[0]);
	close(rig->stop[1]);
	close(rig->listener);
}

static inline const char *pg_rig_conninfo(const struct pg_rig *rig, char out[static 128])
{
	snprintf(out, 128, "hostaddr=127.0.0.1 port=%u dbname=tocsin user=tocsin sslmode=disable",
	         rig->port);
	return out;
}

#endif
