/*
 * What an import of the territory may refer to: departments, centres, tribunals and communes that
 * the database holds or that a row read before has brought.
 *
 * Filled from the database first, then row by row. It finds exactly or not at all; known_hint says
 * for a person what a name that was not found may mean.
 */
#ifndef TOCSIN_TOOL_KNOWN_H
#define TOCSIN_TOOL_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "decide/territory.h"
#include "support/table.h"

#define KNOWN_NAME_SIZE 128
#define KNOWN_HINT_SIZE 256

struct known_department {
	struct department_code code;
	unsigned line; /* of the file that is being read; 0: from the database */
};

struct known_centre {
	struct centre_id id;
	struct department_code department;
	enum centre_kind kind;
	unsigned line;
};

struct known_tribunal {
	struct department_code department;
	char name[KNOWN_NAME_SIZE];
	unsigned line;
};

struct known_commune {
	struct commune_code code;
	struct department_code department;
	char name[KNOWN_NAME_SIZE], district[KNOWN_NAME_SIZE];
	struct centre_id centre;
	double lat, lon;
	unsigned line;
	unsigned contour;      /* the feature, from 1, that brought its contour */
	unsigned adviser;      /* the row, from 1, that named its adviser ... */
	unsigned adviser_rank; /* ... and how closely: 1 by itself, 2 by its district, 3 by its
	                          centre */
};

/* A name that is no longer in use, and where it went. */
struct known_former {
	char name[KNOWN_NAME_SIZE];
	struct commune_code commune;
};

struct known {
	struct known_department *departments;
	struct known_centre *centres;
	struct known_tribunal *tribunals;
	struct known_former *formers;
	struct known_commune **communes; /* in the order they were added */
	struct table *by_code;
	size_t departments_count, centres_count, tribunals_count, formers_count, communes_count;
};

bool known_init(struct known *k); /* false: no memory */
void known_done(struct known *k);

/* Add what is not there yet, or give what is; NULL: no memory. A text that does not fit is cut: the
 * database refuses it anyway. */
struct known_department *known_add_department(struct known *k, struct department_code code);
struct known_centre *known_add_centre(struct known *k, struct centre_id id);
struct known_tribunal *known_add_tribunal(struct known *k, struct department_code department,
                                          const char *name);
struct known_commune *known_add_commune(struct known *k, struct commune_code code);
struct known_former *known_add_former(struct known *k, const char *name,
                                      struct commune_code commune);

/* NULL: unknown. */
struct known_department *known_department(const struct known *k, struct department_code code);
struct known_centre *known_centre(const struct known *k, struct centre_id id);
struct known_tribunal *known_tribunal(const struct known *k, struct department_code department,
                                      const char *name);
struct known_commune *known_commune(const struct known *k, struct commune_code code);
/* By its name, letter for letter, in one department. NULL: none, or more than one. */
struct known_commune *known_commune_named(const struct known *k, struct department_code department,
                                          const char *name);
/* The department's only centre of that kind; NULL: it has none, or several. */
struct known_centre *known_only_centre(const struct known *k, struct department_code department,
                                       enum centre_kind kind);
bool known_has_district(const struct known *k, struct department_code department,
                        const char *district);

/* What a name that no commune has may mean: " (is it 'Melun', 77288?)", " (it is now part of ...)"
 * or
 * "". Returns `out`. */
const char *known_commune_hint(const struct known *k, struct department_code department,
                               const char *name, char out[static KNOWN_HINT_SIZE]);
const char *known_tribunal_hint(const struct known *k, struct department_code department,
                                const char *name, char out[static KNOWN_HINT_SIZE]);
const char *known_district_hint(const struct known *k, struct department_code department,
                                const char *name, char out[static KNOWN_HINT_SIZE]);

#endif
