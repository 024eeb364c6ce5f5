#include "keep/row.h"

#include <math.h>
#include <string.h>

#include "support/cursor.h"
#include "support/text.h"

#define E164_MAX       999999999999999ULL
#define ROW_TEXTS_SIZE 8192 /* all of one row's: the schema allows 500 bytes each */
/* Fields are asked for in their order or any other; a field that is not what it was asked for as,
 * or that is not there, turns the row bad, and who reads it looks once at the end. */
struct row {
	unsigned count;
	struct row_field fields[ROW_FIELDS_MAX];
	bool bad;
	size_t texts_used;
	char texts[ROW_TEXTS_SIZE];
};

static uint16_t cursor_u16_be(struct cursor *c)
{
	uint8_t high = cursor_u8(c);

	return (uint16_t)(high << 8 | cursor_u8(c));
}

static uint64_t cursor_u64_be(struct cursor *c)
{
	uint64_t high = cursor_u32_be(c);

	return high << 32 | cursor_u32_be(c);
}

unsigned row_split(const uint8_t *bytes, size_t length, struct row_field *fields, unsigned max)
{
	struct cursor c = cursor_over(bytes, length);
	unsigned count = cursor_u16_be(&c);

	if (count > max)
		return 0;
	for (unsigned i = 0; i < count; i++) {
		uint32_t size = cursor_u32_be(&c);
		fields[i] = (struct row_field){ 0 };
		if (size == UINT32_MAX)
			continue;
		fields[i].bytes = cursor_bytes(&c, size);
		fields[i].length = size;
	}
	return cursor_is_done(&c) ? count : 0;
}

static bool row_read(struct row *row, const uint8_t *bytes, size_t length)
{
	row->bad = false;
	row->texts_used = 0;
	row->count = row_split(bytes, length, row->fields, ROW_FIELDS_MAX);
	return row->count > 0;
}

/* ---- fields ---- */

static bool row_is_null(const struct row *row, unsigned i)
{
	return i >= row->count || !row->fields[i].bytes;
}

/* A field of exactly this length, as a cursor; bad when it is anything else. */
static struct cursor row_fixed(struct row *row, unsigned i, size_t length)
{
	static const uint8_t zeros[ID_BYTES];

	if (!row_is_null(row, i) && row->fields[i].length == length)
		return cursor_over(row->fields[i].bytes, length);
	row->bad = true;
	return cursor_over(zeros, length);
}

static struct cursor row_whole(const struct row *row, unsigned i)
{
	return row_is_null(row, i) ? cursor_over(NULL, 0)
	                           : cursor_over(row->fields[i].bytes, row->fields[i].length);
}

/* "" for null. Lives as long as the row. */
static const char *row_text(struct row *row, unsigned i)
{
	if (row_is_null(row, i))
		return "";
	const struct row_field *f = &row->fields[i];
	if (f->length >= sizeof row->texts - row->texts_used || memchr(f->bytes, '\0', f->length)) {
		row->bad = true;
		return "";
	}
	char *text = row->texts + row->texts_used;
	memcpy(text, f->bytes, f->length);
	text[f->length] = '\0';
	row->texts_used += f->length + 1;
	return text;
}

static struct id id_from(struct cursor *c)
{
	const uint8_t *bytes = cursor_bytes(c, ID_BYTES);
	struct id id = { 0 };

	if (bytes)
		memcpy(id.b, bytes, ID_BYTES);
	return id;
}

static struct id row_id(struct row *row, unsigned i)
{
	struct cursor c = row_fixed(row, i, ID_BYTES);

	return id_from(&c);
}

static struct id row_id_or_none(struct row *row, unsigned i)
{
	return row_is_null(row, i) ? (struct id){ 0 } : row_id(row, i);
}

static uint64_t row_u64_or_0(struct row *row, unsigned i)
{
	if (row_is_null(row, i))
		return 0;
	struct cursor c = row_fixed(row, i, sizeof(uint64_t));
	return cursor_u64_be(&c);
}

static uint32_t row_u32(struct row *row, unsigned i)
{
	struct cursor c = row_fixed(row, i, sizeof(uint32_t));

	return cursor_u32_be(&c);
}

static bool row_bool(struct row *row, unsigned i)
{
	struct cursor c = row_fixed(row, i, 1);

	return cursor_u8(&c) != 0;
}

static double row_degrees(struct row *row, unsigned i, double max)
{
	struct cursor c = row_fixed(row, i, sizeof(double));
	uint64_t bits = cursor_u64_be(&c);
	double value;

	memcpy(&value, &bits, sizeof value);
	if (fabs(value) <= max)
		return value;
	row->bad = true; /* NaN too */
	return 0;
}

/* Codes are compared as whole fields: the constructors zero what is not used. */
static struct centre_id row_centre(struct row *row, unsigned i)
{
	return centre_id(row_text(row, i));
}

static struct department_code row_department(struct row *row, unsigned i)
{
	return department_code(row_text(row, i));
}

static struct commune_code row_commune(struct row *row, unsigned i)
{
	return commune_code(row_text(row, i));
}

