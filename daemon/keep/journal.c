#include "keep/journal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "keep/journal_thread.h"
#include "keep/little_endian.h"
#include "support/bug.h"
#include "support/log.h"

#define DAY_US (86400LL * CLOCK_S_US)

static enum journal_answer disk_answer(void)
{
	return errno == ENOMEM ? JOURNAL_NO_MEMORY : JOURNAL_DISK;
}

static enum journal_answer settings_check(const struct journal_settings *s)
{
	/* Each buffer, half of the ceiling, must hold the longest record. */
	const uint64_t longest = segment_record_size(SEGMENT_PAYLOAD_BYTES_MAX);
	if (s->segment_bytes < JOURNAL_SEGMENT_BYTES_MIN ||
	    s->segment_bytes % SEGMENT_ALIGNMENT != 0 || s->segment_bytes > INT64_MAX / 4 ||
	    s->pending_bytes_max / 2 < longest || s->pending_bytes_max > SIZE_MAX / 2)
		return JOURNAL_SETTINGS;
	return JOURNAL_OK;
}

/* Nothing of a later version, nothing of another node. Reads only. */
static enum journal_answer segment_acceptable(const struct journal *j,
                                              struct folder_segment *segment)
{
	if (!folder_look(&j->folder, segment))
		return disk_answer();
	const struct segment_header *header = &segment->header;
	if (segment->state == SEGMENT_HEADER_NEWER)
		return JOURNAL_NEWER;
	if (segment->state == SEGMENT_HEADER_FOREIGN && header->key.node != j->folder.node)
		return JOURNAL_OTHER_NODE;
	if (segment->state == SEGMENT_HEADER_WHOLE && header->record_version > j->record_version)
		return JOURNAL_NEWER;
	return JOURNAL_OK;
}

static enum journal_answer checkpoint_acceptable(const struct journal *j, struct position start)
{
	struct checkpoint_header header;
	switch (checkpoint_look(&j->folder, start, &header)) {
	case CHECKPOINT_NEWER: return JOURNAL_NEWER;
	case CHECKPOINT_FOREIGN:
		return header.start.node != j->folder.node ? JOURNAL_OTHER_NODE : JOURNAL_OK;
	case CHECKPOINT_WHOLE:
		return header.item_version > j->record_version ? JOURNAL_NEWER : JOURNAL_OK;
	case CHECKPOINT_FAILED: return disk_answer();
	case CHECKPOINT_BAD: break;
	}
	return JOURNAL_OK;
}

static enum journal_answer folder_acceptable(const struct journal *j)
{
	struct folder_list list = { 0 };
	enum journal_answer answer = JOURNAL_OK;
	if (!folder_list(&j->folder, &list))
		answer = disk_answer();
	for (size_t i = 0; i < list.segments_count && answer == JOURNAL_OK; i++)
		answer = segment_acceptable(j, &list.segments[i]);
	for (size_t i = 0; i < list.checkpoints_count && answer == JOURNAL_OK; i++)
		answer = checkpoint_acceptable(j, list.checkpoints[i]);
	folder_list_done(&list);
	return answer;
}

