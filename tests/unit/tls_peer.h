/*
 * The other end of a client under test: certificates in a folder of their own, and a TLS server in
 * a thread that serves one connection. Included by the tests of tool/client, alert and
 * console_link.
 */
#ifndef TOCSIN_TESTS_TLS_PEER_H
#define TOCSIN_TESTS_TLS_PEER_H

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ssl.h>
#include <protobuf-c/protobuf-c.h>

#include "tests/unit/pki.h"
#include "tool/client.h"

static struct pki *pki;
static const char *folder; /* of the identities */

static inline void path_of(char out[CLIENT_PATH_SIZE], const char *name, const char *ending)
{
	snprintf(out, CLIENT_PATH_SIZE, "%s/%s.%s", folder, name, ending);
}

static inline void peer_identity(const struct pki_identity *issuer, const char *name,
				 const char *use)
{
	struct pki_identity leaf = pki_issue(pki, issuer, name, use, -PKI_DAY, PKI_DAY);
	char file[64];

	snprintf(file, sizeof file, "%s.pem", name);
	pki_write_certificate(pki, &leaf, file);
	snprintf(file, sizeof file, "%s.key", name);
	pki_write_key(pki, &leaf, file);
	pki_identity_free(&leaf);
}

/* ca.pem and what it signed: server and bracelet; stranger.pem is another authority. */
static inline int make_folder(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	pki = pki_new();
	folder = pki->folder;
	struct pki_identity ca = pki_authority(pki, "ca"), other = pki_authority(pki, "stranger");
	pki_write_certificate(pki, &ca, "ca.pem");
	pki_write_certificate(pki, &other, "stranger.pem");
	peer_identity(&ca, "server", "serverAuth");
	peer_identity(&ca, "bracelet", "clientAuth");
	pki_identity_free(&ca);
	pki_identity_free(&other);
	return 0;
}

static inline int remove_folder(void **state)
{
	(void)state;
	pki_free(pki);
	return 0;
}

struct peer {
	void (*serve)(SSL *tls, struct peer *p); /* NULL: says no word of TLS */
	void *context;
	int version_max;      /* 0: TLS 1.3 */
	unsigned connections; /* that it serves, one after the other; 0: one */
	unsigned loopback; /* listens at 127.0.0.n; 0: at 127.0.0.1, which the certificates bear */
	int listener;
	char address[32];
	const char *certificate;
	pthread_t thread;
	int release[2]; /* closed by peer_stop: what waits on it ends */
};

/* Until the test is done with it. */
static inline void peer_wait(struct peer *p)
{
	char byte;

	while (read(p->release[0], &byte, 1) > 0)
		;
}

static inline void peer_serve_one(struct peer *p, int fd)
{
	char path[CLIENT_PATH_SIZE];

	if (p->serve == NULL) {
		peer_wait(p);
		return;
	}
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_max_proto_version(context, p->version_max);
	path_of(path, p->certificate, "pem");
	SSL_CTX_use_certificate_file(context, path, SSL_FILETYPE_PEM);
	path_of(path, p->certificate, "key");
	SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM);
	path_of(path, "ca", "pem");
	SSL_CTX_load_verify_locations(context, path, NULL);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL *tls = SSL_new(context);
	SSL_set_fd(tls, fd);
	if (SSL_accept(tls) == 1)
		p->serve(tls, p);
	SSL_free(tls);
	SSL_CTX_free(context);
}

static inline void *peer_main(void *argument)
{
	struct peer *p = argument;

	for (unsigned i = 0; i == 0 || i < p->connections; i++) {
		int fd = accept(p->listener, NULL, NULL);
		if (fd < 0)
			break;
		peer_serve_one(p, fd);
		close(fd);
	}
	return NULL;
}

/* Listens; connections wait until peer_serve. A test that forks does so between the two, while
 * there is one thread. */
static inline void peer_listen(struct peer *p, const char *certificate)
{
	unsigned n = p->loopback != 0 ? p->loopback : 1;
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(127u << 24 | n) };
	socklen_t length = sizeof address;

	p->certificate = certificate;
	if (p->version_max == 0)
		p->version_max = TLS1_3_VERSION;
	p->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(p->listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(p->listener, 1), 0);
	assert_int_equal(getsockname(p->listener, (struct sockaddr *)&address, &length), 0);
	snprintf(p->address, sizeof p->address, "127.0.0.%u:%u", n, ntohs(address.sin_port));
	assert_int_equal(pipe(p->release), 0);
}

static inline void peer_serve(struct peer *p)
{
	assert_int_equal(pthread_create(&p->thread, NULL, peer_main, p), 0);
}

static inline void peer_start(struct peer *p, const char *certificate)
{
	peer_listen(p, certificate);
	peer_serve(p);
}

static inline void peer_stop(struct peer *p)
{
	close(p->release[1]);
	shutdown(p->listener, SHUT_RDWR); /* ends an accept that nobody answered */
	pthread_join(p->thread, NULL);
	close(p->release[0]);
	close(p->listener);
}

/* A frame's message; its length, or -1 when the other side is gone. */
static inline long peer_receive(SSL *tls, uint8_t *out, size_t size)
{
	uint8_t header[4];
	size_t got, length;

	for (size_t have = 0; have < sizeof header; have += got)
		if (SSL_read_ex(tls, header + have, sizeof header - have, &got) != 1)
			return -1;
	length = (size_t)header[0] << 24 | (size_t)header[1] << 16 | (size_t)header[2] << 8 |
		 header[3];
	if (length > size)
		return -1;
	for (size_t have = 0; have < length; have += got)
		if (SSL_read_ex(tls, out + have, length - have, &got) != 1)
			return -1;
	return (long)length;
}

static inline bool peer_send(SSL *tls, const ProtobufCMessage *message)
{
	size_t length = protobuf_c_message_get_packed_size(message), sent;
	uint8_t frame[65536] = { 0, 0, (uint8_t)(length >> 8), (uint8_t)length };

	return length <= sizeof frame - 4 &&
	       protobuf_c_message_pack(message, frame + 4) == length &&
	       SSL_write_ex(tls, frame, 4 + length, &sent) == 1;
}

#endif
