#include <stdlib.h>
#include <string.h>

#include "decide/phone.h"
#include "support/clock.h"
#include "support/text.h"
#include "tool/territory_rows.h"

/* The territory's file of advisers (référents sécurité): who they are, and where they advise. */

enum {
	ADVISER_DEPARTMENT,
	ADVISER_NAME,
	ADVISER_NUMBER,
	ADVISER_COMMUNE,
	ADVISER_DISTRICT,
	ADVISER_CENTRE
};

enum { RANK_COMMUNE = 1, RANK_DISTRICT, RANK_CENTRE }; /* the lower, the closer */

static struct territory_adviser *adviser_find(const struct territory_rows *t,
                                              struct department_code department, const char *name)
{
	for (size_t i = 0; i < t->advisers_count; i++) {
		struct territory_adviser *a = &t->advisers[i];
		if (memcmp(&a->department, &department, sizeof(department)) == 0 &&
		    strcmp(a->name, name) == 0)
			return a;
	}
	return NULL;
}

/* Who was there before keeps the id, so that a second import changes nothing. */
static bool adviser_set_id(struct territory_rows *t, struct territory_adviser *a)
{
	const char *values[] = { a->department.text, a->name };
	PGresult *result = PQexecParams(t->stage.conn,
	                                "SELECT id FROM public.advisers WHERE department = $1 AND "
	                                "name = $2 ORDER BY id LIMIT 1",
	                                2, NULL, values, NULL, NULL, 0);
	bool fine = PQresultStatus(result) == PGRES_TUPLES_OK;

	if (!fine)
		text_add(t->why, sizeof(t->why), "%s", PQresultErrorMessage(result));
	else if (PQntuples(result) == 1)
		TEXT_COPY(a->id, PQgetvalue(result, 0, 0));
	else
		id_format(id_new(clock_wall()), a->id);
	PQclear(result);
	return fine;
}

static struct territory_adviser *adviser_add(struct territory_rows *t,
                                             struct department_code department, const char *name,
                                             const char *number)
{
	struct territory_adviser *list =
	        reallocarray(t->advisers, t->advisers_count + 1, sizeof(*list));

	if (!list) {
		TEXT_COPY(t->why, "no memory");
		return NULL;
	}
	t->advisers = list;
	struct territory_adviser *a = &list[t->advisers_count];
	*a = (struct territory_adviser){ .department = department };
	TEXT_COPY(a->name, name);
	TEXT_COPY(a->number, number);
	if (!adviser_set_id(t, a))
		return NULL;
	const struct stage_value values[] = { { .text = a->id },
		                              { .text = department.text },
		                              { .text = name },
		                              { .text = number[0] ? number : NULL } };
	return territory_stage(t, STAGE_ADVISERS, values) ? &list[t->advisers_count++] : NULL;
}

static bool number_read(struct territory_rows *t, const char *raw, char out[static PHONE_TEXT_SIZE])
{
	struct phone phone = phone_read(raw);

	out[0] = '\0';
	if (!raw[0])
		return true;
	if (phone.verdict != PHONE_NUMBER)
		return territory_refuse(t, "'%s' is no telephone number (%s)", raw,
		                        phone_verdict_name(phone.verdict));
	text_copy(out, PHONE_TEXT_SIZE, phone.text);
	return true;
}

static struct territory_adviser *adviser_of_row(struct territory_rows *t, const struct csv *csv)
{
	const char *const *f = csv->fields;
	struct department_code department = department_code(f[ADVISER_DEPARTMENT]);
	struct territory_adviser *a = adviser_find(t, department, f[ADVISER_NAME]);
	char number[PHONE_TEXT_SIZE];

	if (!number_read(t, f[ADVISER_NUMBER], number))
		return NULL;
	if (!a)
		return adviser_add(t, department, f[ADVISER_NAME], number);
	if (strcmp(a->number, number) == 0)
		return a;
	territory_refuse(t, "'%s' has another number in an earlier row", a->name);
	return NULL;
}

static void commune_advise(struct territory_rows *t, struct known_commune *c,
                           const struct territory_adviser *a, unsigned rank)
{
	unsigned adviser = (unsigned)(a - t->advisers) + 1;

	if (c->adviser && c->adviser_rank == rank && c->adviser != adviser) {
		territory_refuse(t, "%s '%s' has an adviser already: '%s'", c->code.text, c->name,
		                 t->advisers[c->adviser - 1].name);
	} else if (!c->adviser || rank < c->adviser_rank) {
		c->adviser = adviser;
		c->adviser_rank = rank;
	}
}