static void journal_free(struct journal *j)
{
	if (j->lock_fd >= 0)
		j->disk->close(j->disk->context, j->lock_fd);
	if (j->wake_fd >= 0)
		close(j->wake_fd);
	batch_done(&j->gathering);
	batch_done(&j->writing);
	free(j->pieces.bytes);
	free(j->pieces_taken.bytes);
	folder_list_done(&j->segments);
	pthread_cond_destroy(&j->work);
	pthread_cond_destroy(&j->done);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

static enum journal_answer journal_init(struct journal *j, const struct journal_settings *s)
{
	j->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (j->wake_fd < 0)
		return JOURNAL_DISK;
	j->pieces.bytes = malloc(JOURNAL_PIECES_BYTES);
	j->pieces_taken.bytes = malloc(JOURNAL_PIECES_BYTES);
	if (j->pieces.bytes == NULL || j->pieces_taken.bytes == NULL ||
	    !batch_init(&j->gathering, (size_t)s->pending_bytes_max / 2) ||
	    !batch_init(&j->writing, (size_t)s->pending_bytes_max / 2))
		return JOURNAL_NO_MEMORY;
	if (!folder_init(&j->folder, s->disk, s->folder, s->node))
		return JOURNAL_SETTINGS;
	if (s->disk->make_folder(s->disk->context, s->folder) < 0)
		return JOURNAL_DISK;
	j->lock_fd = s->disk->lock(s->disk->context, folder_path(&j->folder, FOLDER_LOCK).text);
	if (j->lock_fd < 0)
		return errno == EWOULDBLOCK ? JOURNAL_LOCKED : JOURNAL_DISK;
	return folder_acceptable(j);
}

/* The newest checkpoint that was whole, and the one before it by name. */
static void remember_checkpoints(struct journal *j, const struct folder_list *list)
{
	if (!j->found.has_checkpoint)
		return;
	j->checkpoints[0] = j->found.checkpoint.start;
	j->own.checkpoint = j->found.checkpoint.start;
	j->own.checkpoint_at = j->found.checkpoint.written;
	for (size_t i = 0; i < list->checkpoints_count; i++)
		if (position_compare(list->checkpoints[i], j->checkpoints[0]) < 0)
			j->checkpoints[1] = list->checkpoints[i];
}

/* Greater than anything seen, and at least the time: epochs grow even when the folder was lost. */
static bool choose_epoch(struct journal *j, const struct folder_list *list)
{
	uint32_t seen = j->found.last.epoch;
	for (size_t i = 0; i < list->segments_count; i++)
		if (list->segments[i].key.epoch > seen)
			seen = list->segments[i].key.epoch;
	for (size_t i = 0; i < list->checkpoints_count; i++)
		if (list->checkpoints[i].epoch > seen)
			seen = list->checkpoints[i].epoch;
	const int64_t now_s = j->disk->wall(j->disk->context).us / CLOCK_S_US;
	if (seen >= UINT32_MAX - 1)
		return false;
	j->epoch = seen + 1;
	if (now_s > j->epoch && now_s < UINT32_MAX)
		j->epoch = (uint32_t)now_s;
	return true;
}

/* What earlier epochs left: their segments into the list, one blank file as the spare. */
static enum journal_answer take_over(struct journal *j, struct folder_list *list)
{
	const struct disk *disk = j->disk;
	for (size_t i = 0; i < list->segments_count; i++) {
		struct folder_segment *segment = &list->segments[i];
		if (!folder_look(&j->folder, segment))
			return disk_answer();
		if (segment->state != SEGMENT_HEADER_BLANK) {
			if (!folder_list_add(&j->segments, segment))
				return JOURNAL_NO_MEMORY;
			continue;
		}
		if (j->writer.spare.stage == SEGMENT_SPARE_READY ||
		    !segment_writer_adopt(&j->writer, &segment->key))
			disk->unlink(disk->context,
			             folder_segment_path(&j->folder, &segment->key).text);
	}
	return JOURNAL_OK;
}

static enum journal_answer thread_start(struct journal *j)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
	errno = pthread_create(&j->thread, NULL, journal_thread_main, j);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return errno == 0 ? JOURNAL_OK : JOURNAL_DISK;
}

void journal_settings_default(struct journal_settings *settings)
{
	*settings = (struct journal_settings){
		.segment_bytes = JOURNAL_SEGMENT_BYTES,
		.pending_bytes_max = JOURNAL_PENDING_BYTES_MAX,
		.keep_days = JOURNAL_KEEP_DAYS,
		.disk = disk_system(),
	};
}

struct journal *journal_open(const struct journal_settings *settings, enum journal_answer *why)
{
	*why = settings_check(settings);
	if (*why != JOURNAL_OK)
		return NULL;
	struct journal *j = calloc(1, sizeof(*j));
	if (j == NULL) {
		*why = JOURNAL_NO_MEMORY;
		return NULL;
	}
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->work, &monotonic);
	pthread_cond_init(&j->done, &monotonic);
	pthread_condattr_destroy(&monotonic);
	const size_t holds = (size_t)settings->segment_bytes - SEGMENT_HEADER_BYTES -
	                     SEGMENT_RECORD_HEADER_BYTES - SEGMENT_ALIGNMENT;
	j->payload_max = holds < SEGMENT_PAYLOAD_BYTES_MAX ? holds : SEGMENT_PAYLOAD_BYTES_MAX;
	j->disk = settings->disk;
	j->record_version = settings->record_version;
	j->segment_bytes = settings->segment_bytes;
	j->total_bytes_max = settings->total_bytes_max;
	j->keep_us = settings->keep_days * DAY_US;
	j->is_threadless = settings->is_threadless;
	j->lock_fd = j->wake_fd = j->checkpoint_writer.fd = -1;
	*why = journal_init(j, settings);
	if (*why == JOURNAL_OK)
		return j;
	const int error = errno;
	journal_free(j);
	errno = error;
	return NULL;
}

