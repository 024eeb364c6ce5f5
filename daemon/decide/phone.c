#include "decide/phone.h"

#include <stdbool.h>
#include <string.h>

#include "decide/spelling.h"

/*
 * In four steps, each blind to the others: fold the bytes to small plain ASCII; find the part of a
 * header that says the number; take label and extension off; read the digits. Folding leaves a
 * mark where a character was that no spelling of a number has, so that it cannot vanish.
 */

#define ADDRESSES_MAX        4 /* RFC 3325, 9.1, allows two */
#define EXTENSION_DIGITS_MAX 7

static const struct phone invalid = { .verdict = PHONE_INVALID };
static const struct phone withheld = { .verdict = PHONE_WITHHELD };

/* ---- withheld ---- */

/*
 * "anonymous", "N° masqué", "Private number", "appelant inconnu": one word that withholds, and
 * around it only words that carry nothing. P and O are how an exchange says on the line itself
 * that the number is private or out of area (ETSI EN 300 659-3, reason for absence).
 *
 * An empty text is not here on purpose. Nobody has said that the caller hides; an exchange that
 * gives nothing at all for every call is wrongly set up, and must be counted as such instead of
 * passing for a town of discreet callers.
 */
/* clang-format off */
static const char *const withholding_words[] = {
	"anonymous", "anonyme", "masque", "masquee", "inconnu", "inconnue", "prive", "privee", "secret",
	"secrete", "confidentiel", "confidentielle", "indisponible", "restreint", "restreinte", "cache",
	"cachee", "withheld", "unavailable", "restricted", "private", "unknown", "hidden", "blocked",
	"clir", NULL,
};
static const char *const empty_words[] = {
	"numero", "num", "no", "n", "appel", "appelant", "appelante", "correspondant", "identite", "id",
	"de", "l", "d", "presentation", "caller", "callerid", "number", "call", "user", "line", "ligne", "tel",
	"telephone", NULL,
};
static const char *const withholding_phrases[] = {
	"p", "o", "non disponible", "numero non disponible", "non communique", "numero non communique",
	"non identifie", "numero non identifie", "appel non identifie", "pas de numero",
	"not available", "number not available", "no number", "no caller id", "out of area",
	"liste rouge", NULL,
};
/* clang-format on */

static bool is_withheld(struct span s)
{
	char joined[32]; /* the words with single spaces, as far as they fit: the phrases do */
	size_t used = 0;
	bool found = false, other = false, fits = true;

	if (span_find(s, "0123456789") < s.length)
		return false; /* most texts; no word of ours has a digit */
	while (s.length > 0) {
		struct span word = span_head(s, span_find(s, " .-_/'\"()[]"));
		s = span_skip(s, word.length < s.length ? word.length + 1 : word.length);
		if (word.length == 0)
			continue;
		if (span_is_one_of(word, withholding_words))
			found = true;
		else if (!span_is_one_of(word, empty_words))
			other = true;
		fits = fits && word.length < sizeof joined - used;
		if (!fits)
			continue;
		if (used > 0)
			joined[used++] = ' ';
		memcpy(joined + used, word.at, word.length);
		used += word.length;
	}
	if (found && !other)
		return true;
	return fits && span_is_one_of((struct span){ joined, used }, withholding_phrases);
}

/* ---- digits ---- */

static struct phone number(struct e164 number)
{
	struct phone phone = { .verdict = PHONE_NUMBER, .number = number };

	phone_format(number, phone.text);
	return phone;
}

static struct phone short_code(struct span digits)
{
	struct phone phone = { .verdict = PHONE_SHORT };

	memcpy(phone.text, digits.at, digits.length);
	return phone;
}

static struct phone international(struct span digits)
{
	struct e164 found;

	if (!numbering_international(digits.at, digits.length, &found))
		return invalid;
	return number(found);
}

/*
 * Digits without a + before them. `bare` says that nothing stood between them, as a machine writes
 * them.
 *
 *  1. 00 is the international prefix of the French plan.
 *  2. 0 is the trunk prefix: ten digits, fourteen for a machine's number.
 *  3. A short code.
 *  4. Nine bare digits: signalling gives a national caller without the 0 (ITU-T Q.763, 3.10,
 *     "national (significant) number"), and an exchange that does not add it shows this. SIREN and
 *     ADELI numbers have nine digits as well, so digits in groups are not taken.
 *  5. The country code of a French territory without its +: the same exchanges, "international
 *     number". Only these: eleven digits are also an RPPS number, and its 1 or 8 must not become
 *     America or Japan.
 */
