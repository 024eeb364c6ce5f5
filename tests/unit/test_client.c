/* The client against a TLS server of its own in a thread: a framed round trip, deadlines, and each
 * way in which a server may be wrong. */
#include "tool/client.h"

#include <poll.h>

#include "proto/sender.pb-c.h"
#include "tests/unit/tls_peer.h"

static void echo(SSL *tls, struct peer *p)
{
	size_t step_max = *(size_t *)p->context;
	uint8_t buffer[65536];
	size_t got, sent;

	while (SSL_read_ex(tls, buffer, sizeof buffer, &got) == 1)
		for (size_t i = 0; i < got; i += sent)
			if (SSL_write_ex(tls, buffer + i, got - i < step_max ? got - i : step_max,
					 &sent) != 1)
				return;
}

static void stay_silent(SSL *tls, struct peer *p)
{
	(void)tls;
	peer_wait(p);
}

static void say_too_long(SSL *tls, struct peer *p)
{
	SSL_write(tls, "\xff\xff\xff\xff", 4);
	peer_wait(p);
}

static void say_half_a_frame(SSL *tls, struct peer *p)
{
	(void)p;
	SSL_write(tls, "\0\0\0\x08half", 8);
	SSL_shutdown(tls);
}

static void say_an_empty_frame(SSL *tls, struct peer *p)
{
	SSL_write(tls, "\0\0\0\0\0\0\0\1x", 9);
	peer_wait(p);
}

static size_t at_once = SIZE_MAX;

static struct mono in_ms(int64_t ms)
{
	return mono_add_ms(clock_mono(), ms);
}

static struct client *client_as(const char *name, const char *authority, const char *address,
				const char *server_name)
{
	struct client_identity identity;
	char why[CLIENT_WHY_SIZE];

	assert_true(client_identity_named(&identity, folder, name));
	path_of(identity.authority, authority, "pem");
	struct client *c = client_new(address, server_name, &identity, why);
	assert_non_null(c);
	return c;
}

static void round_trip(size_t step_max, const char *server_name)
{
	struct peer s = { .serve = echo, .context = &step_max };
	peer_start(&s, "server");
	struct client *c = client_as("bracelet", "ca", s.address, server_name);
	Tocsin__V1__Hello hello = TOCSIN__V1__HELLO__INIT;
	char instance[20001];
	const uint8_t *bytes;
	size_t length;

	assert_int_equal(client_connect(c, in_ms(5000)), CLIENT_OK);
	memset(instance, 'i', sizeof instance - 1);
	instance[sizeof instance - 1] = '\0';
	hello.instance = instance; /* longer than a TLS record */
	assert_int_equal(client_send(c, &hello.base, in_ms(5000)), CLIENT_OK);
	hello.instance = "second";
	assert_int_equal(client_send(c, &hello.base, in_ms(5000)), CLIENT_OK);
	assert_int_equal(client_receive(c, in_ms(5000), &bytes, &length), CLIENT_OK);
	Tocsin__V1__Hello *back = tocsin__v1__hello__unpack(NULL, length, bytes);
	assert_non_null(back);
	assert_string_equal(back->instance, instance);
	tocsin__v1__hello__free_unpacked(back, NULL);
	assert_int_equal(client_receive(c, in_ms(5000), &bytes, &length), CLIENT_OK);
	back = tocsin__v1__hello__unpack(NULL, length, bytes);
	assert_non_null(back);
	assert_string_equal(back->instance, "second");
	tocsin__v1__hello__free_unpacked(back, NULL);
	assert_int_equal(client_receive(c, clock_mono(), &bytes, &length), CLIENT_NOTHING);
	client_free(c);
	peer_stop(&s);
}

static void test_round_trip(void **state)
{
	(void)state;
	round_trip(SIZE_MAX, NULL);
	round_trip(1, "tocsin.example");
}

static void test_frames_of_a_bad_server(void **state)
{
	static const struct {
		void (*serve)(SSL *, struct peer *);
		const char *why;
	} rows[] = {
		{ say_too_long, "longer than any message" },
		{ say_half_a_frame, "closed by the server" },
	};
	const uint8_t *bytes;
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct peer s = { .serve = rows[i].serve };
		peer_start(&s, "server");
		struct client *c = client_as("bracelet", "ca", s.address, NULL);
		assert_int_equal(client_connect(c, in_ms(5000)), CLIENT_OK);
		assert_int_equal(client_receive(c, in_ms(5000), &bytes, &length), CLIENT_LOST);
		assert_non_null(strstr(client_why(c), rows[i].why));
		assert_int_equal(client_fd(c), -1);
		assert_int_equal(client_receive(c, in_ms(5000), &bytes, &length), CLIENT_LOST);
		client_free(c);
		peer_stop(&s);
	}
}

static void test_empty_frame_is_a_frame(void **state)
{
	struct peer s = { .serve = say_an_empty_frame };
	const uint8_t *bytes;
	size_t length;

	(void)state;
	peer_start(&s, "server");
	struct client *c = client_as("bracelet", "ca", s.address, NULL);
	assert_int_equal(client_connect(c, in_ms(5000)), CLIENT_OK);
	assert_int_equal(client_receive(c, in_ms(5000), &bytes, &length), CLIENT_OK);
	assert_int_equal(length, 0);
	assert_int_equal(client_receive(c, in_ms(5000), &bytes, &length), CLIENT_OK);
	assert_int_equal(length, 1);
	assert_int_equal(bytes[0], 'x');
	client_free(c);
	peer_stop(&s);
}

