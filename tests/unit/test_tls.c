#include "wire/tls.h"

#include "tests/unit/pki.h"

#include <openssl/err.h>
#include <sys/socket.h>

struct fixture {
	struct pki *pki;
	struct pki_identity authority, server;
	struct tls_files files;
	char why[256];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->pki = pki_new();
	f->authority = pki_authority(f->pki, "Autorite");
	f->server =
	        pki_issue(f->pki, &f->authority, "tocsin", "serverAuth", -PKI_DAY, 30 * PKI_DAY);
	f->files.authority = pki_write_certificate(f->pki, &f->authority, "ca.pem");
	f->files.certificate = pki_write_certificate(f->pki, &f->server, "server.pem");
	f->files.key = pki_write_key(f->pki, &f->server, "server.key");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pki_identity_free(&f->authority);
	pki_identity_free(&f->server);
	pki_free(f->pki);
	free(f);
	return 0;
}

static struct tls *load(struct fixture *f)
{
	return tls_load(&f->files, "alerts", 100, f->why, sizeof(f->why));
}

static void must_load(struct fixture *f, struct tls **out)
{
	*out = load(f);
	if (!*out)
		fail_msg("not loaded: %s", f->why);
}

static void must_refuse(struct fixture *f, const char *expected)
{
	struct tls *t = load(f);

	assert_null(t);
	if (!strstr(f->why, expected))
		fail_msg("expected \"%s\" in \"%s\"", expected, f->why);
	/* OpenSSL's queue of errors must not reach the next link. */
	assert_int_equal(ERR_peek_error(), 0);
}

/* Both ends in memory; true when both came through. The server's end is left in *out. */
static bool shake(struct tls *t, const struct pki_identity *client, SSL_SESSION *resume, SSL **out,
                  SSL **client_out)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *server, *peer = SSL_new(context);
	int fds[2], server_done = 0, peer_done = 0;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	server = tls_session_new(t, fds[0]);
	SSL_set_fd(peer, fds[1]);
	SSL_set_connect_state(peer);
	if (client) {
		SSL_use_certificate(peer, client->certificate);
		SSL_use_PrivateKey(peer, client->key);
	}
	if (resume)
		SSL_set_session(peer, resume);
	for (int i = 0; i < 20 && (server_done != 1 || peer_done != 1); i++) {
		char byte;
		peer_done = SSL_do_handshake(peer);
		server_done = SSL_do_handshake(server);
		if (peer_done == 1)
			SSL_read(peer, &byte, 1); /* takes the ticket */
	}
	ERR_clear_error();
	SSL_CTX_free(context);
	*out = server;
	*client_out = peer;
	return server_done == 1;
}