static bool no_item(void *context, uint32_t version, const uint8_t *bytes, size_t length)
{
	(void)context, (void)version, (void)bytes, (void)length;
	return true;
}

static bool no_record(void *context, struct position position, uint32_t version,
                      const uint8_t *bytes, size_t length)
{
	(void)position;
	return no_item(context, version, bytes, length);
}

enum recovery journal_recover(struct journal *j, const struct recovery_calls *calls,
                              struct recovery_report *report)
{
	static const struct recovery_calls none = { .on_item = no_item, .on_record = no_record };
	must(!j->is_started);
	const enum recovery answer =
	        recovery_run(&j->folder, true, calls != NULL ? calls : &none, &j->found);
	j->is_recovered = answer == RECOVERY_DONE;
	*report = j->found;
	return answer;
}

enum journal_answer journal_start(struct journal *j, struct position *first)
{
	must(!j->is_started);
	if (!j->is_recovered)
		return JOURNAL_NOT_READ;
	struct folder_list list = { 0 };
	enum journal_answer answer = JOURNAL_OK;
	if (!folder_list(&j->folder, &list)) {
		answer = disk_answer();
	} else if (!choose_epoch(j, &list)) {
		errno = EOVERFLOW;
		answer = JOURNAL_DISK;
	}
	if (answer == JOURNAL_OK) {
		segment_writer_init(&j->writer, &j->folder, j->epoch, j->found.last,
		                    (off_t)j->segment_bytes, j->record_version);
		remember_checkpoints(j, &list);
		answer = take_over(j, &list);
	}
	folder_list_done(&list);
	if (answer != JOURNAL_OK)
		return answer;
	*first = (struct position){ j->folder.node, j->epoch, 1 };
	j->own.durable = (struct position){ j->folder.node, j->epoch, 0 };
	if (j->found.has_checkpoint)
		j->status.confirmed = j->found.checkpoint.confirmed;
	j->retention_at = (struct mono){ 1 };
	journal_thread_prepare(j);
	if (!j->is_threadless)
		answer = thread_start(j);
	j->is_started = answer == JOURNAL_OK;
	return answer;
}

/* Ends the thread; false when it hangs in a call to the disk that does not return. */
static bool thread_end(struct journal *j, int64_t wait_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&j->lock);
	j->is_closing = true;
	pthread_cond_signal(&j->work);
	while (!j->is_finished && pthread_cond_timedwait(&j->done, &j->lock, &until) == 0)
		;
	j->is_given_up = true;
	pthread_cond_signal(&j->work);
	until.tv_sec += 1;
	while (!j->is_finished && pthread_cond_timedwait(&j->done, &j->lock, &until) == 0)
		;
	const bool is_finished = j->is_finished;
	pthread_mutex_unlock(&j->lock);
	if (!is_finished)
		pthread_detach(j->thread);
	else
		pthread_join(j->thread, NULL);
	return is_finished;
}

bool journal_close(struct journal *j, int64_t wait_ms)
{
	if (j == NULL)
		return true;
	if (j->is_started && !j->is_threadless && !thread_end(j, wait_ms)) {
		log_event(LOG_LEVEL_ERROR, "journal-hangs");
		return false; /* the thread still uses all of it; the process is about to end */
	}
	if (j->is_started && j->is_threadless) {
		struct mono due;
		while (journal_thread_turn(j, &due))
			;
	}
	const bool is_durable = batch_is_done(&j->gathering) && batch_is_done(&j->writing);
	if (j->is_started) {
		checkpoint_abandon(&j->checkpoint_writer);
		segment_writer_done(&j->writer);
	}
	journal_free(j);
	return is_durable;
}

