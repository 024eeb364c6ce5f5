/*
 * Rows on their way to PostgreSQL: one array of a composite type, in the binary format, as one
 * parameter of a statement.
 *
 * transcript.c fills one for each table. Grows as needed and keeps its memory for the next batch.
 * Running out of memory is remembered (rows_failed) and looked at once at the end. Formats:
 * array_recv, record_recv and the send functions of PostgreSQL 15 (src/backend/utils/adt).
 */
#ifndef TOCSIN_KEEP_ROWS_H
#define TOCSIN_KEEP_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/clock.h"

struct rows {
	uint8_t *bytes;
	size_t used, room;
	uint32_t count;
	size_t row_at;   /* where the open row's length stands */
	uint32_t fields; /* of the open row, so far */
	size_t array_at; /* where the open array field's length stands */
	bool failed;
};

void rows_done(struct rows *r);
void rows_clear(struct rows *r); /* empties; needed before the first row as well */

void rows_begin(struct rows *r);
/* The fields, in the order of the type. */
void rows_null(struct rows *r);
void rows_bool(struct rows *r, bool value);
void rows_int2(struct rows *r, int16_t value);
void rows_int4(struct rows *r, int32_t value);
void rows_int8(struct rows *r, int64_t value);
void rows_float4(struct rows *r, double value);
void rows_float8(struct rows *r, double value);
void rows_time(struct rows *r,
               int64_t wall_us); /* µs since 1970; 0: null; beyond the type: infinity */
void rows_text(struct rows *r, const char *text);         /* NULL: null */
void rows_text_or_null(struct rows *r, const char *text); /* empty: null */
void rows_bytes(struct rows *r, const void *bytes, size_t length);
void rows_uuid(struct rows *r, const void *bytes,
               size_t length); /* other than 16 bytes, or all zero: null */
/* An array field: then `count` times rows_item_…, each of its kind. */
void rows_texts(struct rows *r, uint32_t count);
void rows_uuids(struct rows *r, uint32_t count);
void rows_item_text(struct rows *r, const char *text);
void rows_item_uuid(struct rows *r, const void *bytes,
                    size_t length); /* other than 16 bytes: all zero */
void rows_end(struct rows *r);

/* Completes the array; `type` is the composite's oid. False: no memory, do not send. */
bool rows_finish(struct rows *r, uint32_t type);

#endif
