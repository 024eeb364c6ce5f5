/*
 * What is degraded, and since when: one list that /readyz, `tocsin status`, the consoles'
 * heartbeats and the log read. A state enters and leaves it with one log line each; nothing here
 * acts on it.
 */
#ifndef TOCSIN_RUN_HEALTH_H
#define TOCSIN_RUN_HEALTH_H

#include <stdbool.h>

#include "support/clock.h"

#define HEALTH_WHY_SIZE 160

enum health_kind {
	HEALTH_JOURNAL_FAILING,  /* receipts wait for PostgreSQL */
	HEALTH_JOURNAL_LOW,      /* a person is needed before it fails */
	HEALTH_POSTGRES_AWAY,    /* rows wait in the journal */
	HEALTH_POSTGRES_SCHEMA,  /* its schema is too old, or too new for this daemon */
	HEALTH_POSTGRES_FOREIGN, /* it has records of this node that the node has not */
	HEALTH_REGISTRY_OLD,     /* served from the node's snapshot */
	HEALTH_REGISTRY_MISSING, /* nobody can be recognised yet: not ready */
	HEALTH_CLOCK,            /* not synchronised */
	HEALTH_NO_CONSOLE,       /* no operator is signed in anywhere */
	HEALTH_NO_ALARM,         /* no alarm command is set, or the last one failed */
	HEALTH_DESCRIPTORS,      /* none left for new links */
	HEALTH_CERTIFICATE,      /* one of ours ends soon */
	HEALTH_KINDS,
};

struct health {
	struct health_state {
		bool is_on;
		struct wall since;
		char why[HEALTH_WHY_SIZE];
	} states[HEALTH_KINDS];
};

/* `why` may be NULL when it is not on. */
void health_set(struct health *h, enum health_kind kind, bool is_on, const char *why,
                struct wall now);
bool health_is_on(const struct health *h, enum health_kind kind);
/* New alarms can be taken, matched and shown: not so without a registry, or with the journal and
 * PostgreSQL both away. */
bool health_is_ready(const struct health *h);
/* The n-th state that is on, the gravest first; NULL past the end. *kind may be NULL. */
const struct health_state *health_next(const struct health *h, unsigned n, enum health_kind *kind);

const char *health_name(enum health_kind kind);     /* "postgres-away"; stable */
const char *health_sentence(enum health_kind kind); /* for a dispatcher, in French */

#endif
