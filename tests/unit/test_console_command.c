/* What a dispatcher types, as commands. */
#include "tool/console_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ID "0192aa00-0000-7000-8000-000000000001"

static char why[CONSOLE_COMMAND_WHY_SIZE];

static void test_good_lines(void **state)
{
	static const struct {
		const char *line, *word;
		unsigned number;
		const char *incident, *alert, *centre, *text;
	} rows[] = {
		{ "take 3", "take", 3, "", "", "", "" },
		{ "  take\t3  ", "take", 3, "", "", "", "" },
		{ "3", "look", 3, "", "", "", "" },
		{ " 12 ", "look", 12, "", "", "", "" },
		{ ID, "look", 0, ID, "", "", "" },
		{ "engage " ID, "engage", 0, ID, "", "", "" },
		{ "note 3 appelant  rappelé, calme\r", "note", 3, "", "", "",
		  "appelant  rappelé, calme" },
		{ "note 3 4", "note", 3, "", "", "", "4" },
		{ "transfer 3 corg-77", "transfer", 3, "", "", "corg-77", "" },
		{ "split 3 2", "split", 3, "", "2", "", "" },
		{ "split 3 " ID, "split", 3, "", ID, "", "" },
		{ "close 3 secours sur place", "close", 3, "", "", "", "secours sur place" },
		{ "clear 3", "clear", 3, "", "", "", "" },
		{ "list", "list", 0, "", "", "", "" },
		{ "quit", "quit", 0, "", "", "", "" },
	};
	struct console_command c;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (!console_command_parse(&c, rows[i].line, why))
			fail_msg("%s: %s", rows[i].line, why);
		assert_string_equal(c.word, rows[i].word);
		assert_int_equal(c.number, rows[i].number);
		assert_string_equal(c.incident, rows[i].incident);
		assert_string_equal(c.alert, rows[i].alert);
		assert_string_equal(c.centre, rows[i].centre);
		assert_string_equal(c.text, rows[i].text);
		assert_string_equal(why, "");
	}
	assert_true(console_command_parse(&c, " \t ", why));
	assert_int_equal(c.order, CONSOLE_NOTHING);
	assert_true(console_command_parse(&c, "refuse 1", why));
	assert_int_equal(c.order, CONSOLE_ACT);
	assert_int_equal(c.verb, TOCSIN__V1__VERB__VERB_REFUSE);
}

static void test_bad_lines(void **state)
{
	static const struct {
		const char *line, *why;
	} rows[] = {
		{ "take", "numéro" },
		{ "take trois", "numéro" },
		{ "take 0", "numéro" },
		{ "take -1", "numéro" },
		{ "take 3 4", "rien n'est attendu" },
		{ "3 4", "rien n'est attendu" },
		{ "TAKE 3", "inconnue" },
		{ "tak 3", "inconnue" },
		{ "t 3", "inconnue" },
		{ "prendre 3", "inconnue" },
		{ "note 3", "il manque le texte" },
		{ "close 3 ", "il manque l'issue" },
		{ "transfer 3", "il manque le centre" },
		{ "transfer 3 corg-77 vite", "rien n'est attendu" },
		{ "transfer 3 a-centre-whose-name-is-far-too-long", "il manque le centre" },
		{ "split 3", "il manque l'alerte" },
		{ "list 3", "rien n'est attendu" },
		{ "a-word-that-is-longer-than-any-identifier-could-be 3", "inconnue" },
	};
	struct console_command c;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (console_command_parse(&c, rows[i].line, why))
			fail_msg("%s: taken", rows[i].line);
		if (strstr(why, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].line, why);
		assert_int_equal(c.order, CONSOLE_NOTHING);
	}
}

/* A text that is too long is refused whole, never cut behind the dispatcher's back. */
static void test_too_long(void **state)
{
	char line[CONSOLE_COMMAND_LINE_MAX + 100];
	struct console_command c;

	(void)state;
	memset(line, 'x', sizeof line - 1);
	line[sizeof line - 1] = '\0';
	memcpy(line, "note 3 ", 7);
	assert_false(console_command_parse(&c, line, why));
	assert_non_null(strstr(why, "trop longue"));
	line[7 + 499] = '\0';
	assert_true(console_command_parse(&c, line, why));
	assert_int_equal(strlen(c.text), 499);
	line[7 + 499] = 'x', line[7 + 500] = '\0';
	assert_false(console_command_parse(&c, line, why));
	assert_non_null(strstr(why, "trop long"));
	assert_true(console_command_parse(
		&c, "close 3 12345678901234567890123456789012345678901234567", why));
	assert_false(console_command_parse(
		&c, "close 3 123456789012345678901234567890123456789012345678", why));
	assert_non_null(strstr(why, "issue trop longue"));
}

/* Each command of the help is one that is understood. */
static void test_help(void **state)
{
	struct console_command c;
	char line[64];

	(void)state;
	for (const struct console_help *h = console_command_help(); h->form != NULL; h++) {
		snprintf(line, sizeof line, "%s", h->form);
		char *number = strstr(line, " N");
		if (number != NULL)
			number[1] = '1';
		if (!console_command_parse(&c, line, why))
			fail_msg("%s: %s", line, why);
		assert_true(h->about[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_lines),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_help),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
