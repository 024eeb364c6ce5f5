#include "decide/numbering.h"

#include <string.h>

enum {
	FRANCE = 33,
	INDIAN_OCEAN = 262,
	MIQUELON = 508,
	GUADELOUPE = 590,
	GUIANA = 594,
	MARTINIQUE = 596
};

/* clang-format off */

/*
 * Numbers of the French plan that belong to another country code than 33: dialled alike from
 * Melun, different from abroad. The root is given without the leading 0; the first that fits
 * counts, so the longer stand before the shorter. What no root names is +33.
 */
static const struct root {
	const char *digits;
	unsigned code;
} roots[] = {
	/* fixed */
	{ "262", INDIAN_OCEAN },   /* La Réunion */
	{ "263", INDIAN_OCEAN },
	{ "2687", INDIAN_OCEAN },  /* general interest, since 2023 */
	{ "2688", INDIAN_OCEAN },  /* verified callers, La Réunion */
	{ "2689", INDIAN_OCEAN },  /* verified callers, Mayotte */
	{ "269", INDIAN_OCEAN },   /* Mayotte; its country code was 269 until 2007 */
	{ "508", MIQUELON },
	{ "590", GUADELOUPE },     /* Saint-Martin and Saint-Barthélemy too */
	{ "594", GUIANA },
	{ "596", MARTINIQUE },
	{ "5987", GUADELOUPE },
	{ "5988", GUIANA },
	{ "5989", MARTINIQUE },
	/* mobile */
	{ "63998", FRANCE },       /* 06 39 98 xx xx is for works of fiction, metropolitan */
	{ "639", INDIAN_OCEAN },   /* Mayotte */
	{ "690", GUADELOUPE },
	{ "691", GUADELOUPE },
	{ "692", INDIAN_OCEAN },
	{ "693", INDIAN_OCEAN },
	{ "694", GUIANA },
	{ "696", MARTINIQUE },
	{ "697", MARTINIQUE },
	{ "7084", MIQUELON },
	{ "7085", MIQUELON },
	{ "7090", GUADELOUPE },
	{ "7091", MARTINIQUE },
	{ "7092", INDIAN_OCEAN },
	{ "70935", INDIAN_OCEAN },
	{ "70936", INDIAN_OCEAN },
	{ "70937", INDIAN_OCEAN },
	{ "7093", GUIANA },
	/* polyvalent */
	{ "9395", GUADELOUPE },
	{ "9396", GUIANA },
	{ "9397", MARTINIQUE },
	{ "9398", INDIAN_OCEAN },
	{ "9399", INDIAN_OCEAN },
	{ "9475", GUADELOUPE },
	{ "9476", GUIANA },
	{ "9477", MARTINIQUE },
	{ "9478", INDIAN_OCEAN },
	{ "9479", INDIAN_OCEAN },
	{ "9760", GUADELOUPE },
	{ "9761", GUADELOUPE },
	{ "9762", INDIAN_OCEAN },
	{ "9763", INDIAN_OCEAN },
	{ "9764", GUIANA },
	{ "9765", GUIANA },
	{ "9766", MARTINIQUE },
	{ "9767", MARTINIQUE },
	{ "9768", GUADELOUPE },
	{ "9769", INDIAN_OCEAN },
};

/* Country codes that ITU-T has assigned (List of Recommendation E.164 assigned country codes,
 * Operational Bulletin), with the shared ones (800, 808, 870, 878, 881 to 883, 979) and those in
 * use without being assigned to a State (383, 970). No code begins another. */
static const uint16_t country_codes[] = {
	1, 7,
	20, 27, 30, 31, 32, 33, 34, 36, 39,
	40, 41, 43, 44, 45, 46, 47, 48, 49,
	51, 52, 53, 54, 55, 56, 57, 58,
	60, 61, 62, 63, 64, 65, 66,
	81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
	211, 212, 213, 216, 218,
	220, 221, 222, 223, 224, 225, 226, 227, 228, 229,
	230, 231, 232, 233, 234, 235, 236, 237, 238, 239,
	240, 241, 242, 243, 244, 245, 246, 247, 248, 249,
	250, 251, 252, 253, 254, 255, 256, 257, 258,
	260, 261, 262, 263, 264, 265, 266, 267, 268, 269,
	290, 291, 297, 298, 299,
	350, 351, 352, 353, 354, 355, 356, 357, 358, 359,
	370, 371, 372, 373, 374, 375, 376, 377, 378, 379,
	380, 381, 382, 383, 385, 386, 387, 389,
	420, 421, 423,
	500, 501, 502, 503, 504, 505, 506, 507, 508, 509,
	590, 591, 592, 593, 594, 595, 596, 597, 598, 599,
	670, 672, 673, 674, 675, 676, 677, 678, 679,
	680, 681, 682, 683, 685, 686, 687, 688, 689, 690, 691, 692,
	800, 808, 850, 852, 853, 855, 856, 870, 878,
	880, 881, 882, 883, 886,
	960, 961, 962, 963, 964, 965, 966, 967, 968,
	970, 971, 972, 973, 974, 975, 976, 977, 979,
	992, 993, 994, 995, 996, 998,
};

