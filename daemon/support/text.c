#include "support/text.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bytes that a UTF-8 character takes, by its first byte; 0 for one that begins none (RFC 3629, 4).
 */
static size_t utf8_length(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

/* The length without the beginning of a character that was cut at the end. */
static size_t whole_length(const char *text, size_t length)
{
	for (size_t back = 1; back <= 3 && back <= length; back++) {
		uint8_t byte = (uint8_t)text[length - back];
		if ((byte & 0xc0) == 0x80)
			continue;
		return utf8_length(byte) > back ? length - back : length;
	}
	return length;
}

bool text_copy(char *out, size_t size, const char *in)
{
	size_t length = strnlen(in, size);

	if (size == 0)
		return false;
	if (length < size) {
		memcpy(out, in, length + 1);
		return true;
	}
	memcpy(out, in, size - 1);
	out[whole_length(out, size - 1)] = '\0';
	return false;
}

bool text_add(char *out, size_t size, const char *format, ...)
{
	size_t used = strnlen(out, size);
	va_list args;
	int wanted;

	if (used == size)
		return false;
	va_start(args, format);
	wanted = vsnprintf(out + used, size - used, format, args);
	va_end(args);
	if (wanted < 0) {
		out[used] = '\0';
		return false;
	}
	if ((size_t)wanted < size - used)
		return true;
	out[whole_length(out, size - 1)] = '\0';
	return false;
}

/* The second byte's range depends on the first: no overlong form, no surrogate, not past U+10FFFF.
 */
static bool utf8_second_is_good(uint8_t first, uint8_t second)
{
	uint8_t min = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	uint8_t max = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	return second >= min && second <= max;
}

static bool is_control(const uint8_t *at, size_t length)
{
	if (length == 1)
		return (at[0] < 0x20 && at[0] != '\t' && at[0] != '\n') || at[0] == 0x7f;
	return length == 2 && at[0] == 0xc2 && at[1] < 0xa0;
}

bool text_is_clean_utf8(const char *in, size_t length)
{
	const uint8_t *at = (const uint8_t *)in;

	while (length > 0) {
		size_t size = utf8_length(*at);
		if (size == 0 || size > length)
			return false;
		if (size > 1 && !utf8_second_is_good(at[0], at[1]))
			return false;
		for (size_t i = 2; i < size; i++)
			if ((at[i] & 0xc0) != 0x80)
				return false;
		if (is_control(at, size))
			return false;
		at += size;
		length -= size;
	}
	return true;
}

const char *text_mask_number(const char *number, char out[static TEXT_MASKED_SIZE])
{
	enum { HEAD_MAX = 7, HIDDEN_MIN = 3, TAIL = 2, PUBLIC_MAX = 4 };
	size_t length = number ? strlen(number) : 0;
	size_t head = length;
	char *at = out;

	/* Up to four digits is a service that anybody may call (17, 112, 3114). */
	if (length > PUBLIC_MAX)
		head = length - HIDDEN_MIN - TAIL < HEAD_MAX ? length - HIDDEN_MIN - TAIL
		                                             : HEAD_MAX;
	for (size_t i = 0; i < head; i++)
		*at++ = number[i] > ' ' && number[i] <= '~' ? number[i] : '?';
	if (head < length) {
		memcpy(at, "…", 3); /* U+2026: three bytes */
		at += 3;
		for (size_t i = length - TAIL; i < length; i++)
			*at++ = number[i] > ' ' && number[i] <= '~' ? number[i] : '?';
	}
	*at = '\0';
	return out;
}

bool text_to_int(const char *in, int64_t min, int64_t max, int64_t *out)
{
	int64_t value = 0;

	if (*in == '\0')
		return false;
	for (; *in != '\0'; in++) {
		if (*in < '0' || *in > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *in - '0', &value))
			return false;
	}
	if (value < min || value > max)
		return false;
	*out = value;
	return true;
}

/* SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): keyed, so that a
 * peer who chooses the text cannot choose where it lands. */
struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

uint64_t text_hash(const void *bytes, size_t length, uint64_t seed)
{
	const uint8_t *at = bytes;
	uint64_t k0 = seed, k1 = 0; /* 64 secret bits are enough to place keys in a table */
	uint64_t last = (uint64_t)length << 56;
	struct sip s = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
		         k1 ^ 0x7465646279746573 };

	for (; length >= 8; at += 8, length -= 8) {
		uint64_t word;
		memcpy(&word, at, 8);
		sip_word(&s, le64toh(word));
	}
	for (size_t i = 0; i < length; i++)
		last |= (uint64_t)at[i] << (8 * i);
	sip_word(&s, last);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
