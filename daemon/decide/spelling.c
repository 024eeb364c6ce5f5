#include "decide/spelling.h"

/* The next character. A byte that begins no well-formed UTF-8 (RFC 3629, 4) is taken for
 * Windows-1252, as older exchanges and spreadsheets send it; the terminating NUL ends every cut
 * sequence. */
static uint32_t next_code(const uint8_t **text)
{
	const uint8_t *at = *text;
	uint32_t first = *at++, code;
	unsigned more;

	*text = at;
	if (first >= 0xc2 && first <= 0xdf) {
		more = 1;
		code = first & 0x1f;
	} else if ((first & 0xf0) == 0xe0) {
		more = 2;
		code = first & 0x0f;
	} else if (first >= 0xf0 && first <= 0xf4) {
		more = 3;
		code = first & 0x07;
	} else {
		return first;
	}
	for (unsigned i = 0; i < more; i++) {
		if ((*at & 0xc0) != 0x80)
			return first;
		code = code << 6 | (*at++ & 0x3f);
	}
	/* An overlong form. Surrogates and what is beyond Unicode mean nothing here anyway. */
	if ((more == 2 && code < 0x800) || (more == 3 && code < 0x10000))
		return first;
	*text = at;
	return code;
}

char spelling_fold_ascii(char c)
{
	if (c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f')
		return ' ';
	if (c < ' ' || c == 0x7f)
		return SPELLING_MARK;
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* No-break, the typographic ones with thin and narrow, ideographic. */
static bool is_space(uint32_t code)
{
	return code == 0xa0 || (code >= 0x2000 && code <= 0x200a) || code == 0x202f ||
	       code == 0x205f || code == 0x3000;
}

/* What a contact list adds unseen when one copies from it: soft hyphen, joiners, direction marks,
 * byte order mark. */
static bool is_unseen(uint32_t code)
{
	return code == 0xad || (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x202a && code <= 0x202e) || (code >= 0x2060 && code <= 0x2069) ||
	       code == 0xfeff;
}

/* One character, 0 for none. Only ASCII digits are digits: no exchange and no French form writes
 * others, and what looks alike is how numbers are forged. */
static char fold(uint32_t code, char before)
{
	if (code < 0x80)
		return spelling_fold_ascii((char)code);
	if (is_space(code))
		return ' ';
	if (is_unseen(code))
		return 0;
	switch (code) {
	case 0x96 ... 0x97: /* of Windows-1252, as 0x92 to 0x94 below */
	case 0x2010 ... 0x2015:
	case 0x2212: return '-';
	case 0xb7:
	case 0x2022: return '.';
	case 0x93 ... 0x94:
	case 0xab:
	case 0xbb:
	case 0x201c ... 0x201d: return '"';
	case 0x92:
	case 0x2019: return '\'';
	case 0xb0:
	case 0xba:
		return before == 'n' ? 'o' : SPELLING_MARK; /* N° */
	/* The accents of masqué, privé, numéro, téléphone, and as a mark behind their letter. */
	case 0xc8 ... 0xcb:
	case 0xe8 ... 0xeb: return 'e';
	case 0x300 ... 0x36f: return spelling_is_letter(before) ? 0 : SPELLING_MARK;
	default: return SPELLING_MARK;
	}
}

bool spelling_fold(const char *raw, char *out, size_t max, struct span *folded)
{
	const uint8_t *at = (const uint8_t *)raw;
	size_t length = 0;

	/* No character is shorter than what it folds to, so that `max` bytes fit. */
	if (strnlen(raw, max + 1) > max)
		return false;
	while (*at) {
		char c = fold(next_code(&at), length > 0 ? out[length - 1] : ' ');
		if (c)
			out[length++] = c;
	}
	*folded = (struct span){ out, length };
	return true;
}
