#include "run/conf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/conf_option.h"
#include "support/bug.h"
#include "support/text.h"

#define FILE_BYTES_MAX (1 << 20)
#define LINE_SIZE      2048
#define OPTIONS_MAX    128
#define SHOWN_BYTES    60 /* of a wrong value, in its error */

/* Where a reading stands. */
struct reading {
	const char *file;
	unsigned line;
	struct conf *conf;
	const struct conf_report *report;
	unsigned errors;
	unsigned set_at[OPTIONS_MAX]; /* line of each option; 0: not set */
};

/* The line 0 is the file as a whole. */
__attribute__((format(printf, 3, 4))) static void tell(struct reading *r, unsigned line,
                                                       const char *format, ...)
{
	char sentence[1024] = "", what[900];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (line > 0)
		text_add(sentence, sizeof(sentence), "%s:%u: %s", r->file, line, what);
	else
		text_add(sentence, sizeof(sentence), "%s: %s", r->file, what);
	r->errors++;
	r->report->on_error(r->report->arg, sentence);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *skip_blanks(char *at)
{
	return at + strspn(at, " \t");
}

static void cut_blanks(char *text)
{
	size_t length = strlen(text);

	while (length > 0 && is_blank(text[length - 1]))
		text[--length] = '\0';
}

/* In place, from behind the opening quote; false: no closing one, or something behind it. */
static bool unquote(char *text)
{
	char *out = text, *at = text;

	for (; *at && *at != '"'; at++) {
		if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		*out++ = *at;
	}
	if (*at != '"')
		return false;
	at = skip_blanks(at + 1);
	*out = '\0';
	return *at == '\0' || *at == '#';
}

static void cut_comment(char *text)
{
	for (char *at = text; *at; at++)
		if (*at == '#' && (at == text || is_blank(at[-1]))) {
			*at = '\0';
			break;
		}
	cut_blanks(text);
}

static void tell_unknown(struct reading *r, const char *name)
{
	const struct conf_option *like = conf_option_like(name);

	if (like)
		tell(r, r->line, "there is no option \"%.*s\", perhaps %s was meant", SHOWN_BYTES,
		     name, like->name);
	else
		tell(r, r->line,
		     "there is no option \"%.*s\", see the example configuration for all",
		     SHOWN_BYTES, name);
}

static void set(struct reading *r, const char *name, const char *value)
{
	const struct conf_option *o = conf_option_find(name);
	char meant[256];
	unsigned *set_at;

	if (!o) {
		tell_unknown(r, name);
		return;
	}
	set_at = &r->set_at[o - conf_option_at(0)];
	if (*set_at) {
		tell(r, r->line,
		     "%s is set a second time, line %u was the first; one of them was meant", name,
		     *set_at);
		return;
	}
	*set_at = r->line;
	if (!conf_option_set(o, r->conf, value, meant, sizeof(meant)))
		tell(r, r->line, "%s is \"%.*s\", %s was meant", name, SHOWN_BYTES, value, meant);
}

static void read_line(struct reading *r, char *line)
{
	char *name = skip_blanks(line), *equals, *value;

	if (*name == '\0' || *name == '#')
		return;
	equals = strchr(name, '=');
	if (!equals) {
		tell(r, r->line, "no \"=\" in this line, \"name = value\" was meant");
		return;
	}
	*equals = '\0';
	cut_blanks(name);
	value = skip_blanks(equals + 1);
	if (*value == '"') {
		value++;
		if (!unquote(value)) {
			tell(r, r->line,
			     "the value of %.*s is not one text in quotes, \"...\" was meant",
			     SHOWN_BYTES, name);
			return;
		}
	} else {
		cut_comment(value);
	}
	set(r, name, value);
}

static void read_lines(struct reading *r, const char *text, size_t length)
{
	while (length > 0) {
		const char *end = memchr(text, '\n', length);
		size_t bytes = end ? (size_t)(end - text) : length, kept = bytes;
		char line[LINE_SIZE];
		r->line++;
		if (kept > 0 && text[kept - 1] == '\r')
			kept--;
		if (kept >= sizeof(line)) {
			tell(r, r->line, "a line of %zu bytes, at most %zu were meant", kept,
			     sizeof(line) - 1);
		} else if (!text_is_clean_utf8(text, kept)) {
			tell(r, r->line, "not clean UTF-8 text, which was meant");
		} else {
			memcpy(line, text, kept);
			line[kept] = '\0';
			read_line(r, line);
		}
		bytes += end != NULL;
		text += bytes;
		length -= bytes;
	}
}

/* ---- what options must fulfil together ---- */

static unsigned line_of(const struct reading *r, const char *name)
{
	const struct conf_option *o = conf_option_find(name);
	return BUG(!o) ? 0 : r->set_at[o - conf_option_at(0)];
}

/* The later of the two lines is the one that somebody just wrote. */
static unsigned later_line(const struct reading *r, const char *a, const char *b)
{
	unsigned first = line_of(r, a), second = line_of(r, b);
	return first > second ? first : second;
}

static void check_order(struct reading *r, const char *a, int64_t low, const char *b, int64_t high)
{
	if (low >= high)
		tell(r, later_line(r, a, b),
		     "%s is %lld and %s is %lld, the first was meant to be lower", a,
		     (long long)low, b, (long long)high);
}

static void check_admin(struct reading *r)
{
	for (unsigned i = 0; i < r->conf->listen.admin.count; i++) {
		const char *text = r->conf->listen.admin.list[i];
		struct address address;
		if (address_parse(text, &address) && !address_is_loopback(&address))
			tell(r, line_of(r, "listen.admin"),
			     "listen.admin is \"%s\", an address of this machine alone (127.0.0.1, "
			     "[::1]) was meant",
			     text);
	}
}

static void check_same(struct reading *r, const char *a, const struct conf_addresses *here,
                       const char *b, const struct conf_addresses *there)
{
	for (unsigned i = 0; i < here->count; i++)
		for (unsigned k = 0; k < there->count; k++) {
			struct address address;
			/* Port 0 is a different one each time. */
			if (strcmp(here->list[i], there->list[k]) == 0 &&
			    address_parse(here->list[i], &address) && address_port(&address) != 0)
				tell(r, later_line(r, a, b),
				     "%s and %s are both %s, two addresses were meant", a, b,
				     here->list[i]);
		}
}

static void check(struct reading *r)
{
	const struct conf *c = r->conf;

	check_order(r, "escalate.louder_ms", c->rules.louder_ms, "escalate.other_centre_ms",
	            c->rules.other_centre_ms);
	check_order(r, "escalate.other_centre_ms", c->rules.other_centre_ms, "escalate.all_ms",
	            c->rules.all_ms);
	check_order(r, "escalate.all_ms", c->rules.all_ms, "escalate.alarm_ms", c->rules.alarm_ms);
	check_order(r, "alerts.heartbeat_s", c->alerts.heartbeat_s, "alerts.idle_s",
	            c->alerts.idle_s);
	check_order(r, "consoles.heartbeat_s", c->consoles.heartbeat_s, "consoles.idle_s",
	            c->consoles.idle_s);
	if (c->journal.total_bytes_max > 0)
		check_order(r, "journal.segment_bytes", (int64_t)c->journal.segment_bytes,
		            "journal.total_bytes_max", (int64_t)c->journal.total_bytes_max);
	check_admin(r);
	check_same(r, "listen.admin", &c->listen.admin, "listen.alerts", &c->listen.alerts);
	check_same(r, "listen.admin", &c->listen.admin, "listen.consoles", &c->listen.consoles);
	check_same(r, "listen.alerts", &c->listen.alerts, "listen.consoles", &c->listen.consoles);
	if (c->receipt.policy == CONF_RECEIPT_NODE_POSTGRES && c->postgres.conninfo[0] == '\0')
		tell(r, later_line(r, "receipt.policy", "postgres.conninfo"),
		     "receipt.policy waits for PostgreSQL and postgres.conninfo is empty, one of "
		     "them was meant otherwise");
}

/* ---- the verbs ---- */

void conf_default(struct conf *out)
{
	char meant[256];

	must(conf_options_count() <= OPTIONS_MAX);
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < conf_options_count(); i++) {
		const struct conf_option *o = conf_option_at(i);
		must(conf_option_set(o, out, o->preset, meant, sizeof(meant)));
	}
}

