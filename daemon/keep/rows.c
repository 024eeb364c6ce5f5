#include "keep/rows.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "support/id.h"

/* Type oids of PostgreSQL's catalogue (pg_type.dat); these never change. */
enum {
	OID_BOOL = 16,
	OID_BYTEA = 17,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_TEXT = 25,
	OID_FLOAT4 = 700,
	OID_FLOAT8 = 701,
	OID_TEXT_ARRAY = 1009,
	OID_TIMESTAMPTZ = 1184,
	OID_UUID = 2950,
	OID_UUID_ARRAY = 2951,
	OID_NONE = 16384 /* not built in: record_recv takes it for any type, as a null may be */
};

#define ROWS_HEADER_BYTES 20                /* dimensions, nulls, type, count, lower bound */
#define ROWS_NULL         UINT32_MAX        /* as a length: -1 */
#define ROWS_EPOCH_US     946684800000000LL /* 2000-01-01, from where PostgreSQL counts */
/* Timestamp.h: MIN_TIMESTAMP and END_TIMESTAMP, 4714 BC and 294277 AD. */
#define ROWS_TIME_US_MIN (-211813488000000000LL)
#define ROWS_TIME_US_END 9223371331200000000LL

static uint8_t *grow(struct rows *r, size_t size)
{
	if (r->failed)
		return NULL;
	if (size > r->room - r->used) {
		size_t room = r->room > 0 ? r->room : 4096;
		while (room - r->used < size)
			room *= 2;
		uint8_t *bytes = realloc(r->bytes, room);
		if (bytes == NULL) {
			r->failed = true;
			return NULL;
		}
		r->bytes = bytes;
		r->room = room;
	}
	uint8_t *at = r->bytes + r->used;
	r->used += size;
	return at;
}

static void put(struct rows *r, const void *bytes, size_t length)
{
	uint8_t *at = grow(r, length);

	if (at != NULL && length > 0)
		memcpy(at, bytes, length);
}

static void put_u32(struct rows *r, uint32_t value)
{
	value = htobe32(value);
	put(r, &value, sizeof value);
}

static void patch_u32(struct rows *r, size_t offset, uint32_t value)
{
	value = htobe32(value);
	if (!r->failed)
		memcpy(r->bytes + offset, &value, sizeof value);
}

static void field(struct rows *r, uint32_t type, const void *bytes, size_t length)
{
	r->fields++;
	put_u32(r, type);
	put_u32(r, (uint32_t)length);
	put(r, bytes, length);
}

static void field_u32(struct rows *r, uint32_t type, uint32_t value)
{
	value = htobe32(value);
	field(r, type, &value, sizeof value);
}

static void field_u64(struct rows *r, uint32_t type, uint64_t value)
{
	value = htobe64(value);
	field(r, type, &value, sizeof value);
}

void rows_done(struct rows *r)
{
	free(r->bytes);
	*r = (struct rows){ 0 };
}

void rows_clear(struct rows *r)
{
	r->used = 0;
	r->count = 0;
	r->failed = false;
	grow(r, ROWS_HEADER_BYTES);
}

void rows_begin(struct rows *r)
{
	r->row_at = r->used;
	r->fields = 0;
	grow(r, 2 * sizeof(uint32_t)); /* the row's length and its number of fields: rows_end */
}

void rows_end(struct rows *r)
{
	patch_u32(r, r->row_at, (uint32_t)(r->used - r->row_at - sizeof(uint32_t)));
	patch_u32(r, r->row_at + sizeof(uint32_t), r->fields);
	r->count++;
}

void rows_null(struct rows *r)
{
	r->fields++;
	put_u32(r, OID_NONE);
	put_u32(r, ROWS_NULL);
}

void rows_bool(struct rows *r, bool value)
{
	uint8_t byte = value;

	field(r, OID_BOOL, &byte, sizeof byte);
}

void rows_int2(struct rows *r, int16_t value)
{
	uint16_t wire = htobe16((uint16_t)value);

	field(r, OID_INT2, &wire, sizeof wire);
}

