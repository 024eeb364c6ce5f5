/*
 * The terminal of a console: what happened scrolls by above, and below it, always in sight, stand
 * the banner, the open incidents and the line being typed.
 *
 * Plain ANSI, no screen of its own, so that all stays in the terminal's own memory. The terminal is
 * raw while it is open: Ctrl-C, Ctrl-Z and Ctrl-S would end, stop or freeze an alarm's last metre.
 * Only the verb console uses it.
 */
#ifndef TOCSIN_TOOL_CONSOLE_TTY_H
#define TOCSIN_TOOL_CONSOLE_TTY_H

#include <stdbool.h>
#include <stddef.h>

struct console_tty;

/* NULL: standard input and output are not a terminal, or no memory. */
struct console_tty *console_tty_open(void);
void console_tty_close(struct console_tty *t); /* the terminal as it was */

/* Reads its size anew; true when it changed. */
bool console_tty_measure(struct console_tty *t);
unsigned console_tty_columns(const struct console_tty *t); /* that a line may have */
unsigned console_tty_rows(const struct console_tty *t);

/* Puts `above` (whole lines, may be empty) where the scroll is, and draws what stays: `area` (whole
 * lines that fit in the columns) and `line` with the cursor. One write. False: the terminal is
 * gone. */
bool console_tty_draw(struct console_tty *t, const char *above, const char *area, const char *line,
		      size_t cursor_column);
/* The screen is not as it was left (another size, Ctrl-L): clears it; what scrolls by begins anew.
 */
void console_tty_clear(struct console_tty *t);
void console_tty_ring(struct console_tty *t);

#endif
