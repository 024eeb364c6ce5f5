#include "support/heap.h"

#include <stdint.h>
#include <stdlib.h>

#include "support/bug.h"

#define HEAP_ROOM_FIRST 64

void heap_init(struct heap *h)
{
	*h = (struct heap){ 0 };
}

void heap_done(struct heap *h)
{
	free(h->nodes);
	*h = (struct heap){ 0 };
}

static void put_at(struct heap *h, size_t index, struct heap_node *n)
{
	h->nodes[index] = n;
	n->place = index + 1;
}

/* Moves n from the free place `index` towards the root, past all that are due later. */
static void sift_up(struct heap *h, size_t index, struct heap_node *n)
{
	while (index > 0) {
		size_t parent = (index - 1) / 2;
		if (h->nodes[parent]->due.ns <= n->due.ns)
			break;
		put_at(h, index, h->nodes[parent]);
		index = parent;
	}
	put_at(h, index, n);
}

/* Moves n from the free place `index` towards the leaves, past all that are due earlier. */
static void sift_down(struct heap *h, size_t index, struct heap_node *n)
{
	for (;;) {
		size_t child = 2 * index + 1;
		if (child >= h->count)
			break;
		if (child + 1 < h->count && h->nodes[child + 1]->due.ns < h->nodes[child]->due.ns)
			child++;
		if (n->due.ns <= h->nodes[child]->due.ns)
			break;
		put_at(h, index, h->nodes[child]);
		index = child;
	}
	put_at(h, index, n);
}

/* Puts n where it belongs, given that `index` is free and all else is in order. */
static void settle(struct heap *h, size_t index, struct heap_node *n)
{
	if (index > 0 && n->due.ns < h->nodes[(index - 1) / 2]->due.ns)
		sift_up(h, index, n);
	else
		sift_down(h, index, n);
}

static bool make_room(struct heap *h)
{
	struct heap_node **nodes;
	size_t room = h->room ? h->room * 2 : HEAP_ROOM_FIRST;

	if (h->count < h->room)
		return true;
	nodes = reallocarray(h->nodes, room, sizeof(*nodes));
	if (!nodes)
		return false;
	h->nodes = nodes;
	h->room = room;
	return true;
}

/* A node that says it is somewhere is really there: one that sits in another heap, or whose memory
 * was filled with something else, would corrupt both. */
static bool is_here(const struct heap *h, const struct heap_node *n)
{
	return n->place <= h->count && h->nodes[n->place - 1] == n;
}

bool heap_set(struct heap *h, struct heap_node *n, struct mono due)
{
	if (!mono_is_set(due)) {
		heap_remove(h, n);
		return true;
	}
	if (n->place != 0) {
		must(is_here(h, n));
		n->due = due;
		settle(h, n->place - 1, n);
		return true;
	}
	if (!make_room(h))
		return false;
	n->due = due;
	sift_up(h, h->count++, n);
	return true;
}

void heap_remove(struct heap *h, struct heap_node *n)
{
	if (n->place == 0)
		return;
	must(is_here(h, n));

	size_t index = n->place - 1;
	struct heap_node *last = h->nodes[--h->count];

	n->place = 0;
	if (last != n)
		settle(h, index, last);
}

struct heap_node *heap_first(const struct heap *h)
{
	return h->count > 0 ? h->nodes[0] : NULL;
}
