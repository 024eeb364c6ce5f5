#include "wire/tls.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "support/bug.h"
#include "support/text.h"

#define TLS_VERIFY_DEPTH         4
#define TLS_SESSION_SECONDS      (24 * 3600L)
#define TLS_REVOCATION_LISTS_MAX 64

struct tls {
	unsigned references;
	SSL_CTX *context;
	STACK_OF(X509) * authorities;
	STACK_OF(X509_CRL) * revocations;
};

/* Puts the sentence "what: file: what OpenSSL says" together; false, for the caller to return. */
static bool refuse(char *why, size_t size, const char *what, const char *file)
{
	unsigned long error = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(error);

	why[0] = '\0';
	text_add(why, size, "%s %s", what, file);
	if (ERR_SYSTEM_ERROR(error))
		text_add(why, size, ": %s", strerror(ERR_GET_REASON(error)));
	else if (reason)
		text_add(why, size, ": %s", reason);
	ERR_clear_error();
	return false;
}

/* An encrypted key must not make the daemon ask on a terminal. */
static int no_password(char *buffer, int size, int for_writing, void *arg)
{
	(void)buffer, (void)size, (void)for_writing, (void)arg;
	return -1;
}

static bool is_time_error(long error)
{
	return error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID;
}

static int tls_on_verify(int ok, X509_STORE_CTX *store)
{
	/* The error stays as the session's verify result, also for those that resume it. */
	return ok || is_time_error(X509_STORE_CTX_get_error(store));
}

static struct wall wall_of(const ASN1_TIME *at)
{
	struct tm tm;

	if (!at || ASN1_TIME_to_tm(at, &tm) != 1)
		return (struct wall){ 0 };
	return (struct wall){ (int64_t)timegm(&tm) * CLOCK_S_US };
}

/* False when it does not fit: a cut name must never be taken for an identity. */
static bool name_write(const X509_NAME *name, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool written = false;
	char *text;
	long length;

	out[0] = '\0';
	if (!bio)
		return false;
	if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
		length = BIO_get_mem_data(bio, &text);
		if (length >= 0 && (size_t)length < size) {
			memcpy(out, text, (size_t)length);
			out[length] = '\0';
			written = true;
		}
	}
	BIO_free(bio);
	return written;
}

static bool serial_write(const X509 *certificate, char *out, size_t size)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
	char *text = number ? BN_bn2hex(number) : NULL;
	bool written = text && text_copy(out, size, text);

	OPENSSL_free(text);
	BN_free(number);
	return written;
}

static SSL_CTX *context_new(const char *scope, unsigned sessions_max)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());

	if (!c)
		return NULL;
	SSL_CTX_set_default_passwd_cb(c, no_password);
	SSL_CTX_set_verify_depth(c, TLS_VERIFY_DEPTH);
	/* The out-queue of a link is one growing buffer: it may move between two tries. */
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, tls_on_verify);
	/* OpenSSL takes a cut line for an attack and forgets the session; but it is what mobile
	 * lines do, and frames tell whether a message is whole. wire/link still tells a cut from a
	 * goodbye. */
	SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
	                               SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_SERVER);
	SSL_CTX_sess_set_cache_size(c, sessions_max > 0 ? (long)sessions_max : 1);
	SSL_CTX_set_timeout(c, TLS_SESSION_SECONDS);
	if (SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_num_tickets(c, 1) != 1 ||
	    SSL_CTX_set_session_id_context(c, (const unsigned char *)scope,
	                                   (unsigned)strnlen(scope, SSL_MAX_SID_CTX_LENGTH)) != 1) {
		SSL_CTX_free(c);
		return NULL;
	}
	return c;
}

/* Every certificate of the file, and not merely those before the first that cannot be read. */
static STACK_OF(X509) * certificates_read(const char *file)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	BIO *bio = BIO_new_file(file, "r");
	X509 *one;

	while (bio && all && (one = PEM_read_bio_X509(bio, NULL, no_password, NULL)))
		if (sk_X509_push(all, one) <= 0) {
			X509_free(one);
			break;
		}
	BIO_free(bio);
	if (all && sk_X509_num(all) > 0 &&
	    ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
		ERR_clear_error();
		return all;
	}
	sk_X509_pop_free(all, X509_free);
	return NULL;
}

