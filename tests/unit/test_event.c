/* The verbs' words are an interface: API, terminal console, the trail of acts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide/event.h"

static const char *const words[ACT_VERBS] = { "unknown", "take",    "engage",  "note",  "transfer",
	                                      "accept",  "refuse",  "split",   "close", "release",
	                                      "look",    "sign-in", "sign-out" };

static void every_verb_has_its_word(void **state)
{
	(void)state;
	for (unsigned verb = 0; verb < ACT_VERBS; verb++)
		assert_string_equal(act_verb_name((enum act_verb)verb), words[verb]);
	assert_string_equal(act_verb_name(ACT_VERBS), "unknown");
	assert_string_equal(act_verb_name((enum act_verb)77), "unknown");
}

static void every_word_is_its_verb(void **state)
{
	(void)state;
	for (unsigned verb = ACT_TAKE; verb < ACT_VERBS; verb++) {
		enum act_verb found = ACT_UNKNOWN;
		assert_true(act_verb_parse(words[verb], &found));
		assert_int_equal(found, verb);
	}
}

static void another_word_is_none(void **state)
{
	static const char *const others[] = { "", "unknown", "Take", "take ", "tak", "takes" };
	enum act_verb verb = ACT_NOTE;
	(void)state;
	for (size_t n = 0; n < sizeof others / sizeof *others; n++) {
		assert_false(act_verb_parse(others[n], &verb));
		assert_int_equal(verb, ACT_NOTE); /* untouched */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_verb_has_its_word),
		cmocka_unit_test(every_word_is_its_verb),
		cmocka_unit_test(another_word_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
