/*
 * How a console looks: a row of the list, the record of one incident, the line that announces what
 * changed, the banner that says whether the link stands.
 *
 * Pure: writes to a stream, never to the terminal itself; ends each line with a line feed. Colour
 * only repeats what the words say. All that came from outside is cleaned (plain.h).
 */
#ifndef TOCSIN_TOOL_CONSOLE_SCREEN_H
#define TOCSIN_TOOL_CONSOLE_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

#include "support/clock.h"
#include "tool/board.h"

#define CONSOLE_DEGRADED_MAX  8
#define CONSOLE_DEGRADED_SIZE 96

struct console_look {
	bool has_colour;
	unsigned columns; /* rows and banners are never longer; other lines are folded at it */
};

enum console_link_state { CONSOLE_LINK_STARTING, CONSOLE_LINK_LOST, CONSOLE_LINK_UP };

struct console_status {
	enum console_link_state link;
	int64_t lost_ms; /* how long it has been lost */
	const char *why; /* what the last attempt said */
	const char *centre_name, *operator_name;
	size_t open, waiting; /* incidents */
	unsigned degraded_count;
	char degraded[CONSOLE_DEGRADED_MAX][CONSOLE_DEGRADED_SIZE];
};

void console_screen_row(FILE *out, const struct console_look *look, const struct board *board,
			const struct board_entry *entry, struct wall now);

void console_screen_record(FILE *out, const struct console_look *look, const struct board *board,
			   const struct board_entry *entry, struct wall now);

/* What a revision changed (enum board_change); nothing when that is not worth a line. */
void console_screen_event(FILE *out, const struct console_look *look, const struct board *board,
			  const struct board_entry *entry, unsigned change, struct wall now);

/* One line, and one for each degraded state. */
void console_screen_banner(FILE *out, const struct console_look *look,
			   const struct console_status *status, struct wall now);

/* A line of the console's own, with its time; `is_loud` for what must not be missed. */
void console_screen_say(FILE *out, const struct console_look *look, bool is_loud, const char *text,
			struct wall now);

void console_screen_help(FILE *out, const struct console_look *look);

#endif
