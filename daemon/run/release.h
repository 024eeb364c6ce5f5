/*
 * What was decided and may not leave yet: receipts and answers until their position is durable,
 * views until it is, or for at most `unrecorded_after_ms` (a sick disk never delays a human alarm).
 *
 * Two queues in the order of decision. It holds no rule about alerts; run/loop calls release() once
 * a turn.
 */
#ifndef TOCSIN_RUN_RELEASE_H
#define TOCSIN_RUN_RELEASE_H

#include <stdbool.h>
#include <stddef.h>

#include "decide/effect.h"
#include "support/clock.h"
#include "support/position.h"

struct release;
struct sender_note;
struct view;

struct release_ports {
	void *owner;
	void (*receipt)(void *owner, const struct effect *e, struct mono decided_at);
	void (*answer)(void *owner, const struct effect *e);
	void (*tell)(void *owner, struct sender_note *note);      /* takes it */
	void (*show)(void *owner, struct view *v, bool recorded); /* takes the reference */
};

struct release *release_new(const struct release_ports *ports, int64_t unrecorded_after_ms);
void release_free(struct release *r);
void release_set_wait(struct release *r, int64_t unrecorded_after_ms);

/* False: no memory. A receipt or answer is then never sent (the sender asks again); a view is shown
 * at once, as not recorded. */
bool release_put_receipt(struct release *r, const struct effect *e, struct mono at);
bool release_put_answer(struct release *r, const struct effect *e, struct mono at);
bool release_put_note(struct release *r, struct sender_note *note, struct position p,
                      struct mono at);
bool release_put_view(struct release *r, struct view *v, struct position p, struct mono at);

/* Lets go what may leave: `receipts` is what receipts may be given for, `recorded` what some keeper
 * has confirmed. Positions of an older epoch are durable. */
void release_run(struct release *r, struct position receipts, struct position recorded,
                 struct mono now);
/* When release_run must be called again though nothing became durable; not set: no need. */
struct mono release_next_wake(const struct release *r);
size_t release_waiting(const struct release *r); /* receipts and answers */

#endif
