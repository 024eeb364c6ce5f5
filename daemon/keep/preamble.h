/*
 * The first sixteen bytes of every file of the journal: what it is and in which format version.
 *
 * This part is promised to every later version: magic (8 bytes), version (4), CRC32C of these
 * twelve (4). Its own sum tells a newer format, which must be left alone, from a version number
 * that went bad on the disk, which must not keep the daemon from starting.
 */
#ifndef TOCSIN_KEEP_PREAMBLE_H
#define TOCSIN_KEEP_PREAMBLE_H

#include <stdint.h>

#define PREAMBLE_BYTES 16
#define PREAMBLE_MAGIC_BYTES 8

enum preamble {
	PREAMBLE_KNOWN, /* this magic, a version up to the one asked for */
	PREAMBLE_NEWER, /* this magic, whole, a later version */
	PREAMBLE_BAD,
};

void preamble_write(uint8_t out[static PREAMBLE_BYTES],
                    const char magic[static PREAMBLE_MAGIC_BYTES], uint32_t version);
enum preamble preamble_read(const uint8_t in[static PREAMBLE_BYTES],
                            const char magic[static PREAMBLE_MAGIC_BYTES], uint32_t version_max);

#endif