static void test_deadlines(void **state)
{
	struct peer s = { .serve = stay_silent };
	const uint8_t *bytes;
	size_t length;

	(void)state;
	peer_start(&s, "server");
	struct client *c = client_as("bracelet", "ca", s.address, NULL);
	assert_int_equal(client_connect(c, in_ms(5000)), CLIENT_OK);
	struct mono before = clock_mono();
	assert_int_equal(client_receive(c, in_ms(50), &bytes, &length), CLIENT_NOTHING);
	assert_true(mono_ms_between(before, clock_mono()) >= 50);
	assert_int_equal(client_receive(c, (struct mono){ 0 }, &bytes, &length), CLIENT_NOTHING);
	client_free(c);
	peer_stop(&s);

	s = (struct peer){ .serve = NULL };
	peer_start(&s, "server");
	c = client_as("bracelet", "ca", s.address, NULL);
	assert_int_equal(client_connect(c, in_ms(50)), CLIENT_NOTHING);
	assert_int_equal(client_receive(c, clock_mono(), &bytes, &length), CLIENT_LOST);
	client_disconnect(c);
	assert_int_equal(client_fd(c), -1);
	client_free(c);
	peer_stop(&s);
}

/* A connection made in many short steps, as the console does beside its keyboard. */
static void test_connect_in_steps(void **state)
{
	struct peer s = { .serve = echo, .context = &at_once };
	struct mono deadline = in_ms(5000);
	enum client_status status;

	(void)state;
	peer_start(&s, "server");
	struct client *c = client_as("bracelet", "ca", s.address, NULL);
	while ((status = client_connect(c, (struct mono){ 0 })) == CLIENT_NOTHING) {
		struct pollfd ready = { .fd = client_fd(c), .events = client_events(c) };
		assert_false(mono_is_due(deadline, clock_mono()));
		assert_int_equal(poll(&ready, 1, 5000), 1);
	}
	assert_int_equal(status, CLIENT_OK);
	client_free(c);
	peer_stop(&s);
}

static void test_wrong_servers(void **state)
{
	static const struct {
		const char *certificate, *authority, *server_name;
		int version_max;
		unsigned loopback;
		const char *why;
	} rows[] = {
		{ "server", "stranger", NULL, 0, 0, "certificate" },
		{ "server", "ca", NULL, 0, 2, "IP address mismatch" },
		{ "server", "ca", "other.example", 0, 0, "hostname mismatch" },
		{ "bracelet", "ca", NULL, 0, 0, "unsuitable certificate purpose" },
		{ "server", "ca", NULL, TLS1_2_VERSION, 0, "version" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct peer s = { .serve = echo,
				  .context = &at_once,
				  .version_max = rows[i].version_max,
				  .loopback = rows[i].loopback };
		peer_start(&s, rows[i].certificate);
		struct client *c =
			client_as("bracelet", rows[i].authority, s.address, rows[i].server_name);
		assert_int_equal(client_connect(c, in_ms(5000)), CLIENT_LOST);
		if (strstr(client_why(c), rows[i].why) == NULL)
			fail_msg("row %zu: %s", i, client_why(c));
		client_free(c);
		peer_stop(&s);
	}
}

static void test_refused_settings(void **state)
{
	static const struct {
		const char *address, *name, *authority, *why;
	} rows[] = {
		{ "localhost:7701", "bracelet", "ca", "numeric address" },
		{ "127.0.0.1", "bracelet", "ca", "numeric address" },
		{ "127.0.0.1:0", "bracelet", "ca", "numeric address" },
		{ "127.0.0.1:65536", "bracelet", "ca", "numeric address" },
		{ "[::1:7701", "bracelet", "ca", "numeric address" },
		{ ":7701", "bracelet", "ca", "numeric address" },
		{ "127.0.0.1:7701", "nobody", "ca", "nobody.pem" },
		{ "127.0.0.1:7701", "bracelet", "nowhere", "nowhere.pem" },
	};
	struct client_identity identity;
	char why[CLIENT_WHY_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_true(client_identity_named(&identity, folder, rows[i].name));
		path_of(identity.authority, rows[i].authority, "pem");
		assert_null(client_new(rows[i].address, NULL, &identity, why));
		if (strstr(why, rows[i].why) == NULL)
			fail_msg("row %zu: %s", i, why);
	}
	assert_true(client_identity_named(&identity, folder, "bracelet"));
	path_of(identity.key, "server", "key");
	assert_null(client_new("127.0.0.1:7701", NULL, &identity, why));
	assert_non_null(strstr(why, "server.key"));
	assert_false(client_identity_named(&identity, folder, "../bracelet"));
	assert_false(client_identity_named(&identity, folder, ""));
}

static void test_nobody_listens(void **state)
{
	struct peer s = { .serve = echo, .context = &at_once };

	(void)state;
	peer_start(&s, "server");
	struct client *c = client_as("bracelet", "ca", s.address, NULL);
	assert_int_equal(client_connect(c, in_ms(5000)), CLIENT_OK);
	client_disconnect(c);
	peer_stop(&s);
	assert_int_equal(client_connect(c, in_ms(5000)), CLIENT_LOST);
	assert_non_null(strstr(client_why(c), "refused"));
	client_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_frames_of_a_bad_server),
		cmocka_unit_test(test_empty_frame_is_a_frame),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_connect_in_steps),
		cmocka_unit_test(test_wrong_servers),
		cmocka_unit_test(test_refused_settings),
		cmocka_unit_test(test_nobody_listens),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
