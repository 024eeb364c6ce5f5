#include "decide/subject.h"

#include "tests/unit/decide_rig.h"

#define NEAR_MAX 64

static struct incident *of_person(struct rig *r, const char *name, uint64_t number)
{
	struct incident *i = rig_incident(r);
	i->people[i->people_count].id = department_person(name);
	i->people[i->people_count++].number.digits = number;
	assert_true(subjects_put(r->world.subjects, i));
	return i;
}

static struct incident *at_site(struct rig *r, const char *label)
{
	struct incident *i = rig_incident(r);
	i->place.origin = PLACE_FROM_DEVICE_SITE;
	i->place.precision = PLACE_ADDRESS;
	i->place.commune = commune_code("77288");
	TEXT_COPY(i->place.label, label);
	assert_true(subjects_put(r->world.subjects, i));
	return i;
}

static bool is_among(struct incident *const *list, unsigned count, const struct incident *i)
{
	for (unsigned n = 0; n < count; n++)
		if (list[n] == i)
			return true;
	return false;
}

static void what_shares_something_is_found_once(void **state)
{
	struct rig *r = *state;
	struct incident *near[NEAR_MAX];
	struct incident *martin = of_person(r, "Anne Martin", 33199000010);
	struct incident *durand = of_person(r, "Paul Durand", 33199000010);
	struct incident *petit = of_person(r, "Lise Petit", 33639980003);
	struct finding *f = rig_finding(r, "bracelet-martin", ALERT_PANIC);
	f->people_count = 1;
	f->people[0].id = department_person("Anne Martin");
	f->people[0].number.digits = 33199000010;
	unsigned count = subjects_find(r->world.subjects, f, near, NEAR_MAX);
	assert_int_equal(count, 2);
	assert_ptr_equal(near[0], martin); /* the person before the number */
	assert_ptr_equal(near[1], durand);
	assert_false(is_among(near, count, petit));
	assert_int_equal(subjects_find(r->world.subjects, f, near, 1), 1);
}

static void a_source_counts_only_where_it_has_one_user(void **state)
{
	struct rig *r = *state;
	struct incident *near[NEAR_MAX];
	struct incident *i = rig_incident(r);
	i->source = department_source("bracelet-libre");
	assert_true(subjects_put(r->world.subjects, i));
	struct finding *f = rig_finding(r, "bracelet-libre", ALERT_PANIC);
	assert_int_equal(subjects_find(r->world.subjects, f, near, NEAR_MAX), 1);
	i->source = department_source("sos");
	assert_true(subjects_put(r->world.subjects, i));
	assert_int_equal(subjects_find(r->world.subjects, f, near, NEAR_MAX), 0);
	f = rig_finding(r, "sos", ALERT_RELAY);
	assert_int_equal(subjects_find(r->world.subjects, f, near, NEAR_MAX), 0);
}

/* A hospital with more open incidents than are looked at. */
static void a_crowded_site_does_not_hide_the_source(void **state)
{
	struct rig *r = *state;
	struct incident *near[NEAR_MAX];
	struct incident *own = at_site(r, "Hôpital");
	own->source = department_source("panel-tilleuls");
	assert_true(subjects_put(r->world.subjects, own));
	for (unsigned n = 0; n < 2 * NEAR_MAX; n++)
		at_site(r, "Hôpital");
	struct finding *f = rig_finding(r, "panel-tilleuls", ALERT_PANIC);
	f->place = own->place;
	unsigned count = subjects_find(r->world.subjects, f, near, NEAR_MAX);
	assert_int_equal(count, NEAR_MAX);
	assert_ptr_equal(near[0], own);
}