/* Under the lock. The durable position does not pass what is missing. */
static void leave_out(struct journal *j, uint64_t number)
{
	if (j->missing_from == 0) {
		j->missing_from = number;
		j->missing_since = j->disk->mono(j->disk->context);
	}
	if (number > j->missing_to) {
		j->missing_to = number;
		j->status.left_out++;
	}
}

/* Under the lock: the first of the missing was appended after all. */
static void found_again(struct journal *j)
{
	j->status.left_out--;
	if (++j->missing_from > j->missing_to)
		j->missing_from = j->missing_to = 0;
}

enum journal_answer journal_append(struct journal *j, uint64_t number, const void *bytes,
                                   size_t length)
{
	enum journal_answer answer = JOURNAL_OK;
	if (length > j->payload_max)
		return JOURNAL_TOO_LONG;
	pthread_mutex_lock(&j->lock);
	if (!j->is_started || j->is_closing) {
		answer = JOURNAL_CLOSED;
	} else if (number <= j->status.appended) {
		answer = JOURNAL_OUT_OF_ORDER;
	} else if (!batch_add(&j->gathering, number, j->record_version, bytes, (uint32_t)length)) {
		answer = JOURNAL_FULL;
		leave_out(j, number);
	} else {
		j->status.appended = number;
		if (number == j->missing_from)
			found_again(j);
	}
	pthread_mutex_unlock(&j->lock);
	return answer;
}

void journal_commit(struct journal *j)
{
	pthread_mutex_lock(&j->lock);
	if (!batch_is_done(&j->gathering))
		pthread_cond_signal(&j->work);
	pthread_mutex_unlock(&j->lock);
}

struct position journal_durable(struct journal *j)
{
	return (struct position){ j->folder.node, j->epoch,
		                  atomic_load_explicit(&j->durable, memory_order_acquire) };
}

int journal_wake_fd(const struct journal *j)
{
	return j->wake_fd;
}

void journal_woken(struct journal *j)
{
	uint64_t count;
	if (read(j->wake_fd, &count, sizeof(count)) < 0 && BUG(errno != EAGAIN))
		return;
}

/* What the thread cannot say of itself. */
static void show_failing(const struct journal *j, struct journal_status *out,
                         enum journal_reason reason, struct mono since, struct mono now)
{
	const struct wall wall = j->disk->wall(j->disk->context);
	out->state = JOURNAL_FAILING;
	out->reason = reason;
	out->error = 0;
	out->since = since;
	out->since_wall = wall_add_ms(wall, -mono_ms_between(since, now));
}

void journal_status(struct journal *j, struct journal_status *out)
{
	pthread_mutex_lock(&j->lock);
	*out = j->status;
	out->pending_bytes = batch_left(&j->gathering);
	out->pending_bytes_max = j->gathering.room;
	const struct mono missing = j->missing_from != 0 ? j->missing_since : (struct mono){ 0 };
	pthread_mutex_unlock(&j->lock);
	const struct mono began = { atomic_load_explicit(&j->turn_began_ns, memory_order_relaxed) };
	const struct mono late = mono_add_ms(began, JOURNAL_SLOW_MS);
	const struct mono now = j->disk->mono(j->disk->context);
	if (out->state == JOURNAL_FAILING)
		return;
	if (mono_is_set(missing))
		show_failing(j, out, JOURNAL_REASON_LEFT_OUT, missing, now);
	else if (mono_is_set(began) && mono_is_due(late, now))
		show_failing(j, out, JOURNAL_REASON_SLOW, late, now);
}

void journal_confirm(struct journal *j, struct position confirmed)
{
	bool is_news = false;
	pthread_mutex_lock(&j->lock);
	j->status.confirmed = confirmed;
	if (j->missing_from != 0 && confirmed.epoch == j->epoch &&
	    confirmed.number >= j->missing_to) {
		j->missing_from = j->missing_to = 0;
		is_news = journal_thread_show_durable(j);
	}
	pthread_mutex_unlock(&j->lock);
	if (is_news)
		journal_thread_wake_loop(j);
}

