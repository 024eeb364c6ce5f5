#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "keep/gather.h"
#include "tests/unit/row_rig.h"

static bool add_person(struct gather *g, uint32_t n)
{
	struct id id = rig_id(1, n);
	struct rig_row row;

	rig_begin(&row, 7);
	rig_bytes(&row, id.b, ID_BYTES);
	rig_text(&row, "77");
	rig_text(&row, "Dr Camille Exemple");
	rig_text(&row, "médecin");
	rig_text(&row, "");
	rig_text(&row, "");
	rig_u64(&row, 10000000000 + n);
	return gather_person(g, row.bytes, row.length);
}

static bool add_number(struct gather *g, uint32_t person, bool shared, const char *number)
{
	struct id id = rig_id(1, person);
	struct rig_row row;

	rig_begin(&row, 3);
	rig_bytes(&row, id.b, ID_BYTES);
	rig_bool(&row, shared);
	rig_text(&row, number);
	return gather_number(g, row.bytes, row.length);
}

static bool add_site(struct gather *g, uint32_t person, uint32_t site)
{
	struct id id = rig_id(1, person), place = rig_id(2, site);
	struct rig_row row;

	rig_begin(&row, 2);
	rig_bytes(&row, id.b, ID_BYTES);
	rig_bytes(&row, place.b, ID_BYTES);
	return gather_site(g, row.bytes, row.length);
}

static bool add_consent(struct gather *g, uint32_t person, const char *centre)
{
	struct id id = rig_id(1, person);
	struct rig_row row;

	rig_begin(&row, 2);
	rig_bytes(&row, id.b, ID_BYTES);
	rig_text(&row, centre);
	return gather_consent(g, row.bytes, row.length);
}

static bool into_registry(void *context, enum row_kind kind, const uint8_t *bytes, size_t length)
{
	return row_to_registry(context, kind, bytes, length) == ROW_TAKEN;
}

static void test_each_person_gets_her_own(void **state)
{
	struct registry *r = registry_new(0);
	struct practitioner p;
	struct gather g;

	(void)state;
	gather_init(&g);
	for (uint32_t n = 1; n <= 4; n++)
		assert_true(add_person(&g, n));
	/* Person 2 has two of each, 3 has nothing, 4 has one number. */
	assert_true(add_number(&g, 1, false, "+33199000001"));
	assert_true(add_number(&g, 2, true, "+33465710000"));
	assert_true(add_number(&g, 2, false, "+33639980002"));
	assert_true(add_number(&g, 4, false, "+33639980004"));
	assert_true(add_site(&g, 1, 10));
	assert_true(add_site(&g, 2, 20));
	assert_true(add_site(&g, 2, 10));
	assert_true(add_consent(&g, 1, "cic-77"));
	assert_true(add_consent(&g, 2, "cic-77"));
	assert_true(add_consent(&g, 2, "corg-77"));
	assert_int_equal(g.people_count, 4);
	assert_true(id_equal(g.last, rig_id(1, 4)));
	assert_true(gather_each(&g, into_registry, r));

	assert_true(registry_practitioner(r, rig_person(1), &p));
	assert_int_equal(p.numbers_count, 1);
	assert_true(p.numbers[0].number.digits == 33199000001 && !p.numbers[0].shared);
	assert_true(id_equal(p.sites[0].v, rig_id(2, 10)));
	assert_int_equal(p.consents_count, 1);
	assert_true(registry_practitioner(r, rig_person(2), &p));
	assert_int_equal(p.numbers_count, 2);
	assert_true(p.numbers[0].number.digits == 33465710000 && p.numbers[0].shared);
	assert_true(p.numbers[1].number.digits == 33639980002 && !p.numbers[1].shared);
	assert_int_equal(p.sites_count, 2);
	assert_true(id_equal(p.sites[0].v, rig_id(2, 20)) && id_equal(p.sites[1].v, rig_id(2, 10)));
	assert_int_equal(p.consents_count, 2);
	assert_true(registry_practitioner(r, rig_person(3), &p));
	assert_int_equal(p.numbers_count + p.sites_count + p.consents_count, 0);
	assert_true(p.rpps == 10000000003);
	assert_true(registry_practitioner(r, rig_person(4), &p));
	assert_int_equal(p.numbers_count, 1);
	gather_done(&g);
	registry_free(r);
}

static void test_the_gone_are_gone(void **state)
{
	struct registry *r = registry_new(0);
	struct rig_row row;
	struct gather g;

	(void)state;
	gather_init(&g);
	rig_gone(&row, 7, rig_id(1, 1));
	assert_true(gather_person(&g, row.bytes, row.length));
	rig_practitioner(&row, 1, "Dr");
	assert_int_equal(row_to_registry(r, ROW_PRACTITIONER, row.bytes, row.length), ROW_TAKEN);
	assert_false(gather_each(&g, into_registry, r)); /* ROW_GONE, not ROW_TAKEN */
	assert_int_equal(registry_size(r).practitioners, 0);
	gather_done(&g);
	registry_free(r);
}

static void test_again_and_again(void **state)
{
	enum { PORTIONS = 5, PEOPLE = 3000 };
	struct registry *r = registry_new(0);
	struct gather g;
	char number[24];

	(void)state;
	gather_init(&g);
	for (uint32_t portion = 0; portion < PORTIONS; portion++) {
		gather_clear(&g);
		for (uint32_t i = 0; i < PEOPLE; i++) {
			uint32_t n = portion * PEOPLE + i;
			assert_true(add_person(&g, n));
			snprintf(number, sizeof number, "+33199%06u", n);
			assert_true(add_number(&g, n, false, number));
			assert_true(add_site(&g, n, n / 4));
			assert_true(add_consent(&g, n, "cic-77"));
		}
		assert_true(gather_each(&g, into_registry, r));
	}
	assert_int_equal(registry_size(r).practitioners, PORTIONS * PEOPLE);
	assert_int_equal(registry_size(r).numbers, PORTIONS * PEOPLE);
	gather_done(&g);
	registry_free(r);
}

static void test_rows_that_are_none(void **state)
{
	struct gather g;
	struct rig_row row;

	(void)state;
	gather_init(&g);
	rig_gone(&row, 6, rig_id(1, 1));
	assert_false(gather_person(&g, row.bytes, row.length));
	assert_false(gather_number(&g, row.bytes, row.length));
	assert_false(gather_site(&g, row.bytes, row.length));
	assert_false(gather_consent(&g, row.bytes, row.length));
	assert_false(add_number(&g, 1, false, "33199000001"));
	assert_false(add_number(&g, 1, false, "+"));
	assert_false(add_number(&g, 1, false, "+3319900000x"));
	assert_false(add_number(&g, 1, false, "+1234567890123456"));
	assert_false(add_consent(&g, 1, "a-centre-with-a-name-that-is-too-long"));
	assert_true(gather_each(&g, into_registry, NULL)); /* nobody */
	gather_done(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_person_gets_her_own),
		cmocka_unit_test(test_the_gone_are_gone),
		cmocka_unit_test(test_again_and_again),
		cmocka_unit_test(test_rows_that_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
