/*
 * A record: what one event decided, as bytes (proto/journal.proto). Written by run/loop for the
 * journal and PostgreSQL in the turn that decided it; an incident stands in it as the groups that
 * changed, in a checkpoint with all of them. restore.h reads them back into a world.
 */
#ifndef TOCSIN_KEEP_RECORD_H
#define TOCSIN_KEEP_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "decide/effect.h"
#include "decide/repeat.h"
#include "support/clock.h"

/* No record is larger: an incident with every list full takes under 16 KiB, an event has at most
 * EFFECT_INCIDENTS_MAX of them. */
#define RECORD_BYTES_MAX (192 * 1024)

/* The record of an EFFECT_KEEP. Clears the incidents' marks of what changed. Returns the length;
 * `room` is at least RECORD_BYTES_MAX. */
size_t record_encode(const struct effect *keep, struct mono now, struct wall wall, uint8_t *out);

/* Items of a checkpoint. */
size_t record_encode_incident(const struct incident *i, struct mono now, struct wall wall, uint8_t *out);
size_t record_encode_memory(const struct repeat *r, uint8_t *out);

#endif
