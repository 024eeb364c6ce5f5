#include "keep/retention.h"

/* The segment after `index` that can say where it begins. */
static const struct folder_segment *known_after(const struct folder_list *list, size_t index)
{
	for (size_t i = index + 1; i < list->segments_count; i++)
		if (list->segments[i].state == SEGMENT_HEADER_WHOLE)
			return &list->segments[i];
	return NULL;
}

/* The last position that the segment can hold, from what the one after it says. */
static struct position segment_last(const struct folder_segment *segment,
                                    const struct folder_segment *next)
{
	const struct segment_key *key = &segment->key;
	if (next->key.epoch == key->epoch)
		return (struct position){ key->node, key->epoch, next->first - 1 };
	if (next->header.after.epoch == key->epoch)
		return next->header.after;
	return (struct position){ key->node, key->epoch, UINT64_MAX };
}

uint64_t retention_bytes(const struct folder_list *list)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < list->segments_count; i++)
		bytes += (uint64_t)list->segments[i].bytes;
	return bytes;
}

uint64_t retention_unconfirmed_bytes(const struct folder_list *list, struct position confirmed)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < list->segments_count; i++) {
		const struct folder_segment *next = known_after(list, i);
		if (next == NULL ||
		    position_compare(segment_last(&list->segments[i], next), confirmed) > 0)
			bytes += (uint64_t)list->segments[i].bytes;
	}
	return bytes;
}

enum retention_verdict retention_oldest(const struct folder_list *list,
                                        const struct retention *rule)
{
	const struct folder_segment *next = list->segments_count > 0 ? known_after(list, 0) : NULL;
	if (next == NULL)
		return RETENTION_STAYS;
	const struct position last = segment_last(&list->segments[0], next);
	/* 1. Unconfirmed: PostgreSQL still has to be given it. */
	if (position_compare(last, rule->confirmed) > 0)
		return RETENTION_STAYS;
	/* 2. A start reads it. */
	if (rule->needed.epoch == 0 || position_compare(last, rule->needed) >= 0)
		return RETENTION_STAYS;
	/* 3. It was full when the next one began. */
	if (next->header.created.us + rule->keep_us <= rule->now.us)
		return RETENTION_GOES;
	/* 4. The days give way to the disk. */
	if (rule->is_pressed || (rule->bytes_max > 0 && retention_bytes(list) > rule->bytes_max))
		return RETENTION_GOES_EARLY;
	return RETENTION_STAYS;
}
