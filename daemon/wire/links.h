/*
 * All links of one event loop, and the turn: run/ calls links_flush() and links_reap() once each.
 *
 * A turn is event_base_loop(EVLOOP_ONCE) (without it libevent goes on while there is work, and what
 * is rationed by the turn would spin), then links_flush(): one write for each link that has
 * something to say; last links_reap(): ends are told, the dead are freed, rations renewed.
 */
#ifndef TOCSIN_WIRE_LINKS_H
#define TOCSIN_WIRE_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/link.h"

struct event_base;
struct timers;

/* NULL: no memory. Ignores SIGPIPE in the whole process. */
struct links *links_new(struct event_base *base, struct timers *timers);
void links_free(struct links *ls); /* drops what is left without a word */

/* Once a turn: writes what was queued. True: owners queued more when they heard that all went out;
 * it leaves in the next turn, which must not wait for anything. */
bool links_flush(struct links *ls);
void links_reap(struct links *ls);  /* once a turn, last: tells ends and frees */

/* No message is given out until links_resume(); those already read are kept, and the kernel's
 * buffers push back on the peers. Handshakes go on. */
void links_pause(struct links *ls);
void links_resume(struct links *ls);

/* Closes every link of the group; NULL: of all. */
void links_close(struct links *ls, const struct link_group *group, enum link_end end);
/* Closes open links of the group whose certificate group->tls knows to be revoked; how many. */
unsigned links_close_revoked(struct links *ls, const struct link_group *group);
/* Ends the oldest handshake of the group that is older than `age_ms`; false: there is none. */
bool links_crowd_out(struct links *ls, const struct link_group *group, int64_t age_ms);
unsigned links_count(const struct links *ls);

#endif
