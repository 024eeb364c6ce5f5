/*
 * The daemon put together: what is opened at the start and in which order, what a reload changes,
 * and how it ends. It owns every part; the turn itself is run/loop's.
 *
 * Order of a start: journal (lock, read, new epoch), registry and territory from the node's
 * snapshot or PostgreSQL, then the doors. A door opens when somebody can be recognised behind it.
 */
#ifndef TOCSIN_RUN_SERVER_H
#define TOCSIN_RUN_SERVER_H

#include "run/conf.h"

struct server;

/* NULL: something that a person must mend, logged with its cause. `path` is read again by a reload.
 */
struct server *server_new(const struct conf *conf, const char *path);
void server_free(struct server *s);

/* Until SIGTERM or SIGINT: then drains, writes a checkpoint and returns. False: it could not go on.
 */
bool server_run(struct server *s);

#endif
