/* `tocsin phone`: three columns whatever comes in, and nothing that a line can break. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tool/verb.h"

static char *output;
static size_t output_length;

/* Runs the verb on `length` bytes; what it prints is in `output` until the next run. */
static int run(const char *option, const void *input, size_t length)
{
	char *argv[] = { "phone", (char *)option, NULL };
	int saved_in = dup(STDIN_FILENO), saved_out = dup(STDOUT_FILENO);
	FILE *in = tmpfile(), *out = tmpfile();

	assert_true(in && out && fwrite(input, 1, length, in) == length && fflush(in) == 0);
	rewind(in);
	fflush(stdout);
	assert_true(dup2(fileno(in), STDIN_FILENO) >= 0 && dup2(fileno(out), STDOUT_FILENO) >= 0);
	int code = phone_verb(option ? 2 : 1, argv);
	fflush(stdout);
	assert_true(dup2(saved_in, STDIN_FILENO) >= 0 && dup2(saved_out, STDOUT_FILENO) >= 0);
	close(saved_in);
	close(saved_out);
	assert_int_equal(fseek(out, 0, SEEK_END), 0);
	output_length = (size_t)ftell(out);
	rewind(out);
	free(output);
	output = calloc(1, output_length + 1);
	assert_non_null(output);
	assert_int_equal(fread(output, 1, output_length, out), output_length);
	fclose(in);
	fclose(out);
	return code;
}

#define assert_prints(input, expected)                                                             \
	do {                                                                                       \
		assert_int_equal(run(NULL, input, sizeof(input) - 1), VERB_DONE);                  \
		assert_string_equal(output, expected);                                             \
	} while (0)

static void one_line_of_each_verdict(void **state)
{
	(void)state;
	assert_prints("01 99 00 12 34\n17\nanonymous\nalice\n",
	              "01 99 00 12 34\tnumber\t+33199001234\n"
	              "17\tshort\t\n"
	              "anonymous\twithheld\t\n"
	              "alice\tinvalid\t\n");
}

static void lines_end_in_every_way(void **state)
{
	(void)state;
	assert_prints("", "");
	assert_prints("\n", "\tinvalid\t\n");
	assert_prints("17", "17\tshort\t\n");
	assert_prints("17\r\n18\r\n", "17\tshort\t\n18\tshort\t\n");
	assert_prints("17\r", "17\tshort\t\n");
	assert_prints("1\r7\n", "1?7\tshort\t\n"); /* no line ends there: a space, as a tab is */
	assert_prints("\n\n17\n", "\tinvalid\t\n\tinvalid\t\n17\tshort\t\n");
}

static void a_tab_does_not_make_a_column(void **state)
{
	(void)state;
	assert_prints("01\t99\t00\t12\t34\n", "01 99 00 12 34\tnumber\t+33199001234\n");
}

static void bytes_come_out_as_they_went_in(void **state)
{
	(void)state;
	assert_prints("num\xe9ro masqu\xe9\n", "num\xe9ro masqu\xe9\twithheld\t\n");
	assert_prints("\xff\xfe\n", "\xff\xfe\tinvalid\t\n");
	assert_prints("t\xc3\xa9l. 0199001234\n", "t\xc3\xa9l. 0199001234\tnumber\t+33199001234\n");
}

static void a_terminal_is_not_steered(void **state)
{
	(void)state;
	assert_prints("\x1b[2J\x07\x7f\n", "?[2J??\tinvalid\t\n");
}

static void what_stands_behind_a_nul_counts(void **state)
{
	static const char input[] = "0199001234\0garbage\n0199001234\n";

	(void)state;
	assert_prints(input, "0199001234?garbage\tinvalid\t\n0199001234\tnumber\t+33199001234\n");
}

static void a_line_of_any_length_is_one_row(void **state)
{
	enum { LENGTH = 1000000 };
	char *input = malloc(LENGTH + 4);

	(void)state;
	assert_non_null(input);
	memset(input, '1', LENGTH);
	memcpy(input + LENGTH, "\n17\n", 4);
	assert_int_equal(run(NULL, input, LENGTH + 4), VERB_DONE);
	assert_memory_equal(output, input, LENGTH);
	assert_string_equal(output + LENGTH, "\tinvalid\t\n17\tshort\t\n");
	assert_int_equal(run("--json", input, LENGTH + 4), VERB_DONE);
	assert_true(output_length < 4096);
	assert_non_null(
	        strstr(output, "1\",\"verdict\":\"invalid\",\"number\":null}\n{\"raw\":\"17\""));
	free(input);
}

static void json_is_a_line_an_object(void **state)
{
	static const char input[] = "01 99 00 12 34\n17\n\"a\"\\\t\xff\n";

	(void)state;
	assert_int_equal(run("--json", input, sizeof input - 1), VERB_DONE);
	assert_string_equal(
	        output,
	        "{\"raw\":\"01 99 00 12 34\",\"verdict\":\"number\",\"number\":\"+33199001234\"}\n"
	        "{\"raw\":\"17\",\"verdict\":\"short\",\"number\":null}\n"
	        "{\"raw\":\"\\\"a\\\"\\\\ "
	        "\xef\xbf\xbd\",\"verdict\":\"invalid\",\"number\":null}\n");
}

/* Rows that straddle the pieces in which the input is read come out whole. */
static void many_lines_keep_their_order(void **state)
{
	enum { LINES = 20000 };
	char *input = malloc(LINES * 12 + 1), *at = input;

	(void)state;
	assert_non_null(input);
	for (int i = 0; i < LINES; i++)
		at += sprintf(at, "01990%05d\n", i);
	assert_int_equal(run(NULL, input, (size_t)(at - input)), VERB_DONE);
	at = output;
	for (int i = 0; i < LINES; i++) {
		char expected[64];
		size_t length = (size_t)snprintf(expected, sizeof expected,
		                                 "01990%05d\tnumber\t+331990%05d\n", i, i);
		assert_memory_equal(at, expected, length);
		at += length;
	}
	assert_int_equal(*at, '\0');
	free(input);
}

static int free_output(void **state)
{
	(void)state;
	free(output);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line_of_each_verdict),
		cmocka_unit_test(lines_end_in_every_way),
		cmocka_unit_test(a_tab_does_not_make_a_column),
		cmocka_unit_test(bytes_come_out_as_they_went_in),
		cmocka_unit_test(a_terminal_is_not_steered),
		cmocka_unit_test(what_stands_behind_a_nul_counts),
		cmocka_unit_test(a_line_of_any_length_is_one_row),
		cmocka_unit_test(json_is_a_line_an_object),
		cmocka_unit_test(many_lines_keep_their_order),
	};
	return cmocka_run_group_tests(tests, NULL, free_output);
}
