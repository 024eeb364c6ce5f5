#include "run/inbox.h"

#include <stdlib.h>

#include "support/bug.h"

struct inbox {
	unsigned first, count;
	struct event events[INBOX_EVENTS];
};

struct inbox *inbox_new(void)
{
	return calloc(1, sizeof(struct inbox));
}

void inbox_free(struct inbox *b)
{
	free(b);
}

struct event *inbox_post(struct inbox *b)
{
	must(b->count < INBOX_EVENTS);
	struct event *e = &b->events[(b->first + b->count++) % INBOX_EVENTS];
	e->asker.token = 0;
	e->fresh = (struct incident_id){ { { 0 } } };
	return e;
}

bool inbox_is_full(const struct inbox *b)
{
	return b->count >= INBOX_EVENTS - INBOX_RESERVE;
}

unsigned inbox_count(const struct inbox *b)
{
	return b->count;
}

struct event *inbox_first(const struct inbox *b)
{
	return b->count > 0 ? (struct event *)(uintptr_t)&b->events[b->first] : NULL;
}

void inbox_drop(struct inbox *b)
{
	if (BUG(b->count == 0))
		return;
	b->first = (b->first + 1) % INBOX_EVENTS;
	b->count--;
}
