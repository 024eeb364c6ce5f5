/*
 * A server end of wire/ and clients made of plain OpenSSL, in one thread: rig_until() turns the
 * server's loop as run/ does (events, flush, reap) and lets every client move, until a condition
 * holds or five seconds have passed.
 */
#ifndef TOCSIN_TESTS_WIRE_RIG_H
#define TOCSIN_TESTS_WIRE_RIG_H

#include "tests/unit/pki.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "wire/links.h"
#include "wire/timer.h"

#define RIG_CLIENTS_MAX 64
#define RIG_PATIENCE_MS 5000

struct client {
	SSL_CTX *context;
	SSL *ssl; /* NULL: speaks without TLS */
	int fd;
	bool deaf; /* does not read */
	bool shaken, closed /* heard close_notify */, cut, failed;
	uint8_t *to_send;
	size_t to_send_length, sent;
	uint8_t *heard;
	size_t heard_length;
};

struct rig {
	struct pki *pki;
	struct pki_identity authority, server, sender;
	struct tls *tls;
	struct event_base *base;
	struct timers *timers;
	struct links *links;
	struct link_group group;
	struct client *clients[RIG_CLIENTS_MAX];
	unsigned clients_count;
	/* what the owner was told */
	struct link *last;
	struct tls_peer peer;
	bool has_peer;
	unsigned opened, ended, drained;
	enum link_end end;
	char detail[128];
	uint8_t *messages[4096];
	size_t lengths[4096];
	unsigned messages_count;
	unsigned pause_after; /* pauses all links after so many messages; 0: never */
	bool echo;
	bool answer_drained; /* says "more" when all went out */
};

static inline void rig_on_open(struct link *link, void *owner)
{
	struct rig *r = owner;
	r->last = link;
	r->opened++;
	r->has_peer = link_peer(link, &r->peer);
}

static inline void rig_on_message(struct link *link, void *owner, const uint8_t *bytes,
                                  size_t length)
{
	struct rig *r = owner;
	assert_true(r->messages_count < 4096);
	r->messages[r->messages_count] = malloc(length);
	memcpy(r->messages[r->messages_count], bytes, length);
	r->lengths[r->messages_count++] = length;
	if (r->echo)
		assert_true(link_send(link, bytes, length));
	if (r->pause_after > 0 && r->messages_count == r->pause_after)
		links_pause(r->links);
}

static inline void rig_on_drained(struct link *link, void *owner)
{
	struct rig *r = owner;
	r->drained++;
	if (r->answer_drained)
		assert_true(link_send(link, "more", 4));
}

static inline void rig_on_end(struct link *link, void *owner, enum link_end end)
{
	struct rig *r = owner;
	r->ended++;
	r->end = end;
	snprintf(r->detail, sizeof(r->detail), "%s", link_detail(link));
	if (r->last == link)
		r->last = NULL;
}

static inline struct tls *rig_load(struct rig *r, X509_CRL *list)
{
	char why[256], name[32];
	struct tls_files files = { 0 };
	struct tls *tls;
	unsigned n = r->pki->paths_count;

	snprintf(name, sizeof(name), "ca%u.pem", n);
	files.authority = pki_write_certificate(r->pki, &r->authority, name);
	snprintf(name, sizeof(name), "server%u.pem", n);
	files.certificate = pki_write_certificate(r->pki, &r->server, name);
	snprintf(name, sizeof(name), "server%u.key", n);
	files.key = pki_write_key(r->pki, &r->server, name);
	snprintf(name, sizeof(name), "crl%u.pem", n);
	files.revocations = list ? pki_write_list(r->pki, list, name) : NULL;
	tls = tls_load(&files, "essai", 2000, why, sizeof(why));
	if (!tls)
		fail_msg("%s", why);
	return tls;
}

static inline struct rig *rig_new(void)
{
	struct rig *r = calloc(1, sizeof(*r));

	r->pki = pki_new();
	r->authority = pki_authority(r->pki, "Autorite");
	r->server = pki_issue(r->pki, &r->authority, "tocsin", "serverAuth", -PKI_DAY, PKI_DAY);
	r->sender = pki_issue(r->pki, &r->authority, "bouton", "clientAuth", -PKI_DAY, PKI_DAY);
	r->tls = rig_load(r, NULL);
	r->base = event_base_new();
	r->timers = timers_new(r->base);
	r->links = links_new(r->base, r->timers);
	r->group = (struct link_group){
		.name = "essai",
		.tls = r->tls,
		.callbacks = {rig_on_open,       rig_on_message, rig_on_drained, rig_on_end},
		.settings = { .handshake_ms = 60000,
		              .frame_ms = 60000,
		              .idle_ms = 60000,
		              .write_ms = 60000,
		              .close_ms = 60000,
		              .message_bytes_max = 65536,
		              .out_bytes_max = 1 << 20 },
		.owner = r,
	};
	return r;
}

static inline void client_free(struct client *c)
{
	if (c->ssl) {
		SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(c->ssl);
	}
	SSL_CTX_free(c->context);
	if (c->fd >= 0)
		close(c->fd);
	free(c->to_send);
	free(c->heard);
	free(c);
}

static inline void rig_free(struct rig *r)
{
	for (unsigned i = 0; i < r->clients_count; i++)
		client_free(r->clients[i]);
	for (unsigned i = 0; i < r->messages_count; i++)
		free(r->messages[i]);
	links_free(r->links);
	assert_int_equal(r->group.count, 0);
	assert_int_equal(r->group.handshaking, 0);
	timers_free(r->timers);
	event_base_free(r->base);
	tls_unref(r->tls);
	pki_identity_free(&r->authority);
	pki_identity_free(&r->server);
	pki_identity_free(&r->sender);
	pki_free(r->pki);
	free(r);
}