/*
 * What is known for certain of the plans whose callers reach a French 17 often: the bounds of the
 * national part, and whether a 0 before it is the trunk prefix, which ITU-T E.123 forbids beside a
 * country code and people write all the same: "+32 (0)2 …". Elsewhere a 0 may belong to the number
 * (Italy, Côte d'Ivoire) and stays. Plans change: a bound that is too tight loses a caller, so the
 * others have only the general ones.
 */
static const struct plan {
	unsigned code;
	uint8_t min, max;
	bool trunk_zero;
} plans[] = {
	{ 1, 10, 10, false },  { 31, 7, 11, true },   { 32, 8, 9, true },   { 34, 9, 9, false },
	{ 39, 6, 12, false },  { 40, 9, 9, true },    { 41, 9, 12, true },  { 43, 4, 13, true },
	{ 44, 7, 10, true },   { 46, 7, 13, true },   { 49, 4, 13, true },  { 90, 7, 10, true },
	{ 212, 9, 9, true },   { 213, 8, 9, true },   { 216, 8, 8, false }, { 269, 7, 7, false },
	{ 351, 9, 9, false },  { 352, 4, 11, false }, { 353, 7, 10, true }, { 376, 6, 9, false },
	{ 377, 8, 9, false },  { 681, 6, 9, false },  { 687, 6, 6, false }, { 689, 8, 9, false },
};
/* clang-format on */

static bool begins(const char *digits, size_t length, const char *root)
{
	size_t size = strlen(root);
	return size <= length && memcmp(digits, root, size) == 0;
}

static unsigned territory_of(const char *digits, size_t length)
{
	for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++)
		if (begins(digits, length, roots[i].digits))
			return roots[i].code;
	return FRANCE;
}

static bool is_country_code(unsigned code)
{
	size_t low = 0, high = sizeof country_codes / sizeof country_codes[0];

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (country_codes[middle] == code)
			return true;
		if (country_codes[middle] < code)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* How many of the digits are the country code, 0 for none; a code never begins with 0. */
static size_t country_code(const char *digits, size_t length, unsigned *code)
{
	*code = 0;
	for (size_t i = 0; i < length && i < 3; i++) {
		*code = *code * 10 + (unsigned)(digits[i] - '0');
		if (*code == 0)
			return 0;
		if (is_country_code(*code))
			return i + 1;
	}
	return 0;
}

static const struct plan *plan_of(unsigned code)
{
	for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++)
		if (plans[i].code == code)
			return &plans[i];
	return NULL;
}

/* The caller has checked that all of it fits in fifteen digits. */
static bool join(unsigned code, const char *digits, size_t length, struct e164 *out)
{
	uint64_t number = code;

	for (size_t i = 0; i < length; i++)
		number = number * 10 + (uint64_t)(digits[i] - '0');
	out->digits = number;
	return true;
}

bool numbering_national(const char *digits, size_t length, struct e164 *out)
{
	/* Extended lengths, for machines (2.3.5) and polyvalent: fourteen digits with the 0. A
	 * lone worker's device may call with one. */
	if (length == 13 && (begins(digits, length, "700") || begins(digits, length, "901")))
		return join(FRANCE, digits, length, out);
	if (length != 9 || digits[0] == '0')
		return false;

	unsigned code = territory_of(digits, length);
	/* Saint-Pierre-et-Miquelon alone has its root for country code: 0508 41 12 34 is
	 * +508 41 12 34. Its subscribers' numbers begin with 2 to 9. */
	if (code == MIQUELON && begins(digits, length, "508"))
		return digits[3] >= '2' && join(code, digits + 3, length - 3, out);
	return join(code, digits, length, out);
}

