#include "keep/journal_thread.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "keep/little_endian.h"
#include "keep/retention.h"
#include "support/bug.h"
#include "support/log.h"

static void backoff_failed(struct backoff *backoff, struct mono now)
{
	backoff->ms = backoff->ms == 0 ? JOURNAL_BACKOFF_MIN_MS : backoff->ms * 2;
	if (backoff->ms > JOURNAL_BACKOFF_MAX_MS)
		backoff->ms = JOURNAL_BACKOFF_MAX_MS;
	backoff->until = mono_add_ms(now, backoff->ms);
}

static bool backoff_waits(const struct backoff *backoff, struct mono now)
{
	return mono_is_set(backoff->until) && !mono_is_due(backoff->until, now);
}

static bool is_want_of_room(int error)
{
	return error == ENOSPC || error == EDQUOT;
}

static struct mono earlier(struct mono a, struct mono b)
{
	if (!mono_is_set(a) || (mono_is_set(b) && b.ns < a.ns))
		return b;
	return a;
}

/* 1. Takes what the loop has for the thread: one swap under the lock. */
static void take(struct journal *j)
{
	pthread_mutex_lock(&j->lock);
	if (batch_is_done(&j->writing)) {
		struct batch written = j->writing;
		batch_clear(&written);
		j->writing = j->gathering;
		j->gathering = written;
	}
	struct pieces empty = j->pieces_taken; /* each turn uses up all that it took */
	j->pieces_taken = j->pieces;
	j->pieces = empty;
	j->checkpoint_begins = j->is_checkpoint_begun;
	j->checkpoint_ends = j->is_checkpoint_ended;
	j->is_checkpoint_begun = j->is_checkpoint_ended = false;
	if (j->checkpoint_begins)
		j->checkpoint_header.start = j->checkpoint_start;
	j->confirmed = j->status.confirmed;
	pthread_mutex_unlock(&j->lock);
}

/* The spare could not be made: low, or failing when it is needed now. */
static void prepare_failed(struct journal *j, struct mono now)
{
	j->spare_error = j->writer.failed_error;
	j->own.prepare_failures++;
	if (!mono_is_set(j->spare_backoff.until))
		log_event(LOG_LEVEL_ERROR, "journal-prepare-failed",
		          LOG_TEXT("step", segment_step_name(j->writer.failed_step)),
		          LOG_TEXT("error", strerrordesc_np(j->spare_error)));
	backoff_failed(&j->spare_backoff, now);
	if (is_want_of_room(j->spare_error))
		j->retention_at = now; /* something may go early */
}

/* One slice of the spare; true when there is more of it to do. */
static bool prepare(struct journal *j, struct mono now)
{
	if (!segment_writer_prepare(&j->writer)) {
		prepare_failed(j, now);
		return false;
	}
	if (j->writer.spare.stage != SEGMENT_SPARE_READY)
		return true;
	j->spare_backoff = (struct backoff){ 0 };
	j->own.has_spare = true;
	return false;
}

static void write_failed(struct journal *j, struct mono now)
{
	const bool is_sync = j->writer.failed_step == SEGMENT_STEP_SYNC;
	j->write_reason = is_sync ? JOURNAL_REASON_SYNC : JOURNAL_REASON_WRITE;
	j->write_error = j->writer.failed_error;
	j->own.write_failures += !is_sync;
	j->own.sync_failures += is_sync;
	log_event(LOG_LEVEL_ERROR, "journal-segment-failed",
	          LOG_TEXT("step", segment_step_name(j->writer.failed_step)),
	          LOG_TEXT("error", strerrordesc_np(j->write_error)),
	          LOG_NUMBER("epoch", j->writer.active.key.epoch),
	          LOG_NUMBER("index", j->writer.active.key.index));
	backoff_failed(&j->write_backoff, now);
}

static void wrote(struct journal *j, const struct segment_written *written)
{
	struct journal_status *own = &j->own;
	const uint64_t us = (uint64_t)written->sync_us;
	unsigned bucket = us < 2 ? 0 : 63 - (unsigned)__builtin_clzll(us);
	if (bucket >= JOURNAL_SYNC_BUCKETS)
		bucket = JOURNAL_SYNC_BUCKETS - 1;
	own->sync_us[bucket]++;
	own->sync_us_last = us;
	own->sync_us_total += us;
	if (us > own->sync_us_max)
		own->sync_us_max = us;
	own->syncs++;
	own->records += written->part.records;
	own->records_bytes += written->part.length;
	own->batch_records_last = written->part.records;
	if (written->part.records > own->batch_records_max)
		own->batch_records_max = written->part.records;
	own->durable.number = written->part.last;
	j->write_backoff = (struct backoff){ 0 };
	j->is_news = true;
	if (!written->is_new)
		return;
	const struct folder_segment segment = {
		.key = written->begun.key,
		.bytes = (off_t)j->segment_bytes,
		.is_looked_at = true,
		.state = SEGMENT_HEADER_WHOLE,
		.header = written->begun,
		.first = written->begun.first,
	};
	/* Without memory for the list, retention forgets this file until the next start. */
	if (!folder_list_add(&j->segments, &segment))
		log_event(LOG_LEVEL_ERROR, "journal-no-memory");
	own->has_spare = false;
	j->retention_at = (struct mono){ 1 };
}

