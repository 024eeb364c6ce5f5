#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "keep/crc32c.h"
#include "keep/little_endian.h"
#include "keep/snapshot.h"

#define FIRST_ITEM 4096

static char folder[256], path[300];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "%s", TEMP_DIR "/snapshot.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/registry.snapshot", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char command[300];

	(void)state;
	snprintf(command, sizeof command, "rm -r '%s'", folder);
	return system(command);
}

/* A disk that does what it is told, notes in which order, and can be made to fail at a step. */
struct trial {
	char steps[256];
	const char *fails;
};

static int step(struct trial *t, const char *name)
{
	size_t used = strlen(t->steps);

	snprintf(t->steps + used, sizeof t->steps - used, "%s ", name);
	if (!t->fails || strcmp(t->fails, name) != 0)
		return 0;
	errno = EIO;
	return -1;
}

static ssize_t trial_pwrite(void *context, int fd, const void *bytes, size_t length, off_t at)
{
	if (step(context, "write") != 0)
		return -1;
	return disk_system()->pwrite(NULL, fd, bytes, length, at);
}

static int trial_fsync(void *context, int fd)
{
	return step(context, "sync") ? -1 : disk_system()->fsync(NULL, fd);
}

static int trial_fdatasync(void *context, int fd)
{
	return step(context, "datasync") ? -1 : disk_system()->fdatasync(NULL, fd);
}

static int trial_rename(void *context, const char *from, const char *to)
{
	return step(context, "rename") ? -1 : disk_system()->rename(NULL, from, to);
}

static int trial_sync_folder(void *context, const char *name)
{
	return step(context, "folder") ? -1 : disk_system()->sync_folder(NULL, name);
}

static int trial_open(void *context, const char *name, int flags)
{
	return step(context, "open") ? -1 : disk_system()->open(NULL, name, flags);
}

static struct disk trial_disk(struct trial *t)
{
	struct disk disk = *disk_system();

	disk.context = t;
	disk.open = trial_open;
	disk.pwrite = trial_pwrite;
	disk.fsync = trial_fsync;
	disk.fdatasync = trial_fdatasync;
	disk.rename = trial_rename;
	disk.sync_folder = trial_sync_folder;
	return disk;
}

static const struct snapshot_about about = { .kind = SNAPSHOT_REGISTRY,
	                                     .version = 42,
	                                     .changed_at = { 1700000000000001 },
	                                     .seen_at = { 1700000000000002 } };

/* `rows` rows of growing length, of changing kinds. */
static bool write_rows(const struct disk *disk, unsigned rows)
{
	struct snapshot_writer w;
	uint8_t bytes[2000];

	if (!snapshot_begin(&w, disk, path, &about))
		return false;
	for (unsigned i = 0; i < rows; i++) {
		memset(bytes, (int)(i & 0xff), sizeof bytes);
		if (!snapshot_add(&w, ROW_PRACTITIONER + i % 3, bytes, i % sizeof bytes))
			return false;
	}
	return snapshot_end(&w);
}

static enum snapshot_state read_rows(unsigned *rows, struct snapshot_about *out)
{
	struct snapshot_reader r;
	enum snapshot_state state = snapshot_open(&r, disk_system(), path, SNAPSHOT_REGISTRY, out);
	enum row_kind kind;
	const uint8_t *bytes;
	size_t length;

	*rows = 0;
	while (state == SNAPSHOT_WHOLE && snapshot_next(&r, &state, &kind, &bytes, &length)) {
		assert_int_equal(kind, ROW_PRACTITIONER + *rows % 3);
		assert_int_equal(length, *rows % 2000);
		for (size_t i = 0; i < length; i++)
			assert_int_equal(bytes[i], *rows & 0xff);
		++*rows;
	}
	/* Whatever is wrong with a file, it says what. */
	assert_int_equal(state == SNAPSHOT_WHOLE, r.why[0] == '\0');
	snapshot_close(&r);
	return state;
}

static uint8_t *read_file(size_t *length)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*length = (size_t)st.st_size;
	uint8_t *bytes = malloc(*length);
	assert_non_null(bytes);
	assert_int_equal(read(fd, bytes, *length), st.st_size);
	close(fd);
	return bytes;
}

static void write_file(const uint8_t *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), (ssize_t)length);
	close(fd);
}

static void test_what_was_written_is_read(void **state)
{
	struct snapshot_about out;
	unsigned rows;
	struct stat st;
	char unfinished[310];

	(void)state;
	assert_true(write_rows(disk_system(), 0));
	assert_int_equal(read_rows(&rows, &out), SNAPSHOT_WHOLE);
	assert_int_equal(rows, 0);
	/* Megabytes, so that reading and writing go through their buffers more than once. */
	assert_true(write_rows(disk_system(), 5000));
	assert_int_equal(read_rows(&rows, &out), SNAPSHOT_WHOLE);
	assert_int_equal(rows, 5000);
	assert_int_equal(out.version, 42);
	assert_true(out.changed_at.us == about.changed_at.us && out.seen_at.us == about.seen_at.us);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(st.st_size > 4 << 20);
	snprintf(unfinished, sizeof unfinished, "%s.tmp", path);
	assert_int_equal(stat(unfinished, &st), -1);
}

