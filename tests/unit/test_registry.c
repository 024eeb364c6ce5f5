#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "decide/registry.h"
#include "decide/territory.h"

#if defined(__SANITIZE_ADDRESS__)
#define IS_MEASURED 0 /* a sanitizer's memory and time are not ours */
#define MANY        20000
#else
#define IS_MEASURED 1
#define MANY        1000000
#endif

static struct id id_of(uint8_t kind, uint32_t n)
{
	struct id id = { .b = { kind, 0, 0, 0, 0, 0, 0x70, 0, 0x80 } };

	memcpy(id.b + 12, &n, sizeof n);
	return id;
}

static struct practitioner_id person(uint32_t n)
{
	return (struct practitioner_id){ id_of(1, n) };
}
static struct site_id site(uint32_t n)
{
	return (struct site_id){ id_of(2, n) };
}

static struct centre_id centre(const char *text)
{
	return centre_id(text);
}

static struct practitioner doctor(uint32_t n)
{
	return (struct practitioner){
		.id = person(n),
		.department = { "77" },
		.name = "Dr Camille Exemple",
		.profession = "médecin",
		.specialty = "médecine générale",
		.exposed = "",
		.rpps = 10000000000u + n,
		.numbers_count = 1,
		.numbers = { { { 33199000000 + n }, false } },
		.sites_count = 1,
		.sites = { site(n) },
		.consents_count = 2,
		.consents = { centre("cic-77"), centre("corg-77") },
	};
}

static struct site surgery(uint32_t n)
{
	return (struct site){ .id = site(n),
		              .label = "Cabinet des Tilleuls",
		              .address = "12 rue des Tilleuls, Melun",
		              .access = "code 0000, premier étage",
		              .commune = { "77288" },
		              .has_point = true,
		              .lat = 48.5399,
		              .lon = 2.6608,
		              .precision = PLACE_ADDRESS };
}

static void test_a_person_comes_back_whole(void **state)
{
	struct registry *r = registry_new(0);
	struct practitioner in = doctor(1), out;

	(void)state;
	in.exposed = "agression en 2025";
	in.numbers_count = 3;
	in.numbers[1] = (struct practitioner_number){ { 33261910001 }, true };
	in.numbers[2] = (struct practitioner_number){ { 33639980001 }, false };
	in.sites_count = 2;
	in.sites[1] = site(7);
	assert_true(registry_put_practitioner(r, &in));
	assert_true(registry_practitioner(r, person(1), &out));
	assert_memory_equal(&out.id, &in.id, sizeof in.id);
	assert_string_equal(out.department.text, "77");
	assert_string_equal(out.name, in.name);
	assert_string_equal(out.profession, in.profession);
	assert_string_equal(out.specialty, in.specialty);
	assert_string_equal(out.exposed, in.exposed);
	assert_true(out.rpps == in.rpps);
	assert_int_equal(out.numbers_count, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(out.numbers[i].number.digits == in.numbers[i].number.digits);
		assert_int_equal(out.numbers[i].shared, in.numbers[i].shared);
	}
	assert_int_equal(out.sites_count, 2);
	assert_memory_equal(out.sites, in.sites, 2 * sizeof in.sites[0]);
	assert_int_equal(out.consents_count, 2);
	assert_memory_equal(out.consents, in.consents, 2 * sizeof in.consents[0]);
	assert_false(registry_practitioner(r, person(2), &out));
	registry_free(r);
	registry_free(NULL);
}

static void test_a_site_comes_back_whole(void **state)
{
	struct registry *r = registry_new(0);
	struct site in = surgery(1), pointless = surgery(2), out;

	(void)state;
	pointless.has_point = false;
	pointless.access = "";
	assert_true(registry_put_site(r, &in));
	assert_true(registry_put_site(r, &pointless));
	assert_true(registry_site(r, site(1), &out));
	assert_string_equal(out.label, in.label);
	assert_string_equal(out.address, in.address);
	assert_string_equal(out.access, in.access);
	assert_string_equal(out.commune.text, "77288");
	assert_true(out.has_point && out.lat == in.lat && out.lon == in.lon);
	assert_int_equal(out.precision, PLACE_ADDRESS);
	assert_true(registry_site(r, site(2), &out));
	assert_false(out.has_point);
	assert_string_equal(out.access, "");
	assert_false(registry_site(r, site(3), &out));
	assert_int_equal(registry_size(r).sites, 2);
	registry_free(r);
}

