#include "keep/gather.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "support/text.h"

#define PERSON_FIELDS   7
#define LIST_ROOM_FIRST 4096

struct number_entry {
	struct id person;
	uint8_t number[ROW_NUMBER_BYTES];
};

struct site_entry {
	struct id person;
	struct id site;
};

struct consent_entry {
	struct id person;
	char centre[sizeof(struct centre_id)];
};

void gather_init(struct gather *g)
{
	*g = (struct gather){ 0 };
}

void gather_done(struct gather *g)
{
	free(g->people.bytes);
	free(g->numbers.bytes);
	free(g->sites.bytes);
	free(g->consents.bytes);
	gather_init(g);
}

void gather_clear(struct gather *g)
{
	g->people.used = g->numbers.used = g->sites.used = g->consents.used = 0;
	g->people_count = 0;
}

static bool list_add(struct gather_list *list, const void *bytes, size_t length)
{
	if (length > list->room - list->used) {
		size_t room = list->room ? list->room * 2 : LIST_ROOM_FIRST;
		while (length > room - list->used)
			room *= 2;
		uint8_t *grown = realloc(list->bytes, room);
		if (!grown)
			return false;
		list->bytes = grown;
		list->room = room;
	}
	memcpy(list->bytes + list->used, bytes, length);
	list->used += length;
	return true;
}

static bool field_id(const struct row_field *f, struct id *out)
{
	if (!f->bytes || f->length != ID_BYTES)
		return false;
	memcpy(out->b, f->bytes, ID_BYTES);
	return true;
}

bool gather_person(struct gather *g, const uint8_t *bytes, size_t length)
{
	struct row_field fields[PERSON_FIELDS];
	uint32_t size = (uint32_t)length;

	if (length > ROW_BYTES_MAX ||
	    row_split(bytes, length, fields, PERSON_FIELDS) != PERSON_FIELDS ||
	    !field_id(&fields[0], &g->last))
		return false;
	g->people_count++;
	return list_add(&g->people, &size, sizeof size) && list_add(&g->people, bytes, length);
}

/* "+33199001234" as the row has it: shared, then eight bytes. */
static bool number_entry_set(struct number_entry *e, const struct row_field *shared,
                             const struct row_field *number)
{
	char text[16];
	int64_t digits;

	if (!shared->bytes || shared->length != 1 || !number->bytes || number->length < 2 ||
	    number->length > sizeof text || number->bytes[0] != '+')
		return false;
	memcpy(text, number->bytes + 1, number->length - 1);
	text[number->length - 1] = '\0';
	if (!text_to_int(text, 1, 999999999999999, &digits))
		return false;
	uint64_t big = htobe64((uint64_t)digits);
	e->number[0] = shared->bytes[0] != 0;
	memcpy(e->number + 1, &big, sizeof big);
	return true;
}

bool gather_number(struct gather *g, const uint8_t *bytes, size_t length)
{
	struct row_field fields[3];
	struct number_entry e;

	return row_split(bytes, length, fields, 3) == 3 && field_id(&fields[0], &e.person) &&
	       number_entry_set(&e, &fields[1], &fields[2]) && list_add(&g->numbers, &e, sizeof e);
}

bool gather_site(struct gather *g, const uint8_t *bytes, size_t length)
{
	struct row_field fields[2];
	struct site_entry e;

	return row_split(bytes, length, fields, 2) == 2 && field_id(&fields[0], &e.person) &&
	       field_id(&fields[1], &e.site) && list_add(&g->sites, &e, sizeof e);
}

bool gather_consent(struct gather *g, const uint8_t *bytes, size_t length)
{
	struct row_field fields[2];
	struct consent_entry e = { 0 };

	if (row_split(bytes, length, fields, 2) != 2 || !field_id(&fields[0], &e.person) ||
	    !fields[1].bytes || fields[1].length >= sizeof e.centre)
		return false;
	memcpy(e.centre, fields[1].bytes, fields[1].length);
	return list_add(&g->consents, &e, sizeof e);
}

