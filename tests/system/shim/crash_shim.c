/*
 * A page cache that a crash empties: preloaded into a program (LD_PRELOAD), it keeps beside one
 * folder a second, stable one, which gets only what the program really made durable. After a
 * kill -9 the folder is put back from there (tests/system/crash.py), as if the machine had lost its
 * power.
 *
 *     TOCSIN_CRASH_FOLDER   the folder watched, with what is below it; absolute; it must exist
 *     TOCSIN_CRASH_STABLE   the stable one, which crash.py makes before the first start
 *     TOCSIN_CRASH_IGNORE   words of "fdatasync", "fsync", "folder": these are then answered with
 *                           success and do nothing, as if the program did not call them
 *
 * The program writes to the watched folder as ever. What it writes to a file becomes stable when it
 * calls fdatasync or fsync on that file; that a file is created, renamed or removed, when it calls
 * fsync on the folder. In the stable folder:
 *
 *     files/ID    the content of a file at its last sync
 *     names       "ID path" a line: the names at the last sync of their folder; 0: a folder
 *     names.now   the same for the names as they are
 *
 * One process writes to the folder; it may use threads. Not modelled, and refused with a message
 * where it can be seen: stdio and shared writable mappings of watched files. What is dirty in a
 * file is kept as one range, so keep its files small. A program with AddressSanitizer needs
 * ASAN_OPTIONS=verify_asan_link_order=0. crash.py sets all of this.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES_MAX       65536
#define DESCRIPTORS_MAX 4096
#define NAMES_MAX       4096
#define NAME_SIZE       128
#define COPY_BYTES      65536
#define FOLDER_ID       0

struct name {
	char path[NAME_SIZE]; /* from the watched folder */
	unsigned id;          /* FOLDER_ID: a folder */
};

struct names {
	unsigned count;
	struct name all[NAMES_MAX];
};

struct descriptor {
	enum { NOT_WATCHED, WATCHED_FILE, WATCHED_FOLDER } kind;
	unsigned id;
	char path[NAME_SIZE]; /* of a folder */
	bool appends;
};

/* Found under the names that the program would have found. */
#define REAL(name) ((__typeof__(&name))real(#name))

/* The fortified spellings of open(2), which no header declares. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char folder[PATH_MAX], stable[PATH_MAX];
static bool ignores_fdatasync, ignores_fsync, ignores_folder;
static struct names now, kept;
static struct descriptor descriptors[DESCRIPTORS_MAX];
static struct {
	off_t from, to; /* written and not synced */
} dirty[FILES_MAX];
static unsigned next_id = 1;

static void *real(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);
	if (found == NULL)
		abort();
	return found;
}

static void refuse(const char *what, const char *path)
{
	fprintf(stderr, "crash shim: %s of %s is not modelled\n", what, path);
	abort();
}

static struct name *names_find(struct names *names, const char *path)
{
	for (unsigned i = 0; i < names->count; i++)
		if (strcmp(names->all[i].path, path) == 0)
			return &names->all[i];
	return NULL;
}

static void names_remove(struct names *names, const char *path)
{
	struct name *name = names_find(names, path);
	if (name != NULL)
		*name = names->all[--names->count];
}

static void names_add(struct names *names, const char *path, unsigned id)
{
	names_remove(names, path);
	if (names->count == NAMES_MAX)
		refuse("the number of files", path);
	struct name *name = &names->all[names->count++];
	snprintf(name->path, sizeof(name->path), "%s", path);
	name->id = id;
}

static void names_read(struct names *names, const char *file)
{
	char path[PATH_MAX + 64], line[NAME_SIZE];
	unsigned id;
	snprintf(path, sizeof(path), "%s/%s", stable, file);
	FILE *in = REAL(fopen)(path, "r");
	while (in != NULL && fscanf(in, "%u %127[^\n]\n", &id, line) == 2) {
		names_add(names, line, id);
		if (id >= next_id)
			next_id = id + 1;
	}
	if (in != NULL)
		fclose(in);
}

