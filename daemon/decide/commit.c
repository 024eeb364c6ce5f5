#include "decide/commit.h"

#include "support/bug.h"

static void show(struct effects *fx, struct incident *i, bool is_loud)
{
	struct effect *show = effects_add(fx, EFFECT_SHOW);
	show->position = i->position;
	show->show.incident = i;
	show->show.quiet = !is_loud;
	if (!is_loud || (i->state == INCIDENT_OPEN && i->level == 0))
		return;
	struct effect *state = effects_add(fx, EFFECT_STATE);
	state->position = i->position;
	state->show.incident = i;
}

struct effect *commit(struct world *w, const struct event *e, struct effects *fx, bool needs_record)
{
	if (w->dirty == NULL && !needs_record)
		return NULL;
	struct position here = w->next;
	w->next.number++;
	struct effect *keep = effects_add(fx, EFFECT_KEEP);
	keep->position = here;
	while (w->dirty != NULL) {
		struct incident *i = w->dirty;
		bool is_loud = i->is_loud, is_seen = i->is_seen;
		w->dirty = i->next;
		i->next = NULL;
		i->is_dirty = i->is_loud = i->is_seen = false;
		/* One too many keeps its marks, and the next record has it. */
		if (!BUG(keep->keep.incidents_count == EFFECT_INCIDENTS_MAX))
			keep->keep.incidents[keep->keep.incidents_count++] = i;
		if (is_seen) {
			i->position = here;
			i->revision++;
			i->updated_at = e->wall;
			if (is_loud)
				i->guard = i->revision;
			show(fx, i, is_loud);
		}
		if (i->state == INCIDENT_CLOSED)
			world_close_incident(w, i);
	}
	return keep;
}
