#include "decide/world.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "decide/repeat.h"
#include "decide/subject.h"
#include "support/bug.h"

void rules_default(struct rules *rules)
{
	*rules = (struct rules){
		.join_window_ms = 30 * 60 * 1000,
		.renew_as_new_ms = 30 * 60 * 1000,
		.renew_as_new_m = 500,
		.live_position_ms = 10 * 60 * 1000,
		.late_ms = 60 * 1000,
		.clock_ahead_ms = 60 * 1000,
		.repeat_dated_ms = 30LL * 24 * 3600 * 1000,
		.repeat_undated_ms = 10 * 60 * 1000,
		.louder_ms = 20 * 1000,
		.other_centre_ms = 45 * 1000,
		.all_ms = 90 * 1000,
		.alarm_ms = 120 * 1000,
		.engage_ms = 180 * 1000,
		.taker_lost_ms = 30 * 1000,
		.transfer_ms = 60 * 1000,
		.incidents_max = 20000,
		.repeats_max = 1000000,
	};
}

bool world_init(struct world *w, const struct rules *rules, struct position first)
{
	*w = (struct world){ .rules = *rules, .next = first };
	heap_init(&w->deadlines);
	heap_init(&w->technical);
	w->incidents = table_new(sizeof(struct incident_id), 1024);
	w->fixes = table_new(sizeof(struct source_id), 0);
	w->repeats = repeats_new(rules->repeats_max);
	w->subjects = subjects_new();
	if (w->incidents != NULL && w->fixes != NULL && w->repeats != NULL && w->subjects != NULL)
		return true;
	world_done(w);
	return false;
}

static void incident_free(struct world *w, struct incident *i)
{
	subjects_remove(w->subjects, i);
	free(i);
}

void world_done(struct world *w)
{
	struct incident *incident;
	struct fix *fix;
	if (w->incidents != NULL)
		for (size_t i = 0; (incident = table_next(w->incidents, &i)) != NULL;)
			incident_free(w, incident);
	if (w->fixes != NULL)
		for (size_t i = 0; (fix = table_next(w->fixes, &i)) != NULL;)
			free(fix);
	world_reap(w);
	table_free(w->incidents);
	table_free(w->fixes);
	repeats_free(w->repeats);
	subjects_free(w->subjects);
	heap_done(&w->deadlines);
	heap_done(&w->technical);
	free(w->sessions);
	memset(w, 0, sizeof *w);
}

void world_reap(struct world *w)
{
	while (w->closed != NULL) {
		struct incident *next = w->closed->next;
		free(w->closed);
		w->closed = next;
	}
}

struct incident *world_incident(const struct world *w, struct incident_id id)
{
	return table_get(w->incidents, &id);
}

struct incident *world_next_incident(const struct world *w, size_t *index)
{
	return table_next(w->incidents, index);
}

bool world_has_session_at(const struct world *w, struct centre_id centre)
{
	for (unsigned n = 0; n < w->sessions_count; n++)
		if (centre_equal(w->sessions[n].centre, centre))
			return true;
	return false;
}

struct mono world_next_wake(const struct world *w)
{
	struct heap_node *first = heap_first(&w->deadlines);
	return first != NULL ? first->due : (struct mono){ 0 };
}

static struct mono earlier(struct mono a, struct mono b)
{
	if (!mono_is_set(a))
		return b;
	if (!mono_is_set(b))
		return a;
	return a.ns < b.ns ? a : b;
}

void world_schedule(struct world *w, struct incident *i)
{
	struct mono due = earlier(earlier(i->step_due, i->offer_due), i->away_due);
	if (!mono_is_set(due))
		heap_remove(&w->deadlines, &i->wake);
	else /* a deadline must not be lost in silence */
		must(heap_set(&w->deadlines, &i->wake, due));
}

