#include "keep/disk.h"

#include <errno.h>
#include <fcntl.h>
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

static char folder[64], file[96], other[96], deep[96];

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), P_tmpdir "/tocsin-disk-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(file, sizeof(file), "%s/file", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	snprintf(deep, sizeof(deep), "%s/deep", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(file);
	unlink(other);
	rmdir(deep);
	return rmdir(folder);
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	const struct disk *disk = disk_system();
	char back[16] = "";
	struct stat st;
	assert_int_equal(disk->open(disk->context, file, O_RDWR), -1);
	assert_int_equal(errno, ENOENT);
	const int fd = disk->open(disk->context, file, O_RDWR | O_CREAT);
	assert_true(fd >= 0);
	assert_int_equal(disk_write_all(disk, fd, "tocsin", 6, 10), 0);
	assert_int_equal(disk->fdatasync(disk->context, fd), 0);
	assert_int_equal(disk->fsync(disk->context, fd), 0);
	disk->start_writing(disk->context, fd, 0, 16);
	disk->forget(disk->context, fd);
	assert_int_equal(disk->size(disk->context, fd), 16);
	assert_int_equal(disk_read_all(disk, fd, back, sizeof(back), 10),
	                 6); /* the end of the file */
	assert_memory_equal(back, "tocsin", 6);
	assert_int_equal(disk_read_all(disk, fd, back, sizeof(back), 100), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(disk->allocate(disk->context, fd, 65536), 0);
	assert_int_equal(disk->size(disk->context, fd), 65536);
	assert_int_equal(disk->close(disk->context, fd), 0);
}

static void count_entries(void *arg, const char *name)
{
	assert_true(strcmp(name, "file") == 0 || strcmp(name, "other") == 0);
	++*(int *)arg;
}

static void names_are_listed_renamed_and_removed(void **state)
{
	(void)state;
	const struct disk *disk = disk_system();
	int entries = 0;
	assert_int_equal(
	        disk->close(disk->context, disk->open(disk->context, file, O_WRONLY | O_CREAT)), 0);
	assert_int_equal(disk->list(disk->context, folder, count_entries, &entries), 0);
	assert_int_equal(entries, 1);
	assert_int_equal(disk->rename(disk->context, file, other), 0);
	assert_int_equal(disk->sync_folder(disk->context, folder), 0);
	assert_int_equal(access(file, F_OK), -1);
	assert_int_equal(disk->unlink(disk->context, other), 0);
	assert_int_equal(disk->unlink(disk->context, other), -1);
	entries = 0;
	assert_int_equal(disk->list(disk->context, folder, count_entries, &entries), 0);
	assert_int_equal(entries, 0);
	assert_int_equal(disk->list(disk->context, file, count_entries, &entries), -1);
	assert_int_equal(disk->sync_folder(disk->context, file), -1);
}

static void a_symbolic_link_is_not_followed(void **state)
{
	(void)state;
	const struct disk *disk = disk_system();
	assert_int_equal(symlink(other, file), 0);
	assert_int_equal(disk->open(disk->context, file, O_WRONLY | O_CREAT), -1);
	assert_int_equal(errno, ELOOP);
}

static void folders_are_made_for_the_service_alone(void **state)
{
	(void)state;
	const struct disk *disk = disk_system();
	struct stat st;
	assert_int_equal(disk->make_folder(disk->context, deep), 0);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(chmod(deep, 0755), 0);
	assert_int_equal(disk->make_folder(disk->context, deep), 0); /* it is there, and too open */
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(close(open(file, O_WRONLY | O_CREAT, 0600)), 0);
	assert_int_equal(disk->make_folder(disk->context, file), -1);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(disk->make_folder(disk->context, "/no-such-folder/deep"), -1);
}

static void a_lock_has_one_holder(void **state)
{
	(void)state;
	const struct disk *disk = disk_system();
	const int fd = disk->lock(disk->context, file);
	assert_true(fd >= 0);
	assert_int_equal(disk->lock(disk->context, file), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	assert_int_equal(disk->close(disk->context, fd), 0);
	const int again = disk->lock(disk->context, file);
	assert_true(again >= 0);
	assert_int_equal(disk->close(disk->context, again), 0);
}

static void clocks_go_on(void **state)
{
	(void)state;
	const struct disk *disk = disk_system();
	const struct mono before = disk->mono(disk->context);
	assert_true(mono_is_set(before));
	assert_true(disk->mono(disk->context).ns >= before.ns);
	assert_true(disk->wall(disk->context).us > 1700000000LL * CLOCK_S_US);
}

/* A disk that takes three bytes at a time, after a signal. */
struct stutter {
	uint8_t bytes[64];
	unsigned calls;
	size_t most;
};

static ssize_t stutter_write(void *context, int fd, const void *bytes, size_t length, off_t at)
{
	struct stutter *s = context;
	(void)fd;
	if (s->calls++ % 2 == 0) {
		errno = EINTR;
		return -1;
	}
	const size_t part = length < s->most ? length : s->most;
	memcpy(s->bytes + at, bytes, part);
	return (ssize_t)part;
}

static ssize_t stutter_read(void *context, int fd, void *bytes, size_t length, off_t at)
{
	struct stutter *s = context;
	(void)fd;
	if (s->calls++ % 2 == 0) {
		errno = EINTR;
		return -1;
	}
	const size_t part = length < s->most ? length : s->most;
	memcpy(bytes, s->bytes + at, part);
	return (ssize_t)part;
}

static void short_writes_and_signals_are_gone_through(void **state)
{
	(void)state;
	struct stutter s = { .most = 3 };
	const struct disk disk = { .context = &s, .pwrite = stutter_write, .pread = stutter_read };
	char back[11] = "";
	assert_int_equal(disk_write_all(&disk, 0, "0123456789", 10, 5), 0);
	assert_memory_equal(s.bytes + 5, "0123456789", 10);
	assert_int_equal(disk_read_all(&disk, 0, back, 10, 5), 10);
	assert_string_equal(back, "0123456789");
	s.most = 0; /* a write that neither fails nor writes */
	assert_int_equal(disk_write_all(&disk, 0, "x", 1, 0), -1);
	assert_int_equal(errno, EIO);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(what_is_written_is_read),
		IN_FOLDER(names_are_listed_renamed_and_removed),
		IN_FOLDER(a_symbolic_link_is_not_followed),
		IN_FOLDER(folders_are_made_for_the_service_alone),
		IN_FOLDER(a_lock_has_one_holder),
		cmocka_unit_test(clocks_go_on),
		cmocka_unit_test(short_writes_and_signals_are_gone_through),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
