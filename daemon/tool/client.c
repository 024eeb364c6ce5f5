#include "tool/client.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "support/cursor.h"
#include "support/text.h"

#define CLIENT_HEADER 4

enum phase { PHASE_IDLE, PHASE_CONNECTING, PHASE_SHAKING, PHASE_READY };

struct client {
	enum phase phase;
	struct sockaddr_storage address;
	socklen_t address_length;
	char host[64];         /* numeric, without port */
	char server_name[256]; /* empty: the certificate must bear `host` */
	struct client_identity identity;
	SSL_CTX *context;
	SSL *tls;
	int fd;
	short events; /* what the link last waited for */
	uint8_t *in;  /* bytes of frames not yet given out */
	size_t in_count, in_room;
	size_t given; /* bytes at the front of `in` that the caller has seen */
	char why[CLIENT_WHY_SIZE];
};

static bool say(char *why, const char *what, const char *detail)
{
	why[0] = '\0';
	text_add(why, CLIENT_WHY_SIZE, "%s%s%s", what, detail[0] != '\0' ? ": " : "", detail);
	return false;
}

/* OpenSSL's newest word on it, or the system's. */
static const char *tls_reason(int saved_errno)
{
	unsigned long error = ERR_peek_last_error();
	const char *reason = error != 0 ? ERR_reason_error_string(error) : NULL;

	if (reason != NULL)
		return reason;
	return saved_errno != 0 ? strerror(saved_errno) : "closed by the server";
}

bool client_identity_named(struct client_identity *out, const char *folder, const char *name)
{
	memset(out, 0, sizeof *out);
	return name[0] != '\0' && strchr(name, '/') == NULL &&
	       text_add(out->certificate, sizeof out->certificate, "%s/%s.pem", folder, name) &&
	       text_add(out->key, sizeof out->key, "%s/%s.key", folder, name) &&
	       text_add(out->authority, sizeof out->authority, "%s/ca.pem", folder);
}

/* An encrypted key is an error to tell, never a question on somebody's terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *unused)
{
	(void)buffer, (void)size, (void)writing, (void)unused;
	return 0;
}

/* OpenSSL says "system lib" for a file that is not there. */
static bool is_readable(const char *path, char *why)
{
	return access(path, R_OK) == 0 ? true : say(why, path, strerror(errno));
}

static SSL_CTX *context_new(const struct client_identity *id, char *why)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (context == NULL) {
		say(why, "no TLS", tls_reason(errno));
		return NULL;
	}
	if (!is_readable(id->authority, why) || !is_readable(id->certificate, why) ||
	    !is_readable(id->key, why)) {
		SSL_CTX_free(context);
		return NULL;
	}
	ERR_clear_error();
	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	if (SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1)
		say(why, "no TLS 1.3", tls_reason(0));
	else if (SSL_CTX_load_verify_locations(context, id->authority, NULL) != 1)
		say(why, id->authority, tls_reason(0));
	else if (SSL_CTX_use_certificate_chain_file(context, id->certificate) != 1)
		say(why, id->certificate, tls_reason(0));
	else if (SSL_CTX_use_PrivateKey_file(context, id->key, SSL_FILETYPE_PEM) != 1)
		say(why, id->key, tls_reason(0));
	else if (SSL_CTX_check_private_key(context) != 1)
		say(why, id->key, "is not the key of the certificate");
	else
		return context;
	SSL_CTX_free(context);
	return NULL;
}