enum journal_answer journal_checkpoint_begin(struct journal *j, struct position start)
{
	enum journal_answer answer = JOURNAL_OK;
	pthread_mutex_lock(&j->lock);
	if (!j->is_started || j->is_closing) {
		answer = JOURNAL_CLOSED;
	} else if (j->is_checkpoint_open) {
		answer = JOURNAL_BUSY;
	} else {
		j->is_checkpoint_open = j->is_checkpoint_begun = true;
		j->is_checkpoint_ended = j->is_checkpoint_sealed = false;
		j->status.is_checkpointing = true;
		j->checkpoint_start = start;
		j->checkpoint_start.node = j->folder.node;
		j->pieces.used = 0; /* what one that was given up left there */
		pthread_cond_signal(&j->work);
	}
	pthread_mutex_unlock(&j->lock);
	return answer;
}

enum journal_answer journal_checkpoint_add(struct journal *j, const void *bytes, size_t length)
{
	enum journal_answer answer = JOURNAL_OK;
	if (length > CHECKPOINT_ITEM_BYTES_MAX)
		return JOURNAL_TOO_LONG;
	pthread_mutex_lock(&j->lock);
	if (!j->is_checkpoint_open || j->is_checkpoint_sealed) {
		answer = JOURNAL_GIVEN_UP;
	} else if (4 + length > JOURNAL_PIECES_BYTES - j->pieces.used) {
		answer = JOURNAL_FULL;
	} else {
		put_u32(j->pieces.bytes + j->pieces.used, (uint32_t)length);
		memcpy(j->pieces.bytes + j->pieces.used + 4, bytes, length);
		j->pieces.used += 4 + length;
		pthread_cond_signal(&j->work);
	}
	pthread_mutex_unlock(&j->lock);
	return answer;
}

enum journal_answer journal_checkpoint_end(struct journal *j)
{
	enum journal_answer answer = JOURNAL_OK;
	pthread_mutex_lock(&j->lock);
	if (!j->is_checkpoint_open || j->is_checkpoint_sealed) {
		answer = JOURNAL_GIVEN_UP;
	} else {
		j->is_checkpoint_ended = j->is_checkpoint_sealed = true;
		pthread_cond_signal(&j->work);
	}
	pthread_mutex_unlock(&j->lock);
	return answer;
}

const struct folder *journal_folder(const struct journal *j)
{
	return &j->folder;
}

bool journal_turn(struct journal *j, struct mono *due)
{
	must(j->is_threadless && j->is_started);
	return journal_thread_turn(j, due);
}

const char *journal_answer_text(enum journal_answer answer)
{
	switch (answer) {
	case JOURNAL_OK: return "done";
	case JOURNAL_FULL: return "the ceiling of records that wait for the disk is reached";
	case JOURNAL_TOO_LONG: return "the record is longer than a segment can hold";
	case JOURNAL_OUT_OF_ORDER: return "the number is not above the last one";
	case JOURNAL_CLOSED: return "the journal is not running";
	case JOURNAL_BUSY: return "another checkpoint is being written";
	case JOURNAL_GIVEN_UP: return "this checkpoint was given up";
	case JOURNAL_LOCKED: return "another process holds the folder";
	case JOURNAL_NEWER: return "a later version of tocsin wrote here; nothing was touched";
	case JOURNAL_OTHER_NODE: return "the folder is the journal of another node";
	case JOURNAL_NOT_READ: return "what the folder holds was not read";
	case JOURNAL_SETTINGS: return "a setting is out of bounds";
	case JOURNAL_DISK: return "the disk refuses";
	case JOURNAL_NO_MEMORY: return "no memory";
	}
	return "unknown";
}

const char *journal_state_name(enum journal_state state)
{
	static const char *const names[] = { "good", "low", "failing" };
	return BUG((size_t)state >= sizeof(names) / sizeof(names[0])) ? "unknown" : names[state];
}

const char *journal_reason_name(enum journal_reason reason)
{
	static const char *const names[] = { "none",         "no-room",    "prepare",
		                             "write",        "sync",       "slow",
		                             "over-ceiling", "checkpoint", "left-out" };
	return BUG((size_t)reason >= sizeof(names) / sizeof(names[0])) ? "unknown" : names[reason];
}
