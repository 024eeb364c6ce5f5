/*
 * Native senders: devices, buttons, regulation desks and telephone exchanges that speak
 * proto/sender.proto over a link. Turns their messages into events and decided effects into their
 * receipts. It decides nothing and keeps nothing; run/ owns it.
 */
#ifndef TOCSIN_ACCEPT_SENDER_H
#define TOCSIN_ACCEPT_SENDER_H

#include <stddef.h>

#include "decide/effect.h"
#include "decide/event.h"
#include "decide/registry.h"
#include "support/clock.h"
#include "wire/link.h"

struct senders;
struct timers;

/* What run/ gives: all borrowed, `owner` comes back in each call. */
struct sender_ports {
	void *owner;
	/* A place in the inbox for one event, to be filled at once; never NULL, as the links are
	 * paused before the inbox is full. */
	struct event *(*post)(void *owner);
	const struct registry *(*registry)(void *owner);
	/* A registered sender was heard or turned away: for the statistics. */
	void (*on_heard)(void *owner, enum source_kind kind);
};

struct sender_settings {
	unsigned window;         /* alerts in flight for each link: 1 to 255 */
	unsigned heartbeat_s;    /* senders say something at least this often */
	unsigned links_each;     /* of one source at a time; past it the oldest is closed */
	unsigned message_bytes_max;
	unsigned warn_days;      /* before a certificate ends, operations are told */
	char node[64];           /* its name */
};

/* The listener sees to the settings of senders_group(). */
struct senders *senders_new(const struct sender_ports *ports, const struct sender_settings *settings);
/* For a reload: counts for the next messages and links. */
void senders_set_settings(struct senders *s, const struct sender_settings *settings);
void senders_free(struct senders *s);
struct link_group *senders_group(struct senders *s);

/* EFFECT_RECEIPT, now that it may leave. Whose it was; SOURCE_KINDS: its link has ended. */
enum source_kind senders_receipt(struct senders *s, const struct effect *e);
/* EFFECT_STATE: each sender learns the state of its own alerts, and nothing else. The note is taken
 * when it is decided and given back when it may leave. NULL: no memory. */
struct sender_note;
struct sender_note *sender_note_new(const struct incident *i);
void senders_tell(struct senders *s, struct sender_note *note); /* frees it; NULL is fine */
/* After a reload of the registry: closes the links of sources that may not speak any more. */
void senders_check(struct senders *s);
void senders_goodbye(struct senders *s, const char *reason); /* each link is told, then closed */
/* Receipts that sessions still wait for. */
size_t senders_in_flight(const struct senders *s);

#endif
