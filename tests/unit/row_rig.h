/*
 * Rows for tests, built field by field as PostgreSQL's binary COPY gives them (keep/row.h), and a
 * small cast of fictional people, sites and sources.
 */
#ifndef TOCSIN_TESTS_ROW_RIG_H
#define TOCSIN_TESTS_ROW_RIG_H

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "keep/row.h"

struct rig_row {
	size_t length;
	uint8_t bytes[4096];
};

static inline void rig_put(struct rig_row *r, const void *bytes, size_t length)
{
	memcpy(r->bytes + r->length, bytes, length);
	r->length += length;
}

static inline void rig_begin(struct rig_row *r, uint16_t fields)
{
	uint16_t big = htobe16(fields);

	r->length = 0;
	rig_put(r, &big, sizeof big);
}

static inline void rig_bytes(struct rig_row *r, const void *bytes, size_t length)
{
	uint32_t big = htobe32((uint32_t)length);

	rig_put(r, &big, sizeof big);
	rig_put(r, bytes, length);
}

static inline void rig_null(struct rig_row *r)
{
	uint32_t big = UINT32_MAX;

	rig_put(r, &big, sizeof big);
}

static inline void rig_text(struct rig_row *r, const char *text)
{
	rig_bytes(r, text, strlen(text));
}

static inline void rig_bool(struct rig_row *r, bool value)
{
	uint8_t byte = value;

	rig_bytes(r, &byte, 1);
}

static inline void rig_u32(struct rig_row *r, uint32_t value)
{
	value = htobe32(value);
	rig_bytes(r, &value, sizeof value);
}

static inline void rig_u64(struct rig_row *r, uint64_t value)
{
	value = htobe64(value);
	rig_bytes(r, &value, sizeof value);
}

static inline void rig_double(struct rig_row *r, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	rig_u64(r, bits);
}

static inline struct id rig_id(uint8_t kind, uint32_t n)
{
	struct id id = { .b = { 0x01, 0x90, 0, 0, 0, 0, 0x70, kind, 0x80 } };
	uint32_t big = htobe32(n); /* so that ids sort as their numbers do */

	memcpy(id.b + 12, &big, sizeof big);
	return id;
}

static inline struct practitioner_id rig_person(uint32_t n)
{
	return (struct practitioner_id){ rig_id(1, n) };
}
static inline struct site_id rig_site_id(uint32_t n)
{
	return (struct site_id){ rig_id(2, n) };
}
static inline struct source_id rig_source_id(uint32_t n)
{
	return (struct source_id){ rig_id(3, n) };
}

/* Person n: one number of her own, one site, consent for both centres. */
static inline void rig_practitioner(struct rig_row *r, uint32_t n, const char *name)
{
	struct id id = rig_id(1, n), site = rig_id(2, n);
	uint64_t number = htobe64(33199000000 + n);
	uint8_t numbers[ROW_NUMBER_BYTES] = { 0 };

	memcpy(numbers + 1, &number, sizeof number);
	rig_begin(r, 10);
	rig_bytes(r, id.b, ID_BYTES);
	rig_text(r, "77");
	rig_text(r, name);
	rig_text(r, "médecin");
	rig_text(r, "médecine générale");
	rig_text(r, "");
	rig_u64(r, 10000000000 + n);
	rig_bytes(r, numbers, sizeof numbers);
	rig_bytes(r, site.b, ID_BYTES);
	rig_text(r, "cic-77 corg-77");
}

static inline void rig_site(struct rig_row *r, uint32_t n)
{
	struct id id = rig_id(2, n);

	rig_begin(r, 8);
	rig_bytes(r, id.b, ID_BYTES);
	rig_text(r, "Cabinet des Tilleuls");
	rig_text(r, "12 rue des Tilleuls, Melun");
	rig_text(r, "premier étage");
	rig_text(r, "77288");
	rig_double(r, 48.54);
	rig_double(r, 2.66);
	rig_text(r, "address");
}

static inline void rig_source(struct rig_row *r, uint32_t n, const char *name)
{
	struct id id = rig_id(3, n), owner = rig_id(1, n);

	rig_begin(r, 12);
	rig_bytes(r, id.b, ID_BYTES);
	rig_text(r, "77");
	rig_text(r, name);
	rig_text(r, "device");
	rig_text(r, "active");
	rig_bool(r, true);
	rig_bytes(r, owner.b, ID_BYTES);
	rig_null(r);
	rig_null(r);
	rig_text(r, "CN=Exemple CA");
	rig_text(r, name);
	rig_u32(r, 180);
}

/* What a withdrawal leaves of a row: the id. */
static inline void rig_gone(struct rig_row *r, uint16_t fields, struct id id)
{
	rig_begin(r, fields);
	rig_bytes(r, id.b, ID_BYTES);
	for (uint16_t i = 1; i < fields; i++)
		rig_null(r);
}

#endif
