#include "keep/journal_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "support/bug.h"

#define READER_COPY_BYTES (64 * 1024)

static bool segment_is_after(const struct folder_segment *segment, const struct segment_key *key)
{
	return segment->key.epoch > key->epoch ||
	       (segment->key.epoch == key->epoch && segment->key.index > key->index);
}

static void segment_close(struct journal_reader *reader)
{
	if (!reader->is_open)
		return;
	reader->unreadable += reader->view.unreadable;
	segment_view_done(&reader->view);
	reader->is_open = false;
}

static bool segment_open(struct journal_reader *reader, const struct folder_segment *segment)
{
	const struct disk *disk = reader->folder.disk;
	const struct folder_path path = folder_segment_path(&reader->folder, &segment->key);
	segment_close(reader);
	const int fd = disk->open(disk->context, path.text, O_RDONLY);
	if (fd < 0)
		return false;
	if (!segment_view_init(&reader->view, disk, fd, &segment->key)) {
		disk->close(disk->context, fd);
		return false;
	}
	reader->segment = *segment;
	reader->is_open = true;
	/* A bad header with no record behind it is bad, or torn, from its first byte on. */
	reader->is_header_unsaid = segment->state != SEGMENT_HEADER_WHOLE && segment->first != 0;
	reader->at = segment->first == 0 ? 0 : SEGMENT_HEADER_BYTES;
	reader->seen = 0;
	reader->is_exhausted = reader->is_hole_said = false;
	reader->limit = UINT64_MAX;
	for (size_t i = 0; i < reader->list.segments_count; i++) {
		const struct folder_segment *other = &reader->list.segments[i];
		if (other->key.epoch == segment->key.epoch &&
		    segment_is_after(other, &segment->key) && other->first != 0 &&
		    other->first < reader->limit)
			reader->limit = other->first;
	}
	return true;
}

/* The files from `from` on, their headers looked at; without those that are blank, and those that
 * retention removed in the meantime. False, errno set. */
static bool list_refresh(struct journal_reader *reader, const struct segment_key *from)
{
	struct folder_list *list = &reader->list;
	if (!folder_list(&reader->folder, list))
		return false;
	size_t kept = 0;
	for (size_t i = 0; i < list->segments_count; i++) {
		struct folder_segment *segment = &list->segments[i];
		if (segment->key.epoch < from->epoch ||
		    (segment->key.epoch == from->epoch && segment->key.index < from->index))
			continue;
		if (!folder_look(&reader->folder, segment)) {
			if (errno == ENOENT)
				continue;
			return false;
		}
		if (segment->state == SEGMENT_HEADER_NEWER) {
			errno = EPROTONOSUPPORT;
			return false;
		}
		if (segment->state != SEGMENT_HEADER_BLANK)
			list->segments[kept++] = *segment;
	}
	list->segments_count = kept;
	return true;
}

/* The latest segment of the epoch that begins with `number` or before it, after `key` if that is
 * given: where several hold a number, the last one written counts. */
static const struct folder_segment *list_find(const struct folder_list *list, uint32_t epoch,
                                              uint64_t number, const struct segment_key *key)
{
	const struct folder_segment *found = NULL;
	for (size_t i = 0; i < list->segments_count; i++) {
		const struct folder_segment *segment = &list->segments[i];
		if (segment->key.epoch == epoch && segment->first != 0 &&
		    segment->first <= number && (key == NULL || segment_is_after(segment, key)))
			found = segment;
	}
	return found;
}

static const struct folder_segment *list_first_after(const struct folder_list *list,
                                                     const struct segment_key *key)
{
	for (size_t i = 0; i < list->segments_count; i++)
		if (segment_is_after(&list->segments[i], key))
			return &list->segments[i];
	return NULL;
}

/* The number that has to come next in the open segment. */
static uint64_t expected(const struct journal_reader *reader)
{
	const struct folder_segment *segment = &reader->segment;
	const uint64_t next =
	        reader->last.epoch == segment->key.epoch ? reader->last.number + 1 : 1;
	const uint64_t first = segment->state == SEGMENT_HEADER_WHOLE ? segment->header.first : 0;
	return next > first ? next : first;
}

