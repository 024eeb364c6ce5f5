/*
 * The position of a record: which node kept it, in which epoch (one per start), as which number.
 * Positions of one node order what it decided; PostgreSQL's rows have them as their key.
 */
#ifndef TOCSIN_SUPPORT_POSITION_H
#define TOCSIN_SUPPORT_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#define POSITION_TEXT_SIZE 44

struct position {
	uint32_t node;
	uint32_t epoch;
	uint64_t number; /* from 1; 0: none */
};

const char *position_format(struct position p, char out[static POSITION_TEXT_SIZE]); /* "1:7:42" */
bool position_parse(const char *text, struct position *out);
int position_compare(struct position a, struct position b); /* of one node: <0, 0, >0 */

static inline bool position_is_set(struct position p) { return p.number != 0; }

#endif