/* 2. Makes the batch durable. What a failure leaves of it stays where it is: a fresh file is tried
 * at once if one is ready, and then again after a while, for ever. */
static void write_batch(struct journal *j, struct mono now)
{
	bool is_second = false;
	if (backoff_waits(&j->write_backoff, now))
		return;
	while (!batch_is_done(&j->writing)) {
		struct segment_written written;
		switch (segment_writer_write(&j->writer, &j->writing, &written)) {
		case SEGMENT_WRITE_DONE: wrote(j, &written); break;
		case SEGMENT_WRITE_NO_FILE:
			if (is_second || backoff_waits(&j->spare_backoff, now))
				return;
			while (prepare(j, now))
				;
			if (j->writer.spare.stage != SEGMENT_SPARE_READY)
				return;
			break;
		case SEGMENT_WRITE_FAILED:
			write_failed(j, now);
			if (is_second || j->writer.spare.stage != SEGMENT_SPARE_READY)
				return;
			is_second = true;
			break;
		}
	}
}

static void checkpoint_settled(struct journal *j, bool succeeded)
{
	struct journal_status *own = &j->own;
	if (succeeded) {
		j->checkpoint_error = 0;
		own->checkpoints++;
		own->checkpoint = j->checkpoint_header.start;
		own->checkpoint_at = j->checkpoint_header.written;
	} else {
		j->checkpoint_failed = true;
		j->checkpoint_error = errno;
		own->checkpoints_failed++;
		log_event(LOG_LEVEL_ERROR, "journal-checkpoint-failed",
		          LOG_TEXT("error", strerrordesc_np(j->checkpoint_error)));
	}
	pthread_mutex_lock(&j->lock);
	j->is_checkpoint_open = false;
	pthread_mutex_unlock(&j->lock);
	j->is_news = true;
}

/* The newest and the one before it stay; whatever else bears a checkpoint's name goes. */
static void checkpoint_prune(struct journal *j)
{
	struct folder_list list = { 0 };
	if (folder_list(&j->folder, &list)) {
		for (size_t i = 0; i < list.checkpoints_count; i++) {
			const struct position start = list.checkpoints[i];
			if (position_compare(start, j->checkpoints[0]) != 0 &&
			    position_compare(start, j->checkpoints[1]) != 0)
				j->disk->unlink(j->disk->context,
				                folder_checkpoint_path(&j->folder, start).text);
		}
	}
	folder_list_done(&list);
}

static void checkpoint_finish(struct journal *j)
{
	const struct position start = j->checkpoint_header.start;
	if (!checkpoint_end(&j->checkpoint_writer)) {
		checkpoint_settled(j, false);
		return;
	}
	if (position_compare(start, j->checkpoints[0]) != 0)
		j->checkpoints[1] = j->checkpoints[0];
	j->checkpoints[0] = start;
	checkpoint_settled(j, true);
	checkpoint_prune(j);
	j->retention_at = (struct mono){ 1 };
}

/* 3. Checkpoint: what was taken of it, at most JOURNAL_PIECES_BYTES. True when it had work. */
static bool checkpoint(struct journal *j)
{
	if (j->checkpoint_begins) {
		j->checkpoint_failed = false;
		j->checkpoint_header.confirmed = j->confirmed;
		j->checkpoint_header.item_version = j->record_version;
		j->checkpoint_header.written = j->disk->wall(j->disk->context);
		if (!checkpoint_begin(&j->checkpoint_writer, &j->folder, &j->checkpoint_header))
			checkpoint_settled(j, false);
	}
	if (j->pieces_taken.used == 0 && !j->checkpoint_ends)
		return false;
	for (size_t at = 0; at < j->pieces_taken.used && !j->checkpoint_failed;) {
		const uint32_t length = get_u32(j->pieces_taken.bytes + at);
		if (!checkpoint_add(&j->checkpoint_writer, j->pieces_taken.bytes + at + 4, length))
			checkpoint_settled(j, false);
		at += 4 + (size_t)length;
	}
	j->pieces_taken.used = 0;
	if (j->checkpoint_ends && !j->checkpoint_failed)
		checkpoint_finish(j);
	return true;
}

