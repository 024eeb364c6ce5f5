#include "tool/person_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/text.h"
#include "tool/csv.h"

enum {
	DEPARTMENT,
	NAME,
	PROFESSION,
	SPECIALTY,
	RPPS,
	EXPOSED,
	NUMBERS,
	SHARED_NUMBERS,
	SITE,
	ADDRESS,
	ACCESS,
	COMMUNE,
	LAT,
	LON,
	PRECISION,
	CONSENTS,
	GIVEN_AT,
	EVIDENCE,
};

static const struct csv_column columns[] = {
	[DEPARTMENT] = { "department", false },
	[NAME] = { "name", false },
	[PROFESSION] = { "profession", false },
	[SPECIALTY] = { "specialty", true },
	[RPPS] = { "rpps", true },
	[EXPOSED] = { "exposed", true },
	[NUMBERS] = { "numbers", true },
	[SHARED_NUMBERS] = { "shared_numbers", true },
	[SITE] = { "site", true },
	[ADDRESS] = { "address", true },
	[ACCESS] = { "access", true },
	[COMMUNE] = { "commune", true },
	[LAT] = { "lat", true },
	[LON] = { "lon", true },
	[PRECISION] = { "precision", true },
	[CONSENTS] = { "consents", true },
	[GIVEN_AT] = { "given_at", true },
	[EVIDENCE] = { "evidence", true },
	{ NULL, false },
};

/* The person whose rows are being read, and where they begin. */
struct current {
	struct registration person;
	unsigned line;
	bool is_open, is_bad;
};

static void remark(struct person_rows *r, const char *path, unsigned line, enum remark_rank rank,
                   const char *what)
{
	char place[700];

	snprintf(place, sizeof(place), "%s:%u", path, line);
	remarks_add(&r->remarks, rank, place, "%s", what);
}

/* The columns' names stand first in what is said, so that the place is whole. */
static bool row_refuse(struct person_rows *r, struct current *c, const char *path, unsigned line,
                       const char *column, const char *why)
{
	char what[PERSON_WHY_SIZE + 40];

	snprintf(what, sizeof(what), "%s%s%s", column, column[0] ? ": " : "", why);
	remark(r, path, line, REMARK_ERROR, what);
	c->is_bad = true;
	return false;
}

/* Writes the person, unless a row of it was refused. A refusal by the database is this person's
 * alone: the savepoint takes back what was written of it. */
static bool current_write(struct person_rows *r, struct current *c, const char *path)
{
	struct person_written written;
	char why[PERSON_WHY_SIZE];

	if (!c->is_open || c->is_bad)
		return true;
	r->people++;
	if (!person_is_complete(&c->person, why)) {
		row_refuse(r, c, path, c->line, "", why);
		return true;
	}
	if (!database_run(r->db, "SAVEPOINT person", NULL))
		return false;
	if (!person_write(r->db, &c->person, &written)) {
		row_refuse(r, c, path, c->line, "", r->db->why);
		r->db->has_failed = false;
		return database_run(r->db, "ROLLBACK TO SAVEPOINT person", NULL);
	}
	r->added += written.is_new;
	r->changed += written.is_changed && !written.is_new;
	if (written.withheld > 0)
		remark(r, path, c->line, REMARK_NOTE,
		       "consents: what was withdrawn since is not given again");
	if (written.is_changed &&
	    !database_note(r->db, c->person.department, written.is_new ? "add" : "change",
	                   "practitioner", written.id, ""))
		return false;
	return database_run(r->db, "RELEASE SAVEPOINT person", NULL);
}

static bool is_same_person(const struct current *c, const struct csv *csv)
{
	const struct registration *p = &c->person;

	return c->is_open && strcmp(p->department, csv->fields[DEPARTMENT]) == 0 &&
	       strcmp(p->rpps, csv->fields[RPPS]) == 0 && strcmp(p->name, csv->fields[NAME]) == 0;
}

