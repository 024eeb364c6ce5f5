/* Who we are and where the server is, from the options of a verb. */
#include "tool/client_options.h"

#include "tests/unit/tls_peer.h"

static void test_what_is_missing(void **state)
{
	static const struct {
		struct client_options options;
		bool is_usage;
		const char *why;
	} rows[] = {
		{ { .identity = "bracelet" }, true, "--server is missing" },
		{ { .server = "127.0.0.1:1", .identity = "bracelet" }, true, "--identities" },
		{ { .server = "127.0.0.1:1" }, true, "--identity, or --certificate" },
		{ { .server = "127.0.0.1:1", .certificate = "x" }, true, "--identity, or" },
		{ { .server = "127.0.0.1:1", .identity = "../x", .identities = "/" },
		  true,
		  "not a name" },
		{ { .server = "127.0.0.1:1", .identity = "x", .identities = "/nowhere" },
		  false,
		  "/nowhere/ca.pem: No such file" },
	};
	char why[CLIENT_WHY_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool is_usage = !rows[i].is_usage;
		assert_null(client_options_open(&rows[i].options, why, &is_usage));
		if (strstr(why, rows[i].why) == NULL)
			fail_msg("row %zu: %s", i, why);
		assert_int_equal(is_usage, rows[i].is_usage);
	}
}

/* A named identity; files of its own; a named one with another authority; a key in the same file.
 */
static void test_who_we_are(void **state)
{
	char certificate[CLIENT_PATH_SIZE], key[CLIENT_PATH_SIZE], authority[CLIENT_PATH_SIZE];
	char why[CLIENT_WHY_SIZE];
	bool is_usage;

	(void)state;
	path_of(certificate, "bracelet", "pem");
	path_of(key, "bracelet", "key");
	path_of(authority, "ca", "pem");
	const struct client_options good[] = {
		{ .server = "127.0.0.1:1", .identity = "bracelet", .identities = folder },
		{ .server = "127.0.0.1:1",
		  .certificate = certificate,
		  .key = key,
		  .authority = authority },
		{ .server = "[::1]:1",
		  .identity = "bracelet",
		  .identities = folder,
		  .authority = authority },
	};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct client *c = client_options_open(&good[i], why, &is_usage);
		if (c == NULL)
			fail_msg("row %zu: %s", i, why);
		client_free(c);
	}
	struct client_options without_key = good[1];
	without_key.key = NULL;
	assert_null(client_options_open(&without_key, why, &is_usage));
	assert_non_null(strstr(why, "bracelet.pem"));
	assert_false(is_usage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_missing),
		cmocka_unit_test(test_who_we_are),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
