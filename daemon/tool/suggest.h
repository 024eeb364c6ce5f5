/*
 * When a name matches nothing: which known name it may be meant for. A suggestion for a person to
 * read, never a match.
 *
 * Names of communes come in spellings: accents and hyphens left out, `-lès-` for `-les-`, St for
 * Saint, typing errors. Pure; UTF-8 in, as text_is_clean_utf8 has it.
 */
#ifndef TOCSIN_TOOL_SUGGEST_H
#define TOCSIN_TOOL_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>

#define SUGGEST_KEY_SIZE 128
#define SUGGEST_FAR      ((unsigned)-1)

/* "Brie-lès-Aÿ" and "BRIE LES AY" have one key. Returns `out`; a name too long for it is cut. */
const char *suggest_key(const char *name, char out[static SUGGEST_KEY_SIZE]);

/* How many typing errors lie between two names' keys: a letter too many, too few, another, or two
 * in the wrong order. SUGGEST_FAR when they are too many for the length to mean anything. */
unsigned suggest_distance(const char *a, const char *b);

#endif