static void test_a_row_larger_than_the_buffer(void **state)
{
	static uint8_t large[3 << 20];
	struct snapshot_writer w;
	struct snapshot_reader r;
	struct snapshot_about out;
	enum snapshot_state end;
	enum row_kind kind;
	const uint8_t *bytes;
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof large; i++)
		large[i] = (uint8_t)(i * 7);
	assert_true(snapshot_begin(&w, disk_system(), path, &about));
	for (int i = 0; i < 3; i++)
		assert_true(snapshot_add(&w, ROW_CONTOUR, large, sizeof large - (size_t)i));
	assert_true(snapshot_end(&w));
	assert_int_equal(snapshot_open(&r, disk_system(), path, SNAPSHOT_REGISTRY, &out),
	                 SNAPSHOT_WHOLE);
	for (int i = 0; i < 3; i++) {
		assert_true(snapshot_next(&r, &end, &kind, &bytes, &length));
		assert_int_equal(length, sizeof large - (size_t)i);
		assert_memory_equal(bytes, large, length);
	}
	assert_false(snapshot_next(&r, &end, &kind, &bytes, &length));
	assert_int_equal(end, SNAPSHOT_WHOLE);
	snapshot_close(&r);
	assert_true(snapshot_begin(&w, disk_system(), path, &about));
	assert_false(snapshot_add(&w, ROW_CONTOUR, large, ROW_BYTES_MAX));
	assert_int_equal(errno, EMSGSIZE);
	assert_false(snapshot_end(&w)); /* it is over */
}

static void test_synced_then_named_then_the_folder(void **state)
{
	struct trial t = { 0 };
	struct disk disk = trial_disk(&t);

	(void)state;
	assert_true(write_rows(&disk, 10));
	assert_string_equal(t.steps, "open write sync rename folder ");
}

static void test_a_failure_leaves_the_old_one(void **state)
{
	static const char *const failures[] = { "open", "write", "sync", "rename" };
	struct snapshot_about out;
	struct stat st;
	char unfinished[310];
	unsigned rows;

	(void)state;
	snprintf(unfinished, sizeof unfinished, "%s.tmp", path);
	assert_true(write_rows(disk_system(), 7));
	for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
		struct trial t = { .fails = failures[i] };
		struct disk disk = trial_disk(&t);
		assert_false(write_rows(&disk, 9));
		assert_int_equal(errno, EIO);
		assert_int_equal(read_rows(&rows, &out), SNAPSHOT_WHOLE);
		assert_int_equal(rows, 7);
		assert_int_equal(stat(unfinished, &st), -1);
	}
	/* With the folder not synced the new one is there, and may be gone after a power cut. */
	struct trial t = { .fails = "folder" };
	struct disk disk = trial_disk(&t);
	assert_false(write_rows(&disk, 9));
	assert_int_equal(read_rows(&rows, &out), SNAPSHOT_WHOLE);
	assert_int_equal(rows, 9);
}

static void test_abandoned(void **state)
{
	struct snapshot_writer w;
	struct snapshot_about out;
	unsigned rows;
	FILE *f;
	char unfinished[310];

	(void)state;
	assert_true(write_rows(disk_system(), 7));
	assert_true(snapshot_begin(&w, disk_system(), path, &about));
	assert_true(snapshot_add(&w, ROW_SITE, (const uint8_t *)"x", 1));
	snapshot_abandon(&w);
	snapshot_abandon(&w);
	assert_int_equal(read_rows(&rows, &out), SNAPSHOT_WHOLE);
	assert_int_equal(rows, 7);
	/* What a killed run left in the way is taken away. */
	snprintf(unfinished, sizeof unfinished, "%s.tmp", path);
	f = fopen(unfinished, "w");
	assert_non_null(f);
	fclose(f);
	assert_true(write_rows(disk_system(), 8));
	assert_int_equal(access(unfinished, F_OK), -1);
}

static void test_absent_and_foreign(void **state)
{
	struct snapshot_reader r;
	struct snapshot_about out;
	unsigned rows;

	(void)state;
	unlink(path);
	assert_int_equal(read_rows(&rows, &out), SNAPSHOT_ABSENT);
	assert_true(write_rows(disk_system(), 1));
	assert_int_equal(snapshot_open(&r, disk_system(), path, SNAPSHOT_TERRITORY, &out),
	                 SNAPSHOT_BAD);
	snapshot_close(&r);
	assert_int_equal(chmod(folder, 0700), 0);
	struct trial t = { .fails = "open" };
	struct disk disk = trial_disk(&t);
	assert_int_equal(snapshot_open(&r, &disk, path, SNAPSHOT_REGISTRY, &out), SNAPSHOT_FAILED);
	snapshot_close(&r);
}

