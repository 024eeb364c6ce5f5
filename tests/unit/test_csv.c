#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tool/csv.h"

static const struct csv_column columns[] = {
	{ .name = "code" },
	{ .name = "name" },
	{ .name = "note", .optional = true },
	{ .name = NULL },
};

static struct csv begin(const char *text)
{
	struct csv csv;

	assert_true(csv_begin(&csv, text, strlen(text), columns));
	return csv;
}

static void row_is(struct csv *csv, unsigned line, const char *code, const char *name,
                   const char *note)
{
	assert_int_equal(csv_next(csv), CSV_ROW);
	assert_int_equal(csv->line, line);
	assert_string_equal(csv->fields[0], code);
	assert_string_equal(csv->fields[1], name);
	assert_string_equal(csv->fields[2], note);
}

static void row_is_bad(struct csv *csv, unsigned line, const char *why)
{
	assert_int_equal(csv_next(csv), CSV_BAD_ROW);
	assert_int_equal(csv->line, line);
	assert_string_equal(csv->why, why);
}

static void is_over(struct csv *csv)
{
	assert_int_equal(csv_next(csv), CSV_END);
	assert_int_equal(csv_next(csv), CSV_END);
	csv_close(csv);
}

static void is_refused(const char *text, const char *why)
{
	struct csv csv;

	assert_false(csv_begin(&csv, text, strlen(text), columns));
	assert_string_equal(csv.why, why);
	csv_close(&csv);
}

static void test_rows(void **state)
{
	struct csv csv = begin("code;name\n1;Melun\n2;Meaux\n");

	(void)state;
	row_is(&csv, 2, "1", "Melun", "");
	row_is(&csv, 3, "2", "Meaux", "");
	is_over(&csv);
}

static void test_order_of_columns_is_the_files(void **state)
{
	struct csv csv = begin("note,name,code\nbleu,Melun,1\n");

	(void)state;
	row_is(&csv, 2, "1", "Melun", "bleu");
	is_over(&csv);
}

static void test_as_spreadsheets_write(void **state)
{
	struct csv csv = begin("\xEF\xBB\xBF"
	                       "code\tname\r\n 1 \t\"Brie-Comte-Robert\"\r\n2\tÉpisy  \r\n3\t\"\"");

	(void)state;
	row_is(&csv, 2, "1", "Brie-Comte-Robert", "");
	row_is(&csv, 3, "2", "Épisy", "");
	row_is(&csv, 4, "3", "", "");
	is_over(&csv);
}

static void test_quoted(void **state)
{
	struct csv csv = begin("code;name;note\n"
	                       "1;\"Le \"\"Clos\"\"; bât. B\";\"premier\nsecond\r\ntroisième\"\n"
	                       "2;5\" de large;\" blancs gardés \"\n"
	                       "\"\"\"\";\"\"\"a\"\"\";\"\"\n");

	(void)state;
	/* The carriage return is a control character: a text that holds one is told, not mended. */
	row_is_bad(&csv, 2, "a field is not clean UTF-8 (or holds a control character)");
	row_is(&csv, 5, "2", "5\" de large", " blancs gardés ");
	row_is(&csv, 6, "\"", "\"a\"", "");
	is_over(&csv);
	csv = begin("code;name;note\n1;x;\"premier\nsecond\"\n2;y;\n");
	row_is(&csv, 2, "1", "x", "premier\nsecond");
	row_is(&csv, 4, "2", "y", "");
	is_over(&csv);
}

static void test_blank_lines_and_remarks(void **state)
{
	struct csv csv = begin("# un échantillon\n\ncode;name\n\n#1;Melun\n  \t\r\n2;#Meaux\n\n");

	(void)state;
	row_is(&csv, 7, "2", "#Meaux", "");
	is_over(&csv);
}

