#include "support/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/text.h"

#define LOG_LINE_MAX  2048 /* below PIPE_BUF, so that a line goes out whole or not at all */
#define LOG_VALUE_MAX 512  /* bytes of a value before escaping; the rest is cut, with a mark */
#define LOG_CUT       "…"

static _Atomic int least_urgent = LOG_LEVEL_INFO;
static atomic_ulong lost_total;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long lost_told; /* under the lock */

struct line {
	char text[LOG_LINE_MAX];
	size_t used;
	bool full;
};

/* Appends all of it or, once something did not fit, nothing any more. Room for the mark of a cut
 * and the line's end is always kept. */
static void line_add(struct line *l, const char *bytes, size_t length)
{
	size_t room = sizeof(l->text) - sizeof(LOG_CUT "\n");

	if (l->full || length > room - l->used) {
		l->full = true;
		return;
	}
	memcpy(l->text + l->used, bytes, length);
	l->used += length;
}

static void line_add_text(struct line *l, const char *text)
{
	line_add(l, text, strlen(text));
}

static void line_add_number(struct line *l, int64_t number)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%lld", (long long)number);
	line_add(l, digits, (size_t)length);
}

/* A value that stands without quotes: visible ASCII but the quote, the backslash and "=". */
static bool is_plain(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] > '~' || strchr("\"\\=", text[i]))
			return false;
	return length > 0;
}

static void line_add_escaped(struct line *l, const char *text, size_t length)
{
	/* Bytes past ASCII are shown as they are only when all of them make proper UTF-8. */
	bool clean = text_is_clean_utf8(text, length);

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		char hex[8];
		if (c == '"' || c == '\\') {
			line_add(l, (char[]){ '\\', (char)c }, 2);
		} else if (c == '\n') {
			line_add(l, "\\n", 2);
		} else if (c < ' ' || c == 0x7f || (c > 0x7f && !clean)) {
			snprintf(hex, sizeof(hex), "\\x%02x", c);
			line_add(l, hex, 4);
		} else {
			line_add(l, (char[]){ (char)c }, 1);
		}
	}
}

static void line_add_value(struct line *l, const char *text)
{
	char value[LOG_VALUE_MAX];
	bool whole = TEXT_COPY(value, text);
	size_t length = strlen(value);

	if (whole && is_plain(value, length)) {
		line_add(l, value, length);
		return;
	}
	line_add(l, "\"", 1);
	line_add_escaped(l, value, length);
	if (!whole)
		line_add_text(l, LOG_CUT);
	line_add(l, "\"", 1);
}

static void line_begin(struct line *l, enum log_level level, const char *name)
{
	l->used = 0;
	l->full = false;
	line_add_text(l, "<");
	line_add_number(l, level);
	line_add_text(l, ">");
	line_add_text(l, name);
}

static void line_add_pair(struct line *l, const struct log_pair *pair)
{
	line_add_text(l, " ");
	line_add_text(l, pair->key);
	line_add_text(l, "=");
	if (pair->text)
		line_add_value(l, pair->text);
	else
		line_add_number(l, pair->number);
}

static void line_end(struct line *l)
{
	const char *end = l->full ? LOG_CUT "\n" : "\n";
	size_t length = strlen(end);

	memcpy(l->text + l->used, end, length);
	l->used += length;
}

/* Never waits: a journal that hangs must not hold an alert, so a line for which there is no room
 * now is dropped and counted. Called with the lock held, so that nobody takes the room between. */
static bool line_send(const struct line *l)
{
	size_t sent = 0;

	while (sent < l->used) {
		struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
		ssize_t n;
		if (poll(&out, 1, 0) != 1 || !(out.revents & POLLOUT))
			return false;
		n = write(STDERR_FILENO, l->text + sent, l->used - sent);
		if (n > 0)
			sent += (size_t)n;
		else if (n == 0 || errno != EINTR)
			return false;
	}
	return true;
}

/* Says once there is room again how many lines are missing before this one. */
static void tell_lost(void)
{
	unsigned long lost = atomic_load(&lost_total);
	struct line l;

	if (lost == lost_told)
		return;
	line_begin(&l, LOG_LEVEL_WARN, "log-lost");
	line_add_pair(&l, &(struct log_pair)LOG_NUMBER("lines", lost - lost_told));
	line_end(&l);
	if (line_send(&l))
		lost_told = lost;
}

void log_write(enum log_level level, const char *name, const struct log_pair *pairs)
{
	struct line l;

	if ((int)level > atomic_load_explicit(&least_urgent, memory_order_relaxed))
		return;
	line_begin(&l, level, name);
	for (; pairs->key; pairs++)
		line_add_pair(&l, pairs);
	line_end(&l);

	int saved = errno;
	pthread_mutex_lock(&lock);
	tell_lost();
	if (!line_send(&l))
		atomic_fetch_add(&lost_total, 1);
	pthread_mutex_unlock(&lock);
	errno = saved;
}

unsigned long log_lost(void)
{
	return atomic_load(&lost_total);
}

void log_set_level(enum log_level least)
{
	atomic_store(&least_urgent, (int)least);
}
