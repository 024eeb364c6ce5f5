#include "tool/territory_rows.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/text.h"
#include "tool/csv.h"

bool territory_refuse(struct territory_rows *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	remarks_vadd(&t->remarks, REMARK_ERROR, t->place, format, args);
	va_end(args);
	return false;
}

bool territory_stage(struct territory_rows *t, enum stage_table table,
                     const struct stage_value *values)
{
	enum stage_answer answer = stage_row(&t->stage, table, values);

	if (answer == STAGE_REFUSED)
		territory_refuse(t, "%s", t->stage.why);
	else if (answer == STAGE_FAILED)
		TEXT_COPY(t->why, t->stage.why);
	return answer == STAGE_TAKEN;
}

bool territory_has_department(struct territory_rows *t, const char *code)
{
	if (known_department(&t->known, department_code(code)))
		return true;
	return territory_refuse(t, "there is no department '%s'", code);
}

bool territory_read_csv(struct territory_rows *t, const char *path,
                        const struct csv_column *columns,
                        void (*row)(struct territory_rows *t, const struct csv *csv))
{
	struct csv csv;
	enum csv_row found = CSV_END;
	bool fine = csv_open(&csv, path, columns);

	if (!fine)
		text_add(t->why, sizeof(t->why), "%s: %s", path, csv.why);
	while (fine && !t->why[0] && (found = csv_next(&csv)) != CSV_END) {
		t->place[0] = '\0';
		text_add(t->place, sizeof(t->place), "%s:%u", path, csv.line);
		if (found == CSV_BAD_ROW)
			territory_refuse(t, "%s", csv.why);
		else
			row(t, &csv);
	}
	csv_close(&csv);
	return !t->why[0];
}

static const char *text_or_null(const char *text)
{
	return text[0] ? text : NULL;
}

#define FROM_COMMUNES UINT_MAX /* the line of a tribunal that communes brought */

enum { DEPARTMENT_CODE, DEPARTMENT_NAME, DEPARTMENT_STAND_IN, DEPARTMENT_OPERATIONS };

/* Its centres come in a file of their own, so they are looked for when all is read. */
static void department_row(struct territory_rows *t, const struct csv *csv)
{
	const char *const *f = csv->fields;
	const struct stage_value values[] = {
		{ .text = f[0] }, { .text = f[1] }, { .text = f[2] }, { .text = f[3] }
	};

	if (!f[DEPARTMENT_STAND_IN][0] || !f[DEPARTMENT_OPERATIONS][0]) {
		territory_refuse(t, "department %s needs a stand-in centre and one of operations",
		                 f[DEPARTMENT_CODE]);
		return;
	}
	if (!territory_stage(t, STAGE_DEPARTMENTS, values))
		return;
	struct known_department *d =
	        known_add_department(&t->known, department_code(f[DEPARTMENT_CODE]));
	if (d)
		d->line = csv->line;
	else
		TEXT_COPY(t->why, "no memory");
}

bool territory_rows_departments(struct territory_rows *t, const char *path)
{
	static const struct csv_column columns[] = { { .name = "code" },
		                                     { .name = "name" },
		                                     { .name = "stand_in" },
		                                     { .name = "operations" },
		                                     { .name = NULL } };

	return territory_read_csv(t, path, columns, department_row);
}

static bool centre_kind_parse(const char *text, enum centre_kind *out)
{
	static const char *const kinds[] = { [CENTRE_POLICE] = "police",
		                             [CENTRE_GENDARMERIE] = "gendarmerie",
		                             [CENTRE_OPERATIONS] = "operations" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(text, kinds[i]) == 0) {
			*out = (enum centre_kind)i;
			return true;
		}
	}
	return false;
}

enum { CENTRE_ID, CENTRE_DEPARTMENT, CENTRE_KIND, CENTRE_NAME, CENTRE_OTHER };