static struct phone national(struct span digits, bool bare)
{
	struct e164 found;

	if (span_begins(digits, "00"))
		return international(span_skip(digits, 2));
	if (span_begins(digits, "0")) {
		if (!numbering_national(digits.at + 1, digits.length - 1, &found))
			return invalid;
		return number(found);
	}
	if (numbering_is_short(digits.at, digits.length))
		return short_code(digits);
	if (digits.length == 9) {
		if (!bare || !numbering_national(digits.at, digits.length, &found))
			return invalid;
		return number(found);
	}
	if (digits.length >= 11 && span_begins(digits, "33"))
		return international(digits);
	if (digits.length >= 12 && numbering_is_french(digits.at, 3))
		return international(digits);
	return invalid;
}

/* RFC 3966, 5.1.5: a local number stands behind the prefix that its context gives. A context that
 * is a domain names the exchange, which is in France. */
static struct phone in_context(struct span digits, bool bare, struct span context)
{
	char all[2 * NUMBERING_DIGITS_MAX];
	size_t count = 0;

	if (!span_begins(context, "+"))
		return national(digits, bare);
	for (size_t i = 1; i < context.length; i++) {
		char c = context.at[i];
		if (spelling_is_digit(c) && count < NUMBERING_DIGITS_MAX)
			all[count++] = c;
		else if (!strchr("-.()", c))
			return invalid;
	}
	if (count == 0)
		return invalid;
	if (numbering_is_french(all, count) && numbering_is_short(digits.at, digits.length))
		return short_code(digits);
	memcpy(all + count, digits.at, digits.length);
	return international((struct span){ all, count + digits.length });
}

/* Digits, what groups them, and a + before the first. Anything else is not a number. */
static struct phone read_digits(struct span s, struct span context)
{
	char digits[NUMBERING_DIGITS_MAX + 2]; /* 00 and fifteen */
	size_t count = 0;
	bool plus = false, bare = true;

	s = span_trim(s);
	for (size_t i = 0; i < s.length; i++) {
		char c = s.at[i];
		if (spelling_is_digit(c)) {
			if (count == sizeof digits)
				return invalid;
			digits[count++] = c;
		} else if (c == '+' && !plus && count == 0) {
			plus = true;
		} else if (strchr(" .-/()", c)) {
			bare = false;
		} else {
			return invalid;
		}
	}
	if (plus)
		return international((struct span){ digits, count });
	if (context.length > 0 && count > NUMBERING_DIGITS_MAX)
		return invalid;
	if (context.length > 0)
		return in_context((struct span){ digits, count }, bare, context);
	return national((struct span){ digits, count }, bare);
}

/* ---- label and extension ---- */

/* "Tél. : 01 …", "N° 01 …" */
static struct span without_label(struct span s)
{
	static const char *const labels[] = {
		"tel", "telephone", "portable", "mobile", "fixe", "numero", "no", "n", NULL,
	};
	size_t end = 0;

	while (end < s.length && spelling_is_letter(s.at[end]))
		end++;
	if (end == 0 || !span_is_one_of(span_head(s, end), labels))
		return s;
	while (end < s.length && strchr(" .:", s.at[end]))
		end++;
	return span_skip(s, end);
}

/* "poste 12", "ext. 12", "x12", "#12", "(poste : 12)": behind the number, never part of it. */
static bool is_extension(struct span s)
{
	static const char *const words[] = {
		"poste", "p", "extension", "ext", "x", "interne", "int", "#", NULL,
	};
	size_t end = 0, digits = 0;

	if (s.length > 0 && s.at[0] == '#')
		end = 1;
	while (end < s.length && spelling_is_letter(s.at[end]))
		end++;
	if (!span_is_one_of(span_head(s, end), words))
		return false;
	while (end < s.length && strchr(" .:", s.at[end]))
		end++;
	for (; end < s.length && spelling_is_digit(s.at[end]); end++)
		digits++;
	while (end < s.length && strchr(" )", s.at[end]))
		end++;
	return end == s.length && digits > 0 && digits <= EXTENSION_DIGITS_MAX;
}

