#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "keep/cache.h"
#include "support/log.h"
#include "tests/unit/row_rig.h"

static char folder[256];
static struct mono now = { 1000000000000 };
static bool is_disk_full;

static int make_folder(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_CRIT);
	snprintf(folder, sizeof folder, "%s", TEMP_DIR "/cache.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[300];

	(void)state;
	snprintf(command, sizeof command, "rm -r '%s'", folder);
	return system(command);
}

static struct mono trial_mono(void *context)
{
	(void)context;
	now.ns += 50 * CLOCK_MS_NS; /* whatever is done takes 50 ms */
	return now;
}

static ssize_t trial_pwrite(void *context, int fd, const void *bytes, size_t length, off_t at)
{
	(void)context;
	if (is_disk_full) {
		errno = ENOSPC;
		return -1;
	}
	return disk_system()->pwrite(NULL, fd, bytes, length, at);
}

static struct disk trial_disk(void)
{
	struct disk disk = *disk_system();

	disk.mono = trial_mono;
	disk.pwrite = trial_pwrite;
	return disk;
}

static const struct snapshot_about about = { .kind = SNAPSHOT_REGISTRY,
	                                     .version = 5,
	                                     .seen_at = { 1000 } };

static bool into_registry(void *context, enum row_kind kind, const uint8_t *bytes, size_t length)
{
	return row_to_registry(context, kind, bytes, length) == ROW_TAKEN;
}

/* What the snapshot on the disk holds, as a registry; NULL when it is not whole. */
static struct registry *read_back(const struct disk *disk, struct snapshot_about *out)
{
	struct cache c;
	struct registry *r = registry_new(0);

	cache_init(&c, disk, folder);
	enum snapshot_state state = cache_read(&c, SNAPSHOT_REGISTRY, out, into_registry, r);
	cache_done(&c);
	if (state == SNAPSHOT_WHOLE)
		return r;
	registry_free(r);
	return NULL;
}

static void load(struct cache *c, uint32_t people)
{
	struct rig_row row;

	cache_begin(c, &about);
	for (uint32_t n = 1; n <= people; n++) {
		rig_site(&row, n);
		cache_add(c, ROW_SITE, row.bytes, row.length);
		rig_practitioner(&row, n, "Dr Camille Exemple");
		cache_add(c, ROW_PRACTITIONER, row.bytes, row.length);
	}
	cache_end(c, SNAPSHOT_REGISTRY);
}

static void change(struct cache *c, enum row_kind kind, const struct rig_row *row)
{
	cache_change(c, kind, row->bytes, row->length, now);
}

static bool holds(const char *text)
{
	char path[300], bytes[65536];
	size_t length;

	snprintf(path, sizeof path, "%s/registry.snapshot", folder);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	length = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	assert_true(length < sizeof bytes);
	return memmem(bytes, length, text, strlen(text)) != NULL;
}

static void test_a_load_and_its_changes(void **state)
{
	struct disk disk = trial_disk();
	struct snapshot_about out, newer = about;
	struct practitioner p;
	struct source s;
	struct cache c;
	struct rig_row row;
	bool needs_load = true;

	(void)state;
	newer.version = 9;
	cache_init(&c, &disk, folder);
	load(&c, 20);
	assert_false(mono_is_set(c.due));

	rig_practitioner(&row, 3, "Dr Dominique Nouveau");
	change(&c, ROW_PRACTITIONER, &row);
	rig_practitioner(&row, 3, "Dr Dominique Encore");
	change(&c, ROW_PRACTITIONER, &row);
	rig_gone(&row, 10, rig_id(1, 4));
	change(&c, ROW_PRACTITIONER, &row);
	rig_gone(&row, 10, rig_id(1, 5));
	change(&c, ROW_PRACTITIONER, &row);
	rig_practitioner(&row, 5, "Dr Revenue Aussitôt");
	change(&c, ROW_PRACTITIONER, &row);
	rig_source(&row, 4, "bracelet-4"); /* the number of one who is gone, of another kind */
	change(&c, ROW_SOURCE, &row);
	rig_practitioner(&row, 21, "Dr Tout Neuf");
	change(&c, ROW_PRACTITIONER, &row);
	assert_true(cache_rewrite(&c, &newer, &needs_load));
	assert_false(needs_load);
	assert_int_equal(c.pending.count, 0);

	struct registry *r = read_back(&disk, &out);
	assert_non_null(r);
	assert_int_equal(out.version, 9);
	assert_int_equal(registry_size(r).practitioners, 20);
	assert_int_equal(registry_size(r).sites, 20);
	assert_true(registry_practitioner(r, rig_person(3), &p));
	assert_string_equal(p.name, "Dr Dominique Encore");
	assert_false(registry_practitioner(r, rig_person(4), &p));
	assert_true(registry_practitioner(r, rig_person(5), &p));
	assert_string_equal(p.name, "Dr Revenue Aussitôt");
	assert_true(registry_practitioner(r, rig_person(21), &p));
	assert_true(registry_source_by_name(r, "bracelet-4", &s));
	assert_false(holds("Dr Dominique Nouveau")); /* not even as an older row */
	registry_free(r);
	cache_done(&c);
}

