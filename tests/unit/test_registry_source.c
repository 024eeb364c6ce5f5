#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "decide/registry.h"
#include "decide/territory.h"

#define ISSUER "CN=Exemple CA,O=Exemple,C=FR"

static struct id id_of(uint8_t kind, uint32_t n)
{
	struct id id = { .b = { kind, 0, 0, 0, 0, 0, 0x70, 0, 0x80 } };

	memcpy(id.b + 12, &n, sizeof n);
	return id;
}

static struct source_id source(uint32_t n)
{
	return (struct source_id){ id_of(3, n) };
}

static struct source button(uint32_t n, const char *name, const char *subject)
{
	return (struct source){ .id = source(n),
		                .name = name,
		                .department = { "77" },
		                .kind = SOURCE_BUTTON,
		                .has_panic_button = true,
		                .site = { id_of(2, n) },
		                .issuer = ISSUER,
		                .subject = subject,
		                .supervision_s = 180 };
}

static bool is_source(const struct source *s, uint32_t n)
{
	return id_equal(s->id.v, source(n).v);
}

static void test_a_source_comes_back_whole(void **state)
{
	struct registry *r = registry_new(0);
	struct source in = button(1, "bouton-accueil", "CN=bouton-1"), out;

	(void)state;
	in.owner = (struct practitioner_id){ id_of(1, 9) };
	in.centre = (struct centre_id){ "cic-77" };
	in.state = SOURCE_RETIRED;
	assert_true(registry_put_source(r, &in));
	assert_true(registry_source(r, source(1), &out));
	assert_string_equal(out.name, in.name);
	assert_string_equal(out.department.text, "77");
	assert_int_equal(out.kind, SOURCE_BUTTON);
	assert_int_equal(out.state, SOURCE_RETIRED);
	assert_true(out.has_panic_button);
	assert_true(id_equal(out.owner.v, in.owner.v));
	assert_true(id_equal(out.site.v, in.site.v));
	assert_true(centre_equal(out.centre, in.centre));
	assert_string_equal(out.issuer, ISSUER);
	assert_string_equal(out.subject, "CN=bouton-1");
	assert_int_equal(out.supervision_s, 180);

	struct source bare = { .id = source(2),
		               .name = "panneau",
		               .department = { "91" },
		               .kind = SOURCE_PANEL,
		               .issuer = "",
		               .subject = "" };
	assert_true(registry_put_source(r, &bare));
	assert_true(registry_source(r, source(2), &out));
	assert_false(id_is_set(out.owner.v) || id_is_set(out.site.v) || centre_is_set(out.centre));
	assert_false(out.has_panic_button);
	assert_string_equal(out.issuer, "");
	assert_string_equal(out.subject, "");
	assert_int_equal(registry_size(r).sources, 2);
	assert_false(registry_source(r, source(3), &out));
	registry_free(r);
}

static void test_by_certificate(void **state)
{
	struct registry *r = registry_new(0);
	struct source one = button(1, "a", "CN=a"), two = button(2, "b", "CN=b"),
	              other = button(3, "c", "CN=a"), out;
	struct source bare = button(4, "d", "");

	(void)state;
	other.issuer = "CN=Autre CA";
	bare.issuer = "";
	assert_true(registry_put_source(r, &one));
	assert_true(registry_put_source(r, &two));
	assert_true(registry_put_source(r, &other));
	assert_true(registry_put_source(r, &bare));
	assert_true(registry_source_by_certificate(r, ISSUER, "CN=a", &out) && is_source(&out, 1));
	assert_true(registry_source_by_certificate(r, ISSUER, "CN=b", &out) && is_source(&out, 2));
	assert_true(registry_source_by_certificate(r, "CN=Autre CA", "CN=a", &out) &&
	            is_source(&out, 3));
	assert_false(registry_source_by_certificate(r, "CN=Autre CA", "CN=b", &out));
	assert_false(registry_source_by_certificate(r, ISSUER, "CN=A", &out));
	assert_false(registry_source_by_certificate(r, ISSUER, "", &out));
	assert_false(registry_source_by_certificate(r, "CN=Personne", "CN=a", &out));
	assert_false(registry_source_by_certificate(r, "", "", &out));
	registry_free(r);
}

static void test_which_of_one_identity(void **state)
{
	struct registry *r = registry_new(0);
	struct source retired = button(1, "a", "CN=a"), revoked = button(2, "a bis", "CN=a");
	struct source active = button(3, "a ter", "CN=a"), out;

	(void)state;
	retired.state = SOURCE_RETIRED;
	revoked.state = SOURCE_REVOKED;
	assert_true(registry_put_source(r, &retired));
	assert_true(registry_source_by_certificate(r, ISSUER, "CN=a", &out) && is_source(&out, 1));
	/* A revoked one stays refused, whatever else had this certificate before. */
	assert_true(registry_put_source(r, &revoked));
	assert_true(registry_source_by_certificate(r, ISSUER, "CN=a", &out) && is_source(&out, 2));
	assert_true(registry_put_source(r, &active));
	assert_true(registry_source_by_certificate(r, ISSUER, "CN=a", &out) && is_source(&out, 3));
	registry_remove_source(r, source(3));
	assert_true(registry_source_by_certificate(r, ISSUER, "CN=a", &out) && is_source(&out, 2));
	registry_free(r);
}

