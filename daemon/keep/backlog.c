#include "keep/backlog.h"

#include <errno.h>
#include <stdlib.h>

#include "keep/record.h"
#include "support/log.h"

void backlog_init(struct backlog *b, const struct folder *folder)
{
	*b = (struct backlog){ .folder = folder };
}

static void close_reader(struct backlog *b)
{
	if (b->is_open)
		journal_reader_close(&b->reader);
	b->is_open = false;
}

void backlog_done(struct backlog *b)
{
	close_reader(b);
}

static void open_reader(struct backlog *b, struct position after)
{
	if (b->is_open && position_compare(b->at, after) == 0)
		return;
	close_reader(b);
	journal_reader_open(&b->reader, b->folder, after);
	b->reader.set_aside = true;
	b->is_open = true;
	b->at = after;
}

static void note_trouble(struct backlog *b, enum journal_read what, const struct journal_reading *r)
{
	char near[POSITION_TEXT_SIZE];

	if (what == JOURNAL_READ_GAP)
		b->gaps += r->lost;
	else if (what == JOURNAL_READ_BAD)
		b->bad++;
	position_format(what == JOURNAL_READ_GAP ? r->position : r->after, near);
	log_event(r->lost ? LOG_LEVEL_CRIT : LOG_LEVEL_NOTICE, "journal-hole",
	          LOG_TEXT("what", what == JOURNAL_READ_GAP   ? "gap"
	                           : what == JOURNAL_READ_BAD ? "bad"
	                                                      : "torn"),
	          LOG_TEXT("near", near), LOG_TEXT("lost", r->lost ? "yes" : "no"));
}

/* Fills the chunk until it is full, the limit is reached or another epoch begins. */
static enum journal_read fill(struct backlog *b, struct record_chunk *c, struct position limit,
                              uint32_t records_max)
{
	size_t largest = record_chunk_size(RECORD_BYTES_MAX);
	struct journal_reading r;
	enum journal_read what = JOURNAL_READ_RECORD;

	while (c->room - c->used >= largest && c->count < records_max) {
		what = journal_reader_next(&b->reader, limit, &r);
		if (what == JOURNAL_READ_END || what == JOURNAL_READ_FAILED)
			break;
		if (what != JOURNAL_READ_RECORD) {
			note_trouble(b, what, &r);
			continue;
		}
		if (!record_chunk_add(c, r.position, r.bytes, r.length)) {
			close_reader(b); /* the first one of another epoch: it comes with the next
			                    call */
			break;
		}
		b->at = r.position;
	}
	if (what == JOURNAL_READ_FAILED)
		errno = r.error;
	return what;
}

enum backlog_end backlog_read(struct backlog *b, struct position after, struct position until,
                              struct position durable, size_t bytes_max, uint32_t records_max,
                              struct record_chunk **out)
{
	bool is_held_up = position_compare(durable, until) < 0;
	struct record_chunk *c =
	        record_chunk_new(after, bytes_max + record_chunk_size(RECORD_BYTES_MAX));

	*out = NULL;
	if (c == NULL) {
		errno = ENOMEM;
		return BACKLOG_FAILED;
	}
	c->since = clock_mono();
	open_reader(b, after);
	enum journal_read what = fill(b, c, is_held_up ? durable : until, records_max);
	if (c->count > 0) {
		*out = c;
		return BACKLOG_CHUNK;
	}
	free(c);
	if (what == JOURNAL_READ_FAILED) {
		int error = errno;
		close_reader(b);
		errno = error;
		return BACKLOG_FAILED;
	}
	return is_held_up ? BACKLOG_NOT_YET : BACKLOG_NOTHING;
}
