#include "decide/route.h"

#include "tests/unit/decide_rig.h"

static bool is_informed(const struct finding *f, const char *centre)
{
	for (unsigned n = 0; n < f->informed_count; n++)
		if (strcmp(f->informed[n].text, centre) == 0)
			return true;
	return false;
}

static struct finding *at_point(struct rig *r, double lat, double lon, double accuracy_m)
{
	struct finding *f = rig_finding(r, "bracelet-libre", ALERT_PANIC);
	f->priority = 1;
	f->place.origin = PLACE_LIVE;
	f->place.has_point = true;
	f->place.fix = (struct fix){ .lat = lat, .lon = lon, .accuracy_m = accuracy_m };
	route(&r->world, f);
	return f;
}

static void a_point_has_its_commune_and_centre(void **state)
{
	struct rig *r = *state;
	struct finding *f = at_point(r, 48.5, 3.0, 10);
	assert_string_equal(f->owner.text, "corg-77");
	assert_true(f->is_competent);
	assert_string_equal(f->place.commune.text, "77379");
	assert_string_equal(f->place.commune_name, "Provins");
	assert_string_equal(f->department.text, "77");
	assert_int_equal(f->informed_count, 0);
}

static void the_department_is_the_owner_s(void **state)
{
	struct rig *r = *state;
	struct finding *f = at_point(r, 48.5, 2.5, 10); /* a source of 77 in 91 */
	assert_string_equal(f->owner.text, "cic-91");
	assert_string_equal(f->department.text, "91");
}

static void outside_names_the_neighbour(void **state)
{
	struct rig *r = *state;
	struct finding *f = at_point(r, 49.0, 2.7, 10);
	assert_string_equal(f->owner.text, "cic-77");
	assert_false(f->is_competent);
	for (unsigned n = 0; n < f->reasons.count; n++)
		if (f->reasons.list[n].code == REASON_ROUTE_STAND_IN_OUTSIDE)
			assert_non_null(strstr(f->reasons.list[n].detail, "Melun, 44."));
	assert_true(rig_because(f, REASON_ROUTE_STAND_IN_OUTSIDE));
	assert_false(rig_because(f, REASON_ROUTE_STAND_IN_NO_PLACE));
}

/* A commune that somebody registered is certain; a point beside it says who else may be. */
static void a_site_whose_point_lies_elsewhere(void **state)
{
	struct rig *r = *state;
	struct finding *f = rig_finding(r, "bracelet-libre", ALERT_PANIC);
	f->priority = 1;
	f->place.origin = PLACE_FROM_REGISTERED_SITE;
	f->place.commune = commune_code("77288");
	f->place.has_point = true;
	f->place.fix = (struct fix){ .lat = 48.5, .lon = 3.0 };
	route(&r->world, f);
	assert_string_equal(f->owner.text, "cic-77");
	assert_true(is_informed(f, "corg-77"));
}

static void a_call_belongs_where_it_rings(void **state)
{
	static const struct {
		const char *rings_at, *owner, *informed;
	} rows[] = { { "cic-77", "cic-77", "corg-77" },
		     { "corg-77", "corg-77", NULL },
		     { "cic-91", "cic-91", "corg-77" },
		     { "cic-75", "cic-77", "corg-77" } /* unknown: the exchange's own */ };
	struct rig *r = *state;
	for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
		struct call c = { .presented_to = centre_id(rows[n].rings_at) };
		c.alert.source = department_source("exchange-cic");
		struct finding *f = rig_finding(r, "exchange-cic", ALERT_CALL);
		f->call = &c;
		f->priority = 2;
		f->place.origin = PLACE_FROM_REGISTERED_SITE;
		f->place.commune = commune_code("77379");
		route(&r->world, f);
		assert_string_equal(f->owner.text, rows[n].owner);
		assert_int_equal(f->informed_count, rows[n].informed != NULL);
		if (rows[n].informed != NULL)
			assert_true(is_informed(f, rows[n].informed));
	}
}

