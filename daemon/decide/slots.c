#include "decide/slots.h"

#include <stdlib.h>

#include "support/bug.h"

#define SLOTS_ROOM_MIN 16
#define SLOTS_ROOM_MAX (1u << 30)

/* At most four fifths full: a miss then reads thirteen entries, two lines, on average. */
static bool slots_is_full(uint32_t room, size_t count)
{
	return count > room - room / 5;
}

/* The hash scaled to the room: higher hashes stand later, whatever the room is. */
static uint32_t slots_home(const struct slots *s, uint32_t hash)
{
	return (uint32_t)((uint64_t)hash * s->room >> 32);
}

static uint32_t slots_after(const struct slots *s, uint32_t at)
{
	return at + 1 == s->room ? 0 : at + 1;
}

void slots_done(struct slots *s)
{
	free(s->entries);
	*s = (struct slots){ 0 };
}

static void slots_place(struct slots *s, struct slots_entry entry)
{
	uint32_t at = slots_home(s, entry.hash);

	while (s->entries[at].slot != 0)
		at = slots_after(s, at);
	s->entries[at] = entry;
}

bool slots_reserve(struct slots *s, size_t more)
{
	if (more > SLOTS_ROOM_MAX)
		return false;
	size_t count = s->count + more;
	if (s->room != 0 && !slots_is_full(s->room, count))
		return true;

	/* Half as much again when it grows by itself, what was asked for when that is more. */
	size_t room = s->room + s->room / 2;
	if (room < count + count / 3)
		room = count + count / 3;
	if (room < SLOTS_ROOM_MIN)
		room = SLOTS_ROOM_MIN;
	if (room > SLOTS_ROOM_MAX)
		return false;
	struct slots grown = { .entries = calloc(room, sizeof *grown.entries),
		               .room = (uint32_t)room,
		               .count = s->count };
	if (!grown.entries)
		return false;
	for (uint32_t i = 0; i < s->room; i++)
		if (s->entries[i].slot != 0)
			slots_place(&grown, s->entries[i]);
	free(s->entries);
	*s = grown;
	return true;
}

void slots_add(struct slots *s, uint32_t hash, uint32_t slot)
{
	if (BUG(s->room == 0 || slots_is_full(s->room, (size_t)s->count + 1)))
		return;
	slots_place(s, (struct slots_entry){ hash, slot });
	s->count++;
}

/* May what stands at `at` move back to `hole`? Only if its search, which starts at `home` and goes
 * round, comes by the hole first. */
static bool slots_is_movable(uint32_t home, uint32_t hole, uint32_t at)
{
	return hole < at ? home <= hole || home > at : home <= hole && home > at;
}

void slots_remove(struct slots *s, uint32_t hash, uint32_t slot)
{
	if (s->room == 0)
		return;
	uint32_t hole = slots_home(s, hash);
	while (s->entries[hole].slot != slot || s->entries[hole].hash != hash) {
		if (s->entries[hole].slot == 0)
			return;
		hole = slots_after(s, hole);
	}
	/* What stands further on and could stand in the hole moves there, until an empty place. */
	for (uint32_t at = slots_after(s, hole); s->entries[at].slot != 0;
	     at = slots_after(s, at)) {
		if (!slots_is_movable(slots_home(s, s->entries[at].hash), hole, at))
			continue;
		s->entries[hole] = s->entries[at];
		hole = at;
	}
	s->entries[hole] = (struct slots_entry){ 0 };
	s->count--;
}

struct slots_probe slots_probe(const struct slots *s, uint32_t hash)
{
	return (struct slots_probe){ .hash = hash, .at = s->room ? slots_home(s, hash) : 0 };
}

uint32_t slots_next(const struct slots *s, struct slots_probe *p)
{
	if (s->room == 0)
		return 0;
	while (s->entries[p->at].slot != 0) {
		struct slots_entry entry = s->entries[p->at];
		p->at = slots_after(s, p->at);
		if (entry.hash == p->hash)
			return entry.slot;
	}
	return 0;
}

size_t slots_bytes(const struct slots *s)
{
	return s->room * sizeof *s->entries;
}
