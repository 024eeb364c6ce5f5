/*
 * What a listener needs for TLS: its certificate and key, the authorities it trusts, what they
 * revoked. Loaded whole or not at all; a reload builds a new one, and live links keep theirs. Not
 * thread-safe.
 *
 * TLS 1.3 only, client certificates required, no 0-RTT. One stateful ticket for each handshake: a
 * resumption costs a quarter of a handshake and leaves the keys in this process.
 *
 * Time does not close the door: a certificate of a trusted authority that has expired, or is not
 * valid yet, passes the handshake and is told by tls_peer_read; whoever owns the link decides. A
 * registered button with a stale certificate must be heard (and a node whose clock is wrong must
 * not turn all of them away). All else that OpenSSL finds wrong is refused in the handshake.
 */
#ifndef TOCSIN_WIRE_TLS_H
#define TOCSIN_WIRE_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

#include "support/clock.h"

#define TLS_NAME_SIZE   512 /* an RFC 2253 name; a longer one is no usable identity */
#define TLS_SERIAL_SIZE 64  /* hexadecimal; RFC 5280, 4.1.2.2: at most 20 octets */

struct tls_files {
	const char *certificate; /* PEM: our own and, after it, what leads to the authority */
	const char *key;         /* PEM, not encrypted */
	const char *authority;   /* PEM: one or more */
	const char *revocations; /* PEM: CRLs of these authorities; NULL or "": none */
};

/* What the peer showed in the handshake. `doubts` says what is wrong with the time. */
enum tls_doubt {
	TLS_DOUBT_EXPIRED = 1 << 0,
	TLS_DOUBT_EARLY = 1 << 1,     /* not valid yet */
	TLS_DOUBT_AUTHORITY = 1 << 2, /* an authority above it is out of its time */
};

struct tls_peer {
	char issuer[TLS_NAME_SIZE];  /* RFC 2253 */
	char subject[TLS_NAME_SIZE]; /* RFC 2253 */
	char serial[TLS_SERIAL_SIZE];
	struct wall not_before, not_after;
	unsigned doubts; /* enum tls_doubt */
	bool resumed;
};

/* One certificate or list whose end people must know of in time. */
enum tls_item_kind { TLS_ITEM_OWN, TLS_ITEM_AUTHORITY, TLS_ITEM_REVOCATIONS };

struct tls_item {
	enum tls_item_kind kind;
	char name[TLS_NAME_SIZE];
	struct wall not_after; /* of a list: when the next one is due; not set: it does not say */
};

struct tls;

/* `scope` names the listener: a session of one is never resumed at another. At most `sessions_max`
 * sessions are remembered. NULL, with a sentence in `why`: a file cannot be read or does not fit
 * the others. */
struct tls *tls_load(const struct tls_files *files, const char *scope, unsigned sessions_max,
                     char *why, size_t why_size);
struct tls *tls_ref(struct tls *t);
void tls_unref(struct tls *t); /* NULL is fine */

/* The server's end of a connection on `fd`, which stays the caller's. NULL: no memory. */
SSL *tls_session_new(struct tls *t, int fd);

/* After a handshake, resumed or not. False: no certificate or a name too long to be compared. */
bool tls_peer_read(SSL *ssl, struct wall now, struct tls_peer *out);

/* Whether the peer's certificate, or one that it was verified through, is on a list of `t`. */
bool tls_is_revoked(const struct tls *t, SSL *ssl);

/* for (size_t i = 0; tls_next_item(t, &i, &item);) ... */
bool tls_next_item(const struct tls *t, size_t *index, struct tls_item *out);
const char *tls_item_kind_name(enum tls_item_kind kind); /* "own", "authority", "revocations" */

#endif
