/*
 * Back into a world: the items of a checkpoint and the records behind it, at start, before the
 * first event. State is put back as it was kept; nothing is decided again.
 *
 * A checkpoint is written in slices while the world goes on, so an item may be newer than the
 * checkpoint's position: a record not newer than what an incident already has is passed over.
 */
#ifndef TOCSIN_KEEP_RESTORE_H
#define TOCSIN_KEEP_RESTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide/world.h"

enum restore_end {
	RESTORE_DONE,
	RESTORE_UNREADABLE, /* the bytes are no record: set it aside */
	RESTORE_NO_BASE,    /* changes of an incident that is not there; fine if it was closed later */
	RESTORE_NO_MEMORY,
};

/* `now` and `wall` are those of the start: a deadline fires at the earlier of what its remaining
 * time and its wall time say, at once when it is past. */
enum restore_end restore_item(struct world *w, const uint8_t *bytes, size_t length, struct mono now,
			      struct wall wall);
enum restore_end restore_record(struct world *w, struct position position, const uint8_t *bytes,
				size_t length, struct mono now, struct wall wall);

#endif
