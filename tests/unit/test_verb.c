/* What every verb of the command shares: choosing, options, help, exit codes. */
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

#define TEXT_SIZE 8192

static struct {
	int saved[2];
	FILE *files[2];
	char texts[2][TEXT_SIZE]; /* what went to standard output and standard error */
} caught;

static void catch_begin(void)
{
	fflush(stdout);
	fflush(stderr);
	for (int i = 0; i < 2; i++) {
		caught.saved[i] = dup(STDOUT_FILENO + i);
		caught.files[i] = tmpfile();
		assert_non_null(caught.files[i]);
		assert_true(dup2(fileno(caught.files[i]), STDOUT_FILENO + i) >= 0);
	}
}

static void catch_end(void)
{
	fflush(stdout);
	fflush(stderr);
	for (int i = 0; i < 2; i++) {
		assert_true(dup2(caught.saved[i], STDOUT_FILENO + i) >= 0);
		close(caught.saved[i]);
		rewind(caught.files[i]);
		size_t got = fread(caught.texts[i], 1, TEXT_SIZE - 1, caught.files[i]);
		caught.texts[i][got] = '\0';
		fclose(caught.files[i]);
	}
}

static const char *out(void)
{
	return caught.texts[0];
}
static const char *err(void)
{
	return caught.texts[1];
}

static struct {
	bool json;
	const char *centre;
	int first, argc;
	char name[16];
} seen;

static int show_verb(int argc, char **argv)
{
	const struct verb_option options[] = {
		{"centre", NULL,       &seen.centre, "ID", "whose incidents"       },
		{ "json",  &seen.json, NULL,         NULL, "one JSON object a line"},
		{ NULL,    NULL,       NULL,         NULL, NULL                    },
	};
	const struct verb_form form = { "[FILE]", "Shows.", options, 0, 1 };
	int code;

	seen.json = false;
	seen.centre = "cic-77";
	snprintf(seen.name, sizeof seen.name, "%s", argv[0]);
	if (!verb_begin(&form, argc, argv, &seen.first, &code))
		return code;
	seen.argc = argc;
	return VERB_DONE;
}

static int fail_verb(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("half");
	return verb_refuse("no such file: %s", "x.csv");
}

static int need_verb(int argc, char **argv)
{
	const struct verb_option options[] = {
		{NULL, NULL, NULL, NULL, NULL}
	};
	const struct verb_form form = { "FILE", "Needs.", options, 1, 1 };
	int first, code;

	return verb_begin(&form, argc, argv, &first, &code) ? VERB_DONE : code;
}

static const struct verb table[] = {
	{"fail",  fail_verb, "fails"       },
	{ "need", need_verb, "needs a file"},
	{ "show", show_verb, "shows"       },
	{ NULL,   NULL,      NULL          },
};

/* Runs "tocsin" with the words. */
#define run(...) run_words((char *[]){ "tocsin", __VA_ARGS__ __VA_OPT__(, ) NULL })

static int run_words(char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	catch_begin();
	int code = verb_choose(table, "About.", argc, argv);
	catch_end();
	return code;
}

static void a_verb_gets_its_own_words(void **state)
{
	(void)state;
	assert_int_equal(run("show"), VERB_DONE);
	assert_string_equal(seen.name, "show");
	assert_string_equal(seen.centre, "cic-77"); /* the default stays */
	assert_false(seen.json);
	assert_int_equal(run("show", "--json", "--centre", "corg-77", "file"), VERB_DONE);
	assert_true(seen.json);
	assert_string_equal(seen.centre, "corg-77");
	assert_int_equal(seen.argc - seen.first, 1);
	assert_int_equal(run("show", "file", "--centre=corg-77", "--json"),
	                 VERB_DONE); /* any order */
	assert_true(seen.json);
	assert_int_equal(seen.argc - seen.first, 1);
	assert_int_equal(run("show", "--", "--json"), VERB_DONE); /* a file of that name */
	assert_false(seen.json);
	assert_string_equal(out(), "");
	assert_string_equal(err(), "");
}

static void help_goes_to_standard_output(void **state)
{
	(void)state;
	assert_int_equal(run("--help"), VERB_DONE);
	assert_non_null(strstr(out(), "Usage: tocsin "));
	assert_non_null(strstr(out(), "About."));
	assert_non_null(strstr(out(), "  fail  fails\n"));
	assert_non_null(strstr(out(), "  show  shows\n"));
	assert_int_equal(run("show", "--help"), VERB_DONE);
	assert_non_null(strstr(out(), "Usage: tocsin show [OPTION ...] [FILE]\n"));
	assert_non_null(strstr(out(), "  --centre=ID  whose incidents\n"));
	assert_non_null(strstr(out(), "  --json       one JSON object a line\n"));
	assert_non_null(strstr(out(), "  --help       this text\n"));
	assert_string_equal(err(), "");
}

static void misuse_is_said_and_ends_with_2(void **state)
{
	static const struct {
		char *words[4];
		const char *said;
	} rows[] = {
		{{ "tocsin" },                      "tocsin: say which: 'fail', for instance\nTry 'tocsin --help'.\n"},
		{ { "tocsin", "dance" },            "tocsin: there is no 'dance'\nTry 'tocsin --help'.\n"            },
		{ { "tocsin", "show", "--dance" },
                 "tocsin show: there is no option '--dance'\nTry 'tocsin show --help'.\n"                            },
		{ { "tocsin", "show", "-j" },
                 "tocsin show: there is no option '-j'\nTry 'tocsin show --help'.\n"                                 },
		{ { "tocsin", "show", "--json=1" },
                 "tocsin show: option '--json' takes no value\nTry 'tocsin show --help'.\n"                          },
		{ { "tocsin", "show", "--centre" },
                 "tocsin show: option '--centre' needs a value\nTry 'tocsin show --help'.\n"                         },
		{ { "tocsin", "need" },
                 "tocsin need: something is missing: FILE\nTry 'tocsin need --help'.\n"                              },
		{ { "tocsin", "show", "a", "b" },
                 "tocsin show: 'b' is one too many\nTry 'tocsin show --help'.\n"                                     },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *argv[5] = { 0 };
		memcpy(argv, rows[i].words, sizeof rows[i].words);
		assert_int_equal(run_words(argv), VERB_USAGE);
		assert_string_equal(err(), rows[i].said);
		assert_string_equal(out(), "");
	}
}

static void a_refusal_is_one_line_and_ends_with_1(void **state)
{
	(void)state;
	assert_int_equal(run("fail"), VERB_REFUSED);
	assert_string_equal(err(), "tocsin fail: no such file: x.csv\n");
	assert_string_equal(out(), "half");
}

static void the_configuration_has_a_default(void **state)
{
	(void)state;
	assert_string_equal(verb_config(), "/etc/tocsin/tocsin.conf");
	verb_set_config("x.conf");
	assert_string_equal(verb_config(), "x.conf");
	verb_set_config(VERB_CONFIG_DEFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verb_gets_its_own_words),
		cmocka_unit_test(help_goes_to_standard_output),
		cmocka_unit_test(misuse_is_said_and_ends_with_2),
		cmocka_unit_test(a_refusal_is_one_line_and_ends_with_1),
		cmocka_unit_test(the_configuration_has_a_default),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
