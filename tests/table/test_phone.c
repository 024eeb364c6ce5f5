/* Every row of phone.txt is a check; each wrong row is reported, not only the first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decide/phone.h"

#define LINE_SIZE 1024

struct row {
	char verdict[16];
	char expected[32];
	char raw[LINE_SIZE];
};

static int hex(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

static char *put_utf8(char *out, unsigned code)
{
	if (code >= 0x800) {
		*out++ = (char)(0xe0 | code >> 12);
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
	} else {
		*out++ = (char)(0xc0 | code >> 6);
	}
	*out++ = (char)(0x80 | (code & 0x3f));
	return out;
}

/* \uNNNN, \xNN, \t and \\ in place; false: something else behind a backslash. */
static bool unescape(char *text)
{
	char *out = text;
	unsigned code;

	for (const char *in = text; *in; in++) {
		if (*in != '\\') {
			*out++ = *in;
		} else if (in[1] == 't' || in[1] == '\\') {
			*out++ = in[1] == 't' ? '\t' : '\\';
			in++;
		} else if (in[1] == 'x' && hex(in[2]) >= 0 && hex(in[3]) >= 0) {
			*out++ = (char)(hex(in[2]) * 16 + hex(in[3]));
			in += 3;
		} else if (in[1] == 'u' && sscanf(in + 2, "%4x", &code) == 1 && code >= 0x80) {
			out = put_utf8(out, code);
			in += 5;
		} else {
			return false;
		}
	}
	*out = '\0';
	return true;
}

/* False: the line is not a row. */
static bool parse(const char *line, struct row *row)
{
	const char *open = strchr(line, '['), *close = strrchr(line, ']');

	if (!open || !close || close < open ||
	    sscanf(line, "%15s %31s", row->verdict, row->expected) != 2)
		return false;
	memcpy(row->raw, open + 1, (size_t)(close - open - 1));
	row->raw[close - open - 1] = '\0';
	return unescape(row->raw);
}

static bool holds(const struct row *row, unsigned number)
{
	struct phone phone = phone_read(row->raw);
	const char *name = phone_verdict_name(phone.verdict);
	const char *expected = strcmp(row->expected, "-") ? row->expected : "";

	if (strcmp(name, row->verdict) == 0 && strcmp(phone.text, expected) == 0)
		return true;
	print_error("phone.txt:%u: [%s] is %s %s, should be %s %s\n", number, row->raw, name,
	            phone.text, row->verdict, expected);
	return false;
}

static void every_row_holds(void **state)
{
	char line[LINE_SIZE];
	unsigned number = 0, rows = 0, wrong = 0, of[PHONE_INVALID + 1] = { 0 };
	FILE *file = fopen(SOURCE_DIR "/tests/table/phone.txt", "r");

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof line, file)) {
		struct row row;
		number++;
		if (line[0] == '#' || line[strspn(line, " \n")] == '\0')
			continue;
		rows++;
		if (!parse(line, &row)) {
			print_error("phone.txt:%u: not a row\n", number);
			wrong++;
			continue;
		}
		if (!holds(&row, number))
			wrong++;
		of[phone_read(row.raw).verdict]++;
	}
	fclose(file);
	print_message("%u rows, %u wrong\n", rows, wrong);
	assert_int_equal(wrong, 0);
	/* A table that was emptied by mistake must not pass. */
	for (unsigned verdict = 0; verdict <= PHONE_INVALID; verdict++)
		assert_true(of[verdict] >= 15);
	assert_true(rows >= 250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