/* Behind one of the overseas country codes: its own roots, and those that no table names yet.
 * Another territory's root is a mistake that must not make two numbers of one. */
static bool overseas(unsigned code, const char *digits, size_t length, struct e164 *out)
{
	if (length == 12 && begins(digits, length, "700"))
		return join(code, digits, length, out);
	if (length != 9)
		return false;
	if (digits[0] < '6' && !begins(digits, length, code == INDIAN_OCEAN ? "26" : "59"))
		return false;
	unsigned territory = territory_of(digits, length);
	if (territory != code && territory != FRANCE)
		return false;
	return join(code, digits, length, out);
}

static bool miquelon(const char *digits, size_t length, struct e164 *out)
{
	if (length == 6 && digits[0] >= '2')
		return join(MIQUELON, digits, length, out);
	/* "+508 0508 41 12 34", as one writes the other territories. */
	if (length == 9 && begins(digits, length, "508"))
		return numbering_national(digits, length, out);
	if (length == 9 && (begins(digits, length, "70") || digits[0] == '8'))
		return join(MIQUELON, digits, length, out);
	return false;
}

static bool foreign(unsigned code, size_t code_length, const char *digits, size_t length,
                    struct e164 *out)
{
	const struct plan *plan = plan_of(code);

	if (plan && plan->trunk_zero && length > 0 && digits[0] == '0') {
		digits++;
		length--;
		if (length > 0 && digits[0] == '0')
			return false;
	}
	if (code_length + length < NUMBERING_DIGITS_MIN ||
	    code_length + length > NUMBERING_DIGITS_MAX)
		return false;
	if (plan && (length < plan->min || length > plan->max))
		return false;
	/* North American area codes are 2xx to 9xx; this is also what tells an outside-line 0
	 * before 01 99 00 12 34 from a call to America. */
	if (code == 1 && digits[0] < '2')
		return false;
	return join(code, digits, length, out);
}

static bool is_french(unsigned code)
{
	return code == FRANCE || code == INDIAN_OCEAN || code == MIQUELON || code == GUADELOUPE ||
	       code == GUIANA || code == MARTINIQUE;
}

bool numbering_international(const char *digits, size_t length, struct e164 *out)
{
	unsigned code;
	size_t code_length = country_code(digits, length, &code);

	if (code_length == 0)
		return false;
	digits += code_length;
	length -= code_length;
	/* "+33 (0)1 …" and "+330199001234": no French number begins with 0 after its country
	 * code, so the 0 can only be the trunk prefix that should have gone. */
	if (is_french(code) && length > 0 && digits[0] == '0') {
		digits++;
		length--;
	}
	switch (code) {
	case FRANCE:
		/* Exchanges that turn the leading 0 into +33 do so to 0692… as well. Those roots
		 * do not exist under 33, so the number can only be the territory's. */
		return numbering_national(digits, length, out);
	case INDIAN_OCEAN:
	case GUADELOUPE:
	case GUIANA:
	case MARTINIQUE: return overseas(code, digits, length, out);
	case MIQUELON: return miquelon(digits, length, out);
	default: return foreign(code, code_length, digits, length, out);
	}
}

bool numbering_is_short(const char *digits, size_t length)
{
	/* 15 SAMU, 17 police, 18 fire; 110 campaigns, 112 Europe, 114 for the deaf, 115 shelter,
	 * 119 childhood, 191 aircraft, 196 sea, 197 terror and kidnapping alerts. */
	static const char *const alone[] = { "15",  "17",  "18",  "110", "112", "114",
		                             "115", "119", "191", "196", "197" };

	for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++)
		if (strlen(alone[i]) == length && memcmp(digits, alone[i], length) == 0)
			return true;
	/* 3BPQ and 10YT, then 116XYZ (harmonised in Europe) and 118XYZ (directories). Five digits
	 * are text-message services, which never call, and look like a postal code. */
	if (length == 4)
		return digits[0] == '3' || begins(digits, length, "10");
	if (length == 6)
		return begins(digits, length, "116") || begins(digits, length, "118");
	return false;
}

bool numbering_is_french(const char *digits, size_t length)
{
	unsigned code;
	size_t code_length = country_code(digits, length, &code);

	return code_length == length && is_french(code);
}