static void test_a_person_may_come_before_the_site(void **state)
{
	struct registry *r = registry_new(0);
	struct practitioner in = doctor(5), out;
	struct site s = surgery(5), found;

	(void)state;
	assert_true(registry_put_practitioner(r, &in));
	assert_false(registry_site(r, site(5), &found));
	assert_int_equal(registry_size(r).sites, 0);
	assert_true(registry_put_site(r, &s));
	assert_true(registry_site(r, site(5), &found));
	/* And one that goes and comes again is still the person's. */
	registry_remove_site(r, site(5));
	registry_remove_site(r, site(5));
	assert_false(registry_site(r, site(5), &found));
	assert_int_equal(registry_size(r).sites, 0);
	assert_true(registry_practitioner(r, person(5), &out));
	assert_memory_equal(&out.sites[0], &s.id, sizeof s.id);
	assert_true(registry_put_site(r, &s));
	assert_true(registry_site(r, out.sites[0], &found));
	registry_free(r);
}

static void test_a_shared_number_gives_everybody(void **state)
{
	struct registry *r = registry_new(0);
	struct practitioner_id found[8];
	struct practitioner p;

	(void)state;
	for (uint32_t n = 1; n <= 5; n++) {
		p = doctor(n);
		p.numbers[1] = (struct practitioner_number){ { 33465710000 }, true };
		p.numbers[2] = p.numbers[1]; /* twice on a form is once in the registry */
		p.numbers_count = 3;
		assert_true(registry_put_practitioner(r, &p));
	}
	assert_int_equal(registry_by_number(r, (struct e164){ 33199000003 }, found, 8), 1);
	assert_memory_equal(&found[0], &(struct practitioner_id[]){ person(3) }, sizeof found[0]);
	assert_int_equal(registry_by_number(r, (struct e164){ 33465710000 }, found, 8), 5);
	for (uint32_t n = 1; n <= 5; n++) {
		bool is_there = false;
		for (unsigned i = 0; i < 5; i++)
			is_there |= id_equal(found[i].v, person(n).v);
		assert_true(is_there);
	}
	/* How many there are, whatever fits. */
	assert_int_equal(registry_by_number(r, (struct e164){ 33465710000 }, found, 2), 5);
	assert_int_equal(registry_by_number(r, (struct e164){ 33465710000 }, NULL, 0), 5);
	assert_int_equal(registry_by_number(r, (struct e164){ 33465719999 }, found, 8), 0);
	assert_int_equal(registry_by_number(r, (struct e164){ 0 }, found, 8), 0);
	assert_int_equal(registry_size(r).numbers, 10);
	registry_remove_practitioner(r, person(4));
	assert_int_equal(registry_by_number(r, (struct e164){ 33465710000 }, found, 8), 4);
	registry_free(r);
}

static void test_a_replaced_person_leaves_nothing_behind(void **state)
{
	struct registry *r = registry_new(0);
	struct practitioner before = doctor(1), after = doctor(1), out;
	struct practitioner_id found;

	(void)state;
	assert_true(registry_put_practitioner(r, &before));
	assert_true(registry_practitioner(r, person(1), &out));
	const char *old_name = out.name;
	after.name = "Dr Dominique Exemple";
	after.numbers[0].number.digits = 33536490001;
	after.rpps = 0;
	after.consents_count = 1;
	assert_true(registry_put_practitioner(r, &after));
	for (size_t i = 0; i <= strlen(before.name); i++)
		assert_int_equal(old_name[i], 0);
	assert_int_equal(registry_by_number(r, before.numbers[0].number, &found, 1), 0);
	assert_int_equal(registry_by_number(r, after.numbers[0].number, &found, 1), 1);
	assert_false(registry_by_rpps(r, before.rpps, &found));
	assert_true(registry_has_consent(r, person(1), centre("cic-77")));
	assert_false(registry_has_consent(r, person(1), centre("corg-77")));
	assert_int_equal(registry_size(r).practitioners, 1);
	assert_int_equal(registry_size(r).numbers, 1);
	registry_free(r);
}

static void test_a_withdrawal_overwrites(void **state)
{
	struct registry *r = registry_new(0);
	struct practitioner p = doctor(1), out;
	struct practitioner_id found;
	struct site s = surgery(1), where;

	(void)state;
	p.exposed = "menaces";
	assert_true(registry_put_practitioner(r, &p));
	assert_true(registry_put_site(r, &s));
	assert_true(registry_practitioner(r, person(1), &out));
	assert_true(registry_site(r, site(1), &where));
	/* The numbers stand right before the name, the exposed mark right after it. */
	const char *block = out.name - sizeof(uint64_t) - sizeof(uint32_t);
	size_t length = (size_t)(out.exposed + strlen(out.exposed) - block);
	const char *specialty = out.specialty, *address = where.address;
	registry_remove_practitioner(r, person(1));
	registry_remove_practitioner(r, person(1));
	registry_remove_site(r, site(1));
	for (size_t i = 0; i < length; i++)
		assert_int_equal(block[i], 0);
	assert_int_equal(*specialty, 0);
	assert_int_equal(*address, 0);
	assert_false(registry_practitioner(r, person(1), &out));
	assert_int_equal(registry_by_number(r, p.numbers[0].number, &found, 1), 0);
	assert_false(registry_by_rpps(r, p.rpps, &found));
	assert_false(registry_has_consent(r, person(1), centre("cic-77")));
	struct registry_size size = registry_size(r);
	assert_int_equal(size.practitioners + size.numbers + size.sites, 0);
	assert_int_equal(size.text_bytes, 0);
	assert_true(size.waste_bytes > length);
	registry_free(r);
}

