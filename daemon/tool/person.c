#include "tool/person.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide/territory.h"
#include "support/text.h"

#define ARRAY_SIZE    (REGISTRY_SITES_MAX * (ID_TEXT_SIZE + 1) + 3)
#define NAME_BYTES    127 /* the schema's domain `named` */
#define LINE_BYTES    500 /* and `one_line` */
#define ADDRESS_BYTES 199

static bool refuse(char *why, const char *format, const char *what)
{
	why[0] = '\0';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	text_add(why, PERSON_WHY_SIZE, format, what);
#pragma GCC diagnostic pop
	return false;
}

bool person_rpps_is_valid(const char *rpps)
{
	unsigned sum = 0;

	if (strlen(rpps) != 11 || strspn(rpps, "0123456789") != 11 || rpps[0] == '0')
		return false;
	for (unsigned i = 0; i < 11; i++) {
		unsigned digit = (unsigned)(rpps[10 - i] - '0');
		unsigned twice = digit * 2;
		sum += i % 2 == 0 ? digit : twice > 9 ? twice - 9 : twice;
	}
	return sum % 10 == 0;
}

/* The next word of a list separated by commas, without the blanks around it; NULL at its end. */
static const char *next_word(const char **list, char *out, size_t size)
{
	for (;;) {
		*list += strspn(*list, " \t,");
		if (**list == '\0')
			return NULL;
		size_t length = strcspn(*list, ","), end = length;
		while (end > 0 && ((*list)[end - 1] == ' ' || (*list)[end - 1] == '\t'))
			end--;
		snprintf(out, size, "%.*s", (int)(end < size ? end : size - 1), *list);
		*list += length;
		return out;
	}
}

bool person_add_numbers(struct registration *p, const char *list, bool shared,
                        char why[static PERSON_WHY_SIZE])
{
	char word[96];

	while (next_word(&list, word, sizeof(word))) {
		struct phone phone = phone_read(word);
		unsigned known = 0;
		if (phone.verdict != PHONE_NUMBER)
			return refuse(why, "'%s' is no telephone number", word);
		while (known < p->numbers_count &&
		       strcmp(p->numbers[known].number, phone.text) != 0)
			known++;
		if (known < p->numbers_count)
			continue;
		if (known == REGISTRY_NUMBERS_MAX)
			return refuse(why, "'%s' is one number too many: 16 at most", word);
		TEXT_COPY(p->numbers[known].number, phone.text);
		p->numbers[known].shared = shared;
		p->numbers_count++;
	}
	return true;
}

bool person_add_consents(struct registration *p, const char *list, char why[static PERSON_WHY_SIZE])
{
	char word[96];

	while (next_word(&list, word, sizeof(word))) {
		struct centre_id centre = centre_id(word);
		unsigned known = 0;
		if (!centre_is_set(centre))
			return refuse(why, "'%s' is no centre", word);
		while (known < p->consents_count && !centre_equal(p->consents[known], centre))
			known++;
		if (known == REGISTRY_CONSENTS_MAX)
			return refuse(why, "'%s' is one centre too many: 16 at most", word);
		p->consents[known] = centre;
		p->consents_count += known == p->consents_count;
	}
	return true;
}

static bool is_degrees(const char *text, double max)
{
	char *end;
	double value = strtod(text, &end);

	return text[0] != '\0' && *end == '\0' && fabs(value) <= max;
}

static bool is_line(const char *text, size_t bytes)
{
	return strlen(text) <= bytes && text_is_clean_utf8(text, strlen(text)) &&
	       !strpbrk(text, "\t\n");
}

static bool site_is_fine(const struct person_site *s, char *why)
{
	bool is_insee = strlen(s->commune) == 5;

	if (!s->label[0] || !is_line(s->label, NAME_BYTES))
		return refuse(why, "site: a name of at most 127 bytes is needed%s", "");
	if (!s->address[0] || !is_line(s->address, ADDRESS_BYTES))
		return refuse(why, "address: one of at most 199 bytes is needed%s", "");
	if (!is_line(s->access, LINE_BYTES))
		return refuse(why, "access: one line, at most 500 bytes%s", "");
	if (!is_insee || strspn(s->commune, "0123456789AB") != 5)
		return refuse(why,
		              "commune: '%s' is no INSEE code (five characters, no postal code)",
		              s->commune);
	if ((s->lat[0] || s->lon[0]) && (!is_degrees(s->lat, 90) || !is_degrees(s->lon, 180)))
		return refuse(why, "lat, lon: '%s' and its fellow are no point: both, in degrees",
		              s->lat);
	return true;
}

