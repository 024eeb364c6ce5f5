/*
 * What the journal asks of the machine: files, folders and two clocks, through function pointers.
 *
 * disk_system() is the real one. Unit tests and the simulation put a disk in its place that loses
 * what was not synced, fills up or fails on demand. Paths are whole paths; descriptors belong to
 * the disk that gave them. Every call answers -1 with errno set when it fails, as the system's do.
 * Called from the journal's thread, the reader's and, before and after these run, the loop's.
 */
#ifndef TOCSIN_KEEP_DISK_H
#define TOCSIN_KEEP_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "support/clock.h"

struct disk {
	void *context;
	/* open(2); files are made with mode 0600 and closed on exec. */
	int (*open)(void *context, const char *path, int flags);
	int (*close)(void *context, int fd);
	ssize_t (*pread)(void *context, int fd, void *bytes, size_t length, off_t at);
	ssize_t (*pwrite)(void *context, int fd, const void *bytes, size_t length, off_t at);
	off_t (*size)(void *context, int fd);
	/* Blocks for the whole file at once; EOPNOTSUPP where the file system cannot. */
	int (*allocate)(void *context, int fd, off_t length);
	int (*fdatasync)(void *context, int fd);
	int (*fsync)(void *context, int fd);
	/* Starts writing a range out without waiting: a hint that keeps a later sync short. */
	void (*start_writing)(void *context, int fd, off_t at, off_t length);
	/* Drops clean cached pages, so that what is read next comes from the disk itself. */
	void (*forget)(void *context, int fd);
	int (*rename)(void *context, const char *from, const char *to);
	int (*unlink)(void *context, const char *path);
	/* Makes the folder, mode 0700, and syncs its parent; fine when it is there already. */
	int (*make_folder)(void *context, const char *path);
	int (*sync_folder)(void *context, const char *path);
	/* Calls `each` with the name of every entry but "." and "..", in any order. */
	int (*list)(void *context, const char *path, void (*each)(void *arg, const char *name),
	            void *arg);
	/* An exclusive lock, held while the descriptor is open; EWOULDBLOCK: another has it. */
	int (*lock)(void *context, const char *path);
	struct mono (*mono)(void *context);
	struct wall (*wall)(void *context);
};

const struct disk *disk_system(void);

/* All of `length` bytes or -1: goes on after a short write and after a signal. */
int disk_write_all(const struct disk *disk, int fd, const void *bytes, size_t length, off_t at);

/* What there is up to `length` bytes, or -1: goes on after a short read and after a signal. */
ssize_t disk_read_all(const struct disk *disk, int fd, void *bytes, size_t length, off_t at);

#endif
