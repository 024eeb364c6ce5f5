/*
 * A dispatcher's session at a console: what arrives becomes the board and announcements, what is
 * typed becomes acts, and what must not be missed sounds.
 *
 * Between the link (console_link.h) and what shows it (the front: a terminal, plain lines, or lines
 * of JSON); it touches neither a socket nor a terminal. Time arrives as an argument.
 */
#ifndef TOCSIN_TOOL_CONSOLE_SESSION_H
#define TOCSIN_TOOL_CONSOLE_SESSION_H

#include <stdbool.h>

#include "proto/console.pb-c.h"
#include "support/clock.h"
#include "tool/board.h"
#include "tool/console_screen.h"

#define CONSOLE_ACTS_MAX     16    /* without an answer yet */
#define CONSOLE_LOOKS_MAX    64    /* that wait for the link to come back */
#define CONSOLE_ANSWER_MS    10000 /* an act without an answer for so long is said */
#define CONSOLE_RING_MS      10000 /* between two bells for what nobody takes; */
#define CONSOLE_RING_LOUD_MS 3000  /* from level 1 on */
#define CONSOLE_LOST_MS      15000 /* between two announcements of a lost link */

struct console_now {
	struct mono mono;
	struct wall wall; /* of this machine */
};

struct console_front {
	void *owner;
	bool is_person; /* asks again before a quit that leaves incidents waiting */
	void (*show)(void *owner, const char *text); /* whole lines, styled and clean */
	void (*say)(void *owner, bool is_loud, const char *sentence);
	void (*ring)(void *owner);
	/* False: there is no link. */
	bool (*send)(void *owner, const Tocsin__V1__ConsoleMessage *message);
	void (*put_back)(void *owner, const char *line); /* what could not be sent, to send again */
};

struct console_session;

/* `look` is borrowed and may change (a window's width). NULL: no memory. */
struct console_session *console_session_new(const struct console_front *front,
					    const struct console_look *look, const char *centre,
					    const char *operator);
void console_session_free(struct console_session *s);

/* The link was made. False: the certificate is of another centre, and a sentence was said. */
bool console_session_opened(struct console_session *s, const Tocsin__V1__ConsoleWelcome *welcome,
			    struct console_now now);
void console_session_lost(struct console_session *s, const char *why, struct console_now now);

/* Takes the message. */
void console_session_message(struct console_session *s, Tocsin__V1__DeskMessage *message,
			     struct console_now now);

/* A line that was typed; `ref` is what its answer will bear. False: the session ends. */
bool console_session_command(struct console_session *s, const char *line, const char *ref,
			     struct console_now now);

/* Bells, lost links, acts without an answer; the next time it is due. */
struct mono console_session_tick(struct console_session *s, struct console_now now);

/* For the banner and the list. */
const struct console_status *console_session_status(struct console_session *s,
						    struct console_now now);
struct board *console_session_board(struct console_session *s);
struct wall console_session_wall(const struct console_session *s, struct console_now now);
/* All of a snapshot was shown since the link was made. */
bool console_session_is_live(const struct console_session *s);
/* Up to here all was shown: the last snapshot's end. Empty: nothing yet. */
const char *console_session_resume_after(const struct console_session *s);

#endif