/* Copies the bytes as they stand. A copy that exists was made by an earlier reading. */
static bool copy_aside(struct journal_reader *reader, off_t from, off_t to)
{
	const struct disk *disk = reader->folder.disk;
	const struct folder_path folder = folder_path(&reader->folder, FOLDER_ASIDE);
	const struct folder_path path =
	        folder_aside_path(&reader->folder, &reader->segment.key, from);
	if (disk->make_folder(disk->context, folder.text) < 0)
		return false;
	const int fd = disk->open(disk->context, path.text, O_WRONLY | O_CREAT | O_EXCL);
	if (fd < 0)
		return errno == EEXIST;
	bool fine = true;
	uint8_t bytes[READER_COPY_BYTES];
	for (off_t at = from; at < to && fine;) {
		const size_t room =
		        to - at < READER_COPY_BYTES ? (size_t)(to - at) : READER_COPY_BYTES;
		const size_t length = segment_view_copy(&reader->view, at, bytes, room);
		fine = length > 0 && disk_write_all(disk, fd, bytes, length, at - from) == 0;
		at += (off_t)length;
	}
	fine = fine && disk->fsync(disk->context, fd) == 0;
	disk->close(disk->context, fd);
	if (!fine) {
		disk->unlink(disk->context, path.text);
		return false;
	}
	return disk->sync_folder(disk->context, folder.text) == 0;
}

static enum journal_read failed(struct journal_reading *out)
{
	out->error = errno;
	return JOURNAL_READ_FAILED;
}

static enum journal_read bad(struct journal_reader *reader, off_t from, off_t to, bool lost,
                             struct journal_reading *out)
{
	out->segment = reader->segment.key;
	out->from = from;
	out->to = to;
	out->lost = lost;
	out->is_aside = reader->set_aside && to > from && copy_aside(reader, from, to);
	reader->is_hole_lost = reader->is_hole_lost || lost;
	return JOURNAL_READ_BAD;
}

/* The segment to begin with. */
static enum journal_read begin(struct journal_reader *reader, struct position durable,
                               struct journal_reading *out)
{
	const struct segment_key from = { .epoch = reader->last.epoch };
	if (!list_refresh(reader, &from))
		return failed(out);
	const struct folder_segment *first =
	        list_find(&reader->list, from.epoch, reader->last.number + 1, NULL);
	if (first == NULL && reader->list.segments_count > 0)
		first = &reader->list.segments[0];
	if (first == NULL) {
		reader->ended = durable;
		return JOURNAL_READ_END;
	}
	return segment_open(reader, first) ? JOURNAL_READ_NONE : failed(out);
}

/* Nothing more in the open segment, and `next` (or nothing) after it: says what its last bytes are
 * if they are not the zeros they should be. */
static enum journal_read leave(struct journal_reader *reader, const struct folder_segment *next,
                               struct journal_reading *out)
{
	const uint32_t epoch = reader->segment.key.epoch;
	const off_t from = reader->at;
	const off_t to = segment_view_last_byte(&reader->view, from);
	reader->is_exhausted = true;
	reader->at = to;
	if (to == from)
		return JOURNAL_READ_NONE;
	if (next != NULL && next->key.epoch == epoch) {
		/* What a sick file had not confirmed was written again in the next one; any other
		 * file ended whole. */
		if (next->first != 0 && next->first <= expected(reader))
			return JOURNAL_READ_NONE;
		return bad(reader, from, to, true, out);
	}
	/* The next epoch knows how far this one went when that began. */
	if (next != NULL && next->state == SEGMENT_HEADER_WHOLE &&
	    next->header.after.epoch == epoch && next->header.after.number >= expected(reader))
		return bad(reader, from, to, true, out);
	out->segment = reader->segment.key;
	out->from = from;
	out->to = to;
	return JOURNAL_READ_TORN;
}

/* A hole, and whole records behind it in the same file: NONE when there are none. */
static enum journal_read jump(struct journal_reader *reader, struct journal_reading *out)
{
	struct segment_record record;
	const off_t from = reader->at;
	const uint64_t wanted = expected(reader);
	if (reader->is_exhausted ||
	    !segment_view_resync(&reader->view, from, reader->seen, &record) ||
	    record.number >= reader->limit)
		return JOURNAL_READ_NONE;
	const bool was_said = reader->is_hole_said;
	reader->at = record.offset;
	reader->is_hole_said = false;
	/* What lies before the place that was asked for is not this reader's matter. */
	if (was_said || record.offset == from || record.number < wanted)
		return JOURNAL_READ_RECORD;
	return bad(reader, from, record.offset, record.batch > wanted, out);
}