/* One client over `fd`; `identity` NULL: shows no certificate; with `plain`, no TLS at all. */
static inline struct client *rig_client_on(struct rig *r, int fd,
                                           const struct pki_identity *identity, bool plain)
{
	struct client *c = calloc(1, sizeof(*c));

	assert_true(r->clients_count < RIG_CLIENTS_MAX);
	r->clients[r->clients_count++] = c;
	c->fd = fd;
	if (plain)
		return c;
	c->context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_verify(c->context, SSL_VERIFY_PEER, NULL);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(c->context), r->authority.certificate);
	SSL_CTX_set_mode(c->context,
	                 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	c->ssl = SSL_new(c->context);
	SSL_set_fd(c->ssl, fd);
	SSL_set_connect_state(c->ssl);
	if (identity) {
		SSL_use_certificate(c->ssl, identity->certificate);
		SSL_use_PrivateKey(c->ssl, identity->key);
	}
	return c;
}

/* A pair of connected sockets, the server's end in a link. */
static inline struct client *rig_client(struct rig *r, const struct pki_identity *identity,
                                        bool plain)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
	                 0);
	assert_non_null(link_new(r->links, &r->group, fds[0]));
	return rig_client_on(r, fds[1], identity, plain);
}

static inline void client_say(struct client *c, const void *bytes, size_t length)
{
	c->to_send = realloc(c->to_send, c->to_send_length + length);
	memcpy(c->to_send + c->to_send_length, bytes, length);
	c->to_send_length += length;
}

static inline void client_say_message(struct client *c, const void *bytes, size_t length)
{
	uint8_t header[4] = { (uint8_t)(length >> 24), (uint8_t)(length >> 16),
		              (uint8_t)(length >> 8), (uint8_t)length };
	client_say(c, header, 4);
	client_say(c, bytes, length);
}

static inline void client_hear(struct client *c, const uint8_t *bytes, size_t length)
{
	c->heard = realloc(c->heard, c->heard_length + length);
	memcpy(c->heard + c->heard_length, bytes, length);
	c->heard_length += length;
}

static inline void client_trouble(struct client *c, int n)
{
	switch (SSL_get_error(c->ssl, n)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE: break;
	case SSL_ERROR_ZERO_RETURN: c->closed = true; break;
	case SSL_ERROR_SYSCALL: c->cut = true; break;
	default:
		if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
			c->cut = true;
		else
			c->failed = true;
	}
	ERR_clear_error();
}

static inline void client_move_plain(struct client *c)
{
	uint8_t bytes[4096];
	ssize_t n;

	if (c->sent < c->to_send_length) {
		n = send(c->fd, c->to_send + c->sent, c->to_send_length - c->sent, MSG_NOSIGNAL);
		if (n > 0)
			c->sent += (size_t)n;
	}
	if (c->deaf)
		return;
	while ((n = recv(c->fd, bytes, sizeof(bytes), 0)) > 0)
		client_hear(c, bytes, (size_t)n);
	if (n == 0 || errno != EAGAIN)
		c->cut = true;
}

static inline void client_move(struct client *c)
{
	uint8_t bytes[16384];
	int n;

	if (c->fd < 0 || c->closed || c->cut || c->failed)
		return;
	ERR_clear_error();
	if (!c->ssl) {
		client_move_plain(c);
		return;
	}
	if (!c->shaken) {
		n = SSL_do_handshake(c->ssl);
		c->shaken = n == 1;
		if (n != 1) {
			client_trouble(c, n);
			return;
		}
	}
	while (c->sent < c->to_send_length) {
		n = SSL_write(c->ssl, c->to_send + c->sent, (int)(c->to_send_length - c->sent));
		if (n <= 0) {
			client_trouble(c, n);
			break;
		}
		c->sent += (size_t)n;
	}
	while (!c->deaf && !c->closed) {
		n = SSL_read(c->ssl, bytes, sizeof(bytes));
		if (n <= 0) {
			client_trouble(c, n);
			return;
		}
		client_hear(c, bytes, (size_t)n);
	}
}

static inline void rig_turn(struct rig *r)
{
	for (unsigned i = 0; i < r->clients_count; i++)
		client_move(r->clients[i]);
	event_base_loop(r->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	links_flush(r->links);
	links_reap(r->links);
}

/* A turn that waits, a millisecond at most, because the clients are not in the loop. */
static inline void rig_rest(struct rig *r)
{
	struct timeval at_most = { .tv_usec = 1000 };
	event_base_loopexit(r->base, &at_most);
	event_base_loop(r->base, EVLOOP_ONCE);
	links_flush(r->links);
	links_reap(r->links);
}

#define rig_until(r, condition)                                                                    \
	do {                                                                                       \
		struct mono deadline_ = mono_add_ms(clock_mono(), RIG_PATIENCE_MS);                \
		while (!(condition)) {                                                             \
			if (mono_is_due(deadline_, clock_mono()))                                  \
				fail_msg("%s:%d: waited in vain for %s", __FILE__, __LINE__,       \
				         #condition);                                              \
			rig_turn(r);                                                               \
			if (!(condition))                                                          \
				rig_rest(r);                                                       \
		}                                                                                  \
	} while (0)

#endif
