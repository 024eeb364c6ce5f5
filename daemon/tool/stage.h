/*
 * Rows on their way into the territory's tables: staged in temporary tables of the same shapes,
 * then compared, so that only what differs is written and a second import changes nothing.
 *
 * Called by the import within one transaction. A row that the database refuses (a constraint that
 * nobody checked before) is told and left out; the transaction goes on.
 */
#ifndef TOCSIN_TOOL_STAGE_H
#define TOCSIN_TOOL_STAGE_H

#include <stdbool.h>
#include <stddef.h>

#include <libpq-fe.h>

#define STAGE_WHY_SIZE    400
#define STAGE_COLUMNS_MAX 12

/* In the order in which they refer to each other. */
enum stage_table {
	STAGE_DEPARTMENTS,      /* code, name, stand_in, operations */
	STAGE_CENTRES,          /* id, department, kind, name, other_centre */
	STAGE_TRIBUNALS,        /* department, name */
	STAGE_COMMUNES,         /* code, department, name, postal_codes, population, arrondissement,
	                         * district,	 tribunal, centre, lat, lon */
	STAGE_CONTOURS,         /* commune, department, wkb */
	STAGE_ZONES,            /* department, name, centre, wkb */
	STAGE_ADVISERS,         /* id, department, name, number */
	STAGE_ADVISER_COMMUNES, /* commune, department, adviser */
	STAGE_TABLES,
};

struct stage {
	PGconn *conn; /* borrowed */
	bool is_used[STAGE_TABLES];
	char why[STAGE_WHY_SIZE];
};

struct stage_count {
	bool is_used; /* by this import */
	long long read, added, changed;
	long long gone; /* of the departments that the rows speak of, and not among them */
};

struct stage_value {
	const char *text; /* NULL: the database's NULL; else text, or bytes when length is not 0 */
	size_t length;
};

const char *stage_table_name(enum stage_table table);

enum stage_answer {
	STAGE_TAKEN,
	STAGE_REFUSED, /* `why`: this row alone */
	STAGE_FAILED,  /* `why`: the transaction is lost */
};

/* The values in the order above. The first row of a table makes its temporary table. */
enum stage_answer stage_row(struct stage *s, enum stage_table table,
                            const struct stage_value *values);

/* Writes what differs and counts it; with `replace` also takes away what is gone. False: failed. */
bool stage_apply(struct stage *s, bool replace, struct stage_count counts[static STAGE_TABLES]);

/* One statement that returns no rows, or anything: false, with `why`. */
bool stage_run(struct stage *s, const char *sql);

#endif
