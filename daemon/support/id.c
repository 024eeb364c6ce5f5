#include "support/id.h"

#include <pthread.h>
#include <sys/random.h>

#include "support/bug.h"

#define COUNTER_LAST 0xfff /* 12 bits: the field rand_a */

/* The last identifier's millisecond and counter (RFC 9562, 6.2, method 1). A clock that steps back
 * leaves the millisecond where it was, so that identifiers still sort in the order of their making.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t last_ms;
static unsigned counter;

/* Random bytes are fetched for 16 identifiers at once: a system call for each would be felt at
 * 20,000 alerts a second. Called with the lock held. */
static void random_bytes(uint8_t out[static ID_BYTES])
{
	static uint8_t pool[16 * ID_BYTES];
	static size_t left;

	if (left == 0) {
		/* Whole or not at all up to 256 bytes, by its manual. */
		must(getrandom(pool, sizeof(pool), 0) == (ssize_t)sizeof(pool));
		left = sizeof(pool);
	}
	left -= ID_BYTES;
	memcpy(out, pool + left, ID_BYTES);
}

struct id id_new(struct wall now)
{
	struct id id;
	uint64_t ms = now.us > 0 ? (uint64_t)now.us / 1000 : 0;
	unsigned start, count;

	pthread_mutex_lock(&lock);
	random_bytes(id.b);
	start = (unsigned)(id.b[0] << 8 | id.b[1]) & (COUNTER_LAST >> 1); /* leaves room to count */
	if (ms > last_ms) {
		last_ms = ms;
		counter = start;
	} else if (++counter > COUNTER_LAST) {
		last_ms++;
		counter = start;
	}
	ms = last_ms;
	count = counter;
	pthread_mutex_unlock(&lock);

	for (int i = 0; i < 6; i++)
		id.b[i] = (uint8_t)(ms >> (40 - 8 * i));
	id.b[6] = (uint8_t)(0x70 | count >> 8);
	id.b[7] = (uint8_t)count;
	id.b[8] = (id.b[8] & 0x3f) | 0x80;
	return id;
}

static bool has_dash_after(int byte)
{
	return byte == 3 || byte == 5 || byte == 7 || byte == 9;
}

const char *id_format(struct id id, char out[static ID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	char *at = out;

	for (int i = 0; i < ID_BYTES; i++) {
		*at++ = digits[id.b[i] >> 4];
		*at++ = digits[id.b[i] & 15];
		if (has_dash_after(i))
			*at++ = '-';
	}
	*at = '\0';
	return out;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool id_parse(const char *text, struct id *out)
{
	struct id id;

	for (int i = 0; i < ID_BYTES; i++) {
		int high = hex_value(text[0]);
		int low = high < 0 ? -1 : hex_value(text[1]);
		if (low < 0)
			return false;
		id.b[i] = (uint8_t)(high << 4 | low);
		text += 2;
		if (has_dash_after(i) && *text++ != '-')
			return false;
	}
	if (*text != '\0')
		return false;
	*out = id;
	return true;
}
