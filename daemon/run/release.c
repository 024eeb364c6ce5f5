#include "run/release.h"

#include <stdlib.h>
#include <string.h>

#include "accept/sender.h"
#include "push/view.h"
#include "support/bug.h"

enum item_kind { ITEM_RECEIPT, ITEM_ANSWER, ITEM_NOTE, ITEM_VIEW };

struct item {
	enum item_kind kind;
	struct position position;
	struct mono at;
	union {
		struct effect effect;
		struct sender_note *note;
		struct view *view;
	};
};

struct queue { /* a ring that doubles */
	struct item *items;
	size_t first, count, room;
};

struct release {
	struct release_ports ports;
	int64_t wait_ms;
	struct queue answers; /* receipts, answers, notes */
	struct queue views;
};

static struct item *queue_first(struct queue *q)
{
	return q->count > 0 ? &q->items[q->first] : NULL;
}

static void queue_drop(struct queue *q)
{
	q->first = (q->first + 1) & (q->room - 1);
	q->count--;
}

static struct item *queue_put(struct queue *q)
{
	if (q->count == q->room) {
		size_t room = q->room ? 2 * q->room : 1024;
		struct item *items = malloc(room * sizeof *items);
		if (items == NULL)
			return NULL;
		for (size_t n = 0; n < q->count; n++)
			items[n] = q->items[(q->first + n) & (q->room - 1)];
		free(q->items);
		q->items = items;
		q->first = 0;
		q->room = room;
	}
	return &q->items[(q->first + q->count++) & (q->room - 1)];
}

struct release *release_new(const struct release_ports *ports, int64_t unrecorded_after_ms)
{
	struct release *r = calloc(1, sizeof *r);
	if (r == NULL)
		return NULL;
	r->ports = *ports;
	r->wait_ms = unrecorded_after_ms;
	return r;
}

void release_free(struct release *r)
{
	struct item *i;
	if (r == NULL)
		return;
	for (; (i = queue_first(&r->answers)) != NULL; queue_drop(&r->answers))
		if (i->kind == ITEM_NOTE)
			free(i->note);
	for (; (i = queue_first(&r->views)) != NULL; queue_drop(&r->views))
		view_unref(i->view);
	free(r->answers.items);
	free(r->views.items);
	free(r);
}

void release_set_wait(struct release *r, int64_t unrecorded_after_ms)
{
	r->wait_ms = unrecorded_after_ms;
}

static void let_go(struct release *r, struct item *i)
{
	void *owner = r->ports.owner;
	switch (i->kind) {
	case ITEM_RECEIPT: r->ports.receipt(owner, &i->effect, i->at); break;
	case ITEM_ANSWER: r->ports.answer(owner, &i->effect); break;
	case ITEM_NOTE: r->ports.tell(owner, i->note); break;
	case ITEM_VIEW: (void)BUG(true); break;
	}
}

static bool put_effect(struct release *r, enum item_kind kind, const struct effect *e,
                       struct mono at)
{
	struct item item = { .kind = kind, .position = e->position, .at = at, .effect = *e };
	if (!position_is_set(e->position)) { /* nothing was kept: a refusal needs no keeper */
		let_go(r, &item);
		return true;
	}
	struct item *i = queue_put(&r->answers);
	if (i != NULL)
		*i = item;
	return i != NULL;
}

bool release_put_receipt(struct release *r, const struct effect *e, struct mono at)
{
	return put_effect(r, ITEM_RECEIPT, e, at);
}

bool release_put_answer(struct release *r, const struct effect *e, struct mono at)
{
	return put_effect(r, ITEM_ANSWER, e, at);
}

bool release_put_note(struct release *r, struct sender_note *note, struct position p,
                      struct mono at)
{
	struct item *i = note != NULL ? queue_put(&r->answers) : NULL;
	if (i == NULL) {
		free(note);
		return false;
	}
	*i = (struct item){ .kind = ITEM_NOTE, .position = p, .at = at, .note = note };
	return true;
}

bool release_put_view(struct release *r, struct view *v, struct position p, struct mono at)
{
	struct item *i = queue_put(&r->views);
	if (i == NULL) {
		r->ports.show(r->ports.owner, v, false);
		return false;
	}
	*i = (struct item){ .kind = ITEM_VIEW, .position = p, .at = at, .view = v };
	return true;
}

static bool is_durable(struct position p, struct position durable)
{
	return !position_is_set(p) || position_compare(p, durable) <= 0;
}

void release_run(struct release *r, struct position receipts, struct position recorded,
                 struct mono now)
{
	struct item *i;
	while ((i = queue_first(&r->views)) != NULL) {
		bool durable = is_durable(i->position, recorded);
		if (!durable && !mono_is_due(mono_add_ms(i->at, r->wait_ms), now))
			break;
		struct view *v = i->view;
		queue_drop(&r->views);
		r->ports.show(r->ports.owner, v, durable);
	}
	while ((i = queue_first(&r->answers)) != NULL && is_durable(i->position, receipts)) {
		struct item item = *i;
		queue_drop(&r->answers);
		let_go(r, &item);
	}
}

struct mono release_next_wake(const struct release *r)
{
	if (r->views.count == 0)
		return (struct mono){ 0 };
	return mono_add_ms(r->views.items[r->views.first].at, r->wait_ms);
}

size_t release_waiting(const struct release *r)
{
	return r->answers.count;
}
