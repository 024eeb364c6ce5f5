/* The journal as the loop uses it: a real folder, its own thread, and what a start refuses. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "keep/journal.h"
#include "keep/journal_reader.h"
#include "support/log.h"
#include "tests/kit/memory_disk.h"

#define WAIT_MS 20000

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), P_tmpdir "/tocsin-journal-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static void remove_in(const char *path)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf -- '%s'", path);
	assert_int_equal(system(command), 0);
}

static int remove_folder(void **state)
{
	(void)state;
	remove_in(folder);
	return 0;
}

static struct journal_settings settings(void)
{
	struct journal_settings s;
	journal_settings_default(&s);
	s.folder = folder;
	s.node = 3;
	s.record_version = 2;
	s.segment_bytes = 64 * 1024;
	s.pending_bytes_max = 1024 * 1024;
	return s;
}

struct found {
	unsigned records, items;
	struct position last;
	char item[32];
};

static bool on_item(void *context, uint32_t version, const uint8_t *bytes, size_t length)
{
	struct found *f = context;
	assert_int_equal(version, 2);
	f->items++;
	snprintf(f->item, sizeof(f->item), "%.*s", (int)length, (const char *)bytes);
	return true;
}

static bool on_record(void *context, struct position position, uint32_t version,
                      const uint8_t *bytes, size_t length)
{
	struct found *f = context;
	char expected[32];
	assert_int_equal(version, 2);
	assert_true(f->records == 0 || position_compare(position, f->last) > 0);
	assert_int_equal(length,
	                 snprintf(expected, sizeof(expected), "record %lu", position.number));
	assert_memory_equal(bytes, expected, length);
	f->records++;
	f->last = position;
	return true;
}

static struct journal *start(const struct journal_settings *s, struct found *f,
                             struct position *first)
{
	enum journal_answer why;
	struct recovery_report report;
	const struct recovery_calls calls = { f, on_item, on_record, NULL };
	memset(f, 0, sizeof(*f));
	struct journal *j = journal_open(s, &why);
	assert_int_equal(why, JOURNAL_OK);
	assert_int_equal(journal_recover(j, &calls, &report), RECOVERY_DONE);
	assert_int_equal(report.lost, 0);
	assert_true(report.is_settled);
	assert_int_equal(journal_start(j, first), JOURNAL_OK);
	return j;
}

static void append(struct journal *j, uint64_t number)
{
	char text[32];
	const int length = snprintf(text, sizeof(text), "record %lu", number);
	assert_int_equal(journal_append(j, number, text, (size_t)length), JOURNAL_OK);
}

/* As the loop does: sleeps on the descriptor until the number is durable. */
static void wait_durable(struct journal *j, uint64_t number)
{
	const struct mono deadline = mono_add_ms(clock_mono(), WAIT_MS);
	while (journal_durable(j).number < number) {
		struct pollfd wake = { .fd = journal_wake_fd(j), .events = POLLIN };
		assert_false(mono_is_due(deadline, clock_mono()));
		poll(&wake, 1, 100);
		if (wake.revents & POLLIN)
			journal_woken(j);
	}
}

static void what_is_durable_is_there_after_a_restart(void **state)
{
	(void)state;
	struct journal_settings s = settings();
	struct found f;
	struct position first, second;
	struct journal *j = start(&s, &f, &first);
	assert_int_equal(f.records, 0);
	assert_int_equal(first.node, 3);
	assert_int_equal(first.number, 1);
	assert_true(first.epoch >= 1700000000u);
	for (uint64_t n = 1; n <= 5000; n++) {
		append(j, n);
		if (n % 10 == 0)
			journal_commit(j);
	}
	journal_commit(j);
	wait_durable(j, 5000);
	struct journal_status status;
	journal_status(j, &status);
	assert_int_equal(status.state, JOURNAL_GOOD);
	assert_int_equal(status.records, 5000);
	assert_true(status.segments >= 3);
	assert_true(status.syncs >= status.segments);
	assert_int_equal(status.durable.number, 5000);
	assert_true(journal_close(j, WAIT_MS));

	j = start(&s, &f, &second);
	assert_int_equal(f.records, 5000);
	assert_int_equal(f.last.epoch, first.epoch);
	assert_true(second.epoch > first.epoch);
	append(j, 1);
	assert_true(journal_close(j, WAIT_MS)); /* closing waits for what was appended */
	j = start(&s, &f, &first);
	assert_int_equal(f.records, 5001);
	assert_int_equal(f.last.epoch, second.epoch);
	assert_true(journal_close(j, WAIT_MS));
}