static void centre_row(struct territory_rows *t, const struct csv *csv)
{
	const char *const *f = csv->fields;
	const struct stage_value values[] = { { .text = f[CENTRE_ID] },
		                              { .text = f[CENTRE_DEPARTMENT] },
		                              { .text = f[CENTRE_KIND] },
		                              { .text = f[CENTRE_NAME] },
		                              { .text = text_or_null(f[CENTRE_OTHER]) } };
	enum centre_kind kind;

	if (!territory_has_department(t, f[CENTRE_DEPARTMENT]))
		return;
	if (!centre_kind_parse(f[CENTRE_KIND], &kind)) {
		territory_refuse(t, "a centre is police, gendarmerie or operations, not '%s'",
		                 f[CENTRE_KIND]);
		return;
	}
	if (!territory_stage(t, STAGE_CENTRES, values))
		return;
	struct known_centre *c = known_add_centre(&t->known, centre_id(f[CENTRE_ID]));
	if (!c) {
		TEXT_COPY(t->why, "no memory");
		return;
	}
	c->department = department_code(f[CENTRE_DEPARTMENT]);
	c->kind = kind;
	c->line = csv->line;
}

bool territory_rows_centres(struct territory_rows *t, const char *path)
{
	static const struct csv_column columns[] = { { .name = "id" },
		                                     { .name = "department" },
		                                     { .name = "kind" },
		                                     { .name = "name" },
		                                     { .name = "other", .optional = true },
		                                     { .name = NULL } };

	return territory_read_csv(t, path, columns, centre_row);
}

static void tribunal_row(struct territory_rows *t, const struct csv *csv)
{
	const struct stage_value values[] = { { .text = csv->fields[0] },
		                              { .text = csv->fields[1] } };

	if (!territory_has_department(t, csv->fields[0]) ||
	    !territory_stage(t, STAGE_TRIBUNALS, values))
		return;
	struct known_tribunal *tribunal =
	        known_add_tribunal(&t->known, department_code(csv->fields[0]), csv->fields[1]);
	if (tribunal)
		tribunal->line = csv->line;
	else
		TEXT_COPY(t->why, "no memory");
}

bool territory_rows_tribunals(struct territory_rows *t, const char *path)
{
	static const struct csv_column columns[] = { { .name = "department" },
		                                     { .name = "name" },
		                                     { .name = NULL } };

	return territory_read_csv(t, path, columns, tribunal_row);
}

static void former_row(struct territory_rows *t, const struct csv *csv)
{
	struct commune_code code = commune_code(csv->fields[1]);

	if (!csv->fields[0][0] || !code.text[0])
		territory_refuse(t, "a former commune needs a name and the code of today's");
	else if (!known_add_former(&t->known, csv->fields[0], code))
		TEXT_COPY(t->why, "no memory");
}

bool territory_rows_formers(struct territory_rows *t, const char *path)
{
	static const struct csv_column columns[] = { { .name = "name" },
		                                     { .name = "commune" },
		                                     { .name = NULL } };

	return territory_read_csv(t, path, columns, former_row);
}

enum {
	COMMUNE_CODE,
	COMMUNE_NAME,
	COMMUNE_POSTAL,
	COMMUNE_POPULATION,
	COMMUNE_ARRONDISSEMENT,
	COMMUNE_INSTITUTION,
	COMMUNE_DISTRICT,
	COMMUNE_TRIBUNAL,
	COMMUNE_LON,
	COMMUNE_LAT,
	COMMUNE_CENTRE,
};

static const struct csv_column commune_columns[] = {
	[COMMUNE_CODE] = { .name = "code_commune" },
	[COMMUNE_NAME] = { .name = "libelle_commune" },
	[COMMUNE_POSTAL] = { .name = "code_postal", .optional = true },
	[COMMUNE_POPULATION] = { .name = "population", .optional = true },
	[COMMUNE_ARRONDISSEMENT] = { .name = "arrondissement", .optional = true },
	[COMMUNE_INSTITUTION] = { .name = "institution", .optional = true },
	[COMMUNE_DISTRICT] = { .name = "circonscription", .optional = true },
	[COMMUNE_TRIBUNAL] = { .name = "tribunal_judiciaire", .optional = true },
	[COMMUNE_LON] = { .name = "lon" },
	[COMMUNE_LAT] = { .name = "lat" },
	[COMMUNE_CENTRE] = { .name = "centre", .optional = true },
	{ .name = NULL },
};