bool person_add_site(struct registration *p, const struct person_site *s,
                     char why[static PERSON_WHY_SIZE])
{
	if (!site_is_fine(s, why))
		return false;
	for (unsigned i = 0; i < p->sites_count; i++)
		if (strcmp(p->sites[i].label, s->label) == 0 &&
		    strcmp(p->sites[i].address, s->address) == 0 &&
		    strcmp(p->sites[i].commune, s->commune) == 0)
			return true;
	if (p->sites_count == REGISTRY_SITES_MAX)
		return refuse(why, "site: '%s' is one too many: 16 at most", s->label);
	p->sites[p->sites_count++] = *s;
	return true;
}

static bool is_name(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && is_line(text, NAME_BYTES) && text[0] != ' ' && text[length - 1] != ' ';
}

bool person_is_complete(const struct registration *p, char why[static PERSON_WHY_SIZE])
{
	struct wall at;
	char midnight[60] = "";

	if (!p->department[0])
		return refuse(why, "department: is needed%s", "");
	if (!is_name(p->name))
		return refuse(why, "name: one of at most 127 bytes is needed%s", "");
	if (!is_name(p->profession))
		return refuse(why, "profession: one of at most 127 bytes is needed%s", "");
	if (!is_line(p->specialty, LINE_BYTES) || !is_line(p->exposed, LINE_BYTES))
		return refuse(why, "specialty, exposed: one line, at most 500 bytes%s", "");
	if (p->rpps[0] && !person_rpps_is_valid(p->rpps))
		return refuse(
		        why,
		        "rpps: '%s' is no RPPS number (11 digits, the last one checks the others)",
		        p->rpps);
	if (p->consents_count == 0)
		return true;
	/* A number is registered at the person's own request, and that can be shown. */
	text_add(midnight, sizeof(midnight), "%sT00:00:00Z", p->given_at);
	if (!wall_parse(p->given_at, &at) && !wall_parse(midnight, &at))
		return refuse(why, "given_at: '%s' is no date (2026-01-31) of the consents",
		              p->given_at);
	if (!p->evidence[0] || !is_line(p->evidence, LINE_BYTES))
		return refuse(why, "evidence: the signed form's reference is needed%s", "");
	return true;
}

/* ---- writing ---- */

static bool person_fails(struct database *d, const char *why)
{
	TEXT_COPY(d->why, why);
	d->has_failed = true;
	return false;
}

static bool find_id(struct database *d, const struct registration *p, struct person_written *out)
{
	PGresult *found = database_ask(
	        d,
	        "SELECT id FROM public.practitioners WHERE department = $1 AND CASE WHEN "
	        "$2::bigint IS NULL THEN rpps IS NULL AND name = $3 ELSE rpps = $2::bigint END",
	        p->department, database_or_null(p->rpps), p->name, NULL);
	int count = found ? PQntuples(found) : -1;

	out->is_new = count == 0;
	if (count == 0)
		id_format(id_new(clock_wall()), out->id);
	else if (count == 1)
		text_copy(out->id, sizeof(out->id), PQgetvalue(found, 0, 0));
	PQclear(found);
	if (count > 1)
		return person_fails(d, "several persons have this name and no RPPS number");
	return count >= 0;
}

