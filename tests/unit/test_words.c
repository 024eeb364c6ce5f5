#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "decide/words.h"

static uint32_t take(struct words *w, const char *text)
{
	return words_take(w, text, strlen(text));
}

static void test_a_word_is_kept_once(void **state)
{
	struct words w;

	(void)state;
	words_init(&w);
	uint32_t doctor = take(&w, "médecin"), midwife = take(&w, "sage-femme"),
	         empty = take(&w, "");
	assert_int_equal(take(&w, "médecin"), doctor);
	assert_int_not_equal(doctor, midwife);
	assert_int_not_equal(empty, 0);
	assert_string_equal(words_text(&w, doctor), "médecin");
	assert_string_equal(words_text(&w, midwife), "sage-femme");
	assert_string_equal(words_text(&w, empty), "");
	/* A length, not a terminator, ends what is taken: a beginning is another word. */
	assert_int_equal(words_take(&w, "médecine", strlen("médecin")), doctor);
	assert_int_equal(words_find(&w, "sage", 4), 0);
	assert_int_equal(words_find(&w, "sage-femme d", strlen("sage-femme")), midwife);
	words_done(&w);
}

static void test_the_last_user_wipes_it(void **state)
{
	struct words w;

	(void)state;
	words_init(&w);
	uint32_t word = take(&w, "neurologue");
	assert_int_equal(take(&w, "neurologue"), word);
	const char *text = words_text(&w, word);
	words_drop(&w, word);
	assert_string_equal(text, "neurologue");
	assert_int_equal(words_find(&w, "neurologue", 10), word);
	words_drop(&w, word);
	assert_memory_equal(text, "\0\0\0\0\0\0\0\0\0\0", 10);
	assert_int_equal(words_find(&w, "neurologue", 10), 0);
	words_drop(&w, 0);
	words_done(&w);
}

static void test_many(void **state)
{
	enum { WORDS = 20000 };
	static uint32_t ids[WORDS];
	struct words w;
	char text[16];

	(void)state;
	words_init(&w);
	for (unsigned i = 0; i < WORDS; i++) {
		snprintf(text, sizeof text, "word %u", i);
		ids[i] = take(&w, text);
	}
	for (unsigned i = 0; i < WORDS; i += 2)
		words_drop(&w, ids[i]);
	for (unsigned i = 0; i < WORDS; i++) {
		snprintf(text, sizeof text, "word %u", i);
		assert_int_equal(words_find(&w, text, strlen(text)), i % 2 ? ids[i] : 0);
	}
	assert_true(words_bytes(&w) > WORDS * 8);
	words_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_word_is_kept_once),
		cmocka_unit_test(test_the_last_user_wipes_it),
		cmocka_unit_test(test_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
