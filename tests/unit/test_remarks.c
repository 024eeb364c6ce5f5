#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tool/remarks.h"

static void test_counted_and_gathered(void **state)
{
	struct remarks r;

	(void)state;
	remarks_init(&r, true);
	remarks_add(&r, REMARK_ERROR, "communes.csv:12", "there is no centre '%s'", "cic-78");
	remarks_add(&r, REMARK_NOTE, "communes.csv", "%d more", 3);
	assert_int_equal(r.errors, 1);
	assert_int_equal(r.notes, 1);
	char *text = json_dumps(r.list, JSON_COMPACT);
	assert_string_equal(text,
	                    "[{\"rank\":\"error\",\"place\":\"communes.csv:12\",\"what\":\"there "
	                    "is no centre 'cic-78'\"},"
	                    "{\"rank\":\"note\",\"place\":\"communes.csv\",\"what\":\"3 more\"}]");
	free(text);
	remarks_done(&r);
}

static void test_printed(void **state)
{
	struct remarks r;

	(void)state;
	remarks_init(&r, false);
	remarks_add(&r, REMARK_NOTE, "unit test", "this line is to be seen");
	assert_null(r.list);
	assert_int_equal(r.notes, 1);
	remarks_done(&r);
}

/* What a file holds may be long, and cut in the middle of a character by the sentence's end. */
static void test_long_ones(void **state)
{
	struct remarks r;
	char name[2 * REMARK_SIZE];

	(void)state;
	for (size_t i = 0; i + 2 < sizeof(name); i += 2)
		memcpy(name + i, "é", 3);
	remarks_init(&r, true);
	remarks_add(&r, REMARK_ERROR, "x", "%s", name);
	remarks_add(&r, REMARK_ERROR, "x", "a%s", name);
	assert_int_equal(json_array_size(r.list), 2);
	remarks_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counted_and_gathered),
		cmocka_unit_test(test_printed),
		cmocka_unit_test(test_long_ones),
	};

	return cmocka_run_group_tests_name("remarks", tests, NULL, NULL);
}
