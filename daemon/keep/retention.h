/*
 * How long segments stay: the rule alone, over a list of them. The journal's thread deletes.
 *
 * A segment may go when PostgreSQL has confirmed all of it, no kept checkpoint needs any of it, and
 * it has been full for the days that a restored database may reach back. The days give way to the
 * disk: when the journal is over its ceiling, or cannot prepare its next file, the oldest go early.
 * What is unconfirmed or needed for a start never goes, whatever the disk says.
 */
#ifndef TOCSIN_KEEP_RETENTION_H
#define TOCSIN_KEEP_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keep/folder.h"
#include "support/clock.h"
#include "support/position.h"

struct retention {
	struct position confirmed; /* by PostgreSQL, this and everything before */
	struct position needed;    /* where the oldest checkpoint that counts starts; epoch 0: there is
	                            * none, a start needs every record */
	struct wall now;
	int64_t keep_us;
	uint64_t bytes_max; /* of all segments; 0: no ceiling */
	bool is_pressed;    /* the next file could not be prepared for want of room */
};

enum retention_verdict {
	RETENTION_STAYS,
	RETENTION_GOES,       /* its time is over */
	RETENTION_GOES_EARLY, /* for want of room */
};

/* About the oldest segment of the list; the newest one with a header is in use and never goes. */
enum retention_verdict retention_oldest(const struct folder_list *list,
                                        const struct retention *rule);

uint64_t retention_bytes(const struct folder_list *list);
/* Of the segments that hold something PostgreSQL has not confirmed. */
uint64_t retention_unconfirmed_bytes(const struct folder_list *list, struct position confirmed);

#endif
