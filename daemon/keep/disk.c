#include "keep/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/text.h"

static int system_open(void *context, const char *path, int flags)
{
	(void)context;
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static int system_close(void *context, int fd)
{
	(void)context;
	return close(fd);
}

static ssize_t system_pread(void *context, int fd, void *bytes, size_t length, off_t at)
{
	(void)context;
	return pread(fd, bytes, length, at);
}

static ssize_t system_pwrite(void *context, int fd, const void *bytes, size_t length, off_t at)
{
	(void)context;
	return pwrite(fd, bytes, length, at);
}

static off_t system_size(void *context, int fd)
{
	struct stat st;
	(void)context;
	return fstat(fd, &st) == 0 ? st.st_size : -1;
}

static int system_allocate(void *context, int fd, off_t length)
{
	(void)context;
	/* Not posix_fallocate: where a file system cannot, that one writes to every block. */
	return fallocate(fd, 0, 0, length);
}

static int system_fdatasync(void *context, int fd)
{
	(void)context;
	return fdatasync(fd);
}

static int system_fsync(void *context, int fd)
{
	(void)context;
	return fsync(fd);
}

static void system_start_writing(void *context, int fd, off_t at, off_t length)
{
	(void)context;
	sync_file_range(fd, at, length, SYNC_FILE_RANGE_WRITE);
}

static void system_forget(void *context, int fd)
{
	(void)context;
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

static int system_rename(void *context, const char *from, const char *to)
{
	(void)context;
	return rename(from, to);
}

static int system_unlink(void *context, const char *path)
{
	(void)context;
	return unlink(path);
}

static int system_sync_folder(void *context, const char *path)
{
	(void)context;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int result = fsync(fd);
	int error = errno;
	close(fd);
	errno = error;
	return result;
}

static int system_make_folder(void *context, const char *path)
{
	char copy[PATH_MAX];
	if (!TEXT_COPY(copy, path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (mkdir(path, 0700) == 0)
		return system_sync_folder(context, dirname(copy));
	if (errno != EEXIST)
		return -1;
	/* What it holds names people: nobody else looks in, whoever made the folder. */
	struct stat st;
	if (stat(path, &st) < 0)
		return -1;
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	return (st.st_mode & 077) == 0 ? 0 : chmod(path, 0700);
}

static int system_list(void *context, const char *path, void (*each)(void *arg, const char *name),
                       void *arg)
{
	(void)context;
	DIR *folder = opendir(path);
	if (folder == NULL)
		return -1;
	const struct dirent *entry;
	errno = 0;
	while ((entry = readdir(folder)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			each(arg, entry->d_name);
		errno = 0;
	}
	int error = errno;
	closedir(folder);
	errno = error;
	return error == 0 ? 0 : -1;
}

static int system_lock(void *context, const char *path)
{
	int fd = system_open(context, path, O_RDWR | O_CREAT);
	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static struct mono system_mono(void *context)
{
	(void)context;
	return clock_mono();
}

static struct wall system_wall(void *context)
{
	(void)context;
	return clock_wall();
}

const struct disk *disk_system(void)
{
	static const struct disk system = {
		.open = system_open,
		.close = system_close,
		.pread = system_pread,
		.pwrite = system_pwrite,
		.size = system_size,
		.allocate = system_allocate,
		.fdatasync = system_fdatasync,
		.fsync = system_fsync,
		.start_writing = system_start_writing,
		.forget = system_forget,
		.rename = system_rename,
		.unlink = system_unlink,
		.make_folder = system_make_folder,
		.sync_folder = system_sync_folder,
		.list = system_list,
		.lock = system_lock,
		.mono = system_mono,
		.wall = system_wall,
	};
	return &system;
}

int disk_write_all(const struct disk *disk, int fd, const void *bytes, size_t length, off_t at)
{
	const uint8_t *from = bytes;
	while (length > 0) {
		ssize_t n = disk->pwrite(disk->context, fd, from, length, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO; /* a write that neither fails nor writes would never end */
		if (n <= 0)
			return -1;
		from += n;
		length -= (size_t)n;
		at += n;
	}
	return 0;
}

ssize_t disk_read_all(const struct disk *disk, int fd, void *bytes, size_t length, off_t at)
{
	uint8_t *to = bytes;
	size_t got = 0;
	while (got < length) {
		ssize_t n = disk->pread(disk->context, fd, to + got, length - got, at + (off_t)got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}