static bool is_quoted(struct span s)
{
	return s.length >= 2 && s.at[0] == '"' && s.at[s.length - 1] == '"';
}

static struct phone read_plain(struct span s, struct span context)
{
	size_t end = 0;

	s = span_trim(s);
	if (is_quoted(s))
		s = span_trim((struct span){ s.at + 1, s.length - 2 });
	if (is_withheld(s))
		return withheld;
	s = without_label(s);
	while (end < s.length && !spelling_is_letter(s.at[end]) && s.at[end] != '#')
		end++;
	if (end == s.length)
		return read_digits(s, context);
	if (!is_extension(span_skip(s, end)))
		return invalid;
	struct phone phone = read_digits(span_head(s, end), context);
	/* Nobody is behind an extension of 17. */
	return phone.verdict == PHONE_NUMBER ? phone : invalid;
}

/* ---- URIs and headers ---- */

static int hex(char c)
{
	if (spelling_is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986, 2.1; what is outside of ASCII, NUL included, folds to a mark. False: malformed. */
static bool unescape(struct span s, char *out, struct span *decoded)
{
	size_t length = 0;

	for (size_t i = 0; i < s.length; i++) {
		char c = s.at[i];
		if (c == '%') {
			int high = s.length - i > 2 ? hex(s.at[i + 1]) : -1;
			int low = high >= 0 ? hex(s.at[i + 2]) : -1;
			if (low < 0)
				return false;
			c = high < 8 ? spelling_fold_ascii((char)(high * 16 + low)) : SPELLING_MARK;
			i += 2;
		}
		out[length++] = c;
	}
	*decoded = (struct span){ out, length };
	return true;
}

/* The value of ";phone-context=", empty when there is none. */
static struct span phone_context(struct span params)
{
	static const char name[] = "phone-context=";

	while (params.length > 0) {
		params = span_skip(params, 1);
		size_t end = span_find(params, ";");
		if (span_begins(params, name))
			return span_skip(span_head(params, end), strlen(name));
		params = span_skip(params, end);
	}
	return params;
}

/* The number of a tel URI, or the user of a SIP URI with its parameters (RFC 3261, 19.1.6). */
static struct phone read_subscriber(struct span s)
{
	char digits[PHONE_RAW_MAX], prefix[PHONE_RAW_MAX];
	size_t end = span_find(s, ";");
	struct span local, context;

	if (!unescape(span_head(s, end), digits, &local) ||
	    !unescape(phone_context(span_skip(s, end)), prefix, &context))
		return invalid;
	return read_plain(local, context);
}

/* "anonymous.invalid" (RFC 3323, 4.1.1.3), "unknown.invalid" (3GPP TS 23.003, 13.7). */
static bool is_withheld_host(struct span host)
{
	size_t dot = span_find(host, ".");
	return is_withheld(span_head(host, dot)) && span_is(span_skip(host, dot), ".invalid");
}

static struct phone read_sip(struct span s)
{
	size_t at = span_find(s, "@");
	struct span user = span_head(s, at), host = { s.at, 0 };

	if (at < s.length) {
		host = span_skip(s, at + 1);
		host = span_head(host, span_find(host, ":;?"));
		user = span_head(user, span_find(user, ":")); /* a password */
	} else {
		/* No user: a host, unless it is plainly a number that lost its host. */
		user = span_head(user, span_find(user, ":;?"));
		if (span_find(user, ".[") < user.length)
			return invalid;
	}
	struct phone phone = read_subscriber(user);
	if (phone.verdict == PHONE_INVALID && is_withheld_host(host))
		return withheld;
	return phone;
}

static bool is_uri(struct span s)
{
	return span_begins(s, "sip:") || span_begins(s, "sips:") || span_begins(s, "tel:") ||
	       span_find(s, "@") < s.length;
}

static struct phone read_uri(struct span s)
{
	s = span_trim(s);
	if (span_begins(s, "sip:"))
		return read_sip(span_skip(s, 4));
	if (span_begins(s, "sips:"))
		return read_sip(span_skip(s, 5));
	if (span_begins(s, "tel:"))
		return read_subscriber(span_skip(s, 4));
	if (span_find(s, "@") < s.length)
		return read_sip(s);
	return read_plain(s, (struct span){ s.at, 0 });
}

/* Where the first of `set` is outside of quotes (RFC 3261, 25.1, quoted-string). */
static size_t find_unquoted(struct span s, const char *set)
{
	bool quoted = false;

	for (size_t i = 0; i < s.length; i++) {
		if (quoted && s.at[i] == '\\')
			i++;
		else if (s.at[i] == '"')
			quoted = !quoted;
		else if (!quoted && strchr(set, s.at[i]))
			return i;
	}
	return s.length;
}

/* "Display name" <uri>;parameters, or what stands in such a place without brackets. Moves *s
 * behind it. The display name is whatever the caller has typed: it never says the number. */
static struct phone read_address(struct span *s)
{
	size_t open = find_unquoted(*s, "<,");
	struct span all = *s, uri;

	if (open == s->length || s->at[open] == ',') {
		*s = span_skip(*s, open);
		return read_uri(span_head(all, open));
	}
	uri = span_skip(*s, open + 1);
	size_t close = span_find(uri, ">");
	if (close == uri.length) {
		*s = span_skip(uri, close);
		return invalid;
	}
	struct span rest = span_trim(span_skip(uri, close + 1));
	*s = span_skip(rest, find_unquoted(rest, ","));
	if (rest.length > 0 && rest.at[0] != ';' && rest.at[0] != ',')
		return invalid;
	return read_uri(span_head(uri, close));
}

static bool says_more(struct phone a, struct phone b)
{
	return a.verdict < b.verdict;
}

/* P-Asserted-Identity names one caller once or twice, as a SIP and as a tel URI (RFC 3325, 9.1).
 * Two numbers that differ are not one caller. */
static struct phone read_addresses(struct span s)
{
	struct phone phone = read_address(&s);

	for (unsigned count = 1; s.length > 0; count++) {
		if (count == ADDRESSES_MAX)
			return invalid;
		s = span_skip(s, 1); /* the comma */
		struct phone next = read_address(&s);
		if (next.verdict <= PHONE_SHORT && phone.verdict <= PHONE_SHORT &&
		    strcmp(next.text, phone.text) != 0)
			return invalid;
		if (says_more(next, phone))
			phone = next;
	}
	return phone;
}

static struct span without_header_name(struct span s)
{
	/* clang-format off */
	static const char *const names[] = {
		"from", "f", "contact", "m", "p-asserted-identity", "p-preferred-identity",
		"remote-party-id", NULL,
	};
	/* clang-format on */
	size_t colon = span_find(s, ":");

	if (colon < s.length && span_is_one_of(span_trim(span_head(s, colon)), names))
		return span_trim(span_skip(s, colon + 1));
	return s;
}

struct phone phone_read(const char *raw)
{
	char folded[PHONE_RAW_MAX];
	struct span s;

	if (!spelling_fold(raw, folded, PHONE_RAW_MAX, &s))
		return invalid;
	s = without_header_name(span_trim(s));
	if (span_find(s, "<") < s.length || is_uri(s))
		return read_addresses(s);
	return read_plain(s, (struct span){ s.at, 0 });
}

const char *phone_verdict_name(enum phone_verdict verdict)
{
	switch (verdict) {
	case PHONE_NUMBER: return "number";
	case PHONE_SHORT: return "short";
	case PHONE_WITHHELD: return "withheld";
	case PHONE_INVALID: break;
	}
	return "invalid";
}

const char *phone_format(struct e164 number, char out[static PHONE_TEXT_SIZE])
{
	char digits[20]; /* of any uint64_t */
	size_t count = 0;

	for (uint64_t left = number.digits; left > 0; left /= 10)
		digits[count++] = (char)('0' + left % 10);
	char *at = out;
	if (count > 0 && count <= NUMBERING_DIGITS_MAX) {
		*at++ = '+';
		while (count > 0)
			*at++ = digits[--count];
	}
	*at = '\0';
	return out;
}
