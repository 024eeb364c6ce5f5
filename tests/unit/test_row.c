#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keep/row.h"
#include "tests/unit/row_rig.h"

static enum row_end put(struct registry *r, enum row_kind kind, const struct rig_row *row)
{
	return row_to_registry(r, kind, row->bytes, row->length);
}

static enum row_end build(struct territory *t, enum row_kind kind, const struct rig_row *row)
{
	return row_to_territory(t, kind, row->bytes, row->length);
}

static void test_practitioner(void **state)
{
	struct registry *r = registry_new(0);
	struct practitioner out;
	struct rig_row row;
	uint8_t numbers[2 * ROW_NUMBER_BYTES] = { 1 };
	uint64_t first = htobe64(33465710001), second = htobe64(33639980001);
	struct id sites[2] = { rig_id(2, 8), rig_id(2, 4) }, id = rig_id(1, 3);

	(void)state;
	memcpy(numbers + 1, &first, sizeof first);
	memcpy(numbers + ROW_NUMBER_BYTES + 1, &second, sizeof second);
	rig_begin(&row, 10);
	rig_bytes(&row, id.b, ID_BYTES);
	rig_text(&row, "77");
	rig_text(&row, "Dr Camille Exemple");
	rig_text(&row, "médecin");
	rig_text(&row, "");
	rig_text(&row, "menaces");
	rig_null(&row);
	rig_bytes(&row, numbers, sizeof numbers);
	rig_bytes(&row, sites, sizeof sites);
	rig_text(&row, "cic-77 corg-91");
	assert_int_equal(put(r, ROW_PRACTITIONER, &row), ROW_TAKEN);
	assert_true(registry_practitioner(r, rig_person(3), &out));
	assert_string_equal(out.department.text, "77");
	assert_string_equal(out.name, "Dr Camille Exemple");
	assert_string_equal(out.profession, "médecin");
	assert_string_equal(out.specialty, "");
	assert_string_equal(out.exposed, "menaces");
	assert_true(out.rpps == 0);
	assert_int_equal(out.numbers_count, 2);
	assert_true(out.numbers[0].number.digits == 33465710001 && out.numbers[0].shared);
	assert_true(out.numbers[1].number.digits == 33639980001 && !out.numbers[1].shared);
	assert_int_equal(out.sites_count, 2);
	assert_memory_equal(out.sites, sites, sizeof sites);
	assert_true(registry_has_consent(r, rig_person(3), centre_id("cic-77")));
	assert_true(registry_has_consent(r, rig_person(3), centre_id("corg-91")));
	assert_false(registry_has_consent(r, rig_person(3), centre_id("corg-77")));

	rig_practitioner(&row, 3, "Dr Camille Exemple");
	assert_int_equal(put(r, ROW_PRACTITIONER, &row), ROW_TAKEN);
	assert_true(registry_practitioner(r, rig_person(3), &out));
	assert_true(out.rpps == 10000000003);
	rig_gone(&row, 10, id);
	assert_int_equal(put(r, ROW_PRACTITIONER, &row), ROW_GONE);
	assert_false(registry_practitioner(r, rig_person(3), &out));
	registry_free(r);
}

static void test_practitioner_without_anything(void **state)
{
	struct registry *r = registry_new(0);
	struct practitioner out;
	struct rig_row row;
	struct id id = rig_id(1, 1);

	(void)state;
	rig_begin(&row, 10);
	rig_bytes(&row, id.b, ID_BYTES);
	rig_text(&row, "77");
	rig_text(&row, "Dr Seul");
	rig_text(&row, "médecin");
	for (int i = 4; i < 10; i++)
		rig_null(&row);
	assert_int_equal(put(r, ROW_PRACTITIONER, &row), ROW_TAKEN);
	assert_true(registry_practitioner(r, rig_person(1), &out));
	assert_int_equal(out.numbers_count + out.sites_count + out.consents_count, 0);
	registry_free(r);
}

