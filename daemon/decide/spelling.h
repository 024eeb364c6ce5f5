/*
 * A text from outside as small plain ASCII, so that its reader has one case, one kind of space, of
 * dash and of dot to know. For telephone numbers: what none of them is written with becomes a mark,
 * never nothing, so that it cannot be overlooked.
 */
#ifndef TOCSIN_DECIDE_SPELLING_H
#define TOCSIN_DECIDE_SPELLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide/span.h"

#define SPELLING_MARK '\1' /* stands for a character without a meaning */

/* Folds `raw`, at most `max` bytes, into `out`, which has room for as many; false: it is longer.
 * UTF-8, and Windows-1252 for every byte that is not. The text that comes out has no NUL. */
bool spelling_fold(const char *raw, char *out, size_t max, struct span *folded);

/* The same for one character of ASCII, whatever it is. */
char spelling_fold_ascii(char c);

static inline bool spelling_is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}
static inline bool spelling_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

#endif