/* 4. One segment whose time is over; true when one went. */
static bool retain(struct journal *j, struct mono now)
{
	const struct position *kept = j->checkpoints;
	const bool is_pressed =
	        mono_is_set(j->spare_backoff.until) && is_want_of_room(j->spare_error);
	const struct retention rule = {
		.confirmed = j->confirmed,
		/* The one before the newest is a reserve, until it stands in the way of new
		   records. */
		.needed = kept[1].epoch != 0 && !is_pressed ? kept[1] : kept[0],
		.now = j->disk->wall(j->disk->context),
		.keep_us = j->keep_us,
		.bytes_max = j->total_bytes_max,
		.is_pressed = is_pressed,
	};
	const enum retention_verdict verdict = retention_oldest(&j->segments, &rule);
	const struct segment_key key = verdict != RETENTION_STAYS ? j->segments.segments[0].key
	                                                          : (struct segment_key){ 0 };
	if (verdict != RETENTION_STAYS &&
	    (j->disk->unlink(j->disk->context, folder_segment_path(&j->folder, &key).text) == 0 ||
	     errno == ENOENT)) {
		folder_list_remove(&j->segments, 0);
		j->own.segments_deleted++;
		j->own.segments_deleted_early += verdict == RETENTION_GOES_EARLY;
		if (is_pressed)
			j->spare_backoff.until = now; /* there is room again, perhaps */
		return true;
	}
	const uint64_t bytes = retention_bytes(&j->segments);
	j->is_over_ceiling = j->total_bytes_max > 0 && bytes > j->total_bytes_max;
	j->own.bytes = bytes;
	j->own.unconfirmed_bytes = retention_unconfirmed_bytes(&j->segments, j->confirmed);
	j->retention_at = mono_add_ms(now, JOURNAL_RETENTION_MS);
	return false;
}

/* The state that follows from what stands; a change of it is logged with its cause. */
static void judge(struct journal *j, struct mono now)
{
	struct journal_status *own = &j->own;
	const bool has_file =
	        j->writer.active.fd >= 0 || j->writer.spare.stage == SEGMENT_SPARE_READY;
	const bool no_spare = mono_is_set(j->spare_backoff.until);
	const enum journal_reason spare_reason =
	        is_want_of_room(j->spare_error) ? JOURNAL_REASON_NO_ROOM : JOURNAL_REASON_PREPARE;
	const enum journal_state before = own->state;
	const enum journal_reason reason_before = own->reason;
	own->state = JOURNAL_GOOD;
	own->reason = JOURNAL_REASON_NONE;
	own->error = 0;
	if (no_spare && (!has_file || !mono_is_set(j->write_backoff.until))) {
		own->state = has_file ? JOURNAL_LOW : JOURNAL_FAILING;
		own->reason = spare_reason;
		own->error = j->spare_error;
	} else if (mono_is_set(j->write_backoff.until)) {
		own->state = JOURNAL_FAILING;
		own->reason = j->write_reason;
		own->error = j->write_error;
	} else if (j->is_over_ceiling) {
		own->state = JOURNAL_LOW;
		own->reason = JOURNAL_REASON_OVER_CEILING;
	} else if (j->checkpoint_error != 0) {
		own->state = JOURNAL_LOW;
		own->reason = JOURNAL_REASON_CHECKPOINT;
		own->error = j->checkpoint_error;
	}
	if (own->state == before) {
		j->is_news = j->is_news || own->reason != reason_before;
		return;
	}
	own->since = now;
	own->since_wall = j->disk->wall(j->disk->context);
	j->is_news = true;
	log_event(own->state == JOURNAL_GOOD ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR, "journal-state",
	          LOG_TEXT("state", journal_state_name(own->state)),
	          LOG_TEXT("reason", journal_reason_name(own->reason)),
	          LOG_TEXT("error", own->error != 0 ? strerrordesc_np(own->error) : ""));
}

bool journal_thread_show_durable(struct journal *j)
{
	const uint64_t before = atomic_load_explicit(&j->durable, memory_order_relaxed);
	uint64_t number = j->written;
	if (j->missing_from != 0 && number >= j->missing_from)
		number = j->missing_from - 1;
	j->status.durable = (struct position){ j->folder.node, j->epoch, number };
	atomic_store_explicit(&j->durable, number, memory_order_release);
	return number != before;
}

