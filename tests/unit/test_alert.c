/* The kinds' words are an interface: JSON, command line, messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "decide/alert.h"

static const struct {
	enum alert_kind kind;
	const char *name;
} kinds[] = {
	{ALERT_UNKNOWN,    "unknown"  },
        { ALERT_PANIC,     "panic"    },
        { ALERT_DURESS,    "duress"   },
	{ ALERT_SILENT,    "silent"   },
        { ALERT_MEDICAL,   "medical"  },
        { ALERT_RELAY,     "relay"    },
	{ ALERT_CALL,      "call"     },
        { ALERT_INTRUSION, "intrusion"},
        { ALERT_TAMPER,    "tamper"   },
	{ ALERT_BATTERY,   "battery"  },
        { ALERT_LINK,      "link"     },
        { ALERT_TEST,      "test"     },
	{ ALERT_CANCEL,    "cancel"   },
        { ALERT_POSITION,  "position" },
};

static void every_kind_has_its_word(void **state)
{
	(void)state;
	assert_int_equal(sizeof kinds / sizeof kinds[0], ALERT_KINDS);
	for (size_t i = 0; i < ALERT_KINDS; i++)
		assert_string_equal(alert_kind_name(kinds[i].kind), kinds[i].name);
	/* From a later version: shown as unknown, never as nothing. */
	assert_string_equal(alert_kind_name(ALERT_KINDS), "unknown");
	assert_string_equal(alert_kind_name((enum alert_kind) - 1), "unknown");
}

static void every_word_is_its_kind(void **state)
{
	(void)state;
	for (size_t i = 0; i < ALERT_KINDS; i++) {
		enum alert_kind kind = ALERT_KINDS;
		assert_true(alert_kind_parse(kinds[i].name, &kind));
		assert_int_equal(kind, kinds[i].kind);
	}
}

static void another_word_is_none(void **state)
{
	static const char *const words[] = { "", "Panic", "panic ", "pani", "panics", "alert" };
	enum alert_kind kind = ALERT_TEST;

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		assert_false(alert_kind_parse(words[i], &kind));
		assert_int_equal(kind, ALERT_TEST); /* untouched */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_its_word),
		cmocka_unit_test(every_word_is_its_kind),
		cmocka_unit_test(another_word_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
