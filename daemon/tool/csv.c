#include "tool/csv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/text.h"

static const char byte_order_mark[] = "\xEF\xBB\xBF"; /* spreadsheets like to put it in front */

static bool csv_refuse(struct csv *csv, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

static bool csv_refuse(struct csv *csv, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(csv->why, sizeof(csv->why), format, args); /* a cut sentence still tells */
	va_end(args);
	return false;
}

/* Where the line at `at` ends: its line feed, or the end. */
static size_t line_end(const struct csv *csv, size_t at)
{
	const char *feed = memchr(csv->bytes + at, '\n', csv->length - at);

	return feed ? (size_t)(feed - csv->bytes) : csv->length;
}

static bool line_is_blank(const struct csv *csv, size_t from, size_t to)
{
	while (from < to && strchr(" \t\r", csv->bytes[from]) && csv->bytes[from])
		from++;
	return from == to;
}

/* Passes blank lines and remarks; false at the end. */
static bool csv_seek_row(struct csv *csv)
{
	while (csv->at < csv->length) {
		size_t end = line_end(csv, csv->at);
		if (csv->bytes[csv->at] != '#' && !line_is_blank(csv, csv->at, end))
			return true;
		csv->at = end + (end < csv->length);
		csv->next_line++;
	}
	return false;
}

struct field {
	char *text;
	size_t length;
	bool is_last; /* of its row */
};

/* The end of a field or row has been reached; the cursor goes behind it. */
static void field_end(struct csv *csv, struct field *field)
{
	field->is_last = csv->at >= csv->length || csv->bytes[csv->at] != csv->delimiter;
	if (csv->at < csv->length)
		csv->at++;
}

/* The quote that closes a field whose text begins at `from`; the end when there is none. */
static size_t quote_end(const struct csv *csv, size_t from)
{
	for (size_t at = from; at < csv->length; at++) {
		if (csv->bytes[at] != '"')
			continue;
		if (at + 1 == csv->length || csv->bytes[at + 1] != '"')
			return at;
		at++; /* doubled: one of the text's own */
	}
	return csv->length;
}

/* What stands between quotes, a doubled one being one (RFC 4180, 2.5 to 2.7). Written over itself:
 * the text never grows. */
static bool field_read_quoted(struct csv *csv, struct field *field)
{
	size_t from = csv->at + 1, end = quote_end(csv, from), out = from;

	if (end == csv->length)
		return csv_refuse(csv, "a quote is opened and never closed");
	for (size_t at = from; at < end; at++) {
		at += csv->bytes[at] == '"'; /* the second of two */
		csv->next_line += csv->bytes[at] == '\n';
		csv->bytes[out++] = csv->bytes[at];
	}
	field->text = csv->bytes + from;
	field->length = out - from;
	csv->at = end + 1;
	while (csv->at < csv->length && csv->bytes[csv->at] == '\r')
		csv->at++;
	if (csv->at < csv->length && csv->bytes[csv->at] != csv->delimiter &&
	    csv->bytes[csv->at] != '\n')
		return csv_refuse(csv, "something stands behind a closing quote");
	return true;
}

static void field_read_plain(struct csv *csv, struct field *field)
{
	size_t from = csv->at, to;

	while (csv->at < csv->length && csv->bytes[csv->at] != csv->delimiter &&
	       csv->bytes[csv->at] != '\n')
		csv->at++;
	to = csv->at;
	while (from < to && (csv->bytes[from] == ' ' || csv->bytes[from] == '\t'))
		from++;
	while (to > from && strchr(" \t\r", csv->bytes[to - 1]) && csv->bytes[to - 1])
		to--;
	field->text = csv->bytes + from;
	field->length = to - from;
}

static bool field_read(struct csv *csv, struct field *field)
{
	if (csv->at < csv->length && csv->bytes[csv->at] == '"') {
		if (!field_read_quoted(csv, field))
			return false;
	} else {
		field_read_plain(csv, field);
	}
	field_end(csv, field);
	/* Behind a field there is a delimiter, a blank, a quote or a line feed that is no longer
	 * needed, or the byte that csv_begin keeps behind the end. */
	field->text[field->length] = '\0';
	if (field->length > CSV_FIELD_MAX)
		return csv_refuse(csv, "a field has more than %d bytes", CSV_FIELD_MAX);
	if (!text_is_clean_utf8(field->text, field->length))
		return csv_refuse(csv, "a field is not clean UTF-8 (or holds a control character)");
	return true;
}

/* The rest of a row that cannot be read, quotes or not. */
static void csv_skip_row(struct csv *csv)
{
	size_t end = line_end(csv, csv->at);

	csv->at = end + (end < csv->length);
}

static char delimiter_of(const struct csv *csv, size_t from, size_t to)
{
	static const char delimiters[] = ";\t,";

	for (const char *d = delimiters; *d; d++) {
		if (memchr(csv->bytes + from, *d, to - from))
			return *d;
	}
	return ';'; /* one column */
}

static bool header_place(struct csv *csv, const char *name, const struct csv_column *columns)
{
	size_t place = 0;

	while (columns[place].name && strcmp(columns[place].name, name) != 0)
		place++;
	if (!columns[place].name)
		return csv_refuse(csv, "nobody knows a column '%.60s'", name);
	for (size_t i = 0; i < csv->columns_count; i++) {
		if (csv->places[i] == place)
			return csv_refuse(csv, "there are two columns '%s'", name);
	}
	csv->places[csv->columns_count++] = place;
	return true;
}

static bool header_is_whole(struct csv *csv, const struct csv_column *columns)
{
	for (size_t place = 0; columns[place].name; place++) {
		size_t i = 0;
		while (i < csv->columns_count && csv->places[i] != place)
			i++;
		if (i == csv->columns_count && !columns[place].optional)
			return csv_refuse(csv, "there is no column '%s'", columns[place].name);
		csv->wanted_count++;
	}
	return true;
}

static bool header_read(struct csv *csv, const struct csv_column *columns)
{
	struct field field = { .is_last = false };

	if (!csv_seek_row(csv))
		return csv_refuse(csv, "it is empty: not even a line that names the columns");
	csv->line = csv->next_line++;
	csv->delimiter = delimiter_of(csv, csv->at, line_end(csv, csv->at));
	while (!field.is_last) {
		if (!field_read(csv, &field))
			return false;
		if (!header_place(csv, field.text, columns))
			return false;
	}
	return header_is_whole(csv, columns);
}

bool csv_begin(struct csv *csv, const void *bytes, size_t length, const struct csv_column *columns)
{
	*csv = (struct csv){ .next_line = 1 };
	if (length > CSV_FILE_MAX)
		return csv_refuse(csv, "it has more than %zu bytes", CSV_FILE_MAX);
	csv->bytes = malloc(length + 1);
	if (!csv->bytes)
		return csv_refuse(csv, "no memory");
	memcpy(csv->bytes, bytes, length);
	csv->bytes[length] = '\0';
	csv->length = length;
	if (length >= strlen(byte_order_mark) &&
	    memcmp(bytes, byte_order_mark, strlen(byte_order_mark)) == 0)
		csv->at = strlen(byte_order_mark);
	return header_read(csv, columns);
}

static char *bytes_read(FILE *file, size_t *length)
{
	size_t room = 64 * 1024;
	char *bytes = malloc(room), *grown;

	*length = 0;
	while (bytes) {
		*length += fread(bytes + *length, 1, room - *length, file);
		if (*length < room || room > CSV_FILE_MAX)
			break;
		grown = realloc(bytes, 2 * room);
		if (!grown)
			free(bytes);
		bytes = grown;
		room *= 2;
	}
	return bytes;
}

bool csv_open(struct csv *csv, const char *path, const struct csv_column *columns)
{
	size_t length;
	FILE *file = fopen(path, "re");

	*csv = (struct csv){ 0 };
	if (!file)
		return csv_refuse(csv, "%s", strerror(errno));
	errno = 0;
	char *bytes = bytes_read(file, &length);
	int error = ferror(file) ? errno : 0;
	fclose(file);
	bool fine = bytes && !error && csv_begin(csv, bytes, length, columns);
	if (!bytes || error)
		csv_refuse(csv, "%s", bytes ? strerror(error) : "no memory");
	free(bytes);
	return fine;
}

void csv_close(struct csv *csv)
{
	free(csv->bytes);
	*csv = (struct csv){ 0 };
}

enum csv_row csv_next(struct csv *csv)
{
	struct field field = { .is_last = false };
	size_t count = 0;

	if (!csv_seek_row(csv))
		return CSV_END;
	csv->line = csv->next_line++;
	csv->why[0] = '\0';
	for (size_t i = 0; i < csv->wanted_count; i++)
		csv->fields[i] = "";
	while (!field.is_last) {
		if (!field_read(csv, &field)) {
			if (!field.is_last)
				csv_skip_row(csv);
			return CSV_BAD_ROW;
		}
		if (count < csv->columns_count)
			csv->fields[csv->places[count]] = field.text;
		count++;
	}
	if (count == csv->columns_count)
		return CSV_ROW;
	csv_refuse(csv, "it has %zu fields where the first line has %zu", count,
	           csv->columns_count);
	return CSV_BAD_ROW;
}
