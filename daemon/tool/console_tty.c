#include "tool/console_tty.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define COLUMNS_DEFAULT 80
#define COLUMNS_MAX     400
#define ROWS_DEFAULT    24

struct console_tty {
	struct termios before;
	unsigned columns, rows;
	size_t area_rows; /* drawn above the line being typed */
	bool is_clear_due, is_ring_due;
};

bool console_tty_measure(struct console_tty *t)
{
	struct winsize size = { 0 };
	unsigned columns = COLUMNS_DEFAULT, rows = ROWS_DEFAULT;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
		columns = size.ws_col > COLUMNS_MAX ? COLUMNS_MAX : size.ws_col;
		rows = size.ws_row;
	}
	bool changed = columns != t->columns || rows != t->rows;
	t->columns = columns;
	t->rows = rows;
	return changed;
}

struct console_tty *console_tty_open(void)
{
	struct console_tty *t = calloc(1, sizeof *t);

	if (t == NULL || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &t->before) != 0) {
		free(t);
		return NULL;
	}
	struct termios raw = t->before;
	raw.c_iflag &= ~(tcflag_t)(IXON | IXOFF | ICRNL | INLCR | IGNCR | ISTRIP);
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) != 0) {
		free(t);
		return NULL;
	}
	console_tty_measure(t);
	return t;
}

static bool write_all(const char *text, size_t length)
{
	while (length > 0) {
		ssize_t written = write(STDOUT_FILENO, text, length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		text += written;
		length -= (size_t)written;
	}
	return true;
}

void console_tty_close(struct console_tty *t)
{
	if (t == NULL)
		return;
	write_all("\r\n", 2);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &t->before);
	free(t);
}

/* One less than there are: a character in the last column makes some terminals wrap. */
unsigned console_tty_columns(const struct console_tty *t)
{
	return t->columns > 1 ? t->columns - 1 : 1;
}

unsigned console_tty_rows(const struct console_tty *t)
{
	return t->rows;
}

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		lines++;
	return lines;
}

bool console_tty_draw(struct console_tty *t, const char *above, const char *area, const char *line,
		      size_t cursor_column)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return true; /* the next draw may have memory */
	fputs("\033[?25l\r", out);
	if (t->is_clear_due)
		fputs("\033[H\033[2J", out);
	else if (t->area_rows > 0)
		fprintf(out, "\033[%zuA", t->area_rows);
	fprintf(out, "\033[J%s%s%s%s\r", t->is_ring_due ? "\a" : "", above, area, line);
	if (cursor_column > 0)
		fprintf(out, "\033[%zuC", cursor_column);
	fputs("\033[?25h", out);
	t->is_clear_due = t->is_ring_due = false;
	t->area_rows = count_lines(area);
	bool good = fclose(out) != 0 || write_all(text, size);
	free(text);
	return good;
}

void console_tty_clear(struct console_tty *t)
{
	t->is_clear_due = true;
}

void console_tty_ring(struct console_tty *t)
{
	t->is_ring_due = true;
}