/* What a constraint would refuse, said so that a person can mend it. */
static bool check_references(struct database *d, const struct registration *p, const char *id)
{
	char centres[ARRAY_SIZE] = "{", numbers[ARRAY_SIZE] = "{";
	const char *const what[] = { "department: there is no", "consents: there is no centre",
		                     "numbers: another person's own number is" };

	for (unsigned i = 0; i < p->consents_count; i++)
		text_add(centres, sizeof(centres), "%s\"%s\"", i ? "," : "", p->consents[i].text);
	for (unsigned i = 0; i < p->numbers_count; i++)
		if (!p->numbers[i].shared)
			text_add(numbers, sizeof(numbers), "%s%s", numbers[1] ? "," : "",
			         p->numbers[i].number);
	text_add(centres, sizeof(centres), "}");
	text_add(numbers, sizeof(numbers), "}");
	PGresult *r = database_ask(d,
	                           "SELECT (SELECT $1::text WHERE NOT EXISTS (SELECT FROM "
	                           "public.departments WHERE code = $1::text)), "
	                           "(SELECT string_agg(c, ', ') FROM unnest($2::text[]) AS c WHERE "
	                           "NOT EXISTS (SELECT FROM "
	                           "public.centres WHERE id = c)), (SELECT string_agg(n.number, ', "
	                           "') FROM public.numbers AS n WHERE "
	                           "n.department = $1::text AND NOT n.shared AND n.practitioner <> "
	                           "$4::uuid AND n.number = ANY "
	                           "($3::text[]))",
	                           p->department, centres, numbers, id, NULL);
	bool fine = r != NULL;
	for (int i = 0; i < 3 && fine; i++) {
		char why[DATABASE_WHY_SIZE] = "";
		if (PQgetisnull(r, 0, i))
			continue;
		text_add(why, sizeof(why), "%s '%s'", what[i], PQgetvalue(r, 0, i));
		fine = person_fails(d, why);
	}
	PQclear(r);
	return fine;
}

static bool write_site(struct database *d, const struct registration *p,
                       const struct person_site *s, char id[static ID_TEXT_SIZE])
{
	PGresult *found =
	        database_ask(d,
	                     "SELECT id FROM public.sites WHERE department = $1 AND label = $2 AND "
	                     "address = $3 AND commune = $4 ORDER BY id LIMIT 1",
	                     p->department, s->label, s->address, s->commune, NULL);
	bool is_known = found && PQntuples(found) == 1;
	const char *precision = s->precision[0] ? s->precision : s->lat[0] ? "address" : "commune";

	if (!found)
		return false;
	if (is_known)
		text_copy(id, ID_TEXT_SIZE, PQgetvalue(found, 0, 0));
	else
		id_format(id_new(clock_wall()), id);
	PQclear(found);
	if (!is_known)
		return database_run(d,
		                    "INSERT INTO public.sites (id, department, label, address, "
		                    "commune, access, lat, "
		                    "lon, precision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		                    id, p->department, s->label, s->address, s->commune, s->access,
		                    database_or_null(s->lat), database_or_null(s->lon), precision,
		                    NULL);
	/* What the row leaves open stays as it is. */
	return (!s->access[0] ||
	        database_run(
	                d,
	                "UPDATE public.sites SET access = $2 WHERE id = $1::uuid AND access <> $2",
	                id, s->access, NULL)) &&
	       (!s->lat[0] || database_run(d,
	                                   "UPDATE public.sites SET lat = $2::float8, lon = "
	                                   "$3::float8, precision = $4 WHERE id = "
	                                   "$1::uuid AND (lat, lon, precision) IS DISTINCT FROM "
	                                   "($2::float8, $3::float8, $4)",
	                                   id, s->lat, s->lon, precision, NULL));
}

static bool write_sites(struct database *d, const struct registration *p, const char *id)
{
	char list[ARRAY_SIZE] = "{", site[ID_TEXT_SIZE];

	if (p->sites_count == 0)
		return true;
	for (unsigned i = 0; i < p->sites_count; i++) {
		if (!write_site(d, p, &p->sites[i], site))
			return false;
		text_add(list, sizeof(list), "%s%s", i ? "," : "", site);
	}
	text_add(list, sizeof(list), "}");
	return database_run(d,
	                    "DELETE FROM public.practitioner_sites WHERE practitioner = $1::uuid "
	                    "AND site <> ALL ($2::uuid[])",
	                    id, list, NULL) &&
	       database_run(d,
	                    "INSERT INTO public.practitioner_sites (practitioner, site, "
	                    "department, place) SELECT "
	                    "$1::uuid, u.site, $3, u.place FROM unnest($2::uuid[]) WITH ORDINALITY "
	                    "AS u (site, place) "
	                    "ON CONFLICT (practitioner, site) DO UPDATE SET place = EXCLUDED.place "
	                    "WHERE "
	                    "practitioner_sites.place <> EXCLUDED.place",
	                    id, list, p->department, NULL);
}