static void test_newer(void **state)
{
	struct snapshot_about out;
	size_t length;
	unsigned rows;

	(void)state;
	assert_true(write_rows(disk_system(), 3));
	uint8_t *bytes = read_file(&length);
	put_u32(bytes + 8, SNAPSHOT_FORMAT_VERSION + 1);
	put_u32(bytes + 12, crc32c(0, bytes, 12));
	write_file(bytes, length);
	assert_int_equal(read_rows(&rows, &out), SNAPSHOT_NEWER);
	free(bytes);
}

/* Wherever it was cut, and whichever byte of what counts was changed, it is refused. */
static void test_damaged(void **state)
{
	struct snapshot_about out;
	size_t length;
	unsigned rows;

	(void)state;
	assert_true(write_rows(disk_system(), 12));
	uint8_t *bytes = read_file(&length);
	for (size_t cut = 0; cut < length; cut += cut < FIRST_ITEM ? 255 : 1) {
		write_file(bytes, cut);
		assert_int_equal(read_rows(&rows, &out), SNAPSHOT_BAD);
	}
	for (size_t at = 0; at < length; at = at == 127 ? FIRST_ITEM : at + 1) {
		for (unsigned bit = 0; bit < 8; bit += 3) {
			bytes[at] ^= (uint8_t)(1u << bit);
			write_file(bytes, length);
			struct snapshot_reader r;
			enum snapshot_state end =
			        snapshot_open(&r, disk_system(), path, SNAPSHOT_REGISTRY, &out);
			enum row_kind kind;
			const uint8_t *row;
			size_t row_length;
			while (end == SNAPSHOT_WHOLE &&
			       snapshot_next(&r, &end, &kind, &row, &row_length))
				;
			assert_int_equal(end, SNAPSHOT_BAD);
			snapshot_close(&r);
			bytes[at] ^= (uint8_t)(1u << bit);
		}
	}
	uint8_t *longer = realloc(bytes, length + 1);
	assert_non_null(longer);
	longer[length] = 0;
	write_file(longer, length + 1); /* something follows the end */
	assert_int_equal(read_rows(&rows, &out), SNAPSHOT_BAD);
	free(longer);
}

/* Two rows that changed places are both whole, and the file is not. */
static void test_rows_in_another_order(void **state)
{
	struct snapshot_writer w;
	struct snapshot_about out;
	size_t length;
	unsigned rows;

	(void)state;
	assert_true(snapshot_begin(&w, disk_system(), path, &about));
	assert_true(snapshot_add(&w, ROW_SITE, (const uint8_t *)"one", 3));
	assert_true(snapshot_add(&w, ROW_SITE, (const uint8_t *)"two", 3));
	assert_true(snapshot_end(&w));
	uint8_t *bytes = read_file(&length);
	enum { ITEM = 8 + 1 + 3 };
	uint8_t first[ITEM];
	memcpy(first, bytes + FIRST_ITEM, ITEM);
	memcpy(bytes + FIRST_ITEM, bytes + FIRST_ITEM + ITEM, ITEM);
	memcpy(bytes + FIRST_ITEM + ITEM, first, ITEM);
	write_file(bytes, length);
	assert_int_equal(read_rows(&rows, &out), SNAPSHOT_BAD);
	free(bytes);
}

static void test_seen_to_be_current(void **state)
{
	struct snapshot_about out;
	struct trial t = { 0 };
	struct disk disk = trial_disk(&t);
	unsigned rows;

	(void)state;
	assert_true(write_rows(disk_system(), 3));
	for (int64_t us = 1700000000000010; us < 1700000000000016; us++) {
		assert_true(snapshot_see(disk_system(), path, (struct wall){ us }));
		assert_int_equal(read_rows(&rows, &out), SNAPSHOT_WHOLE);
		assert_int_equal(rows, 3);
		assert_true(out.seen_at.us == us);
	}
	/* A mark that was torn leaves the one before, and the rest of the file. */
	size_t length;
	uint8_t *bytes = read_file(&length);
	size_t newest = get_u64(bytes + 512) > get_u64(bytes + 1024) ? 512 : 1024;
	bytes[newest + 3] ^= 0x10;
	write_file(bytes, length);
	assert_int_equal(read_rows(&rows, &out), SNAPSHOT_WHOLE);
	assert_true(out.seen_at.us == 1700000000000014);
	free(bytes);
	/* And the next one takes its place. */
	assert_true(snapshot_see(&disk, path, (struct wall){ 1700000000000020 }));
	assert_string_equal(t.steps, "open write datasync ");
	assert_int_equal(read_rows(&rows, &out), SNAPSHOT_WHOLE);
	assert_true(out.seen_at.us == 1700000000000020);
	unlink(path);
	assert_false(snapshot_see(disk_system(), path, (struct wall){ 1700000000000021 }));
	assert_int_equal(errno, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_written_is_read),
		cmocka_unit_test(test_a_row_larger_than_the_buffer),
		cmocka_unit_test(test_synced_then_named_then_the_folder),
		cmocka_unit_test(test_a_failure_leaves_the_old_one),
		cmocka_unit_test(test_abandoned),
		cmocka_unit_test(test_absent_and_foreign),
		cmocka_unit_test(test_newer),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_rows_in_another_order),
		cmocka_unit_test(test_seen_to_be_current),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