static void test_site_and_source(void **state)
{
	struct registry *r = registry_new(0);
	struct rig_row row;
	struct site site;
	struct source source;

	(void)state;
	rig_site(&row, 2);
	assert_int_equal(put(r, ROW_SITE, &row), ROW_TAKEN);
	assert_true(registry_site(r, rig_site_id(2), &site));
	assert_string_equal(site.label, "Cabinet des Tilleuls");
	assert_string_equal(site.address, "12 rue des Tilleuls, Melun");
	assert_string_equal(site.access, "premier étage");
	assert_string_equal(site.commune.text, "77288");
	assert_true(site.has_point && site.lat == 48.54 && site.lon == 2.66);
	assert_int_equal(site.precision, PLACE_ADDRESS);

	rig_source(&row, 5, "CN=bracelet-5");
	assert_int_equal(put(r, ROW_SOURCE, &row), ROW_TAKEN);
	assert_true(registry_source_by_certificate(r, "CN=Exemple CA", "CN=bracelet-5", &source));
	assert_true(id_equal(source.id.v, rig_id(3, 5)));
	assert_int_equal(source.kind, SOURCE_DEVICE);
	assert_int_equal(source.state, SOURCE_ACTIVE);
	assert_true(source.has_panic_button);
	assert_true(id_equal(source.owner.v, rig_id(1, 5)));
	assert_false(id_is_set(source.site.v) || centre_is_set(source.centre));
	assert_int_equal(source.supervision_s, 180);

	rig_gone(&row, 8, rig_id(2, 2));
	assert_int_equal(put(r, ROW_SITE, &row), ROW_GONE);
	rig_gone(&row, 12, rig_id(3, 5));
	assert_int_equal(put(r, ROW_SOURCE, &row), ROW_GONE);
	assert_int_equal(registry_size(r).sites + registry_size(r).sources, 0);
	registry_free(r);
}

static void test_territory(void **state)
{
	struct territory *t = territory_new();
	struct rig_row row;
	char why[128];

	(void)state;
	rig_begin(&row, 4);
	rig_text(&row, "77");
	rig_text(&row, "Seine-et-Marne");
	rig_text(&row, "cic-77");
	rig_text(&row, "ops-77");
	assert_int_equal(build(t, ROW_DEPARTMENT, &row), ROW_TAKEN);
	static const char *const centres[][3] = { { "cic-77", "police", "CIC 77" },
		                                  { "corg-77", "gendarmerie", "CORG 77" },
		                                  { "ops-77", "operations", "Exploitation" } };
	for (int i = 0; i < 3; i++) {
		rig_begin(&row, 5);
		rig_text(&row, centres[i][0]);
		rig_text(&row, "77");
		rig_text(&row, centres[i][1]);
		rig_text(&row, centres[i][2]);
		if (i == 0)
			rig_text(&row, "corg-77");
		else
			rig_null(&row);
		assert_int_equal(build(t, ROW_CENTRE, &row), ROW_TAKEN);
	}
	rig_begin(&row, 9);
	rig_text(&row, "77288");
	rig_text(&row, "77");
	rig_text(&row, "Melun");
	rig_text(&row, "Melun");
	rig_text(&row, "cic-77");
	rig_double(&row, 48.54);
	rig_double(&row, 2.66);
	rig_text(&row, "Major Exemple");
	rig_null(&row);
	assert_int_equal(build(t, ROW_COMMUNE, &row), ROW_TAKEN);
	assert_true(territory_close(t, why, sizeof why));
	const struct commune *melun = territory_commune(t, commune_code("77288"));
	assert_non_null(melun);
	assert_string_equal(melun->name, "Melun");
	assert_string_equal(melun->tribunal, "Melun");
	assert_string_equal(melun->centre.text, "cic-77");
	assert_string_equal(melun->adviser_name, "Major Exemple");
	assert_string_equal(melun->adviser_number, "");
	assert_true(melun->lat == 48.54 && melun->lon == 2.66);
	assert_int_equal(territory_centre(t, centre_id("corg-77"))->kind, CENTRE_GENDARMERIE);
	assert_string_equal(territory_centre(t, centre_id("cic-77"))->other.text, "corg-77");
	assert_string_equal(territory_department(t, department_code("77"))->operations.text,
	                    "ops-77");
	territory_free(t);
}

