/* The client against a TLS server of its own in a thread: a framed round trip, deadlines, and each
 * way in which a server may be wrong. */
#include "tool/client.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <signal.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "proto/sender.pb-c.h"

#define FOLDER_SIZE 64

static char folder[FOLDER_SIZE];

static void path_of(char out[CLIENT_PATH_SIZE], const char *name, const char *ending)
{
	snprintf(out, CLIENT_PATH_SIZE, "%s/%s.%s", folder, name, ending);
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* A key and a certificate NAME.key, NAME.pem; signed by itself when `issuer` is NULL. */
static void make_certificate(const char *name, X509 *issuer, EVP_PKEY *issuer_key,
			     const char *alternative, X509 **out, EVP_PKEY **out_key)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_NAME *subject = X509_get_subject_name(certificate);
	char path[CLIENT_PATH_SIZE];

	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), (long)strlen(name) + (issuer != NULL));
	X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *)name, -1, -1, 0);
	X509_set_issuer_name(certificate, issuer != NULL ? X509_get_subject_name(issuer) : subject);
	X509_set_pubkey(certificate, key);
	if (issuer == NULL)
		add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
	if (alternative != NULL)
		add_extension(certificate, NID_subject_alt_name, alternative);
	assert_true(X509_sign(certificate, issuer_key != NULL ? issuer_key : key, EVP_sha256()) >
		    0);
	path_of(path, name, "pem");
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, certificate), 1);
	fclose(file);
	path_of(path, name, "key");
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(file);
	*out = certificate;
	*out_key = key;
}

static int make_folder(void **state)
{
	X509 *ca, *other, *leaf;
	EVP_PKEY *ca_key, *other_key, *leaf_key;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	snprintf(folder, sizeof folder, "/tmp/test_client.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	make_certificate("ca", NULL, NULL, NULL, &ca, &ca_key);
	make_certificate("stranger", NULL, NULL, NULL, &other, &other_key);
	static const struct {
		const char *name, *alternative;
	} leaves[] = {
		{ "server", "IP:127.0.0.1,DNS:tocsin.example" },
		{ "elsewhere", "IP:192.0.2.1" },
		{ "bracelet", NULL },
	};
	for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++) {
		make_certificate(leaves[i].name, ca, ca_key, leaves[i].alternative, &leaf,
				 &leaf_key);
		X509_free(leaf);
		EVP_PKEY_free(leaf_key);
	}
	X509_free(ca), X509_free(other);
	EVP_PKEY_free(ca_key), EVP_PKEY_free(other_key);
	return 0;
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "ca", "stranger", "server", "elsewhere", "bracelet" };
	char path[CLIENT_PATH_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		path_of(path, names[i], "pem");
		unlink(path);
		path_of(path, names[i], "key");
		unlink(path);
	}
	return rmdir(folder);
}

/* What the server does with the one connection that it accepts. */
enum behaviour { ECHO, ECHO_BY_BYTES, SILENT, SHOUT, HALF_FRAME, EMPTY_FRAME, MUTE };

struct server {
	int listener, version_max;
	enum behaviour behaviour;
	const char *certificate;
	char address[32];
	pthread_t thread;
	int release[2]; /* closed by the test: the silent ones end */
};

static void serve_echo(SSL *tls, bool by_bytes)
{
	uint8_t buffer[65536];
	size_t got;

	while (SSL_read_ex(tls, buffer, sizeof buffer, &got) == 1) {
		size_t step = by_bytes ? 1 : got, sent;
		for (size_t i = 0; i < got; i += step)
			if (SSL_write_ex(tls, buffer + i, step, &sent) != 1)
				return;
	}
}

static void serve(SSL *tls, const struct server *s)
{
	char byte;

	switch (s->behaviour) {
	case ECHO: serve_echo(tls, false); return;
	case ECHO_BY_BYTES: serve_echo(tls, true); return;
	case SHOUT: SSL_write(tls, "\xff\xff\xff\xff", 4); break;
	case HALF_FRAME:
		SSL_write(tls, "\0\0\0\x08half", 8);
		SSL_shutdown(tls);
		return;
	case EMPTY_FRAME: SSL_write(tls, "\0\0\0\0\0\0\0\1x", 9); break;
	case SILENT:
	case MUTE: break;
	}
	while (read(s->release[0], &byte, 1) > 0)
		;
}

static void *server_main(void *argument)
{
	struct server *s = argument;
	char path[CLIENT_PATH_SIZE];
	char byte;
	int fd = accept(s->listener, NULL, NULL);

	if (s->behaviour == MUTE) { /* connected, and not a word of TLS */
		while (read(s->release[0], &byte, 1) > 0)
			;
		close(fd);
		return NULL;
	}
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_max_proto_version(context, s->version_max);
	path_of(path, s->certificate, "pem");
	SSL_CTX_use_certificate_file(context, path, SSL_FILETYPE_PEM);
	path_of(path, s->certificate, "key");
	SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM);
	path_of(path, "ca", "pem");
	SSL_CTX_load_verify_locations(context, path, NULL);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL *tls = SSL_new(context);
	SSL_set_fd(tls, fd);
	if (SSL_accept(tls) == 1)
		serve(tls, s);
	SSL_free(tls);
	SSL_CTX_free(context);
	close(fd);
	return NULL;
}

static void server_start(struct server *s, enum behaviour behaviour, const char *certificate)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;

	s->behaviour = behaviour;
	s->certificate = certificate;
	if (s->version_max == 0)
		s->version_max = TLS1_3_VERSION;
	s->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(s->listener, 1), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&address, &length), 0);
	snprintf(s->address, sizeof s->address, "127.0.0.1:%u", ntohs(address.sin_port));
	assert_int_equal(pipe(s->release), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, server_main, s), 0);
}

