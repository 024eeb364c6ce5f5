#include "keep/preamble.h"

#include <string.h>

#include "keep/crc32c.h"
#include "keep/little_endian.h"

void preamble_write(uint8_t out[static PREAMBLE_BYTES],
                    const char magic[static PREAMBLE_MAGIC_BYTES], uint32_t version)
{
	memcpy(out, magic, PREAMBLE_MAGIC_BYTES);
	put_u32(out + 8, version);
	put_u32(out + 12, crc32c(0, out, 12));
}

enum preamble preamble_read(const uint8_t in[static PREAMBLE_BYTES],
                            const char magic[static PREAMBLE_MAGIC_BYTES], uint32_t version_max)
{
	if (memcmp(in, magic, PREAMBLE_MAGIC_BYTES) != 0 || get_u32(in + 12) != crc32c(0, in, 12))
		return PREAMBLE_BAD;
	return get_u32(in + 8) > version_max ? PREAMBLE_NEWER : PREAMBLE_KNOWN;
}