static void no_place_goes_to_the_stand_in(void **state)
{
	struct rig *r = *state;
	struct finding *f = rig_finding(r, "bracelet-libre", ALERT_PANIC);
	f->priority = 1;
	route(&r->world, f);
	assert_string_equal(f->owner.text, "cic-77");
	assert_false(f->is_competent);
	assert_true(rig_because(f, REASON_ROUTE_STAND_IN_NO_PLACE));
	f = rig_finding(r, "panel-parc", ALERT_PANIC);
	f->priority = 1;
	route(&r->world, f);
	assert_string_equal(f->owner.text, "cic-91");
}

static void a_commune_without_a_centre_goes_to_the_stand_in(void **state)
{
	struct rig *r = *state;
	struct territory *t = territory_new();
	char why[200];
	assert_true(territory_put_department(t, &(struct department){ department_code("77"), "S",
	                                                              centre_id("cic-77"),
	                                                              centre_id("ops-77") }));
	assert_true(territory_put_centre(t, &(struct centre){ centre_id("cic-77"),
	                                                      department_code("77"), CENTRE_POLICE,
	                                                      "CIC 77", centre_id("") }));
	assert_true(territory_put_centre(
	        t, &(struct centre){ centre_id("ops-77"), department_code("77"), CENTRE_OPERATIONS,
	                             "Ops", centre_id("") }));
	assert_true(territory_put_commune(
	        t, &(struct commune){ commune_code("77999"), department_code("77"), "Nulle-Part",
	                              "", centre_id(""), 48.5, 2.7, "", "" }));
	assert_true(territory_close(t, why, sizeof why));
	r->world.territory = t;
	struct finding *f = rig_finding(r, "bracelet-libre", ALERT_PANIC);
	f->priority = 1;
	f->place.origin = PLACE_STATED;
	f->place.commune = commune_code("77999");
	TEXT_COPY(f->place.commune_name, "Nulle-Part");
	route(&r->world, f);
	assert_string_equal(f->owner.text, "cic-77");
	assert_false(f->is_competent);
	assert_true(rig_because(f, REASON_ROUTE_STAND_IN_NO_CENTRE));
	r->world.territory = r->territory;
	territory_free(t);
}

static void technical_goes_to_operations_alone(void **state)
{
	struct rig *r = *state;
	struct finding *f = rig_finding(r, "panel-parc", ALERT_BATTERY);
	f->priority = 4;
	f->place.origin = PLACE_FROM_DEVICE_SITE;
	f->place.has_point = true;
	f->place.fix = (struct fix){ .lat = 48.5, .lon = 2.6, .accuracy_m = 5000 };
	route(&r->world, f);
	assert_string_equal(f->owner.text, "ops-91");
	assert_int_equal(f->informed_count, 0);
}

/* A source that is of no department any more: every stand-in, rather than nobody. */
static void a_source_of_nowhere_reaches_every_stand_in(void **state)
{
	struct rig *r = *state;
	struct finding *f = rig_finding(r, "bracelet-libre", ALERT_PANIC);
	f->source.department = department_code("");
	f->priority = 1;
	route(&r->world, f);
	assert_true(centre_is_set(f->owner));
	assert_int_equal(f->informed_count, 1);
	assert_string_not_equal(f->owner.text, f->informed[0].text);
	for (unsigned n = 0; n < 2; n++) {
		const char *one = n == 0 ? f->owner.text : f->informed[0].text;
		assert_true(strcmp(one, "cic-77") == 0 || strcmp(one, "cic-91") == 0);
	}
	f = rig_finding(r, "bracelet-libre", ALERT_PANIC);
	f->priority = 1;
	r->world.territory = NULL; /* before the first load there is nobody to ask */
	route(&r->world, f);
	assert_false(centre_is_set(f->owner));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(a_point_has_its_commune_and_centre),
		RIG_TEST(the_department_is_the_owner_s),
		RIG_TEST(outside_names_the_neighbour),
		RIG_TEST(a_site_whose_point_lies_elsewhere),
		RIG_TEST(a_call_belongs_where_it_rings),
		RIG_TEST(no_place_goes_to_the_stand_in),
		RIG_TEST(a_commune_without_a_centre_goes_to_the_stand_in),
		RIG_TEST(technical_goes_to_operations_alone),
		RIG_TEST(a_source_of_nowhere_reaches_every_stand_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
