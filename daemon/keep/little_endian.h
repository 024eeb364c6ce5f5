/*
 * Numbers as our files hold them: least significant byte first, whatever the machine, so that a
 * journal can be read elsewhere. Offsets need no alignment. Used by the files of keep/ alone.
 */
#ifndef TOCSIN_KEEP_LITTLE_ENDIAN_H
#define TOCSIN_KEEP_LITTLE_ENDIAN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline void put_u32(uint8_t *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof(value));
}

static inline void put_u64(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
}

static inline uint32_t get_u32(const uint8_t *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static inline uint64_t get_u64(const uint8_t *at)
{
	uint64_t value;
	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

#endif
