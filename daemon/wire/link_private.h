/*
 * What link.c (an open connection), link_handshake.c (until it is one) and links.c (all of them,
 * and the turn) share. Nobody else includes this.
 */
#ifndef TOCSIN_WIRE_LINK_PRIVATE_H
#define TOCSIN_WIRE_LINK_PRIVATE_H

#include <sys/queue.h>

#include <event2/event_struct.h>

#include "wire/address.h"
#include "wire/frame.h"
#include "wire/links.h"
#include "wire/outbox.h"
#include "wire/timer.h"

enum link_state {
	LINK_QUIET,   /* accepted; has not said a byte and costs no TLS memory */
	LINK_SHAKING, /* in the handshake */
	LINK_OPEN,
	LINK_FLUSHING,  /* ended by us: sends what is queued, then close_notify */
	LINK_LINGERING, /* has said all; waits for the peer's end, so that no reset overtakes it */
	LINK_DEAD,      /* freed at reap */
};

struct link {
	struct timer timer; /* first, so that the timer is the link */
	struct links *links;
	struct link_group *group;
	SSL *ssl; /* NULL while quiet */
	void *owner;
	int fd;
	enum link_state state;
	enum link_end end;
	const char *detail;
	bool told_open; /* so on_end is owed */
	bool told_end;
	bool paused;                                            /* by the owner */
	bool read_blocked;                                      /* SSL_read wants to write first */
	bool in_shaking, in_dirty, in_held, in_again, in_ended; /* which lists it is in */
	size_t lingered;           /* bytes thrown away while lingering */
	struct mono begun;         /* accepted */
	struct mono heard;         /* opened, last whole frame, or resumed */
	struct mono part_since;    /* a frame is half read; not set: none */
	struct mono blocked_since; /* the out-queue does not move; not set: it does */
	struct mono close_due;
	struct event on_readable, on_writable;
	struct frame_reader in;
	struct outbox out;
	TAILQ_ENTRY(link)
	all_entry, shaking_entry, dirty_entry, held_entry, again_entry, ended_entry;
	char address[ADDRESS_TEXT_SIZE];
};

TAILQ_HEAD(link_list, link);

struct links {
	struct timer again_timer; /* first, so that the timer is the set */
	struct event_base *base;
	struct timers *timers;
	struct link_list all, shaking, dirty, held, again, ended;
	unsigned count;
	unsigned handshake_steps; /* left in this turn */
	bool paused;
	unsigned refusals, refusals_untold;
	struct mono refusals_since;
};

/* link.c, for the others */
void link_read(struct link *l);  /* an open one: gives out what is there, within a turn's budget */
void link_write(struct link *l); /* an open or flushing one: all that goes out now */
void link_fail(struct link *l, enum link_end end);              /* ends it at once */
void link_fail_tls(struct link *l, int error, int saved_errno); /* after SSL_* failed for good */
void link_watch(struct link *l, struct event *event);
void link_leave_shaking(struct link *l);
void link_leave_held(struct link *l);
void link_free(struct link *l);

/* link_handshake.c, for link.c: the next step, in the states quiet and shaking */
void link_shake(struct link *l);
enum link_end link_handshake_end(struct link *l, int reason); /* what a failed one says */

/* links.c, for link.c */
void links_wake(struct links *ls); /* another turn right after this one */

#endif