static bool authorities_load(struct tls *t, const char *file, char *why, size_t why_size)
{
	X509_STORE *store = SSL_CTX_get_cert_store(t->context);

	t->authorities = certificates_read(file);
	if (!t->authorities)
		return refuse(why, why_size, "cannot read the authorities in", file);
	for (int i = 0; i < sk_X509_num(t->authorities); i++) {
		X509 *authority = sk_X509_value(t->authorities, i);
		if (X509_check_ca(authority) == 0)
			return refuse(why, why_size, "not an authority's certificate in", file);
		if (X509_STORE_add_cert(store, authority) != 1)
			return refuse(why, why_size, "cannot trust an authority in", file);
		if (SSL_CTX_add_client_CA(t->context, authority) != 1)
			return refuse(why, why_size, "cannot name an authority in", file);
	}
	return true;
}

static X509 *authority_of(const struct tls *t, const X509_CRL *list)
{
	for (int i = 0; i < sk_X509_num(t->authorities); i++) {
		X509 *authority = sk_X509_value(t->authorities, i);
		if (X509_NAME_cmp(X509_get_subject_name(authority), X509_CRL_get_issuer(list)) ==
		            0 &&
		    X509_CRL_verify((X509_CRL *)list, X509_get0_pubkey(authority)) == 1)
			return authority;
	}
	return NULL;
}

/* RFC 5280, 5.2: a list with a critical extension that is not understood must not be used to tell
 * the state of a certificate; partial, indirect and delta lists carry one. */
static bool has_critical_extension(const X509_CRL *list)
{
	for (int i = 0; i < X509_CRL_get_ext_count(list); i++)
		if (X509_EXTENSION_get_critical(X509_CRL_get_ext(list, i)))
			return true;
	return false;
}

static const char *list_fault(const struct tls *t, const X509_CRL *list)
{
	if (has_critical_extension(list))
		return "a revocation list that is not whole (partial, indirect or delta) in";
	if (!authority_of(t, list))
		return "a revocation list that none of the authorities signed in";
	return NULL;
}

static bool revocations_load(struct tls *t, const char *file, char *why, size_t why_size)
{
	BIO *bio = BIO_new_file(file, "r");
	const char *fault = NULL;
	X509_CRL *list;

	t->revocations = sk_X509_CRL_new_null();
	if (!bio || !t->revocations) {
		BIO_free(bio);
		return refuse(why, why_size, "cannot read the revocation lists in", file);
	}
	while (!fault && (list = PEM_read_bio_X509_CRL(bio, NULL, no_password, NULL))) {
		fault = list_fault(t, list);
		if (!fault && sk_X509_CRL_num(t->revocations) >= TLS_REVOCATION_LISTS_MAX)
			fault = "too many revocation lists in";
		if (fault || sk_X509_CRL_push(t->revocations, list) <= 0)
			X509_CRL_free(list);
	}
	BIO_free(bio);
	if (!fault && (sk_X509_CRL_num(t->revocations) == 0 ||
	               ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE))
		fault = "cannot read the revocation lists in";
	if (fault)
		return refuse(why, why_size, fault, file);
	ERR_clear_error();
	return true;
}

static bool own_load(struct tls *t, const struct tls_files *files, char *why, size_t why_size)
{
	if (SSL_CTX_use_certificate_chain_file(t->context, files->certificate) != 1)
		return refuse(why, why_size, "cannot use the certificate in", files->certificate);
	if (SSL_CTX_use_PrivateKey_file(t->context, files->key, SSL_FILETYPE_PEM) != 1)
		return refuse(why, why_size, "cannot use the key in", files->key);
	if (SSL_CTX_check_private_key(t->context) != 1)
		return refuse(why, why_size, "not the certificate's key in", files->key);
	return true;
}

struct tls *tls_load(const struct tls_files *files, const char *scope, unsigned sessions_max,
                     char *why, size_t why_size)
{
	struct tls *t = calloc(1, sizeof(*t));

	ERR_clear_error();
	if (why_size > 0)
		why[0] = '\0';
	if (!t)
		return NULL;
	t->references = 1;
	t->context = context_new(scope, sessions_max);
	if (!t->context) {
		refuse(why, why_size, "cannot set up TLS for", scope);
		goto fail;
	}
	if (!own_load(t, files, why, why_size) ||
	    !authorities_load(t, files->authority, why, why_size))
		goto fail;
	if (files->revocations && files->revocations[0] &&
	    !revocations_load(t, files->revocations, why, why_size))
		goto fail;
	return t;
fail:
	tls_unref(t);
	return NULL;
}