/* There is no record where the next one should be. NONE: look again. */
static enum journal_read move_on(struct journal_reader *reader, struct position durable,
                                 struct journal_reading *out)
{
	const struct segment_key key = reader->segment.key;
	if (!list_refresh(reader, &key))
		return failed(out);
	const struct folder_segment *next =
	        list_find(&reader->list, key.epoch, expected(reader), &key);
	if (next != NULL)
		return segment_open(reader, next) ? JOURNAL_READ_NONE : failed(out);
	enum journal_read answer = jump(reader, out);
	if (answer != JOURNAL_READ_NONE)
		return answer == JOURNAL_READ_RECORD ? JOURNAL_READ_NONE : answer;
	next = list_first_after(&reader->list, &key);
	if (next == NULL && key.epoch == durable.epoch) {
		/* Durable, and not there: more will be written behind it. */
		reader->ended = durable;
		if (reader->is_hole_said)
			return JOURNAL_READ_END;
		reader->is_hole_said = true;
		return bad(reader, reader->at, segment_view_last_byte(&reader->view, reader->at),
		           true, out);
	}
	if (!reader->is_exhausted && (answer = leave(reader, next, out)) != JOURNAL_READ_NONE)
		return answer;
	if (next != NULL)
		return segment_open(reader, next) ? JOURNAL_READ_NONE : failed(out);
	reader->ended = durable;
	return JOURNAL_READ_END;
}

/* Whether the record is what must come after the last one given. `*lost` says, when it is not,
 * whether something that was durable is missing. */
static bool follows(const struct journal_reader *reader, uint64_t number, bool *lost)
{
	const struct folder_segment *segment = &reader->segment;
	const struct position last = reader->last;
	const bool is_known = segment->state == SEGMENT_HEADER_WHOLE;
	const bool is_first = is_known && number == segment->header.first;
	*lost = reader->is_hole_lost;
	if (last.epoch == 0)
		return true; /* from the oldest, whichever that is */
	if (segment->key.epoch == last.epoch) {
		if (number == last.number + 1)
			return true;
		/* The writer may leave numbers out; its header says what it had before. */
		if (is_first)
			*lost = *lost || position_compare(segment->header.after, last) > 0;
		else if (reader->seen == 0)
			*lost = true;
		return false;
	}
	/* An epoch begins: its first header says how far the journal went. An epoch of 0 there: it
	 * began anew, and what became of the rest is not known. */
	const uint32_t before = is_first ? segment->header.after.epoch : 0;
	if (before == 0 || before >= segment->key.epoch ||
	    position_compare(segment->header.after, last) > 0)
		*lost = true;
	return !*lost;
}

static enum journal_read give(struct journal_reader *reader, const struct segment_record *record,
                              struct position durable, struct journal_reading *out)
{
	const struct position position = { reader->folder.node, reader->segment.key.epoch,
		                           record->number };
	bool lost;
	if (position_compare(position, durable) > 0)
		return JOURNAL_READ_END;
	out->position = position;
	out->after = reader->last;
	if (position_compare(reader->gap_said, position) != 0 &&
	    !follows(reader, record->number, &lost)) {
		reader->gap_said = position;
		out->lost = lost;
		return JOURNAL_READ_GAP;
	}
	out->version = record->version;
	out->bytes = record->bytes;
	out->length = record->length;
	reader->last = position;
	reader->seen = record->number;
	reader->at = record->end;
	reader->is_hole_lost = false;
	return JOURNAL_READ_RECORD;
}

void journal_reader_open(struct journal_reader *reader, const struct folder *folder,
                         struct position after)
{
	*reader = (struct journal_reader){ .folder = *folder, .last = after };
	reader->last.node = folder->node;
}

enum journal_read journal_reader_next(struct journal_reader *reader, struct position durable,
                                      struct journal_reading *out)
{
	*out = (struct journal_reading){ 0 };
	if (position_compare(reader->last, durable) >= 0 ||
	    (reader->ended.epoch != 0 && position_compare(reader->ended, durable) == 0))
		return JOURNAL_READ_END;
	for (;;) {
		enum journal_read answer = JOURNAL_READ_NONE;
		struct segment_record record;
		if (!reader->is_open && (answer = begin(reader, durable, out)) != JOURNAL_READ_NONE)
			return answer;
		if (reader->is_header_unsaid) {
			reader->is_header_unsaid = false;
			return bad(reader, 0, SEGMENT_HEADER_BYTES, false, out);
		}
		const bool is_there = segment_view_look(&reader->view, reader->at, &record);
		if (is_there && record.number >= reader->limit)
			reader->is_exhausted = true;
		if (!is_there || reader->is_exhausted)
			answer = move_on(reader, durable, out);
		else if (record.number >= expected(reader))
			return give(reader, &record, durable, out);
		else {
			reader->at = record.end; /* before what was asked for, or given already */
			reader->seen = record.number;
		}
		if (answer != JOURNAL_READ_NONE)
			return answer;
	}
}

void journal_reader_close(struct journal_reader *reader)
{
	segment_close(reader);
	folder_list_done(&reader->list);
}

unsigned long journal_reader_unreadable(const struct journal_reader *reader)
{
	return reader->unreadable + (reader->is_open ? reader->view.unreadable : 0);
}
