/*
 * Any bytes as a configuration: either read without a word, with every number within its bounds, or
 * refused with at least one error that names a line of it, and then the defaults.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/conf.h"
#include "run/conf_option.h"

struct told {
	unsigned count, lines;
};

static void on_error(void *arg, const char *sentence)
{
	struct told *told = arg;
	unsigned line;

	if (sscanf(sentence, "f:%u: ", &line) == 1 && line > told->lines)
		abort();
	if (strlen(sentence) > 1000)
		abort();
	told->count++;
}

static void check_bounds(const struct conf *conf)
{
	for (size_t i = 0; i < conf_options_count(); i++) {
		const struct conf_option *o = conf_option_at(i);
		const void *field = (const char *)conf + o->offset;
		if (o->type == CONF_COUNT &&
		    (*(const unsigned *)field < o->min || *(const unsigned *)field > o->max))
			abort();
		if (o->type == CONF_MS &&
		    (*(const int64_t *)field < o->min || *(const int64_t *)field > o->max))
			abort();
		if ((o->type == CONF_TEXT || o->type == CONF_PATH) && !memchr(field, '\0', o->size))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told told = { .lines = 1 };
	struct conf_report report = { on_error, &told };
	struct conf conf, preset;
	bool good;

	for (size_t i = 0; i < size; i++)
		told.lines += data[i] == '\n';
	good = conf_parse("f", (const char *)data, size, &conf, &report);
	if (good != (told.count == 0))
		abort();
	check_bounds(&conf);
	conf_default(&preset);
	if (!good && memcmp(&conf, &preset, sizeof(conf)) != 0)
		abort();
	return 0;
}