/* A polygon as WKB: little-endian, type 3, one ring of five points. */
static void test_contour_and_zone(void **state)
{
	static const double ring[10] = { 2.6, 48.5, 2.7, 48.5, 2.7, 48.6, 2.6, 48.6, 2.6, 48.5 };
	uint8_t wkb[13 + sizeof ring] = { 1, 3, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0 };
	struct territory *t = territory_new();
	struct rig_row row;

	(void)state;
	memcpy(wkb + 13, ring, sizeof ring);
	rig_begin(&row, 2);
	rig_text(&row, "77288");
	rig_bytes(&row, wkb, sizeof wkb);
	assert_int_equal(build(t, ROW_CONTOUR, &row), ROW_REFUSED); /* no such commune yet */
	rig_begin(&row, 3);
	rig_text(&row, "Aéroport");
	rig_text(&row, "cic-77");
	rig_bytes(&row, wkb, sizeof wkb);
	assert_int_equal(build(t, ROW_ZONE, &row), ROW_TAKEN);
	rig_begin(&row, 3);
	rig_text(&row, "Sans contour");
	rig_text(&row, "cic-77");
	rig_null(&row);
	assert_int_not_equal(build(t, ROW_ZONE, &row), ROW_TAKEN);
	territory_free(t);
}

/* Each way in which a row of a person can be wrong, made from one that is right. */
static void test_bad_rows(void **state)
{
	struct registry *r = registry_new(0);
	struct rig_row row, bad;

	(void)state;
	rig_practitioner(&row, 1, "Dr Camille Exemple");
	for (size_t length = 0; length < row.length; length++)
		assert_int_equal(row_to_registry(r, ROW_PRACTITIONER, row.bytes, length), ROW_BAD);
	bad = row;
	rig_put(&bad, "x", 1); /* one byte too many */
	assert_int_equal(put(r, ROW_PRACTITIONER, &bad), ROW_BAD);
	assert_int_equal(put(r, ROW_DEPARTMENT, &row), ROW_BAD);
	assert_int_equal(put(r, (enum row_kind)0, &row), ROW_BAD);
	assert_int_equal(put(r, (enum row_kind)200, &row), ROW_BAD);

	struct id id = rig_id(1, 1);
	static const struct {
		const char *numbers, *sites, *consents;
		size_t numbers_length, sites_length;
	} wrong[] = {
		{ "12345678", "", "", 8, 0 },             /* not a whole number */
		{ "\0\0\0\0\0\0\0\0\0", "", "", 9, 0 },   /* number 0 */
		{ "\0\177\0\0\0\0\0\0\0", "", "", 9, 0 }, /* more than 15 digits */
		{ "", "0123456789abcde", "", 0, 15 },     /* not a whole id */
		{ "", "", "cic-77  corg-77", 0, 0 },      /* an empty centre */
		{ "", "", "a-centre-with-a-name-that-is-too-long", 0, 0 },
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		rig_begin(&bad, 10);
		rig_bytes(&bad, id.b, ID_BYTES);
		for (int k = 1; k < 6; k++)
			rig_text(&bad, "x");
		rig_null(&bad);
		rig_bytes(&bad, wrong[i].numbers, wrong[i].numbers_length);
		rig_bytes(&bad, wrong[i].sites, wrong[i].sites_length);
		rig_text(&bad, wrong[i].consents);
		assert_int_equal(put(r, ROW_PRACTITIONER, &bad), ROW_BAD);
	}
	assert_int_equal(registry_size(r).practitioners, 0);
	registry_free(r);
}

static void test_too_many_of_something(void **state)
{
	struct registry *r = registry_new(0);
	struct id id = rig_id(1, 1), sites[REGISTRY_SITES_MAX + 1];
	struct rig_row row;

	(void)state;
	for (unsigned i = 0; i < REGISTRY_SITES_MAX + 1; i++)
		sites[i] = rig_id(2, i);
	for (unsigned extra = 0; extra < 2; extra++) {
		rig_begin(&row, 10);
		rig_bytes(&row, id.b, ID_BYTES);
		for (int k = 1; k < 6; k++)
			rig_text(&row, "x");
		rig_null(&row);
		rig_null(&row);
		rig_bytes(&row, sites, (REGISTRY_SITES_MAX + extra) * sizeof *sites);
		rig_null(&row);
		assert_int_equal(put(r, ROW_PRACTITIONER, &row), extra ? ROW_BAD : ROW_TAKEN);
	}
	registry_free(r);
}

