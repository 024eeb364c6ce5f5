#include "decide/effect.h"

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