/* Another file, then renamed: a kill in the midst of it leaves the one before. */
static void names_write(const struct names *names, const char *file)
{
	char path[PATH_MAX + 64], fresh[PATH_MAX + 72];
	snprintf(path, sizeof(path), "%s/%s", stable, file);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	FILE *out = REAL(fopen)(fresh, "w");
	if (out == NULL)
		abort();
	for (unsigned i = 0; i < names->count; i++)
		fprintf(out, "%u %s\n", names->all[i].id, names->all[i].path);
	if (fclose(out) != 0 || REAL(rename)(fresh, path) != 0)
		abort();
}

static bool has_word(const char *words, const char *word)
{
	const char *at = words != NULL ? strstr(words, word) : NULL;
	const size_t length = strlen(word);
	for (; at != NULL; at = strstr(at + 1, word))
		if ((at == words || at[-1] == ',') && (at[length] == '\0' || at[length] == ','))
			return true;
	return false;
}

static void set_up(void)
{
	const char *watched = getenv("TOCSIN_CRASH_FOLDER"),
	           *beside = getenv("TOCSIN_CRASH_STABLE");
	const char *ignored = getenv("TOCSIN_CRASH_IGNORE");
	if (watched == NULL || beside == NULL || watched[0] != '/')
		return;
	snprintf(folder, sizeof(folder), "%s", watched);
	snprintf(stable, sizeof(stable), "%s", beside);
	ignores_fdatasync = has_word(ignored, "fdatasync");
	ignores_fsync = has_word(ignored, "fsync");
	ignores_folder = has_word(ignored, "folder");
	names_read(&now, "names.now");
	names_read(&kept, "names");
}

/* The path from the watched folder; NULL when it is not below it. "" is the folder itself. */
static const char *watched_path(const char *path)
{
	pthread_once(&once, set_up);
	const size_t length = strlen(folder);
	if (length == 0 || path == NULL || strncmp(path, folder, length) != 0)
		return NULL;
	if (path[length] == '\0')
		return "";
	if (path[length] != '/')
		return NULL;
	if (strlen(path + length + 1) >= NAME_SIZE)
		refuse("the name", path);
	return path + length + 1;
}

static struct descriptor *watched_descriptor(int fd)
{
	if (fd < 0 || fd >= DESCRIPTORS_MAX || descriptors[fd].kind == NOT_WATCHED)
		return NULL;
	return &descriptors[fd];
}

static void file_dirty(int fd, off_t from, off_t to)
{
	pthread_mutex_lock(&lock);
	const struct descriptor *d = watched_descriptor(fd);
	if (d != NULL && d->kind == WATCHED_FILE) {
		if (dirty[d->id].to == 0 || from < dirty[d->id].from)
			dirty[d->id].from = from;
		if (to > dirty[d->id].to)
			dirty[d->id].to = to;
	}
	pthread_mutex_unlock(&lock);
}