static void test_rpps(void **state)
{
	struct registry *r = registry_new(0);
	struct practitioner p = doctor(1), none = doctor(2);
	struct practitioner_id found;

	(void)state;
	none.rpps = 0;
	assert_true(registry_put_practitioner(r, &p));
	assert_true(registry_put_practitioner(r, &none));
	assert_true(registry_by_rpps(r, p.rpps, &found));
	assert_memory_equal(&found, &p.id, sizeof found);
	assert_false(registry_by_rpps(r, 0, &found));
	assert_false(registry_by_rpps(r, 42, &found));
	registry_free(r);
}

static void test_consent_is_per_centre(void **state)
{
	struct registry *r = registry_new(0);
	struct practitioner p = doctor(1), nobody = doctor(2);

	(void)state;
	p.consents_count = 1;
	nobody.consents_count = 0;
	assert_true(registry_put_practitioner(r, &p));
	assert_true(registry_put_practitioner(r, &nobody));
	assert_true(registry_has_consent(r, person(1), centre("cic-77")));
	assert_false(registry_has_consent(r, person(1), centre("corg-77")));
	assert_false(registry_has_consent(r, person(1), centre("")));
	assert_false(registry_has_consent(r, person(2), centre("cic-77")));
	assert_false(registry_has_consent(r, person(3), centre("cic-77")));
	registry_free(r);
}

static void test_one_centre_too_many_changes_nothing(void **state)
{
	struct registry *r = registry_new(0);
	struct practitioner p = doctor(1), out;
	char name[16];

	(void)state;
	for (unsigned i = 0; i < REGISTRY_CENTRES_MAX; i++) {
		snprintf(name, sizeof name, "cic-%u", i);
		p = doctor(i);
		p.consents_count = 1;
		p.consents[0] = centre(name);
		assert_true(registry_put_practitioner(r, &p));
	}
	for (unsigned i = 0; i < REGISTRY_CENTRES_MAX; i++) {
		snprintf(name, sizeof name, "cic-%u", i);
		assert_true(registry_has_consent(r, person(i), centre(name)));
		assert_false(registry_has_consent(r, person(i + 1), centre(name)));
	}
	struct registry_size before = registry_size(r);
	p = doctor(0);
	p.name = "Dr Autre";
	p.consents[0] = centre("cic-99");
	assert_false(registry_put_practitioner(r, &p));
	assert_true(registry_practitioner(r, person(0), &out));
	assert_string_equal(out.name, "Dr Camille Exemple");
	assert_int_equal(registry_size(r).text_bytes, before.text_bytes);
	registry_free(r);
}

static void test_bounds(void **state)
{
	struct registry *r = registry_new(0);
	struct practitioner p = doctor(1), out;
	struct site s = surgery(1), where;
	static char text[3 * REGISTRY_TEXT_MAX];

	(void)state;
	/* "é" is two bytes: 999 bytes of them and one letter would cut the last in two. */
	text[0] = 'x';
	for (size_t i = 1; i + 2 < sizeof text; i += 2)
		memcpy(text + i, "é", 2);
	p.name = text;
	s.address = text;
	assert_true(registry_put_practitioner(r, &p));
	assert_true(registry_put_site(r, &s));
	assert_true(registry_practitioner(r, person(1), &out));
	assert_int_equal(strlen(out.name), REGISTRY_TEXT_MAX - 1);
	assert_memory_equal(out.name, text, REGISTRY_TEXT_MAX - 1);
	assert_true(registry_site(r, site(1), &where));
	assert_int_equal(strlen(where.address), REGISTRY_TEXT_MAX - 1);
	assert_string_equal(where.access, s.access);
	p.numbers_count = REGISTRY_NUMBERS_MAX + 1;
	assert_false(registry_put_practitioner(r, &p));
	p.numbers_count = 1;
	p.sites_count = REGISTRY_SITES_MAX + 1;
	assert_false(registry_put_practitioner(r, &p));
	p.sites_count = 1;
	p.consents_count = REGISTRY_CONSENTS_MAX + 1;
	assert_false(registry_put_practitioner(r, &p));
	registry_free(r);
}

static void test_version(void **state)
{
	struct registry *r = registry_new(0);

	(void)state;
	assert_int_equal(registry_version(r), 0);
	registry_set_version(r, 42, (struct wall){ 1700000000000000 });
	assert_int_equal(registry_version(r), 42);
	assert_true(registry_as_of(r).us == 1700000000000000);
	registry_free(r);
}

