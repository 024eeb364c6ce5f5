/* Folding: what looks different and means the same becomes the same, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "decide/spelling.h"

#define SIZE 64

static const char *folded(const char *raw)
{
	static char out[SIZE + 1];
	struct span s;

	assert_true(spelling_fold(raw, out, SIZE, &s));
	assert_ptr_equal(s.at, out);
	assert_true(s.length <= strlen(raw));
	out[s.length] = '\0';
	return out;
}

static void ascii_keeps_its_meaning(void **state)
{
	(void)state;
	assert_string_equal(folded(""), "");
	assert_string_equal(folded("Az09+-./()@;:<>\"%"), "az09+-./()@;:<>\"%");
	assert_string_equal(folded("a\tb\nc\rd\ve\ff"), "a b c d e f");
	assert_string_equal(folded("a\x01z\x1bz\x7f"), "a\1z\1z\1");
}

static void spaces_dashes_dots_and_quotes_become_one_kind(void **state)
{
	(void)state;
	assert_string_equal(folded("\u00a0\u2000\u2007\u2009\u200a\u202f\u205f\u3000"), "        ");
	assert_string_equal(folded("\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-------");
	assert_string_equal(folded("\u00b7\u2022"), "..");
	assert_string_equal(folded("\u00ab\u00bb\u201c\u201d\u2019"), "\"\"\"\"'");
}

static void what_is_not_seen_is_gone(void **state)
{
	(void)state;
	assert_string_equal(folded("\ufeff0\u00ad1\u200b2\u200f3\u202a4\u202c5\u2066\u2069"),
	                    "012345");
}

static void accents_of_e_go_in_three_encodings(void **state)
{
	(void)state;
	assert_string_equal(folded("Num\u00c9ro masqu\u00e9"), "numero masque");
	assert_string_equal(folded("nume\u0301ro masque\u0301"), "numero masque");
	assert_string_equal(folded("num\xe9ro masqu\xc9"), "numero masque");
	assert_string_equal(folded("N\u00b0"), "no");
	assert_string_equal(folded("\u00b0"), "\1");
	/* A mark over a digit is no accent. */
	assert_string_equal(folded("0\u0336"), "0\1");
	assert_string_equal(folded("\u0301"), "\1");
}

static void bytes_of_windows_1252(void **state)
{
	(void)state;
	assert_string_equal(folded("01\xa0\x39\x39\x96\x30\x97\x92\x93\x94\xb7"), "01 99-0-'\"\".");
	assert_string_equal(folded("\x80\x81\x9f\xff"), "\1\1\1\1");
}

static void other_writings_leave_a_mark(void **state)
{
	(void)state;
	assert_string_equal(folded("\u0661"), "\1");     /* Arabic 1 */
	assert_string_equal(folded("\uff11"), "\1");     /* full-width 1 */
	assert_string_equal(folded("\U0001d7cf"), "\1"); /* mathematical 1 */
	assert_string_equal(folded("\u260e\U0001f4de"), "\1\1");
	assert_string_equal(folded("\u00e0\u00e7\u0430"), "\1\1\1");
}

static void malformed_utf8_leaves_marks(void **state)
{
	(void)state;
	/* Each byte by itself; of Windows-1252 these are letters and signs, but for A0. */
	assert_string_equal(folded("\xc0\xa0"), "\1 "); /* an overlong space */
	assert_string_equal(folded("\xe0\x80\xa0"), "\1\1 ");
	assert_string_equal(folded("\xf0\x80\x80\xa0"), "\1\1\1 ");
	assert_string_equal(folded("\xed\xa0\x80"), "\1");     /* a surrogate */
	assert_string_equal(folded("\xf4\x90\x80\x80"), "\1"); /* beyond Unicode */
	assert_string_equal(folded("\xf5\x80"), "\1\1");
	assert_string_equal(folded("\xf0\x9f\x93"), "\1\1\""); /* cut at the end */
	assert_string_equal(folded("\xe2\x80"
	                           "9"),
	                    "\1\1"
	                    "9"); /* cut before a digit: it stays */
}

static void the_limit_is_in_bytes(void **state)
{
	char raw[SIZE + 2], out[SIZE];
	struct span s = { NULL, 7 };

	(void)state;
	memset(raw, 'A', sizeof raw);
	raw[SIZE] = '\0';
	assert_true(spelling_fold(raw, out, SIZE, &s));
	assert_int_equal(s.length, SIZE);
	raw[SIZE] = 'A';
	raw[SIZE + 1] = '\0';
	s = (struct span){ NULL, 7 };
	assert_false(spelling_fold(raw, out, SIZE, &s));
	assert_int_equal(s.length, 7);
}

/* Every character there is: one of the folded alphabet, and digits only from digits. */
static void every_character_folds_into_the_alphabet(void **state)
{
	(void)state;
	for (uint32_t code = 0x80; code < 0x110000; code++) {
		char raw[5] = { 0 };
		if (code < 0x800) {
			raw[0] = (char)(0xc0 | code >> 6);
			raw[1] = (char)(0x80 | (code & 0x3f));
		} else if (code < 0x10000) {
			raw[0] = (char)(0xe0 | code >> 12);
			raw[1] = (char)(0x80 | (code >> 6 & 0x3f));
			raw[2] = (char)(0x80 | (code & 0x3f));
		} else {
			raw[0] = (char)(0xf0 | code >> 18);
			raw[1] = (char)(0x80 | (code >> 12 & 0x3f));
			raw[2] = (char)(0x80 | (code >> 6 & 0x3f));
			raw[3] = (char)(0x80 | (code & 0x3f));
		}
		const char *out = folded(raw);
		assert_true(strlen(out) <= 1);
		assert_true(*out == '\0' || strchr("\1 -.\"'e", *out));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ascii_keeps_its_meaning),
		cmocka_unit_test(spaces_dashes_dots_and_quotes_become_one_kind),
		cmocka_unit_test(what_is_not_seen_is_gone),
		cmocka_unit_test(accents_of_e_go_in_three_encodings),
		cmocka_unit_test(bytes_of_windows_1252),
		cmocka_unit_test(other_writings_leave_a_mark),
		cmocka_unit_test(malformed_utf8_leaves_marks),
		cmocka_unit_test(the_limit_is_in_bytes),
		cmocka_unit_test(every_character_folds_into_the_alphabet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
