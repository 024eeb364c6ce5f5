/* The plans as a whole: each national number has one E.164 number and comes back from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "decide/numbering.h"

static uint64_t national(const char *digits)
{
	struct e164 out = { 7 };
	bool found = numbering_national(digits, strlen(digits), &out);

	assert_true(found || out.digits == 7); /* untouched when false */
	return found ? out.digits : 0;
}

static uint64_t international(const char *digits)
{
	struct e164 out = { 7 };
	bool found = numbering_international(digits, strlen(digits), &out);

	assert_true(found || out.digits == 7);
	return found ? out.digits : 0;
}

static bool is_short(const char *digits)
{
	return numbering_is_short(digits, strlen(digits));
}

/* Every root of five digits, 1 00 00 to 9 99 99. */
static void every_national_number_comes_back(void **state)
{
	unsigned of_33 = 0, overseas = 0, none = 0;

	(void)state;
	for (unsigned root = 10000; root < 100000; root++) {
		char digits[16], text[24], behind_33[24];
		snprintf(digits, sizeof digits, "%u0000", root);
		uint64_t number = national(digits);
		if (number == 0) {
			none++;
			continue;
		}
		assert_true(number >= 10000000 && number <= 999999999999);
		snprintf(text, sizeof text, "%llu", (unsigned long long)number);
		assert_true(international(text) == number);
		snprintf(behind_33, sizeof behind_33, "33%s", digits);
		assert_true(international(behind_33) == number);
		if (strcmp(text, behind_33) == 0)
			of_33++;
		else
			overseas++;
	}
	assert_int_equal(none, 20); /* 0508 0x and 1x: no subscriber of Miquelon begins so */
	assert_int_equal(of_33 + overseas + none, 90000);
	/* 262, 263, 269, 508, 590, 594, 596: 100 roots each; 2687 to 2689, 5987 to 5989: 10 each;
	 * 639 but for 63998: 99; 690 to 694, 696, 697: 100 each; 7084, 7085, 7090 to 7092: 10 each;
	 * 7093, which Guyane and Mayotte share: 10; 9395 to 9399, 9475 to 9479, 9760 to 9769: 10
	 * each. */
	assert_int_equal(overseas + none, 700 + 60 + 99 + 700 + 50 + 10 + 200);
}

static void the_fiction_block_is_metropolitan(void **state)
{
	(void)state;
	assert_true(national("639981234") == 33639981234);
	assert_true(national("639971234") == 262639971234);
}

static void lengths_are_bounds(void **state)
{
	(void)state;
	assert_true(national("") == 0);
	assert_true(national("19900123") == 0);
	assert_true(national("1990012345") == 0);
	assert_true(national("099001234") == 0);
	assert_true(national("7000000000000") == 337000000000000);
	assert_true(national("6000000000000") == 0);
	assert_true(national("70000000000000") == 0);
	assert_true(international("") == 0);
	assert_true(international("33") == 0);
	assert_true(international("68340") == 0);
	assert_true(international("683400") == 0);
	assert_true(international("6834000") == 6834000);
	assert_true(international("861234567890123") == 861234567890123);
	assert_true(international("8612345678901234") == 0);
	/* Far more than fit in 64 bits. */
	assert_true(international("869999999999999999999999999999") == 0);
}

/* Zones and gaps of the list of assigned codes. */
static void only_assigned_country_codes_count(void **state)
{
	static const char *const none[] = {
		"000", "210", "214", "215", "217", "219", "259", "280", "289", "292", "296", "384",
		"388", "422", "429", "671", "684", "693", "699", "801", "807", "809", "851", "857",
		"871", "879", "884", "888", "890", "899", "969", "978", "990", "991", "997", "999",
	};
	char digits[24];

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		snprintf(digits, sizeof digits, "%s20000000", none[i]);
		assert_true(international(digits) == 0);
	}
	static const char *const some[] = { "7",   "20",  "86",  "212", "225", "352",
		                            "383", "800", "881", "970", "998" };
	for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
		snprintf(digits, sizeof digits, "%s600000000", some[i]);
		assert_true(international(digits) != 0);
	}
}

static void a_trunk_zero_goes_only_where_it_is_one(void **state)
{
	(void)state;
	assert_true(international("330199001234") == 33199001234);
	assert_true(international("3300199001234") == 0);
	assert_true(international("4402079460012") == 442079460012);
	assert_true(international("44002079460012") == 0);
	assert_true(international("390612345678") == 390612345678);
	assert_true(international("34091000000") ==
	            34091000000); /* nine digits with the 0: Spain's own affair */
	assert_true(international("340910000000") == 0);
}

/* All runs of one to six digits: exactly the codes of the plan. */
static void short_codes_are_counted(void **state)
{
	unsigned count[7] = { 0 };

	(void)state;
	for (int length = 1; length <= 6; length++) {
		unsigned end = 1;
		for (int i = 0; i < length; i++)
			end *= 10;
		for (unsigned n = 0; n < end; n++) {
			char digits[16];
			snprintf(digits, sizeof digits, "%0*u", length, n);
			count[length] += is_short(digits);
		}
	}
	assert_int_equal(count[1], 0);
	assert_int_equal(count[2], 3);    /* 15, 17, 18 */
	assert_int_equal(count[3], 8);    /* 110 112 114 115 119 191 196 197 */
	assert_int_equal(count[4], 1100); /* 3xxx, 10xx */
	assert_int_equal(count[5], 0);
	assert_int_equal(count[6], 2000); /* 116xxx, 118xxx */
	assert_false(is_short(""));
	assert_false(is_short("1161171"));
}

static void french_codes_are_whole(void **state)
{
	(void)state;
	assert_true(numbering_is_french("33", 2));
	assert_true(numbering_is_french("508", 3));
	assert_false(numbering_is_french("3", 1));
	assert_false(numbering_is_french("331", 3));
	assert_false(numbering_is_french("32", 2));
	assert_false(numbering_is_french("", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_national_number_comes_back),
		cmocka_unit_test(the_fiction_block_is_metropolitan),
		cmocka_unit_test(lengths_are_bounds),
		cmocka_unit_test(only_assigned_country_codes_count),
		cmocka_unit_test(a_trunk_zero_goes_only_where_it_is_one),
		cmocka_unit_test(short_codes_are_counted),
		cmocka_unit_test(french_codes_are_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