static bool write_numbers(struct database *d, const struct registration *p, const char *id)
{
	char numbers[ARRAY_SIZE] = "{", shared[ARRAY_SIZE] = "{";

	if (p->numbers_count == 0)
		return true;
	for (unsigned i = 0; i < p->numbers_count; i++) {
		text_add(numbers, sizeof(numbers), "%s%s", i ? "," : "", p->numbers[i].number);
		text_add(shared, sizeof(shared), "%s%s", i ? "," : "",
		         p->numbers[i].shared ? "t" : "f");
	}
	text_add(numbers, sizeof(numbers), "}");
	text_add(shared, sizeof(shared), "}");
	return database_run(d,
	                    "DELETE FROM public.numbers WHERE practitioner = $1::uuid AND number "
	                    "<> ALL ($2::text[])",
	                    id, numbers, NULL) &&
	       database_run(
	               d,
	               "INSERT INTO public.numbers (practitioner, department, number, place, "
	               "shared) SELECT "
	               "$1::uuid, $4, u.number, u.place, u.shared FROM unnest($2::text[], "
	               "$3::boolean[]) WITH "
	               "ORDINALITY AS u (number, shared, place) ON CONFLICT (practitioner, number) "
	               "DO UPDATE "
	               "SET place = EXCLUDED.place, shared = EXCLUDED.shared WHERE (numbers.place, "
	               "numbers.shared) <> (EXCLUDED.place, EXCLUDED.shared)",
	               id, numbers, shared, p->department, NULL);
}

/* One that stands is left as it is; one that was withdrawn is not given again by an old file. */
static bool write_consents(struct database *d, const struct registration *p,
                           struct person_written *out)
{
	char list[ARRAY_SIZE] = "{", count[16];

	if (p->consents_count == 0)
		return true;
	for (unsigned i = 0; i < p->consents_count; i++)
		text_add(list, sizeof(list), "%s\"%s\"", i ? "," : "", p->consents[i].text);
	text_add(list, sizeof(list), "}");
	if (!database_run(d,
	                  "INSERT INTO public.consents (practitioner, department, centre, "
	                  "given_at, evidence) SELECT "
	                  "$1::uuid, $2, c, $4::timestamptz, $5 FROM unnest($3::text[]) AS c WHERE "
	                  "NOT EXISTS (SELECT "
	                  "FROM public.consents AS k WHERE k.practitioner = $1::uuid AND k.centre "
	                  "= c AND "
	                  "(k.withdrawn_at IS NULL OR k.withdrawn_at >= $4::timestamptz))",
	                  out->id, p->department, list, p->given_at, p->evidence, NULL))
		return false;
	PGresult *r = database_ask(
	        d,
	        "SELECT count(*) FROM unnest($2::text[]) AS c WHERE NOT EXISTS (SELECT FROM "
	        "public.consents AS k WHERE k.practitioner = $1::uuid AND k.centre = c AND "
	        "k.withdrawn_at IS NULL)",
	        out->id, list, NULL);
	if (!r)
		return false;
	TEXT_COPY(count, PQgetvalue(r, 0, 0));
	PQclear(r);
	out->withheld = (unsigned)strtoul(count, NULL, 10);
	return true;
}

bool person_write(struct database *d, const struct registration *p, struct person_written *out)
{
	long long before = d->touched;

	*out = (struct person_written){ .is_new = false };
	if (!find_id(d, p, out) || !check_references(d, p, out->id) ||
	    !database_run(d,
	                  "INSERT INTO public.practitioners AS p (id, department, name, "
	                  "profession, specialty, rpps, "
	                  "exposed) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE "
	                  "SET name = "
	                  "EXCLUDED.name, profession = EXCLUDED.profession, specialty = "
	                  "EXCLUDED.specialty, exposed = "
	                  "EXCLUDED.exposed WHERE (p.name, p.profession, p.specialty, p.exposed) "
	                  "<> (EXCLUDED.name, "
	                  "EXCLUDED.profession, EXCLUDED.specialty, EXCLUDED.exposed)",
	                  out->id, p->department, p->name, p->profession, p->specialty,
	                  database_or_null(p->rpps), p->exposed, NULL) ||
	    !write_sites(d, p, out->id) || !write_numbers(d, p, out->id) ||
	    !write_consents(d, p, out))
		return false;
	out->is_changed = d->touched > before;
	return true;
}
