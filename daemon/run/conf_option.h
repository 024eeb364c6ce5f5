/*
 * The table of options: name, type, bounds, default and help of each, sorted by name. conf.c reads
 * files by it; the example configuration is checked against it.
 */
#ifndef TOCSIN_RUN_CONF_OPTION_H
#define TOCSIN_RUN_CONF_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf;

enum conf_type {
	CONF_COUNT,     /* unsigned */
	CONF_MS,        /* int64_t */
	CONF_BYTES,     /* uint64_t */
	CONF_METRES,    /* double, whole metres */
	CONF_TEXT,      /* char[] */
	CONF_PATH,      /* char[], absolute */
	CONF_ADDRESSES, /* struct conf_addresses, with blanks between */
	CONF_WORD,      /* int: the place in `words`, or its number */
};

struct conf_word {
	const char *text; /* NULL ends the list */
	int number;
};

struct conf_option {
	const char *name;
	enum conf_type type;
	bool at_start;       /* a reload does not take it */
	size_t offset, size; /* in struct conf */
	const char *preset;  /* the default, as it would stand in a file */
	int64_t min, max;    /* of a number; of a text or a list: how many at least (0 or 1) */
	const struct conf_word *words;
	const char *help; /* one sentence */
};

size_t conf_options_count(void);
const struct conf_option *conf_option_at(size_t index);
const struct conf_option *conf_option_find(const char *name); /* NULL: none of that name */
/* The option whose name is most like it; NULL: none is. */
const struct conf_option *conf_option_like(const char *name);

/* False, with what was meant in `meant` ("a number from 1 to 65535"), and *conf as it was. */
bool conf_option_set(const struct conf_option *o, struct conf *conf, const char *value, char *meant,
                     size_t meant_size);

#endif
