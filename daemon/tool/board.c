#include "tool/board.h"

#include <stdlib.h>
#include <string.h>

#include "support/id.h"
#include "support/table.h"
#include "support/text.h"

struct board {
	char centre[64];
	unsigned numbers_given;
	size_t count, room; /* entries, in the order of their numbers */
	struct board_entry **entries;
	struct table *by_id;
	size_t open_count;
	const struct board_entry **list; /* of `room` */
};

struct board *board_new(const char *centre)
{
	struct board *d = calloc(1, sizeof *d);

	if (d == NULL)
		return NULL;
	text_copy(d->centre, sizeof d->centre, centre);
	d->by_id = table_new(sizeof(struct id), 0);
	if (d->by_id != NULL)
		return d;
	free(d);
	return NULL;
}

static void entry_free(struct board_entry *e)
{
	tocsin__v1__incident__free_unpacked(e->shown, NULL);
	free(e);
}

void board_free(struct board *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->count; i++)
		entry_free(d->entries[i]);
	table_free(d->by_id);
	free(d->entries);
	free(d->list);
	free(d);
}

static bool is_open(const struct board_entry *e)
{
	return e->shown->state != TOCSIN__V1__STATE__STATE_CLOSED;
}

const struct board_entry *board_by_id(const struct board *d, const char *incident)
{
	struct id id;

	return id_parse(incident, &id) ? table_get(d->by_id, &id) : NULL;
}

const struct board_entry *board_by_number(const struct board *d, unsigned number)
{
	for (size_t i = d->count; i-- > 0;)
		if (d->entries[i]->number == number)
			return d->entries[i];
	return NULL;
}

const char *board_role(const struct board *d, const Tocsin__V1__Incident *incident)
{
	for (size_t i = 0; i < incident->n_centres; i++)
		if (strcmp(incident->centres[i]->id, d->centre) == 0)
			return incident->centres[i]->role;
	return "";
}

bool board_waits(const struct board *d, const struct board_entry *e)
{
	const char *role = board_role(d, e->shown);

	if (e->is_lost || strcmp(role, "offered") == 0)
		return is_open(e);
	return (e->shown->state == TOCSIN__V1__STATE__STATE_OPEN ||
		e->shown->state == TOCSIN__V1__STATE__STATE_UNKNOWN) &&
	       strcmp(role, "informed") != 0;
}

bool board_rings(const struct board *d, const struct board_entry *e)
{
	return board_waits(d, e) && (e->is_lost || e->shown->priority <= 1);
}

static void remove_at(struct board *d, size_t index)
{
	struct id id;

	if (id_parse(d->entries[index]->shown->incident, &id))
		table_remove(d->by_id, &id);
	entry_free(d->entries[index]);
	memmove(&d->entries[index], &d->entries[index + 1],
		(d->count - index - 1) * sizeof *d->entries);
	d->count--;
}

/* The oldest closed ones leave when more than BOARD_CLOSED_KEPT stand there. */
static void forget_closed(struct board *d)
{
	for (size_t i = 0; i < d->count && d->count - d->open_count > BOARD_CLOSED_KEPT;) {
		if (is_open(d->entries[i]))
			i++;
		else
			remove_at(d, i);
	}
}

static void close_entry(struct board *d, struct board_entry *e)
{
	if (!is_open(e))
		return;
	e->shown->state = TOCSIN__V1__STATE__STATE_CLOSED;
	d->open_count--;
}

static bool make_room(struct board *d)
{
	if (d->count < d->room)
		return true;
	size_t room = d->room == 0 ? 64 : d->room * 2;
	struct board_entry **entries = realloc(d->entries, room * sizeof *entries);
	if (entries == NULL)
		return false;
	d->entries = entries;
	const struct board_entry **list = realloc(d->list, room * sizeof *list);
	if (list == NULL)
		return false;
	d->list = list;
	d->room = room;
	return true;
}

/* An entry with a number and without an incident yet. */
static struct board_entry *add(struct board *d, const char *incident)
{
	struct id id;

	if (d->open_count >= BOARD_INCIDENTS_MAX || !id_parse(incident, &id) || !make_room(d))
		return NULL;
	struct board_entry *e = calloc(1, sizeof *e);
	if (e == NULL || !table_put(d->by_id, &id, e)) {
		free(e);
		return NULL;
	}
	e->number = ++d->numbers_given;
	d->entries[d->count++] = e;
	d->open_count++;
	return e;
}

