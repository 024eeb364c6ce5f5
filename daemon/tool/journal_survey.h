/*
 * What a journal's folder holds and whether it is whole, for `tocsin journal check`: every epoch from
 * its first record to its last, every checkpoint read to its end, everything that is missing or bad.
 *
 * Reads only; while a daemon holds the folder it is the view of a moment, and the end of what is being
 * written may look torn.
 */
#ifndef TOCSIN_TOOL_JOURNAL_SURVEY_H
#define TOCSIN_TOOL_JOURNAL_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keep/checkpoint.h"
#include "keep/folder.h"
#include "keep/journal_reader.h"

struct journal_survey_epoch {
	uint32_t epoch;
	uint64_t first, last, records, bytes; /* bytes: of payload */
	unsigned segments;
	struct wall begun; /* its first segment that says so */
};

struct journal_survey_trouble {
	enum journal_read what; /* GAP, BAD or TORN */
	struct journal_reading reading; /* without the bytes */
};

struct journal_survey_checkpoint {
	struct position start;
	enum checkpoint_state state;
	struct checkpoint_header header; /* when it is whole */
	uint64_t items;
};

struct journal_survey {
	size_t epochs_count, epochs_room;
	struct journal_survey_epoch *epochs;
	size_t troubles_count, troubles_room;
	struct journal_survey_trouble *troubles;
	size_t checkpoints_count, checkpoints_room;
	struct journal_survey_checkpoint *checkpoints;
	uint64_t records, segments, segments_bytes;
	unsigned blank; /* of the segments: prepared and not used */
	unsigned long unreadable; /* blocks of 4 KiB */
	bool is_whole;  /* nothing that was durable is missing or bad */
};

/* False, errno set (EPROTONOSUPPORT: a later version wrote there); what was found is in `out`. Either
 * way it is to be given to journal_survey_done. */
bool journal_survey(const struct folder *folder, struct journal_survey *out);
void journal_survey_done(struct journal_survey *s);

#endif
