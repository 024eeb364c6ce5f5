/*
 * A list of changed rows (row.h), in the order in which they changed.
 *
 * The loader's thread fills one and hands it to the loop, which applies it; another one keeps what
 * the snapshot does not have yet. Pure memory, one owner at a time.
 */
#ifndef TOCSIN_KEEP_CHANGES_H
#define TOCSIN_KEEP_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keep/row.h"

struct changes {
	uint8_t *bytes;
	size_t used, room, count;
};

struct change {
	enum row_kind kind;
	const uint8_t *bytes; /* borrowed until the list changes */
	size_t length;
};

/* A zeroed struct changes is an empty one; this makes it one again, and overwrites what it held. */
void changes_done(struct changes *c);
bool changes_add(struct changes *c, enum row_kind kind, const uint8_t *bytes, size_t length);
/* for (size_t at = 0; changes_next(c, &at, &change);) … */
bool changes_next(const struct changes *c, size_t *at, struct change *out);

#endif
