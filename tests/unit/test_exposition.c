#include "run/exposition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void families_stand_with_their_values(void **state)
{
	struct exposition e;
	char text[1024];
	(void)state;

	exposition_begin(&e, text, sizeof(text));
	exposition_family(&e, "tocsin_links", EXPOSITION_GAUGE, "Links that are open.");
	exposition_put_count(&e, "",
	                     EXPOSITION_LABELS({ "listener", "alerts" }, { "state", "open" }), 12);
	exposition_put(&e, "", NULL, 0.25);
	exposition_family(&e, "tocsin_x_total", EXPOSITION_COUNTER, "X.");
	exposition_put_count(&e, "", NULL, UINT64_MAX);
	assert_false(e.is_cut);
	assert_string_equal(text, "# HELP tocsin_links Links that are open.\n"
	                          "# TYPE tocsin_links gauge\n"
	                          "tocsin_links{listener=\"alerts\",state=\"open\"} 12\n"
	                          "tocsin_links 0.25\n"
	                          "# HELP tocsin_x_total X.\n"
	                          "# TYPE tocsin_x_total counter\n"
	                          "tocsin_x_total 18446744073709551615\n");
	assert_int_equal(e.used, strlen(text));
}

/* A certificate's name comes from outside. */
static void label_cannot_break_out_of_its_quotes(void **state)
{
	struct exposition e;
	char text[256];
	(void)state;

	exposition_begin(&e, text, sizeof(text));
	exposition_family(&e, "g", EXPOSITION_GAUGE, "G.");
	exposition_put_count(&e, "", EXPOSITION_LABELS({ "name", "a\"} 1\nforged 2\\" }), 3);
	assert_string_equal(text,
	                    "# HELP g G.\n# TYPE g gauge\ng{name=\"a\\\"} 1\\nforged 2\\\\\"} 3\n");
}

static void page_that_does_not_fit_says_so_at_every_size(void **state)
{
	char whole[512], text[512];
	struct exposition e;
	size_t length;
	(void)state;

	exposition_begin(&e, whole, sizeof(whole));
	exposition_family(&e, "g", EXPOSITION_GAUGE, "G.");
	exposition_put_count(&e, "", EXPOSITION_LABELS({ "a", "b" }), 3);
	length = strlen(whole);
	for (size_t size = 1; size <= length + 1; size++) {
		exposition_begin(&e, text, size);
		exposition_family(&e, "g", EXPOSITION_GAUGE, "G.");
		exposition_put_count(&e, "", EXPOSITION_LABELS({ "a", "b" }), 3);
		assert_int_equal(e.is_cut, size <= length);
		assert_true(strlen(text) < size);
		assert_memory_equal(text, whole, strlen(text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_stand_with_their_values),
		cmocka_unit_test(label_cannot_break_out_of_its_quotes),
		cmocka_unit_test(page_that_does_not_fit_says_so_at_every_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
