/*
 * Reading bytes that came from outside, without ever reading past their end.
 *
 * A cursor that was asked for more than is left turns bad and stays bad; every later read gives
 * zeros. So a decoder reads all its fields and looks once at the end: cursor_is_done().
 * Bounds are checked as `wanted > left`, never as `position + wanted > end`.
 */
#ifndef TOCSIN_SUPPORT_CURSOR_H
#define TOCSIN_SUPPORT_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *at;
	size_t left;
	bool bad;
};

struct cursor cursor_over(const void *bytes, size_t length);
uint8_t cursor_u8(struct cursor *c);
uint32_t cursor_u32_be(struct cursor *c);
uint32_t cursor_u32_le(struct cursor *c);
uint64_t cursor_u64_le(struct cursor *c);
const uint8_t *cursor_bytes(struct cursor *c, size_t length); /* NULL when bad; borrowed */
bool cursor_is_done(const struct cursor *c);                   /* nothing left and never bad */

#endif
