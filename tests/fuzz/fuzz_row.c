/*
 * Any bytes as a row of any kind: taken or refused, never read past their end, and a row that was
 * taken is there. And any bytes as what COPY sends.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keep/row.h"

static void try_registry(enum row_kind kind, const uint8_t *bytes, size_t length)
{
	struct registry *r = registry_new(0);
	struct practitioner practitioner;
	struct source source;
	struct site site;
	struct id id;
	bool is_gone = false;

	if (!r)
		abort();
	bool is_known = row_identify(kind, bytes, length, &id, &is_gone);
	enum row_end end = row_to_registry(r, kind, bytes, length);
	if (end == ROW_TAKEN && (!is_known || is_gone))
		abort();
	if (end == ROW_TAKEN && kind == ROW_PRACTITIONER &&
	    !registry_practitioner(r, (struct practitioner_id){ id }, &practitioner))
		abort();
	if (end == ROW_TAKEN && kind == ROW_SITE &&
	    !registry_site(r, (struct site_id){ id }, &site))
		abort();
	if (end == ROW_TAKEN && kind == ROW_SOURCE &&
	    !registry_source(r, (struct source_id){ id }, &source))
		abort();
	/* Once more, over itself, and away. */
	if (row_to_registry(r, kind, bytes, length) != end)
		abort();
	if (end == ROW_TAKEN)
		registry_remove_practitioner(r, (struct practitioner_id){ id });
	registry_free(r);
}

static bool any_row(void *context, const uint8_t *bytes, size_t length)
{
	struct row_field fields[ROW_FIELDS_MAX];
	size_t *rows = context;

	row_split(bytes, length, fields, ROW_FIELDS_MAX);
	return ++*rows < 1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t rows = 0;
	struct row_stream stream = { .row = any_row, .context = &rows };

	if (size < 1)
		return 0;
	enum row_kind kind = data[0] % (ROW_ZONE + 2);
	data++;
	size--;
	row_stream_piece(&stream, data, size);
	if (kind <= ROW_SOURCE) {
		try_registry(kind, data, size);
		return 0;
	}
	struct territory *t = territory_new();
	if (!t)
		abort();
	row_to_territory(t, kind, data, size);
	territory_free(t);
	return 0;
}
