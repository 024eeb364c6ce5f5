#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/console.pb-c.h"
#include "push/view.h"
#include "support/text.h"
#include "tests/fixture/department.h"

static struct incident *example(void)
{
	struct incident *i = calloc(1, sizeof *i);
	i->id.v.b[0] = 7;
	i->revision = 3;
	i->position = (struct position){ 1, 2, 42 };
	i->department = department_code("77");
	i->priority = 1;
	i->kind = ALERT_PANIC;
	i->state = INCIDENT_TAKEN;
	i->level = 2;
	TEXT_COPY(i->taken_by, "Dupont");
	i->people_count = 1;
	TEXT_COPY(i->people[0].name, "Anne Martin");
	i->people[0].number.digits = 33639980001;
	i->place.origin = PLACE_LIVE;
	i->place.precision = PLACE_EXACT;
	i->place.has_point = true;
	i->place.fix.lat = 48.54;
	i->place.fix.lon = 2.66;
	i->place.commune = commune_code("77288");
	incident_set_owner(i, centre_id("cic-77"));
	incident_add_centre(i, centre_id("corg-77"), CENTRE_INFORMED);
	reasons_add(&i->reasons, REASON_WHERE_LIVE, "");
	for (unsigned n = 0; n < 40; n++)
		incident_count_alert(i, &(struct alert_summary){ .kind = ALERT_PANIC,
		                                                 .received_at = { n + 1 } });
	return i;
}

static Tocsin__V1__DeskMessage *unpack(const struct view *v)
{
	Tocsin__V1__DeskMessage *m = tocsin__v1__desk_message__unpack(NULL, v->length, v->bytes);
	assert_non_null(m);
	assert_int_equal(m->body_case, TOCSIN__V1__DESK_MESSAGE__BODY_INCIDENT);
	return m;
}

static void it_says_what_the_incident_is(void **state)
{
	(void)state;
	struct incident *i = example();
	struct territory *t = department_territory();
	struct view *v = view_new(i, false, (struct mono){ 1 }, NULL, t);
	Tocsin__V1__DeskMessage *m = unpack(v);
	const Tocsin__V1__Incident *p = m->incident;
	assert_int_equal(p->revision, 3);
	assert_string_equal(p->position, "1:2:42");
	assert_string_equal(p->department, "77");
	assert_int_equal(p->priority, 1);
	assert_int_equal(p->state, TOCSIN__V1__STATE__STATE_TAKEN);
	assert_string_equal(p->taken_by, "Dupont");
	assert_int_equal(p->n_practitioners, 1);
	assert_string_equal(p->practitioners[0]->name, "Anne Martin");
	assert_string_equal(p->practitioners[0]->number, "+33639980001");
	assert_string_equal(p->practitioners[0]->id, ""); /* stated, not registered */
	assert_string_equal(p->place->origin, "live");
	assert_true(p->place->has_point && p->place->lat == 48.54);
	assert_int_equal(p->n_centres, 2);
	assert_string_equal(p->centres[0]->role, "owner");
	assert_string_equal(p->centres[1]->role, "informed");
	assert_int_equal(p->n_reasons, 1);
	assert_string_equal(p->adviser->name, "Cne Référente");
	/* The first and the last eight, and how many there were. */
	assert_int_equal(p->alerts_total, 40);
	assert_int_equal(p->n_alerts, 16);
	assert_int_equal(p->alerts[7]->received_at, 8);
	assert_int_equal(p->alerts[8]->received_at, 33);
	assert_int_equal(p->alerts[15]->received_at, 40);
	tocsin__v1__desk_message__free_unpacked(m, NULL);
	view_unref(v);
	territory_free(t);
	free(i);
}

/* The mark stands outside of what was packed, and can be set at any time. */
static void recorded_is_a_mark(void **state)
{
	(void)state;
	struct incident *i = example();
	struct view *v = view_new(i, false, (struct mono){ 1 }, NULL, NULL);
	for (int recorded = 0; recorded < 2; recorded++) {
		view_set_recorded(v, recorded);
		Tocsin__V1__DeskMessage *m = unpack(v);
		assert_int_equal(m->incident->recorded, recorded);
		assert_string_equal(m->incident->taken_by, "Dupont");
		tocsin__v1__desk_message__free_unpacked(m, NULL);
	}
	view_unref(v);
	free(i);
}

static void it_concerns_those_with_a_part(void **state)
{
	(void)state;
	struct incident *i = example();
	struct view *v = view_new(i, false, (struct mono){ 1 }, NULL, NULL);
	assert_true(view_concerns(v, centre_id("cic-77")));
	assert_true(view_concerns(v, centre_id("corg-77")));
	assert_false(view_concerns(v, centre_id("ops-77")));
	view_unref(view_ref(v));
	view_unref(v);
	view_unref(NULL);
	free(i);
}

/* Every list full: the largest there can be. */
static void the_largest_fits(void **state)
{
	(void)state;
	struct incident *i = example();
	char detail[32];
	i->people_count = INCIDENT_PEOPLE_MAX;
	for (unsigned n = 0; n < INCIDENT_PEOPLE_MAX; n++) {
		memset(i->people[n].name, 'n', sizeof i->people[n].name - 1);
		memset(i->people[n].exposed, 'e', sizeof i->people[n].exposed - 1);
	}
	for (unsigned n = 0; n < REASONS_MAX; n++) {
		detail[0] = '\0';
		text_add(detail, sizeof detail, "%u", n);
		reasons_add(&i->reasons, REASON_ROUTE_ZONE, detail);
	}
	memset(i->note, 'x', sizeof i->note - 1);
	for (unsigned n = 0; n < INCIDENT_RELATED_MAX; n++)
		incident_relate(i, (struct incident_id){ { { (uint8_t)(n + 1) } } });
	struct view *v = view_new(i, false, (struct mono){ 1 }, NULL, NULL);
	Tocsin__V1__DeskMessage *m = unpack(v);
	assert_int_equal(m->incident->n_practitioners, INCIDENT_PEOPLE_MAX);
	assert_int_equal(m->incident->n_reasons, REASONS_MAX);
	assert_int_equal(m->incident->n_related, INCIDENT_RELATED_MAX);
	tocsin__v1__desk_message__free_unpacked(m, NULL);
	view_unref(v);
	free(i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_what_the_incident_is),
		cmocka_unit_test(recorded_is_a_mark),
		cmocka_unit_test(it_concerns_those_with_a_part),
		cmocka_unit_test(the_largest_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
