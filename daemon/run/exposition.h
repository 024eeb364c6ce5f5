/*
 * Metrics as text, in the format that Prometheus reads (text/plain; version=0.0.4): families of a
 * name, a type and a help line, each followed by its values. Bounded: what does not fit sets
 * `is_cut`, and the page must not be served.
 *
 * A family is begun once, with all its values behind it, or the reader refuses the page.
 */
#ifndef TOCSIN_RUN_EXPOSITION_H
#define TOCSIN_RUN_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum exposition_type { EXPOSITION_COUNTER, EXPOSITION_GAUGE, EXPOSITION_HISTOGRAM };

struct exposition_label {
	const char *name; /* NULL ends the list */
	const char *value;
};

struct exposition {
	char *out; /* terminated */
	size_t size, used;
	bool is_cut;
	const char *family; /* the one begun last */
};

void exposition_begin(struct exposition *e, char *out, size_t size);
void exposition_family(struct exposition *e, const char *name, enum exposition_type type,
                       const char *help);

/* One value of the family begun last. `labels` may be NULL. `suffix` is "" or a histogram's. */
void exposition_put(struct exposition *e, const char *suffix, const struct exposition_label *labels,
                    double value);
void exposition_put_count(struct exposition *e, const char *suffix,
                          const struct exposition_label *labels, uint64_t value);

#define EXPOSITION_LABELS(...) ((const struct exposition_label[]){ __VA_ARGS__, { NULL, NULL } })

#endif
