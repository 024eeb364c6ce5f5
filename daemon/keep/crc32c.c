#include "keep/crc32c.h"

#include <pthread.h>
#include <string.h>

#define CRC32C_POLYNOMIAL 0x82F63B78u /* 0x1EDC6F41, reflected */

static pthread_once_t table_once = PTHREAD_ONCE_INIT;
static uint32_t table[256];

static void table_fill(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t crc = byte;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? CRC32C_POLYNOMIAL : 0);
		table[byte] = crc;
	}
}

uint32_t crc32c_by_table(uint32_t crc, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	pthread_once(&table_once, table_fill);
	crc = ~crc;
	for (; length > 0; length--)
		crc = crc >> 8 ^ table[(crc ^ *at++) & 0xFF];
	return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t crc32c_by_instruction(uint32_t crc,
                                                                        const void *bytes,
                                                                        size_t length)
{
	const uint8_t *at = bytes;
	uint64_t sum = (uint32_t)~crc;
	for (; length >= 8; length -= 8, at += 8) {
		uint64_t eight;
		memcpy(&eight, at, 8);
		sum = __builtin_ia32_crc32di(sum, eight);
	}
	uint32_t rest = (uint32_t)sum;
	for (; length > 0; length--)
		rest = __builtin_ia32_crc32qi(rest, *at++);
	return ~rest;
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t length)
{
	if (__builtin_cpu_supports("sse4.2"))
		return crc32c_by_instruction(crc, bytes, length);
	return crc32c_by_table(crc, bytes, length);
}

#else

uint32_t crc32c(uint32_t crc, const void *bytes, size_t length)
{
	return crc32c_by_table(crc, bytes, length);
}

#endif
