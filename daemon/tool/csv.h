/*
 * Tables as spreadsheets write them: CSV (RFC 4180), UTF-8, the first line naming the columns.
 *
 * Called by the imports, row by row, with the line for their reports. Delimiter ';', tab or ',',
 * whichever the first line uses; LF or CRLF; quoted fields may hold delimiters and line feeds;
 * blank lines and lines that begin with '#' are passed over; blanks around an unquoted field are
 * dropped. A row that cannot be read is told and passed over, never a reason to misread the next
 * one.
 */
#ifndef TOCSIN_TOOL_CSV_H
#define TOCSIN_TOOL_CSV_H

#include <stdbool.h>
#include <stddef.h>

#define CSV_COLUMNS_MAX 40
#define CSV_FIELD_MAX   8192 /* bytes */
#define CSV_FILE_MAX    ((size_t)64 * 1024 * 1024)
#define CSV_WHY_SIZE    256

struct csv_column {
	const char *name; /* as the first line spells it; NULL ends the list */
	bool optional;    /* may be absent; then every field of it is "" */
};

enum csv_row {
	CSV_ROW,
	CSV_BAD_ROW, /* `why` says what is wrong with it; the next one may be fine */
	CSV_END,
};

struct csv {
	unsigned line;                       /* where the row begins, from 1 */
	const char *fields[CSV_COLUMNS_MAX]; /* of the row, in the order of the list; borrowed */
	char why[CSV_WHY_SIZE];
	/* the reader's own */
	char *bytes;
	size_t length, at;
	unsigned next_line;
	char delimiter;
	size_t columns_count; /* in the file */
	size_t wanted_count;
	size_t places[CSV_COLUMNS_MAX]; /* of the file's columns in the list */
};

/* Reads the file and its first line. False, with a sentence in `why` (without the path): it cannot
 * be read, is too large, lacks a column, has one twice or one that is not in the list. A column
 * that nobody knows is refused, because a misspelt one must not be left out in silence. */
bool csv_open(struct csv *csv, const char *path, const struct csv_column *columns);
/* The same from memory; the bytes are copied. */
bool csv_begin(struct csv *csv, const void *bytes, size_t length, const struct csv_column *columns);
void csv_close(struct csv *csv); /* also after a refusal */

enum csv_row csv_next(struct csv *csv);

#endif
