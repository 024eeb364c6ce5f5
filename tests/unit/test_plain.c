/* Text from outside, made safe to show: each row is what came, what is shown and how wide it is. */
#include "tool/plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_copy(void **state)
{
	static const struct {
		const char *in, *one_line, *kept;
		size_t width; /* of one_line */
	} rows[] = {
		{ "", "", "", 0 },
		{ "Mme Éléonore Façade", "Mme Éléonore Façade", "Mme Éléonore Façade", 19 },
		{ "two\nlines\tand", "two lines and", "two\nlines\tand", 13 },
		/* clearing the screen, the title, the bell, DEL and a C1 control sequence */
		{ "a\033[2Jb", "a·[2Jb", "a·[2Jb", 6 },
		{ "\a\177", "··", "··", 2 },
		{ "\302\233"
		  "2J",
		  "·2J", "·2J", 3 },
		{ "\r12 rue fausse", "·12 rue fausse", "·12 rue fausse", 14 },
		/* right-to-left override, isolate, tag, byte order mark */
		{ "a\342\200\256b", "a·b", "a·b", 3 },
		{ "\342\201\247\363\240\200\201\357\273\277", "···", "···", 3 },
		/* not UTF-8: a lone byte, Latin-1, overlong, a surrogate, past the end, cut */
		{ "\200", "\357\277\275", "\357\277\275", 1 },
		{ "caf\351", "caf\357\277\275", "caf\357\277\275", 4 },
		{ "\300\257", "\357\277\275\357\277\275", "\357\277\275\357\277\275", 2 },
		{ "\355\240\200", "\357\277\275\357\277\275\357\277\275",
		  "\357\277\275\357\277\275\357\277\275", 3 },
		{ "\364\220\200\200", "\357\277\275\357\277\275\357\277\275\357\277\275",
		  "\357\277\275\357\277\275\357\277\275\357\277\275", 4 },
		{ "\342\202", "\357\277\275\357\277\275", "\357\277\275\357\277\275", 2 },
		/* combining accent, wide characters */
		{ "e\314\201t", "e\314\201t", "e\314\201t", 2 },
		{ "漢字", "漢字", "漢字", 4 },
	};
	char out[128];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_string_equal(plain_copy(out, sizeof out, rows[i].in, PLAIN_KEEP_BREAKS),
				    rows[i].kept);
		assert_string_equal(plain_copy(out, sizeof out, rows[i].in, PLAIN_ONE_LINE),
				    rows[i].one_line);
		if (plain_width(out) != rows[i].width)
			fail_msg("row %zu: width %zu", i, plain_width(out));
	}
	assert_string_equal(plain_copy(out, sizeof out, NULL, PLAIN_ONE_LINE), "");
}

static void test_copy_never_cuts_a_character(void **state)
{
	char out[8];

	(void)state;
	assert_string_equal(plain_copy(out, 5, "ééé", PLAIN_ONE_LINE), "éé");
	assert_string_equal(plain_copy(out, 6, "ééé", PLAIN_ONE_LINE), "éé");
	assert_string_equal(plain_copy(out, 7, "ééé", PLAIN_ONE_LINE), "ééé");
	assert_string_equal(plain_copy(out, 1, "a", PLAIN_ONE_LINE), "");
	/* a replacement is longer than what it stands for */
	assert_string_equal(plain_copy(out, 3, "\200", PLAIN_ONE_LINE), "");
}

static void test_fit(void **state)
{
	(void)state;
	assert_int_equal(plain_fit("été", 3), 5);
	assert_int_equal(plain_fit("été", 2), 3);
	assert_int_equal(plain_fit("漢字", 3), 3);
	assert_int_equal(plain_fit("漢字", 0), 0);
	assert_int_equal(plain_fit("abc", 10), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_copy_never_cuts_a_character),
		cmocka_unit_test(test_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
