/*
 * A batch of records as rows: what goes into which table of sql/0004_happened.sql.
 *
 * The follower's translator, pure: no connection, no clock. Alerts, calls, revisions, names, words
 * and acts are a row each; the changes of one incident are merged into a single row, its newest
 * state. What may name a person goes to the two tables that forget, nowhere else.
 */
#ifndef TOCSIN_KEEP_TRANSCRIPT_H
#define TOCSIN_KEEP_TRANSCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "keep/record_queue.h"
#include "keep/rows.h"

/* In the order in which they are written. */
enum transcript_table {
	TRANSCRIPT_ALERTS,
	TRANSCRIPT_CALLS,
	TRANSCRIPT_REVISIONS,
	TRANSCRIPT_INCIDENTS,
	TRANSCRIPT_NAMES,
	TRANSCRIPT_WORDS,
	TRANSCRIPT_TRAIL,
	TRANSCRIPT_SET_ASIDE,
	TRANSCRIPT_TABLES,
};

struct transcript;

struct transcript *transcript_new(void); /* NULL: no memory */
void transcript_free(struct transcript *t);
void transcript_clear(struct transcript *t);

/* Every record must be of one epoch and newer than the one before. False: its bytes are no record;
 * nothing was added. */
bool transcript_add(struct transcript *t, const struct record_view *record);
/* The record whole, because of `reason`: to be looked at by a person. */
void transcript_set_aside(struct transcript *t, const struct record_view *record,
                          const char *sqlstate, const char *reason);
/* Ends the batch. False: no memory. Then the rows of a table may be sent, if it has any. */
bool transcript_finish(struct transcript *t, const uint32_t types[TRANSCRIPT_TABLES]);
const struct rows *transcript_rows(const struct transcript *t, enum transcript_table table);

/* The statement of a table: $1 node (int4), $2 epoch (int8), $3 the rows; and their type's name.
 * With TRANSCRIPT_AGAIN behind it, it passes over positions that are there (not that of the
 * incidents, which always does). */
#define TRANSCRIPT_AGAIN " ON CONFLICT DO NOTHING"
const char *transcript_sql(enum transcript_table table);
const char *transcript_type(enum transcript_table table);
const char *transcript_name(enum transcript_table table);

#endif