/* The centres other than ours, with their roles, are the same. */
static bool has_same_centres(const Tocsin__V1__Incident *a, const Tocsin__V1__Incident *b)
{
	if (a->n_centres != b->n_centres)
		return false;
	for (size_t i = 0; i < a->n_centres; i++)
		if (strcmp(a->centres[i]->id, b->centres[i]->id) != 0 ||
		    strcmp(a->centres[i]->role, b->centres[i]->role) != 0)
			return false;
	return true;
}

static bool has_same_place(const Tocsin__V1__Place *a, const Tocsin__V1__Place *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a->has_point == b->has_point && a->lat == b->lat && a->lon == b->lon &&
	       a->accuracy_m == b->accuracy_m && a->fixed_at == b->fixed_at &&
	       strcmp(a->origin, b->origin) == 0 && strcmp(a->precision, b->precision) == 0 &&
	       strcmp(a->label, b->label) == 0 && strcmp(a->commune, b->commune) == 0;
}

static bool has_same_people(const Tocsin__V1__Incident *a, const Tocsin__V1__Incident *b)
{
	if (a->n_practitioners != b->n_practitioners)
		return false;
	for (size_t i = 0; i < a->n_practitioners; i++)
		if (strcmp(a->practitioners[i]->id, b->practitioners[i]->id) != 0 ||
		    strcmp(a->practitioners[i]->name, b->practitioners[i]->name) != 0)
			return false;
	return true;
}

/* The part of a comparison that can sound. */
static unsigned compare_urgency(const struct board *d, const Tocsin__V1__Incident *old,
				const Tocsin__V1__Incident *new)
{
	const char *role = board_role(d, new);
	unsigned change = BOARD_NOTHING;

	if (new->renewed_at > old->renewed_at)
		change |= BOARD_RENEWED;
	if (new->level > old->level)
		change |= BOARD_LEVEL;
	if (new->priority < old->priority)
		change |= BOARD_PRIORITY;
	if (strcmp(role, board_role(d, old)) != 0)
		change |= strcmp(role, "informed") == 0 || role[0] == '\0' ? BOARD_CENTRES
									   : BOARD_ROLE;
	return change;
}

static unsigned compare(const struct board *d, const Tocsin__V1__Incident *old,
			const Tocsin__V1__Incident *new)
{
	unsigned change = compare_urgency(d, old, new);

	if (new->state != old->state || strcmp(new->taken_by, old->taken_by) != 0)
		change |=
			new->state == TOCSIN__V1__STATE__STATE_CLOSED ? BOARD_CLOSED : BOARD_STATE;
	if (strcmp(new->note, old->note) != 0)
		change |= BOARD_NOTE;
	if (new->cancels > old->cancels)
		change |= BOARD_CANCEL;
	if (new->alerts_total != old->alerts_total)
		change |= BOARD_ALERTS;
	if (!has_same_place(old->place, new->place))
		change |= BOARD_PLACE;
	if (!has_same_centres(old, new) && (change & BOARD_ROLE) == 0)
		change |= BOARD_CENTRES;
	if (strcmp(new->contact, old->contact) != 0)
		change |= BOARD_CONTACT;
	if (new->n_related != old->n_related)
		change |= BOARD_RELATED;
	if (new->n_reasons != old->n_reasons)
		change |= BOARD_REASONS;
	if (!has_same_people(old, new))
		change |= BOARD_PEOPLE;
	return change != BOARD_NOTHING ? change : BOARD_OTHER;
}

/* Older than what is shown: a lower revision of the same start of the server. Another start's word
 * always counts, because revisions that were never recorded may be gone with the last one. */
static bool is_stale(const struct board_entry *e, const Tocsin__V1__Incident *new,
		     struct position position)
{
	return position.epoch == e->position.epoch && position.node == e->position.node &&
	       new->revision < e->shown->revision;
}

static void show(struct board *d, struct board_entry *e, Tocsin__V1__Incident *incident,
		 struct position position)
{
	bool is_same_record = e->shown != NULL && position_is_set(position) &&
			      e->position.node == position.node &&
			      position_compare(e->position, position) == 0;

