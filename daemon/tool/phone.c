#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "decide/phone.h"
#include "tool/plain.h"
#include "tool/verb.h"

static const char about[] =
        "Reads one raw number per line on standard input, as a telephone exchange, a SIP\n"
        "header or a form spells it. Prints per line, tab-separated: the raw text, the\n"
        "verdict, and the number in E.164 or nothing.\n"
        "\n"
        "  number    a telephone number\n"
        "  short     15, 17, 18, 112, 3xxx ...\n"
        "  withheld  anonymous, unknown, restricted, unavailable\n"
        "  invalid   anything else, an empty line too\n"
        "\n"
        "The raw text is printed byte for byte, save that a tab becomes a space (both\n"
        "read alike) and another control character a '?'. With --json the text is made\n"
        "valid UTF-8, and ends after 2048 bytes: a longer one is invalid in any case.";

/* One line, as far as it has come: printed as it is read, so that its length does not matter. */
struct row {
	bool json;
	bool begun;
	bool has_nul;  /* what stands behind it phone_read would not see */
	size_t length; /* of `raw`, which keeps one byte more than may be read */
	char raw[PHONE_RAW_MAX + 2];
};

static void row_take(struct row *row, char c)
{
	unsigned char byte = (unsigned char)c;

	row->begun = true;
	if (byte == '\0')
		row->has_nul = true;
	if (row->length <= PHONE_RAW_MAX)
		row->raw[row->length++] = c;
	if (row->json)
		return;
	if (byte == '\t')
		c = ' ';
	else if (byte < ' ' || byte == 0x7f)
		c = '?';
	putc_unlocked(c, stdout);
}

/* False: no memory. */
static bool row_print_json(const struct row *row, const char *name, const char *number)
{
	char clean[3 * PHONE_RAW_MAX + 1]; /* a byte that is not UTF-8 becomes three */
	json_t *object = json_pack("{s:s, s:s, s:s?}", "raw",
	                           plain_copy(clean, sizeof clean, row->raw, PLAIN_ONE_LINE),
	                           "verdict", name, "number", number);
	bool printed = object && json_dumpf(object, stdout, JSON_COMPACT) == 0;

	json_decref(object);
	putc_unlocked('\n', stdout);
	return printed;
}

static bool row_end(struct row *row)
{
	struct phone phone = { .verdict = PHONE_INVALID };
	bool printed = true;

	row->raw[row->length] = '\0';
	if (!row->has_nul)
		phone = phone_read(row->raw);
	const char *number = phone.verdict == PHONE_NUMBER ? phone.text : NULL;
	if (row->json) {
		printed = row_print_json(row, phone_verdict_name(phone.verdict), number);
	} else {
		putc_unlocked('\t', stdout);
		fputs_unlocked(phone_verdict_name(phone.verdict), stdout);
		putc_unlocked('\t', stdout);
		fputs_unlocked(number ? number : "", stdout);
		putc_unlocked('\n', stdout);
	}
	row->begun = row->has_nul = false;
	row->length = 0;
	return printed;
}

/* Every complete line of the bytes. A carriage return before the line feed is the end of a line
 * too: it waits in *cr until the next byte says which. */
static bool rows_take(struct row *row, bool *cr, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		bool ends = bytes[i] == '\n';
		if (*cr && !ends)
			row_take(row, '\r');
		*cr = bytes[i] == '\r';
		if (ends && !row_end(row))
			return false;
		if (!ends && !*cr)
			row_take(row, bytes[i]);
	}
	return true;
}

int phone_verb(int argc, char **argv)
{
	static struct row row;
	static char bytes[1 << 16];
	bool json = false, cr = false;
	const struct verb_option options[] = {
		{"json", &json, NULL, NULL,
                 "one JSON object a line: raw, verdict, number or null"},
		{ NULL,  NULL,  NULL, NULL, NULL                       },
	};
	const struct verb_form form = { "", about, options, 0, 0 };
	int first, code;

	if (!verb_begin(&form, argc, argv, &first, &code))
		return code;
	row = (struct row){ .json = json };
	for (;;) {
		ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return verb_refuse("standard input: %s", strerror(errno));
		if (got == 0)
			break;
		if (!rows_take(&row, &cr, bytes, (size_t)got))
			return verb_refuse("no memory");
		/* Whoever feeds us line by line gets each answer before the next question. */
		if (fflush(stdout))
			return verb_refuse("standard output: %s", strerror(errno));
	}
	if ((row.begun || cr) && !row_end(&row))
		return verb_refuse("no memory");
	return VERB_DONE;
}
