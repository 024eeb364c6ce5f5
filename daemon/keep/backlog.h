/*
 * What PostgreSQL lacks and memory no longer holds, read from the node's journal: after a time
 * away, after a restart, or when the database is an older one that was restored.
 *
 * The follower's alone. Reads only what the journal has confirmed; what is missing or bad there is
 * logged and counted, never passed over in silence.
 */
#ifndef TOCSIN_KEEP_BACKLOG_H
#define TOCSIN_KEEP_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keep/journal_reader.h"
#include "keep/record_queue.h"
#include "support/position.h"

struct backlog {
	const struct folder *folder; /* borrowed */
	struct journal_reader reader;
	bool is_open;
	struct position at; /* the reader's, when open */
	uint64_t gaps, bad; /* places where durable records were lost, or bytes were no records */
};

enum backlog_end {
	BACKLOG_CHUNK,   /* some records */
	BACKLOG_NOT_YET, /* the next ones are not durable yet */
	BACKLOG_NOTHING, /* the journal has none up to `until` */
	BACKLOG_FAILED,  /* it cannot be read; errno */
};

void backlog_init(struct backlog *b, const struct folder *folder);
void backlog_done(struct backlog *b);

/* The records after `after` up to `until`, of one epoch, as many as fit. `*out` is the caller's. */
enum backlog_end backlog_read(struct backlog *b, struct position after, struct position until,
                              struct position durable, size_t bytes_max, uint32_t records_max,
                              struct record_chunk **out);

#endif
