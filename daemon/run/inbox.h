/*
 * The inbox: events in the order in which they came, between the callbacks that gather and the
 * decisions of the turn. Bounded; when it is nearly full the owner stops reading links, so nothing
 * that was read is ever dropped.
 */
#ifndef TOCSIN_RUN_INBOX_H
#define TOCSIN_RUN_INBOX_H

#include <stdbool.h>

#include "decide/event.h"

#define INBOX_EVENTS 2048
/* Kept free for what cannot be held back: links that end, deadlines. */
#define INBOX_RESERVE 512

struct inbox;

struct inbox *inbox_new(void); /* NULL: no memory */
void inbox_free(struct inbox *b);

/* The next free place, zeroed head; taken by this call. Never NULL while callers heed
 * inbox_is_full: the reserve is for those who cannot wait. */
struct event *inbox_post(struct inbox *b);
bool inbox_is_full(const struct inbox *b); /* stop reading links */
unsigned inbox_count(const struct inbox *b);
/* The oldest event, or NULL; it stays until inbox_drop. */
struct event *inbox_first(const struct inbox *b);
void inbox_drop(struct inbox *b);

#endif