/* A live position, a commune or nothing at all is no site that people share. */
static void only_an_address_is_a_site(void **state)
{
	struct rig *r = *state;
	struct incident *near[NEAR_MAX];
	at_site(r, "Hôpital");
	struct finding *f = rig_finding(r, "panel-parc", ALERT_PANIC);
	f->place.precision = PLACE_ADDRESS;
	f->place.commune = commune_code("77288");
	TEXT_COPY(f->place.label, "Hôpital");
	f->place.origin = PLACE_STATED;
	assert_int_equal(subjects_find(r->world.subjects, f, near, NEAR_MAX), 1);
	f->place.commune = commune_code("77379"); /* the same address elsewhere */
	assert_int_equal(subjects_find(r->world.subjects, f, near, NEAR_MAX), 0);
	f->place.commune = commune_code("77288");
	f->place.origin = PLACE_LIVE;
	assert_int_equal(subjects_find(r->world.subjects, f, near, NEAR_MAX), 0);
	f->place.origin = PLACE_STATED;
	f->place.label[0] = '\0';
	assert_int_equal(subjects_find(r->world.subjects, f, near, NEAR_MAX), 0);
}

static void one_number_twice_in_one_incident_is_no_trouble(void **state)
{
	struct rig *r = *state;
	struct incident *near[NEAR_MAX];
	struct incident *i = rig_incident(r);
	for (unsigned n = 0; n < INCIDENT_PEOPLE_MAX; n++)
		i->people[n].number.digits = 33199000010;
	i->people_count = INCIDENT_PEOPLE_MAX;
	assert_true(subjects_put(r->world.subjects, i));
	struct finding *f = rig_finding(r, "sos", ALERT_RELAY);
	f->people_count = 1;
	f->people[0].number.digits = 33199000010;
	assert_int_equal(subjects_find(r->world.subjects, f, near, NEAR_MAX), 1);
	assert_true(subjects_put(r->world.subjects, i));
	assert_int_equal(subjects_find(r->world.subjects, f, near, NEAR_MAX), 1);
	subjects_remove(r->world.subjects, i);
	assert_int_equal(subjects_find(r->world.subjects, f, near, NEAR_MAX), 0);
	subjects_remove(r->world.subjects, i); /* fine when it is in no list */
}

static unsigned draw(uint64_t *seed, unsigned below)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(*seed >> 33) % below;
}

/* Against a look at all of them, over changes in any order. */
static void it_finds_what_a_look_at_all_finds(void **state)
{
	enum { INCIDENTS = 40, NUMBERS = 6 };
	struct rig *r = *state;
	struct incident *all[INCIDENTS], *near[NEAR_MAX];
	bool is_in[INCIDENTS] = { false };
	uint64_t seed = 5;
	for (unsigned n = 0; n < INCIDENTS; n++)
		all[n] = rig_incident(r);
	for (unsigned round = 0; round < 4000; round++) {
		unsigned n = draw(&seed, INCIDENTS);
		is_in[n] = draw(&seed, 3) != 0;
		all[n]->people_count = draw(&seed, 3);
		for (unsigned p = 0; p < all[n]->people_count; p++)
			all[n]->people[p].number.digits = draw(&seed, NUMBERS); /* 0: none */
		if (is_in[n])
			assert_true(subjects_put(r->world.subjects, all[n]));
		else
			subjects_remove(r->world.subjects, all[n]);
		struct finding *f = rig_finding(r, "sos", ALERT_RELAY);
		f->people_count = 1;
		f->people[0].number.digits = 1 + draw(&seed, NUMBERS - 1);
		unsigned count = subjects_find(r->world.subjects, f, near, NEAR_MAX), wanted = 0;
		for (unsigned m = 0; m < INCIDENTS; m++) {
			bool shares = false;
			for (unsigned p = 0; p < all[m]->people_count && is_in[m]; p++)
				shares |= all[m]->people[p].number.digits ==
				          f->people[0].number.digits;
			assert_int_equal(is_among(near, count, all[m]), shares);
			wanted += shares;
		}
		assert_int_equal(count, wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(what_shares_something_is_found_once),
		RIG_TEST(a_source_counts_only_where_it_has_one_user),
		RIG_TEST(a_crowded_site_does_not_hide_the_source),
		RIG_TEST(only_an_address_is_a_site),
		RIG_TEST(one_number_twice_in_one_incident_is_no_trouble),
		RIG_TEST(it_finds_what_a_look_at_all_finds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
