/*
 * One message of a console (proto/console.proto) to what it says: pure. Called by push/console for
 * each frame; fuzzed. A text that is not clean UTF-8 makes the message garbage: a console is our
 * own program, or one that must be mended.
 */
#ifndef TOCSIN_PUSH_CONSOLE_DECODE_H
#define TOCSIN_PUSH_CONSOLE_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "decide/event.h"
#include "support/position.h"

#define CONSOLE_VERSION 1
#define CONSOLE_REF_SIZE 65

enum console_kind { CONSOLE_GARBAGE, CONSOLE_HELLO, CONSOLE_ACT, CONSOLE_HEARTBEAT };

struct console_message {
	enum console_kind kind;
	bool speaks_ours;
	char operator[INCIDENT_OPERATOR_SIZE];
	struct position resume_after; /* not set: none, or not one */
	char ref[CONSOLE_REF_SIZE];
	bool is_too_long; /* an act whose note or disposition does not fit: answered, not applied */
	struct act act;   /* without operator, centre, department */
};

void console_decode(const uint8_t *bytes, size_t length, struct console_message *out);

#endif
