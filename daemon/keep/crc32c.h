/*
 * CRC32C (Castagnoli; RFC 3720, 12.1): the check on every record, header and checkpoint item.
 *
 * The processor's own instruction where it has one (SSE 4.2), a table elsewhere; both give the same
 * sums on any machine, so a journal may be read on another one. Called from any thread.
 */
#ifndef TOCSIN_KEEP_CRC32C_H
#define TOCSIN_KEEP_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from `crc`, the sum of what came before; 0 to begin with. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t length);

/* The same by table, whatever the processor; for the test that compares the two. */
uint32_t crc32c_by_table(uint32_t crc, const void *bytes, size_t length);

#endif
