/*
 * What passes between the loader's thread and the loop: news one way, what was replaced the other,
 * and the state, under one lock that is never held for longer than a copy.
 *
 * Used by loader alone. News waits in order; a whole registry makes what was said of the one before
 * pointless, and that goes. At most HANDOVER_MAX pieces wait: the thread then waits too.
 */
#ifndef TOCSIN_KEEP_HANDOVER_H
#define TOCSIN_KEEP_HANDOVER_H

#include <pthread.h>
#include <stdbool.h>

#include "keep/loader.h"

#define HANDOVER_MAX 64

struct handover_piece;
struct handover_garbage;

struct handover {
	pthread_mutex_t mutex;
	int news_fd; /* to the loop: something to take */
	int work_fd; /* to the thread: something to free, to load, or room again */
	struct handover_piece *first, *last;
	unsigned count;
	struct handover_garbage *garbage;
	bool is_state_new, is_load_wanted;
	struct loader_state state;
};

bool handover_init(struct handover *h); /* false: no descriptor */
void handover_done(struct handover *h);

/* The thread's side. */
/* Takes what the news holds; false: no memory, and it is still the caller's. */
bool handover_put(struct handover *h, const struct loader_news *news);
bool handover_is_full(struct handover *h);
void handover_free_garbage(struct handover *h);
bool handover_is_load_wanted(struct handover *h); /* once per wish */
void handover_quiet(struct handover *h);          /* after work_fd was readable */
struct loader_state *handover_lock(struct handover *h);
void handover_unlock(struct handover *h, bool is_new); /* `is_new`: the loop should look */
/* Not connected, and why; or all is as the database has it, in these versions. Logged once each. */
void handover_say_away(struct handover *h, const char *why);
void handover_say_current(struct handover *h, uint64_t registry, uint64_t territory,
                          const char *snapshot_why);

/* The loop's side. */
bool handover_take(struct handover *h, struct loader_news *out);
void handover_give_back(struct handover *h, struct registry *registry, struct territory *territory);
void handover_want_load(struct handover *h);
void handover_state(struct handover *h, struct loader_state *out);

#endif