static void test_bad_rows_do_not_spoil_the_next(void **state)
{
	struct csv csv = begin("code;name\n"
	                       "1\n"
	                       "2;a;b\n"
	                       "3;\"a\"b;c\n"
	                       "4;\xC3\x28\n"
	                       "5;\xC3\x28;x;y\n"
	                       "6;\"jamais fermé\n"
	                       "7;Melun\n");

	(void)state;
	row_is_bad(&csv, 2, "it has 1 fields where the first line has 2");
	row_is_bad(&csv, 3, "it has 3 fields where the first line has 2");
	row_is_bad(&csv, 4, "something stands behind a closing quote");
	row_is_bad(&csv, 5, "a field is not clean UTF-8 (or holds a control character)");
	row_is_bad(&csv, 6, "a field is not clean UTF-8 (or holds a control character)");
	row_is_bad(&csv, 7, "a quote is opened and never closed");
	row_is(&csv, 8, "7", "Melun", "");
	is_over(&csv);
}

static void test_nul_is_no_text(void **state)
{
	static const char bytes[] = "code;name\n1;Mel\0un\n2;Meaux";
	struct csv csv;

	(void)state;
	assert_true(csv_begin(&csv, bytes, sizeof(bytes) - 1, columns));
	row_is_bad(&csv, 2, "a field is not clean UTF-8 (or holds a control character)");
	row_is(&csv, 3, "2", "Meaux", "");
	is_over(&csv);
}

static void test_a_field_too_long(void **state)
{
	char *text = malloc(CSV_FIELD_MAX + 100);
	struct csv csv;

	(void)state;
	assert_non_null(text);
	int at = sprintf(text, "code;name\n1;");
	memset(text + at, 'a', CSV_FIELD_MAX + 1);
	strcpy(text + at + CSV_FIELD_MAX + 1, "\n2;Melun\n");
	assert_true(csv_begin(&csv, text, strlen(text), columns));
	row_is_bad(&csv, 2, "a field has more than 8192 bytes");
	row_is(&csv, 3, "2", "Melun", "");
	is_over(&csv);
	free(text);
}

static void test_first_lines_that_are_refused(void **state)
{
	(void)state;
	is_refused("", "it is empty: not even a line that names the columns");
	is_refused("\n# code;name\n", "it is empty: not even a line that names the columns");
	is_refused("code\n1\n", "there is no column 'name'");
	is_refused("code;name;code\n", "there are two columns 'code'");
	is_refused("code;name;mane\n", "nobody knows a column 'mane'");
	is_refused("code;name;\n", "nobody knows a column ''");
	is_refused("code;\"name\n", "a quote is opened and never closed");
	is_refused("Code;Name\n", "nobody knows a column 'Code'");
}

static void test_files(void **state)
{
	char path[] = TEMP_DIR "/csv-XXXXXX";
	int fd = mkstemp(path);
	struct csv csv;

	(void)state;
	assert_true(fd >= 0);
	FILE *file = fdopen(fd, "w");
	fputs("code;name\n", file);
	for (int i = 0; i < 20000; i++)
		fprintf(file, "%d;commune %d\n", i, i);
	assert_int_equal(fclose(file), 0);
	assert_true(csv_open(&csv, path, columns));
	for (unsigned i = 0; i < 20000; i++) {
		char code[16], name[32];
		snprintf(code, sizeof(code), "%u", i);
		snprintf(name, sizeof(name), "commune %u", i);
		row_is(&csv, i + 2, code, name, "");
	}
	is_over(&csv);
	unlink(path);
	assert_false(csv_open(&csv, path, columns));
	assert_string_equal(csv.why, "No such file or directory");
	csv_close(&csv);
	assert_false(csv_open(&csv, TEMP_DIR, columns));
	assert_string_equal(csv.why, "Is a directory");
	csv_close(&csv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_order_of_columns_is_the_files),
		cmocka_unit_test(test_as_spreadsheets_write),
		cmocka_unit_test(test_quoted),
		cmocka_unit_test(test_blank_lines_and_remarks),
		cmocka_unit_test(test_bad_rows_do_not_spoil_the_next),
		cmocka_unit_test(test_nul_is_no_text),
		cmocka_unit_test(test_a_field_too_long),
		cmocka_unit_test(test_first_lines_that_are_refused),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
