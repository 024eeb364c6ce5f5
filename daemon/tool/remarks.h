/*
 * What an import or a check has to say about single rows: errors and notes, each with its place.
 *
 * Printed on standard error as they come ("communes.csv:12: no such centre"), or gathered for
 * --json. Texts from the files are made safe to show.
 */
#ifndef TOCSIN_TOOL_REMARKS_H
#define TOCSIN_TOOL_REMARKS_H

#include <stdarg.h>
#include <stdbool.h>

#include <jansson.h>

#define REMARK_SIZE 600

enum remark_rank {
	REMARK_ERROR, /* it cannot be used as it is */
	REMARK_NOTE,  /* a person should know */
};

struct remarks {
	bool is_json;
	json_t *list; /* with is_json: owned */
	unsigned errors, notes;
};

void remarks_init(struct remarks *r, bool is_json);
void remarks_done(struct remarks *r);
void remarks_add(struct remarks *r, enum remark_rank rank, const char *place, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));
void remarks_vadd(struct remarks *r, enum remark_rank rank, const char *place, const char *format,
                  va_list args) __attribute__((format(printf, 4, 0)));

#endif
