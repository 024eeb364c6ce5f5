/*
 * The promise of the journal, tried at every step: a machine that stops at its n-th change of the
 * disk, for every n, and keeps of what was not synced nothing, all, or what a seed chooses. What
 * was published as durable is there afterwards, whole and in order; nothing is there that was not
 * written. And the counter-proof: with a sync that does nothing, the same test finds losses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keep/journal.h"
#include "support/log.h"
#include "tests/kit/memory_disk.h"

#define FOLDER        "/journal"
#define LIVES         3   /* starts of the daemon, each ended by a crash */
#define RECORDS       120 /* of one life */
#define POSITIONS_MAX (LIVES * RECORDS)
#define PAYLOAD_MAX   300

struct written { /* what the test knows it wrote, in order over all lives */
	struct position position;
	bool was_durable;
};

struct world {
	struct memory_disk *disk;
	struct written written[POSITIONS_MAX];
	unsigned written_count;
	/* what a recovery gave */
	unsigned at, items; /* next of `written` expected */
	bool began;
	unsigned losses, strangers,
	        alarms; /* alarms: of the journal itself, that something is lost */
};

/* The payload follows from the position, so that a wrong one is known. */
static size_t payload(struct position p, uint8_t out[PAYLOAD_MAX])
{
	const size_t length = 20 + (size_t)(p.number * 37 + p.epoch * 11) % (PAYLOAD_MAX - 20);
	for (size_t i = 0; i < length; i++)
		out[i] = (uint8_t)(p.number * 31 + p.epoch * 7 + i);
	return length;
}

static unsigned index_of(const struct world *w, struct position p)
{
	for (unsigned i = 0; i < w->written_count; i++)
		if (position_compare(w->written[i].position, p) == 0)
			return i;
	return w->written_count;
}

/* An item of a checkpoint is the position of the last record whose effect it has. */
static bool on_item(void *context, uint32_t version, const uint8_t *bytes, size_t length)
{
	struct world *w = context;
	struct position p;
	assert_int_equal(version, 1);
	assert_int_equal(length, sizeof(p));
	memcpy(&p, bytes, sizeof(p));
	if (w->items++ == 0)
		w->at = p.number == 0 && p.epoch == 0 ? 0 : index_of(w, p) + 1;
	return true;
}

static bool on_record(void *context, struct position p, uint32_t version, const uint8_t *bytes,
                      size_t length)
{
	struct world *w = context;
	uint8_t expected[PAYLOAD_MAX];
	const unsigned found = index_of(w, p);
	assert_int_equal(version, 1);
	if (found == w->written_count || length != payload(p, expected) ||
	    memcmp(bytes, expected, length) != 0 || found < w->at) {
		w->strangers++;
		return true;
	}
	for (; w->at < found; w->at++)
		w->losses += w->written[w->at].was_durable;
	w->at = found + 1;
	return true;
}

static struct journal *start(struct world *w, struct recovery_report *report,
                             struct position *first)
{
	struct journal_settings settings;
	const struct recovery_calls calls = { w, on_item, on_record, NULL };
	enum journal_answer why;
	journal_settings_default(&settings);
	settings.folder = FOLDER;
	settings.node = 7;
	settings.record_version = 1;
	settings.segment_bytes = JOURNAL_SEGMENT_BYTES_MIN;
	settings.pending_bytes_max = 768 * 1024;
	settings.keep_days = 0;
	settings.disk = memory_disk_interface(w->disk);
	settings.is_threadless = true;
	struct journal *j = journal_open(&settings, &why);
	if (j == NULL)
		return NULL;
	w->at = w->items = 0;
	if (journal_recover(j, &calls, report) != RECOVERY_DONE) {
		journal_close(j, 0);
		return NULL;
	}
	for (; w->at < w->written_count; w->at++)
		w->losses += w->written[w->at].was_durable;
	w->alarms += report->lost;
	if (journal_start(j, first) != JOURNAL_OK) {
		journal_close(j, 0);
		return NULL;
	}
	return j;
}

static void turns(struct world *w, struct journal *j)
{
	struct mono due;
	while (journal_turn(j, &due))
		;
	const struct position durable = journal_durable(j);
	for (unsigned i = w->written_count; i > 0; i--) {
		struct written *written = &w->written[i - 1];
		if (written->position.epoch != durable.epoch || written->was_durable)
			break;
		written->was_durable = written->position.number <= durable.number;
	}
}

