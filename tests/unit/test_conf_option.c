#include "run/conf_option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "run/conf.h"

static size_t size_of(enum conf_type type)
{
	switch (type) {
	case CONF_COUNT: return sizeof(unsigned);
	case CONF_MS: return sizeof(int64_t);
	case CONF_BYTES: return sizeof(uint64_t);
	case CONF_METRES: return sizeof(double);
	case CONF_TEXT:
	case CONF_PATH: return CONF_TEXT_SIZE;
	case CONF_ADDRESSES: return sizeof(struct conf_addresses);
	case CONF_WORD: return sizeof(int);
	}
	return 0;
}

static void table_is_sorted_and_each_row_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < conf_options_count(); i++) {
		const struct conf_option *o = conf_option_at(i);
		size_t help = strlen(o->help);
		if (i > 0)
			assert_true(strcmp(conf_option_at(i - 1)->name, o->name) < 0);
		assert_ptr_equal(conf_option_find(o->name), o);
		/* A name is a short text. */
		if (o->type != CONF_TEXT)
			assert_int_equal(o->size, size_of(o->type));
		assert_true(o->offset <= sizeof(struct conf) - o->size);
		assert_true(o->min <= o->max);
		assert_int_equal(o->type == CONF_WORD, o->words != NULL);
		assert_true(help > 10 && o->help[help - 1] == '.');
	}
	assert_null(conf_option_at(conf_options_count()));
	assert_null(conf_option_find(""));
	assert_null(conf_option_find("node"));
	assert_null(conf_option_find("node.id "));
}

/* No two options share memory, and together they are all of struct conf but its padding: a field
 * without an option could never be set. */
static void every_field_has_one_option(void **state)
{
	unsigned char *covered = calloc(1, sizeof(struct conf));
	size_t padding = 0;
	(void)state;

	for (size_t i = 0; i < conf_options_count(); i++) {
		const struct conf_option *o = conf_option_at(i);
		for (size_t k = 0; k < o->size; k++) {
			if (covered[o->offset + k])
				fail_msg("%s shares its field", o->name);
			covered[o->offset + k] = 1;
		}
	}
	for (size_t at = 0; at < sizeof(struct conf); at++) {
		padding = covered[at] ? 0 : padding + 1;
		assert_true(padding < sizeof(int64_t));
	}
	free(covered);
}

static void bounds_are_inclusive(void **state)
{
	struct conf conf;
	char meant[256], value[32];
	(void)state;

	conf_default(&conf);
	for (size_t i = 0; i < conf_options_count(); i++) {
		const struct conf_option *o = conf_option_at(i);
		if (o->type > CONF_METRES)
			continue;
		snprintf(value, sizeof(value), "%lld", (long long)o->min);
		assert_true(conf_option_set(o, &conf, value, meant, sizeof(meant)));
		snprintf(value, sizeof(value), "%lld", (long long)o->max);
		assert_true(conf_option_set(o, &conf, value, meant, sizeof(meant)));
		if (o->min > 0) {
			snprintf(value, sizeof(value), "%lld", (long long)o->min - 1);
			assert_false(conf_option_set(o, &conf, value, meant, sizeof(meant)));
		}
		if (o->max < INT64_MAX) {
			snprintf(value, sizeof(value), "%lld", (long long)o->max + 1);
			assert_false(conf_option_set(o, &conf, value, meant, sizeof(meant)));
			assert_non_null(strstr(meant, "a number"));
		}
	}
}

static void slips_of_the_hand_find_their_option(void **state)
{
	static const struct {
		const char *wrong, *right;
	} rows[] = {
		{ "jornal.folder", "journal.folder" },
		{ "journal.folders", "journal.folder" },
		{ "journal_folder", "journal.folder" },
		{ "listen.alert", "listen.alerts" },
		{ "tls.cert", NULL },
		{ "tls.certifcate", "tls.certificate" },
		{ "node_id", "node.id" },
		{ "nodeid", "node.id" },
		{ "x", NULL },
		{ "", NULL },
		{ "quelque.chose.d.autre", NULL },
		{ "listen."
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  NULL },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct conf_option *like = conf_option_like(rows[i].wrong);
		if (rows[i].right) {
			assert_non_null(like);
			assert_string_equal(like->name, rows[i].right);
		} else if (like) {
			fail_msg("%s is like %s", rows[i].wrong, like->name);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_sorted_and_each_row_is_whole),
		cmocka_unit_test(every_field_has_one_option),
		cmocka_unit_test(bounds_are_inclusive),
		cmocka_unit_test(slips_of_the_hand_find_their_option),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
