#include "decide/words.h"

#include <string.h>

#include "support/text.h"

struct word {
	uint32_t mark; /* the text and its terminator */
	uint32_t uses;
};

void words_init(struct words *w)
{
	*w = (struct words){ 0 };
	pool_init(&w->pool, sizeof(struct word));
}

void words_done(struct words *w)
{
	arena_done(&w->arena);
	pool_done(&w->pool);
	slots_done(&w->index);
}

static uint32_t words_hash(const char *text, size_t length)
{
	return (uint32_t)(text_hash(text, length, 0) >> 32);
}

const char *words_text(const struct words *w, uint32_t word)
{
	const struct word *record = pool_at(&w->pool, word);

	return arena_at(&w->arena, record->mark);
}

uint32_t words_find(const struct words *w, const char *text, size_t length)
{
	struct slots_probe p = slots_probe(&w->index, words_hash(text, length));
	uint32_t word;

	while ((word = slots_next(&w->index, &p)) != 0) {
		const char *known = words_text(w, word);
		if (strnlen(known, length + 1) == length && memcmp(known, text, length) == 0)
			break;
	}
	return word;
}

static uint32_t words_add(struct words *w, const char *text, size_t length)
{
	if (!slots_reserve(&w->index, 1))
		return 0;
	uint32_t mark = arena_add(&w->arena, length + 1);
	if (!mark)
		return 0;
	uint32_t word = pool_add(&w->pool);
	if (!word) {
		arena_wipe(&w->arena, mark, length + 1);
		return 0;
	}
	char *copy = arena_at(&w->arena, mark);
	memcpy(copy, text, length);
	copy[length] = '\0';
	*(struct word *)pool_at(&w->pool, word) = (struct word){ .mark = mark };
	slots_add(&w->index, words_hash(text, length), word);
	return word;
}

uint32_t words_take(struct words *w, const char *text, size_t length)
{
	uint32_t word = words_find(w, text, length);

	if (!word)
		word = words_add(w, text, length);
	if (word)
		((struct word *)pool_at(&w->pool, word))->uses++;
	return word;
}

void words_drop(struct words *w, uint32_t word)
{
	if (!word)
		return;
	struct word *record = pool_at(&w->pool, word);
	if (--record->uses > 0)
		return;
	const char *text = words_text(w, word);
	size_t length = strlen(text);
	slots_remove(&w->index, words_hash(text, length), word);
	arena_wipe(&w->arena, record->mark, length + 1);
	pool_remove(&w->pool, word);
}

size_t words_bytes(const struct words *w)
{
	return arena_bytes(&w->arena) + pool_bytes(&w->pool) + slots_bytes(&w->index);
}
