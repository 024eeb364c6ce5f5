#include "wire/link.h"

#include "tests/unit/wire_rig.h"

static int setup(void **state)
{
	*state = rig_new();
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static struct client *opened_client(struct rig *r)
{
	unsigned before = r->opened;
	struct client *c = rig_client(r, &r->sender, false);

	rig_until(r, r->opened == before + 1 && c->shaken);
	return c;
}

static void silent_newcomer_is_sent_away(void **state)
{
	struct rig *r = *state;
	struct client *c;

	r->group.settings.handshake_ms = 30;
	c = rig_client(r, NULL, true);
	rig_until(r, c->cut);
	assert_int_equal(r->group.counters.ended[LINK_END_HANDSHAKE_LATE], 1);
	assert_int_equal(r->ended, 0);
	assert_int_equal(r->group.count, 0);
}

static void half_a_handshake_is_sent_away(void **state)
{
	struct rig *r = *state;
	struct client *c;

	r->group.settings.handshake_ms = 30;
	c = rig_client(r, NULL, true);
	client_say(c, "\26\3\1\2\0\1", 6);
	rig_until(r, c->cut);
	assert_int_equal(r->group.counters.ended[LINK_END_HANDSHAKE_LATE], 1);
}

static void stale_certificate_is_let_in_with_its_doubt(void **state)
{
	struct rig *r = *state;
	struct pki_identity old =
	        pki_issue(r->pki, &r->authority, "ancien", "clientAuth", -9 * PKI_DAY, -PKI_DAY);

	rig_client(r, &old, false);
	rig_until(r, r->opened == 1);
	assert_true(r->has_peer);
	assert_int_equal(r->peer.doubts, TLS_DOUBT_EXPIRED);
	pki_identity_free(&old);
}

static void refused_handshakes_have_their_reason(void **state)
{
	struct rig *r = *state;
	struct pki_identity other = pki_authority(r->pki, "Autre");
	struct pki_identity stranger =
	        pki_issue(r->pki, &other, "bouton", "clientAuth", -PKI_DAY, PKI_DAY);
	struct client *c;

	c = rig_client(r, &stranger, false);
	rig_until(r, c->failed);
	assert_int_equal(r->group.counters.ended[LINK_END_UNTRUSTED], 1);
	c = rig_client(r, NULL, false);
	rig_until(r, c->failed);
	assert_int_equal(r->group.counters.ended[LINK_END_NO_CERTIFICATE], 1);
	c = rig_client(r, &r->sender, false);
	SSL_set_max_proto_version(c->ssl, TLS1_2_VERSION);
	rig_until(r, c->failed);
	assert_int_equal(r->group.counters.ended[LINK_END_HANDSHAKE], 1);
	assert_int_equal(r->opened, 0);
	assert_int_equal(r->ended, 0);
	pki_identity_free(&stranger);
	pki_identity_free(&other);
}

static void what_is_no_tls_gets_no_answer(void **state)
{
	static const char *const scans[] = { "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\n",
		                             "SSH-2.0-x\r\n", "\22\1\0\57", "\26A" };
	struct rig *r = *state;

	for (unsigned i = 0; i < sizeof(scans) / sizeof(*scans); i++) {
		struct client *c = rig_client(r, NULL, true);
		client_say(c, scans[i], scans[i][0] == '\22' ? 4 : strlen(scans[i]));
		rig_until(r, c->cut);
		assert_int_equal(c->heard_length, 0);
		assert_int_equal(r->group.counters.ended[LINK_END_NOT_TLS], i + 1);
	}
	assert_int_equal(r->group.count, 0);
}

static void revoked_certificate_does_not_open(void **state)
{
	struct rig *r = *state;
	struct client *c;

	tls_unref(r->tls);
	r->group.tls = r->tls = rig_load(r, pki_list(&r->authority, &r->sender));
	c = rig_client(r, &r->sender, false);
	rig_until(r, c->closed);
	assert_int_equal(r->opened, 0);
	assert_int_equal(r->ended, 0);
	assert_int_equal(r->group.counters.ended[LINK_END_REVOKED], 1);
}

/* A session begun before the revocation is resumed after it, by a server that holds the same cache.
 */
static void resumption_does_not_get_round_a_revocation(void **state)
{
	struct rig *r = *state;
	struct client *first = opened_client(r), *second, *third;
	SSL_SESSION *session;

	client_say_message(first, "x", 1);
	rig_until(r,
	          r->messages_count == 1 && SSL_SESSION_is_resumable(SSL_get0_session(first->ssl)));
	session = SSL_get1_session(first->ssl);
	/* Cut, not closed: a mobile line that fails. The session outlives it. */
	close(first->fd);
	first->fd = -1;
	rig_until(r, r->group.count == 0);

	second = rig_client(r, &r->sender, false);
	SSL_set_session(second->ssl, session);
	rig_until(r, r->opened == 2);
	assert_true(r->peer.resumed);
	assert_string_equal(r->peer.subject, "CN=bouton,O=Essai");
	assert_int_equal(r->group.counters.resumed, 1);
	client_say_message(second, "y", 1);
	rig_until(r, r->messages_count == 2);
	SSL_SESSION_free(session);
	session = SSL_get1_session(second->ssl);

	/* The live link is ended by the new list, and its session opens no other. */
	tls_unref(r->tls);
	r->group.tls = r->tls = rig_load(r, pki_list(&r->authority, &r->sender));
	assert_int_equal(links_close_revoked(r->links, &r->group), 1);
	rig_until(r, second->closed);
	assert_int_equal(r->end, LINK_END_REVOKED);
	third = rig_client(r, &r->sender, false);
	SSL_set_session(third->ssl, session);
	rig_until(r, third->closed);
	assert_int_equal(r->opened, 2);
	assert_int_equal(r->group.counters.ended[LINK_END_REVOKED], 2);
	SSL_SESSION_free(session);
}

/* A list loaded while a handshake is under way counts for it. */
static void list_that_comes_during_the_handshake_counts(void **state)
{
	struct rig *r = *state;
	struct client *c = rig_client(r, &r->sender, false);
	struct tls *old = r->tls;

	client_move(c); /* the client's first flight */
	event_base_loop(r->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(r->opened, 0);
	r->group.tls = r->tls = rig_load(r, pki_list(&r->authority, &r->sender));
	tls_unref(old);
	rig_until(r, c->closed);
	assert_int_equal(r->opened, 0);
	assert_int_equal(r->group.counters.ended[LINK_END_REVOKED], 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(silent_newcomer_is_sent_away),
		TEST(half_a_handshake_is_sent_away),
		TEST(stale_certificate_is_let_in_with_its_doubt),
		TEST(refused_handshakes_have_their_reason),
		TEST(what_is_no_tls_gets_no_answer),
		TEST(revoked_certificate_does_not_open),
		TEST(resumption_does_not_get_round_a_revocation),
		TEST(list_that_comes_during_the_handshake_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