static void hang_up(SSL *server, SSL *peer)
{
	SSL_set_shutdown(server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_set_shutdown(peer, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	close(SSL_get_fd(server));
	close(SSL_get_fd(peer));
	SSL_free(server);
	SSL_free(peer);
}

static struct wall now(void)
{
	return clock_wall();
}

static void good_files_load_and_every_end_of_validity_is_told(void **state)
{
	struct fixture *f = *state;
	struct tls *t;
	struct tls_item item;
	size_t i = 0;

	f->files.revocations = pki_write_list(f->pki, pki_list(&f->authority, NULL), "crl.pem");
	must_load(f, &t);
	assert_true(tls_next_item(t, &i, &item));
	assert_int_equal(item.kind, TLS_ITEM_OWN);
	assert_string_equal(item.name, "CN=tocsin,O=Essai");
	assert_in_range(wall_ms_between(now(), item.not_after) / 1000, 30 * PKI_DAY - 60,
	                30 * PKI_DAY);
	assert_true(tls_next_item(t, &i, &item));
	assert_int_equal(item.kind, TLS_ITEM_AUTHORITY);
	assert_string_equal(item.name, "CN=Autorite,O=Essai");
	assert_true(tls_next_item(t, &i, &item));
	assert_int_equal(item.kind, TLS_ITEM_REVOCATIONS);
	assert_in_range(wall_ms_between(now(), item.not_after) / 1000, 7 * PKI_DAY - 60,
	                7 * PKI_DAY);
	assert_false(tls_next_item(t, &i, &item));
	assert_string_equal(tls_item_kind_name(TLS_ITEM_REVOCATIONS), "revocations");
	tls_unref(t);
}

static void files_that_do_not_fit_are_refused_with_the_cause(void **state)
{
	struct fixture *f = *state;
	const struct tls_files good = f->files;
	struct pki_identity other = pki_authority(f->pki, "Autre");
	const char *rubbish = pki_write_text(f->pki, "rubbish.pem", "ni l'un ni l'autre\n");

	f->files.certificate = "/nonexistent/server.pem";
	must_refuse(f, "cannot use the certificate in /nonexistent/server.pem");
	f->files = good;
	f->files.key = pki_write_key(f->pki, &other, "other.key");
	must_refuse(f, "key values mismatch");
	f->files = good;
	f->files.key = rubbish;
	must_refuse(f, "cannot use the key in");
	f->files = good;
	f->files.authority = rubbish;
	must_refuse(f, "cannot read the authorities in");
	f->files.authority = good.certificate;
	must_refuse(f, "not an authority's certificate in");
	f->files = good;
	f->files.revocations = rubbish;
	must_refuse(f, "cannot read the revocation lists in");
	f->files.revocations = pki_write_list(f->pki, pki_list(&other, NULL), "foreign.pem");
	must_refuse(f, "none of the authorities signed");
	pki_identity_free(&other);
}

/* A list whose signature does not hold, under the right name, must not be taken. */
static void forged_and_partial_lists_are_refused(void **state)
{
	struct fixture *f = *state;
	struct pki_identity impostor = pki_authority(f->pki, "Autorite");
	X509_CRL *partial = pki_list(&f->authority, NULL);
	X509_EXTENSION *scope = X509V3_EXT_conf_nid(NULL, NULL, NID_issuing_distribution_point,
	                                            "critical,onlyuser:TRUE");

	f->files.revocations = pki_write_list(f->pki, pki_list(&impostor, NULL), "forged.pem");
	must_refuse(f, "none of the authorities signed");
	assert_non_null(scope);
	X509_CRL_add_ext(partial, scope, -1);
	X509_EXTENSION_free(scope);
	assert_true(X509_CRL_sign(partial, f->authority.key, EVP_sha256()) > 0);
	f->files.revocations = pki_write_list(f->pki, partial, "partial.pem");
	must_refuse(f, "not whole");
	pki_identity_free(&impostor);
}

static void encrypted_key_is_refused_without_asking(void **state)
{
	struct fixture *f = *state;
	const char *path = pki_path(f->pki, "encrypted.key");
	FILE *file = fopen(path, "w");

	assert_int_equal(PEM_write_PKCS8PrivateKey(file, f->server.key, EVP_aes_128_cbc(), "x", 1,
	                                           NULL, NULL),
	                 1);
	fclose(file);
	f->files.key = path;
	must_refuse(f, "cannot use the key in");
}

static void peer_is_told_as_its_certificate_names_it(void **state)
{
	struct fixture *f = *state;
	struct pki_identity client = pki_issue(f->pki, &f->authority, "bouton, \"étage\"",
	                                       "clientAuth", -PKI_DAY, PKI_DAY);
	struct tls_peer peer;
	struct tls *t;
	SSL *server, *other;

	must_load(f, &t);
	assert_true(shake(t, &client, NULL, &server, &other));
	assert_true(tls_peer_read(server, now(), &peer));
	assert_string_equal(peer.issuer, "CN=Autorite,O=Essai");
	assert_string_equal(peer.subject, "CN=bouton\\, \\\"\\C3\\A9tage\\\",O=Essai");
	assert_string_equal(peer.serial, "03EA");
	assert_int_equal(peer.doubts, 0);
	assert_false(peer.resumed);
	assert_in_range(wall_ms_between(now(), peer.not_after) / 1000, PKI_DAY - 60, PKI_DAY);
	assert_false(tls_is_revoked(t, server));
	assert_string_equal(SSL_get_version(server), "TLSv1.3");
	hang_up(server, other);
	tls_unref(t);
	pki_identity_free(&client);
}

/* An identity that was cut could be taken for another's. */
static void name_too_long_to_compare_is_no_identity(void **state)
{
	struct fixture *f = *state;
	struct pki_identity client;
	struct tls_peer peer;
	char name[200] = "";
	struct tls *t;
	SSL *server, *other;

	/* 60 characters of 2 bytes, each written as \C3\A9: 360 bytes, twice. */
	for (int i = 0; i < 60; i++)
		strcat(name, "é");
	client = pki_issue(f->pki, &f->authority, name, "clientAuth", -PKI_DAY, PKI_DAY);
	must_load(f, &t);
	assert_true(shake(t, &client, NULL, &server, &other));
	assert_true(tls_peer_read(server, now(), &peer));
	hang_up(server, other);

	X509_NAME_add_entry_by_txt(X509_get_subject_name(client.certificate), "OU", MBSTRING_UTF8,
	                           (const unsigned char *)name, -1, -1, 0);
	assert_true(X509_sign(client.certificate, f->authority.key, EVP_sha256()) > 0);
	assert_true(shake(t, &client, NULL, &server, &other));
	assert_false(tls_peer_read(server, now(), &peer));
	hang_up(server, other);
	tls_unref(t);
	pki_identity_free(&client);
}

static unsigned doubts_of(struct fixture *f, struct tls *t, long from_s, long to_s)
{
	struct pki_identity client =
	        pki_issue(f->pki, &f->authority, "bouton", "clientAuth", from_s, to_s);
	struct tls_peer peer;
	SSL *server, *other;

	assert_true(shake(t, &client, NULL, &server, &other));
	assert_true(tls_peer_read(server, now(), &peer));
	hang_up(server, other);
	pki_identity_free(&client);
	return peer.doubts;
}

static void stale_certificate_comes_in_and_is_told(void **state)
{
	struct fixture *f = *state;
	struct tls *t;

	must_load(f, &t);
	assert_int_equal(doubts_of(f, t, -PKI_DAY, PKI_DAY), 0);
	assert_int_equal(doubts_of(f, t, -2 * PKI_DAY, -PKI_DAY), TLS_DOUBT_EXPIRED);
	assert_int_equal(doubts_of(f, t, PKI_DAY, 2 * PKI_DAY), TLS_DOUBT_EARLY);
	tls_unref(t);
}

static void stale_authority_is_told_too(void **state)
{
	struct fixture *f = *state;
	struct pki_identity old = pki_issue(f->pki, NULL, "Ancienne", NULL, -9 * PKI_DAY, -PKI_DAY);
	struct pki_identity client =
	        pki_issue(f->pki, &old, "bouton", "clientAuth", -PKI_DAY, PKI_DAY);
	struct tls_peer peer;
	struct tls *t;
	SSL *server, *other;

	f->files.authority = pki_write_certificate(f->pki, &old, "old.pem");
	must_load(f, &t);
	assert_true(shake(t, &client, NULL, &server, &other));
	assert_true(tls_peer_read(server, now(), &peer));
	assert_int_equal(peer.doubts, TLS_DOUBT_AUTHORITY);
	hang_up(server, other);
	tls_unref(t);
	pki_identity_free(&client);
	pki_identity_free(&old);
}

static void stranger_wrong_use_and_nobody_are_refused_in_the_handshake(void **state)
{
	struct fixture *f = *state;
	struct pki_identity other = pki_authority(f->pki, "Autre");
	struct pki_identity stranger =
	        pki_issue(f->pki, &other, "bouton", "clientAuth", -PKI_DAY, PKI_DAY);
	struct pki_identity web =
	        pki_issue(f->pki, &f->authority, "site", "serverAuth", -PKI_DAY, PKI_DAY);
	const struct pki_identity *refused[] = { &stranger, &web, NULL };
	struct tls *t;

	must_load(f, &t);
	for (size_t i = 0; i < 3; i++) {
		SSL *server, *peer;
		assert_false(shake(t, refused[i], NULL, &server, &peer));
		hang_up(server, peer);
	}
	tls_unref(t);
	pki_identity_free(&other);
	pki_identity_free(&stranger);
	pki_identity_free(&web);
}

static void revoked_certificate_is_found_on_the_list(void **state)
{
	struct fixture *f = *state;
	struct pki_identity bad =
	        pki_issue(f->pki, &f->authority, "vole", "clientAuth", -PKI_DAY, PKI_DAY);
	struct pki_identity good =
	        pki_issue(f->pki, &f->authority, "bouton", "clientAuth", -PKI_DAY, PKI_DAY);
	struct tls *t;
	SSL *server, *peer;

	f->files.revocations = pki_write_list(f->pki, pki_list(&f->authority, &bad), "crl.pem");
	must_load(f, &t);
	assert_true(shake(t, &bad, NULL, &server, &peer));
	assert_true(tls_is_revoked(t, server));
	hang_up(server, peer);
	assert_true(shake(t, &good, NULL, &server, &peer));
	assert_false(tls_is_revoked(t, server));
	hang_up(server, peer);
	tls_unref(t);
	pki_identity_free(&bad);
	pki_identity_free(&good);
}

/* What an authority below ours issued falls with it, though only ours lists it. */
static void certificate_below_a_revoked_authority_is_revoked(void **state)
{
	struct fixture *f = *state;
	struct pki_identity below =
	        pki_issue(f->pki, &f->authority, "Sous-autorite", NULL, -PKI_DAY, PKI_DAY);
	struct pki_identity client =
	        pki_issue(f->pki, &below, "bouton", "clientAuth", -PKI_DAY, PKI_DAY);
	const char *both = pki_path(f->pki, "both.pem");
	FILE *file = fopen(both, "w");
	struct tls *t;
	SSL *server, *peer;

	PEM_write_X509(file, f->authority.certificate);
	PEM_write_X509(file, below.certificate);
	fclose(file);
	f->files.authority = both;
	f->files.revocations = pki_write_list(f->pki, pki_list(&f->authority, &below), "crl.pem");
	must_load(f, &t);
	assert_true(shake(t, &client, NULL, &server, &peer));
	assert_true(tls_is_revoked(t, server));
	hang_up(server, peer);
	tls_unref(t);
	pki_identity_free(&below);
	pki_identity_free(&client);
}

/* A resumed session passes no verification; who it is, and what was revoked since, is still known.
 */
static void resumed_session_is_known_and_checked(void **state)
{
	struct fixture *f = *state;
	struct pki_identity client =
	        pki_issue(f->pki, &f->authority, "bouton", "clientAuth", -PKI_DAY, PKI_DAY);
	struct tls_peer peer;
	struct tls *t, *revoking, *other_scope;
	SSL *server, *other;
	SSL_SESSION *session;

	must_load(f, &t);
	assert_true(shake(t, &client, NULL, &server, &other));
	session = SSL_get1_session(other);
	assert_int_equal(SSL_SESSION_is_resumable(session), 1);
	hang_up(server, other);

	f->files.revocations = pki_write_list(f->pki, pki_list(&f->authority, &client), "crl.pem");
	must_load(f, &revoking);
	assert_true(shake(t, &client, session, &server, &other));
	assert_true(tls_peer_read(server, now(), &peer));
	assert_true(peer.resumed);
	assert_string_equal(peer.subject, "CN=bouton,O=Essai");
	assert_false(tls_is_revoked(t, server));
	assert_true(tls_is_revoked(revoking, server));
	hang_up(server, other);

	/* And it resumes at no other listener. */
	other_scope = tls_load(&f->files, "consoles", 100, f->why, sizeof(f->why));
	assert_non_null(other_scope);
	assert_true(shake(other_scope, &client, session, &server, &other));
	assert_true(tls_peer_read(server, now(), &peer));
	assert_false(peer.resumed);
	hang_up(server, other);
	SSL_SESSION_free(session);
	tls_unref(t);
	tls_unref(revoking);
	tls_unref(other_scope);
	pki_identity_free(&client);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(good_files_load_and_every_end_of_validity_is_told),
		TEST(files_that_do_not_fit_are_refused_with_the_cause),
		TEST(forged_and_partial_lists_are_refused),
		TEST(encrypted_key_is_refused_without_asking),
		TEST(peer_is_told_as_its_certificate_names_it),
		TEST(name_too_long_to_compare_is_no_identity),
		TEST(stale_certificate_comes_in_and_is_told),
		TEST(stale_authority_is_told_too),
		TEST(stranger_wrong_use_and_nobody_are_refused_in_the_handshake),
		TEST(revoked_certificate_is_found_on_the_list),
		TEST(certificate_below_a_revoked_authority_is_revoked),
		TEST(resumed_session_is_known_and_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