void rows_int4(struct rows *r, int32_t value)
{
	field_u32(r, OID_INT4, (uint32_t)value);
}

void rows_int8(struct rows *r, int64_t value)
{
	field_u64(r, OID_INT8, (uint64_t)value);
}

void rows_float4(struct rows *r, double value)
{
	float narrow = (float)value;
	uint32_t wire;

	memcpy(&wire, &narrow, sizeof wire);
	field_u32(r, OID_FLOAT4, wire);
}

void rows_float8(struct rows *r, double value)
{
	uint64_t wire;

	memcpy(&wire, &value, sizeof wire);
	field_u64(r, OID_FLOAT8, wire);
}

void rows_time(struct rows *r, int64_t wall_us)
{
	if (wall_us == 0)
		rows_null(r);
	else if (wall_us >= ROWS_TIME_US_END)
		field_u64(r, OID_TIMESTAMPTZ, INT64_MAX);
	else if (wall_us < ROWS_TIME_US_MIN + ROWS_EPOCH_US)
		field_u64(r, OID_TIMESTAMPTZ, (uint64_t)INT64_MIN);
	else
		field_u64(r, OID_TIMESTAMPTZ, (uint64_t)(wall_us - ROWS_EPOCH_US));
}

void rows_text(struct rows *r, const char *text)
{
	if (text == NULL)
		rows_null(r);
	else
		field(r, OID_TEXT, text, strlen(text));
}

void rows_text_or_null(struct rows *r, const char *text)
{
	rows_text(r, text[0] != '\0' ? text : NULL);
}

void rows_bytes(struct rows *r, const void *bytes, size_t length)
{
	field(r, OID_BYTEA, bytes, length);
}

static bool is_id(const void *bytes, size_t length)
{
	struct id id;

	if (length != ID_BYTES)
		return false;
	memcpy(id.b, bytes, ID_BYTES);
	return id_is_set(id);
}

void rows_uuid(struct rows *r, const void *bytes, size_t length)
{
	if (is_id(bytes, length))
		field(r, OID_UUID, bytes, length);
	else
		rows_null(r);
}

/* An array field: its length is not known yet, and is patched as its items come. */
static void array(struct rows *r, uint32_t type, uint32_t item, uint32_t count)
{
	r->fields++;
	put_u32(r, type);
	r->array_at = r->used;
	put_u32(r, 0);
	put_u32(r, count > 0 ? 1 : 0); /* dimensions: an empty array has none */
	put_u32(r, 0);                 /* no nulls */
	put_u32(r, item);
	if (count > 0) {
		put_u32(r, count);
		put_u32(r, 1); /* lower bound */
	}
	patch_u32(r, r->array_at, (uint32_t)(r->used - r->array_at - sizeof(uint32_t)));
}

static void item(struct rows *r, const void *bytes, size_t length)
{
	put_u32(r, (uint32_t)length);
	put(r, bytes, length);
	patch_u32(r, r->array_at, (uint32_t)(r->used - r->array_at - sizeof(uint32_t)));
}

void rows_texts(struct rows *r, uint32_t count)
{
	array(r, OID_TEXT_ARRAY, OID_TEXT, count);
}

void rows_uuids(struct rows *r, uint32_t count)
{
	array(r, OID_UUID_ARRAY, OID_UUID, count);
}

void rows_item_text(struct rows *r, const char *text)
{
	item(r, text, strlen(text));
}

void rows_item_uuid(struct rows *r, const void *bytes, size_t length)
{
	static const uint8_t none[ID_BYTES];

	item(r, length == ID_BYTES ? bytes : none, ID_BYTES);
}

bool rows_finish(struct rows *r, uint32_t type)
{
	if (r->failed)
		return false;
	patch_u32(r, 0, r->count > 0 ? 1 : 0); /* dimensions */
	patch_u32(r, 4, 0);                    /* no null rows */
	patch_u32(r, 8, type);
	patch_u32(r, 12, r->count);
	patch_u32(r, 16, 1); /* lower bound */
	if (r->count == 0)
		r->used = 12; /* no dimension stands behind */
	return true;
}
