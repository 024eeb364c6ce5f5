#include "tests/kit/memory_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/bug.h"

#define BLOCK_BYTES 4096

static uint64_t files_random(struct memory_files *files)
{
	files->seed ^= files->seed << 13;
	files->seed ^= files->seed >> 7;
	files->seed ^= files->seed << 17;
	return files->seed;
}

static void names_remove(struct memory_names *names, const char *path)
{
	struct memory_name *name = memory_names_find(names, path);
	if (name != NULL)
		*name = names->all[--names->count];
}

static void names_apply(struct memory_names *names, const struct memory_change *change)
{
	if (change->from[0] != '\0')
		names_remove(names, change->from);
	if (change->to[0] != '\0')
		memory_names_add(names, change->to, change->file);
}

static bool names_hold(const struct memory_names *names, int file)
{
	for (unsigned i = 0; i < names->count; i++)
		if (names->all[i].file == file)
			return true;
	return false;
}

/* A crash may still bring back a name of it. */
static bool file_is_logged(const struct memory_files *files, int file)
{
	for (unsigned i = 0; i < files->changes_count; i++)
		if (files->changes[i].file == file)
			return true;
	return false;
}

static void file_drop(struct memory_file *file)
{
	free(file->now);
	free(file->stable);
	free(file->is_dirty);
	*file = (struct memory_file){ 0 };
}

static uint64_t files_allocated(const struct memory_files *files)
{
	uint64_t bytes = 0;
	for (int i = 0; i < MEMORY_FILES_MAX; i++)
		if (files->all[i].is_used)
			bytes += files->all[i].allocated;
	return bytes;
}

static void file_crash(struct memory_files *files, struct memory_file *file, bool chooses)
{
	for (size_t s = 0; s < file->room / MEMORY_SECTOR_BYTES; s++) {
		const size_t at = s * MEMORY_SECTOR_BYTES;
		if (file->is_dirty[s] && chooses && files_random(files) & 1)
			memcpy(file->stable + at, file->now + at, MEMORY_SECTOR_BYTES);
		file->is_dirty[s] = 0;
	}
	if (chooses && files_random(files) & 1)
		file->size_stable = file->size_now;
	file->size_now = file->size_stable;
	if (file->room > 0)
		memcpy(file->now, file->stable, file->room);
}

struct memory_name *memory_names_find(struct memory_names *names, const char *path)
{
	for (unsigned i = 0; i < names->count; i++)
		if (strcmp(names->all[i].path, path) == 0)
			return &names->all[i];
	return NULL;
}

void memory_names_add(struct memory_names *names, const char *path, int file)
{
	names_remove(names, path);
	must(names->count < MEMORY_FILES_MAX);
	struct memory_name *name = &names->all[names->count++];
	snprintf(name->path, sizeof(name->path), "%s", path);
	name->file = file;
}

int memory_files_new(struct memory_files *files)
{
	for (int i = 0; i < MEMORY_FILES_MAX; i++)
		if (!files->all[i].is_used) {
			files->all[i] = (struct memory_file){ .is_used = true };
			return i;
		}
	must(!"too many files");
	return -1;
}

void memory_files_change(struct memory_files *files, const char *from, const char *to, int file)
{
	must(files->changes_count < MEMORY_CHANGES_MAX);
	struct memory_change *change = &files->changes[files->changes_count++];
	snprintf(change->from, sizeof(change->from), "%s", from);
	snprintf(change->to, sizeof(change->to), "%s", to);
	change->file = file;
	names_apply(&files->now, change);
}

void memory_files_sync_folder(struct memory_files *files, const char *folder)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < files->changes_count; i++) {
		const struct memory_change *change = &files->changes[i];
		if (memory_path_is_in(change->to[0] != '\0' ? change->to : change->from, folder))
			names_apply(&files->stable, change);
		else
			files->changes[kept++] = *change;
	}
	files->changes_count = kept;
	memory_files_drop_unused(files);
}

bool memory_files_reserve(struct memory_files *files, struct memory_file *file, size_t end)
{
	const size_t wanted = (end + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
	if (wanted > file->allocated) {
		if (files_allocated(files) + wanted - file->allocated > files->room)
			return false;
		file->allocated = wanted;
	}
	if (wanted <= file->room)
		return true;
	const size_t more = wanted - file->room;
	file->now = realloc(file->now, wanted);
	file->stable = realloc(file->stable, wanted);
	file->is_dirty = realloc(file->is_dirty, wanted / MEMORY_SECTOR_BYTES);
	must(file->now != NULL && file->stable != NULL && file->is_dirty != NULL);
	memset(file->now + file->room, 0, more);
	memset(file->stable + file->room, 0, more);
	memset(file->is_dirty + file->room / MEMORY_SECTOR_BYTES, 0, more / MEMORY_SECTOR_BYTES);
	file->room = wanted;
	return true;
}

void memory_files_drop_unused(struct memory_files *files)
{
	for (int i = 0; i < MEMORY_FILES_MAX; i++) {
		struct memory_file *file = &files->all[i];
		if (!file->is_used || file->opened > 0 || names_hold(&files->now, i))
			continue;
		if (!names_hold(&files->stable, i) && !file_is_logged(files, i))
			file_drop(file);
		else
			file->allocated = 0; /* its space is free for others at once */
	}
}

void memory_files_crash(struct memory_files *files, enum memory_crash how)
{
	const bool chooses = how == MEMORY_CRASH_CHOOSES;
	for (int i = 0; i < MEMORY_FILES_MAX; i++) {
		files->all[i].opened = 0;
		if (files->all[i].is_used && how != MEMORY_CRASH_KEEPS)
			file_crash(files, &files->all[i], chooses);
	}
	if (how != MEMORY_CRASH_KEEPS) {
		const uint64_t kept =
		        chooses ? files_random(files) % (files->changes_count + 1) : 0;
		for (unsigned i = 0; i < kept; i++)
			names_apply(&files->stable, &files->changes[i]);
		files->changes_count = 0;
		files->now = files->stable;
	}
	memory_files_drop_unused(files);
}

void memory_files_done(struct memory_files *files)
{
	for (int i = 0; i < MEMORY_FILES_MAX; i++)
		file_drop(&files->all[i]);
}

void memory_file_sync(struct memory_file *file, bool succeeds)
{
	for (size_t s = 0; s < file->room / MEMORY_SECTOR_BYTES; s++) {
		const size_t at = s * MEMORY_SECTOR_BYTES;
		if (file->is_dirty[s] && succeeds)
			memcpy(file->stable + at, file->now + at, MEMORY_SECTOR_BYTES);
		file->is_dirty[s] = 0;
	}
	if (succeeds)
		file->size_stable = file->size_now;
}

void memory_file_forget(struct memory_file *file)
{
	for (size_t s = 0; s < file->room / MEMORY_SECTOR_BYTES; s++) {
		const size_t at = s * MEMORY_SECTOR_BYTES;
		if (!file->is_dirty[s])
			memcpy(file->now + at, file->stable + at, MEMORY_SECTOR_BYTES);
	}
}

bool memory_path_is_in(const char *path, const char *folder)
{
	const size_t length = strlen(folder);
	return strncmp(path, folder, length) == 0 && path[length] == '/' &&
	       strchr(path + length + 1, '/') == NULL;
}
