#include "keep/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/bug.h"
#include "support/text.h"

#define EPOCH_DIGITS  10
#define INDEX_DIGITS  10
#define NUMBER_DIGITS 20

/* Exactly `digits` decimal digits at `at`, of a value up to `max`. */
static bool name_number(const char *at, int digits, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;
	for (int i = 0; i < digits; i++) {
		if (at[i] < '0' || at[i] > '9')
			return false;
		const uint64_t digit = (uint64_t)(at[i] - '0');
		if (value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

/* "EPOCH-NUMBER.KIND", with `digits` digits of number. */
static bool name_parse(const char *name, int digits, uint64_t max, const char *kind,
                       uint64_t *epoch, uint64_t *number)
{
	if (strlen(name) != (size_t)(EPOCH_DIGITS + 1 + digits) + strlen(kind))
		return false;
	return name_number(name, EPOCH_DIGITS, UINT32_MAX, epoch) && name[EPOCH_DIGITS] == '-' &&
	       name_number(name + EPOCH_DIGITS + 1, digits, max, number) &&
	       strcmp(name + EPOCH_DIGITS + 1 + digits, kind) == 0;
}

/* Room for one more element; NULL, and the old array still there, when there is no memory. */
static void *array_grow(void *array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return array;
	const size_t wanted = *room == 0 ? 16 : *room * 2;
	void *grown = reallocarray(array, wanted, size);
	if (grown != NULL)
		*room = wanted;
	return grown;
}

static bool list_add_checkpoint(struct folder_list *list, struct position start)
{
	struct position *grown = array_grow(list->checkpoints, list->checkpoints_count,
	                                    &list->checkpoints_room, sizeof(*grown));
	if (grown == NULL)
		return false;
	list->checkpoints = grown;
	list->checkpoints[list->checkpoints_count++] = start;
	return true;
}

struct listing {
	const struct folder *folder;
	struct folder_list *list;
	bool no_memory;
};

static void listing_each(void *arg, const char *name)
{
	struct listing *listing = arg;
	const uint32_t node = listing->folder->node;
	uint64_t epoch, number;
	bool added = true;
	if (name_parse(name, INDEX_DIGITS, UINT32_MAX, ".segment", &epoch, &number)) {
		const struct folder_segment segment = {
			.key = { node, (uint32_t)epoch, (uint32_t)number },
		};
		added = folder_list_add(listing->list, &segment);
	} else if (name_parse(name, NUMBER_DIGITS, UINT64_MAX, ".checkpoint", &epoch, &number)) {
		added = list_add_checkpoint(listing->list,
		                            (struct position){ node, (uint32_t)epoch, number });
	}
	listing->no_memory = listing->no_memory || !added;
}

static int segment_order(const void *left, const void *right)
{
	const struct folder_segment *a = left, *b = right;
	if (a->key.epoch != b->key.epoch)
		return a->key.epoch < b->key.epoch ? -1 : 1;
	return (a->key.index > b->key.index) - (a->key.index < b->key.index);
}

static int checkpoint_order(const void *left, const void *right)
{
	const struct position *a = left, *b = right;
	return position_compare(*a, *b);
}

bool folder_init(struct folder *folder, const struct disk *disk, const char *path, uint32_t node)
{
	*folder = (struct folder){ .disk = disk, .node = node };
	/* Room for the longest name in it, below aside/. */
	return strlen(path) + FOLDER_NAME_SIZE < FOLDER_PATH_SIZE && TEXT_COPY(folder->path, path);
}

struct folder_path folder_path(const struct folder *folder, const char *name)
{
	struct folder_path path = { "" };
	const bool fits = text_add(path.text, sizeof(path.text), "%s/%s", folder->path, name);
	if (BUG(!fits))
		path.text[0] = '\0'; /* no file, rather than another one */
	return path;
}

struct folder_path folder_segment_path(const struct folder *folder, const struct segment_key *key)
{
	char name[FOLDER_NAME_SIZE];
	snprintf(name, sizeof(name), "%010" PRIu32 "-%010" PRIu32 ".segment", key->epoch,
	         key->index);
	return folder_path(folder, name);
}

struct folder_path folder_checkpoint_path(const struct folder *folder, struct position start)
{
	char name[FOLDER_NAME_SIZE];
	snprintf(name, sizeof(name), "%010" PRIu32 "-%020" PRIu64 ".checkpoint", start.epoch,
	         start.number);
	return folder_path(folder, name);
}

struct folder_path folder_aside_path(const struct folder *folder, const struct segment_key *key,
                                     off_t offset)
{
	char name[FOLDER_NAME_SIZE];
	snprintf(name, sizeof(name),
	         FOLDER_ASIDE "/%010" PRIu32 "-%010" PRIu32 "-%010" PRIu64 ".bad", key->epoch,
	         key->index, (uint64_t)offset);
	return folder_path(folder, name);
}

bool folder_list_add(struct folder_list *list, const struct folder_segment *segment)
{
	struct folder_segment *grown = array_grow(list->segments, list->segments_count,
	                                          &list->segments_room, sizeof(*grown));
	if (grown == NULL)
		return false;
	list->segments = grown;
	list->segments[list->segments_count++] = *segment;
	return true;
}

void folder_list_remove(struct folder_list *list, size_t index)
{
	if (BUG(index >= list->segments_count))
		return;
	list->segments_count--;
	memmove(list->segments + index, list->segments + index + 1,
	        (list->segments_count - index) * sizeof(*list->segments));
}

bool folder_list(const struct folder *folder, struct folder_list *list)
{
	struct listing listing = { .folder = folder, .list = list };
	list->segments_count = list->checkpoints_count = 0;
	if (folder->disk->list(folder->disk->context, folder->path, listing_each, &listing) < 0)
		return false;
	if (listing.no_memory) {
		errno = ENOMEM;
		return false;
	}
	if (list->segments_count > 1)
		qsort(list->segments, list->segments_count, sizeof(*list->segments), segment_order);
	if (list->checkpoints_count > 1)
		qsort(list->checkpoints, list->checkpoints_count, sizeof(*list->checkpoints),
		      checkpoint_order);
	return true;
}

void folder_list_done(struct folder_list *list)
{
	free(list->segments);
	free(list->checkpoints);
	*list = (struct folder_list){ 0 };
}

bool folder_look(const struct folder *folder, struct folder_segment *segment)
{
	const struct disk *disk = folder->disk;
	const struct folder_path path = folder_segment_path(folder, &segment->key);
	const int fd = disk->open(disk->context, path.text, O_RDONLY);
	if (fd < 0)
		return false;
	struct segment_view view;
	if (!segment_view_init(&view, disk, fd, &segment->key)) {
		disk->close(disk->context, fd);
		return false;
	}
	segment->bytes = view.size;
	segment->state = segment_view_header(&view, &segment->header);
	segment->first = segment->state == SEGMENT_HEADER_WHOLE ? segment->header.first : 0;
	struct segment_record record;
	if (segment->state == SEGMENT_HEADER_BAD &&
	    segment_view_resync(&view, SEGMENT_HEADER_BYTES, 0, &record))
		segment->first = record.number;
	segment->is_looked_at = true;
	segment_view_done(&view);
	return true;
}

bool folder_find_node(const struct folder *folder, uint32_t *node)
{
	struct folder_list list = { 0 };
	bool found = false;
	if (folder_list(folder, &list)) {
		for (size_t i = 0; i < list.segments_count && !found; i++) {
			struct folder_segment *segment = &list.segments[i];
			found = folder_look(folder, segment) &&
			        (segment->state == SEGMENT_HEADER_WHOLE ||
			         segment->state == SEGMENT_HEADER_FOREIGN);
			if (found)
				*node = segment->header.key.node;
		}
	}
	folder_list_done(&list);
	return found;
}
