#include "run/exposition.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "support/bug.h"

static void add(struct exposition *e, const char *text, size_t length)
{
	/* Once something was cut nothing is added any more, so that no later, shorter line fits. */
	if (e->is_cut || length >= e->size - e->used) {
		e->is_cut = true;
		return;
	}
	memcpy(e->out + e->used, text, length);
	e->used += length;
	e->out[e->used] = '\0';
}

static void add_text(struct exposition *e, const char *text)
{
	add(e, text, strlen(text));
}

/* A label's value: backslash, quote and line feed are escaped. */
static void add_value(struct exposition *e, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n')
			add_text(e, "\\n");
		else if (*value == '"' || *value == '\\')
			add(e, (char[]){ '\\', *value }, 2);
		else
			add(e, value, 1);
	}
}

void exposition_begin(struct exposition *e, char *out, size_t size)
{
	*e = (struct exposition){ .out = out, .size = size };
	must(size > 0);
	out[0] = '\0';
}

void exposition_family(struct exposition *e, const char *name, enum exposition_type type,
                       const char *help)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };

	e->family = name;
	add_text(e, "# HELP ");
	add_text(e, name);
	add_text(e, " ");
	add_text(e, help);
	add_text(e, "\n# TYPE ");
	add_text(e, name);
	add_text(e, " ");
	add_text(e, types[type]);
	add_text(e, "\n");
}

static void put(struct exposition *e, const char *suffix, const struct exposition_label *labels,
                const char *value)
{
	const char *before = "{";

	if (BUG(!e->family))
		return;
	add_text(e, e->family);
	add_text(e, suffix);
	for (; labels && labels->name; labels++) {
		add_text(e, before);
		add_text(e, labels->name);
		add_text(e, "=\"");
		add_value(e, labels->value);
		add_text(e, "\"");
		before = ",";
	}
	if (*before == ',')
		add_text(e, "}");
	add_text(e, " ");
	add_text(e, value);
	add_text(e, "\n");
}

void exposition_put(struct exposition *e, const char *suffix, const struct exposition_label *labels,
                    double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.12g", value);
	put(e, suffix, labels, text);
}

void exposition_put_count(struct exposition *e, const char *suffix,
                          const struct exposition_label *labels, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	put(e, suffix, labels, text);
}
