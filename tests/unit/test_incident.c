#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decide/incident.h"
#include "decide/territory.h"

/* The table of transitions, written a second time as a list of what is allowed; all else must be
 * refused. */
static void transitions_are_complete(void **state)
{
	(void)state;
	static const struct {
		enum incident_state from;
		enum incident_cause cause;
		enum incident_state to;
	} allowed[] = {
		{ INCIDENT_OPEN, INCIDENT_TAKE, INCIDENT_TAKEN },
		{ INCIDENT_OPEN, INCIDENT_ACCEPTED, INCIDENT_TAKEN },
		{ INCIDENT_TAKEN, INCIDENT_ENGAGE, INCIDENT_ENGAGED },
		{ INCIDENT_TAKEN, INCIDENT_RELEASE, INCIDENT_OPEN },
		{ INCIDENT_TAKEN, INCIDENT_CLOSE, INCIDENT_CLOSED },
		{ INCIDENT_TAKEN, INCIDENT_NOT_ENGAGED, INCIDENT_OPEN },
		{ INCIDENT_TAKEN, INCIDENT_TAKER_LOST, INCIDENT_OPEN },
		{ INCIDENT_TAKEN, INCIDENT_ACCEPTED, INCIDENT_TAKEN },
		{ INCIDENT_ENGAGED, INCIDENT_CLOSE, INCIDENT_CLOSED },
		{ INCIDENT_ENGAGED, INCIDENT_ACCEPTED, INCIDENT_ENGAGED },
	};
	for (unsigned from = 0; from < INCIDENT_STATES; from++) {
		for (unsigned cause = 0; cause < INCIDENT_CAUSES; cause++) {
			enum incident_state expected = INCIDENT_STATES;
			for (size_t n = 0; n < sizeof allowed / sizeof *allowed; n++)
				if (allowed[n].from == from && allowed[n].cause == cause)
					expected = allowed[n].to;
			assert_int_equal(incident_next(from, cause), expected);
		}
	}
}

/* From every state but closed some cause leads on: an incident is never stuck. */
static void no_state_is_a_trap(void **state)
{
	(void)state;
	for (unsigned from = 0; from < INCIDENT_CLOSED; from++) {
		bool leads_on = false;
		for (unsigned cause = 0; cause < INCIDENT_CAUSES; cause++) {
			enum incident_state to = incident_next(from, cause);
			leads_on |= to != INCIDENT_STATES && to != from;
		}
		assert_true(leads_on);
	}
}

static struct alert_summary summary(unsigned number)
{
	struct alert_summary a = { .kind = ALERT_PANIC };
	a.id.v.b[0] = 1;
	a.id.v.b[14] = (uint8_t)(number >> 8);
	a.id.v.b[15] = (uint8_t)number;
	return a;
}

static void first_and_last_eight_are_kept(void **state)
{
	(void)state;
	for (unsigned total = 0; total < 200; total++) {
		struct incident *i = calloc(1, sizeof *i);
		const struct alert_summary *kept[2 * INCIDENT_ALERTS_KEPT];
		for (unsigned n = 0; n < total; n++) {
			struct alert_summary a = summary(n);
			incident_count_alert(i, &a);
		}
		unsigned count = incident_alerts(i, kept);
		assert_int_equal(i->alerts_total, total);
		assert_int_equal(count, total < 16 ? total : 16);
		for (unsigned n = 0; n < count; n++) {
			unsigned number = n < 8 || total <= 16 ? n : total - 16 + n;
			struct alert_summary expected = summary(number);
			assert_true(id_equal(kept[n]->id.v, expected.id.v));
		}
		free(i);
	}
}

/* A sequence that is always the same. */
static unsigned draw(uint64_t *seed, unsigned below)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(*seed >> 33) % below;
}

static void one_owner_whatever_happens(void **state)
{
	(void)state;
	const char *centres[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };
	struct incident *i = calloc(1, sizeof *i);
	uint64_t seed = 7;
	for (unsigned n = 0; n < 10000; n++) {
		struct centre_id centre = centre_id(centres[draw(&seed, 10)]);
		switch (draw(&seed, 3)) {
		case 0: incident_set_owner(i, centre); break;
		case 1:
			incident_add_centre(i, centre, (enum centre_role)(1 + draw(&seed, 3)));
			break;
		case 2:
			i->offered_to = centre;
			incident_drop_offer(i);
			break;
		}
		unsigned owners = 0;
		for (unsigned a = 0; a < i->centres_count; a++) {
			owners += i->centres[a].role == CENTRE_OWNER;
			for (unsigned b = a + 1; b < i->centres_count; b++)
				assert_false(
				        centre_equal(i->centres[a].centre, i->centres[b].centre));
		}
		assert_int_equal(owners,
		                 i->centres_count > 0 && i->centres[0].role == CENTRE_OWNER);
		assert_true(i->centres_count <= INCIDENT_CENTRES_MAX);
	}
	free(i);
}

static void an_offer_does_not_hide_the_owner(void **state)
{
	(void)state;
	struct incident *i = calloc(1, sizeof *i);
	incident_set_owner(i, centre_id("cic-77"));
	assert_false(incident_add_centre(i, centre_id("cic-77"), CENTRE_OFFERED));
	assert_true(incident_add_centre(i, centre_id("corg-77"), CENTRE_INFORMED));
	assert_true(incident_add_centre(i, centre_id("corg-77"), CENTRE_OFFERED));
	assert_false(incident_add_centre(i, centre_id("corg-77"), CENTRE_ESCALATED));
	i->offered_to = centre_id("corg-77");
	incident_drop_offer(i);
	assert_int_equal(i->centres[1].role, CENTRE_INFORMED);
	assert_false(incident_add_centre(i, centre_id(""), CENTRE_INFORMED));
	free(i);
}

static void related_once_and_bounded(void **state)
{
	(void)state;
	struct incident *i = calloc(1, sizeof *i);
	for (unsigned n = 0; n < INCIDENT_RELATED_MAX; n++) {
		struct incident_id other = { summary(n).id.v };
		assert_true(incident_relate(i, other));
		assert_false(incident_relate(i, other));
	}
	assert_false(incident_relate(i, (struct incident_id){ summary(999).id.v }));
	free(i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transitions_are_complete),
		cmocka_unit_test(no_state_is_a_trap),
		cmocka_unit_test(first_and_last_eight_are_kept),
		cmocka_unit_test(one_owner_whatever_happens),
		cmocka_unit_test(an_offer_does_not_hide_the_owner),
		cmocka_unit_test(related_once_and_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
