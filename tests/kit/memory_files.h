/*
 * What a disk in memory holds: files with a cached and a stable content, names, changes of names.
 *
 * The inside of memory_disk.c, apart so that each can be read on its own. No locks, no faults: only
 * what is cached, what is stable, and what a crash makes of the difference.
 */
#ifndef TOCSIN_KIT_MEMORY_FILES_H
#define TOCSIN_KIT_MEMORY_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/kit/memory_disk.h"

#define MEMORY_SECTOR_BYTES 512
#define MEMORY_PATH_SIZE 192
#define MEMORY_FILES_MAX 512
#define MEMORY_CHANGES_MAX 1024

struct memory_file {
	uint8_t *now, *stable;
	size_t size_now, size_stable, room; /* room: of both, a multiple of a sector */
	size_t allocated;
	uint8_t *is_dirty; /* by sector: written and not synced */
	bool is_used;
	unsigned opened;
};

struct memory_name {
	char path[MEMORY_PATH_SIZE];
	int file;
};

struct memory_names {
	struct memory_name all[MEMORY_FILES_MAX];
	unsigned count;
};

struct memory_change { /* of a name, not stable yet */
	char from[MEMORY_PATH_SIZE]; /* "": a new name */
	char to[MEMORY_PATH_SIZE];   /* "": removed */
	int file;
};

struct memory_files {
	struct memory_file all[MEMORY_FILES_MAX];
	struct memory_names now, stable;
	struct memory_change changes[MEMORY_CHANGES_MAX];
	unsigned changes_count;
	uint64_t seed, room;
};

struct memory_name *memory_names_find(struct memory_names *names, const char *path);
void memory_names_add(struct memory_names *names, const char *path, int file);

int memory_files_new(struct memory_files *files);
/* Makes, renames or removes a name, in the cache. */
void memory_files_change(struct memory_files *files, const char *from, const char *to, int file);
void memory_files_sync_folder(struct memory_files *files, const char *folder);
/* Blocks up to `end`; false when the disk is full. */
bool memory_files_reserve(struct memory_files *files, struct memory_file *file, size_t end);
/* What has no name, now or after any crash, and is not open. */
void memory_files_drop_unused(struct memory_files *files);
void memory_files_crash(struct memory_files *files, enum memory_crash how);
void memory_files_done(struct memory_files *files);

/* From now on all is clean; it is stable only if that succeeds. */
void memory_file_sync(struct memory_file *file, bool succeeds);
void memory_file_forget(struct memory_file *file);

bool memory_path_is_in(const char *path, const char *folder);

#endif
