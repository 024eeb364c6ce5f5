/* Bounded text: cuts are told and whole characters stay whole; UTF-8, masks, numbers, the hash. */
#include "support/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_copy(void **state)
{
	char out[6] = "zzzzz";

	(void)state;
	assert_true(TEXT_COPY(out, ""));
	assert_string_equal(out, "");
	assert_true(TEXT_COPY(out, "12345"));
	assert_string_equal(out, "12345");
	assert_false(TEXT_COPY(out, "123456"));
	assert_string_equal(out, "12345");
	assert_false(text_copy(out, 1, "x"));
	assert_string_equal(out, "");
	out[0] = 'k';
	assert_false(text_copy(out, 0, "x"));
	assert_int_equal(out[0], 'k');
}

static void test_copy_keeps_characters_whole(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		/* clang-format off */
		{ "1234é", "1234" }, /* é would need a sixth byte */
		{ "123é5", "123é" }, /* fits to the byte */
		{ "123…", "123" },
		{ "1234…", "1234" },
		{ "12…6", "12…" },
		{ "12\xf0\x9f\x9a\xa8", "12" },
		{ "1\xf0\x9f\x9a\xa8\x36", "1\xf0\x9f\x9a\xa8" },
		{ "12345é", "12345" },
		{ "\xbf\xbf\xbf\xbf\xbf\xbf", "\xbf\xbf\xbf\xbf\xbf" }, /* no UTF-8: cut by the byte */
		/* clang-format on */
	};
	char out[6];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_false(TEXT_COPY(out, rows[i].in));
		assert_string_equal(out, rows[i].out);
	}
}

static void test_add(void **state)
{
	char out[12] = "";

	(void)state;
	assert_true(text_add(out, sizeof(out), "%s-%d", "cic", 77));
	assert_true(text_add(out, sizeof(out), "%s", ""));
	assert_true(text_add(out, sizeof(out), "%s", "/abcd"));
	assert_string_equal(out, "cic-77/abcd");
	assert_false(text_add(out, sizeof(out), "%c", 'x'));
	assert_string_equal(out, "cic-77/abcd");

	assert_true(TEXT_COPY(out, "123456789"));
	assert_false(text_add(out, sizeof(out), "%s", "…"));
	assert_string_equal(out, "123456789");

	memset(out, 'x', sizeof(out)); /* not terminated: nothing is written */
	assert_false(text_add(out, sizeof(out), "%s", "y"));
	assert_int_equal(out[11], 'x');
}

static bool clean(const char *in)
{
	return text_is_clean_utf8(in, strlen(in));
}

static void test_clean_utf8(void **state)
{
	static const char *const good[] = {
		"",
		"plain",
		"H\xc3\xb4pital de Meaux",
		"line\nfeed\tand tab",
		"\xc2\xa0", /* no-break space */
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xed\x9f\xbf", /* the last before the surrogates */
		"\xee\x80\x80", /* the first after them */
		"\xef\xbf\xbf",
		"\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf", /* U+10FFFF */
		"\xf0\x9f\x9a\xa8",
	};
	static const char *const bad[] = {
		"\x01",
		"a\rb",
		"\x1b[0m",
		"\x7f",
		"\x80",
		"\xbf",
		"\xc0\x80", /* overlong NUL */
		"\xc1\xbf",
		"\xc2",
		"\xc2"
		"A",
		"\xc2\x80", /* C1 */
		"\xc2\x9f",
		"\xe0\x9f\xbf", /* overlong */
		"\xe2\x80",
		"\xe2\x80"
		"A",
		"\xe2"
		"A\x80",
		"\xed\xa0\x80", /* surrogates */
		"\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf", /* overlong */
		"\xf0\x9f\x9a",
		"\xf0\x9f\x9a"
		"A",
		"\xf4\x90\x80\x80", /* past U+10FFFF */
		"\xf5\x80\x80\x80",
		"\xff",
		"good until here \xe9", /* Latin-1 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!clean(good[i]))
			fail_msg("refused: good[%zu]", i);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (clean(bad[i]))
			fail_msg("taken: bad[%zu]", i);
	assert_false(text_is_clean_utf8("a\0b", 3));
	assert_true(text_is_clean_utf8("\xc3\xa9", 2));
	assert_false(
	        text_is_clean_utf8("\xc3\xa9", 1)); /* the length ends it, not what lies behind */
}

/* Every code point, encoded here by the book, is taken or refused as RFC 3629 and the header say.
 */
static void test_clean_utf8_every_character(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		unsigned char b[4];
		size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
		for (size_t i = n - 1; i > 0; i--)
			b[i] = (unsigned char)(0x80 | ((c >> (6 * (n - 1 - i))) & 0x3f));
		b[0] = (unsigned char)(lead[n] | (c >> (6 * (n - 1))));
		bool surrogate = c >= 0xd800 && c <= 0xdfff;
		bool control = (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7f && c < 0xa0);
		if (text_is_clean_utf8((char *)b, n) != (!surrogate && !control))
			fail_msg("U+%04X", c);
	}
}