void world_touch(struct world *w, struct incident *i, unsigned groups, enum touch touch)
{
	i->changed |= groups;
	i->is_seen |= touch != TOUCH_UNSEEN;
	i->is_loud |= touch == TOUCH_LOUD;
	if (i->is_dirty)
		return;
	i->is_dirty = true;
	i->next = w->dirty;
	w->dirty = i;
}

struct incident *world_add_incident(struct world *w, struct incident_id id)
{
	struct incident *i = calloc(1, sizeof *i);
	if (i == NULL)
		return NULL;
	i->id = id;
	if (!table_put(w->incidents, &id, i)) {
		free(i);
		return NULL;
	}
	return i;
}

void world_close_incident(struct world *w, struct incident *i)
{
	if (BUG(i->is_dirty)) /* its record must be written first */
		return;
	heap_remove(&w->deadlines, &i->wake);
	heap_remove(&w->technical, &i->age);
	table_remove(w->incidents, &i->id);
	subjects_remove(w->subjects, i);
	i->next = w->closed;
	w->closed = i;
}

/* Not by a clock of deadlines, but by what orders them: the wall time of the raising. */
void world_age(struct world *w, struct incident *i)
{
	if (i->priority == 4)
		must(heap_set(&w->technical, &i->age, (struct mono){ i->raised_at.us }));
}

struct incident *world_oldest_technical(const struct world *w)
{
	struct heap_node *first = heap_first(&w->technical);
	return first != NULL ? (void *)((char *)first - offsetof(struct incident, age)) : NULL;
}

const struct fix *world_fix(const struct world *w, struct source_id source)
{
	return table_get(w->fixes, &source);
}

struct fix world_dated_fix(const struct fix *fix, struct wall received_at)
{
	struct fix dated = *fix;
	if (!wall_is_set(dated.fixed_at) || dated.fixed_at.us > received_at.us)
		dated.fixed_at = received_at;
	return dated;
}

bool world_remember_fix(struct world *w, struct source_id source, const struct fix *fix,
                        struct wall received_at)
{
	struct fix *known = table_get(w->fixes, &source);
	if (known == NULL) {
		known = calloc(1, sizeof *known);
		if (known == NULL || !table_put(w->fixes, &source, known)) {
			free(known);
			return false;
		}
	}
	struct fix dated = world_dated_fix(fix, received_at);
	if (dated.fixed_at.us >= known->fixed_at.us)
		*known = dated;
	return true;
}

bool world_restore_incident(struct world *w, struct incident *i)
{
	if (!table_put(w->incidents, &i->id, i))
		return false;
	world_schedule(w, i);
	return true;
}

void world_forget_incident(struct world *w, struct incident *i)
{
	heap_remove(&w->deadlines, &i->wake);
	heap_remove(&w->technical, &i->age);
	table_remove(w->incidents, &i->id);
	incident_free(w, i);
}

/* What an incident waits for follows from its state and priority. */
static void mend_deadline(struct incident *i, struct mono now)
{
	bool is_taken = i->state == INCIDENT_TAKEN, is_at_step = mono_is_set(i->step_due);
	if (i->priority == 4 || i->state == INCIDENT_ENGAGED) {
		i->step = STEP_NONE;
		i->step_due = (struct mono){ 0 };
	} else if (!is_at_step || i->step == STEP_NONE || (i->step == STEP_ENGAGE) != is_taken) {
		i->step = is_taken ? STEP_ENGAGE : STEP_LOUDER;
		i->step_due = now;
	}
}

void world_restored(struct world *w, struct mono now)
{
	struct incident *i;
	for (size_t n = 0; (i = table_next(w->incidents, &n)) != NULL;) {
		mend_deadline(i, now);
		bool is_asking = i->state == INCIDENT_OPEN && i->priority < 4;
		if ((is_asking || i->state == INCIDENT_TAKEN) && !mono_is_set(i->away_due))
			i->away_due = mono_add_ms(now, w->rules.taker_lost_ms);
		must(subjects_put(w->subjects, i));
		world_age(w, i);
		world_schedule(w, i);
	}
}
