/*
 * A listener: the sockets of one service ("alerts", "consoles"), its TLS, and the links that came
 * in through it, with their caps. The sockets are bound here or inherited from the supervisor.
 *
 * It keeps the door usable: a few new links a turn, so that open ones go first; when handshakes
 * crowd, the oldest unfinished one gives way; when the process has no descriptor left, the next
 * peer is turned away (through one held in reserve) instead of hanging, and accepting rests a
 * moment. run/ owns it; what the links say is their owners' business.
 */
#ifndef TOCSIN_WIRE_LISTENER_H
#define TOCSIN_WIRE_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/links.h"

struct listener;

struct listener_settings {
	unsigned links_max;      /* open and in the handshake */
	unsigned handshakes_max; /* at once */
	struct link_settings link;
};

struct listener_counters {
	uint64_t turned_away_full; /* links_max reached */
	uint64_t turned_away_descriptors;
	uint64_t rests; /* accepting paused, for whatever cause */
};

/* `group` is its owner's, with name, callbacks and owner set, and outlives it; the listener sees to
 * the group's settings and TLS. `tls` is referenced. NULL: no memory. */
struct listener *listener_new(struct event_base *base, struct timers *timers, struct links *links,
                              struct link_group *group, const struct listener_settings *settings,
                              struct tls *tls);
/* Its links must be gone (links_free, or listener_links() is 0). */
void listener_free(struct listener *ls);

/* One more socket, bound to "HOST:PORT" in figures or inherited. An inherited descriptor is taken
 * even when it fails. False, with a sentence in `why`. */
bool listener_bind(struct listener *ls, const char *address, char *why, size_t why_size);
bool listener_inherit(struct listener *ls, int fd, char *why, size_t why_size);

/* For a reload. New TLS is for new links; open ones that it knows to be revoked are ended. */
void listener_set_tls(struct listener *ls, struct tls *tls);
void listener_set_settings(struct listener *ls, const struct listener_settings *settings);

/* Closes the sockets: nobody comes in any more. The links stay. */
void listener_stop(struct listener *ls);

const char *listener_name(const struct listener *ls);
const struct tls *listener_tls(const struct listener *ls);
uint16_t listener_port(const struct listener *ls); /* of the first socket */
unsigned listener_links(const struct listener *ls);
struct link_group *listener_group(const struct listener *ls);
const struct link_counters *listener_link_counters(const struct listener *ls);
const struct listener_counters *listener_counters(const struct listener *ls);
/* Since when the process has had no descriptor for a new link; not set: all is well. */
struct mono listener_starved_since(const struct listener *ls);

#endif