struct tls *tls_ref(struct tls *t)
{
	t->references++;
	return t;
}

void tls_unref(struct tls *t)
{
	if (!t || --t->references > 0)
		return;
	sk_X509_pop_free(t->authorities, X509_free);
	sk_X509_CRL_pop_free(t->revocations, X509_CRL_free);
	SSL_CTX_free(t->context);
	free(t);
}

SSL *tls_session_new(struct tls *t, int fd)
{
	SSL *ssl = SSL_new(t->context);

	if (!ssl)
		return NULL;
	SSL_set_accept_state(ssl);
	if (SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		ERR_clear_error();
		return NULL;
	}
	return ssl;
}

/* By our clock at this moment, because a resumed session passes no verification. */
static unsigned doubts_at(SSL *ssl, const struct tls_peer *peer, struct wall now)
{
	unsigned doubts = 0;

	if (now.us > peer->not_after.us)
		doubts |= TLS_DOUBT_EXPIRED;
	if (now.us < peer->not_before.us)
		doubts |= TLS_DOUBT_EARLY;
	if (doubts == 0 && is_time_error(SSL_get_verify_result(ssl)))
		doubts |= TLS_DOUBT_AUTHORITY;
	return doubts;
}

bool tls_peer_read(SSL *ssl, struct wall now, struct tls_peer *out)
{
	X509 *certificate = SSL_get0_peer_certificate(ssl);

	*out = (struct tls_peer){ 0 };
	if (!certificate ||
	    !name_write(X509_get_issuer_name(certificate), out->issuer, sizeof(out->issuer)) ||
	    !name_write(X509_get_subject_name(certificate), out->subject, sizeof(out->subject)) ||
	    !serial_write(certificate, out->serial, sizeof(out->serial)))
		return false;
	out->not_before = wall_of(X509_get0_notBefore(certificate));
	out->not_after = wall_of(X509_get0_notAfter(certificate));
	out->doubts = doubts_at(ssl, out, now);
	out->resumed = SSL_session_reused(ssl) == 1;
	return true;
}

static bool is_listed(const struct tls *t, X509 *certificate)
{
	X509_REVOKED *entry;

	for (int i = 0; i < sk_X509_CRL_num(t->revocations); i++) {
		X509_CRL *list = sk_X509_CRL_value(t->revocations, i);
		if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_issuer_name(certificate)) ==
		            0 &&
		    X509_CRL_get0_by_cert(list, &entry, certificate) == 1)
			return true;
	}
	return false;
}

bool tls_is_revoked(const struct tls *t, SSL *ssl)
{
	X509 *leaf = SSL_get0_peer_certificate(ssl);
	/* Only a full handshake has one. A list that changes comes with a new SSL_CTX, whose empty
	 * cache asks everyone for a full handshake. */
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);

	if (leaf && is_listed(t, leaf))
		return true;
	for (int i = 0; i < sk_X509_num(chain); i++)
		if (is_listed(t, sk_X509_value(chain, i)))
			return true;
	return false;
}

bool tls_next_item(const struct tls *t, size_t *index, struct tls_item *out)
{
	size_t authorities = (size_t)sk_X509_num(t->authorities);
	size_t lists = t->revocations ? (size_t)sk_X509_CRL_num(t->revocations) : 0;
	size_t i = (*index)++;

	*out = (struct tls_item){ 0 };
	if (i < 1 + authorities) {
		X509 *certificate = i == 0 ? SSL_CTX_get0_certificate(t->context)
		                           : sk_X509_value(t->authorities, (int)i - 1);
		out->kind = i == 0 ? TLS_ITEM_OWN : TLS_ITEM_AUTHORITY;
		out->not_after = wall_of(X509_get0_notAfter(certificate));
		name_write(X509_get_subject_name(certificate), out->name, sizeof(out->name));
		return true;
	}
	i -= 1 + authorities;
	if (i < lists) {
		X509_CRL *list = sk_X509_CRL_value(t->revocations, (int)i);
		out->kind = TLS_ITEM_REVOCATIONS;
		out->not_after = wall_of(X509_CRL_get0_nextUpdate(list));
		name_write(X509_CRL_get_issuer(list), out->name, sizeof(out->name));
		return true;
	}
	return false;
}

const char *tls_item_kind_name(enum tls_item_kind kind)
{
	static const char *const names[] = { "own", "authority", "revocations" };

	if (BUG((unsigned)kind >= sizeof(names) / sizeof(*names)))
		return "own";
	return names[kind];
}
