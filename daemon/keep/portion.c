#include "keep/portion.h"

#include <stdlib.h>

void portion_init(struct portion *p, uint32_t limit)
{
	*p = (struct portion){ .limit = limit };
}

void portion_done(struct portion *p)
{
	record_chunk_free_list(p->chunks);
	free(p->index);
	*p = (struct portion){ 0 };
}

static bool make_room(struct portion *p, const struct record_chunk *chunks)
{
	uint32_t wanted = 0;

	for (; chunks != NULL; chunks = chunks->next)
		wanted += chunks->count;
	if (wanted <= p->room)
		return true;
	struct record_view *index = realloc(p->index, wanted * sizeof *index);
	if (index == NULL)
		return false;
	p->index = index;
	p->room = wanted;
	return true;
}

bool portion_fill(struct portion *p, struct record_chunk *chunks, struct position after,
                  bool is_from_journal)
{
	struct record_view view;

	if (!make_room(p, chunks))
		return false;
	record_chunk_free_list(portion_leave(p));
	p->chunks = chunks;
	p->is_from_journal = is_from_journal;
	for (; chunks != NULL; chunks = chunks->next)
		for (size_t at = 0; record_chunk_next(chunks, &at, &view);)
			if (position_compare(after, view.position) < 0)
				p->index[p->count++] = view;
	return true;
}

bool portion_is_empty(const struct portion *p)
{
	return p->done == p->count;
}

struct record_chunk *portion_leave(struct portion *p)
{
	struct record_chunk *chunks = p->chunks;

	p->chunks = NULL;
	p->count = p->done = p->suspects = 0;
	p->is_aside = false;
	return chunks;
}

uint32_t portion_next(const struct portion *p)
{
	uint32_t left = p->count - p->done, wanted = p->limit;

	if (p->is_aside) {
		wanted = 1;
	} else if (p->suspects > p->done) {
		uint32_t half = (p->suspects - p->done + 1) / 2;
		wanted = half < wanted ? half : wanted;
	}
	return p->done + (wanted < left ? wanted : left);
}

void portion_stored(struct portion *p, uint32_t end, uint32_t limit_max)
{
	p->done = end;
	p->is_aside = false;
	if (p->suspects <= p->done)
		p->suspects = 0;
	p->limit = p->limit < limit_max / 2 ? p->limit * 2 : limit_max;
}

void portion_too_much(struct portion *p, uint32_t end)
{
	uint32_t tried = end - p->done;

	p->limit = tried > 1 ? tried / 2 : 1;
}

enum portion_refusal portion_refused(struct portion *p, uint32_t end)
{
	if (end - p->done > 1) {
		p->suspects = end;
		return PORTION_SPLIT;
	}
	p->suspects = 0; /* of what stands behind, nothing is known */
	if (!p->is_aside) {
		p->is_aside = true;
		return PORTION_ASIDE;
	}
	p->is_aside = false;
	p->done = end;
	return PORTION_LOST;
}
