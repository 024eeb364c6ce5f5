/*
 * The journal's folder: what its files are called, which there are, and in what order they count.
 *
 *     EPOCH-INDEX.segment       ten digits each; complete from the moment it bears this name
 *     EPOCH-NUMBER.checkpoint   ten and twenty digits: the first record that it does not hold
 *     segment.new, checkpoint.new   being prepared; worth nothing after a crash
 *     aside/EPOCH-INDEX-OFFSET.bad  bytes that were no record where one had to be
 *     lock                      held by the one daemon that may write here
 *
 * The journal's thread and every reader have lists of their own. Nothing here changes the folder.
 */
#ifndef TOCSIN_KEEP_FOLDER_H
#define TOCSIN_KEEP_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keep/disk.h"
#include "keep/segment.h"
#include "support/position.h"

#define FOLDER_NAME_SIZE 64
#define FOLDER_PATH_SIZE 1024 /* the folder's own path, a name in it, and room */

#define FOLDER_LOCK "lock"
#define FOLDER_ASIDE "aside"
#define FOLDER_NEW_SEGMENT "segment.new"
#define FOLDER_NEW_CHECKPOINT "checkpoint.new"

struct folder {
	const struct disk *disk;
	uint32_t node;
	char path[FOLDER_PATH_SIZE];
};

struct folder_path { char text[FOLDER_PATH_SIZE]; };

struct folder_segment {
	struct segment_key key;
	off_t bytes;
	bool is_looked_at; /* what follows is known */
	enum segment_header_state state;
	struct segment_header header; /* when whole or foreign */
	uint64_t first; /* number of the first record; 0: none can be read */
};

struct folder_list { /* oldest first */
	size_t segments_count, segments_room;
	struct folder_segment *segments;
	size_t checkpoints_count, checkpoints_room;
	struct position *checkpoints; /* where each begins */
};

bool folder_init(struct folder *folder, const struct disk *disk, const char *path, uint32_t node);
struct folder_path folder_path(const struct folder *folder, const char *name);
struct folder_path folder_segment_path(const struct folder *folder, const struct segment_key *key);
struct folder_path folder_checkpoint_path(const struct folder *folder, struct position start);
struct folder_path folder_aside_path(const struct folder *folder, const struct segment_key *key,
                                     off_t offset);

/* The names alone, sorted. False, errno set: the folder cannot be read, or no memory; what the list
 * held before is then gone. */
bool folder_list(const struct folder *folder, struct folder_list *list);
void folder_list_done(struct folder_list *list);
/* Reads the header, and looks for the first record behind a bad one. False, errno set: it cannot be
 * opened (ENOENT: removed in the meantime) or no memory. */
bool folder_look(const struct folder *folder, struct folder_segment *segment);
/* At its end; false: no memory. */
bool folder_list_add(struct folder_list *list, const struct folder_segment *segment);
void folder_list_remove(struct folder_list *list, size_t index);

/* The node that the files say they are of, for a tool that was not told. False: no file says it. */
bool folder_find_node(const struct folder *folder, uint32_t *node);

#endif
