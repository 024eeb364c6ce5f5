#include "decide/route.h"

#include "decide/identify.h"
#include "decide/zone.h"
#include "support/text.h"

static void inform(struct finding *f, struct centre_id centre)
{
	if (!centre_is_set(centre) || centre_equal(centre, f->owner))
		return;
	for (unsigned n = 0; n < f->informed_count; n++)
		if (centre_equal(f->informed[n], centre))
			return;
	if (f->informed_count < FINDING_INFORMED_MAX)
		f->informed[f->informed_count++] = centre;
}

static void say_outside(struct finding *f, const struct zone_answer *z)
{
	char detail[REASON_DETAIL_SIZE] = "", name[REASON_DETAIL_SIZE - 16];
	TEXT_COPY(name, z->nearest != NULL ? z->nearest->name : "");
	if (z->nearest != NULL)
		text_add(detail, sizeof detail, "%s, %.1f km", name, z->nearest_m / 1000);
	finding_because(f, REASON_ROUTE_STAND_IN_OUTSIDE, detail);
}

/* The competent centre for the finding's place; empty when there is none. */
static struct centre_id competent(const struct world *w, struct finding *f)
{
	struct place *p = &f->place;
	struct centre_id none = { "" };
	const struct commune *c = NULL;
	if (w->territory == NULL)
		return none;
	/* A commune that somebody stated or registered is certain; a point is looked up. A
	 * registered point still counts for overlays and for the border beside it. */
	if (p->commune.text[0] != '\0')
		c = territory_commune(w->territory, p->commune);
	if (!p->has_point) {
		if (c != NULL)
			finding_because(f, REASON_ROUTE_COMMUNE, c->name);
		return c != NULL ? c->centre : none;
	}
	struct zone_answer z;
	zone_locate(w->territory, p->fix.lat, p->fix.lon, p->fix.accuracy_m, &z);
	if (c == NULL && z.commune != NULL) {
		c = z.commune;
		p->commune = c->code;
		TEXT_COPY(p->commune_name, c->name);
	}
	struct centre_id centre = c != NULL ? c->centre : none;
	if (z.zone_name != NULL) { /* also where no commune is known */
		centre = z.centre;
		finding_because(f, REASON_ROUTE_ZONE, z.zone_name);
	} else if (c != NULL) {
		finding_because(f, REASON_ROUTE_COMMUNE, c->name);
	} else {
		say_outside(f, &z);
	}
	if (z.approximate)
		finding_because(f, REASON_ROUTE_APPROXIMATE, "");
	f->owner = centre;
	inform(f, z.centre); /* the point says another commune than the registered one */
	for (unsigned n = 0; n < z.near_count; n++) {
		if (!centre_equal(z.near[n], centre))
			finding_because(f, REASON_ROUTE_BORDER_INFORMED, z.near[n].text);
		inform(f, z.near[n]);
	}
	return centre;
}

/* For a source that is of no department any more: all stand-ins, rather than nobody. */
static void ask_every_stand_in(const struct world *w, struct finding *f)
{
	const struct centre *c;
	for (size_t n = 0;
	     w->territory != NULL && (c = territory_next_centre(w->territory, &n)) != NULL;) {
		const struct department *d = territory_department(w->territory, c->department);
		if (d != NULL && centre_is_set(f->owner))
			inform(f, d->stand_in);
		else if (d != NULL)
			f->owner = d->stand_in;
	}
}

/*
 * The rules, in order.
 *  1. Technical (priority 4): the department's operations.
 *  2. Overlay zone, then the commune's competent centre.
 *  3. A call belongs to the centre at which it was presented; the competent one is informed.
 *  4. No place, a place outside, or no centre for it: the stand-in, with the reason.
 * In 2, who stands on the other side of a border within the circle of accuracy is informed.
 */
void route(const struct world *w, struct finding *f)
{
	const struct department *d =
	        w->territory ? territory_department(w->territory, f->source.department) : NULL;
	f->department = f->source.department;
	if (f->priority == 4 && d != NULL && centre_is_set(d->operations)) { /* 1 */
		f->owner = d->operations;
		finding_because(f, REASON_ROUTE_OPERATIONS, d->operations.text);
		return;
	}
	struct centre_id centre = competent(w, f); /* 2 */
	struct centre_id rings_at = { "" };
	f->owner = centre;
	f->is_competent = centre_is_set(centre);
	if (f->call != NULL)
		rings_at = identify_presented_to(w, f->call);
	if (w->territory != NULL && territory_centre(w->territory, rings_at) != NULL) { /* 3 */
		f->owner = rings_at;
		f->is_competent = centre_equal(centre, rings_at);
		finding_because(f, REASON_ROUTE_PRESENTED, f->owner.text);
		if (centre_is_set(centre) && !centre_equal(centre, f->owner)) {
			finding_because(f, REASON_ROUTE_COMPETENT_INFORMED, centre.text);
			inform(f, centre);
		}
	} else if (!centre_is_set(centre)) { /* 4 */
		if (d != NULL)
			f->owner = d->stand_in;
		else
			ask_every_stand_in(w, f);
		if (f->place.commune.text[0] != '\0')
			finding_because(f, REASON_ROUTE_STAND_IN_NO_CENTRE, f->place.commune_name);
		else if (!f->place.has_point) /* outside has its reason already */
			finding_because(f, REASON_ROUTE_STAND_IN_NO_PLACE, "");
	}
	const struct centre *owner = w->territory ? territory_centre(w->territory, f->owner) : NULL;
	if (owner != NULL)
		f->department = owner->department;
}
