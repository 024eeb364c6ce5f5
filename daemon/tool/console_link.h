/*
 * A console's link that is always there or says that it is not: connects, signs in, keeps the
 * heartbeat, notices silence, comes back by itself and resumes.
 *
 * Driven by the verb console beside its keyboard: it never waits but for a send (a second at most).
 * Time arrives as an argument.
 */
#ifndef TOCSIN_TOOL_CONSOLE_LINK_H
#define TOCSIN_TOOL_CONSOLE_LINK_H

#include <stdbool.h>

#include "proto/console.pb-c.h"
#include "support/clock.h"
#include "tool/client.h"

#define CONSOLE_LINK_GREETING_MS    5000 /* from the attempt to the welcome */
#define CONSOLE_LINK_RETRY_FIRST_MS 200
#define CONSOLE_LINK_RETRY_MAX_MS   2000
#define CONSOLE_LINK_SILENCE_BEATS  2 /* so many heartbeats without a word: lost */

struct console_link;

enum console_link_event {
	CONSOLE_LINK_NOTHING, /* poll, until console_link_wake() at the latest */
	CONSOLE_LINK_OPENED,  /* the welcome; *message is it */
	CONSOLE_LINK_SAID,    /* *message */
	CONSOLE_LINK_ENDED,   /* lost, or not made; console_link_why(). It will try again. */
};

/* Takes the client. NULL: no memory; the client is freed then too. */
struct console_link *console_link_new(struct client *client, const char *operator);
void console_link_free(struct console_link *l);

/* What is next; to be called until it is CONSOLE_LINK_NOTHING. A message is the caller's to free.
 */
enum console_link_event console_link_step(struct console_link *l, struct mono now,
					  Tocsin__V1__DeskMessage **message);

/* False: there is no link, or it ended; the next step says so. */
bool console_link_send(struct console_link *l, const Tocsin__V1__ConsoleMessage *message,
		       struct mono now);

/* From where the next link resumes: a position up to which all was shown here. */
void console_link_resume_after(struct console_link *l, const char *position);
/* All was shown: the next attempt after a loss comes as soon as the first. */
void console_link_is_good(struct console_link *l);

bool console_link_is_up(const struct console_link *l);
const char *console_link_why(const struct console_link *l); /* for the dispatcher */
int console_link_fd(const struct console_link *l);          /* -1: nothing to poll */
short console_link_events(const struct console_link *l);
struct mono console_link_wake(const struct console_link *l);

#endif