static void test_bad_points_and_words(void **state)
{
	struct registry *r = registry_new(0);
	struct rig_row row;
	static const double wrong[][2] = {
		{ 90.1, 2 }, { 48, -180.1 }, { NAN, 2 }, { 48, INFINITY }
	};
	struct id id = rig_id(2, 1);

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		rig_begin(&row, 8);
		rig_bytes(&row, id.b, ID_BYTES);
		for (int k = 1; k < 5; k++)
			rig_text(&row, "x");
		rig_double(&row, wrong[i][0]);
		rig_double(&row, wrong[i][1]);
		rig_text(&row, "exact");
		assert_int_equal(put(r, ROW_SITE, &row), ROW_BAD);
	}
	rig_site(&row, 1);
	memcpy(row.bytes + row.length - strlen("address"), "nowhere", strlen("address"));
	assert_int_equal(put(r, ROW_SITE, &row), ROW_BAD);
	assert_int_equal(registry_size(r).sites, 0);
	registry_free(r);
}

static void test_identify(void **state)
{
	struct rig_row row;
	struct id id;
	bool is_gone;

	(void)state;
	rig_practitioner(&row, 7, "Dr");
	assert_true(row_identify(ROW_PRACTITIONER, row.bytes, row.length, &id, &is_gone));
	assert_true(id_equal(id, rig_id(1, 7)));
	assert_false(is_gone);
	rig_gone(&row, 12, rig_id(3, 2));
	assert_true(row_identify(ROW_SOURCE, row.bytes, row.length, &id, &is_gone));
	assert_true(is_gone);
	assert_false(row_identify(ROW_COMMUNE, row.bytes, row.length, &id, &is_gone));
	assert_false(row_identify(ROW_SOURCE, row.bytes, 3, &id, &is_gone));
}

/* ---- COPY's binary format ---- */

struct seen {
	unsigned rows;
	size_t bytes;
	bool says_no;
};

static bool count_row(void *context, const uint8_t *bytes, size_t length)
{
	struct seen *seen = context;

	(void)bytes;
	seen->rows++;
	seen->bytes += length;
	return !seen->says_no;
}

static const uint8_t header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* and a last 0 */
static const uint8_t trailer[] = { 0xff, 0xff };

static void test_stream(void **state)
{
	struct seen seen = { 0 };
	struct row_stream s = { .row = count_row, .context = &seen };
	struct rig_row row;
	uint8_t piece[1024];

	(void)state;
	rig_gone(&row, 3, rig_id(1, 1));
	memcpy(piece, header, 19);
	memcpy(piece + 19, row.bytes, row.length);
	assert_true(row_stream_piece(&s, piece, 19 + row.length)); /* header and a row */
	assert_true(row_stream_piece(&s, row.bytes, row.length));
	assert_true(row_stream_piece(&s, trailer, sizeof trailer));
	assert_int_equal(seen.rows, 2);
	assert_int_equal(seen.bytes, 2 * row.length);

	/* A table without rows: the header and the trailer in one piece. */
	s = (struct row_stream){ .row = count_row, .context = &seen };
	memcpy(piece + 19, trailer, sizeof trailer);
	assert_true(row_stream_piece(&s, piece, 19 + sizeof trailer));
	assert_int_equal(seen.rows, 2);
}

static void test_streams_that_are_none(void **state)
{
	struct seen seen = { 0 };
	struct row_stream s = { .row = count_row, .context = &seen };
	struct rig_row row;
	uint8_t piece[64];

	(void)state;
	rig_gone(&row, 1, rig_id(1, 1));
	assert_false(row_stream_piece(&s, row.bytes, row.length)); /* no header */
	memcpy(piece, header, 19);
	piece[14] = 1; /* flags that this version does not know */
	s = (struct row_stream){ .row = count_row, .context = &seen };
	assert_false(row_stream_piece(&s, piece, 19));
	s = (struct row_stream){ .row = count_row, .context = &seen };
	assert_true(row_stream_piece(&s, header, 19));
	assert_false(row_stream_piece(&s, row.bytes, row.length - 1)); /* half a row */
	seen.says_no = true;
	s = (struct row_stream){ .row = count_row, .context = &seen };
	assert_true(row_stream_piece(&s, header, 19));
	assert_false(row_stream_piece(&s, row.bytes, row.length));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_practitioner),
		cmocka_unit_test(test_practitioner_without_anything),
		cmocka_unit_test(test_site_and_source),
		cmocka_unit_test(test_territory),
		cmocka_unit_test(test_contour_and_zone),
		cmocka_unit_test(test_bad_rows),
		cmocka_unit_test(test_too_many_of_something),
		cmocka_unit_test(test_bad_points_and_words),
		cmocka_unit_test(test_identify),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_streams_that_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