/* The department that an INSEE code begins with: three characters overseas. */
static struct department_code commune_department(const char *code)
{
	char text[4] = "";
	size_t length = strncmp(code, "97", 2) == 0 || strncmp(code, "98", 2) == 0 ? 3 : 2;

	if (strlen(code) == 5)
		memcpy(text, code, length);
	return department_code(text);
}

/* "77000-77950" -> "{77000,77950}", PostgreSQL's spelling of a list. */
static bool postal_list(const char *text, char *out, size_t size)
{
	text_copy(out, size, "{");
	for (size_t at = 0; text[at];) {
		size_t digits = strspn(text + at, "0123456789");
		if (digits != 5 || (text[at + 5] && text[at + 5] != '-'))
			return false;
		if (!text_add(out, size, "%s%.5s", at ? "," : "", text + at))
			return false;
		at += 5;
		if (text[at] == '-' && !text[++at])
			return false;
	}
	return text_add(out, size, "}");
}

static bool degrees_read(const char *text, double limit, double *out)
{
	char *end;

	if (!isdigit((unsigned char)text[0]) && text[0] != '-')
		return false;
	errno = 0;
	*out = strtod(text, &end);
	return !errno && !*end && !strpbrk(text, "xXnN") && fabs(*out) <= limit;
}

/* Whoever is competent: the centre that the row names, else the department's only one of the force.
 */
static const struct known_centre *commune_centre(struct territory_rows *t, const struct csv *csv,
                                                 struct department_code department)
{
	const char *named = csv->fields[COMMUNE_CENTRE], *force = csv->fields[COMMUNE_INSTITUTION];
	bool is_police = strcmp(force, "PN") == 0;
	const struct known_centre *centre;

	if (named[0]) {
		centre = known_centre(&t->known, centre_id(named));
		if (!centre)
			territory_refuse(t, "%s '%s': there is no centre '%s'",
			                 csv->fields[COMMUNE_CODE], csv->fields[COMMUNE_NAME],
			                 named);
		return centre;
	}
	if (!is_police && strcmp(force, "GN") != 0) {
		territory_refuse(
		        t, "%s '%s': the force is PN or GN, not '%s', or the row names a centre",
		        csv->fields[COMMUNE_CODE], csv->fields[COMMUNE_NAME], force);
		return NULL;
	}
	centre = known_only_centre(&t->known, department,
	                           is_police ? CENTRE_POLICE : CENTRE_GENDARMERIE);
	if (!centre)
		territory_refuse(t,
		                 "%s '%s': department %s has no centre of the %s, or several: name "
		                 "one in a column 'centre'",
		                 csv->fields[COMMUNE_CODE], csv->fields[COMMUNE_NAME],
		                 department.text, is_police ? "police" : "gendarmerie");
	return centre;
}

/* A tribunal that nobody knows is taken from the communes only while none is known at all: later it
 * is most likely a typing error. */
static bool commune_tribunal(struct territory_rows *t, const struct csv *csv,
                             struct department_code department)
{
	const char *name = csv->fields[COMMUNE_TRIBUNAL];
	const struct stage_value values[] = { { .text = department.text }, { .text = name } };
	char hint[KNOWN_HINT_SIZE];
	bool is_first = true;

	if (!name[0] || known_tribunal(&t->known, department, name))
		return true;
	for (size_t i = 0; i < t->known.tribunals_count; i++) {
		const struct known_tribunal *other = &t->known.tribunals[i];
		is_first = is_first &&
		           (memcmp(&other->department, &department, sizeof(department)) != 0 ||
		            other->line == FROM_COMMUNES);
	}
	if (!is_first)
		return territory_refuse(t, "%s '%s': there is no tribunal '%s'%s",
		                        csv->fields[COMMUNE_CODE], csv->fields[COMMUNE_NAME], name,
		                        known_tribunal_hint(&t->known, department, name, hint));
	if (!territory_stage(t, STAGE_TRIBUNALS, values))
		return false;
	struct known_tribunal *tribunal = known_add_tribunal(&t->known, department, name);
	if (!tribunal) {
		TEXT_COPY(t->why, "no memory");
		return false;
	}
	tribunal->line = FROM_COMMUNES;
	return true;
}