/* One of a list of words, in the enum's order; bad when it is none. */
static int row_word(struct row *row, unsigned i, const char *const *words, unsigned count)
{
	const char *text = row_text(row, i);

	for (unsigned n = 0; n < count; n++)
		if (words[n] && strcmp(words[n], text) == 0)
			return (int)n;
	row->bad = true;
	return 0;
}

#define ROW_WORD(row, i, words) row_word((row), (i), (words), sizeof(words) / sizeof *(words))

/* ---- registry ---- */

static void practitioner_numbers(struct row *row, unsigned i, struct practitioner *p)
{
	struct cursor c = row_whole(row, i);

	if (c.left % ROW_NUMBER_BYTES != 0 || c.left / ROW_NUMBER_BYTES > REGISTRY_NUMBERS_MAX) {
		row->bad = true;
		return;
	}
	while (c.left > 0) {
		struct practitioner_number *number = &p->numbers[p->numbers_count++];
		number->shared = cursor_u8(&c) != 0;
		number->number.digits = cursor_u64_be(&c);
		row->bad |= number->number.digits == 0 || number->number.digits > E164_MAX;
	}
}

static void practitioner_sites(struct row *row, unsigned i, struct practitioner *p)
{
	struct cursor c = row_whole(row, i);

	if (c.left % ID_BYTES != 0 || c.left / ID_BYTES > REGISTRY_SITES_MAX) {
		row->bad = true;
		return;
	}
	while (c.left > 0)
		p->sites[p->sites_count++].v = id_from(&c);
}

static void practitioner_consents(struct row *row, unsigned i, struct practitioner *p)
{
	const char *at = row_text(row, i);
	struct centre_id centre;
	char text[sizeof centre.text];

	while (*at) {
		size_t length = strcspn(at, " ");
		if (length == 0 || length >= sizeof text ||
		    p->consents_count == REGISTRY_CONSENTS_MAX) {
			row->bad = true;
			return;
		}
		memcpy(text, at, length);
		text[length] = '\0';
		p->consents[p->consents_count++] = centre_id(text);
		at += length;
		at += *at == ' ';
	}
}

static enum row_end take_practitioner(struct registry *r, struct row *row)
{
	struct practitioner p = { .id = { row_id(row, 0) } };

	if (row_is_null(row, 1) && !row->bad) {
		registry_remove_practitioner(r, p.id);
		return ROW_GONE;
	}
	p.department = row_department(row, 1);
	p.name = row_text(row, 2);
	p.profession = row_text(row, 3);
	p.specialty = row_text(row, 4);
	p.exposed = row_text(row, 5);
	p.rpps = row_u64_or_0(row, 6);
	practitioner_numbers(row, 7, &p);
	practitioner_sites(row, 8, &p);
	practitioner_consents(row, 9, &p);
	if (row->bad)
		return ROW_BAD;
	return registry_put_practitioner(r, &p) ? ROW_TAKEN : ROW_REFUSED;
}

static enum row_end take_site(struct registry *r, struct row *row)
{
	static const char *const precisions[] = {
		[PLACE_COMMUNE] = "commune", [PLACE_ADDRESS] = "address", [PLACE_EXACT] = "exact"
	};
	struct site s = { .id = { row_id(row, 0) } };

	if (row_is_null(row, 1) && !row->bad) {
		registry_remove_site(r, s.id);
		return ROW_GONE;
	}
	s.label = row_text(row, 1);
	s.address = row_text(row, 2);
	s.access = row_text(row, 3);
	s.commune = row_commune(row, 4);
	s.has_point = !row_is_null(row, 5);
	if (s.has_point) {
		s.lat = row_degrees(row, 5, 90);
		s.lon = row_degrees(row, 6, 180);
	}
	s.precision = (enum place_precision)ROW_WORD(row, 7, precisions);
	if (row->bad)
		return ROW_BAD;
	return registry_put_site(r, &s) ? ROW_TAKEN : ROW_REFUSED;
}

static enum row_end take_source(struct registry *r, struct row *row)
{
	static const char *const states[] = { [SOURCE_ACTIVE] = "active",
		                              [SOURCE_RETIRED] = "retired",
		                              [SOURCE_REVOKED] = "revoked" };
	struct source s = { .id = { row_id(row, 0) } };

	if (row_is_null(row, 1) && !row->bad) {
		registry_remove_source(r, s.id);
		return ROW_GONE;
	}
	s.department = row_department(row, 1);
	s.name = row_text(row, 2);
	if (!source_kind_parse(row_text(row, 3), &s.kind))
		row->bad = true;
	s.state = (enum source_state)ROW_WORD(row, 4, states);
	s.has_panic_button = row_bool(row, 5);
	s.owner.v = row_id_or_none(row, 6);
	s.site.v = row_id_or_none(row, 7);
	s.centre = row_centre(row, 8);
	s.issuer = row_text(row, 9);
	s.subject = row_text(row, 10);
	s.supervision_s = row_u32(row, 11);
	if (row->bad)
		return ROW_BAD;
	return registry_put_source(r, &s) ? ROW_TAKEN : ROW_REFUSED;
}

