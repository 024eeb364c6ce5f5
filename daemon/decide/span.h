/*
 * A stretch of a text that somebody else owns, and the few questions that a reader of spellings
 * asks about it. Never reads outside of it; needs no terminator. Used by spelling.c and phone.c.
 */
#ifndef TOCSIN_DECIDE_SPAN_H
#define TOCSIN_DECIDE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *at;
	size_t length;
};

/* `count` is at most s.length, in both. */
static inline struct span span_skip(struct span s, size_t count)
{
	return (struct span){ s.at + count, s.length - count };
}

static inline struct span span_head(struct span s, size_t count)
{
	return (struct span){ s.at, count };
}

static inline struct span span_trim(struct span s)
{
	while (s.length > 0 && s.at[0] == ' ')
		s = span_skip(s, 1);
	while (s.length > 0 && s.at[s.length - 1] == ' ')
		s.length--;
	return s;
}

/* Where the first character of `set` is; s.length when there is none. */
static inline size_t span_find(struct span s, const char *set)
{
	size_t i = 0;

	while (i < s.length && !strchr(set, s.at[i]))
		i++;
	return i;
}

static inline bool span_begins(struct span s, const char *text)
{
	size_t length = strlen(text);
	return length <= s.length && memcmp(s.at, text, length) == 0;
}

static inline bool span_is(struct span s, const char *text)
{
	return strlen(text) == s.length && span_begins(s, text);
}

/* `words` ends with NULL. */
static inline bool span_is_one_of(struct span s, const char *const *words)
{
	for (; *words; words++)
		if (span_is(s, *words))
			return true;
	return false;
}

#endif
