/*
 * The doors of the daemon: the listeners of senders and consoles with their TLS, and the admin
 * listener; bound to the configuration's addresses, or handed over by the service manager.
 *
 * run/server owns one. The admin door opens at once; the others when somebody can be recognised
 * behind them. What is said behind a door is the business of accept/ and push/.
 */
#ifndef TOCSIN_RUN_DOORS_H
#define TOCSIN_RUN_DOORS_H

#include <stdbool.h>

#include "run/activation.h"
#include "run/admin.h"
#include "run/conf.h"
#include "run/loop.h"
#include "wire/listener.h"

struct doors {
	struct listener *alerts, *consoles;
	struct admin *admin;
	struct activation activation;
};

/* Certificates of both doors, read whole before anything is changed; see doors_take. */
struct doors_tls {
	struct tls *alerts, *consoles;
};

/* Each says in the log why it failed. The loop's senders and consoles are there already; nothing
 * listens yet. */
bool doors_new(struct doors *d, struct loop *l, const struct conf *conf);
bool doors_open_admin(struct doors *d, struct loop *l, const struct conf *conf,
                      const struct admin_pages *pages);
bool doors_open(struct doors *d, const struct conf *conf); /* the consoles' first */
void doors_stop(struct doors *d); /* nobody comes in any more; the links stay */
void doors_free(struct doors *d); /* after the links */

/* A reload: all of it is read, then all of it is taken. */
bool doors_tls_load(struct doors_tls *t, const struct conf *conf);
void doors_tls_done(struct doors_tls *t);
void doors_take(struct doors *d, const struct conf *conf, const struct doors_tls *t);

bool doors_are_starved(const struct doors *d); /* no descriptor is left for a new link */

#endif
