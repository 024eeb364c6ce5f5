/*
 * A disk in memory that behaves as badly as a real one may, for tests and the simulation.
 *
 * Writes go to a cache; only a sync makes sectors of 512 bytes stable, only the sync of a folder
 * its names. A crash keeps what was stable and, of the rest, nothing, all, or what a seed chooses:
 * sectors one by one, names in the order in which they were changed. A failed sync leaves its pages
 * clean but not written, as Linux does: a second sync succeeds and means nothing. Room is limited,
 * any call can be told to fail, and the machine can be told to stop at its n-th change. Time passes
 * when told. Safe to use from several threads.
 */
#ifndef TOCSIN_KIT_MEMORY_DISK_H
#define TOCSIN_KIT_MEMORY_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keep/disk.h"

enum memory_call {
	MEMORY_OPEN,
	MEMORY_PREAD,
	MEMORY_PWRITE,
	MEMORY_ALLOCATE,
	MEMORY_FDATASYNC,
	MEMORY_FSYNC,
	MEMORY_RENAME,
	MEMORY_UNLINK,
	MEMORY_SYNC_FOLDER,
	MEMORY_LIST,
	MEMORY_LOCK,
	MEMORY_CALLS,
};

enum memory_crash {
	MEMORY_CRASH_LOSES,  /* all that was not synced */
	MEMORY_CRASH_KEEPS,  /* all: the process was killed, the machine went on */
	MEMORY_CRASH_CHOOSES, /* by the seed */
};

struct memory_disk;

struct memory_disk *memory_disk_new(uint64_t seed);
void memory_disk_free(struct memory_disk *m);
const struct disk *memory_disk_interface(struct memory_disk *m);

/* Descriptors are closed and locks gone; the machine works again. */
void memory_disk_crash(struct memory_disk *m, enum memory_crash how);
/* After so many more calls that change something, the machine stops: every call fails and changes
 * nothing until the crash. 0: not at all. */
void memory_disk_stop_after(struct memory_disk *m, unsigned long changes);
bool memory_disk_has_stopped(const struct memory_disk *m);
unsigned long memory_disk_changes(const struct memory_disk *m); /* so far */

/* After `after` more calls of that kind, `times` of them fail so. */
void memory_disk_fail(struct memory_disk *m, enum memory_call call, unsigned after, unsigned times,
                      int error);
unsigned long memory_disk_calls(const struct memory_disk *m, enum memory_call call);
void memory_disk_set_room(struct memory_disk *m, uint64_t bytes);
/* A sync that does nothing and says that it was done: what must turn a crash test red. */
void memory_disk_skip(struct memory_disk *m, enum memory_call call);
/* Reads that touch these bytes of the file fail with EIO; from == to: none. */
void memory_disk_break(struct memory_disk *m, const char *path, off_t from, off_t to);

void memory_disk_pass_ms(struct memory_disk *m, int64_t ms);
void memory_disk_set_wall(struct memory_disk *m, struct wall now);
/* Each call takes so long. */
void memory_disk_set_call_us(struct memory_disk *m, int64_t us);

/* For looking and for corrupting: what the cache holds, and what is stable. NULL: no such file. */
uint8_t *memory_disk_bytes(struct memory_disk *m, const char *path, size_t *size);
/* Makes a file, stable at once. */
void memory_disk_put(struct memory_disk *m, const char *path, const void *bytes, size_t size);
/* Makes all that is there stable, after a test has changed bytes. */
void memory_disk_settle(struct memory_disk *m);
/* How many files have a name that ends so. */
unsigned memory_disk_count(struct memory_disk *m, const char *ending);
/* The n-th of them by name, from 0; NULL: there is none. Valid until the next call. */
const char *memory_disk_name(struct memory_disk *m, const char *ending, unsigned n);

#endif
