#include "decide/event.h"

#include <string.h>

static const char *const act_names[ACT_VERBS] = {
	[ACT_UNKNOWN] = "unknown",   [ACT_TAKE] = "take",         [ACT_ENGAGE] = "engage",
	[ACT_NOTE] = "note",         [ACT_TRANSFER] = "transfer", [ACT_ACCEPT] = "accept",
	[ACT_REFUSE] = "refuse",     [ACT_SPLIT] = "split",       [ACT_CLOSE] = "close",
	[ACT_RELEASE] = "release",   [ACT_LOOK] = "look",         [ACT_SIGN_IN] = "sign-in",
	[ACT_SIGN_OUT] = "sign-out",
};

const char *act_verb_name(enum act_verb verb)
{
	return verb < ACT_VERBS ? act_names[verb] : "unknown";
}

bool act_verb_parse(const char *name, enum act_verb *out)
{
	for (enum act_verb verb = ACT_TAKE; verb < ACT_VERBS; verb++) {
		if (strcmp(act_names[verb], name) == 0) {
			*out = verb;
			return true;
		}
	}
	return false;
}