static void test_a_withdrawal_is_due_at_once(void **state)
{
	struct disk disk = trial_disk();
	struct cache c;
	struct rig_row row;
	bool needs_load;

	(void)state;
	cache_init(&c, &disk, folder);
	load(&c, 3);
	rig_site(&row, 2);
	change(&c, ROW_SITE, &row);
	assert_true(mono_ms_between(now, c.due) > 1000); /* a few seconds for the others */
	rig_gone(&row, 10, rig_id(1, 2));
	change(&c, ROW_PRACTITIONER, &row);
	assert_true(mono_is_due(c.due, now));
	assert_true(cache_rewrite(&c, &about, &needs_load));
	assert_false(mono_is_set(c.due));
	/* The next one waits four times as long as this one took: 50 ms. */
	change(&c, ROW_PRACTITIONER, &row);
	assert_int_equal(mono_ms_between(now, c.due), 200);
	cache_done(&c);
}

static void test_a_full_disk_is_tried_again(void **state)
{
	struct disk disk = trial_disk();
	struct snapshot_about out;
	struct cache c;
	struct rig_row row;
	bool needs_load;

	(void)state;
	cache_init(&c, &disk, folder);
	load(&c, 3);
	rig_gone(&row, 10, rig_id(1, 2));
	change(&c, ROW_PRACTITIONER, &row);
	is_disk_full = true;
	int64_t last = 0;
	for (int i = 0; i < 12; i++) {
		assert_false(cache_rewrite(&c, &about, &needs_load));
		assert_false(needs_load); /* nothing is lost: the old one and what is pending */
		int64_t wait = mono_ms_between(now, c.due);
		assert_true(wait >= last && wait <= 600000);
		last = wait;
	}
	assert_int_equal(last, 600000);
	assert_true(c.is_failing);
	assert_non_null(strstr(c.why, "No space left"));
	is_disk_full = false;
	struct registry *r = read_back(&disk, &out);
	assert_int_equal(registry_size(r).practitioners, 3); /* as it was */
	registry_free(r);

	assert_true(cache_rewrite(&c, &about, &needs_load));
	assert_false(c.is_failing);
	assert_string_equal(c.why, "");
	r = read_back(&disk, &out);
	assert_int_equal(registry_size(r).practitioners, 2);
	registry_free(r);
	cache_done(&c);
}

static void test_a_load_that_could_not_be_written(void **state)
{
	struct disk disk = trial_disk();
	struct cache c;
	struct rig_row row;
	bool needs_load;

	(void)state;
	cache_init(&c, &disk, folder);
	is_disk_full = true;
	load(&c, 3000); /* more than a buffer: the writer fails on the way */
	is_disk_full = false;
	assert_true(c.is_failing);
	assert_true(mono_is_set(c.due));
	rig_gone(&row, 10, rig_id(1, 2));
	change(&c, ROW_PRACTITIONER, &row);
	/* The old snapshot with these changes would be a third thing: only a load helps. */
	assert_false(cache_rewrite(&c, &about, &needs_load));
	assert_true(needs_load);
	load(&c, 4);
	assert_false(mono_is_set(c.due));
	assert_false(c.is_failing);
	assert_int_equal(c.pending.count, 0);
	cache_done(&c);
}

