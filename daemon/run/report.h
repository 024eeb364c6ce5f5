/*
 * The pages of the admin listener: what the parts of the daemon say of themselves, put together.
 * It only reads; run/server lends it the parts.
 */
#ifndef TOCSIN_RUN_REPORT_H
#define TOCSIN_RUN_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "keep/loader.h"
#include "run/doors.h"
#include "run/exposition.h"
#include "run/health.h"
#include "run/loop.h"
#include "run/stats.h"

struct report { /* borrowed */
	const struct loop *loop;
	struct loader *loader;
	const struct doors *doors;
	const struct health *health;
	const struct stats *stats;
	const char *node, *phase; /* its name; "starting", "serving", "stopping" */
	unsigned node_id;
	struct wall since;
};

/* Each for struct admin_pages; `owner` is a struct report. */
bool report_is_healthy(void *owner, char *out, size_t size);
bool report_is_ready(void *owner, char *out, size_t size);
void report_metrics(void *owner, struct exposition *e);
bool report_status(void *owner, char *out, size_t size);
/* One line for the service manager. */
void report_line(const struct report *r, char *out, size_t size);

#endif
