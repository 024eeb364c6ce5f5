#include "support/bug.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "support/log.h"

/* Places beyond this many are counted and no longer reported: a line per place is for people. */
#define BUG_PLACES_MAX 256

static atomic_ulong seen_total;
static _Atomic(uintptr_t) places[BUG_PLACES_MAX];

/* The file name is one literal in each translation unit, so its address and the line tell places
 * apart. A false match costs one line in the log, never the count. */
static uintptr_t place_of(const char *file, int line)
{
	uintptr_t place = (uintptr_t)file * 31 + (uintptr_t)line;
	return place ? place : 1;
}

/* True for the first caller with this place, in whatever thread. */
static bool place_is_new(uintptr_t place)
{
	for (size_t i = 0; i < BUG_PLACES_MAX; i++) {
		uintptr_t found = 0;
		if (atomic_compare_exchange_strong(&places[i], &found, place))
			return true;
		if (found == place)
			return false;
	}
	return false;
}

void bug_stop(const char *cond, const char *file, int line)
{
	log_event(LOG_LEVEL_CRIT, "must-failed", LOG_TEXT("condition", cond),
	          LOG_TEXT("file", file), LOG_NUMBER("line", line));
	abort();
}

bool bug_seen(const char *cond, const char *file, int line)
{
	atomic_fetch_add(&seen_total, 1);
	if (place_is_new(place_of(file, line)))
		log_event(LOG_LEVEL_ERROR, "bug", LOG_TEXT("condition", cond),
		          LOG_TEXT("file", file), LOG_NUMBER("line", line));
	return true;
}

unsigned long bug_count(void)
{
	return atomic_load(&seen_total);
}
