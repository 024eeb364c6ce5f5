/* The statements against the types of sql/0004_happened.sql: as many columns as there are fields,
 * in their order wherever the statement takes the row whole. */
#include "keep/transcript.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char schema[65536];

static int read_schema(void **state)
{
	FILE *f = fopen(SOURCE_DIR "/sql/0004_happened.sql", "r");

	(void)state;
	if (f == NULL)
		return -1;
	schema[fread(schema, 1, sizeof schema - 1, f)] = '\0';
	fclose(f);
	return 0;
}

/* The next name of a list; false at its closing bracket. */
static bool next_name(const char **at, char out[static 64])
{
	while (**at == ' ' || **at == ',' || **at == '\n' || **at == '\t')
		(*at)++;
	if (**at == ')' || sscanf(*at, "%63[a-z0-9_]", out) != 1)
		return false;
	*at += strlen(out);
	return true;
}

static const char *behind(const char *text, const char *words)
{
	const char *at = strstr(text, words);

	if (at == NULL)
		fail_msg("no \"%s\"", words);
	return at + strlen(words);
}

static void test_columns(void **state)
{
	(void)state;
	for (unsigned table = 0; table < TRANSCRIPT_TABLES; table++) {
		const char *sql = transcript_sql(table);
		char words[64], column[64], field[64];
		snprintf(words, sizeof words, "INSERT INTO %s ", transcript_name(table));
		const char *columns = behind(behind(sql, words), "(");
		snprintf(words, sizeof words, "unnest($3::%s[])", transcript_type(table));
		behind(sql, words);
		if (strstr(sql, "$1::integer, $2::bigint, r.*") == NULL)
			continue;
		snprintf(words, sizeof words, "CREATE TYPE %s AS (", transcript_type(table));
		const char *fields = behind(schema, words);
		assert_true(next_name(&columns, column));
		assert_string_equal(column, "node");
		assert_true(next_name(&columns, column));
		assert_string_equal(column, "epoch");
		while (next_name(&fields, field)) {
			assert_true(next_name(&columns, column));
			assert_string_equal(column, field);
			fields += strcspn(fields, ",)"); /* the type */
			if (strncmp(fields, ")", 1) == 0)
				break;
		}
		assert_false(next_name(&columns, column));
	}
}

static void test_every_column_of_an_incident_is_updated(void **state)
{
	const char *sql = transcript_sql(TRANSCRIPT_INCIDENTS);
	const char *columns = behind(sql, "(");
	const char *updates = behind(sql, "DO UPDATE SET ");
	char column[64], words[80];

	(void)state;
	while (next_name(&columns, column)) {
		snprintf(words, sizeof words, "%s = ", column);
		if (strcmp(column, "incident") != 0)
			behind(updates, words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_every_column_of_an_incident_is_updated),
	};

	return cmocka_run_group_tests(tests, read_schema, NULL);
}
