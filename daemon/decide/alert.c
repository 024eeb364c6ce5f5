#include "decide/alert.h"

#include <string.h>

static const char *const kind_names[ALERT_KINDS] = {
	"unknown", "panic",  "duress",	"silent", "medical", "relay",  "call",
	"intrusion", "tamper", "battery", "link",   "test",	   "cancel", "position",
};

const char *alert_kind_name(enum alert_kind kind)
{
	return kind < ALERT_KINDS ? kind_names[kind] : "unknown";
}

bool alert_kind_parse(const char *name, enum alert_kind *out)
{
	for (enum alert_kind kind = ALERT_UNKNOWN; kind < ALERT_KINDS; kind++) {
		if (strcmp(kind_names[kind], name) == 0) {
			*out = kind;
			return true;
		}
	}
	return false;
}
