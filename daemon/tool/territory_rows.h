/*
 * The territory's files, row by row: each is read, checked against what is known, and staged.
 *
 * Called by the verb territory's import, in the order below, because later files refer to earlier
 * ones. A row that cannot be used is remarked with its line and left out. Names are matched letter
 * by letter; what does not match is remarked with a hint and never taken for what it may mean. A
 * postal code is kept and shown, and decides nothing.
 */
#ifndef TOCSIN_TOOL_TERRITORY_ROWS_H
#define TOCSIN_TOOL_TERRITORY_ROWS_H

#include <stdbool.h>

#include "decide/phone.h"
#include "support/id.h"
#include "tool/csv.h"
#include "tool/known.h"
#include "tool/remarks.h"
#include "tool/stage.h"

#define TERRITORY_PLACE_SIZE 320

struct territory_adviser {
	char id[ID_TEXT_SIZE];
	char name[KNOWN_NAME_SIZE];
	char number[PHONE_TEXT_SIZE]; /* E.164 or "" */
	struct department_code department;
};

struct territory_rows {
	struct known known;
	struct territory_adviser *advisers; /* of the file that is being read */
	size_t advisers_count;
	struct stage stage;
	struct remarks remarks;
	char place[TERRITORY_PLACE_SIZE]; /* of the row that is being read: "communes.csv:12" */
	char why[STAGE_WHY_SIZE];         /* when the whole import is lost */
};

/* Each reads one file. False, with `why`: the file cannot be read at all, or the database is gone;
 * single rows are remarks. */

/* code;name;stand_in;operations */
bool territory_rows_departments(struct territory_rows *t, const char *path);
/* id;department;kind;name;other: police, gendarmerie or operations; other is who is asked next */
bool territory_rows_centres(struct territory_rows *t, const char *path);
/* department;name */
bool territory_rows_tribunals(struct territory_rows *t, const char *path);
/* name;commune: communes of the past and what they are part of today; for hints alone */
bool territory_rows_formers(struct territory_rows *t, const char *path);
/* code_commune;libelle_commune;code_postal;population;arrondissement;institution;circonscription;
 * tribunal_judiciaire;lon;lat, and centre. `institution` PN or GN means the department's only
 * centre of that force; `centre` names one where there are several. */
bool territory_rows_communes(struct territory_rows *t, const char *path);
/* GeoJSON: features with `code` (or INSEE_COM) and perhaps `nom` */
bool territory_rows_contours(struct territory_rows *t, const char *path);
/* GeoJSON: features with `department`, `name` and `centre` */
bool territory_rows_zones(struct territory_rows *t, const char *path);
/* department;name;number;commune;circonscription;centre: one of the last three a row; `commune` is
 * a list of codes or names with commas. The closest word counts: commune, circonscription, centre.
 */
bool territory_rows_advisers(struct territory_rows *t, const char *path);

/* For the readers of the files above, which lie in several files of ours. */

/* Remarks that the row cannot be used, and why; false, for the caller to hand on. */
bool territory_refuse(struct territory_rows *t, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
/* True: taken. False: refused and remarked, or, with t->why set, the import is lost. */
bool territory_stage(struct territory_rows *t, enum stage_table table,
                     const struct stage_value *values);
bool territory_has_department(struct territory_rows *t,
                              const char *code); /* refuses the row if not */
bool territory_read_csv(struct territory_rows *t, const char *path,
                        const struct csv_column *columns,
                        void (*row)(struct territory_rows *t, const struct csv *csv));

#endif
