#include "support/cursor.h"

struct cursor cursor_over(const void *bytes, size_t length)
{
	static const uint8_t nothing;
	return (struct cursor){ .at = bytes ? bytes : &nothing, .left = bytes ? length : 0 };
}

const uint8_t *cursor_bytes(struct cursor *c, size_t length)
{
	const uint8_t *bytes = c->at;

	if (c->bad || length > c->left) {
		c->bad = true;
		return NULL;
	}
	c->at += length;
	c->left -= length;
	return bytes;
}

uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *b = cursor_bytes(c, 1);
	return b ? b[0] : 0;
}

uint32_t cursor_u32_be(struct cursor *c)
{
	const uint8_t *b = cursor_bytes(c, 4);
	return b ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] : 0;
}

uint32_t cursor_u32_le(struct cursor *c)
{
	const uint8_t *b = cursor_bytes(c, 4);
	return b ? (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0] : 0;
}

uint64_t cursor_u64_le(struct cursor *c)
{
	const uint8_t *b = cursor_bytes(c, 8);
	uint64_t value = 0;

	for (int i = 7; b && i >= 0; i--)
		value = value << 8 | b[i];
	return value;
}

bool cursor_is_done(const struct cursor *c)
{
	return !c->bad && c->left == 0;
}
