#include "tool/known.h"

#include <stdlib.h>
#include <string.h>

#include "support/text.h"
#include "tool/suggest.h"

bool known_init(struct known *k)
{
	*k = (struct known){ .by_code = table_new(sizeof(struct commune_code), 0) };
	return k->by_code != NULL;
}

void known_done(struct known *k)
{
	for (size_t i = 0; i < k->communes_count; i++)
		free(k->communes[i]);
	free(k->communes);
	free(k->departments);
	free(k->centres);
	free(k->tribunals);
	free(k->formers);
	table_free(k->by_code);
	*k = (struct known){ 0 };
}

/* The list with room for one more, moved at each power of two; NULL: no memory. */
static void *list_grow(void *list, size_t count, size_t size)
{
	bool is_full = (count & (count - 1)) == 0;

	return is_full ? reallocarray(list, count ? 2 * count : 1, size) : list;
}

static bool department_is(struct department_code a, struct department_code b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

struct known_department *known_department(const struct known *k, struct department_code code)
{
	for (size_t i = 0; i < k->departments_count; i++) {
		if (department_is(k->departments[i].code, code))
			return &k->departments[i];
	}
	return NULL;
}

struct known_department *known_add_department(struct known *k, struct department_code code)
{
	struct known_department *there = known_department(k, code);

	if (there)
		return there;
	struct known_department *list =
	        list_grow(k->departments, k->departments_count, sizeof(*list));
	if (!list)
		return NULL;
	k->departments = list;
	list[k->departments_count] = (struct known_department){ .code = code };
	return &list[k->departments_count++];
}

struct known_centre *known_centre(const struct known *k, struct centre_id id)
{
	for (size_t i = 0; i < k->centres_count; i++) {
		if (centre_equal(k->centres[i].id, id))
			return &k->centres[i];
	}
	return NULL;
}

struct known_centre *known_add_centre(struct known *k, struct centre_id id)
{
	struct known_centre *there = known_centre(k, id);

	if (there)
		return there;
	struct known_centre *list = list_grow(k->centres, k->centres_count, sizeof(*list));
	if (!list)
		return NULL;
	k->centres = list;
	list[k->centres_count] = (struct known_centre){ .id = id };
	return &list[k->centres_count++];
}

struct known_centre *known_only_centre(const struct known *k, struct department_code department,
                                       enum centre_kind kind)
{
	struct known_centre *only = NULL;

	for (size_t i = 0; i < k->centres_count; i++) {
		if (!department_is(k->centres[i].department, department) ||
		    k->centres[i].kind != kind)
			continue;
		if (only)
			return NULL;
		only = &k->centres[i];
	}
	return only;
}

struct known_tribunal *known_tribunal(const struct known *k, struct department_code department,
                                      const char *name)
{
	for (size_t i = 0; i < k->tribunals_count; i++) {
		if (department_is(k->tribunals[i].department, department) &&
		    strcmp(k->tribunals[i].name, name) == 0)
			return &k->tribunals[i];
	}
	return NULL;
}

struct known_tribunal *known_add_tribunal(struct known *k, struct department_code department,
                                          const char *name)
{
	struct known_tribunal *there = known_tribunal(k, department, name);

	if (there)
		return there;
	struct known_tribunal *list = list_grow(k->tribunals, k->tribunals_count, sizeof(*list));
	if (!list)
		return NULL;
	k->tribunals = list;
	struct known_tribunal *added = &list[k->tribunals_count++];
	*added = (struct known_tribunal){ .department = department };
	TEXT_COPY(added->name, name);
	return added;
}

struct known_former *known_add_former(struct known *k, const char *name,
                                      struct commune_code commune)
{
	struct known_former *list = list_grow(k->formers, k->formers_count, sizeof(*list));

	if (!list)
		return NULL;
	k->formers = list;
	struct known_former *added = &list[k->formers_count++];
	*added = (struct known_former){ .commune = commune };
	TEXT_COPY(added->name, name);
	return added;
}

struct known_commune *known_commune(const struct known *k, struct commune_code code)
{
	return table_get(k->by_code, &code);
}

struct known_commune *known_add_commune(struct known *k, struct commune_code code)
{
	struct known_commune *there = known_commune(k, code);

	if (there)
		return there;
	struct known_commune **list = list_grow(k->communes, k->communes_count, sizeof(*list));
	struct known_commune *added = calloc(1, sizeof(*added));
	if (list)
		k->communes = list;
	if (!list || !added || !table_put(k->by_code, &code, added)) {
		free(added);
		return NULL;
	}
	added->code = code;
	return list[k->communes_count++] = added;
}

struct known_commune *known_commune_named(const struct known *k, struct department_code department,
                                          const char *name)
{
	struct known_commune *only = NULL;

	for (size_t i = 0; i < k->communes_count; i++) {
		struct known_commune *c = k->communes[i];
		if (!department_is(c->department, department) || strcmp(c->name, name) != 0)
			continue;
		if (only)
			return NULL;
		only = c;
	}
	return only;
}

bool known_has_district(const struct known *k, struct department_code department,
                        const char *district)
{
	for (size_t i = 0; i < k->communes_count; i++) {
		if (department_is(k->communes[i]->department, department) &&
		    strcmp(k->communes[i]->district, district) == 0)
			return true;
	}
	return false;
}

/* Old communes first: the nearest name by its letters would be another place. */
static bool former_tell(const struct known *k, const char *name, char *out)
{
	for (size_t i = 0; i < k->formers_count; i++) {
		const struct known_former *former = &k->formers[i];
		const struct known_commune *now = known_commune(k, former->commune);
		if (suggest_distance(name, former->name) != 0)
			continue;
		text_add(out, KNOWN_HINT_SIZE, " (it is now part of %s%s%s%s)",
		         former->commune.text, now ? ", '" : "", now ? now->name : "",
		         now ? "'" : "");
		return true;
	}
	return false;
}

const char *known_commune_hint(const struct known *k, struct department_code department,
                               const char *name, char out[static KNOWN_HINT_SIZE])
{
	const struct known_commune *nearest = NULL;
	unsigned least = SUGGEST_FAR;

	out[0] = '\0';
	if (former_tell(k, name, out))
		return out;
	for (size_t i = 0; i < k->communes_count; i++) {
		const struct known_commune *c = k->communes[i];
		unsigned distance = department_is(c->department, department)
		                            ? suggest_distance(name, c->name)
		                            : SUGGEST_FAR;
		if (distance < least) {
			least = distance;
			nearest = c;
		}
	}
	if (nearest)
		text_add(out, KNOWN_HINT_SIZE, " (is it %s, '%s'?)", nearest->code.text,
		         nearest->name);
	return out;
}

struct nearest {
	const char *name;
	unsigned distance;
};

static void nearest_try(struct nearest *nearest, const char *wanted, const char *name)
{
	unsigned distance = name[0] ? suggest_distance(wanted, name) : SUGGEST_FAR;

	if (distance < nearest->distance)
		*nearest = (struct nearest){ name, distance };
}

static const char *nearest_tell(const struct nearest *nearest, char *out)
{
	out[0] = '\0';
	if (nearest->name)
		text_add(out, KNOWN_HINT_SIZE, " (is it '%s'?)", nearest->name);
	return out;
}

const char *known_tribunal_hint(const struct known *k, struct department_code department,
                                const char *name, char out[static KNOWN_HINT_SIZE])
{
	struct nearest nearest = { NULL, SUGGEST_FAR };

	for (size_t i = 0; i < k->tribunals_count; i++) {
		if (department_is(k->tribunals[i].department, department))
			nearest_try(&nearest, name, k->tribunals[i].name);
	}
	return nearest_tell(&nearest, out);
}

const char *known_district_hint(const struct known *k, struct department_code department,
                                const char *name, char out[static KNOWN_HINT_SIZE])
{
	struct nearest nearest = { NULL, SUGGEST_FAR };

	for (size_t i = 0; i < k->communes_count; i++) {
		if (department_is(k->communes[i]->department, department))
			nearest_try(&nearest, name, k->communes[i]->district);
	}
	return nearest_tell(&nearest, out);
}
