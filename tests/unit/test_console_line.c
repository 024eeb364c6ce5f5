/* The line that is being typed, key by key. */
#include "tool/console_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEFT  "\033[D"
#define RIGHT "\033[C"
#define UP    "\033[A"
#define DOWN  "\033[B"

static struct console_line line;

static enum console_line_event type(const char *keys)
{
	enum console_line_event last = CONSOLE_LINE_NOTHING;

	for (; *keys != '\0'; keys++)
		last = console_line_feed(&line, (uint8_t)*keys);
	return last;
}

static void test_keys(void **state)
{
	static const struct {
		const char *keys, *text;
		size_t cursor;
	} rows[] = {
		{ "take 3", "take 3", 6 },
		{ "tako\177e", "take", 4 },
		{ "taxke" LEFT LEFT "\177", "take", 2 },
		{ "tke" LEFT LEFT "a", "take", 2 },
		{ "\302\240", "\302\240", 2 }, /* a no-break space is one character */
		{ "élève\177\177", "élè", 5 },
		{ "élève" LEFT LEFT LEFT "\033[3~", "élve", 3 },
		{ "abc\001x", "xabc", 1 },
		{ "abc\033[Hx\033[Fy", "xabcy", 5 },
		{ "abc\033OHx\033OFy", "xabcy", 5 },
		{ "abc\033[1~x\033[4~y", "xabcy", 5 },
		{ "note 3 mot de trop\027\027", "note 3 mot ", 11 },
		{ "abc def" LEFT LEFT LEFT "\025", "def", 0 },
		{ "abc def" LEFT LEFT LEFT "\013", "abc ", 4 },
		{ LEFT RIGHT RIGHT "a" LEFT LEFT LEFT "b", "ba", 1 },
		{ "\177\027\025\013\033[3~", "", 0 },
		{ "abc\003", "", 0 },
		/* sequences that mean nothing here leave nothing behind */
		{ "a\033[1;5Cb\033[200~c\033OPd\033xe", "abcde", 5 },
		/* a half character, a stray byte, and a half sequence before a control key */
		{ "a\303b\250c", "abc", 3 },
		{ "a\033[\177b", "b", 1 },
		/* a pasted direction mark is shown as what it is not */
		{ "a\342\200\256b", "a\302\267b", 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		console_line_init(&line);
		type(rows[i].keys);
		if (strcmp(line.text, rows[i].text) != 0 || line.cursor != rows[i].cursor ||
		    line.length != strlen(line.text))
			fail_msg("row %zu: '%s' at %zu", i, line.text, line.cursor);
	}
}

static void test_take(void **state)
{
	(void)state;
	console_line_init(&line);
	assert_int_equal(type("take 3"), CONSOLE_LINE_CHANGED);
	assert_int_equal(type("\r"), CONSOLE_LINE_DONE);
	assert_string_equal(console_line_take(&line), "take 3");
	assert_string_equal(line.text, "");
	assert_int_equal(type("\n"), CONSOLE_LINE_DONE);
	assert_string_equal(console_line_take(&line), "");
}

/* No key leaves the console by mistake. */
static void test_no_key_leaves(void **state)
{
	(void)state;
	console_line_init(&line);
	assert_int_equal(type("\003"), CONSOLE_LINE_STOPPED);
	assert_int_equal(type("\004"), CONSOLE_LINE_STOPPED);
	assert_int_equal(type("x\003"), CONSOLE_LINE_CHANGED);
	assert_int_equal(type("x\001\004"), CONSOLE_LINE_CHANGED);
	assert_string_equal(line.text, "");
	assert_int_equal(type("\032\023\034"), CONSOLE_LINE_NOTHING);
	assert_int_equal(type("\014"), CONSOLE_LINE_REDRAW);
}

static void test_history(void **state)
{
	char keys[32];

	(void)state;
	console_line_init(&line);
	for (unsigned i = 0; i < CONSOLE_LINE_HISTORY + 2; i++) {
		snprintf(keys, sizeof keys, "take %u\r", i);
		type(keys);
		console_line_take(&line);
	}
	type("take 51\r");
	console_line_take(&line); /* the same again: once */
	type("half typed" UP);
	assert_string_equal(line.text, "take 51");
	type(UP);
	assert_string_equal(line.text, "take 50");
	type(DOWN DOWN);
	assert_string_equal(line.text, "half typed");
	assert_int_equal(type(DOWN), CONSOLE_LINE_NOTHING);
	for (unsigned i = 0; i < 2 * CONSOLE_LINE_HISTORY; i++)
		type(UP);
	assert_string_equal(line.text, "take 2");
	/* an earlier line that is changed and sent leaves the earlier one as it was */
	type("9\r");
	assert_string_equal(console_line_take(&line), "take 29");
	type(UP UP);
	assert_string_equal(line.text, "take 51");
}

static void test_full(void **state)
{
	(void)state;
	console_line_init(&line);
	for (size_t i = 0; i < CONSOLE_COMMAND_LINE_MAX - 1; i++)
		assert_int_equal(type("x"), CONSOLE_LINE_CHANGED);
	assert_int_equal(type("é"), CONSOLE_LINE_FULL);
	assert_int_equal(type("x"), CONSOLE_LINE_CHANGED);
	assert_int_equal(type("x"), CONSOLE_LINE_FULL);
	assert_int_equal(line.length, CONSOLE_COMMAND_LINE_MAX);
}

static void test_put_back(void **state)
{
	(void)state;
	console_line_init(&line);
	console_line_put_back(&line, "note 3 rappelé");
	assert_string_equal(line.text, "note 3 rappelé");
	type(" deux fois");
	console_line_put_back(&line, "other");
	assert_string_equal(line.text, "note 3 rappelé deux fois");
}

static void test_view(void **state)
{
	char out[64];
	size_t column;

	(void)state;
	console_line_init(&line);
	type("0123456789");
	console_line_view(&line, 20, out, sizeof out, &column);
	assert_string_equal(out, "0123456789");
	assert_int_equal(column, 10);
	console_line_view(&line, 6, out, sizeof out, &column);
	assert_string_equal(out, "56789"); /* and room for the cursor behind it */
	assert_int_equal(column, 5);
	type("\001");
	console_line_view(&line, 6, out, sizeof out, &column);
	assert_string_equal(out, "012345");
	assert_int_equal(column, 0);
	console_line_init(&line);
	type("漢字é");
	console_line_view(&line, 4, out, sizeof out, &column);
	assert_string_equal(out, "字é");
	assert_int_equal(column, 3);
}

/* Any bytes at all: the line stays clean UTF-8 of its length. */
static void test_any_bytes(void **state)
{
	unsigned seed = 7;

	(void)state;
	console_line_init(&line);
	for (size_t i = 0; i < 200000; i++) {
		seed = seed * 1103515245 + 12345;
		if (console_line_feed(&line, (uint8_t)(seed >> 16)) == CONSOLE_LINE_DONE &&
		    i % 3 == 0)
			console_line_take(&line);
		assert_true(line.cursor <= line.length && line.length <= CONSOLE_COMMAND_LINE_MAX);
		assert_int_equal(line.text[line.length], '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),          cmocka_unit_test(test_take),
		cmocka_unit_test(test_no_key_leaves), cmocka_unit_test(test_history),
		cmocka_unit_test(test_full),          cmocka_unit_test(test_put_back),
		cmocka_unit_test(test_view),          cmocka_unit_test(test_any_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
