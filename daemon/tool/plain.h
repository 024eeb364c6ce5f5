/*
 * Text from outside made safe to show: on a terminal it must not move the cursor, ring, change the
 * title or turn the reading direction; in JSON it must be UTF-8.
 *
 * Called by everything in tool/ that shows a name, a note or an address. Pure; never fails. Widths
 * are columns of a terminal: combining marks take none, East Asian wide characters and emoji two.
 */
#ifndef TOCSIN_TOOL_PLAIN_H
#define TOCSIN_TOOL_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum plain_breaks { PLAIN_ONE_LINE, PLAIN_KEEP_BREAKS }; /* tab and line feed: blanks, or kept */

/* Copies what fits. Bytes that are not UTF-8 become U+FFFD; control characters and the marks that
 * turn the reading direction (Unicode TR36, 3.2 and UAX 9) become U+00B7. `in` may be NULL: empty.
 * Returns `out`. */
const char *plain_copy(char *out, size_t size, const char *in, enum plain_breaks breaks);

size_t plain_width(const char *text); /* of clean text */

/* How many bytes of clean text fit in `columns`, on a whole character. */
size_t plain_fit(const char *text, size_t columns);

/* One UTF-8 character at the front of `bytes`: its length and *point; 0 when there is none. */
size_t plain_character(const uint8_t *bytes, size_t length, uint32_t *point);
size_t plain_character_width(uint32_t point);

#endif
