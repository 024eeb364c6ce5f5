#include "wire/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <cmocka.h>

static void good_addresses_come_back_as_they_were(void **state)
{
	static const char *const good[] = { "127.0.0.1:7701", "0.0.0.0:0", "192.0.2.7:65535",
		                            "[::1]:7701",     "[::]:1",    "[2001:db8::7]:443" };
	(void)state;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		char text[ADDRESS_TEXT_SIZE];
		struct address a;
		assert_true(address_parse(good[i], &a));
		assert_string_equal(address_format(&a, text), good[i]);
	}
}

static void what_is_no_address_in_figures_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		":",
		":7701",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:x",
		"127.0.0.1:65536",
		"127.0.0.1:-1",
		"127.1:80",
		"localhost:7701",
		"::1:7701",
		"[::1]",
		"[::1:7701",
		"[]:7701",
		"[127.0.0.1]:7701",
		"[::1]x:7701",
		"127.0.0.1 :7701",
		" 127.0.0.1:7701",
		"127.0.0.1:7701 ",
		"[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]:1",
	};
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct address a = { .length = 99 };
		if (address_parse(bad[i], &a))
			fail_msg("taken: \"%s\"", bad[i]);
		assert_int_equal(a.length, 99);
	}
}

static void loopback_is_told_in_all_its_forms(void **state)
{
	static const struct {
		const char *text;
		bool loopback;
	} rows[] = {
		{"127.0.0.1:1",           true },
		{ "127.255.255.254:1",    true },
		{ "[::1]:1",              true },
		{ "[::ffff:127.0.0.1]:1", true },
		{ "128.0.0.1:1",          false},
		{ "0.0.0.0:1",            false},
		{ "[::]:1",               false},
		{ "[::2]:1",              false},
		{ "[::ffff:192.0.2.1]:1", false},
	};
	struct address local = { .storage.ss_family = AF_UNIX };
	char text[ADDRESS_TEXT_SIZE];
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct address a;
		assert_true(address_parse(rows[i].text, &a));
		assert_int_equal(address_is_loopback(&a), rows[i].loopback);
		assert_int_equal(address_port(&a), 1);
	}
	assert_false(address_is_loopback(&local));
	assert_int_equal(address_port(&local), 0);
	assert_string_equal(address_format(&local, text), "local");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_addresses_come_back_as_they_were),
		cmocka_unit_test(what_is_no_address_in_figures_is_refused),
		cmocka_unit_test(loopback_is_told_in_all_its_forms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