static void files_are_the_services_own(void **state)
{
	(void)state;
	struct journal_settings s = settings();
	struct found f;
	struct position first;
	struct stat st;
	assert_int_equal(chmod(folder, 0755), 0);
	struct journal *j = start(&s, &f, &first);
	append(j, 1);
	journal_commit(j);
	wait_durable(j, 1);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	const struct segment_key key = { 3, first.epoch, 0 };
	assert_int_equal(stat(folder_segment_path(journal_folder(j), &key).text, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 64 * 1024);
	assert_true(st.st_blocks * 512 >= 64 * 1024); /* all of it is there already */
	assert_true(journal_close(j, WAIT_MS));
}

static void one_daemon_alone_holds_the_folder(void **state)
{
	(void)state;
	struct journal_settings s = settings();
	struct found f;
	struct position first;
	enum journal_answer why;
	struct journal *j = start(&s, &f, &first);
	assert_null(journal_open(&s, &why));
	assert_int_equal(why, JOURNAL_LOCKED);
	assert_true(journal_close(j, WAIT_MS));
	j = journal_open(&s, &why);
	assert_non_null(j);
	assert_true(journal_close(j, WAIT_MS));
}

static void appends_are_bounded_and_in_order(void **state)
{
	(void)state;
	struct journal_settings s = settings();
	struct found f;
	struct position first;
	uint8_t *big = calloc(1, 64 * 1024);
	struct journal *j = start(&s, &f, &first);
	append(j, 5);
	assert_int_equal(journal_append(j, 5, "x", 1), JOURNAL_OUT_OF_ORDER);
	assert_int_equal(journal_append(j, 4, "x", 1), JOURNAL_OUT_OF_ORDER);
	assert_int_equal(journal_append(j, 6, big, 64 * 1024), JOURNAL_TOO_LONG);
	assert_int_equal(journal_append(j, 6, big, 64 * 1024 - 168),
	                 JOURNAL_OK); /* one whole segment */
	journal_commit(j);
	wait_durable(j, 6);
	assert_true(journal_close(j, WAIT_MS));
	free(big);
}

static void the_follower_reads_while_it_is_written(void **state)
{
	(void)state;
	struct journal_settings s = settings();
	struct found f;
	struct position first;
	struct journal_reader reader;
	struct journal_reading reading;
	struct journal *j = start(&s, &f, &first);
	uint64_t given = 0, number = 0;
	journal_reader_open(&reader, journal_folder(j), (struct position){ 0 });
	const struct mono deadline = mono_add_ms(clock_mono(), WAIT_MS);
	while (given < 6000) {
		assert_false(mono_is_due(deadline, clock_mono()));
		for (unsigned i = 0; i < 7 && number < 6000; i++)
			append(j, ++number);
		journal_commit(j);
		const struct position durable = journal_durable(j);
		enum journal_read answer;
		while ((answer = journal_reader_next(&reader, durable, &reading)) ==
		       JOURNAL_READ_RECORD) {
			assert_int_equal(reading.position.number, given + 1);
			given++;
		}
		assert_int_equal(answer, JOURNAL_READ_END);
		assert_int_equal(given, durable.number);
	}
	journal_reader_close(&reader);
	assert_true(journal_close(j, WAIT_MS));
}

static void a_checkpoint_replaces_the_past(void **state)
{
	(void)state;
	struct journal_settings s = settings();
	struct found f;
	struct position first;
	struct journal_status status;
	struct journal *j = start(&s, &f, &first);
	for (uint64_t n = 1; n <= 20; n++)
		append(j, n);
	const struct position at = { 3, first.epoch, 11 };
	journal_confirm(j, (struct position){ 3, first.epoch, 9 });
	assert_int_equal(journal_checkpoint_add(j, "x", 1), JOURNAL_GIVEN_UP);
	assert_int_equal(journal_checkpoint_begin(j, at), JOURNAL_OK);
	assert_int_equal(journal_checkpoint_begin(j, at), JOURNAL_BUSY);
	assert_int_equal(journal_checkpoint_add(j, "one", 3), JOURNAL_OK);
	assert_int_equal(journal_checkpoint_add(j, "two", 3), JOURNAL_OK);
	assert_int_equal(journal_checkpoint_end(j), JOURNAL_OK);
	assert_int_equal(journal_checkpoint_add(j, "late", 4), JOURNAL_GIVEN_UP);
	const struct mono deadline = mono_add_ms(clock_mono(), WAIT_MS);
	do {
		struct pollfd wake = { .fd = journal_wake_fd(j), .events = POLLIN };
		assert_false(mono_is_due(deadline, clock_mono()));
		poll(&wake, 1, 100);
		if (wake.revents & POLLIN)
			journal_woken(j);
		journal_status(j, &status);
	} while (status.is_checkpointing);
	assert_int_equal(status.checkpoints, 1);
	assert_int_equal(status.checkpoint.number, 11);
	assert_true(journal_close(j, WAIT_MS));
	j = start(&s, &f, &first);
	assert_int_equal(f.items, 2);
	assert_string_equal(f.item, "two");
	assert_int_equal(f.records, 10);
	journal_status(j, &status);
	assert_int_equal(status.confirmed.number, 9);
	assert_true(journal_close(j, WAIT_MS));
}

static void a_checkpoint_comes_in_bounded_slices(void **state)
{
	(void)state;
	struct journal_settings s = settings();
	struct found f;
	struct position first;
	struct journal_status status;
	static uint8_t item[CHECKPOINT_ITEM_BYTES_MAX + 1];
	unsigned full = 0;
	struct journal *j = start(&s, &f, &first);
	assert_int_equal(journal_checkpoint_begin(j, first), JOURNAL_OK);
	assert_int_equal(journal_checkpoint_add(j, item, sizeof(item)), JOURNAL_TOO_LONG);
	const struct mono deadline = mono_add_ms(clock_mono(), WAIT_MS);
	for (unsigned i = 0; i < 64;) {
		const enum journal_answer answer =
		        journal_checkpoint_add(j, item, sizeof(item) - 1);
		assert_true(answer == JOURNAL_OK || answer == JOURNAL_FULL);
		assert_false(mono_is_due(deadline, clock_mono()));
		i += answer == JOURNAL_OK;
		full += answer == JOURNAL_FULL;
	}
	assert_true(full > 0);
	assert_int_equal(journal_checkpoint_end(j), JOURNAL_OK);
	assert_true(journal_close(j, WAIT_MS)); /* closing finishes what was ended */
	j = start(&s, &f, &first);
	assert_int_equal(f.items, 64);
	journal_status(j, &status);
	assert_int_equal(status.checkpoint.number, 1);
	assert_true(journal_close(j, WAIT_MS));
}

/* A folder in memory, of which every byte can be compared afterwards. */
static enum journal_answer open_answer(struct memory_disk *disk, uint32_t node, uint32_t version)
{
	struct journal_settings s = settings();
	enum journal_answer why;
	s.folder = "/journal";
	s.node = node;
	s.record_version = version;
	s.disk = memory_disk_interface(disk);
	s.is_threadless = true;
	struct journal *j = journal_open(&s, &why);
	if (j != NULL) {
		struct recovery_report report;
		struct position first;
		assert_int_equal(journal_recover(j, NULL, &report), RECOVERY_DONE);
		assert_int_equal(journal_start(j, &first), JOURNAL_OK);
		assert_int_equal(journal_append(j, 1, "record 1", 8), JOURNAL_OK);
		assert_true(journal_close(j, 0));
	}
	return why;
}

static void what_a_later_version_wrote_is_left_alone(void **state)
{
	(void)state;
	struct memory_disk *disk = memory_disk_new(1);
	assert_int_equal(open_answer(disk, 3, 2), JOURNAL_OK);
	assert_int_equal(open_answer(disk, 3, 3), JOURNAL_OK); /* a later one reads it */
	const unsigned long changes = memory_disk_changes(disk);
	assert_int_equal(open_answer(disk, 3, 2), JOURNAL_NEWER); /* and then the first no longer */
	assert_int_equal(open_answer(disk, 4, 3), JOURNAL_OTHER_NODE);
	assert_int_equal(memory_disk_changes(disk), changes);
	memory_disk_free(disk);
}

static void epochs_grow_though_the_clock_goes_back(void **state)
{
	(void)state;
	struct memory_disk *disk = memory_disk_new(1);
	memory_disk_set_wall(disk, (struct wall){ 2000000000LL * CLOCK_S_US });
	assert_int_equal(open_answer(disk, 3, 2), JOURNAL_OK);
	memory_disk_set_wall(disk, (struct wall){ 1000000000LL * CLOCK_S_US });
	assert_int_equal(open_answer(disk, 3, 2), JOURNAL_OK);
	assert_non_null(
	        strstr(memory_disk_name(disk, ".segment", 0), "/2000000000-0000000000.segment"));
	assert_non_null(
	        strstr(memory_disk_name(disk, ".segment", 1), "/2000000001-0000000000.segment"));
	memory_disk_free(disk);
}

static void what_was_not_read_is_not_gone_on_with(void **state)
{
	(void)state;
	struct memory_disk *disk = memory_disk_new(1);
	struct journal_settings s = settings();
	struct recovery_report report;
	struct position first;
	enum journal_answer why;
	s.folder = "/journal";
	s.disk = memory_disk_interface(disk);
	s.is_threadless = true;
	assert_int_equal(open_answer(disk, 3, 2), JOURNAL_OK);
	struct journal *j = journal_open(&s, &why);
	assert_int_equal(journal_start(j, &first), JOURNAL_NOT_READ);
	memory_disk_fail(disk, MEMORY_LIST, 0, 1, EIO);
	assert_int_equal(journal_recover(j, NULL, &report), RECOVERY_FAILED);
	assert_int_equal(journal_start(j, &first), JOURNAL_NOT_READ);
	assert_int_equal(journal_append(j, 1, "x", 1), JOURNAL_CLOSED);
	assert_int_equal(journal_recover(j, NULL, &report), RECOVERY_DONE);
	assert_int_equal(journal_start(j, &first), JOURNAL_OK);
	assert_true(journal_close(j, 0));
	memory_disk_free(disk);
}

static void settings_out_of_bounds_are_refused(void **state)
{
	(void)state;
	struct journal_settings s = settings();
	enum journal_answer why;
	s.segment_bytes = JOURNAL_SEGMENT_BYTES_MIN - 8;
	assert_null(journal_open(&s, &why));
	assert_int_equal(why, JOURNAL_SETTINGS);
	s = settings();
	s.segment_bytes += 4;
	assert_null(journal_open(&s, &why));
	assert_int_equal(why, JOURNAL_SETTINGS);
	s = settings();
	s.pending_bytes_max = 4096;
	assert_null(journal_open(&s, &why));
	assert_int_equal(why, JOURNAL_SETTINGS);
	char deep[FOLDER_PATH_SIZE + 8];
	memset(deep, 'a', sizeof(deep));
	deep[sizeof(deep) - 1] = '\0';
	s = settings();
	s.folder = deep;
	assert_null(journal_open(&s, &why));
	assert_int_equal(why, JOURNAL_SETTINGS);
	s.folder = "/no-such-folder/journal";
	assert_null(journal_open(&s, &why));
	assert_int_equal(why, JOURNAL_DISK);
	assert_int_equal(errno, ENOENT);
}

static void every_answer_and_state_has_a_name(void **state)
{
	(void)state;
	for (int answer = JOURNAL_OK; answer <= JOURNAL_NO_MEMORY; answer++)
		assert_string_not_equal(journal_answer_text((enum journal_answer)answer),
		                        "unknown");
	for (int s = JOURNAL_GOOD; s <= JOURNAL_FAILING; s++)
		assert_string_not_equal(journal_state_name((enum journal_state)s), "unknown");
	for (int reason = JOURNAL_REASON_NONE; reason <= JOURNAL_REASON_LEFT_OUT; reason++)
		assert_string_not_equal(journal_reason_name((enum journal_reason)reason),
		                        "unknown");
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(what_is_durable_is_there_after_a_restart),
		IN_FOLDER(files_are_the_services_own),
		IN_FOLDER(one_daemon_alone_holds_the_folder),
		IN_FOLDER(appends_are_bounded_and_in_order),
		IN_FOLDER(the_follower_reads_while_it_is_written),
		IN_FOLDER(a_checkpoint_replaces_the_past),
		IN_FOLDER(a_checkpoint_comes_in_bounded_slices),
		cmocka_unit_test(what_a_later_version_wrote_is_left_alone),
		cmocka_unit_test(epochs_grow_though_the_clock_goes_back),
		cmocka_unit_test(what_was_not_read_is_not_gone_on_with),
		cmocka_unit_test(settings_out_of_bounds_are_refused),
		cmocka_unit_test(every_answer_and_state_has_a_name),
	};
	log_set_level(LOG_LEVEL_CRIT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