/* One word of the list: a code, or a name letter for letter. */
static void word_advise(struct territory_rows *t, const char *word,
                        const struct territory_adviser *a)
{
	struct known_commune *c = known_commune(&t->known, commune_code(word));
	char hint[KNOWN_HINT_SIZE];

	if (!c)
		c = known_commune_named(&t->known, a->department, word);
	if (!c)
		territory_refuse(t, "there is no commune '%s'%s", word,
		                 known_commune_hint(&t->known, a->department, word, hint));
	else if (memcmp(&c->department, &a->department, sizeof(c->department)) != 0)
		territory_refuse(t, "%s '%s' is not in department %s", c->code.text, c->name,
		                 a->department.text);
	else
		commune_advise(t, c, a, RANK_COMMUNE);
}

static void list_advise(struct territory_rows *t, const char *list,
                        const struct territory_adviser *a)
{
	char word[KNOWN_NAME_SIZE];

	while (*list) {
		size_t length = strcspn(list, ","), end = length;
		size_t from = strspn(list, " ");
		while (end > from && list[end - 1] == ' ')
			end--;
		if (end - (from < end ? from : end) >= sizeof(word)) {
			territory_refuse(t, "a name in the list is too long");
		} else if (end > from) {
			memcpy(word, list + from, end - from);
			word[end - from] = '\0';
			word_advise(t, word, a);
		}
		list += length + (list[length] == ',');
	}
}

static void many_advise(struct territory_rows *t, const struct csv *csv,
                        const struct territory_adviser *a)
{
	const char *district = csv->fields[ADVISER_DISTRICT], *centre = csv->fields[ADVISER_CENTRE];
	struct centre_id id = centre_id(centre);
	char hint[KNOWN_HINT_SIZE];

	if (district[0] && !known_has_district(&t->known, a->department, district)) {
		territory_refuse(t, "there is no circonscription '%s'%s", district,
		                 known_district_hint(&t->known, a->department, district, hint));
		return;
	}
	if (centre[0] && !known_centre(&t->known, id)) {
		territory_refuse(t, "there is no centre '%s'", centre);
		return;
	}
	for (size_t i = 0; i < t->known.communes_count; i++) {
		struct known_commune *c = t->known.communes[i];
		bool is_here = memcmp(&c->department, &a->department, sizeof(c->department)) == 0;
		if (is_here && district[0] && strcmp(c->district, district) == 0)
			commune_advise(t, c, a, RANK_DISTRICT);
		else if (is_here && centre[0] && centre_equal(c->centre, id))
			commune_advise(t, c, a, RANK_CENTRE);
	}
}

static void adviser_row(struct territory_rows *t, const struct csv *csv)
{
	const char *const *f = csv->fields;
	int named = !!f[ADVISER_COMMUNE][0] + !!f[ADVISER_DISTRICT][0] + !!f[ADVISER_CENTRE][0];

	if (!territory_has_department(t, f[ADVISER_DEPARTMENT]))
		return;
	if (named != 1) {
		territory_refuse(
		        t, "it names %s of commune, circonscription and centre: one is wanted",
		        named ? "several" : "none");
		return;
	}
	const struct territory_adviser *a = adviser_of_row(t, csv);
	if (!a)
		return;
	if (f[ADVISER_COMMUNE][0])
		list_advise(t, f[ADVISER_COMMUNE], a);
	else
		many_advise(t, csv, a);
}

static bool communes_stage(struct territory_rows *t, const char *path)
{
	TEXT_COPY(t->place, path);
	for (size_t i = 0; i < t->known.communes_count && !t->why[0]; i++) {
		const struct known_commune *c = t->known.communes[i];
		if (!c->adviser)
			continue;
		const struct stage_value values[] = { { .text = c->code.text },
			                              { .text = c->department.text },
			                              { .text = t->advisers[c->adviser - 1].id } };
		(void)territory_stage(t, STAGE_ADVISER_COMMUNES, values);
	}
	return !t->why[0];
}

bool territory_rows_advisers(struct territory_rows *t, const char *path)
{
	static const struct csv_column columns[] = {
		[ADVISER_DEPARTMENT] = { .name = "department" },
		[ADVISER_NAME] = { .name = "name" },
		[ADVISER_NUMBER] = { .name = "number", .optional = true },
		[ADVISER_COMMUNE] = { .name = "commune", .optional = true },
		[ADVISER_DISTRICT] = { .name = "circonscription", .optional = true },
		[ADVISER_CENTRE] = { .name = "centre", .optional = true },
		{ .name = NULL },
	};

	return territory_read_csv(t, path, columns, adviser_row) && communes_stage(t, path);
}
