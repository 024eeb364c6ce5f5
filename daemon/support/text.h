/*
 * Bounded text. A copy that does not fit says so, and always leaves a terminated string that ends
 * on a whole UTF-8 character.
 */
#ifndef TOCSIN_SUPPORT_TEXT_H
#define TOCSIN_SUPPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies as much as fits in `size` bytes, terminator included. False when something was cut. */
bool text_copy(char *out, size_t size, const char *in);
#define TEXT_COPY(array, in) text_copy((array), sizeof(array), (in))

/* Appends printf-style at the end of a terminated text; false when something was cut. */
bool text_add(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms) without NUL or other C0/C1 control
 * characters save tab and line feed. */
bool text_is_clean_utf8(const char *in, size_t length);

/* "+33199001234" -> "+331990…34": enough to follow a case, not enough to call. Returns `out`. */
#define TEXT_MASKED_SIZE 32
const char *text_mask_number(const char *number, char out[static TEXT_MASKED_SIZE]);

/* Decimal digits only, the whole text, within [min, max]; false and *out untouched otherwise. */
bool text_to_int(const char *in, int64_t min, int64_t max, int64_t *out);

uint64_t text_hash(const void *bytes, size_t length, uint64_t seed);

#endif
