#include "tests/kit/memory_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/bug.h"
#include "tests/kit/memory_files.h"

#define DESCRIPTORS_MAX  256
#define DESCRIPTOR_FIRST 1000 /* no descriptor of the system is taken for one of ours */

struct memory_disk {
	struct disk disk;
	pthread_mutex_t lock;
	struct memory_files files;
	int descriptors[DESCRIPTORS_MAX]; /* file + 1; 0: free; -1: the lock */
	bool is_locked, has_stopped;
	unsigned long changes, stop_at, calls[MEMORY_CALLS];
	struct {
		unsigned long from, to;
		int error;
	} fails[MEMORY_CALLS];
	bool skips[MEMORY_CALLS];
	char broken[MEMORY_PATH_SIZE];
	off_t broken_from, broken_to;
	struct mono mono;
	struct wall wall;
	int64_t call_us;
	char found[MEMORY_PATH_SIZE];
};

/* Takes the lock and counts the call; an error it must answer, or 0. */
static int disk_enter(struct memory_disk *m, enum memory_call call, bool changes)
{
	pthread_mutex_lock(&m->lock);
	const unsigned long n = m->calls[call]++;
	m->mono.ns += m->call_us * 1000;
	m->wall.us += m->call_us;
	if (changes && m->stop_at > 0 && m->changes + 1 >= m->stop_at)
		m->has_stopped = true;
	if (m->has_stopped)
		return EIO;
	m->changes += changes;
	return n >= m->fails[call].from && n < m->fails[call].to ? m->fails[call].error : 0;
}

static int disk_leave(struct memory_disk *m, int error)
{
	pthread_mutex_unlock(&m->lock);
	errno = error;
	return error == 0 ? 0 : -1;
}

static struct memory_file *descriptor_file(struct memory_disk *m, int fd)
{
	const int at = fd - DESCRIPTOR_FIRST;
	must(at >= 0 && at < DESCRIPTORS_MAX && m->descriptors[at] > 0); /* open, and a file */
	return &m->files.all[m->descriptors[at] - 1];
}

static int disk_new_descriptor(struct memory_disk *m, int value)
{
	for (int i = 0; i < DESCRIPTORS_MAX; i++)
		if (m->descriptors[i] == 0) {
			m->descriptors[i] = value;
			return DESCRIPTOR_FIRST + i;
		}
	must(!"too many descriptors");
	return -1;
}

