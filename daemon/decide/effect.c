#include "decide/effect.h"

#include <string.h>

#include "support/bug.h"

struct effect *effects_add(struct effects *fx, enum effect_kind kind)
{
	must(fx->count < EFFECTS_MAX);
	struct effect *e = &fx->list[fx->count++];
	memset(e, 0, sizeof *e);
	e->kind = kind;
	return e;
}

void effects_count(struct effects *fx, enum effect_count what)
{
	effects_add(fx, EFFECT_COUNT)->count = what;
}

const char *refusal_name(enum refusal refusal)
{
	static const char *const names[REFUSALS] = {
		[REFUSAL_NONE] = "",
		[REFUSAL_UNKNOWN_INCIDENT] = "unknown-incident",
		[REFUSAL_WRONG_STATE] = "wrong-state",
		[REFUSAL_OLD_REVISION] = "old-revision",
		[REFUSAL_NOT_YOURS] = "not-yours",
		[REFUSAL_NO_DISPOSITION] = "no-disposition",
		[REFUSAL_NO_NOTE] = "no-note",
		[REFUSAL_UNKNOWN_CENTRE] = "unknown-centre",
		[REFUSAL_UNKNOWN_ALERT] = "unknown-alert",
		[REFUSAL_NO_OFFER] = "no-offer",
		[REFUSAL_UNKNOWN_VERB] = "unknown-verb",
		[REFUSAL_NOT_ALLOWED] = "not-allowed",
		[REFUSAL_BUSY] = "busy",
	};
	return refusal < REFUSALS ? names[refusal] : "unknown";
}
