#include "push/pending.h"

#include <stdlib.h>

#include "support/table.h"

#define PRIORITIES 5 /* 1 to 4; what is none of these waits with the last */

struct waiting {
	struct view *view;
	unsigned priority;
	struct waiting *next, *before;
};

struct pending {
	struct table *by_incident;
	struct waiting *first[PRIORITIES], *last[PRIORITIES];
};

struct pending *pending_new(void)
{
	struct pending *p = calloc(1, sizeof *p);
	if (p == NULL)
		return NULL;
	p->by_incident = table_new(sizeof(struct incident_id), 0);
	if (p->by_incident == NULL) {
		free(p);
		return NULL;
	}
	return p;
}

static unsigned place_of(const struct view *v)
{
	return v->priority < PRIORITIES ? v->priority : PRIORITIES - 1;
}

static void append(struct pending *p, struct waiting *w)
{
	w->priority = place_of(w->view);
	w->next = NULL;
	w->before = p->last[w->priority];
	if (w->before != NULL)
		w->before->next = w;
	else
		p->first[w->priority] = w;
	p->last[w->priority] = w;
}

static void take_out(struct pending *p, struct waiting *w)
{
	if (w->before != NULL)
		w->before->next = w->next;
	else
		p->first[w->priority] = w->next;
	if (w->next != NULL)
		w->next->before = w->before;
	else
		p->last[w->priority] = w->before;
}

bool pending_put(struct pending *p, struct view *v)
{
	struct waiting *w = table_get(p->by_incident, &v->incident);
	if (w == NULL) {
		w = calloc(1, sizeof *w);
		if (w == NULL || !table_put(p->by_incident, &v->incident, w)) {
			free(w);
			return false;
		}
		w->view = view_ref(v);
		append(p, w);
		return true;
	}
	struct view *old = w->view;
	w->view = view_ref(v);
	view_unref(old);
	if (w->priority != place_of(v)) { /* else it keeps its turn */
		take_out(p, w);
		append(p, w);
	}
	return true;
}

struct view *pending_take(struct pending *p)
{
	for (unsigned n = 0; n < PRIORITIES; n++) {
		struct waiting *w = p->first[n];
		if (w == NULL)
			continue;
		struct view *v = w->view;
		take_out(p, w);
		table_remove(p->by_incident, &v->incident);
		free(w);
		return v;
	}
	return NULL;
}

size_t pending_count(const struct pending *p)
{
	return table_count(p->by_incident);
}

void pending_free(struct pending *p)
{
	struct view *v;
	if (p == NULL)
		return;
	while ((v = pending_take(p)) != NULL)
		view_unref(v);
	table_free(p->by_incident);
	free(p);
}