	e->is_recorded = incident->recorded || (is_same_record && e->is_recorded);
	if (e->shown != NULL)
		tocsin__v1__incident__free_unpacked(e->shown, NULL);
	e->shown = incident;
	e->position = position;
	e->is_lost = false;
	e->was_seen = true;
	if (!is_open(e))
		d->open_count--;
}

unsigned board_put(struct board *d, Tocsin__V1__Incident *incident,
		   const struct board_entry **entry)
{
	struct position position = { 0 };
	unsigned change = BOARD_NEW;

	forget_closed(d); /* here, so that what was returned last time lived until now */
	position_parse(incident->position, &position);
	struct board_entry *e = (struct board_entry *)board_by_id(d, incident->incident);
	bool is_known = e != NULL;
	if (!is_known)
		e = add(d, incident->incident);
	*entry = e;
	if (e == NULL || (is_known && is_stale(e, incident, position))) {
		if (e != NULL)
			e->was_seen = true;
		tocsin__v1__incident__free_unpacked(incident, NULL);
		return e == NULL ? BOARD_REFUSED : BOARD_NOTHING;
	}
	if (is_known) {
		change = compare(d, e->shown, incident);
		if (incident->revision == e->shown->revision && change == BOARD_OTHER)
			change = BOARD_NOTHING;
		if (!is_open(e))
			d->open_count++;
	}
	show(d, e, incident, position);
	return change;
}

void board_begin(struct board *d)
{
	for (size_t i = 0; i < d->count; i++)
		d->entries[i]->was_seen = false;
}

size_t board_end(struct board *d, bool resumed, const char *text)
{
	struct position now = { 0 };
	size_t lost = 0;

	position_parse(text, &now);
	for (size_t i = 0; i < d->count; i++) {
		struct board_entry *e = d->entries[i];
		if (e->was_seen || !is_open(e) || e->is_lost)
			continue;
		bool is_same_start = e->position.node == now.node && e->position.epoch == now.epoch;
		if (!e->is_recorded && !is_same_start) {
			e->is_lost = true;
			lost++;
		} else if (!resumed) {
			close_entry(d, e);
		}
	}
	return lost;
}

/* Only for revisions of the same start: a later start's positions say nothing of a record that the
 * earlier one never got onto a disk. */
void board_recorded(struct board *d, const char *text)
{
	struct position position;

	if (!position_parse(text, &position))
		return;
	for (size_t i = 0; i < d->count; i++) {
		struct board_entry *e = d->entries[i];
		if (!e->is_lost && position_is_set(e->position) &&
		    e->position.node == position.node && e->position.epoch == position.epoch &&
		    position_compare(e->position, position) <= 0)
			e->is_recorded = true;
	}
}

bool board_clear(struct board *d, unsigned number)
{
	for (size_t i = 0; i < d->count; i++) {
		struct board_entry *e = d->entries[i];
		if (e->number != number || !e->is_lost)
			continue;
		e->is_lost = false;
		close_entry(d, e);
		return true;
	}
	return false;
}

/* 1 to 4; what cannot be a priority is taken for the highest. */
static unsigned rank_of(const Tocsin__V1__Incident *incident)
{
	return incident->priority >= 1 && incident->priority <= 4 ? incident->priority : 1;
}

static int by_urgency(const void *left, const void *right, void *context)
{
	const struct board_entry *a = *(const struct board_entry *const *)left;
	const struct board_entry *b = *(const struct board_entry *const *)right;
	const struct board *d = context;

	if (a->is_lost != b->is_lost)
		return a->is_lost ? -1 : 1;
	if (rank_of(a->shown) != rank_of(b->shown))
		return rank_of(a->shown) < rank_of(b->shown) ? -1 : 1;
	if (board_waits(d, a) != board_waits(d, b))
		return board_waits(d, a) ? -1 : 1;
	if (a->shown->raised_at != b->shown->raised_at)
		return a->shown->raised_at < b->shown->raised_at ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

const struct board_entry *const *board_list(struct board *d, size_t *count)
{
	*count = 0;
	for (size_t i = 0; i < d->count; i++)
		if (is_open(d->entries[i]))
			d->list[(*count)++] = d->entries[i];
	if (*count > 1)
		qsort_r(d->list, *count, sizeof *d->list, by_urgency, d);
	return d->list;
}