static bool take_text(struct person_rows *r, struct current *c, const char *path,
                      const struct csv *csv, unsigned column, char *out, size_t size)
{
	return text_copy(out, size, csv->fields[column]) ||
	       row_refuse(r, c, path, csv->line, columns[column].name, "is too long");
}

#define TAKE(column, array) take_text(r, c, path, csv, (column), (array), sizeof(array))

static bool take_person(struct person_rows *r, struct current *c, const char *path,
                        const struct csv *csv)
{
	struct registration *p = &c->person;

	*c = (struct current){ .line = csv->line, .is_open = true };
	return TAKE(DEPARTMENT, p->department) && TAKE(NAME, p->name) &&
	       TAKE(PROFESSION, p->profession) && TAKE(SPECIALTY, p->specialty) &&
	       TAKE(RPPS, p->rpps) && TAKE(EXPOSED, p->exposed) && TAKE(GIVEN_AT, p->given_at) &&
	       TAKE(EVIDENCE, p->evidence);
}

static bool take_site(struct person_rows *r, struct current *c, const char *path,
                      const struct csv *csv)
{
	struct person_site site = { .label = "" };
	char why[PERSON_WHY_SIZE];

	if (!csv->fields[SITE][0] && !csv->fields[ADDRESS][0] && !csv->fields[COMMUNE][0])
		return true;
	if (!TAKE(SITE, site.label) || !TAKE(ADDRESS, site.address) || !TAKE(ACCESS, site.access) ||
	    !TAKE(COMMUNE, site.commune) || !TAKE(LAT, site.lat) || !TAKE(LON, site.lon) ||
	    !TAKE(PRECISION, site.precision))
		return false;
	return person_add_site(&c->person, &site, why) ||
	       row_refuse(r, c, path, csv->line, "", why);
}

static void take_row(struct person_rows *r, struct current *c, const char *path,
                     const struct csv *csv)
{
	char why[PERSON_WHY_SIZE];

	if (!person_add_numbers(&c->person, csv->fields[NUMBERS], false, why))
		row_refuse(r, c, path, csv->line, "numbers", why);
	if (!person_add_numbers(&c->person, csv->fields[SHARED_NUMBERS], true, why))
		row_refuse(r, c, path, csv->line, "shared_numbers", why);
	if (!person_add_consents(&c->person, csv->fields[CONSENTS], why))
		row_refuse(r, c, path, csv->line, "consents", why);
	if (csv->fields[RPPS][0] && !person_rpps_is_valid(csv->fields[RPPS]))
		row_refuse(r, c, path, csv->line, "rpps",
		           "no RPPS number: 11 digits, the last one checks the others");
	take_site(r, c, path, csv);
}

bool person_rows_import(struct person_rows *r, const char *path)
{
	struct csv csv;
	struct current *c = calloc(1, sizeof(*c));
	enum csv_row kind = CSV_END;
	bool fine = c != NULL;

	if (!fine || !csv_open(&csv, path, columns)) {
		snprintf(r->db->why, sizeof(r->db->why), "%s: %s", path,
		         fine ? csv.why : "no memory");
		if (fine)
			csv_close(&csv);
		free(c);
		return false;
	}
	while (fine && (kind = csv_next(&csv)) != CSV_END) {
		if (kind == CSV_BAD_ROW) {
			/* Whose row it was nobody knows: the person before it ends here. */
			fine = current_write(r, c, path);
			c->is_open = false;
			remark(r, path, csv.line, REMARK_ERROR, csv.why);
			continue;
		}
		if (!is_same_person(c, &csv)) {
			fine = current_write(r, c, path);
			if (!fine || !take_person(r, c, path, &csv))
				continue;
		}
		take_row(r, c, path, &csv);
	}
	fine = fine && current_write(r, c, path);
	csv_close(&csv);
	free(c);
	return fine;
}
