/*
 * One line per event on standard error: a journald priority, a name, key=value pairs.
 *
 *     <6>link-closed source=3f2a… reason=peer-gone alerts=12
 *
 * Values with spaces, quotes or control characters are quoted and escaped, so that a peer cannot
 * forge a line. Never a payload, never a whole telephone number (text_mask_number). Thread-safe.
 * Never waits for the reader: a line for which there is no room is dropped and counted.
 */
#ifndef TOCSIN_SUPPORT_LOG_H
#define TOCSIN_SUPPORT_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_CRIT = 2,
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARN = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

struct log_pair {
	const char *key;
	const char *text; /* when not NULL, this; else the number */
	int64_t number;
};

static inline const char *log_text_or_empty(const char *text) { return text ? text : ""; }

#define LOG_TEXT(k, v) { .key = (k), .text = log_text_or_empty(v) }
#define LOG_NUMBER(k, v) { .key = (k), .number = (int64_t)(v) }

/* log_event(LOG_LEVEL_INFO, "link-closed", LOG_TEXT("reason", "peer-gone"), LOG_NUMBER("alerts", 12)) */
#define log_event(level, name, ...)                                                      \
	log_write((level), (name), (struct log_pair[]){ __VA_ARGS__ __VA_OPT__(, ) { 0 } })

void log_write(enum log_level level, const char *name, const struct log_pair *pairs); /* ends with key NULL */
void log_set_level(enum log_level least); /* lines less urgent than this are left out */
unsigned long log_lost(void);                 /* lines dropped since the start; exported as a metric */

#endif
