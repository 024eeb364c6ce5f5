/*
 * Consoles of the centres (proto/console.proto): who signed in, what each was shown, their acts as
 * events and the answers to them. It decides nothing; run/ owns it.
 *
 * A console that reads slowly is not sent every revision: what it missed collapses to the newest
 * revision of each incident, priority first, so its queue is bounded by the incidents it concerns.
 */
#ifndef TOCSIN_PUSH_CONSOLE_H
#define TOCSIN_PUSH_CONSOLE_H

#include <stddef.h>

#include "decide/effect.h"
#include "decide/event.h"
#include "push/desk.h"
#include "wire/link.h"

struct consoles;
struct timers;

/* Askers of acts bear this bit, so that run/ tells them from senders. */
#define CONSOLE_TOKEN_BIT (1ULL << 63)

struct console_ports {
	void *owner;
	struct event *(*post)(void *owner); /* as for senders: a place in the inbox, never NULL */
	const struct registry *(*registry)(void *owner);
	const struct territory *(*territory)(void *owner);
	struct position (*durable)(void *owner); /* everything up to here is kept */
	/* The n-th state that a dispatcher should know of, NULL past the end; each heartbeat tells. */
	const char *(*degraded)(void *owner, unsigned n);
};

struct console_settings {
	unsigned heartbeat_s;
	char node[64]; /* its name */
};

struct consoles *consoles_new(struct timers *timers, const struct console_ports *ports,
			      const struct console_settings *settings);
/* For a reload: counts from the next heartbeat on. */
void consoles_set_settings(struct consoles *c, const struct console_settings *settings);
void consoles_free(struct consoles *c);
struct link_group *consoles_group(struct consoles *c);
struct desk *consoles_desk(struct consoles *c);

/* EFFECT_SHOW, now that it may leave; takes the view's reference. */
void consoles_show(struct consoles *c, struct view *v, struct mono now);
/* EFFECT_ANSWER, now that it may leave. */
void consoles_answer(struct consoles *c, const struct effect *e);
/* What is durable moved on: consoles that were shown more are told. */
void consoles_recorded(struct consoles *c, struct position durable);
/* After a reload: closes the links of consoles that may not look any more. */
void consoles_check(struct consoles *c);
void consoles_goodbye(struct consoles *c, const char *reason);
size_t consoles_count(const struct consoles *c); /* operators signed in */

#endif
