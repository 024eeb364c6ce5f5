#include "keep/recovery.h"

#include <errno.h>
#include <fcntl.h>

#include "keep/journal_reader.h"

struct recovering {
	const struct folder *folder;
	const struct recovery_calls *calls;
	struct recovery_report *report;
};

static void trouble(const struct recovering *r, const char *what, struct position near, bool lost)
{
	if (lost)
		r->report->lost++;
	if (r->calls->on_trouble != NULL)
		r->calls->on_trouble(r->calls->context, what, near, lost);
}

static bool settle_file(const struct folder *folder, const char *path)
{
	const struct disk *disk = folder->disk;
	const int fd = disk->open(disk->context, path, O_RDONLY);
	if (fd < 0)
		return false;
	const bool synced = disk->fsync(disk->context, fd) == 0;
	disk->forget(disk->context, fd);
	disk->close(disk->context, fd);
	return synced;
}

/* Names, then contents, before anything is read. */
static bool settle(const struct folder *folder, const struct folder_list *list)
{
	const struct disk *disk = folder->disk;
	bool settled = disk->sync_folder(disk->context, folder->path) == 0;
	for (size_t i = 0; i < list->segments_count; i++)
		settled &= settle_file(folder,
		                       folder_segment_path(folder, &list->segments[i].key).text);
	for (size_t i = 0; i < list->checkpoints_count; i++)
		settled &= settle_file(folder,
		                       folder_checkpoint_path(folder, list->checkpoints[i]).text);
	return settled;
}

static enum recovery give_items(const struct recovering *r, struct checkpoint_reader *reader)
{
	const uint8_t *bytes;
	size_t length;
	while (checkpoint_next(reader, &bytes, &length)) {
		if (!r->calls->on_item(r->calls->context, r->report->checkpoint.item_version, bytes,
		                       length))
			return RECOVERY_STOPPED;
		r->report->items++;
	}
	if (reader->is_done)
		return RECOVERY_DONE;
	/* It was whole a moment ago. Half of its items are given: a new start must try again. */
	r->report->error = EIO;
	return RECOVERY_FAILED;
}

static enum recovery read_checkpoint(const struct recovering *r, const struct folder_list *list)
{
	struct recovery_report *report = r->report;
	for (size_t i = list->checkpoints_count; i > 0; i--) {
		struct checkpoint_reader reader;
		const struct position start = list->checkpoints[i - 1];
		if (checkpoint_open(&reader, r->folder, start, &report->checkpoint) !=
		    CHECKPOINT_WHOLE) {
			report->checkpoints_bad++;
			trouble(r, "checkpoint-bad", start, false);
			continue;
		}
		report->has_checkpoint = true;
		/* The record before its start: what comes next must follow it. */
		report->last = start;
		if (report->last.number > 0)
			report->last.number--;
		const enum recovery answer = give_items(r, &reader);
		checkpoint_close(&reader);
		return answer;
	}
	return RECOVERY_DONE;
}

static enum recovery read_records(const struct recovering *r, struct journal_reader *reader)
{
	struct recovery_report *report = r->report;
	for (;;) {
		struct journal_reading reading;
		switch (journal_reader_next(reader, JOURNAL_READER_ALL, &reading)) {
		case JOURNAL_READ_RECORD:
			if (!r->calls->on_record(r->calls->context, reading.position,
			                         reading.version, reading.bytes, reading.length))
				return RECOVERY_STOPPED;
			report->records++;
			report->last = reading.position;
			break;
		case JOURNAL_READ_GAP:
			report->gaps++;
			trouble(r, "gap", reading.position, reading.lost);
			break;
		case JOURNAL_READ_BAD:
			report->bad++;
			report->bad_bytes += (uint64_t)(reading.to - reading.from);
			report->aside_failed += reader->set_aside && !reading.is_aside;
			trouble(r, "bad-bytes", reader->last, reading.lost);
			break;
		case JOURNAL_READ_TORN:
			report->torn++;
			report->torn_bytes += (uint64_t)(reading.to - reading.from);
			trouble(r, "torn-tail", reader->last, false);
			break;
		case JOURNAL_READ_END: return RECOVERY_DONE;
		case JOURNAL_READ_FAILED:
		case JOURNAL_READ_NONE: report->error = reading.error; return RECOVERY_FAILED;
		}
	}
}

enum recovery recovery_run(const struct folder *folder, bool write_allowed,
                           const struct recovery_calls *calls, struct recovery_report *report)
{
	const struct recovering r = { folder, calls, report };
	struct folder_list list = { 0 };
	*report = (struct recovery_report){ .last.node = folder->node };
	if (!folder_list(folder, &list)) {
		report->error = errno;
		folder_list_done(&list);
		return RECOVERY_FAILED;
	}
	report->is_settled = write_allowed && settle(folder, &list);
	enum recovery answer = read_checkpoint(&r, &list);
	folder_list_done(&list);
	if (answer != RECOVERY_DONE)
		return answer;
	struct journal_reader reader;
	journal_reader_open(&reader, folder, report->last);
	reader.set_aside = write_allowed;
	answer = read_records(&r, &reader);
	report->unreadable = journal_reader_unreadable(&reader);
	journal_reader_close(&reader);
	return answer;
}
