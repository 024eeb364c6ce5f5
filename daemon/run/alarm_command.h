/*
 * Runs the operator's alarm program once and waits for it: what rings outside of tocsin, on a way
 * that does not depend on it. Blocks; run/alarm calls it on a thread of its own, the command's verb
 * in its process.
 *
 * No shell and no arguments. What it is about stands in the environment: TOCSIN_ALARM_REASON (a
 * stable code), _TEXT (a sentence for people), _INCIDENT and _PRIORITY (empty when it is about the
 * service), _TEST (1 or 0), _WAITING (how many alarms wait behind it), and TOCSIN_NODE. No name, no
 * number, no place of anybody.
 */
#ifndef TOCSIN_RUN_ALARM_COMMAND_H
#define TOCSIN_RUN_ALARM_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "support/id.h"

struct alarm_cause {
	char reason[64];
	char text[256];
	char incident[ID_TEXT_SIZE];
	unsigned priority; /* 0: none */
	bool is_test;
	unsigned waiting;
	char node[16];
};

enum alarm_end {
	ALARM_END_DONE,        /* it ended with 0 */
	ALARM_END_FAILED,      /* with another status, `code` */
	ALARM_END_KILLED,      /* by signal `code` */
	ALARM_END_LATE,        /* it was ended because its time was over */
	ALARM_END_NOT_STARTED, /* errno `code` */
	ALARM_END_LEFT,        /* it goes on: we were told to stop waiting */
	ALARM_ENDS,
};

struct alarm_outcome {
	enum alarm_end end;
	int code;
	int64_t took_ms;
};

/* `stop_fd`: readable means to wait no longer; -1: none. Past `timeout_ms` the program and what it
 * started are asked to end, and killed 2 s later. */
struct alarm_outcome alarm_command_run(const char *program, const struct alarm_cause *cause,
                                       int64_t timeout_ms, int stop_fd);

const char *alarm_end_name(enum alarm_end end); /* "done", "failed", ... */

#endif
