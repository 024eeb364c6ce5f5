#include "decide/alert.h"

#include <string.h>

/* The words of the JSON field `kind`; an interface. */
static const char *const names[ALERT_KINDS] = {
	[ALERT_UNKNOWN] = "unknown", [ALERT_PANIC] = "panic",         [ALERT_DURESS] = "duress",
	[ALERT_SILENT] = "silent",   [ALERT_MEDICAL] = "medical",     [ALERT_RELAY] = "relay",
	[ALERT_CALL] = "call",       [ALERT_INTRUSION] = "intrusion", [ALERT_TAMPER] = "tamper",
	[ALERT_BATTERY] = "battery", [ALERT_LINK] = "link",           [ALERT_TEST] = "test",
	[ALERT_CANCEL] = "cancel",   [ALERT_POSITION] = "position",
};

const char *alert_kind_name(enum alert_kind kind)
{
	return (unsigned)kind < ALERT_KINDS ? names[kind] : names[ALERT_UNKNOWN];
}

bool alert_kind_parse(const char *name, enum alert_kind *out)
{
	for (unsigned kind = 0; kind < ALERT_KINDS; kind++) {
		if (strcmp(names[kind], name) == 0) {
			*out = (enum alert_kind)kind;
			return true;
		}
	}
	return false;
}
