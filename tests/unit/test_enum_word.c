/* The words of the protocol's enums. */
#include "tool/enum_word.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/console.pb-c.h"
#include "proto/incident.pb-c.h"

static void test_words(void **state)
{
	char out[ENUM_WORD_SIZE];
	int value = -1;

	(void)state;
	assert_string_equal(enum_word(&tocsin__v1__kind__descriptor, 1, out), "panic");
	assert_string_equal(enum_word(&tocsin__v1__kind__descriptor, 99, out), "unknown");
	assert_string_equal(enum_word(&tocsin__v1__kind__descriptor, -1, out), "unknown");
	assert_string_equal(enum_word(&tocsin__v1__state__descriptor, 3, out), "engaged");
	assert_true(enum_word_parse(&tocsin__v1__verb__descriptor, "take", &value));
	assert_int_equal(value, TOCSIN__V1__VERB__VERB_TAKE);
	assert_false(enum_word_parse(&tocsin__v1__verb__descriptor, "TAKE", &value));
	assert_false(enum_word_parse(&tocsin__v1__verb__descriptor, "", &value));
}

/* Every word of an enum is read back as the value that it stands for. */
static void test_every_word_reads_back(void **state)
{
	const ProtobufCEnumDescriptor *all[] = {
		&tocsin__v1__kind__descriptor,
		&tocsin__v1__state__descriptor,
		&tocsin__v1__verb__descriptor,
	};
	char word[ENUM_WORD_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		for (unsigned j = 0; j < all[i]->n_values; j++) {
			int value = -1;
			enum_word(all[i], all[i]->values[j].value, word);
			assert_true(enum_word_parse(all[i], word, &value));
			assert_int_equal(value, all[i]->values[j].value);
		}
	}
}

static void test_list(void **state)
{
	char out[128];

	(void)state;
	assert_string_equal(enum_word_list(&tocsin__v1__state__descriptor, out, sizeof out),
			    "unknown, open, taken, engaged, closed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_every_word_reads_back),
		cmocka_unit_test(test_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
