#include "decide/locate.h"

#include <math.h>

#include "tests/unit/decide_rig.h"

static void distances_are_those_of_the_map(void **state)
{
	static const struct {
		double lat_a, lon_a, lat_b, lon_b, metres;
	} rows[] = {
		{ 48.54, 2.66, 48.54, 2.66, 0 },
		{ 48.0, 2.0, 49.0, 2.0, 111195 },    /* a degree of latitude */
		{ 48.54, 2.66, 48.54, 2.67, 736.3 }, /* a hundredth of longitude at Melun */
		{ 48.8566, 2.3522, 45.7640, 4.8357, 391499 }, /* Paris, Lyon */
		{ 0, 179.5, 0, -179.5, 111195 },              /* over the date line */
		{ 90, 0, -90, 0, 20015114 },
	};
	(void)state;
	for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
		double d = locate_distance_m(rows[n].lat_a, rows[n].lon_a, rows[n].lat_b,
		                             rows[n].lon_b);
		if (fabs(d - rows[n].metres) > 0.001 * rows[n].metres + 0.01)
			fail_msg("row %zu: %f m", n, d);
	}
}

static void a_live_position_has_the_other_sites_as_candidates(void **state)
{
	struct rig *r = *state;
	struct finding *f = rig_finding(r, "bracelet-martin", ALERT_PANIC);
	f->people_count = 1;
	f->people[0].id = department_person("Anne Martin");
	r->alert.has_fix = true;
	r->alert.fix = (struct fix){ .lat = 48.5, .lon = 2.7, .accuracy_m = 12 };
	TEXT_COPY(r->alert.address, "4 rue Haute, 2e étage");
	locate(&r->world, f);
	assert_int_equal(f->place.origin, PLACE_LIVE);
	assert_int_equal(f->place.precision, PLACE_EXACT);
	assert_int_equal(f->place.fix.fixed_at.us, rig_wall(0).us); /* without a time: just now */
	assert_int_equal(f->place.candidates_count, 2);
	assert_string_equal(f->place.label, "4 rue Haute, 2e étage");
	assert_false(rig_because(f, REASON_WHERE_ACCURACY_ASSUMED));
}

static void a_registered_site_is_a_hypothesis(void **state)
{
	struct rig *r = *state;
	struct finding *f = rig_finding(r, "bracelet-martin", ALERT_PANIC);
	f->people_count = 1;
	f->people[0].id = department_person("Anne Martin");
	locate(&r->world, f);
	assert_int_equal(f->place.origin, PLACE_FROM_REGISTERED_SITE);
	assert_string_equal(f->place.label, "Cabinet des Tilleuls, 12 rue des Tilleuls");
	assert_string_equal(f->place.commune.text, "77288");
	assert_string_equal(f->place.commune_name, "Melun");
	assert_int_equal(f->place.candidates_count, 1); /* the other one */
	assert_true(rig_because(f, REASON_WHERE_REGISTERED_SITE));
}

/* Of whom it is spoken first is shown first; who is not registered has no site. */
static void a_locum_on_a_shared_line_may_be_where_the_others_are(void **state)
{
	struct rig *r = *state;
	struct finding *f = rig_finding(r, "sos", ALERT_RELAY);
	f->people_count = 2;
	TEXT_COPY(f->people[0].name, "Karim Locum");
	f->people[1].id = department_person("Paul Durand");
	locate(&r->world, f);
	assert_int_equal(f->place.origin, PLACE_FROM_REGISTERED_SITE);
	assert_string_equal(f->place.commune.text, "77288");
}

static void long_labels_end_on_a_whole_character(void **state)
{
	struct rig *r = *state;
	char label[160] = "", address[300] = "";
	while (strlen(label) < 120)
		text_add(label, sizeof label, "é");
	while (strlen(address) < 280)
		text_add(address, sizeof address, "ç");
	for (unsigned shift = 0; shift < 2; shift++) {
		struct site s = { .label = label + 2 * shift, .address = address, .access = "" };
		char odd[170] = "x";
		if (shift == 1) {
			text_add(odd, sizeof odd, "%s", label);
			s.label = odd;
		}
		s.id.v = rig_id(r);
		s.commune = commune_code("77288");
		assert_true(registry_put_site(r->registry, &s));
		struct finding *f = rig_finding(r, "button-tilleuls", ALERT_PANIC);
		f->source.site = s.id;
		locate(&r->world, f);
		assert_int_equal(f->place.origin, PLACE_FROM_DEVICE_SITE);
		assert_true(text_is_clean_utf8(f->place.label, strlen(f->place.label)));
		assert_non_null(strstr(f->place.label, ", ç")); /* the address has its share */
	}
}

static void what_a_source_said_before_counts_if_it_has_one_user(void **state)
{
	static const struct {
		const char *source;
		bool counts;
	} rows[] = { { "bracelet-libre", true },
		     { "panel-tilleuls", true },
		     { "sos", false },
		     { "platform", false },
		     { "exchange-cic", false } };
	static const struct fix fix = { .lat = 48.5, .lon = 2.7, .accuracy_m = 12 };
	struct rig *r = *state;
	for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
		struct source_id source = department_source(rows[n].source);
		assert_true(world_remember_fix(&r->world, source, &fix, rig_wall(-60000)));
		struct finding *f = rig_finding(r, rows[n].source, ALERT_PANIC);
		f->source.site = (struct site_id){ { { 0 } } };
		locate(&r->world, f);
		assert_int_equal(f->place.origin == PLACE_LIVE, rows[n].counts);
	}
}

static void ten_minutes_is_live_and_not_a_second_more(void **state)
{
	struct rig *r = *state;
	for (int64_t s = 599; s <= 601; s++) {
		struct finding *f = rig_finding(r, "bracelet-petit", ALERT_PANIC);
		f->people_count = 1;
		f->people[0].id = department_person("Lise Petit");
		r->alert.has_fix = true;
		r->alert.fix =
		        (struct fix){ .lat = 48.5, .lon = 2.7, .fixed_at = rig_wall(-1000 * s) };
		locate(&r->world, f);
		assert_int_equal(f->place.origin,
		                 s <= 600 ? PLACE_LIVE : PLACE_FROM_REGISTERED_SITE);
		assert_int_equal(rig_because(f, REASON_WHERE_LIVE_OLD), s > 600);
		if (s <= 600)
			assert_true(f->place.fix.accuracy_m == PLACE_ACCURACY_UNKNOWN_M);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(distances_are_those_of_the_map),
		RIG_TEST(a_live_position_has_the_other_sites_as_candidates),
		RIG_TEST(a_registered_site_is_a_hypothesis),
		RIG_TEST(a_locum_on_a_shared_line_may_be_where_the_others_are),
		RIG_TEST(long_labels_end_on_a_whole_character),
		RIG_TEST(what_a_source_said_before_counts_if_it_has_one_user),
		RIG_TEST(ten_minutes_is_live_and_not_a_second_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