/* One life: records in batches, a checkpoint now and then, PostgreSQL some way behind. */
static void live(struct world *w, struct journal *j, struct position next)
{
	uint8_t bytes[PAYLOAD_MAX];
	for (unsigned i = 0; i < RECORDS && !memory_disk_has_stopped(w->disk); i++, next.number++) {
		const size_t length = payload(next, bytes);
		if (i % 40 == 25)
			assert_int_equal(journal_checkpoint_begin(j, next), JOURNAL_OK);
		if (i % 40 == 25 || i % 40 == 26) {
			struct position last = { 0 };
			if (w->written_count > i % 40 - 25)
				last = w->written[w->written_count - 1 - (i % 40 - 25)].position;
			journal_checkpoint_add(j, &last, sizeof(last));
		}
		if (i % 40 == 27)
			journal_checkpoint_end(j);
		assert_int_equal(journal_append(j, next.number, bytes, length), JOURNAL_OK);
		w->written[w->written_count++] = (struct written){ next, false };
		if (i % 5 == 2 || i % 7 == 3)
			turns(w, j);
		if (i % 10 == 9) {
			struct position confirmed = journal_durable(j);
			confirmed.number -= confirmed.number > 8 ? 8 : confirmed.number;
			journal_confirm(j, confirmed);
		}
	}
	turns(w, j);
}

/* Lives that each end at the `stop`-th change; false when the machine never got that far. */
static bool run(struct world *w, unsigned long stop, enum memory_crash how, uint64_t seed,
                enum memory_call skipped)
{
	bool has_stopped = false;
	struct memory_disk *disk = memory_disk_new(seed);
	memset(w, 0, sizeof(*w));
	w->disk = disk;
	if (skipped != MEMORY_CALLS)
		memory_disk_skip(disk, skipped);
	for (unsigned life = 0; life <= LIVES; life++) {
		struct recovery_report report;
		struct position first;
		if (life < LIVES && (stop > 0))
			memory_disk_stop_after(disk, stop + life * 13);
		struct journal *j = start(w, &report, &first);
		if (j != NULL && life < LIVES)
			live(w, j, first);
		/* Without a stop the process is killed where it stands. */
		has_stopped |= memory_disk_has_stopped(disk);
		if (j != NULL && !memory_disk_has_stopped(disk))
			memory_disk_stop_after(disk, 1);
		journal_close(j, 0);
		memory_disk_crash(disk, how);
		memory_disk_pass_ms(disk,
		                    100); /* less than a second: epochs must grow all the same */
	}
	memory_disk_free(disk);
	w->disk = NULL;
	return has_stopped;
}

static void nothing_durable_is_lost_wherever_it_stops(void **state)
{
	(void)state;
	struct world *w = malloc(sizeof(*w));
	unsigned long stop = 1;
	for (bool has_stopped = true; has_stopped; stop++) {
		static const enum memory_crash ways[] = { MEMORY_CRASH_LOSES, MEMORY_CRASH_KEEPS,
			                                  MEMORY_CRASH_CHOOSES,
			                                  MEMORY_CRASH_CHOOSES };
		for (unsigned i = 0; i < 4; i++) {
			has_stopped = run(w, stop, ways[i], stop * 4 + i, MEMORY_CALLS);
			if (w->losses + w->strangers + w->alarms > 0)
				fail_msg("stop %lu, way %u: %u durable records lost, %u strange "
				         "ones, %u alarms",
				         stop, i, w->losses, w->strangers, w->alarms);
		}
	}
	print_message("%lu places to stop at\n", stop - 2);
	assert_true(stop > 100);
	free(w);
}

static void expect_losses_without(enum memory_call call)
{
	struct world *w = malloc(sizeof(*w));
	unsigned found = 0;
	for (unsigned long stop = 5; stop < 200; stop += 13) {
		run(w, stop, MEMORY_CRASH_LOSES, stop, call);
		found += w->losses > 0;
	}
	assert_true(found > 0);
	free(w);
}

static void without_the_sync_of_a_batch_it_is_lost(void **state)
{
	(void)state;
	expect_losses_without(MEMORY_FDATASYNC);
}

static void without_the_sync_of_the_folder_it_is_lost(void **state)
{
	(void)state;
	expect_losses_without(MEMORY_SYNC_FOLDER);
}

static void without_the_sync_of_a_new_file_it_is_lost(void **state)
{
	(void)state;
	expect_losses_without(MEMORY_FSYNC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_durable_is_lost_wherever_it_stops),
		cmocka_unit_test(without_the_sync_of_a_batch_it_is_lost),
		cmocka_unit_test(without_the_sync_of_the_folder_it_is_lost),
		cmocka_unit_test(without_the_sync_of_a_new_file_it_is_lost),
	};
	log_set_level(LOG_LEVEL_CRIT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