static void server_stop(struct server *s)
{
	close(s->release[1]);
	pthread_join(s->thread, NULL);
	close(s->release[0]);
	close(s->listener);
}

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

static void round_trip(enum behaviour behaviour, const char *server_name)
{
	struct server s = { 0 };
	server_start(&s, behaviour, "server");
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
	server_stop(&s);
}

static void test_round_trip(void **state)
{
	(void)state;
	round_trip(ECHO, NULL);
	round_trip(ECHO_BY_BYTES, "tocsin.example");
}

static void test_frames_of_a_bad_server(void **state)
{
	static const struct {
		enum behaviour behaviour;
		const char *why;
	} rows[] = {
		{ SHOUT, "longer than any message" },
		{ HALF_FRAME, "closed by the server" },
	};
	const uint8_t *bytes;
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct server s = { 0 };
		server_start(&s, rows[i].behaviour, "server");
		struct client *c = client_as("bracelet", "ca", s.address, NULL);
		assert_int_equal(client_connect(c, in_ms(5000)), CLIENT_OK);
		assert_int_equal(client_receive(c, in_ms(5000), &bytes, &length), CLIENT_LOST);
		assert_non_null(strstr(client_why(c), rows[i].why));
		assert_int_equal(client_fd(c), -1);
		assert_int_equal(client_receive(c, in_ms(5000), &bytes, &length), CLIENT_LOST);
		client_free(c);
		server_stop(&s);
	}
}

static void test_empty_frame_is_a_frame(void **state)
{
	struct server s = { 0 };
	const uint8_t *bytes;
	size_t length;

	(void)state;
	server_start(&s, EMPTY_FRAME, "server");
	struct client *c = client_as("bracelet", "ca", s.address, NULL);
	assert_int_equal(client_connect(c, in_ms(5000)), CLIENT_OK);
	assert_int_equal(client_receive(c, in_ms(5000), &bytes, &length), CLIENT_OK);
	assert_int_equal(length, 0);
	assert_int_equal(client_receive(c, in_ms(5000), &bytes, &length), CLIENT_OK);
	assert_int_equal(length, 1);
	assert_int_equal(bytes[0], 'x');
	client_free(c);
	server_stop(&s);
}

static void test_deadlines(void **state)
{
	struct server s = { 0 };
	const uint8_t *bytes;
	size_t length;

	(void)state;
	server_start(&s, SILENT, "server");
	struct client *c = client_as("bracelet", "ca", s.address, NULL);
	assert_int_equal(client_connect(c, in_ms(5000)), CLIENT_OK);
	struct mono before = clock_mono();
	assert_int_equal(client_receive(c, in_ms(50), &bytes, &length), CLIENT_NOTHING);
	assert_true(mono_ms_between(before, clock_mono()) >= 50);
	assert_int_equal(client_receive(c, (struct mono){ 0 }, &bytes, &length), CLIENT_NOTHING);
	client_free(c);
	server_stop(&s);

	server_start(&s, MUTE, "server");
	c = client_as("bracelet", "ca", s.address, NULL);
	assert_int_equal(client_connect(c, in_ms(50)), CLIENT_NOTHING);
	assert_int_equal(client_receive(c, clock_mono(), &bytes, &length), CLIENT_LOST);
	client_disconnect(c);
	assert_int_equal(client_fd(c), -1);
	client_free(c);
	server_stop(&s);
}

/* A connection made in many short steps, as the console does beside its keyboard. */
static void test_connect_in_steps(void **state)
{
	struct server s = { 0 };
	struct mono deadline = in_ms(5000);
	enum client_status status;

	(void)state;
	server_start(&s, ECHO, "server");
	struct client *c = client_as("bracelet", "ca", s.address, NULL);
	while ((status = client_connect(c, (struct mono){ 0 })) == CLIENT_NOTHING) {
		struct pollfd ready = { .fd = client_fd(c), .events = client_events(c) };
		assert_false(mono_is_due(deadline, clock_mono()));
		assert_int_equal(poll(&ready, 1, 5000), 1);
	}
	assert_int_equal(status, CLIENT_OK);
	client_free(c);
	server_stop(&s);
}

static void test_wrong_servers(void **state)
{
	static const struct {
		const char *certificate, *authority, *server_name;
		int version_max;
		const char *why;
	} rows[] = {
		{ "server", "stranger", NULL, TLS1_3_VERSION, "certificate" },
		{ "elsewhere", "ca", NULL, TLS1_3_VERSION, "IP address mismatch" },
		{ "server", "ca", "other.example", TLS1_3_VERSION, "hostname mismatch" },
		{ "server", "ca", NULL, TLS1_2_VERSION, "version" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct server s = { .version_max = rows[i].version_max };
		server_start(&s, ECHO, rows[i].certificate);
		struct client *c =
			client_as("bracelet", rows[i].authority, s.address, rows[i].server_name);
		assert_int_equal(client_connect(c, in_ms(5000)), CLIENT_LOST);
		if (strstr(client_why(c), rows[i].why) == NULL)
			fail_msg("row %zu: %s", i, client_why(c));
		client_free(c);
		server_stop(&s);
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
	struct server s = { 0 };

	(void)state;
	server_start(&s, ECHO, "server");
	struct client *c = client_as("bracelet", "ca", s.address, NULL);
	assert_int_equal(client_connect(c, in_ms(5000)), CLIENT_OK);
	client_disconnect(c);
	server_stop(&s);
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