/* Against what it should be, after a day of changes of every sort. */
static void test_many_changes(void **state)
{
	enum { PEOPLE = 500, STEPS = 20000 };
	static struct {
		bool in;
		uint32_t number;
	} model[PEOPLE];
	struct registry *r = registry_new(0);
	uint32_t random = 12345;
	size_t count = 0;

	(void)state;
	memset(model, 0, sizeof model);
	for (unsigned step = 0; step < STEPS; step++) {
		random = random * 1664525 + 1013904223;
		uint32_t n = (random >> 8) % PEOPLE;
		struct practitioner p = doctor(n), out;
		struct practitioner_id found[PEOPLE];
		if (model[n].in && random >> 31) {
			registry_remove_practitioner(r, person(n));
			model[n].in = false;
			count--;
		} else {
			count += !model[n].in;
			model[n].in = true;
			model[n].number = (random >> 4) % 50; /* ten share each */
			p.numbers[0].number.digits = 33353010000 + model[n].number;
			assert_true(registry_put_practitioner(r, &p));
		}
		assert_int_equal(registry_size(r).practitioners, count);
		assert_int_equal(registry_practitioner(r, person(n), &out), model[n].in);
		size_t sharing = 0;
		for (unsigned i = 0; i < PEOPLE; i++)
			sharing += model[i].in && model[i].number == model[n].number;
		assert_int_equal(registry_by_number(r,
		                                    (struct e164){ 33353010000 + model[n].number },
		                                    found, PEOPLE),
		                 sharing);
	}
	registry_free(r);
}

static size_t resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*u %lu", &pages), 1);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void fill(struct registry *r, uint32_t count)
{
	char name[64], label[64], address[96];

	for (uint32_t n = 0; n < count; n++) {
		struct practitioner p = doctor(n);
		p.sites[0] = site(n / 4);
		if (n % 4 == 0) {
			struct site s = surgery(n / 4);
			snprintf(label, sizeof label, "Cabinet médical des Tilleuls %u", n);
			snprintf(address, sizeof address, "%u rue des Tilleuls, 77000 Melun", n);
			s.label = label;
			s.address = address;
			assert_true(registry_put_site(r, &s));
		}
		snprintf(name, sizeof name, "Dr Camille Exemple-%u", n);
		p.name = name;
		assert_true(registry_put_practitioner(r, &p));
	}
	assert_true(registry_settle(r));
}

static void test_a_million_numbers(void **state)
{
	struct practitioner_id found;
	size_t resident = resident_bytes(), misses = 0;
	struct mono start = clock_mono();
	struct registry *r = registry_new(MANY);

	(void)state;
	fill(r, MANY);
	struct mono filled = clock_mono();
	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t n = (uint32_t)((uint64_t)i * 2654435761u % MANY);
		assert_int_equal(registry_by_number(r, (struct e164){ 33199000000 + n }, &found, 1),
		                 1);
	}
	struct mono found_all = clock_mono();
	for (uint32_t i = 0; i < MANY; i++)
		misses += registry_by_number(r, (struct e164){ 33699000000 + i }, &found, 1) == 0;
	struct mono missed_all = clock_mono();
	struct registry_size size = registry_size(r);
	size_t growth = resident_bytes() - resident;

	assert_int_equal(misses, MANY);
	assert_int_equal(size.numbers, MANY);
	print_message("%zu numbers: %zu MB counted, %zu MB resident, built in %ld ms, hit %ld ns, "
	              "miss %ld ns\n",
	              size.numbers, size.bytes / 1000000, growth / 1000000,
	              (long)mono_ms_between(start, filled),
	              (long)(mono_us_between(filled, found_all) * 1000 / MANY),
	              (long)(mono_us_between(found_all, missed_all) * 1000 / MANY));
	if (IS_MEASURED) {
		assert_true(size.bytes < 200 * 1000 * 1000);
		assert_true(growth < 200 * 1000 * 1000);
		assert_true(growth <
		            size.bytes + size.bytes / 20); /* what it counts is what it takes */
	}
	registry_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_million_numbers), /* first, in a process that has grown
		                                             nothing yet */
		cmocka_unit_test(test_a_person_comes_back_whole),
		cmocka_unit_test(test_a_site_comes_back_whole),
		cmocka_unit_test(test_a_person_may_come_before_the_site),
		cmocka_unit_test(test_a_shared_number_gives_everybody),
		cmocka_unit_test(test_a_replaced_person_leaves_nothing_behind),
		cmocka_unit_test(test_a_withdrawal_overwrites),
		cmocka_unit_test(test_rpps),
		cmocka_unit_test(test_consent_is_per_centre),
		cmocka_unit_test(test_one_centre_too_many_changes_nothing),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_many_changes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
