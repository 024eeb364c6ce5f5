/*
 * Words that many entries of a registry share (professions, specialties, certificate issuers): each
 * is kept once and counted, and overwritten when its last user lets it go.
 *
 * Owned and called by registry alone. A text of one person never goes here.
 */
#ifndef TOCSIN_DECIDE_WORDS_H
#define TOCSIN_DECIDE_WORDS_H

#include <stdint.h>

#include "decide/arena.h"
#include "decide/pool.h"
#include "decide/slots.h"

struct words {
	struct arena arena;
	struct pool pool;
	struct slots index;
};

void words_init(struct words *w);
void words_done(struct words *w);

/* One more use of this text (`length` bytes, without a terminator); 0: no memory. */
uint32_t words_take(struct words *w, const char *text, size_t length);
void words_drop(struct words *w, uint32_t word); /* one use less; fine for 0 */
/* The word if it is known, without using it; 0 when nobody does. */
uint32_t words_find(const struct words *w, const char *text, size_t length);
const char *words_text(const struct words *w, uint32_t word); /* lives as long as the use */
size_t words_bytes(const struct words *w);

#endif