enum row_end row_to_registry(struct registry *r, enum row_kind kind, const uint8_t *bytes,
                             size_t length)
{
	struct row row;

	if (!row_read(&row, bytes, length))
		return ROW_BAD;
	switch (kind) {
	case ROW_PRACTITIONER: return take_practitioner(r, &row);
	case ROW_SITE: return take_site(r, &row);
	case ROW_SOURCE: return take_source(r, &row);
	default: return ROW_BAD;
	}
}

bool row_identify(enum row_kind kind, const uint8_t *bytes, size_t length, struct id *id,
                  bool *is_gone)
{
	struct row row;

	if (kind < ROW_PRACTITIONER || kind > ROW_SOURCE || !row_read(&row, bytes, length))
		return false;
	*id = row_id(&row, 0);
	*is_gone = row_is_null(&row, 1);
	return !row.bad;
}

/* ---- territory ---- */

static bool take_department(struct territory *t, struct row *row)
{
	struct department d = { .code = row_department(row, 0),
		                .name = row_text(row, 1),
		                .stand_in = row_centre(row, 2),
		                .operations = row_centre(row, 3) };

	return !row->bad && territory_put_department(t, &d);
}

static bool take_centre(struct territory *t, struct row *row)
{
	static const char *const kinds[] = { [CENTRE_POLICE] = "police",
		                             [CENTRE_GENDARMERIE] = "gendarmerie",
		                             [CENTRE_OPERATIONS] = "operations" };
	struct centre c = { .id = row_centre(row, 0),
		            .department = row_department(row, 1),
		            .kind = (enum centre_kind)ROW_WORD(row, 2, kinds),
		            .name = row_text(row, 3),
		            .other = row_centre(row, 4) };

	return !row->bad && territory_put_centre(t, &c);
}

static bool take_commune(struct territory *t, struct row *row)
{
	struct commune c = { .code = row_commune(row, 0),
		             .department = row_department(row, 1),
		             .name = row_text(row, 2),
		             .tribunal = row_text(row, 3),
		             .centre = row_centre(row, 4),
		             .lat = row_degrees(row, 5, 90),
		             .lon = row_degrees(row, 6, 180),
		             .adviser_name = row_text(row, 7),
		             .adviser_number = row_text(row, 8) };

	return !row->bad && territory_put_commune(t, &c);
}

static bool take_contour(struct territory *t, struct row *row)
{
	struct commune_code commune = row_commune(row, 0);
	struct cursor wkb = row_whole(row, 1);

	return !row->bad && wkb.left > 0 && territory_put_contour(t, commune, wkb.at, wkb.left);
}

static bool take_zone(struct territory *t, struct row *row)
{
	const char *name = row_text(row, 0);
	struct centre_id centre = row_centre(row, 1);
	struct cursor wkb = row_whole(row, 2);

	return !row->bad && wkb.left > 0 && territory_put_zone(t, name, centre, wkb.at, wkb.left);
}

enum row_end row_to_territory(struct territory *t, enum row_kind kind, const uint8_t *bytes,
                              size_t length)
{
	struct row row;
	bool taken;

	if (!row_read(&row, bytes, length))
		return ROW_BAD;
	switch (kind) {
	case ROW_DEPARTMENT: taken = take_department(t, &row); break;
	case ROW_CENTRE: taken = take_centre(t, &row); break;
	case ROW_COMMUNE: taken = take_commune(t, &row); break;
	case ROW_CONTOUR: taken = take_contour(t, &row); break;
	case ROW_ZONE: taken = take_zone(t, &row); break;
	default: return ROW_BAD;
	}
	return taken ? ROW_TAKEN : row.bad ? ROW_BAD : ROW_REFUSED;
}

/* ---- COPY's binary format ---- */

/* PostgreSQL 15, COPY, "Binary Format": a signature, flags, an extension to be skipped; rows; a
 * trailer of -1. The server sends a row a piece, with the header before the first one or alone. */
bool row_stream_piece(struct row_stream *s, const uint8_t *bytes, size_t length)
{
	static const uint8_t signature[11] = "PGCOPY\n\377\r\n";
	struct cursor c = cursor_over(bytes, length);

	if (!s->has_begun) {
		const uint8_t *begin = cursor_bytes(&c, sizeof signature);
		if (!begin || memcmp(begin, signature, sizeof signature) != 0 ||
		    cursor_u32_be(&c) != 0)
			return false;
		cursor_bytes(&c, cursor_u32_be(&c));
		s->has_begun = true;
	}
	while (c.left > 0 && !c.bad && !s->has_ended) {
		const uint8_t *begin = c.at;
		uint16_t count = cursor_u16_be(&c);
		if (count == UINT16_MAX) {
			s->has_ended = true;
			break;
		}
		for (unsigned i = 0; i < count; i++) {
			uint32_t size = cursor_u32_be(&c);
			if (size != UINT32_MAX)
				cursor_bytes(&c, size);
		}
		if (c.bad || !s->row(s->context, begin, (size_t)(c.at - begin)))
			return false;
	}
	return cursor_is_done(&c);
}