static bool commune_check(struct territory_rows *t, const struct csv *csv,
                          struct department_code department, char *postal, size_t size, double *lat,
                          double *lon)
{
	const char *const *f = csv->fields;
	const struct known_commune *there = known_commune(&t->known, commune_code(f[COMMUNE_CODE]));

	if (!department.text[0])
		return territory_refuse(t, "'%s' is no INSEE code of a commune", f[COMMUNE_CODE]);
	if (!territory_has_department(t, department.text))
		return false;
	if (there && there->line)
		return territory_refuse(t, "%s '%s' stands in line %u already", f[COMMUNE_CODE],
		                        f[COMMUNE_NAME], there->line);
	if (!postal_list(f[COMMUNE_POSTAL], postal, size))
		return territory_refuse(t, "%s '%s': '%s' are no postal codes", f[COMMUNE_CODE],
		                        f[COMMUNE_NAME], f[COMMUNE_POSTAL]);
	if (!degrees_read(f[COMMUNE_LAT], 90, lat) || !degrees_read(f[COMMUNE_LON], 180, lon))
		return territory_refuse(t, "%s '%s': '%s', '%s' is no point in degrees",
		                        f[COMMUNE_CODE], f[COMMUNE_NAME], f[COMMUNE_LAT],
		                        f[COMMUNE_LON]);
	return true;
}

static void commune_row(struct territory_rows *t, const struct csv *csv)
{
	const char *const *f = csv->fields;
	struct department_code department = commune_department(f[COMMUNE_CODE]);
	char postal[CSV_FIELD_MAX + 8];
	double lat, lon;

	if (!commune_check(t, csv, department, postal, sizeof(postal), &lat, &lon))
		return;
	const struct known_centre *centre = commune_centre(t, csv, department);
	if (!centre || !commune_tribunal(t, csv, department))
		return;
	const struct stage_value values[] = {
		{ .text = f[COMMUNE_CODE] },
		{ .text = department.text },
		{ .text = f[COMMUNE_NAME] },
		{ .text = postal },
		{ .text = text_or_null(f[COMMUNE_POPULATION]) },
		{ .text = text_or_null(f[COMMUNE_ARRONDISSEMENT]) },
		{ .text = text_or_null(f[COMMUNE_DISTRICT]) },
		{ .text = text_or_null(f[COMMUNE_TRIBUNAL]) },
		{ .text = centre->id.text },
		{ .text = f[COMMUNE_LAT] },
		{ .text = f[COMMUNE_LON] },
	};
	if (!territory_stage(t, STAGE_COMMUNES, values))
		return;
	struct known_commune *c = known_add_commune(&t->known, commune_code(f[COMMUNE_CODE]));
	if (!c) {
		TEXT_COPY(t->why, "no memory");
		return;
	}
	c->department = department;
	TEXT_COPY(c->name, f[COMMUNE_NAME]);
	TEXT_COPY(c->district, f[COMMUNE_DISTRICT]);
	c->centre = centre->id;
	c->lat = lat;
	c->lon = lon;
	c->line = csv->line;
}

/* Nobody named the tribunals beforehand: whoever runs the import should look at what they are. */
static void tribunals_tell(struct territory_rows *t, const char *path)
{
	for (size_t i = 0; i < t->known.tribunals_count; i++) {
		const struct known_tribunal *tribunal = &t->known.tribunals[i];
		if (tribunal->line == FROM_COMMUNES)
			remarks_add(&t->remarks, REMARK_NOTE, path,
			            "department %s gets a tribunal '%s', because communes name it",
			            tribunal->department.text, tribunal->name);
	}
}

bool territory_rows_communes(struct territory_rows *t, const char *path)
{
	bool fine = territory_read_csv(t, path, commune_columns, commune_row);

	if (fine)
		tribunals_tell(t, path);
	return fine;
}
