/* Reasons: a number that journals rely on, a name that programs rely on, a sentence for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "decide/reason.h"
#include "support/text.h"

/* A journal of yesterday says 20 and means route-commune. This list only ever grows. */
static void numbers_keep_their_names(void **state)
{
	/* clang-format off */
	static const char *const names[] = {
		"none", "who-source-owner", "who-number", "who-shared-number", "who-rpps",
		"who-stated", "who-unknown", "who-no-consent", "who-rpps-unknown", "who-exposed",
		"where-live", "where-live-old", "where-stated-address", "where-stated-commune",
		"where-device-site", "where-registered-site", "where-none",
		"where-accuracy-assumed", "where-commune-unknown", "route-zone", "route-commune",
		"route-approximate", "route-stand-in-no-place", "route-stand-in-outside",
		"route-stand-in-no-centre", "route-stand-in-no-operator", "route-presented",
		"route-operations", "route-border-informed", "route-competent-informed",
		"route-moved-informed", "priority-attack", "priority-doubt",
		"priority-abandoned-call", "priority-call", "priority-serious",
		"priority-panic-source", "priority-other", "priority-technical",
		"incident-renewed", "incident-related-time", "incident-related-distance",
		"incident-related-number", "incident-related-site", "incident-split",
		"incident-cancel-asked", "incident-context", "doubt-clock", "doubt-late",
		"doubt-certificate", "doubt-position", "doubt-text", "doubt-kind", "doubt-ref",
		"doubt-ref-reused", "doubt-trust", "doubt-registry-old", "escalate-louder",
		"escalate-other-centre", "escalate-all", "escalate-alarm",
		"escalate-not-engaged", "escalate-taker-lost", "escalate-no-console",
	};
	/* clang-format on */

	(void)state;
	assert_int_equal(sizeof names / sizeof names[0], REASON_CODES);
	for (int code = 0; code < REASON_CODES; code++)
		assert_string_equal(reason_name((enum reason_code)code), names[code]);
	assert_string_equal(reason_name(REASON_CODES), "unknown");
	assert_string_equal(reason_name((enum reason_code) - 1), "unknown");
}

static void names_are_unique_words(void **state)
{
	(void)state;
	for (int a = 0; a < REASON_CODES; a++) {
		const char *name = reason_name((enum reason_code)a);
		assert_true(name[strspn(name, "abcdefghijklmnopqrstuvwxyz-")] == '\0');
		for (int b = 0; b < a; b++)
			assert_string_not_equal(name, reason_name((enum reason_code)b));
	}
}

static void every_code_has_its_own_sentence(void **state)
{
	char texts[REASON_CODES][REASON_TEXT_SIZE];

	(void)state;
	for (int code = 0; code < REASON_CODES; code++) {
		struct reason r = { .code = (enum reason_code)code };
		memset(r.detail, 'x', sizeof r.detail - 1);
		reason_format(&r, texts[code], sizeof texts[code]);
		const char *name = reason_name(r.code);
		const char *sentence = texts[code] + strlen(name) + 2;
		assert_memory_equal(texts[code], name, strlen(name));
		assert_memory_equal(texts[code] + strlen(name), ": ", 2);
		assert_true(text_is_clean_utf8(texts[code], strlen(texts[code])));
		/* It begins small, has no full stop, and all of it fits with the longest detail. */
		assert_false(sentence[0] >= 'A' && sentence[0] <= 'Z');
		assert_null(strchr(sentence, '.'));
		assert_string_equal(texts[code] + strlen(texts[code]) - 2, "x)");
		for (int other = 0; other < code; other++)
			assert_string_not_equal(sentence, strstr(texts[other], ": ") + 2);
	}
}

static void the_doubts_are_those_that_say_so(void **state)
{
	unsigned count = 0;

	(void)state;
	for (int code = 0; code <= REASON_CODES; code++) {
		bool named = strncmp(reason_name((enum reason_code)code), "doubt-",
		                     strlen("doubt-")) == 0;
		assert_int_equal(reason_is_doubt((enum reason_code)code), named);
		count += named;
	}
	assert_int_equal(count, 10);
}