/* ---- one row per person ---- */

static bool put_length(struct gather_list *out, size_t length)
{
	uint32_t big = htobe32((uint32_t)length);

	return list_add(out, &big, sizeof big);
}

/* The entries of this person from *at on, which all begin with an id; *at moves past them and past
 * those of persons before. */
static const uint8_t *entries_of(const struct gather_list *list, size_t size,
                                 const struct id *person, size_t *at, size_t *count)
{
	*count = 0;
	if (list->used == 0)
		return NULL;
	while (*at < list->used && memcmp(list->bytes + *at, person, sizeof *person) < 0)
		*at += size;
	const uint8_t *first = list->bytes + *at;
	for (; *at < list->used && memcmp(list->bytes + *at, person, sizeof *person) == 0;
	     ++*count)
		*at += size;
	return first;
}

static bool put_numbers(struct gather *g, const struct id *person, size_t *at,
                        struct gather_list *out)
{
	size_t count;
	const uint8_t *bytes =
	        entries_of(&g->numbers, sizeof(struct number_entry), person, at, &count);
	bool ok = put_length(out, count * ROW_NUMBER_BYTES);

	for (size_t i = 0; i < count && ok; i++) {
		struct number_entry e;
		memcpy(&e, bytes + i * sizeof e, sizeof e);
		ok = list_add(out, e.number, sizeof e.number);
	}
	return ok;
}

static bool put_sites(struct gather *g, const struct id *person, size_t *at,
                      struct gather_list *out)
{
	size_t count;
	const uint8_t *bytes = entries_of(&g->sites, sizeof(struct site_entry), person, at, &count);
	bool ok = put_length(out, count * ID_BYTES);

	for (size_t i = 0; i < count && ok; i++) {
		struct site_entry e;
		memcpy(&e, bytes + i * sizeof e, sizeof e);
		ok = list_add(out, e.site.b, ID_BYTES);
	}
	return ok;
}

static bool put_consents(struct gather *g, const struct id *person, size_t *at,
                         struct gather_list *out)
{
	size_t count, length = 0;
	const uint8_t *bytes =
	        entries_of(&g->consents, sizeof(struct consent_entry), person, at, &count);
	struct consent_entry e;

	for (size_t i = 0; i < count; i++) {
		memcpy(&e, bytes + i * sizeof e, sizeof e);
		length += strlen(e.centre) + (i > 0);
	}
	bool ok = put_length(out, length);
	for (size_t i = 0; i < count && ok; i++) {
		memcpy(&e, bytes + i * sizeof e, sizeof e);
		ok = (i == 0 || list_add(out, " ", 1)) && list_add(out, e.centre, strlen(e.centre));
	}
	return ok;
}

bool gather_each(struct gather *g, gather_row *each, void *context)
{
	static const uint8_t fields[2] = { 0, PERSON_FIELDS + 3 };
	struct gather_list out = { 0 };
	size_t numbers = 0, sites = 0, consents = 0;
	bool ok = true;

	for (size_t at = 0; at < g->people.used && ok;) {
		uint32_t length;
		struct id person;
		memcpy(&length, g->people.bytes + at, sizeof length);
		const uint8_t *row = g->people.bytes + at + sizeof length;
		at += sizeof length + length;
		memcpy(&person, row + 6, sizeof person); /* a count (2), the id's length (4) */
		out.used = 0;
		ok = list_add(&out, fields, sizeof fields) && list_add(&out, row + 2, length - 2) &&
		     put_numbers(g, &person, &numbers, &out) &&
		     put_sites(g, &person, &sites, &out) &&
		     put_consents(g, &person, &consents, &out) &&
		     each(context, ROW_PRACTITIONER, out.bytes, out.used);
	}
	free(out.bytes);
	return ok;
}
