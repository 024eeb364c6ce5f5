/*
 * The configuration: one file of `name = value` lines, read whole or not at all.
 *
 * Every error is told in one run, with file and line and what was meant, so that nobody mends a
 * file one error at a time. The options, with their bounds and defaults, are in conf_option.c; the
 * commented example is conf/tocsin.conf. run/ and the command read it; nothing else does.
 *
 * A line: name = value. Blanks around both do not count; ` #` begins a comment; a value in "double
 * quotes" is taken as it is, with \" and \\ for these two.
 */
#ifndef TOCSIN_RUN_CONF_H
#define TOCSIN_RUN_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide/world.h"
#include "wire/address.h"

#define CONF_TEXT_SIZE     512
#define CONF_NAME_SIZE     16
#define CONF_ADDRESSES_MAX 4

struct conf_addresses {
	unsigned count; /* 0: nobody listens */
	char list[CONF_ADDRESSES_MAX][ADDRESS_TEXT_SIZE];
};

enum conf_receipt { CONF_RECEIPT_NODE, CONF_RECEIPT_NODE_POSTGRES };

/* Units stand in the names; see the help of each option. Texts: "" is "none". */
struct conf {
	struct {
		char command[CONF_TEXT_SIZE];
		int64_t timeout_ms;
	} alarm;
	struct {
		unsigned heartbeat_s, idle_s, links_each, links_max, window;
		uint64_t message_bytes_max, out_bytes_max;
	} alerts;
	struct {
		unsigned heartbeat_s, idle_s, links_max;
		uint64_t out_bytes_max;
	} consoles;
	struct {
		char folder[CONF_TEXT_SIZE];
		unsigned keep_days;
		uint64_t pending_bytes_max, segment_bytes, total_bytes_max;
	} journal;
	struct { /* of senders and consoles alike */
		int64_t close_ms, frame_ms, handshake_ms, write_ms;
		unsigned handshakes_max;
	} links;
	struct {
		struct conf_addresses admin, alerts, consoles;
	} listen;
	struct {
		int level; /* enum log_level */
	} log;
	struct {
		unsigned id;
		char name[CONF_NAME_SIZE];
	} node;
	struct {
		char conninfo[CONF_TEXT_SIZE];
		int64_t answer_ms, connect_ms, pace_ms;
		uint64_t queue_bytes_max;
	} postgres;
	struct {
		int64_t unrecorded_after_ms;
	} push;
	struct {
		int policy; /* enum conf_receipt */
	} receipt;
	struct rules rules; /* alert.*, escalate.*, incident.* */
	struct {
		char folder[CONF_TEXT_SIZE];
	} state;
	struct {
		char authority[CONF_TEXT_SIZE], certificate[CONF_TEXT_SIZE], key[CONF_TEXT_SIZE];
		char revocations[CONF_TEXT_SIZE];
		unsigned sessions_max, warn_days;
	} tls;
};

/* Told once per error: "FILE:LINE: what, and what was meant". */
struct conf_report {
	void (*on_error)(void *arg, const char *sentence);
	void *arg;
};

void conf_default(struct conf *out);

/* False: at least one error was told, and *out is the defaults. */
bool conf_read(const char *path, struct conf *out, const struct conf_report *report);
bool conf_parse(const char *file, const char *text, size_t length, struct conf *out,
                const struct conf_report *report);

/* A reload: *running becomes *fresh, but for the options that count only from the next start;
 * `on_kept` is told the name of each of those that differs. */
void conf_take(struct conf *running, const struct conf *fresh,
               void (*on_kept)(void *arg, const char *name), void *arg);

#endif