static void file_sync(int fd, unsigned id)
{
	static char bytes[COPY_BYTES]; /* under the lock */
	char path[PATH_MAX + 64], self[64];
	struct stat st;
	snprintf(path, sizeof(path), "%s/files/%u", stable, id);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	const int in = REAL(open)(self, O_RDONLY | O_CLOEXEC);
	const int out = REAL(open)(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (in < 0 || out < 0 || fstat(in, &st) < 0)
		abort();
	for (off_t at = dirty[id].from; at < dirty[id].to && at < st.st_size;) {
		const off_t left = dirty[id].to - at;
		const ssize_t n =
		        pread(in, bytes, left < COPY_BYTES ? (size_t)left : COPY_BYTES, at);
		if (n <= 0 || REAL(pwrite)(out, bytes, (size_t)n, at) != n)
			break;
		at += n;
	}
	if (REAL(ftruncate)(out, st.st_size) < 0)
		abort();
	REAL(close)(in);
	REAL(close)(out);
	dirty[id].from = dirty[id].to = 0;
}

static bool is_directly_in(const char *path, const char *parent)
{
	const size_t length = strlen(parent);
	if (length == 0)
		return strchr(path, '/') == NULL;
	return strncmp(path, parent, length) == 0 && path[length] == '/' &&
	       strchr(path + length + 1, '/') == NULL;
}

static void folder_sync(const char *parent)
{
	for (unsigned i = kept.count; i > 0; i--)
		if (is_directly_in(kept.all[i - 1].path, parent))
			kept.all[i - 1] = kept.all[--kept.count];
	for (unsigned i = 0; i < now.count; i++)
		if (is_directly_in(now.all[i].path, parent))
			names_add(&kept, now.all[i].path, now.all[i].id);
	names_write(&kept, "names");
}

static int descriptor_sync(int fd, int result, bool ignores)
{
	pthread_mutex_lock(&lock);
	const struct descriptor *d = watched_descriptor(fd);
	if (result == 0 && d != NULL) {
		if (d->kind == WATCHED_FILE && !ignores)
			file_sync(fd, d->id);
		if (d->kind == WATCHED_FOLDER && !ignores_folder)
			folder_sync(d->path);
	}
	pthread_mutex_unlock(&lock);
	return result;
}

static int opened(int fd, const char *path, int flags, bool existed)
{
	const char *inner = watched_path(path);
	struct stat st;
	if (inner == NULL || fd < 0)
		return fd;
	if (fd >= DESCRIPTORS_MAX || fstat(fd, &st) < 0)
		abort();
	pthread_mutex_lock(&lock);
	struct descriptor *d = &descriptors[fd];
	*d = (struct descriptor){ .kind = S_ISDIR(st.st_mode) ? WATCHED_FOLDER : WATCHED_FILE };
	snprintf(d->path, sizeof(d->path), "%s", inner);
	d->appends = (flags & O_APPEND) != 0;
	const struct name *name = names_find(&now, inner);
	if (d->kind == WATCHED_FILE && (name == NULL || !existed)) {
		if (next_id == FILES_MAX)
			refuse("the number of files", path);
		d->id = next_id++;
		names_add(&now, inner, d->id);
		names_write(&now, "names.now");
	} else if (d->kind == WATCHED_FILE) {
		d->id = name->id;
	}
	pthread_mutex_unlock(&lock);
	if (d->kind == WATCHED_FILE && (flags & O_TRUNC) != 0)
		file_dirty(fd, 0, 1);
	return fd;
}

static bool exists(const char *path)
{
	struct stat st;
	return watched_path(path) != NULL && lstat(path, &st) == 0;
}

int open(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	const bool existed = exists(path);
	return opened(REAL(open)(path, flags, mode), path, flags, existed);
}

int open64(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	return open(path, flags, mode);
}

int openat(int at, const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	if (path[0] != '/' && watched_descriptor(at) != NULL)
		refuse("openat", path);
	const bool existed = exists(path);
	return opened(REAL(openat)(at, path, flags, mode), path, flags, existed);
}

int __open_2(const char *path, int flags)
{
	return open(path, flags);
}

int __open64_2(const char *path, int flags)
{
	return open(path, flags);
}

FILE *fopen(const char *path, const char *mode)
{
	if (watched_path(path) != NULL && strpbrk(mode, "wa+") != NULL)
		refuse("fopen for writing", path);
	return REAL(fopen)(path, mode);
}

int close(int fd)
{
	pthread_mutex_lock(&lock);
	if (fd >= 0 && fd < DESCRIPTORS_MAX)
		descriptors[fd].kind = NOT_WATCHED;
	pthread_mutex_unlock(&lock);
	return REAL(close)(fd);
}

/* Dirty before it is written: a kill in between makes a sync copy too much, never too little. */
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at)
{
	file_dirty(fd, at, at + (off_t)length);
	return REAL(pwrite)(fd, bytes, length, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at)
{
	return pwrite(fd, bytes, length, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
	off_t length = 0;
	for (int i = 0; i < count; i++)
		length += (off_t)parts[i].iov_len;
	file_dirty(fd, at, at + length);
	return REAL(pwritev)(fd, parts, count, at);
}

static void dirty_at_place(int fd, off_t length)
{
	struct stat st;
	const struct descriptor *d = watched_descriptor(fd);
	if (d == NULL || fstat(fd, &st) < 0)
		return;
	const off_t at = d->appends ? st.st_size : lseek(fd, 0, SEEK_CUR);
	file_dirty(fd, at, at + length);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
	dirty_at_place(fd, (off_t)length);
	return REAL(write)(fd, bytes, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	off_t length = 0;
	for (int i = 0; i < count; i++)
		length += (off_t)parts[i].iov_len;
	dirty_at_place(fd, length);
	return REAL(writev)(fd, parts, count);
}

int ftruncate(int fd, off_t length)
{
	struct stat st;
	if (watched_descriptor(fd) != NULL && fstat(fd, &st) == 0)
		file_dirty(fd, length < st.st_size ? length : st.st_size, length + 1);
	return REAL(ftruncate)(fd, length);
}

int fallocate(int fd, int mode, off_t at, off_t length)
{
	file_dirty(fd, at, at + length);
	return REAL(fallocate)(fd, mode, at, length);
}

int posix_fallocate(int fd, off_t at, off_t length)
{
	file_dirty(fd, at, at + length);
	return REAL(posix_fallocate)(fd, at, length);
}

/* The real sync is left out: the machine goes on, and the test is about ours. */
int fdatasync(int fd)
{
	return descriptor_sync(fd, watched_descriptor(fd) != NULL ? 0 : REAL(fdatasync)(fd),
	                       ignores_fdatasync);
}

int fsync(int fd)
{
	return descriptor_sync(fd, watched_descriptor(fd) != NULL ? 0 : REAL(fsync)(fd),
	                       ignores_fsync);
}

int rename(const char *from, const char *to)
{
	const char *inner_from = watched_path(from), *inner_to = watched_path(to);
	if ((inner_from == NULL) != (inner_to == NULL))
		refuse("a rename into or out of the folder", from);
	pthread_mutex_lock(&lock);
	const int result = REAL(rename)(from, to);
	const struct name *name = inner_from != NULL ? names_find(&now, inner_from) : NULL;
	if (result == 0 && name != NULL) {
		const unsigned id = name->id;
		names_remove(&now, inner_from);
		names_add(&now, inner_to, id);
		names_write(&now, "names.now");
	}
	pthread_mutex_unlock(&lock);
	return result;
}

static int removed(int result, const char *path)
{
	const char *inner = watched_path(path);
	if (result == 0 && inner != NULL) {
		pthread_mutex_lock(&lock);
		names_remove(&now, inner);
		names_write(&now, "names.now");
		pthread_mutex_unlock(&lock);
	}
	return result;
}

int unlink(const char *path)
{
	return removed(REAL(unlink)(path), path);
}

int rmdir(const char *path)
{
	return removed(REAL(rmdir)(path), path);
}

int mkdir(const char *path, mode_t mode)
{
	const char *inner = watched_path(path);
	const int result = REAL(mkdir)(path, mode);
	if (result == 0 && inner != NULL && inner[0] != '\0') {
		pthread_mutex_lock(&lock);
		names_add(&now, inner, FOLDER_ID);
		names_write(&now, "names.now");
		pthread_mutex_unlock(&lock);
	}
	return result;
}

void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
	const bool writes = (protection & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0;
	if (writes && (flags & MAP_ANONYMOUS) == 0 && watched_descriptor(fd) != NULL)
		refuse("a shared writable mapping", descriptors[fd].path);
	return REAL(mmap)(at, length, protection, flags, fd, offset);
}