static void test_mask(void **state)
{
	static const struct {
		const char *number, *masked;
	} rows[] = {
		/* clang-format off */
		{ "+33199001234", "+331990…34" },
		{ "0199001234", "01990…34" },
		{ "+262639981234567", "+262639…67" },
		{ "15", "15" },
		{ "3114", "3114" },
		{ "12345", "…45" },
		{ "123456", "1…56" },
		{ "", "" },
		{ "+33\n99001234", "+33?990…34" }, /* cannot forge a line */
		{ "0123456789012345678901234567890123456789", "0123456…89" },
		/* clang-format on */
	};
	char out[TEXT_MASKED_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(text_mask_number(rows[i].number, out), rows[i].masked);
	assert_string_equal(text_mask_number(NULL, out), "");
}

static void test_to_int(void **state)
{
	/* clang-format off */
	static const char *const bad[] = {
		"", "-1", "+1", " 1", "1 ", "1x", "0x10", "1.0", "1_000", "\xd9\xa1",
		"99999999999999999999", "9223372036854775808",
	};
	/* clang-format on */
	int64_t out = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(text_to_int(bad[i], INT64_MIN, INT64_MAX, &out));
		assert_int_equal(out, 42);
	}
	assert_false(text_to_int("4", 5, 9, &out));
	assert_false(text_to_int("10", 5, 9, &out));
	assert_int_equal(out, 42);
	assert_true(text_to_int("5", 5, 9, &out));
	assert_int_equal(out, 5);
	assert_true(text_to_int("0009", 5, 9, &out));
	assert_int_equal(out, 9);
	assert_true(text_to_int("9223372036854775807", 0, INT64_MAX, &out));
	assert_int_equal(out, INT64_MAX);
}

/* With the key 0 this is the hash that Python 3.11 gives bytes under PYTHONHASHSEED=0; the last
 * row is from the algorithm's paper, worked out by a second program. */
static void test_hash(void **state)
{
	unsigned char counting[63];

	(void)state;
	for (int i = 0; i < 63; i++)
		counting[i] = (unsigned char)i;
	assert_int_equal(text_hash("", 0, 0), 0xd1fba762150c532c);
	assert_int_equal(text_hash("a", 1, 0), 0x407448d2b89b1813);
	assert_int_equal(text_hash("abc", 3, 0), 0xc03bc3a0042630f2);
	assert_int_equal(text_hash("0123456", 7, 0), 0x810aaf7acf670379);
	assert_int_equal(text_hash("01234567", 8, 0), 0xda3dcedf84ea6cc6);
	assert_int_equal(text_hash("012345678", 9, 0), 0xb79d8581f8552753);
	assert_int_equal(text_hash(counting, 63, 0), 0x385d3e39e5f37359);
	assert_int_equal(text_hash("+33199001234", 12, 0x0123456789abcdef), 0xadc5e9527f7b7b4e);
}

/* Where the bytes lie makes no difference. */
static void test_hash_unaligned(void **state)
{
	char room[32];

	(void)state;
	for (int shift = 0; shift < 8; shift++) {
		memcpy(room + shift, "0123456789abcdef", 16);
		assert_int_equal(text_hash(room + shift, 16, 7),
		                 text_hash("0123456789abcdef", 16, 7));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_copy_keeps_characters_whole),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_clean_utf8),
		cmocka_unit_test(test_clean_utf8_every_character),
		cmocka_unit_test(test_mask),
		cmocka_unit_test(test_to_int),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_hash_unaligned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
