#include <string.h>

#include "support/text.h"
#include "tool/geojson.h"
#include "tool/geometry.h"
#include "tool/territory_rows.h"

/* The territory's files of areas: contours of communes and overlay zones. */

struct areas {
	struct territory_rows *rows;
	struct geojson json;
	struct geometry *geometry;
	size_t feature;
	size_t taken; /* areas in the geometry */
};

static const char *text_of(const struct areas *a, const char *const *names)
{
	return geojson_text(&a->json, a->feature, names);
}

/* The feature's area when it is a valid one; it becomes the geometry's next. */
static bool area_read(struct areas *a, struct area *out)
{
	char why[GEOMETRY_WHY_SIZE];

	if (!geojson_area(&a->json, a->feature, out)) {
		territory_refuse(a->rows, "%s", a->json.why);
		return false;
	}
	if (geometry_add(a->geometry, out->wkb, out->length, why)) {
		a->taken++;
		return true;
	}
	territory_refuse(a->rows, "its area is not valid: %s", why);
	area_done(out);
	return false;
}

static void contour_note_name(struct areas *a, const struct known_commune *c)
{
	static const char *const names[] = { "nom", "NOM", "name", NULL };
	const char *name = text_of(a, names);

	if (name[0] && strcmp(name, c->name) != 0)
		remarks_add(&a->rows->remarks, REMARK_NOTE, a->rows->place,
		            "%s is called '%s' here and '%s' among the communes", c->code.text,
		            name, c->name);
}

static struct known_commune *contour_commune(struct areas *a)
{
	static const char *const codes[] = { "code", "INSEE_COM", "code_insee", NULL };
	const char *code = text_of(a, codes);
	struct known_commune *c = known_commune(&a->rows->known, commune_code(code));

	if (!c)
		territory_refuse(a->rows, "there is no commune '%s'", code);
	else if (c->contour)
		territory_refuse(a->rows, "commune %s has a contour already, in feature %u", code,
		                 c->contour);
	return c && !c->contour ? c : NULL;
}

/* A contour that does not hold its commune's own point belongs to another commune, or to another
 * coordinate system: it would send alarms elsewhere. */
static void contour_row(struct areas *a)
{
	struct known_commune *c = contour_commune(a);
	struct area area;

	if (!c || !area_read(a, &area))
		return;
	const struct stage_value values[] = { { .text = c->code.text },
		                              { .text = c->department.text },
		                              { .text = (const char *)area.wkb,
		                                .length = area.length } };
	if (!geometry_covers(a->geometry, a->taken - 1, c->lat, c->lon)) {
		territory_refuse(
		        a->rows,
		        "the contour of %s '%s' does not hold the commune's own point (%.4f, %.4f)",
		        c->code.text, c->name, c->lat, c->lon);
	} else if (territory_stage(a->rows, STAGE_CONTOURS, values)) {
		c->contour = (unsigned)a->feature + 1;
		contour_note_name(a, c);
	}
	area_done(&area);
}

static void zone_row(struct areas *a)
{
	static const char *const names[] = { "name", "nom", NULL };
	static const char *const departments[] = { "department", "departement", NULL };
	static const char *const centres[] = { "centre", NULL };
	const char *department = text_of(a, departments), *centre = text_of(a, centres);
	struct area area;

	if (!territory_has_department(a->rows, department))
		return;
	if (!known_centre(&a->rows->known, centre_id(centre))) {
		territory_refuse(a->rows, "there is no centre '%s'", centre);
		return;
	}
	if (!area_read(a, &area))
		return;
	const struct stage_value values[] = { { .text = department },
		                              { .text = text_of(a, names) },
		                              { .text = centre },
		                              { .text = (const char *)area.wkb,
		                                .length = area.length } };
	(void)territory_stage(a->rows, STAGE_ZONES, values);
	area_done(&area);
}

static bool areas_read(struct territory_rows *t, const char *path, void (*row)(struct areas *a))
{
	struct areas a = { .rows = t, .geometry = geometry_new() };
	bool fine = geojson_open(&a.json, path);

	if (!fine)
		text_add(t->why, sizeof(t->why), "%s: %s", path, a.json.why);
	else if (!a.geometry)
		TEXT_COPY(t->why, "no memory");
	for (; !t->why[0] && a.feature < a.json.count; a.feature++) {
		t->place[0] = '\0';
		text_add(t->place, sizeof(t->place), "%s: feature %zu", path, a.feature + 1);
		row(&a);
	}
	geojson_close(&a.json);
	geometry_free(a.geometry);
	return !t->why[0];
}

bool territory_rows_contours(struct territory_rows *t, const char *path)
{
	return areas_read(t, path, contour_row);
}

bool territory_rows_zones(struct territory_rows *t, const char *path)
{
	return areas_read(t, path, zone_row);
}
