/* What tests/table/phone.txt cannot say by example: lengths, every byte, formatting, sameness. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decide/phone.h"

static void names_are_the_interface(void **state)
{
	(void)state;
	assert_string_equal(phone_verdict_name(PHONE_NUMBER), "number");
	assert_string_equal(phone_verdict_name(PHONE_SHORT), "short");
	assert_string_equal(phone_verdict_name(PHONE_WITHHELD), "withheld");
	assert_string_equal(phone_verdict_name(PHONE_INVALID), "invalid");
	assert_string_equal(phone_verdict_name((enum phone_verdict)99), "invalid");
}

static void format_is_e164(void **state)
{
	char out[PHONE_TEXT_SIZE];

	(void)state;
	assert_string_equal(phone_format((struct e164){ 33199001234 }, out), "+33199001234");
	assert_string_equal(phone_format((struct e164){ 999999999999999 }, out),
	                    "+999999999999999");
	assert_ptr_equal(phone_format((struct e164){ 1 }, out), out);
	/* No number is so long: nothing rather than more than `out` holds. */
	assert_string_equal(phone_format((struct e164){ 1000000000000000 }, out), "");
	assert_string_equal(phone_format((struct e164){ UINT64_MAX }, out), "");
	assert_string_equal(phone_format((struct e164){ 0 }, out), "");
}

static void a_number_comes_in_both_forms(void **state)
{
	struct phone phone = phone_read("01 99 00 12 34");

	(void)state;
	assert_int_equal(phone.verdict, PHONE_NUMBER);
	assert_true(phone.number.digits == 33199001234);
	assert_string_equal(phone.text, "+33199001234");
}

static void what_is_no_number_has_none(void **state)
{
	static const char *const raws[] = { "17",    "anonymous", "",
		                            "alice", "+33 1 99",  "0199001234 x" };

	(void)state;
	for (size_t i = 0; i < sizeof raws / sizeof raws[0]; i++) {
		struct phone phone = phone_read(raws[i]);
		assert_true(phone.number.digits == 0);
		assert_string_equal(phone.text, phone.verdict == PHONE_SHORT ? raws[i] : "");
	}
}

/* A number with `spaces` before it. */
static struct phone read_padded(size_t spaces)
{
	char *raw = malloc(spaces + sizeof "0199001234");
	struct phone phone;

	assert_non_null(raw);
	memset(raw, ' ', spaces);
	strcpy(raw + spaces, "0199001234");
	phone = phone_read(raw);
	free(raw);
	return phone;
}

static void the_longest_text_is_read_and_one_more_is_not(void **state)
{
	(void)state;
	assert_int_equal(read_padded(PHONE_RAW_MAX - 10).verdict, PHONE_NUMBER);
	assert_int_equal(read_padded(PHONE_RAW_MAX - 9).verdict, PHONE_INVALID);
	assert_int_equal(read_padded(200000).verdict, PHONE_INVALID);
}

static void full_texts_of_one_character_end(void **state)
{
	char raw[PHONE_RAW_MAX + 1];

	(void)state;
	raw[PHONE_RAW_MAX] = '\0';
	for (int c = 1; c < 256; c++) {
		memset(raw, c, PHONE_RAW_MAX);
		assert_int_equal(phone_read(raw).verdict, PHONE_INVALID);
	}
}

/* One byte put anywhere into a number either groups its digits or makes it invalid; it never makes
 * it another one. The two bytes that may are + before a first digit and a further digit. */
static void no_byte_makes_another_number(void **state)
{
	static const char plain[] = "0199001234";
	char raw[sizeof plain + 1];

	(void)state;
	for (size_t at = 0; at < sizeof plain; at++) {
		for (int c = 1; c < 256; c++) {
			if (c >= '0' && c <= '9')
				continue;
			memcpy(raw, plain, at);
			raw[at] = (char)c;
			memcpy(raw + at + 1, plain + at, sizeof plain - at);
			struct phone phone = phone_read(raw);
			if (phone.verdict == PHONE_NUMBER)
				assert_string_equal(phone.text, "+33199001234");
			else
				assert_true(phone.verdict == PHONE_INVALID ||
				            phone.verdict == PHONE_SHORT);
		}
	}
}

static void malformed_utf8_is_no_space(void **state)
{
	/* Overlong space, a surrogate, beyond Unicode, a cut sequence before a digit and at the
	 * end. */
	static const char *const raws[] = {
		"01\xc0\xa0"
		"99001234",
		"01\xed\xa0\x80"
		"99001234",
		"01\xf5\x80\x80\x80"
		"99001234",
		"01\xe2\x80"
		"99001234",
		"0199001234\xe2\x80",
		"0199001234\xf0\x9f\x98",
	};

	(void)state;
	for (size_t i = 0; i < sizeof raws / sizeof raws[0]; i++)
		assert_int_equal(phone_read(raws[i]).verdict, PHONE_INVALID);
}

/* Both sides of a match go the same way, and the way ends where it began. */
static void every_spelling_of_a_number_is_that_number(void **state)
{
	static const char *const forms[] = {
		"%s",
		" %s ",
		"tel:%s",
		"<tel:%s>",
		"sip:%s@pbx.example.fr",
		"\"x\" <sip:%s@pbx.example.fr>;tag=1",
		"Tél. %s",
		"%s poste 12",
		"<sip:%s@a>, <tel:%s>",
	};
	static const char *const numbers[] = {
		"+33199001234", "+262692000000", "+508410000",       "+508708400000",
		"+12025550123", "+390600000000", "+337000000000000", "+6834000",
	};
	char raw[128];

	(void)state;
	for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++) {
		for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
			char *at = raw;
			for (const char *c = forms[f]; *c; c++)
				if (c[0] == '%' && c[1] == 's')
					at = stpcpy(at, numbers[n]), c++;
				else
					*at++ = *c;
			*at = '\0';
			struct phone phone = phone_read(raw);
			assert_int_equal(phone.verdict, PHONE_NUMBER);
			assert_string_equal(phone.text, numbers[n]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_the_interface),
		cmocka_unit_test(format_is_e164),
		cmocka_unit_test(a_number_comes_in_both_forms),
		cmocka_unit_test(what_is_no_number_has_none),
		cmocka_unit_test(the_longest_text_is_read_and_one_more_is_not),
		cmocka_unit_test(full_texts_of_one_character_end),
		cmocka_unit_test(no_byte_makes_another_number),
		cmocka_unit_test(malformed_utf8_is_no_space),
		cmocka_unit_test(every_spelling_of_a_number_is_that_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
