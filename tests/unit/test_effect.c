#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "decide/effect.h"

/* An interface: the protocols' `refused` and `reason`. */
static void every_refusal_has_its_name(void **state)
{
	static const char *const names[REFUSALS] = { "",
		                                     "unknown-incident",
		                                     "wrong-state",
		                                     "old-revision",
		                                     "not-yours",
		                                     "no-disposition",
		                                     "no-note",
		                                     "unknown-centre",
		                                     "unknown-alert",
		                                     "no-offer",
		                                     "unknown-verb",
		                                     "not-allowed",
		                                     "busy" };
	(void)state;
	for (unsigned refusal = 0; refusal < REFUSALS; refusal++)
		assert_string_equal(refusal_name((enum refusal)refusal), names[refusal]);
	assert_string_equal(refusal_name(REFUSALS), "unknown");
}

static void an_effect_starts_empty(void **state)
{
	static struct effects fx;
	(void)state;
	memset(&fx, 0xff, sizeof fx);
	fx.count = 0;
	for (unsigned n = 0; n < EFFECTS_MAX; n++) {
		struct effect *e = effects_add(&fx, EFFECT_RECEIPT);
		assert_ptr_equal(e, &fx.list[n]);
		assert_int_equal(e->kind, EFFECT_RECEIPT);
		assert_int_equal(e->asker.token, 0);
		assert_int_equal(e->receipt.refused, REFUSAL_NONE);
		assert_false(position_is_set(e->position));
	}
	assert_int_equal(fx.count, EFFECTS_MAX);
	fx.count = 0;
	effects_count(&fx, COUNT_RENEWALS);
	assert_int_equal(fx.count, 1);
	assert_int_equal(fx.list[0].kind, EFFECT_COUNT);
	assert_int_equal(fx.list[0].count, COUNT_RENEWALS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_refusal_has_its_name),
		cmocka_unit_test(an_effect_starts_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
