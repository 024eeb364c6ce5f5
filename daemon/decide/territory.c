#include "decide/territory.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "decide/zone_index.h"
#include "support/table.h"
#include "support/text.h"

#define CHUNK_BYTES ((size_t)64 * 1024)

/* Texts and entries live in chunks: tens of thousands of small things with one lifetime. */
struct chunk {
	struct chunk *before;
	size_t used, room;
	_Alignas(max_align_t) char bytes[];
};

/* What the table of communes holds: the public part first. */
struct commune_entry {
	struct commune commune;
	bool has_contour;
	struct commune_entry *before;
};

struct department_entry {
	struct department department;
	bool has_contours;
};

struct overlay_entry {
	const char *name;
	struct centre_id centre;
	struct overlay_entry *before;
};

struct territory {
	struct chunk *chunks;
	struct table *departments, *centres, *communes; /* by their codes */
	struct commune_entry *last_commune;
	struct overlay_entry *last_overlay;
	struct zone_index *zones;
	bool closed;
	uint64_t version;
};

static void *territory_room(struct territory *t, size_t size)
{
	size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (!t->chunks || t->chunks->room - t->chunks->used < size) {
		size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
		struct chunk *chunk = malloc(sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		*chunk = (struct chunk){ .before = t->chunks, .room = room };
		t->chunks = chunk;
	}
	void *at = t->chunks->bytes + t->chunks->used;
	t->chunks->used += size;
	return at;
}

/* NULL becomes "". */
static bool territory_keep(struct territory *t, const char **text)
{
	size_t size = *text ? strlen(*text) + 1 : 1;
	char *kept = territory_room(t, size);

	if (kept)
		memcpy(kept, *text ? *text : "", size);
	*text = kept;
	return kept != NULL;
}

struct territory *territory_new(void)
{
	struct territory *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->departments = table_new(sizeof(struct department_code), 0);
	t->centres = table_new(sizeof(struct centre_id), 0);
	t->communes = table_new(sizeof(struct commune_code), 0);
	t->zones = zone_index_new();
	if (t->departments && t->centres && t->communes && t->zones)
		return t;
	territory_free(t);
	return NULL;
}

void territory_free(struct territory *t)
{
	if (!t)
		return;
	zone_index_free(t->zones);
	table_free(t->departments);
	table_free(t->centres);
	table_free(t->communes);
	while (t->chunks) {
		struct chunk *before = t->chunks->before;
		free(t->chunks);
		t->chunks = before;
	}
	free(t);
}

bool territory_put_department(struct territory *t, const struct department *d)
{
	if (t->closed || !d->code.text[0] || table_get(t->departments, &d->code))
		return false;
	struct department_entry *entry = territory_room(t, sizeof(*entry));
	if (!entry)
		return false;
	*entry = (struct department_entry){ .department = *d };
	return territory_keep(t, &entry->department.name) &&
	       table_put(t->departments, &d->code, entry);
}

bool territory_put_centre(struct territory *t, const struct centre *c)
{
	if (t->closed || !centre_is_set(c->id) || table_get(t->centres, &c->id))
		return false;
	struct centre *entry = territory_room(t, sizeof(*entry));
	if (!entry)
		return false;
	*entry = *c;
	return territory_keep(t, &entry->name) && table_put(t->centres, &c->id, entry);
}

bool territory_put_commune(struct territory *t, const struct commune *c)
{
	if (t->closed || !c->code.text[0] || table_get(t->communes, &c->code))
		return false;
	if (!(fabs(c->lat) <= 90 && fabs(c->lon) <= 180))
		return false;
	struct commune_entry *entry = territory_room(t, sizeof(*entry));
	if (!entry)
		return false;
	*entry = (struct commune_entry){ .commune = *c, .before = t->last_commune };
	struct commune *kept = &entry->commune;
	if (!territory_keep(t, &kept->name) || !territory_keep(t, &kept->tribunal) ||
	    !territory_keep(t, &kept->adviser_name) || !territory_keep(t, &kept->adviser_number) ||
	    !table_put(t->communes, &c->code, entry))
		return false;
	t->last_commune = entry;
	return true;
}

bool territory_put_contour(struct territory *t, struct commune_code commune, const uint8_t *wkb,
                           size_t length)
{
	struct commune_entry *entry = t->closed ? NULL : table_get(t->communes, &commune);

	if (!entry || entry->has_contour)
		return false;
	entry->has_contour = zone_index_put_contour(t->zones, &entry->commune, wkb, length);
	return entry->has_contour;
}

bool territory_put_zone(struct territory *t, const char *name, struct centre_id centre,
                        const uint8_t *wkb, size_t length)
{
	struct overlay_entry *entry = t->closed ? NULL : territory_room(t, sizeof(*entry));

	if (!entry)
		return false;
	*entry = (struct overlay_entry){ name, centre, t->last_overlay };
	if (!territory_keep(t, &entry->name) ||
	    !zone_index_put_overlay(t->zones, entry->name, centre, wkb, length))
		return false;
	t->last_overlay = entry;
	return true;
}

static bool refuse(char *why, size_t size, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static bool refuse(char *why, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why, size, format, args); /* a cut sentence is still the sentence */
	va_end(args);
	return false;
}

static bool centres_check(const struct territory *t, char *why, size_t size)
{
	const struct centre *c;

	for (size_t i = 0; (c = territory_next_centre(t, &i)) != NULL;) {
		if (!territory_department(t, c->department))
			return refuse(why, size, "centre %s: no department %s", c->id.text,
			              c->department.text);
		if (centre_is_set(c->other) && !territory_centre(t, c->other))
			return refuse(why, size, "centre %s: no centre %s to ask next", c->id.text,
			              c->other.text);
	}
	return true;
}

/* Doubt goes to the stand-in and technical incidents to operations: neither may be missing. */
static bool departments_check(const struct territory *t, char *why, size_t size)
{
	const struct department_entry *entry;

	for (size_t i = 0; (entry = table_next(t->departments, &i)) != NULL;) {
		const struct department *d = &entry->department;
		if (!territory_centre(t, d->stand_in))
			return refuse(why, size, "department %s: no stand-in centre %s",
			              d->code.text, d->stand_in.text);
		if (!territory_centre(t, d->operations))
			return refuse(why, size, "department %s: no operations centre %s",
			              d->code.text, d->operations.text);
	}
	return true;
}

static bool communes_check(const struct territory *t, char *why, size_t size)
{
	for (const struct commune_entry *entry = t->last_commune; entry; entry = entry->before) {
		const struct commune *c = &entry->commune;
		struct department_entry *department = table_get(t->departments, &c->department);
		if (!department)
			return refuse(why, size, "commune %s: no department %s", c->code.text,
			              c->department.text);
		if (centre_is_set(c->centre) && !territory_centre(t, c->centre))
			return refuse(why, size, "commune %s: no centre %s", c->code.text,
			              c->centre.text);
		department->has_contours |= entry->has_contour;
	}
	for (const struct overlay_entry *entry = t->last_overlay; entry; entry = entry->before) {
		if (!territory_centre(t, entry->centre))
			return refuse(why, size, "zone %s: no centre %s", entry->name,
			              entry->centre.text);
	}
	return true;
}

/* A department that has some contours has them for good: a commune without one is then a hole,
 * which `tocsin territory check` reports, and not a guess that would reach into its neighbours. */
static bool points_put(struct territory *t)
{
	for (const struct commune_entry *entry = t->last_commune; entry; entry = entry->before) {
		const struct department_entry *department =
		        table_get(t->departments, &entry->commune.department);
		if (!department->has_contours && !zone_index_put_point(t->zones, &entry->commune))
			return false;
	}
	return true;
}

bool territory_close(struct territory *t, char *why, size_t why_size)
{
	if (t->closed)
		return refuse(why, why_size, "the territory is closed already");
	if (!centres_check(t, why, why_size) || !departments_check(t, why, why_size) ||
	    !communes_check(t, why, why_size))
		return false;
	if (!points_put(t))
		return refuse(why, why_size, "no memory");
	t->closed = zone_index_close(t->zones, why, why_size);
	return t->closed;
}

const struct department *territory_department(const struct territory *t,
                                              struct department_code code)
{
	const struct department_entry *entry = table_get(t->departments, &code);

	return entry ? &entry->department : NULL;
}

const struct centre *territory_centre(const struct territory *t, struct centre_id id)
{
	return table_get(t->centres, &id);
}

const struct commune *territory_commune(const struct territory *t, struct commune_code code)
{
	const struct commune_entry *entry = table_get(t->communes, &code);

	return entry ? &entry->commune : NULL;
}

const struct centre *territory_next_centre(const struct territory *t, size_t *index)
{
	return table_next(t->centres, index);
}

const struct zone_index *territory_zones(const struct territory *t)
{
	return t->closed ? t->zones : NULL;
}

size_t territory_communes_count(const struct territory *t)
{
	return table_count(t->communes);
}

void territory_set_version(struct territory *t, uint64_t version)
{
	t->version = version;
}

uint64_t territory_version(const struct territory *t)
{
	return t->version;
}

/* A text that does not fit is none at all: cut, it could be the name of something else. */
static void code_set(char *out, size_t size, const char *text)
{
	size_t length = text ? strnlen(text, size) : 0;

	memset(out, 0, size);
	if (length < size && length > 0)
		memcpy(out, text, length);
}

struct centre_id centre_id(const char *text)
{
	struct centre_id id;

	code_set(id.text, sizeof(id.text), text);
	return id;
}

struct commune_code commune_code(const char *text)
{
	struct commune_code code;

	code_set(code.text, sizeof(code.text), text);
	return code;
}

struct department_code department_code(const char *text)
{
	struct department_code code;

	code_set(code.text, sizeof(code.text), text);
	return code;
}
