/*
 * A link: one TLS connection that carries frames, with few verbs and named events.
 *
 * The owner (a session of accept/ or push/, a verb of tool/) is told of three things: it opened, a
 * message came, it ended. It sends, pauses and closes. Nothing it does calls it back from inside:
 * links end and are freed only in links_reap(), at the end of a turn, so that a link stays valid
 * for the whole turn. Every wait has a deadline and every queue a ceiling, see struct
 * link_settings. What a message says is no business of this room.
 */
#ifndef TOCSIN_WIRE_LINK_H
#define TOCSIN_WIRE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/clock.h"
#include "wire/tls.h"

struct link;
struct links;

/* Why a link ended: the first cause is kept. */
enum link_end {
	LINK_END_NONE,
	LINK_END_PEER_CLOSED,    /* the peer said goodbye (close_notify) */
	LINK_END_PEER_GONE,      /* cut without one */
	LINK_END_NOT_TLS,        /* a scanner: the first bytes are no TLS handshake */
	LINK_END_HANDSHAKE,      /* refused in the handshake, see link_detail() */
	LINK_END_NO_CERTIFICATE, /* of the peer */
	LINK_END_UNTRUSTED,      /* its certificate does not verify */
	LINK_END_REVOKED,        /* its certificate is on a revocation list */
	LINK_END_HANDSHAKE_LATE, /* not done in handshake_ms */
	LINK_END_CROWDED_OUT,    /* not done when others needed the place */
	LINK_END_EMPTY_FRAME,
	LINK_END_OVERSIZED,   /* a frame longer than message_bytes_max */
	LINK_END_STALLED,     /* half a frame for frame_ms */
	LINK_END_SILENT,      /* no whole frame for idle_ms */
	LINK_END_SLOW_READER, /* the out-queue is full, or did not move for write_ms */
	LINK_END_TLS,         /* a record that is not what it should be */
	LINK_END_PROTOCOL,    /* the owner: a message that makes no sense here */
	LINK_END_REFUSED,     /* the owner: this peer may not speak here */
	LINK_END_REPLACED,    /* the owner: the same peer has a newer link */
	LINK_END_SHUTDOWN,    /* the daemon drains */
	LINK_END_NO_MEMORY,
	LINK_ENDS,
};

const char *link_end_name(enum link_end end); /* "peer-gone"; stable */

struct link_callbacks {
	/* The handshake is done and nothing is revoked. `owner` is the group's; link_set_owner()
	 * from here on makes it the session's. */
	void (*on_open)(struct link *link, void *owner);
	/* One whole message, borrowed for the call, at least one byte. */
	void (*on_message)(struct link *link, void *owner, const uint8_t *bytes, size_t length);
	/* May be NULL. All that was queued went out: who holds back more may queue it now. */
	void (*on_drained)(struct link *link, void *owner);
	/* Last word, exactly once for each on_open, from links_reap(); `link` may not be used
	 * after. */
	void (*on_end)(struct link *link, void *owner, enum link_end end);
};

struct link_settings {
	int64_t handshake_ms; /* from accept to the end of the handshake */
	int64_t frame_ms;     /* from a frame's first byte to its last */
	int64_t idle_ms;      /* from one whole frame to the next; 0: no limit */
	int64_t write_ms;     /* a queue that does not move */
	int64_t close_ms;     /* to send what is left and hear the end */
	size_t message_bytes_max;
	size_t out_bytes_max; /* queued for a peer that does not read */
};

struct link_counters {
	uint64_t accepted, opened, resumed;
	uint64_t ended[LINK_ENDS];                               /* by cause, handshakes included */
	uint64_t messages_in, messages_out, bytes_in, bytes_out; /* bytes without TLS's own */
	uint64_t writes;
};

/* What the links of one listener share. It outlives them; settings may change while they live. */
struct link_group {
	const char *name; /* "alerts": in logs */
	struct tls *tls;  /* for the next handshakes; a live link keeps what it began with */
	struct link_callbacks callbacks;
	struct link_settings settings;
	void *owner;
	struct link_counters counters;
	unsigned count; /* alive, handshakes included */
	unsigned handshaking;
};

/* The server's end over an accepted, non-blocking socket, which it takes even when it fails. NULL:
 * no memory. */
struct link *link_new(struct links *ls, struct link_group *group, int fd);

void link_set_owner(struct link *link, void *owner);
/* Queues one message (1 to UINT32_MAX bytes). False: the link is not open, or it could not take it
 * and has ended for that (slow-reader, no-memory). */
bool link_send(struct link *link, const void *bytes, size_t length);
size_t link_queued(const struct link *link); /* bytes that the peer has not taken */
void link_pause(struct link *link);
void link_resume(struct link *link);
/* Sends what is queued, says goodbye and ends. No message comes after this call; on_end does. */
void link_close(struct link *link, enum link_end end);

bool link_is_open(const struct link *link);
bool link_peer(const struct link *link, struct tls_peer *out); /* see tls_peer_read */
const char *link_address(const struct link *link);             /* "192.0.2.7:40112" */
const char *link_detail(const struct link *link); /* OpenSSL's word on the end; or "" */

#endif