static int memory_open(void *context, const char *path, int flags)
{
	struct memory_disk *m = context;
	int error = disk_enter(m, MEMORY_OPEN, (flags & (O_CREAT | O_TRUNC)) != 0);
	const struct memory_name *name = memory_names_find(&m->files.now, path);
	const bool creates = name == NULL && (flags & O_CREAT) != 0;
	if (error == 0 && name == NULL && !creates)
		error = ENOENT;
	if (error == 0 && name != NULL && (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0)
		error = EEXIST;
	if (error != 0)
		return disk_leave(m, error);
	const int file = creates ? memory_files_new(&m->files) : name->file;
	if (creates)
		memory_files_change(&m->files, "", path, file);
	struct memory_file *opened = &m->files.all[file];
	if ((flags & O_TRUNC) != 0) {
		opened->size_now = 0;
		if (opened->room > 0)
			memset(opened->now, 0, opened->room);
	}
	opened->opened++;
	const int fd = disk_new_descriptor(m, file + 1);
	pthread_mutex_unlock(&m->lock);
	return fd;
}

static int memory_close(void *context, int fd)
{
	struct memory_disk *m = context;
	pthread_mutex_lock(&m->lock);
	const int at = fd - DESCRIPTOR_FIRST;
	must(at >= 0 && at < DESCRIPTORS_MAX && m->descriptors[at] != 0); /* once, by its owner */
	if (m->descriptors[at] > 0)
		m->files.all[m->descriptors[at] - 1].opened--;
	else
		m->is_locked = false;
	m->descriptors[at] = 0;
	memory_files_drop_unused(&m->files);
	return disk_leave(m, 0);
}

static bool touches_broken(struct memory_disk *m, const struct memory_file *file, off_t at,
                           size_t length)
{
	const struct memory_name *name = memory_names_find(&m->files.now, m->broken);
	return name != NULL && &m->files.all[name->file] == file && at < m->broken_to &&
	       at + (off_t)length > m->broken_from;
}

static ssize_t memory_pread(void *context, int fd, void *bytes, size_t length, off_t at)
{
	struct memory_disk *m = context;
	int error = disk_enter(m, MEMORY_PREAD, false);
	const struct memory_file *file = descriptor_file(m, fd);
	if (error == 0 && touches_broken(m, file, at, length))
		error = EIO;
	if (error != 0)
		return disk_leave(m, error);
	size_t got = (size_t)at < file->size_now ? file->size_now - (size_t)at : 0;
	if (got > length)
		got = length;
	if (got > 0)
		memcpy(bytes, file->now + at, got);
	pthread_mutex_unlock(&m->lock);
	return (ssize_t)got;
}

static ssize_t memory_pwrite(void *context, int fd, const void *bytes, size_t length, off_t at)
{
	struct memory_disk *m = context;
	const size_t end = (size_t)at + length;
	int error = disk_enter(m, MEMORY_PWRITE, true);
	struct memory_file *file = descriptor_file(m, fd);
	if (error == 0 && !memory_files_reserve(&m->files, file, end))
		error = ENOSPC;
	if (error != 0)
		return disk_leave(m, error);
	memcpy(file->now + at, bytes, length);
	for (size_t s = (size_t)at / MEMORY_SECTOR_BYTES; s * MEMORY_SECTOR_BYTES < end; s++)
		file->is_dirty[s] = 1;
	if (end > file->size_now)
		file->size_now = end;
	pthread_mutex_unlock(&m->lock);
	return (ssize_t)length;
}

static off_t memory_size(void *context, int fd)
{
	struct memory_disk *m = context;
	pthread_mutex_lock(&m->lock);
	const off_t size = (off_t)descriptor_file(m, fd)->size_now;
	pthread_mutex_unlock(&m->lock);
	return size;
}

static int memory_allocate(void *context, int fd, off_t length)
{
	struct memory_disk *m = context;
	int error = disk_enter(m, MEMORY_ALLOCATE, true);
	struct memory_file *file = descriptor_file(m, fd);
	if (error == 0 && !memory_files_reserve(&m->files, file, (size_t)length))
		error = ENOSPC;
	if (error == 0 && (size_t)length > file->size_now)
		file->size_now = (size_t)length;
	return disk_leave(m, error);
}

static int disk_sync(struct memory_disk *m, enum memory_call call, int fd)
{
	const int error = disk_enter(m, call, true);
	if (!m->has_stopped && !m->skips[call])
		memory_file_sync(descriptor_file(m, fd), error == 0);
	return disk_leave(m, error);
}

static int memory_fdatasync(void *context, int fd)
{
	return disk_sync(context, MEMORY_FDATASYNC, fd);
}

static int memory_fsync(void *context, int fd)
{
	return disk_sync(context, MEMORY_FSYNC, fd);
}

static void memory_start_writing(void *context, int fd, off_t at, off_t length)
{
	(void)context, (void)fd, (void)at, (void)length;
}

static void memory_forget(void *context, int fd)
{
	struct memory_disk *m = context;
	pthread_mutex_lock(&m->lock);
	memory_file_forget(descriptor_file(m, fd));
	pthread_mutex_unlock(&m->lock);
}

static int disk_rename(struct memory_disk *m, enum memory_call call, const char *from,
                       const char *to)
{
	int error = disk_enter(m, call, true);
	const struct memory_name *name = memory_names_find(&m->files.now, from);
	if (error == 0 && name == NULL)
		error = ENOENT;
	if (error == 0) {
		memory_files_change(&m->files, from, to, name->file);
		memory_files_drop_unused(&m->files);
	}
	return disk_leave(m, error);
}

static int memory_rename(void *context, const char *from, const char *to)
{
	return disk_rename(context, MEMORY_RENAME, from, to);
}

static int memory_unlink(void *context, const char *path)
{
	return disk_rename(context, MEMORY_UNLINK, path, "");
}

static int memory_make_folder(void *context, const char *path)
{
	(void)context, (void)path; /* a folder is there when a file is in it */
	return 0;
}

static int memory_sync_folder(void *context, const char *path)
{
	struct memory_disk *m = context;
	const int error = disk_enter(m, MEMORY_SYNC_FOLDER, true);
	if (error == 0 && !m->skips[MEMORY_SYNC_FOLDER])
		memory_files_sync_folder(&m->files, path);
	return disk_leave(m, error);
}

static int memory_list(void *context, const char *path, void (*each)(void *arg, const char *name),
                       void *arg)
{
	struct memory_disk *m = context;
	const int error = disk_enter(m, MEMORY_LIST, false);
	for (unsigned i = 0; i < m->files.now.count && error == 0; i++)
		if (memory_path_is_in(m->files.now.all[i].path, path))
			each(arg, strrchr(m->files.now.all[i].path, '/') + 1);
	return disk_leave(m, error);
}

static int memory_lock(void *context, const char *path)
{
	struct memory_disk *m = context;
	(void)path;
	int error = disk_enter(m, MEMORY_LOCK, false);
	if (error == 0 && m->is_locked)
		error = EWOULDBLOCK;
	if (error != 0)
		return disk_leave(m, error);
	m->is_locked = true;
	const int fd = disk_new_descriptor(m, -1);
	pthread_mutex_unlock(&m->lock);
	return fd;
}

static struct mono memory_mono(void *context)
{
	struct memory_disk *m = context;
	pthread_mutex_lock(&m->lock);
	const struct mono now = m->mono;
	pthread_mutex_unlock(&m->lock);
	return now;
}

static struct wall memory_wall(void *context)
{
	struct memory_disk *m = context;
	pthread_mutex_lock(&m->lock);
	const struct wall now = m->wall;
	pthread_mutex_unlock(&m->lock);
	return now;
}

struct memory_disk *memory_disk_new(uint64_t seed)
{
	struct memory_disk *m = calloc(1, sizeof(*m));
	must(m != NULL);
	pthread_mutex_init(&m->lock, NULL);
	m->files.seed = seed * 2 + 0x9E3779B97F4A7C15u; /* never 0 */
	m->files.room = UINT64_MAX;
	m->mono = (struct mono){ 1000000000 };
	m->wall = (struct wall){ 1795000000LL * CLOCK_S_US };
	m->disk = (struct disk){
		.context = m,
		.open = memory_open,
		.close = memory_close,
		.pread = memory_pread,
		.pwrite = memory_pwrite,
		.size = memory_size,
		.allocate = memory_allocate,
		.fdatasync = memory_fdatasync,
		.fsync = memory_fsync,
		.start_writing = memory_start_writing,
		.forget = memory_forget,
		.rename = memory_rename,
		.unlink = memory_unlink,
		.make_folder = memory_make_folder,
		.sync_folder = memory_sync_folder,
		.list = memory_list,
		.lock = memory_lock,
		.mono = memory_mono,
		.wall = memory_wall,
	};
	return m;
}

void memory_disk_free(struct memory_disk *m)
{
	if (m == NULL)
		return;
	memory_files_done(&m->files);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

const struct disk *memory_disk_interface(struct memory_disk *m)
{
	return &m->disk;
}

void memory_disk_crash(struct memory_disk *m, enum memory_crash how)
{
	pthread_mutex_lock(&m->lock);
	memset(m->descriptors, 0, sizeof(m->descriptors));
	m->is_locked = m->has_stopped = false;
	m->stop_at = 0;
	memory_files_crash(&m->files, how);
	pthread_mutex_unlock(&m->lock);
}

void memory_disk_stop_after(struct memory_disk *m, unsigned long changes)
{
	m->stop_at = changes == 0 ? 0 : m->changes + changes;
}

bool memory_disk_has_stopped(const struct memory_disk *m)
{
	return m->has_stopped;
}

unsigned long memory_disk_changes(const struct memory_disk *m)
{
	return m->changes;
}

void memory_disk_fail(struct memory_disk *m, enum memory_call call, unsigned after, unsigned times,
                      int error)
{
	pthread_mutex_lock(&m->lock);
	m->fails[call].from = m->calls[call] + after;
	m->fails[call].to = m->fails[call].from + times;
	m->fails[call].error = error;
	pthread_mutex_unlock(&m->lock);
}

unsigned long memory_disk_calls(const struct memory_disk *m, enum memory_call call)
{
	return m->calls[call];
}

void memory_disk_set_room(struct memory_disk *m, uint64_t bytes)
{
	pthread_mutex_lock(&m->lock);
	m->files.room = bytes;
	pthread_mutex_unlock(&m->lock);
}

void memory_disk_skip(struct memory_disk *m, enum memory_call call)
{
	m->skips[call] = true;
}

void memory_disk_break(struct memory_disk *m, const char *path, off_t from, off_t to)
{
	snprintf(m->broken, sizeof(m->broken), "%s", path);
	m->broken_from = from;
	m->broken_to = to;
}

void memory_disk_pass_ms(struct memory_disk *m, int64_t ms)
{
	pthread_mutex_lock(&m->lock);
	m->mono = mono_add_ms(m->mono, ms);
	m->wall = wall_add_ms(m->wall, ms);
	pthread_mutex_unlock(&m->lock);
}

void memory_disk_set_wall(struct memory_disk *m, struct wall now)
{
	m->wall = now;
}

void memory_disk_set_call_us(struct memory_disk *m, int64_t us)
{
	m->call_us = us;
}

uint8_t *memory_disk_bytes(struct memory_disk *m, const char *path, size_t *size)
{
	const struct memory_name *name = memory_names_find(&m->files.now, path);
	if (name == NULL)
		return NULL;
	*size = m->files.all[name->file].size_now;
	return m->files.all[name->file].now;
}

void memory_disk_put(struct memory_disk *m, const char *path, const void *bytes, size_t size)
{
	const int at = memory_files_new(&m->files);
	struct memory_file *file = &m->files.all[at];
	must(memory_files_reserve(&m->files, file, size > 0 ? size : 1));
	memcpy(file->now, bytes, size);
	file->size_now = size;
	memset(file->is_dirty, 1, file->room / MEMORY_SECTOR_BYTES);
	memory_file_sync(file, true);
	memory_names_add(&m->files.now, path, at);
	memory_names_add(&m->files.stable, path, at);
	memory_files_drop_unused(&m->files);
}

void memory_disk_settle(struct memory_disk *m)
{
	for (int i = 0; i < MEMORY_FILES_MAX; i++) {
		struct memory_file *file = &m->files.all[i];
		if (file->room > 0)
			memset(file->is_dirty, 1, file->room / MEMORY_SECTOR_BYTES);
		memory_file_sync(file, true);
	}
	m->files.stable = m->files.now;
	m->files.changes_count = 0;
}

static bool ends_with(const char *path, const char *ending)
{
	const size_t length = strlen(path), wanted = strlen(ending);
	return length >= wanted && strcmp(path + length - wanted, ending) == 0;
}

unsigned memory_disk_count(struct memory_disk *m, const char *ending)
{
	unsigned count = 0;
	for (unsigned i = 0; i < m->files.now.count; i++)
		count += ends_with(m->files.now.all[i].path, ending);
	return count;
}

const char *memory_disk_name(struct memory_disk *m, const char *ending, unsigned n)
{
	const struct memory_names *names = &m->files.now;
	for (unsigned i = 0; i < names->count; i++) {
		unsigned before = 0;
		if (!ends_with(names->all[i].path, ending))
			continue;
		for (unsigned k = 0; k < names->count; k++)
			before += ends_with(names->all[k].path, ending) &&
			          strcmp(names->all[k].path, names->all[i].path) < 0;
		if (before == n) {
			snprintf(m->found, sizeof(m->found), "%s", names->all[i].path);
			return m->found;
		}
	}
	return NULL;
}