bool conf_parse(const char *file, const char *text, size_t length, struct conf *out,
                const struct conf_report *report)
{
	struct reading r = { .file = file, .conf = out, .report = report };

	conf_default(out);
	read_lines(&r, text, length);
	check(&r);
	if (r.errors > 0)
		conf_default(out);
	return r.errors == 0;
}

bool conf_read(const char *path, struct conf *out, const struct conf_report *report)
{
	struct reading r = { .file = path, .conf = out, .report = report };
	char *text = malloc(FILE_BYTES_MAX + 1);
	FILE *f = fopen(path, "re");
	size_t length = 0;
	bool good = false;

	conf_default(out);
	if (text && f)
		length = fread(text, 1, FILE_BYTES_MAX + 1, f);
	if (!text || !f || ferror(f))
		tell(&r, 0, "cannot be read: %s", strerror(errno));
	else if (length > FILE_BYTES_MAX)
		tell(&r, 0, "longer than %d bytes, a configuration was meant", FILE_BYTES_MAX);
	else
		good = conf_parse(path, text, length, out, report);
	if (f)
		fclose(f);
	free(text);
	return good;
}

void conf_take(struct conf *running, const struct conf *fresh,
               void (*on_kept)(void *arg, const char *name), void *arg)
{
	struct conf taken = *fresh;

	for (size_t i = 0; i < conf_options_count(); i++) {
		const struct conf_option *o = conf_option_at(i);
		char *field = (char *)&taken + o->offset;
		const char *before = (const char *)running + o->offset;
		if (!o->at_start || memcmp(field, before, o->size) == 0)
			continue;
		memcpy(field, before, o->size);
		on_kept(arg, o->name);
	}
	*running = taken;
}
