/*
 * The line that a dispatcher is typing: bytes of a terminal in raw mode become an edited line.
 *
 * Pure. The line belongs to the dispatcher: nothing that arrives meanwhile touches it, and no key
 * quits, suspends or freezes the console by mistake (Ctrl-C only empties the line). Understood:
 * arrows, Home, End, Backspace, Delete, Ctrl-A E K U W L, and up and down through earlier lines.
 */
#ifndef TOCSIN_TOOL_CONSOLE_LINE_H
#define TOCSIN_TOOL_CONSOLE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tool/console_command.h"

#define CONSOLE_LINE_HISTORY 50

enum console_line_event {
	CONSOLE_LINE_NOTHING,
	CONSOLE_LINE_CHANGED,
	CONSOLE_LINE_DONE,    /* Enter: console_line_take() */
	CONSOLE_LINE_REDRAW,  /* Ctrl-L */
	CONSOLE_LINE_STOPPED, /* Ctrl-C on an empty line, or Ctrl-D: the way to leave is to be told
			       */
	CONSOLE_LINE_FULL,    /* no room: the character was not taken */
};

struct console_line {
	char text[CONSOLE_COMMAND_LINE_MAX + 1]; /* clean UTF-8 */
	size_t length, cursor;                   /* bytes */
	uint8_t pending[32]; /* a character or an escape sequence that is not whole yet */
	size_t pending_count;
	unsigned history_count, history_at; /* history_at == history_count: the line being typed */
	char history[CONSOLE_LINE_HISTORY][CONSOLE_COMMAND_LINE_MAX + 1];
	char typed[CONSOLE_COMMAND_LINE_MAX + 1]; /* set aside while an earlier line is shown */
};

void console_line_init(struct console_line *l);
enum console_line_event console_line_feed(struct console_line *l, uint8_t byte);

/* The finished line, which lives until the next call; it goes into the history, and the line is
 * empty again. */
const char *console_line_take(struct console_line *l);

/* Puts a line back to be typed on, when nothing has been typed since. */
void console_line_put_back(struct console_line *l, const char *text);

/* The part that fits in `columns` with the cursor in it; *cursor_column is from its beginning. */
void console_line_view(const struct console_line *l, size_t columns, char *out, size_t size,
		       size_t *cursor_column);

#endif