static void test_a_damaged_snapshot_needs_a_load(void **state)
{
	struct disk disk = trial_disk();
	struct snapshot_about out;
	struct cache c;
	struct rig_row row;
	char path[300];
	bool needs_load;

	(void)state;
	cache_init(&c, &disk, folder);
	load(&c, 5);
	snprintf(path, sizeof path, "%s/registry.snapshot", folder);
	assert_int_equal(truncate(path, 5000), 0);
	rig_gone(&row, 10, rig_id(1, 2));
	change(&c, ROW_PRACTITIONER, &row);
	assert_false(cache_rewrite(&c, &about, &needs_load));
	assert_true(needs_load);
	assert_null(read_back(&disk, &out));
	cache_done(&c);

	/* Nor is one that was damaged at the start something to build on. */
	cache_init(&c, &disk, folder);
	struct registry *r = registry_new(0);
	assert_int_equal(cache_read(&c, SNAPSHOT_REGISTRY, &out, into_registry, r), SNAPSHOT_BAD);
	assert_int_not_equal(c.why[0], '\0');
	registry_free(r);
	change(&c, ROW_PRACTITIONER, &row);
	assert_false(cache_rewrite(&c, &about, &needs_load));
	assert_true(needs_load);
	cache_done(&c);
}

static void test_more_than_is_remembered(void **state)
{
	struct disk disk = trial_disk();
	struct cache c;
	struct rig_row row;
	bool needs_load;

	(void)state;
	cache_init(&c, &disk, folder);
	load(&c, 1);
	rig_gone(&row, 10, rig_id(1, 1));
	for (int i = 0; i <= CACHE_PENDING_MAX; i++)
		change(&c, ROW_PRACTITIONER, &row);
	assert_int_equal(c.pending.count, CACHE_PENDING_MAX);
	assert_false(cache_rewrite(&c, &about, &needs_load));
	assert_true(needs_load);
	cache_done(&c);
}

static void test_seen(void **state)
{
	struct disk disk = trial_disk();
	struct snapshot_about out;
	struct cache c;
	struct rig_row row;

	(void)state;
	cache_init(&c, &disk, folder);
	load(&c, 2);
	cache_see(&c, (struct wall){ 5000 });
	registry_free(read_back(&disk, &out));
	assert_true(out.seen_at.us == 5000);
	/* With a change that is not in it, it is no longer current. */
	rig_gone(&row, 10, rig_id(1, 2));
	change(&c, ROW_PRACTITIONER, &row);
	cache_see(&c, (struct wall){ 6000 });
	registry_free(read_back(&disk, &out));
	assert_true(out.seen_at.us == 5000);
	assert_false(c.is_failing); /* that there is no territory yet is no failure */
	cache_done(&c);
}

static void test_not_kept(void **state)
{
	struct disk disk = trial_disk();
	struct snapshot_about out;
	struct cache c;
	struct rig_row row;

	(void)state;
	cache_init(&c, &disk, NULL);
	load(&c, 2);
	rig_gone(&row, 10, rig_id(1, 2));
	change(&c, ROW_PRACTITIONER, &row);
	assert_false(mono_is_set(c.due));
	cache_see(&c, (struct wall){ 1 });
	assert_int_equal(cache_read(&c, SNAPSHOT_REGISTRY, &out, into_registry, NULL),
	                 SNAPSHOT_ABSENT);
	assert_false(c.is_failing);
	cache_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_load_and_its_changes),
		cmocka_unit_test(test_a_withdrawal_is_due_at_once),
		cmocka_unit_test(test_a_full_disk_is_tried_again),
		cmocka_unit_test(test_a_load_that_could_not_be_written),
		cmocka_unit_test(test_a_damaged_snapshot_needs_a_load),
		cmocka_unit_test(test_more_than_is_remembered),
		cmocka_unit_test(test_seen),
		cmocka_unit_test(test_not_kept),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
