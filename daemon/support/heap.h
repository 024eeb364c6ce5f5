/*
 * A binary heap of deadlines with the node inside its owner, so that a deadline can be moved or
 * taken out in O(log n) without a search. Moving and taking out never fail, and setting a node to
 * "never" takes it out.
 */
#ifndef TOCSIN_SUPPORT_HEAP_H
#define TOCSIN_SUPPORT_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "support/clock.h"

struct heap_node {
	struct mono due;
	size_t place; /* index + 1; 0 when in no heap */
};

struct heap {
	struct heap_node **nodes;
	size_t count, room;
};

void heap_init(struct heap *h);
void heap_done(struct heap *h);                                          /* the nodes are their owners' */
bool heap_set(struct heap *h, struct heap_node *n, struct mono due);     /* adds or moves; false: no memory */
void heap_remove(struct heap *h, struct heap_node *n);                   /* fine when it is in no heap */
struct heap_node *heap_first(const struct heap *h);                      /* NULL when empty */

#endif
