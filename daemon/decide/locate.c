#include "decide/locate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/text.h"

double locate_distance_m(double lat_a, double lon_a, double lat_b, double lon_b)
{
	const double radius_m = 6371008.8, degree = M_PI / 180;
	double sin_lat = sin((lat_b - lat_a) * degree / 2);
	double sin_lon = sin((lon_b - lon_a) * degree / 2);
	double h =
	        sin_lat * sin_lat + cos(lat_a * degree) * cos(lat_b * degree) * sin_lon * sin_lon;
	return 2 * radius_m * asin(fmin(1, sqrt(h)));
}

static void take_fix(struct finding *f, const struct fix *fix)
{
	f->place.origin = PLACE_LIVE;
	f->place.precision = PLACE_EXACT;
	f->place.has_point = true;
	f->place.fix = *fix;
	if (f->place.fix.accuracy_m <= 0) {
		f->place.fix.accuracy_m = PLACE_ACCURACY_UNKNOWN_M;
		finding_because(f, REASON_WHERE_ACCURACY_ASSUMED, "500 m");
	}
}

/* The alert's own fix, or the newest that the source reported before, if it is worn or installed
 * with one person or place: a regulation's last position is another doctor's. */
static const struct fix *newest_fix(const struct world *w, const struct finding *f,
                                    struct fix *copy)
{
	const struct alert *a = f->alert;
	if (!a->has_fix)
		return finding_is_single_user(f) ? world_fix(w, a->source) : NULL;
	*copy = world_dated_fix(&a->fix, a->received_at);
	return copy;
}

static void take_commune(const struct world *w, struct finding *f, struct commune_code code)
{
	const struct commune *c = w->territory ? territory_commune(w->territory, code) : NULL;
	f->place.commune = code;
	if (c != NULL)
		TEXT_COPY(f->place.commune_name, c->name);
}

static void take_stated(const struct world *w, struct finding *f)
{
	const struct alert *a = f->alert;
	const struct commune *c = a->commune.text[0] && w->territory
	                                  ? territory_commune(w->territory, a->commune)
	                                  : NULL;
	f->place.origin = PLACE_STATED;
	f->place.precision = a->address[0] != '\0' ? PLACE_ADDRESS : PLACE_COMMUNE;
	TEXT_COPY(f->place.label, a->address[0] != '\0' ? a->address : c ? c->name : "");
	f->place.fix.fixed_at = a->received_at;
	TEXT_COPY(f->place.fix.method, "stated");
	if (c != NULL) {
		take_commune(w, f, c->code);
		finding_because(f,
		                a->address[0] ? REASON_WHERE_STATED_ADDRESS
		                              : REASON_WHERE_STATED_COMMUNE,
		                c->name);
	} else {
		/* An address without a commune is for people to read: a postal code or a street
		 * never routes, so route() sends it to the stand-in. */
		finding_because(f, REASON_WHERE_COMMUNE_UNKNOWN, a->commune.text);
	}
}

static void take_site(const struct world *w, struct finding *f, const struct site *s,
                      enum place_origin origin)
{
	f->place.origin = origin;
	f->place.precision = s->precision;
	f->place.has_point = s->has_point;
	f->place.fix.lat = s->lat;
	f->place.fix.lon = s->lon;
	TEXT_COPY(f->place.fix.method, "registry");
	char label[PLACE_LABEL_SIZE / 2];
	TEXT_COPY(label, s->label); /* so that the address always has room */
	text_add(f->place.label, sizeof f->place.label, "%s%s%s", label,
	         label[0] != '\0' && s->address[0] != '\0' ? ", " : "", s->address);
	take_commune(w, f, s->commune);
}

static void add_candidates(const struct world *w, struct finding *f, struct site_id taken)
{
	for (unsigned p = 0; p < f->people_count; p++) {
		struct practitioner person;
		if (!id_is_set(f->people[p].id.v) ||
		    !registry_practitioner(w->registry, f->people[p].id, &person))
			continue;
		for (unsigned s = 0; s < person.sites_count; s++) {
			bool known = id_equal(person.sites[s].v, taken.v);
			for (unsigned c = 0; c < f->place.candidates_count && !known; c++)
				known = id_equal(f->place.candidates[c].v, person.sites[s].v);
			if (!known && f->place.candidates_count < PLACE_CANDIDATES_MAX)
				f->place.candidates[f->place.candidates_count++] = person.sites[s];
		}
	}
}

static bool take_registered_site(const struct world *w, struct finding *f)
{
	for (unsigned p = 0; p < f->people_count; p++) {
		struct practitioner person;
		struct site site;
		if (!id_is_set(f->people[p].id.v) ||
		    !registry_practitioner(w->registry, f->people[p].id, &person) ||
		    person.sites_count == 0 || !registry_site(w->registry, person.sites[0], &site))
			continue;
		take_site(w, f, &site, PLACE_FROM_REGISTERED_SITE);
		finding_because(f, REASON_WHERE_REGISTERED_SITE, site.label);
		add_candidates(w, f, site.id);
		return true;
	}
	return false;
}

/*
 * The rules, in order; the first that gives a place ends the search.
 *  1. A position younger than live_position_ms: live.
 *  2. A stated address or commune.
 *  3. The site where the device is installed.
 *  4. The practitioner's registered site: a hypothesis, the other sites are candidates.
 *  5. A position that is older: better than nothing, and its age is said.
 *  6. Nothing.
 */
void locate(const struct world *w, struct finding *f)
{
	const struct alert *a = f->alert;
	struct fix copy;
	struct site site;
	const struct fix *fix = newest_fix(w, f, &copy);
	int64_t age_ms = fix != NULL ? wall_ms_between(fix->fixed_at, f->wall) : 0;
	bool is_live = fix != NULL && age_ms <= w->rules.live_position_ms;
	char age[REASON_DETAIL_SIZE] = "";
	if (fix != NULL && !is_live)
		snprintf(age, sizeof age, "%lld min", (long long)(age_ms / 60000));

	memset(&f->place, 0, sizeof f->place);
	if (is_live) { /* 1 */
		take_fix(f, fix);
		finding_because(f, REASON_WHERE_LIVE, "");
		TEXT_COPY(f->place.label, a->address); /* for people: which floor, which door */
		if (f->people_count > 0)
			add_candidates(w, f, (struct site_id){ { { 0 } } });
		return;
	}
	if (fix != NULL)
		finding_because(f, REASON_WHERE_LIVE_OLD, age);
	if (a->address[0] != '\0' || a->commune.text[0] != '\0') { /* 2 */
		take_stated(w, f);
	} else if (id_is_set(f->source.site.v) &&
	           registry_site(w->registry, f->source.site, &site)) { /* 3 */
		take_site(w, f, &site, PLACE_FROM_DEVICE_SITE);
		finding_because(f, REASON_WHERE_DEVICE_SITE, site.label);
	} else if (take_registered_site(w, f)) { /* 4 */
	} else if (fix != NULL) {                /* 5 */
		take_fix(f, fix);
	} else { /* 6 */
		finding_because(f, REASON_WHERE_NONE, "");
	}
}
