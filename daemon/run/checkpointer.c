#include "run/checkpointer.h"

#include <stdlib.h>

#include "decide/repeat.h"
#include "keep/record.h"
#include "support/log.h"

#define SLICE_INCIDENTS 32
#define SLICE_MEMORIES  512

enum stage { STAGE_IDLE, STAGE_INCIDENTS, STAGE_MEMORIES, STAGE_END };

struct checkpointer {
	uint64_t every_bytes, bytes;
	enum stage stage;
	struct incident_id *ids; /* open at the beginning; who closes meanwhile is passed over */
	size_t count, next;
	size_t memories; /* remembered at the beginning, still to be written */
	bool has_left;   /* `left` is packed and was not taken yet */
	size_t left_length;
	uint8_t left[RECORD_BYTES_MAX];
};

struct checkpointer *checkpointer_new(uint64_t every_bytes)
{
	struct checkpointer *c = calloc(1, sizeof *c);
	if (c != NULL)
		c->every_bytes = every_bytes;
	return c;
}

void checkpointer_free(struct checkpointer *c)
{
	if (c == NULL)
		return;
	free(c->ids);
	free(c);
}

void checkpointer_kept(struct checkpointer *c, size_t bytes)
{
	c->bytes += bytes;
}

static void stop(struct checkpointer *c)
{
	free(c->ids);
	c->ids = NULL;
	c->stage = STAGE_IDLE;
	c->has_left = false;
}

void checkpointer_begin(struct checkpointer *c, struct world *w, struct journal *j)
{
	if (c->stage != STAGE_IDLE)
		return;
	c->bytes = 0;
	c->count = c->next = 0;
	c->ids = malloc((table_count(w->incidents) + 1) * sizeof *c->ids);
	if (c->ids == NULL)
		return; /* the records are still there; a later turn tries again */
	struct incident *i;
	for (size_t n = 0; (i = world_next_incident(w, &n)) != NULL;)
		c->ids[c->count++] = i->id;
	repeats_walk_begin(w->repeats);
	c->memories = repeats_count(w->repeats);
	if (journal_checkpoint_begin(j, w->next) == JOURNAL_OK)
		c->stage = STAGE_INCIDENTS;
	else
		stop(c);
}

/* Packs the next item into `left`; false: this stage has no more. */
static bool pack_next(struct checkpointer *c, struct world *w, struct mono now, struct wall wall)
{
	while (c->stage == STAGE_INCIDENTS && c->next < c->count) {
		const struct incident *i = world_incident(w, c->ids[c->next++]);
		if (i == NULL)
			continue;
		c->left_length = record_encode_incident(i, now, wall, c->left);
		return true;
	}
	if (c->stage != STAGE_MEMORIES || c->memories == 0)
		return false;
	const struct repeat *r = repeats_walk(w->repeats);
	if (r == NULL)
		return false;
	c->memories--;
	c->left_length = record_encode_memory(r, c->left);
	return true;
}

bool checkpointer_turn(struct checkpointer *c, struct world *w, struct journal *j, struct mono now,
                       struct wall wall)
{
	if (c->stage == STAGE_IDLE && c->bytes >= c->every_bytes)
		checkpointer_begin(c, w, j);
	unsigned slice = c->stage == STAGE_INCIDENTS ? SLICE_INCIDENTS : SLICE_MEMORIES;
	enum journal_answer answer = JOURNAL_OK;
	for (unsigned n = 0;
	     n < slice && (c->stage == STAGE_INCIDENTS || c->stage == STAGE_MEMORIES); n++) {
		c->has_left = c->has_left || pack_next(c, w, now, wall);
		if (!c->has_left) {
			c->stage++;
			continue;
		}
		answer = journal_checkpoint_add(j, c->left, c->left_length);
		if (answer != JOURNAL_OK)
			break;
		c->has_left = false;
	}
	if (answer == JOURNAL_FULL)
		return false; /* the thread is behind: its wake-up brings the next turn */
	if (c->stage == STAGE_END)
		answer = journal_checkpoint_end(j);
	if (c->stage == STAGE_END || answer != JOURNAL_OK) {
		if (answer == JOURNAL_FULL)
			return false;
		if (answer != JOURNAL_OK)
			log_event(LOG_LEVEL_ERROR, "checkpoint-failed",
			          LOG_TEXT("why", journal_answer_text(answer)));
		stop(c);
	}
	return c->stage != STAGE_IDLE;
}
