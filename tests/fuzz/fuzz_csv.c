/* Any bytes as a table: every row tells a line further on, every field is clean, and it ends. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support/text.h"
#include "tool/csv.h"

#define check(cond) ((cond) ? (void)0 : abort())

static const struct csv_column columns[] = {
	{ .name = "a" },
	{ .name = "b" },
	{ .name = "c", .optional = true },
	{ .name = NULL },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csv csv;
	enum csv_row found;
	unsigned line = 0;

	if (!csv_begin(&csv, data, size, columns)) {
		check(csv.why[0] != '\0');
		csv_close(&csv);
		return 0;
	}
	while ((found = csv_next(&csv)) != CSV_END) {
		check(csv.line > line);
		line = csv.line;
		if (found == CSV_BAD_ROW) {
			check(csv.why[0] != '\0');
			continue;
		}
		for (size_t i = 0; i < 3; i++)
			check(strlen(csv.fields[i]) <= CSV_FIELD_MAX &&
			      text_is_clean_utf8(csv.fields[i], strlen(csv.fields[i])));
	}
	check(line <= size + 1);
	csv_close(&csv);
	return 0;
}
