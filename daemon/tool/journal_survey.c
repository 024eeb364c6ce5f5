#include "tool/journal_survey.h"

#include <errno.h>
#include <stdlib.h>

/* Room for one more; false: no memory. */
static bool grow(void **list, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return true;
	const size_t wanted = *room == 0 ? 16 : *room * 2;
	void *grown = reallocarray(*list, wanted, size);
	if (grown == NULL) {
		errno = ENOMEM;
		return false;
	}
	*list = grown;
	*room = wanted;
	return true;
}

static struct journal_survey_epoch *epoch_of(struct journal_survey *s, uint32_t epoch)
{
	if (s->epochs_count > 0 && s->epochs[s->epochs_count - 1].epoch == epoch)
		return &s->epochs[s->epochs_count - 1];
	if (!grow((void **)&s->epochs, s->epochs_count, &s->epochs_room, sizeof(*s->epochs)))
		return NULL;
	s->epochs[s->epochs_count] = (struct journal_survey_epoch){ .epoch = epoch };
	return &s->epochs[s->epochs_count++];
}

static bool survey_segments(const struct folder *folder, struct folder_list *list,
                            struct journal_survey *s)
{
	for (size_t i = 0; i < list->segments_count; i++) {
		struct folder_segment *segment = &list->segments[i];
		if (!folder_look(folder, segment)) {
			if (errno == ENOENT)
				continue;
			return false;
		}
		s->segments++;
		s->segments_bytes += (uint64_t)segment->bytes;
		s->blank += segment->state == SEGMENT_HEADER_BLANK;
		if (segment->state == SEGMENT_HEADER_BLANK)
			continue;
		struct journal_survey_epoch *epoch = epoch_of(s, segment->key.epoch);
		if (epoch == NULL)
			return false;
		epoch->segments++;
		if (!wall_is_set(epoch->begun) && segment->state == SEGMENT_HEADER_WHOLE)
			epoch->begun = segment->header.created;
	}
	return true;
}

static bool survey_checkpoint(const struct folder *folder, struct position start,
                              struct journal_survey *s)
{
	struct checkpoint_reader reader;
	const uint8_t *bytes;
	size_t length;
	if (!grow((void **)&s->checkpoints, s->checkpoints_count, &s->checkpoints_room,
	          sizeof(*s->checkpoints)))
		return false;
	struct journal_survey_checkpoint *c = &s->checkpoints[s->checkpoints_count];
	*c = (struct journal_survey_checkpoint){ .start = start };
	c->state = checkpoint_open(&reader, folder, start, &c->header);
	if (c->state == CHECKPOINT_FAILED && errno == ENOENT)
		return true; /* pruned in the meantime */
	s->checkpoints_count++;
	if (c->state == CHECKPOINT_NEWER) {
		errno = EPROTONOSUPPORT;
		return false;
	}
	s->is_whole = s->is_whole && c->state == CHECKPOINT_WHOLE;
	if (c->state != CHECKPOINT_WHOLE)
		return true;
	while (checkpoint_next(&reader, &bytes, &length))
		c->items++;
	checkpoint_close(&reader);
	return true;
}

static bool survey_trouble(struct journal_survey *s, enum journal_read what,
                           const struct journal_reading *reading)
{
	if (!grow((void **)&s->troubles, s->troubles_count, &s->troubles_room,
	          sizeof(*s->troubles)))
		return false;
	s->troubles[s->troubles_count] = (struct journal_survey_trouble){ what, *reading };
	s->troubles[s->troubles_count++].reading.bytes = NULL;
	s->is_whole = s->is_whole && !reading->lost;
	return true;
}

static bool survey_record(struct journal_survey *s, const struct journal_reading *reading)
{
	for (size_t i = 0; i < s->epochs_count; i++) {
		struct journal_survey_epoch *epoch = &s->epochs[i];
		if (epoch->epoch != reading->position.epoch)
			continue;
		if (epoch->records++ == 0)
			epoch->first = reading->position.number;
		epoch->last = reading->position.number;
		epoch->bytes += reading->length;
	}
	s->records++;
	return true;
}

static bool survey_records(const struct folder *folder, struct journal_survey *s)
{
	struct journal_reader reader;
	bool fine = true, is_over = false;
	int error = 0;
	journal_reader_open(&reader, folder, (struct position){ 0 });
	while (fine && !is_over) {
		struct journal_reading reading;
		const enum journal_read answer =
		        journal_reader_next(&reader, JOURNAL_READER_ALL, &reading);
		switch (answer) {
		case JOURNAL_READ_RECORD: fine = survey_record(s, &reading); break;
		case JOURNAL_READ_END: is_over = true; break;
		case JOURNAL_READ_FAILED:
		case JOURNAL_READ_NONE:
			errno = reading.error;
			fine = false;
			break;
		case JOURNAL_READ_GAP:
		case JOURNAL_READ_BAD:
		case JOURNAL_READ_TORN: fine = survey_trouble(s, answer, &reading); break;
		}
		error = errno;
	}
	s->unreadable = journal_reader_unreadable(&reader);
	s->is_whole = s->is_whole && s->unreadable == 0;
	journal_reader_close(&reader);
	errno = error;
	return fine;
}

bool journal_survey(const struct folder *folder, struct journal_survey *out)
{
	struct folder_list list = { 0 };
	*out = (struct journal_survey){ .is_whole = true };
	bool fine = folder_list(folder, &list) && survey_segments(folder, &list, out);
	for (size_t i = 0; fine && i < list.checkpoints_count; i++)
		fine = survey_checkpoint(folder, list.checkpoints[i], out);
	const int error = errno;
	folder_list_done(&list);
	errno = error;
	return fine && survey_records(folder, out);
}

void journal_survey_done(struct journal_survey *s)
{
	free(s->epochs);
	free(s->troubles);
	free(s->checkpoints);
	*s = (struct journal_survey){ 0 };
}
