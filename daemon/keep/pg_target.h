/*
 * Where PostgreSQL is: a conninfo taken apart into hosts that are tried one at a time, each with a
 * deadline of our own, because libpq would spend all of one on the first host that hangs.
 *
 * Read by the configuration check and by every thread that connects. Only numeric addresses and
 * sockets: looking up a name can block for as long as it likes. Holds a password: never logged.
 */
#ifndef TOCSIN_KEEP_PG_TARGET_H
#define TOCSIN_KEEP_PG_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include <libpq-fe.h>

#define PG_HOSTS_MAX       8
#define PG_HOST_LABEL_SIZE 128
#define PG_WHY_SIZE        256

struct pg_host {
	char name[256];   /* host: what a certificate must bear; or a socket's folder */
	char address[64]; /* hostaddr, numeric; empty for a socket */
	char port[8];
	char label[PG_HOST_LABEL_SIZE]; /* for people: "10.1.2.3:5432" */
};

struct pg_target {
	PQconninfoOption *options; /* owned */
	unsigned hosts_count;
	struct pg_host hosts[PG_HOSTS_MAX];
};

/* False, with a sentence in `why` that holds no value of a password: not a conninfo, no host, a
 * name without hostaddr, lists of different lengths, or a parameter that we cannot honour. */
bool pg_target_parse(struct pg_target *out, const char *conninfo, char why[static PG_WHY_SIZE]);
void pg_target_done(struct pg_target *t);

#endif