static void test_by_name(void **state)
{
	struct registry *r = registry_new(0);
	struct source here = button(1, "accueil", "CN=a"), there = button(2, "accueil", "CN=b"),
	              out;

	(void)state;
	there.department = (struct department_code){ "91" };
	assert_true(registry_put_source(r, &here));
	assert_true(registry_source_by_name(r, "accueil", &out) && is_source(&out, 1));
	assert_true(registry_put_source(r, &there));
	assert_false(registry_source_by_name(r, "accueil", &out)); /* whose? */
	registry_remove_source(r, source(1));
	assert_true(registry_source_by_name(r, "accueil", &out) && is_source(&out, 2));
	assert_false(registry_source_by_name(r, "Accueil", &out));
	registry_free(r);
}

static void test_a_replaced_source_leaves_nothing_behind(void **state)
{
	struct registry *r = registry_new(0);
	struct source before = button(1, "ancien", "CN=ancien"),
	              after = button(1, "nouveau", "CN=nouveau"), out;

	(void)state;
	assert_true(registry_put_source(r, &before));
	assert_true(registry_source(r, source(1), &out));
	const char *name = out.name, *subject = out.subject;
	assert_true(registry_put_source(r, &after));
	assert_int_equal(*name, 0);
	assert_int_equal(*subject, 0);
	assert_false(registry_source_by_name(r, "ancien", &out));
	assert_false(registry_source_by_certificate(r, ISSUER, "CN=ancien", &out));
	assert_true(registry_source_by_name(r, "nouveau", &out));
	assert_true(registry_source_by_certificate(r, ISSUER, "CN=nouveau", &out));
	assert_int_equal(registry_size(r).sources, 1);
	registry_remove_source(r, source(1));
	registry_remove_source(r, source(1));
	assert_int_equal(registry_size(r).sources, 0);
	assert_int_equal(registry_size(r).text_bytes, 0);
	registry_free(r);
}

static void test_an_identity_is_never_cut(void **state)
{
	struct registry *r = registry_new(0);
	static char longest[REGISTRY_IDENTITY_MAX + 2], other[REGISTRY_IDENTITY_MAX + 1];
	struct source s = button(1, "a", longest), out;

	(void)state;
	memset(longest, 'x', sizeof longest - 1);
	memset(other, 'x', sizeof other - 1);
	assert_false(registry_put_source(r, &s));
	assert_false(registry_source(r, source(1), &out));
	longest[REGISTRY_IDENTITY_MAX] = '\0';
	other[REGISTRY_IDENTITY_MAX - 1] = 'y';
	assert_true(registry_put_source(r, &s));
	assert_true(registry_source_by_certificate(r, ISSUER, longest, &out));
	assert_false(registry_source_by_certificate(r, ISSUER, other, &out));
	registry_free(r);
}

static void test_every_source_in_turn(void **state)
{
	enum { SOURCES = 10000 };
	static bool seen[SOURCES];
	struct registry *r = registry_new(0);
	struct source out;
	char name[32];
	size_t count = 0;

	(void)state;
	for (uint32_t n = 0; n < SOURCES; n++) {
		snprintf(name, sizeof name, "bouton-%u", n);
		struct source s = button(n, name, name);
		assert_true(registry_put_source(r, &s));
	}
	for (uint32_t n = 0; n < SOURCES; n += 3)
		registry_remove_source(r, source(n));
	for (size_t i = 0; registry_next_source(r, &i, &out); count++) {
		uint32_t n;
		memcpy(&n, out.id.v.b + 12, sizeof n);
		assert_false(seen[n]);
		seen[n] = true;
	}
	for (uint32_t n = 0; n < SOURCES; n++)
		assert_int_equal(seen[n], n % 3 != 0);
	assert_int_equal(count, registry_size(r).sources);
	registry_free(r);
}

static void test_kinds(void **state)
{
	enum source_kind kind;

	(void)state;
	for (unsigned i = 0; i < SOURCE_KINDS; i++) {
		assert_true(source_kind_parse(source_kind_name((enum source_kind)i), &kind));
		assert_int_equal(kind, i);
	}
	assert_false(source_kind_parse("bracelet", &kind));
	assert_string_equal(source_kind_name(SOURCE_KINDS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_source_comes_back_whole),
		cmocka_unit_test(test_by_certificate),
		cmocka_unit_test(test_which_of_one_identity),
		cmocka_unit_test(test_by_name),
		cmocka_unit_test(test_a_replaced_source_leaves_nothing_behind),
		cmocka_unit_test(test_an_identity_is_never_cut),
		cmocka_unit_test(test_every_source_in_turn),
		cmocka_unit_test(test_kinds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