/* "127.0.0.1:7701", "[::1]:7701": numbers only, so that no name service is ever waited for. */
static bool address_parse(struct client *c, const char *address)
{
	char copy[128];
	if (!TEXT_COPY(copy, address))
		return false;
	char *colon = strrchr(copy, ':');
	if (colon == NULL || colon == copy)
		return false;
	*colon = '\0';
	char *host = copy;
	if (host[0] == '[') {
		size_t length = strlen(host);
		if (host[length - 1] != ']')
			return false;
		host[length - 1] = '\0';
		host++;
	}
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int64_t port;
	if (!text_to_int(colon + 1, 1, 65535, &port) || !TEXT_COPY(c->host, host) ||
	    getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return false;
	memcpy(&c->address, found->ai_addr, found->ai_addrlen);
	c->address_length = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

struct client *client_new(const char *address, const char *server_name,
			  const struct client_identity *identity, char why[static CLIENT_WHY_SIZE])
{
	struct client *c = calloc(1, sizeof *c);

	if (c == NULL) {
		say(why, "no memory", "");
		return NULL;
	}
	c->fd = -1;
	c->identity = *identity;
	if (!address_parse(c, address)) {
		say(why, address, "not a numeric address with a port, as 127.0.0.1:7701");
	} else if (server_name != NULL && !TEXT_COPY(c->server_name, server_name)) {
		say(why, "the server's name is too long", "");
	} else {
		c->context = context_new(identity, why);
		if (c->context != NULL)
			return c;
	}
	client_free(c);
	return NULL;
}

void client_free(struct client *c)
{
	if (c == NULL)
		return;
	client_disconnect(c);
	SSL_CTX_free(c->context);
	free(c->in);
	free(c);
}

void client_disconnect(struct client *c)
{
	if (c->tls != NULL) {
		ERR_clear_error();
		SSL_shutdown(c->tls); /* best effort: the socket does not block */
		SSL_free(c->tls);
		c->tls = NULL;
	}
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->in_count = c->given = 0;
	c->phase = PHASE_IDLE;
}

static enum client_status lose(struct client *c, const char *what, const char *detail)
{
	say(c->why, what, detail);
	if (c->tls != NULL)
		SSL_set_quiet_shutdown(c->tls, 1); /* after a failure there is nothing to say */
	client_disconnect(c);
	return CLIENT_LOST;
}

/* CLIENT_OK when `events` came; CLIENT_NOTHING at the deadline. */
static enum client_status wait_for(struct client *c, short events, struct mono deadline)
{
	c->events = events;
	for (;;) {
		struct pollfd ready = { .fd = c->fd, .events = events };
		struct mono now = clock_mono();
		bool is_due = deadline.ns <= now.ns;
		int64_t left_ms = is_due ? 0 : mono_ms_between(now, deadline) + 1;
		int n = poll(&ready, 1, left_ms > 60000 ? 60000 : (int)left_ms);
		if (n > 0)
			return CLIENT_OK;
		if (n < 0 && errno != EINTR)
			return lose(c, "poll", strerror(errno));
		if (is_due)
			return CLIENT_NOTHING;
	}
}

static enum client_status socket_start(struct client *c)
{
	c->fd = socket(c->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return lose(c, "socket", strerror(errno));
	int on = 1;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	c->phase = PHASE_CONNECTING;
	if (connect(c->fd, (struct sockaddr *)&c->address, c->address_length) != 0 &&
	    errno != EINPROGRESS)
		return lose(c, "connect", strerror(errno));
	return CLIENT_OK;
}

static enum client_status socket_wait(struct client *c, struct mono deadline)
{
	enum client_status status = wait_for(c, POLLOUT, deadline);
	int error = 0;
	socklen_t size = sizeof error;

	if (status != CLIENT_OK)
		return status;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		error = errno;
	return error == 0 ? CLIENT_OK : lose(c, "connect", strerror(error));
}

/* The certificate must bear the name we were given, or the address that we called. */
static bool set_expected_name(struct client *c)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(c->tls);

	if (c->server_name[0] == '\0')
		return X509_VERIFY_PARAM_set1_ip_asc(param, c->host) == 1;
	return X509_VERIFY_PARAM_set1_host(param, c->server_name, 0) == 1 &&
	       SSL_set_tlsext_host_name(c->tls, c->server_name) == 1;
}

/* What SSL_* wants next: CLIENT_OK to call it again, CLIENT_NOTHING when the deadline passed. */
static enum client_status tls_wait(struct client *c, const char *doing, int result,
				   struct mono deadline)
{
	int saved_errno = errno;

	switch (SSL_get_error(c->tls, result)) {
	case SSL_ERROR_WANT_READ: return wait_for(c, POLLIN, deadline);
	case SSL_ERROR_WANT_WRITE: return wait_for(c, POLLOUT, deadline);
	case SSL_ERROR_ZERO_RETURN: return lose(c, doing, "closed by the server");
	default: break;
	}
	long verify = SSL_get_verify_result(c->tls);
	if (verify != X509_V_OK)
		return lose(c, "the server's certificate", X509_verify_cert_error_string(verify));
	return lose(c, doing, tls_reason(saved_errno));
}

static enum client_status tls_start(struct client *c)
{
	char why[CLIENT_WHY_SIZE];
	SSL_CTX *fresh = context_new(&c->identity, why);

	if (fresh != NULL) { /* half-renewed files: the old ones serve until they are whole */
		SSL_CTX_free(c->context);
		c->context = fresh;
	}
	c->tls = SSL_new(c->context);
	if (c->tls == NULL || SSL_set_fd(c->tls, c->fd) != 1 || !set_expected_name(c))
		return lose(c, "TLS", tls_reason(0));
	c->phase = PHASE_SHAKING;
	return CLIENT_OK;
}

static enum client_status tls_shake(struct client *c, struct mono deadline)
{
	for (;;) {
		ERR_clear_error();
		errno = 0;
		int result = SSL_connect(c->tls);
		if (result == 1) {
			c->phase = PHASE_READY;
			c->events = POLLIN;
			return CLIENT_OK;
		}
		enum client_status status = tls_wait(c, "TLS handshake", result, deadline);
		if (status != CLIENT_OK)
			return status;
	}
}

enum client_status client_connect(struct client *c, struct mono deadline)
{
	enum client_status status = CLIENT_OK;

	if (c->phase == PHASE_READY)
		client_disconnect(c);
	if (c->phase == PHASE_IDLE)
		status = socket_start(c);
	if (status == CLIENT_OK && c->phase == PHASE_CONNECTING) {
		status = socket_wait(c, deadline);
		if (status == CLIENT_OK)
			status = tls_start(c);
	}
	return status == CLIENT_OK ? tls_shake(c, deadline) : status;
}

enum client_status client_send(struct client *c, const ProtobufCMessage *message,
			       struct mono deadline)
{
	size_t length = protobuf_c_message_get_packed_size(message);
	size_t sent = 0;

	if (c->phase != PHASE_READY)
		return CLIENT_LOST;
	if (length > CLIENT_FRAME_MAX)
		return lose(c, "send", "a message longer than a frame may be");
	uint8_t *frame = malloc(CLIENT_HEADER + length);
	if (frame == NULL)
		return lose(c, "send", "no memory");
	for (size_t i = 0; i < CLIENT_HEADER; i++)
		frame[i] = (uint8_t)(length >> (8 * (CLIENT_HEADER - 1 - i)));
	protobuf_c_message_pack(message, frame + CLIENT_HEADER);
	enum client_status status = CLIENT_OK;
	while (status == CLIENT_OK) {
		ERR_clear_error();
		errno = 0;
		int result = SSL_write_ex(c->tls, frame, CLIENT_HEADER + length, &sent);
		if (result == 1)
			break;
		status = tls_wait(c, "send", result, deadline);
	}
	free(frame);
	if (status == CLIENT_NOTHING)
		return lose(c, "send", "the server does not read");
	return status;
}

/* Room for one more read; the ceiling is a frame and what came with it. */
static bool make_room(struct client *c)
{
	if (c->in_room - c->in_count >= 4096)
		return true;
	size_t room = c->in_room == 0 ? 16384 : c->in_room * 2;
	if (room > 4 * CLIENT_FRAME_MAX)
		return false;
	uint8_t *larger = realloc(c->in, room);
	if (larger == NULL)
		return false;
	c->in = larger;
	c->in_room = room;
	return true;
}

/* A whole frame at the front: true. An impossible length leaves *too_long set. */
static bool frame_is_here(const struct client *c, size_t *length, bool *too_long)
{
	struct cursor cursor = cursor_over(c->in, c->in_count);
	uint32_t announced = cursor_u32_be(&cursor);

	*too_long = false;
	if (c->in_count < CLIENT_HEADER)
		return false;
	*too_long = announced > CLIENT_FRAME_MAX;
	*length = announced;
	return !*too_long && announced <= c->in_count - CLIENT_HEADER;
}

enum client_status client_receive(struct client *c, struct mono deadline, const uint8_t **bytes,
				  size_t *length)
{
	if (c->phase != PHASE_READY)
		return CLIENT_LOST;
	if (c->given > 0) {
		memmove(c->in, c->in + c->given, c->in_count - c->given);
		c->in_count -= c->given;
		c->given = 0;
	}
	for (;;) {
		bool too_long;
		if (frame_is_here(c, length, &too_long)) {
			*bytes = c->in + CLIENT_HEADER;
			c->given = CLIENT_HEADER + *length;
			return CLIENT_OK;
		}
		if (too_long)
			return lose(c, "receive", "a frame longer than any message");
		if (!make_room(c))
			return lose(c, "receive", "no memory");
		size_t got = 0;
		ERR_clear_error();
		errno = 0;
		int result =
			SSL_read_ex(c->tls, c->in + c->in_count, c->in_room - c->in_count, &got);
		c->in_count += got;
		if (result == 1)
			continue;
		enum client_status status = tls_wait(c, "receive", result, deadline);
		if (status != CLIENT_OK)
			return status;
	}
}

int client_fd(const struct client *c)
{
	return c->fd;
}

short client_events(const struct client *c)
{
	return c->events;
}

const char *client_why(const struct client *c)
{
	return c->why;
}
