/*
 * The alarm outside of tocsin: when nobody answers an incident, or the service cannot serve. Runs
 * the operator's program (alarm_command.h), one at a time, the next ones waiting up to a ceiling.
 *
 * On a thread of its own, because even starting a program waits for the disk that may be the reason
 * of the alarm. The loop only ever takes a short lock. Each outcome is logged and counted.
 */
#ifndef TOCSIN_RUN_ALARM_H
#define TOCSIN_RUN_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#include "run/alarm_command.h"
#include "run/stats.h"
#include "support/clock.h"

#define ALARM_QUEUE_MAX 16

struct alarm;

/* `stats` outlives it. NULL: no memory or no thread (errno). */
struct alarm *alarm_new(struct stats *stats);
/* Waits for what is running and waiting, `wait_ms` at most; what still runs then is left to it. */
void alarm_free(struct alarm *a, int64_t wait_ms);

/* For the alarms from now on; `program` "": there is none. */
void alarm_set(struct alarm *a, const char *program, int64_t timeout_ms);

enum alarm_answer {
	ALARM_QUEUED,
	ALARM_NONE,    /* no program is set */
	ALARM_DROPPED, /* ALARM_QUEUE_MAX wait already: somebody is being called as it is */
};

/* Never blocks. Both refusals are logged, and counted. */
enum alarm_answer alarm_raise(struct alarm *a, const struct alarm_cause *cause);

struct alarm_status {
	bool is_set, is_running;
	unsigned waiting;
	uint64_t ended;            /* how many have ended, in whatever way */
	struct alarm_outcome last; /* of the last one; when `ended` > 0 */
	struct wall last_at;
};
void alarm_status(struct alarm *a, struct alarm_status *out);

#endif
