#include "tool/suggest.h"

#include <ctype.h>
#include <string.h>

/* The letters of French place names outside ASCII, lower and upper case, without their marks. */
static const struct letter {
	const char *marked, *plain;
} letters[] = {
	{ "à", "a" }, { "â", "a" }, { "ä", "a" }, { "á", "a" }, { "ã", "a" },  { "ç", "c" },
	{ "è", "e" }, { "é", "e" }, { "ê", "e" }, { "ë", "e" }, { "î", "i" },  { "ï", "i" },
	{ "í", "i" }, { "ñ", "n" }, { "ô", "o" }, { "ö", "o" }, { "ó", "o" },  { "ù", "u" },
	{ "û", "u" }, { "ü", "u" }, { "ú", "u" }, { "ÿ", "y" }, { "œ", "oe" }, { "æ", "ae" },
	{ "À", "a" }, { "Â", "a" }, { "Ä", "a" }, { "Ç", "c" }, { "È", "e" },  { "É", "e" },
	{ "Ê", "e" }, { "Ë", "e" }, { "Î", "i" }, { "Ï", "i" }, { "Ô", "o" },  { "Ö", "o" },
	{ "Ù", "u" }, { "Û", "u" }, { "Ü", "u" }, { "Ÿ", "y" }, { "Œ", "oe" }, { "Æ", "ae" },
};

/* Words that lists shorten or spell in several ways; by their plain letters. */
static const struct word {
	const char *seen, *key;
} words[] = {
	{ "st", "saint" },
	{ "ste", "sainte" },
	{ "lez", "les" }, /* "near", as is lès */
	{ "s", "sur" },   /* Ozoir s/ ... */
};

static void add(char *out, size_t *length, const char *text, size_t count)
{
	for (size_t i = 0; i < count && *length + 1 < SUGGEST_KEY_SIZE; i++)
		out[(*length)++] = text[i];
	out[*length] = '\0';
}

/* One character in, its plain letters out ("" for what only separates); returns its bytes. */
static size_t plain_letter(const char *at, char out[static 3])
{
	out[0] = out[1] = '\0';
	if ((unsigned char)*at < 0x80) {
		out[0] = (char)(isalnum((unsigned char)*at) ? tolower((unsigned char)*at) : '\0');
		return 1;
	}
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		size_t length = strlen(letters[i].marked);
		if (strncmp(at, letters[i].marked, length) == 0) {
			memcpy(out, letters[i].plain, strlen(letters[i].plain) + 1);
			return length;
		}
	}
	size_t length = 1; /* another mark or letter: it separates */
	while (((unsigned char)at[length] & 0xc0) == 0x80)
		length++;
	return length;
}

/* Ends the word that begins at `from`: one of many spellings becomes the usual one. */
static void end_word(char *out, size_t from, size_t *length)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(out + from, words[i].seen) == 0) {
			*length = from;
			add(out, length, words[i].key, strlen(words[i].key));
			return;
		}
	}
}

const char *suggest_key(const char *name, char out[static SUGGEST_KEY_SIZE])
{
	size_t length = 0, from = 0;
	char letter[3];

	out[0] = '\0';
	for (const char *at = name; *at;) {
		at += plain_letter(at, letter);
		if (letter[0]) {
			add(out, &length, letter, strlen(letter));
		} else if (length > from) {
			end_word(out, from, &length);
			add(out, &length, " ", 1);
			from = length;
		}
	}
	end_word(out, from, &length);
	while (length > 0 && out[length - 1] == ' ')
		out[--length] = '\0';
	return out;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: Levenshtein's distance (1966) with Damerau's transpositions (1964). */
static unsigned edits_between(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned rows[3][SUGGEST_KEY_SIZE]; /* before last, last, this one */
	unsigned *before = rows[0], *last = rows[1], *this = rows[2];

	for (size_t j = 0; j <= b_length; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++) {
		this[0] = (unsigned)i;
		for (size_t j = 1; j <= b_length; j++) {
			bool is_swap =
			        i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
			this[j] = least(last[j] + 1, this[j - 1] + 1);
			this[j] = least(this[j], last[j - 1] + (a[i - 1] != b[j - 1]));
			if (is_swap)
				this[j] = least(this[j], before[j - 2] + 1);
		}
		unsigned *free_row = before;
		before = last;
		last = this;
		this = free_row;
	}
	return last[b_length];
}

unsigned suggest_distance(const char *a, const char *b)
{
	char a_key[SUGGEST_KEY_SIZE], b_key[SUGGEST_KEY_SIZE];
	size_t a_length = strlen(suggest_key(a, a_key)), b_length = strlen(suggest_key(b, b_key));
	unsigned edits = edits_between(a_key, a_length, b_key, b_length);

	/* One error in four letters is still that name; beyond, any short name would do. */
	unsigned most = a_length < 8 ? 1 : (unsigned)(a_length / 4);
	return edits <= most && edits < a_length ? edits : SUGGEST_FAR;
}