static void a_reason_reads_as_one_line(void **state)
{
	struct reason r = { REASON_ROUTE_COMMUNE, "Melun" };
	char out[REASON_TEXT_SIZE];

	(void)state;
	assert_ptr_equal(reason_format(&r, out, sizeof out), out);
	assert_string_equal(out, "route-commune: commune compétente (Melun)");
	r.detail[0] = '\0';
	assert_string_equal(reason_format(&r, out, sizeof out),
	                    "route-commune: commune compétente");
	r.code = (enum reason_code)1000;
	assert_string_equal(reason_format(&r, out, sizeof out),
	                    "unknown: motif inconnu de cette version");
}

static void a_reason_is_cut_on_a_whole_character(void **state)
{
	struct reason r = { REASON_ROUTE_COMMUNE, "" };
	char out[REASON_TEXT_SIZE];

	(void)state;
	/* "route-commune: commune comp" and the two bytes of é */
	assert_string_equal(reason_format(&r, out, 29), "route-commune: commune comp");
	assert_string_equal(reason_format(&r, out, 30), "route-commune: commune compé");
	assert_string_equal(reason_format(&r, out, 1), "");
	out[0] = 'x';
	assert_ptr_equal(reason_format(&r, out, 0), out);
	assert_int_equal(out[0], 'x');
}

static void the_same_reason_stands_once(void **state)
{
	struct reasons r = { 0 };

	(void)state;
	assert_true(reasons_add(&r, REASON_WHERE_LIVE, ""));
	assert_false(reasons_add(&r, REASON_WHERE_LIVE, ""));
	assert_true(reasons_add(&r, REASON_ROUTE_COMMUNE, "Melun"));
	assert_true(reasons_add(&r, REASON_ROUTE_COMMUNE, "Dammarie-lès-Lys"));
	assert_false(reasons_add(&r, REASON_ROUTE_COMMUNE, "Melun"));
	assert_true(reasons_add(&r, REASON_ROUTE_ZONE, "Melun"));
	assert_int_equal(r.count, 4);
	assert_int_equal(r.list[1].code, REASON_ROUTE_COMMUNE);
	assert_string_equal(r.list[1].detail, "Melun");
}

static void a_full_list_keeps_its_oldest(void **state)
{
	struct reasons r = { 0 };
	char detail[8];

	(void)state;
	for (unsigned i = 0; i < REASONS_MAX; i++) {
		snprintf(detail, sizeof detail, "%u", i);
		assert_true(reasons_add(&r, REASON_DOUBT_LATE, detail));
	}
	assert_false(reasons_add(&r, REASON_DOUBT_KIND, ""));
	assert_int_equal(r.count, REASONS_MAX);
	for (unsigned i = 0; i < REASONS_MAX; i++) {
		snprintf(detail, sizeof detail, "%u", i);
		assert_string_equal(r.list[i].detail, detail);
	}
}

static void a_long_detail_is_cut_and_still_found(void **state)
{
	struct reasons r = { 0 };
	char detail[REASON_DETAIL_SIZE + 8];

	(void)state;
	memset(detail, 'x', sizeof detail);
	memcpy(detail + REASON_DETAIL_SIZE - 2, "é",
	       2); /* its second byte would be the terminator */
	detail[sizeof detail - 1] = '\0';
	assert_true(reasons_add(&r, REASON_WHO_EXPOSED, detail));
	assert_int_equal(strlen(r.list[0].detail), REASON_DETAIL_SIZE - 2);
	assert_false(reasons_add(&r, REASON_WHO_EXPOSED, detail));
}

static void a_detail_cannot_forge_a_line(void **state)
{
	struct reasons r = { 0 };

	(void)state;
	assert_true(reasons_add(&r, REASON_WHO_STATED, "Dr\nroute-zone: \x1b[2J\x7f"));
	assert_string_equal(r.list[0].detail, "Dr route-zone:  [2J ");
	assert_false(reasons_add(&r, REASON_WHO_STATED, "Dr\troute-zone: \x1b[2J\x7f"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_keep_their_names),
		cmocka_unit_test(names_are_unique_words),
		cmocka_unit_test(every_code_has_its_own_sentence),
		cmocka_unit_test(the_doubts_are_those_that_say_so),
		cmocka_unit_test(a_reason_reads_as_one_line),
		cmocka_unit_test(a_reason_is_cut_on_a_whole_character),
		cmocka_unit_test(the_same_reason_stands_once),
		cmocka_unit_test(a_full_list_keeps_its_oldest),
		cmocka_unit_test(a_long_detail_is_cut_and_still_found),
		cmocka_unit_test(a_detail_cannot_forge_a_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
