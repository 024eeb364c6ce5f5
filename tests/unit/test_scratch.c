/* Memory for one batch. */
#include "keep/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_alloc(void **state)
{
	struct scratch s;

	(void)state;
	scratch_init(&s);
	for (unsigned turn = 0; turn < 3; turn++) {
		unsigned char *before = NULL;
		for (size_t size = 1; size < 3000; size += 7) {
			unsigned char *at = s.allocator.alloc(s.allocator.allocator_data, size);
			assert_non_null(at);
			assert_int_equal((uintptr_t)at % 16, 0);
			memset(at, 0xa5, size);
			if (before != NULL)
				assert_int_equal(before[0], 0xa5);
			before = at;
			s.allocator.free(s.allocator.allocator_data,
			                 at); /* does nothing: it stays */
			assert_int_equal(at[size - 1], 0xa5);
		}
		memset(scratch_alloc(&s, 1000000), 0, 1000000); /* larger than a block */
		assert_false(s.failed);
		scratch_clear(&s);
	}
	scratch_done(&s);
}

static void test_no_memory(void **state)
{
	struct scratch s;

	(void)state;
	scratch_init(&s);
	assert_null(scratch_alloc(&s, SIZE_MAX));
	assert_true(s.failed);
	scratch_clear(&s);
	assert_false(s.failed);
	assert_non_null(scratch_alloc(&s, 0));
	scratch_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
