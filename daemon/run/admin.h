/*
 * The admin listener: health, readiness, metrics and status of this daemon in plain HTTP, for this
 * machine alone. It refuses every other address, and every request whose Host is a name other than
 * localhost (a page in somebody's browser could have a name of its own lead here).
 *
 * What the pages say comes from run/ through the callbacks; this file knows nothing of it.
 */
#ifndef TOCSIN_RUN_ADMIN_H
#define TOCSIN_RUN_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "run/exposition.h"

struct admin;
struct event_base;
struct timers;

/* Each writes a terminated text of less than `size` bytes. */
struct admin_pages {
	void *owner;
	/* /healthz: the loop turns; a line of text, 200 or 503. */
	bool (*is_healthy)(void *owner, char *out, size_t size);
	/* /readyz: alarms can be taken, matched and shown; text that says why not, 200 or 503. */
	bool (*is_ready)(void *owner, char *out, size_t size);
	/* /metrics, as Prometheus reads it. */
	void (*metrics)(void *owner, struct exposition *e);
	/* /status, a JSON object as `tocsin status` reads it; false: it did not fit. */
	bool (*status)(void *owner, char *out, size_t size);
};

/* NULL: no memory. */
struct admin *admin_new(struct event_base *base, struct timers *timers,
                        const struct admin_pages *pages);
void admin_free(struct admin *a);

/* False, with a sentence in `why`: not a loopback address, or it cannot be had. */
bool admin_bind(struct admin *a, const char *address, char *why, size_t why_size);
/* Takes the descriptor, also when it fails. */
bool admin_inherit(struct admin *a, int fd, char *why, size_t why_size);
uint16_t admin_port(const struct admin *a);

#endif
