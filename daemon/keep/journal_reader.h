/*
 * Reads a journal in order, across segments and epochs, while it is being written or long after.
 *
 * The follower (journal to PostgreSQL), recovery and the `tocsin journal` verbs each open one. It
 * gives records only up to the durable position that it is told, says what is missing or bad and
 * never skips it in silence. It takes no lock, shares nothing with the writer but the files, and
 * belongs to one thread. With `set_aside` it copies bad bytes to aside/; it writes nothing else.
 */
#ifndef TOCSIN_KEEP_JOURNAL_READER_H
#define TOCSIN_KEEP_JOURNAL_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "keep/folder.h"
#include "keep/segment.h"
#include "support/position.h"

/* As the durable position: everything there is. For a journal that nobody writes. */
#define JOURNAL_READER_ALL ((struct position){ .epoch = UINT32_MAX, .number = UINT64_MAX })

enum journal_read {
	JOURNAL_READ_NONE,   /* never an answer */
	JOURNAL_READ_RECORD,
	JOURNAL_READ_END,    /* nothing more that is durable; ask again with a later position */
	JOURNAL_READ_GAP,    /* `position` does not follow `after`; its record comes next */
	JOURNAL_READ_BAD,    /* `from` to `to` of `segment` are no records where some had to be */
	JOURNAL_READ_TORN,   /* likewise, at the end of an epoch: of a batch never confirmed */
	JOURNAL_READ_FAILED, /* `error`: the folder or a file cannot be read; ask again later */
};

struct journal_reading {
	struct position position; /* of the record; GAP: of the one after the gap */
	uint32_t version;
	size_t length;
	const uint8_t *bytes;  /* borrowed until the next call */
	struct position after; /* GAP: the last one before it */
	/* GAP, BAD: records that were durable are missing. Otherwise the writer left the numbers
	 * out, or had not confirmed what is missing. */
	bool lost;
	struct segment_key segment;
	off_t from, to;
	bool is_aside; /* BAD: a copy stands in aside/ */
	int error;
};

struct journal_reader {
	struct folder folder;
	struct folder_list list;
	bool set_aside;
	struct position last; /* given, or asked for at the opening; epoch 0: none */
	bool is_open;
	struct segment_view view;
	struct folder_segment segment; /* the open one */
	off_t at;              /* where its next record should stand */
	uint64_t seen;         /* the last number met in it */
	uint64_t limit;        /* from this number on a later segment has the last word */
	bool is_exhausted;     /* nothing more in it, ever */
	bool is_header_unsaid; /* its header is bad, and this was not reported yet */
	bool is_hole_said;     /* the bytes at `at` were reported; what follows is not known yet */
	bool is_hole_lost;     /* durable records were lost in the bytes reported last */
	struct position gap_said;
	struct position ended; /* the durable position at which there was nothing more */
	unsigned long unreadable;
};

/* From the record after `after`; from the oldest when its epoch is 0. Nothing is read yet. */
void journal_reader_open(struct journal_reader *reader, const struct folder *folder,
                         struct position after);
enum journal_read journal_reader_next(struct journal_reader *reader, struct position durable,
                                      struct journal_reading *out);
void journal_reader_close(struct journal_reader *reader);
/* Blocks of 4 KiB that the disk could not read, so far. */
unsigned long journal_reader_unreadable(const struct journal_reader *reader);

#endif
