#include "tool/plain.h"

#include <string.h>

#define PLAIN_NOT_UTF8 "\xef\xbf\xbd" /* U+FFFD */
#define PLAIN_HIDDEN   "\xc2\xb7"     /* U+00B7 */

size_t plain_character(const uint8_t *bytes, size_t length, uint32_t *point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 }; /* shorter is overlong */

	if (length == 0)
		return 0;
	uint8_t first = bytes[0];
	size_t size = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (size == 0 || size > length || first > 0xf4)
		return 0;
	uint32_t value = size == 1 ? first : first & (0x7fu >> size);
	for (size_t i = 1; i < size; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (bytes[i] & 0x3f);
	}
	if (value < least[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*point = value;
	return size;
}

static bool is_hidden(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x061c ||
	       point == 0x200e || point == 0x200f || point == 0x2028 || point == 0x2029 ||
	       (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) ||
	       point == 0xfeff || (point >= 0xe0000 && point <= 0xe007f);
}

const char *plain_copy(char *out, size_t size, const char *in, enum plain_breaks breaks)
{
	size_t left = in != NULL ? strlen(in) : 0;
	size_t used = 0;

	if (size == 0)
		return out;
	while (left > 0) {
		uint32_t point = 0;
		size_t length = plain_character((const uint8_t *)in, left, &point);
		const char *shown = in;
		size_t shown_length = length;
		if (length == 0) {
			shown = PLAIN_NOT_UTF8;
			shown_length = strlen(PLAIN_NOT_UTF8);
			length = 1;
		} else if (point == '\t' || point == '\n') {
			shown = breaks == PLAIN_KEEP_BREAKS ? in : " ";
		} else if (is_hidden(point)) {
			shown = PLAIN_HIDDEN;
			shown_length = strlen(PLAIN_HIDDEN);
		}
		if (shown_length > size - 1 - used)
			break;
		memcpy(out + used, shown, shown_length);
		used += shown_length;
		in += length;
		left -= length;
	}
	out[used] = '\0';
	return out;
}

struct span {
	uint32_t first, last;
};

static bool is_in(uint32_t point, const struct span *spans, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (point >= spans[i].first && point <= spans[i].last)
			return true;
	return false;
}

/* Blocks, not single characters: Unicode UAX 11, as far as names and addresses need it. */
size_t plain_character_width(uint32_t point)
{
	static const struct span none[] = {
		{ 0x300, 0x36f },
		{ 0x200b, 0x200d },
		{ 0xfe00, 0xfe0f },
	};
	static const struct span two[] = {
		{ 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },
		{ 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },
		{ 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },   { 0x1f300, 0x1f64f },
		{ 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
	};

	if (is_in(point, none, sizeof none / sizeof none[0]))
		return 0;
	return is_in(point, two, sizeof two / sizeof two[0]) ? 2 : 1;
}

/* Bytes of `text` up to `columns`; *width is what they take. */
static size_t measure(const char *text, size_t columns, size_t *width)
{
	size_t left = strlen(text), used = 0;

	*width = 0;
	while (left > 0) {
		uint32_t point = 0;
		size_t length = plain_character((const uint8_t *)text + used, left, &point);
		size_t wide = length == 0 ? 1 : plain_character_width(point);
		if (wide > columns - *width)
			break;
		*width += wide;
		used += length == 0 ? 1 : length;
		left -= length == 0 ? 1 : length;
	}
	return used;
}

size_t plain_width(const char *text)
{
	size_t width;

	measure(text, SIZE_MAX, &width);
	return width;
}

size_t plain_fit(const char *text, size_t columns)
{
	size_t width;

	return measure(text, columns, &width);
}