void journal_thread_wake_loop(struct journal *j)
{
	const uint64_t one = 1;
	if (write(j->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_event(LOG_LEVEL_ERROR, "journal-wake-failed",
		          LOG_TEXT("error", strerrordesc_np(errno)));
}

/* 5. Says what became of it, and wakes the loop if that is news. */
static void publish(struct journal *j)
{
	j->own.segments = j->segments.segments_count;
	pthread_mutex_lock(&j->lock);
	struct journal_status next = j->own;
	next.appended = j->status.appended;
	next.confirmed = j->status.confirmed;
	next.left_out = j->status.left_out;
	next.is_checkpointing = j->is_checkpoint_open;
	j->status = next;
	j->written = next.durable.number;
	journal_thread_show_durable(j);
	j->is_idle = batch_is_done(&j->gathering);
	pthread_mutex_unlock(&j->lock);
	if (j->is_news)
		journal_thread_wake_loop(j);
	j->is_news = false;
}

/* When the thread wants to be called though nothing came in. */
static struct mono due_next(const struct journal *j)
{
	struct mono due = j->retention_at;
	if (j->writer.spare.stage != SEGMENT_SPARE_READY)
		due = earlier(due, j->spare_backoff.until);
	if (!batch_is_done(&j->writing))
		due = earlier(due, earlier(j->write_backoff.until, j->spare_backoff.until));
	return due;
}

bool journal_thread_turn(struct journal *j, struct mono *due)
{
	bool is_more = false;
	struct mono now = j->disk->mono(j->disk->context);
	atomic_store_explicit(&j->turn_began_ns, now.ns, memory_order_relaxed);
	take(j);
	write_batch(j, now);
	judge(j, now);
	publish(j);
	now = j->disk->mono(j->disk->context);
	const bool wants_spare = j->writer.spare.stage != SEGMENT_SPARE_READY &&
	                         !backoff_waits(&j->spare_backoff, now);
	if (wants_spare && (j->is_idle || segment_writer_is_behind(&j->writer)))
		is_more = prepare(j, now);
	is_more |= checkpoint(j);
	if (mono_is_due(j->retention_at, now))
		is_more |= retain(j, now);
	judge(j, now);
	if (j->is_news || is_more)
		publish(j);
	atomic_store_explicit(&j->turn_began_ns, 0, memory_order_relaxed);
	*due = due_next(j);
	return is_more;
}

void journal_thread_prepare(struct journal *j)
{
	const struct mono now = j->disk->mono(j->disk->context);
	while (j->writer.spare.stage != SEGMENT_SPARE_READY && prepare(j, now))
		;
	j->own.has_spare = j->writer.spare.stage == SEGMENT_SPARE_READY;
	judge(j, now);
	publish(j);
}

/* Under the lock: something the thread can do now. */
static bool has_work(const struct journal *j)
{
	return (batch_is_done(&j->writing) && !batch_is_done(&j->gathering)) ||
	       j->pieces.used > 0 || j->is_checkpoint_begun || j->is_checkpoint_ended;
}

static void wait_until(struct journal *j, struct mono due)
{
	const struct mono now = j->disk->mono(j->disk->context);
	if (!mono_is_set(due)) {
		pthread_cond_wait(&j->work, &j->lock);
		return;
	}
	if (mono_is_due(due, now))
		return;
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	const int64_t ns = at.tv_nsec + (due.ns - now.ns);
	at.tv_sec += ns / 1000000000;
	at.tv_nsec = ns % 1000000000;
	pthread_cond_timedwait(&j->work, &j->lock, &at);
}

/* False: the thread is to end. */
static bool wait_for_work(struct journal *j, bool is_more, struct mono due)
{
	pthread_mutex_lock(&j->lock);
	if (!is_more && !has_work(j) && !j->is_closing)
		wait_until(j, due);
	else if (!is_more && !has_work(j) && !batch_is_done(&j->writing) && !j->is_given_up)
		wait_until(j, due); /* closing, and the disk does not take the rest yet */
	const bool is_drained = batch_is_done(&j->writing) && batch_is_done(&j->gathering) &&
	                        j->pieces.used == 0 && !j->is_checkpoint_begun &&
	                        !j->is_checkpoint_ended;
	const bool goes_on = !j->is_closing || (!is_drained && !j->is_given_up);
	j->is_finished = !goes_on;
	pthread_cond_signal(&j->done);
	pthread_mutex_unlock(&j->lock);
	return goes_on;
}

void *journal_thread_main(void *journal)
{
	struct journal *j = journal;
	struct mono due = { 0 };
	bool is_more = false;
	while (wait_for_work(j, is_more, due))
		is_more = journal_thread_turn(j, &due);
	return NULL;
}
