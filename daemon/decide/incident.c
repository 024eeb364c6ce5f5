#include "decide/incident.h"

#include <string.h>

#include "decide/territory.h"
#include "support/bug.h"

/*
 * The table of transitions. Every pair of a state and a cause has an answer; INCIDENT_STATES is the
 * refusal. A cancel is no cause: it never changes a state. A closed incident stays closed.
 */
enum incident_state incident_next(enum incident_state state, enum incident_cause cause)
{
	enum {
		OPEN = INCIDENT_OPEN,
		TAKEN = INCIDENT_TAKEN,
		ENGAGED = INCIDENT_ENGAGED,
		CLOSED = INCIDENT_CLOSED,
		REFUSED = INCIDENT_STATES
	};
	static const unsigned char table[INCIDENT_STATES][INCIDENT_CAUSES] = {
		/* clang-format off */
		/*                     TAKE     ENGAGE   RELEASE  CLOSE    NOT_ENG. LOST     ACC. */
		[INCIDENT_OPEN]    = { TAKEN,   REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, TAKEN   },
		[INCIDENT_TAKEN]   = { REFUSED, ENGAGED, OPEN,    CLOSED,  OPEN,    OPEN,    TAKEN   },
		[INCIDENT_ENGAGED] = { REFUSED, REFUSED, REFUSED, CLOSED,  REFUSED, REFUSED, ENGAGED },
		[INCIDENT_CLOSED]  = { REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED },
		/* clang-format on */
	};
	if (BUG(state >= INCIDENT_STATES || cause >= INCIDENT_CAUSES))
		return INCIDENT_STATES;
	return table[state][cause];
}

void incident_count_alert(struct incident *i, const struct alert_summary *a)
{
	if (i->alerts_total < INCIDENT_ALERTS_KEPT)
		i->first[i->alerts_total] = *a;
	i->last[i->alerts_total % INCIDENT_ALERTS_KEPT] = *a;
	i->alerts_total++;
	i->changed |= GROUP_ALERTS;
}

unsigned incident_alerts(const struct incident *i,
                         const struct alert_summary *out[2 * INCIDENT_ALERTS_KEPT])
{
	unsigned count = 0;
	while (count < i->alerts_total && count < INCIDENT_ALERTS_KEPT) {
		out[count] = &i->first[count];
		count++;
	}
	unsigned from = i->alerts_total > 2 * INCIDENT_ALERTS_KEPT
	                        ? i->alerts_total - INCIDENT_ALERTS_KEPT
	                        : count;
	for (unsigned n = from; n < i->alerts_total; n++)
		out[count++] = &i->last[n % INCIDENT_ALERTS_KEPT];
	return count;
}

struct centre_id incident_owner(const struct incident *i)
{
	return i->centres_count > 0 ? i->centres[0].centre : (struct centre_id){ "" };
}

static struct centre_part *incident_part(struct incident *i, struct centre_id centre)
{
	for (unsigned n = 0; n < i->centres_count; n++)
		if (centre_equal(i->centres[n].centre, centre))
			return &i->centres[n];
	return NULL;
}

/* What a role lets a centre do, more or less: an owner stays one, an offer stays in sight. */
static int role_strength(enum centre_role role)
{
	switch (role) {
	case CENTRE_OWNER: return 3;
	case CENTRE_OFFERED: return 2;
	case CENTRE_ESCALATED: return 1;
	case CENTRE_INFORMED: return 0;
	}
	return 0;
}

/* A place in the list. When it is full, the last who is only informed gives way to a centre that is
 * needed for more; NULL: there is none. */
static struct centre_part *free_part(struct incident *i, enum centre_role role)
{
	if (i->centres_count < INCIDENT_CENTRES_MAX)
		return &i->centres[i->centres_count++];
	for (unsigned n = i->centres_count - 1; n > 0 && role != CENTRE_INFORMED; n--)
		if (i->centres[n].role == CENTRE_INFORMED)
			return &i->centres[n];
	return NULL;
}

bool incident_add_centre(struct incident *i, struct centre_id centre, enum centre_role role)
{
	if (!centre_is_set(centre))
		return false;
	struct centre_part *part = incident_part(i, centre);
	if (part != NULL && role_strength(part->role) >= role_strength(role))
		return false;
	if (part == NULL)
		part = free_part(i, role);
	if (part == NULL)
		return false;
	part->centre = centre;
	part->role = role;
	i->changed |= GROUP_CENTRES;
	return true;
}

void incident_set_owner(struct incident *i, struct centre_id centre)
{
	struct centre_part *part = incident_part(i, centre);
	if (i->centres_count == 0) {
		i->centres[i->centres_count++] = (struct centre_part){ centre, CENTRE_OWNER };
	} else if (part == &i->centres[0]) {
		part->role = CENTRE_OWNER;
	} else {
		struct centre_part before = i->centres[0];
		before.role = CENTRE_INFORMED;
		if (part == NULL)
			part = free_part(i, CENTRE_OWNER);
		if (part != NULL)
			*part = before;
		i->centres[0] = (struct centre_part){ centre, CENTRE_OWNER };
	}
	i->changed |= GROUP_CENTRES;
}

void incident_drop_offer(struct incident *i)
{
	struct centre_part *part = incident_part(i, i->offered_to);
	if (part != NULL && part->role == CENTRE_OFFERED) {
		/* While nobody has it in hand and others than the owner were asked, so it stays. */
		bool is_asked = i->state == INCIDENT_OPEN && i->level >= 2;
		part->role = is_asked ? CENTRE_ESCALATED : CENTRE_INFORMED;
		i->changed |= GROUP_CENTRES;
	}
	i->offered_to = (struct centre_id){ "" };
	i->offered_by[0] = '\0';
	i->offer_due = (struct mono){ 0 };
	i->changed |= GROUP_STATUS | GROUP_DEADLINE;
}

bool incident_concerns(const struct incident *i, struct centre_id centre)
{
	for (unsigned n = 0; n < i->centres_count; n++)
		if (centre_equal(i->centres[n].centre, centre))
			return true;
	return false;
}

bool incident_relate(struct incident *i, struct incident_id other)
{
	for (unsigned n = 0; n < i->related_count; n++)
		if (id_equal(i->related[n].v, other.v))
			return false;
	if (i->related_count == INCIDENT_RELATED_MAX)
		return false;
	i->related[i->related_count++] = other;
	i->changed |= GROUP_RELATED;
	return true;
}

const char *incident_state_name(enum incident_state state)
{
	static const char *const names[] = { "open", "taken", "engaged", "closed" };
	return state < INCIDENT_STATES ? names[state] : "unknown";
}

const char *centre_role_name(enum centre_role role)
{
	static const char *const names[] = { "owner", "informed", "offered", "escalated" };
	return role <= CENTRE_ESCALATED ? names[role] : "unknown";
}

const char *place_precision_name(enum place_precision precision)
{
	static const char *const names[] = { "unknown", "commune", "address", "exact" };
	return precision <= PLACE_EXACT ? names[precision] : "unknown";
}

const char *place_origin_name(enum place_origin origin)
{
	static const char *const names[] = { "", "registered-site", "device-site", "stated",
		                             "live" };
	return origin <= PLACE_LIVE ? names[origin] : "";
}

const char *incident_contact_name(unsigned contact)
{
	static const char *const names[] = { "none", "presented", "answered", "ended",
		                             "abandoned" };
	return contact < sizeof names / sizeof *names ? names[contact] : "none";
}
