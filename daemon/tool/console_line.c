#include "tool/console_line.h"

#include <string.h>

#include "support/text.h"
#include "tool/plain.h"

#define KEY_ESCAPE   0x1b
#define KEY_DELETE   0x7f
#define CTRL(letter) ((letter)&0x1f)

void console_line_init(struct console_line *l)
{
	memset(l, 0, sizeof *l);
}

/* From `at` to the beginning of the character before it. */
static size_t before(const struct console_line *l, size_t at)
{
	while (at > 0 && ((uint8_t)l->text[--at] & 0xc0) == 0x80)
		;
	return at;
}

static size_t behind(const struct console_line *l, size_t at)
{
	if (at < l->length)
		at++;
	while (at < l->length && ((uint8_t)l->text[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static enum console_line_event cut(struct console_line *l, size_t from, size_t to)
{
	memmove(l->text + from, l->text + to, l->length - to + 1);
	l->length -= to - from;
	l->cursor = from;
	return from == to ? CONSOLE_LINE_NOTHING : CONSOLE_LINE_CHANGED;
}

static enum console_line_event insert(struct console_line *l, const uint8_t *bytes, size_t count)
{
	if (count > CONSOLE_COMMAND_LINE_MAX - l->length)
		return CONSOLE_LINE_FULL;
	memmove(l->text + l->cursor + count, l->text + l->cursor, l->length - l->cursor + 1);
	memcpy(l->text + l->cursor, bytes, count);
	l->length += count;
	l->cursor += count;
	return CONSOLE_LINE_CHANGED;
}

static void set_text(struct console_line *l, const char *text)
{
	TEXT_COPY(l->text, text);
	l->length = l->cursor = strlen(l->text);
}

static enum console_line_event move_to(struct console_line *l, size_t at)
{
	l->cursor = at;
	return CONSOLE_LINE_CHANGED;
}

static enum console_line_event show_history(struct console_line *l, bool older)
{
	if (older ? l->history_at == 0 : l->history_at == l->history_count)
		return CONSOLE_LINE_NOTHING;
	if (l->history_at == l->history_count)
		TEXT_COPY(l->typed, l->text);
	l->history_at += older ? -1u : 1u;
	set_text(l, l->history_at == l->history_count ? l->typed : l->history[l->history_at]);
	return CONSOLE_LINE_CHANGED;
}

static size_t word_start(const struct console_line *l)
{
	size_t at = l->cursor;

	while (at > 0 && l->text[at - 1] == ' ')
		at--;
	while (at > 0 && l->text[at - 1] != ' ')
		at--;
	return at;
}

static enum console_line_event control(struct console_line *l, uint8_t key)
{
	switch (key) {
	case '\r':
	case '\n': return CONSOLE_LINE_DONE;
	case CTRL('A'): return move_to(l, 0);
	case CTRL('B'): return move_to(l, before(l, l->cursor));
	case CTRL('E'): return move_to(l, l->length);
	case CTRL('F'): return move_to(l, behind(l, l->cursor));
	case CTRL('H'):
	case KEY_DELETE: return cut(l, before(l, l->cursor), l->cursor);
	case CTRL('K'): return cut(l, l->cursor, l->length);
	case CTRL('U'): return cut(l, 0, l->cursor);
	case CTRL('W'): return cut(l, word_start(l), l->cursor);
	case CTRL('L'): return CONSOLE_LINE_REDRAW;
	case CTRL('N'): return show_history(l, false);
	case CTRL('P'): return show_history(l, true);
	case CTRL('C'): return l->length == 0 ? CONSOLE_LINE_STOPPED : cut(l, 0, l->length);
	case CTRL('D'):
		return l->length == 0 ? CONSOLE_LINE_STOPPED
				      : cut(l, l->cursor, behind(l, l->cursor));
	default: return CONSOLE_LINE_NOTHING;
	}
}

/* A whole escape sequence (ECMA-48, 5.4); one that means nothing here does nothing. */
static enum console_line_event sequence(struct console_line *l, const char *keys)
{
	static const struct {
		const char *keys;
		uint8_t control;
	} known[] = {
		{ "[A", CTRL('P') },  { "OA", CTRL('P') },  { "[B", CTRL('N') },
		{ "OB", CTRL('N') },  { "[C", CTRL('F') },  { "OC", CTRL('F') },
		{ "[D", CTRL('B') },  { "OD", CTRL('B') },  { "[H", CTRL('A') },
		{ "OH", CTRL('A') },  { "[1~", CTRL('A') }, { "[7~", CTRL('A') },
		{ "[F", CTRL('E') },  { "OF", CTRL('E') },  { "[4~", CTRL('E') },
		{ "[8~", CTRL('E') },
	};

	if (strcmp(keys, "[3~") == 0)
		return cut(l, l->cursor, behind(l, l->cursor));
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(known[i].keys, keys) == 0)
			return control(l, known[i].control);
	return CONSOLE_LINE_NOTHING;
}

/* ESC and what follows: "[", parameters, one final letter; "O" and one letter; or one byte. */
static bool is_whole_sequence(const uint8_t *bytes, size_t count)
{
	uint8_t last = bytes[count - 1];

	if (count < 2)
		return false;
	if (count == 2)
		return last != '[' && last != 'O';
	return bytes[1] == 'O' || (last >= 0x40 && last <= 0x7e);
}

static enum console_line_event feed_escape(struct console_line *l)
{
	char keys[sizeof l->pending];
	size_t count = l->pending_count;

	if (!is_whole_sequence(l->pending, count)) {
		if (count == sizeof l->pending)
			l->pending_count = 0;
		return CONSOLE_LINE_NOTHING;
	}
	memcpy(keys, l->pending + 1, count - 1);
	keys[count - 1] = '\0';
	l->pending_count = 0;
	return sequence(l, keys);
}

enum console_line_event console_line_feed(struct console_line *l, uint8_t byte)
{
	uint32_t point;

	if (l->pending_count > 0 && l->pending[0] == KEY_ESCAPE && byte >= 0x20 &&
	    byte != KEY_DELETE) {
		l->pending[l->pending_count++] = byte;
		return feed_escape(l);
	}
	if (byte < 0x20 || byte == KEY_DELETE) {
		l->pending_count = 0; /* what was half there never becomes whole */
		if (byte != KEY_ESCAPE)
			return control(l, byte == '\t' ? ' ' : byte);
		l->pending[l->pending_count++] = byte;
		return CONSOLE_LINE_NOTHING;
	}
	if (byte < 0x80 || byte >= 0xc0)
		l->pending_count = 0;
	if (l->pending_count >= 4)
		l->pending_count = 0;
	l->pending[l->pending_count++] = byte;
	size_t length = plain_character(l->pending, l->pending_count, &point);
	if (length == 0)
		return CONSOLE_LINE_NOTHING;
	l->pending_count = 0;
	char clean[8], typed[8] = "";
	memcpy(typed, l->pending, length);
	plain_copy(clean, sizeof clean, typed, PLAIN_ONE_LINE);
	return insert(l, (const uint8_t *)clean, strlen(clean));
}

const char *console_line_take(struct console_line *l)
{
	bool is_new = l->length > 0 && (l->history_count == 0 ||
					strcmp(l->history[l->history_count - 1], l->text) != 0);

	if (is_new && l->history_count == CONSOLE_LINE_HISTORY) {
		memmove(l->history[0], l->history[1], sizeof l->history - sizeof l->history[0]);
		l->history_count--;
	}
	if (is_new)
		TEXT_COPY(l->history[l->history_count++], l->text);
	l->history_at = l->history_count;
	TEXT_COPY(l->typed, l->text);
	cut(l, 0, l->length);
	return l->typed;
}

void console_line_put_back(struct console_line *l, const char *text)
{
	if (l->length == 0)
		set_text(l, text);
}

void console_line_view(const struct console_line *l, size_t columns, char *out, size_t size,
		       size_t *cursor_column)
{
	char head[CONSOLE_COMMAND_LINE_MAX + 1];
	size_t start = 0;

	memcpy(head, l->text, l->cursor);
	head[l->cursor] = '\0';
	while (start < l->cursor && plain_width(head + start) + 1 > columns)
		start = behind(l, start);
	*cursor_column = plain_width(head + start);
	size_t length = plain_fit(l->text + start, columns);
	if (length >= size)
		length = size - 1;
	memcpy(out, l->text + start, length);
	out[length] = '\0';
}
