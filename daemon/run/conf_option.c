#include "run/conf_option.h"

#include <stdlib.h>
#include <string.h>

#include "run/conf.h"
#include "support/log.h"
#include "support/text.h"

#define HOUR_MS 3600000LL
#define DAY_MS  (24 * HOUR_MS)
#define MIB     (1LL << 20)
#define GIB     (1LL << 30)

static const struct conf_word receipt_words[] = {
	{ "node", CONF_RECEIPT_NODE },
	{ "node+postgres", CONF_RECEIPT_NODE_POSTGRES },
	{ NULL, 0 },
};

static const struct conf_word level_words[] = {
	{ "error", LOG_LEVEL_ERROR }, { "warning", LOG_LEVEL_WARN }, { "notice", LOG_LEVEL_NOTICE },
	{ "info", LOG_LEVEL_INFO },   { "debug", LOG_LEVEL_DEBUG },  { NULL, 0 },
};

#define AT(field) .offset = offsetof(struct conf, field), .size = sizeof(((struct conf *)0)->field)

#define AT_START true
#define RELOADED false

/* clang-format off */
/* Sorted by name. A default of a rule is rules_default()'s; a test compares them. */
static const struct conf_option options[] = {
	{ "alarm.command", CONF_PATH, RELOADED, AT(alarm.command), "", 0, 1, NULL,
	  "The program that alarms operations outside of tocsin; empty: none, which is a "
	  "degraded state." },
	{ "alarm.timeout_ms", CONF_MS, RELOADED, AT(alarm.timeout_ms), "30000", 100, HOUR_MS, NULL,
	  "How long it may run before it is ended." },
	{ "alert.clock_ahead_ms", CONF_MS, RELOADED, AT(rules.clock_ahead_ms),
	  "60000", 0, DAY_MS, NULL,
	  "An alert said to occur further in the future has the doubt \"clock\"." },
	{ "alert.join_window_ms", CONF_MS, RELOADED, AT(rules.join_window_ms),
	  "1800000", 1, 7 * DAY_MS, NULL,
	  "Alerts of one person within this time join one incident." },
	{ "alert.late_ms", CONF_MS, RELOADED, AT(rules.late_ms), "60000", 1, DAY_MS, NULL,
	  "An alert said to have occurred longer ago has the doubt \"late\"." },
	{ "alert.live_position_ms", CONF_MS, RELOADED, AT(rules.live_position_ms),
	  "600000", 1, DAY_MS, NULL,
	  "A position younger than this is live." },
	{ "alert.renew_as_new_m", CONF_METRES, RELOADED, AT(rules.renew_as_new_m),
	  "500", 1, 100000, NULL,
	  "A panic this far from its person's taken incident is a new one, related to the "
	  "first." },
	{ "alert.renew_as_new_ms", CONF_MS, RELOADED, AT(rules.renew_as_new_ms),
	  "1800000", 1, 7 * DAY_MS, NULL,
	  "A panic this long after the last alert of a taken incident is a new one." },
	{ "alert.repeat_dated_ms", CONF_MS, RELOADED, AT(rules.repeat_dated_ms),
	  "2592000000", 1, 366 * DAY_MS, NULL,
	  "How long an alert that says when it occurred is known again as a repeat." },
	{ "alert.repeat_undated_ms", CONF_MS, RELOADED, AT(rules.repeat_undated_ms),
	  "600000", 1, 366 * DAY_MS, NULL,
	  "The same for one that does not say." },
	{ "alert.repeats_max", CONF_COUNT, AT_START, AT(rules.repeats_max),
	  "1000000", 1000, 100000000, NULL,
	  "How many alerts are remembered at most for that; past it the oldest is forgotten." },
	{ "alerts.heartbeat_s", CONF_COUNT, AT_START, AT(alerts.heartbeat_s), "30", 1, 86400, NULL,
	  "How often a sender is asked to say something at least." },
	{ "alerts.idle_s", CONF_COUNT, RELOADED, AT(alerts.idle_s), "90", 1, 86400, NULL,
	  "A sender silent for longer is cut off; it connects again." },
	{ "alerts.links_each", CONF_COUNT, AT_START, AT(alerts.links_each), "4", 1, 1000, NULL,
	  "How many links one source may have at a time; past it the oldest is closed." },
	{ "alerts.links_max", CONF_COUNT, RELOADED, AT(alerts.links_max), "10000", 1, 1000000, NULL,
	  "How many senders may be connected at a time." },
	{ "alerts.message_bytes_max", CONF_BYTES, RELOADED, AT(alerts.message_bytes_max),
	  "65536", 1024, 16 * MIB, NULL,
	  "The longest message that a sender may send." },
	{ "alerts.out_bytes_max", CONF_BYTES, RELOADED, AT(alerts.out_bytes_max),
	  "262144", 1024, GIB, NULL,
	  "How much may wait for a sender that does not read before it is dropped." },
	{ "alerts.window", CONF_COUNT, AT_START, AT(alerts.window), "16", 1, 255, NULL,
	  "How many alerts a sender may have in flight." },
	{ "consoles.heartbeat_s", CONF_COUNT, RELOADED, AT(consoles.heartbeat_s),
	  "10", 1, 3600, NULL,
	  "How often a console and tocsin say something to each other at least." },
	{ "consoles.idle_s", CONF_COUNT, RELOADED, AT(consoles.idle_s), "30", 1, 3600, NULL,
	  "A console silent for longer is lost." },
	{ "consoles.links_max", CONF_COUNT, RELOADED, AT(consoles.links_max),
	  "256", 1, 100000, NULL,
	  "How many consoles may be connected at a time." },
	{ "consoles.out_bytes_max", CONF_BYTES, RELOADED, AT(consoles.out_bytes_max),
	  "4194304", 65536, GIB, NULL,
	  "How much may wait for a console that does not read before it is dropped." },
	{ "escalate.alarm_ms", CONF_MS, RELOADED, AT(rules.alarm_ms), "120000", 1, DAY_MS, NULL,
	  "Not taken for so long: the alarm outside of tocsin." },
	{ "escalate.all_ms", CONF_MS, RELOADED, AT(rules.all_ms), "90000", 1, DAY_MS, NULL,
	  "Not taken for so long: to every centre." },
	{ "escalate.engage_ms", CONF_MS, RELOADED, AT(rules.engage_ms), "180000", 1, DAY_MS, NULL,
	  "Taken for so long without being engaged: back to open." },
	{ "escalate.louder_ms", CONF_MS, RELOADED, AT(rules.louder_ms), "20000", 1, DAY_MS, NULL,
	  "Not taken for so long: louder at its own centre." },
	{ "escalate.other_centre_ms", CONF_MS, RELOADED, AT(rules.other_centre_ms),
	  "45000", 1, DAY_MS, NULL,
	  "Not taken for so long: to the other centre as well." },
	{ "escalate.taker_lost_ms", CONF_MS, RELOADED, AT(rules.taker_lost_ms),
	  "30000", 1, DAY_MS, NULL,
	  "The taker's console lost for so long: back to open." },
	{ "escalate.transfer_ms", CONF_MS, RELOADED, AT(rules.transfer_ms),
	  "60000", 1, DAY_MS, NULL,
	  "How long a transfer stays on offer." },
	{ "incident.open_max", CONF_COUNT, AT_START, AT(rules.incidents_max),
	  "20000", 100, 1000000, NULL,
	  "How many incidents may be open at a time; past it the oldest technical ones are "
	  "closed." },
	{ "journal.folder", CONF_PATH, AT_START, AT(journal.folder),
	  "/var/lib/tocsin/journal", 1, 1, NULL,
	  "Where the node's journal is kept, on a disk of its own if there is one." },
	{ "journal.keep_days", CONF_COUNT, AT_START, AT(journal.keep_days), "7", 1, 3650, NULL,
	  "How long a segment stays after PostgreSQL has confirmed it, so that a restored "
	  "database can be refilled." },
	{ "journal.pending_bytes_max", CONF_BYTES, AT_START, AT(journal.pending_bytes_max),
	  "33554432", MIB, 16 * GIB, NULL,
	  "How much may wait for the disk before links are no longer read." },
	{ "journal.segment_bytes", CONF_BYTES, AT_START, AT(journal.segment_bytes),
	  "67108864", MIB, GIB, NULL,
	  "The size of a segment; the next one is prepared ahead, so this much must be free." },
	{ "journal.total_bytes_max", CONF_BYTES, AT_START, AT(journal.total_bytes_max),
	  "0", 0, INT64_MAX, NULL,
	  "How much the segments may take; confirmed ones go earlier for it, others never. 0:"
	  " no ceiling." },
	{ "links.close_ms", CONF_MS, RELOADED, AT(links.close_ms), "2000", 10, 60000, NULL,
	  "How long a link that is closed may take to hear the last words." },
	{ "links.frame_ms", CONF_MS, RELOADED, AT(links.frame_ms), "5000", 10, HOUR_MS, NULL,
	  "How long one message may take from its first byte to its last." },
	{ "links.handshake_ms", CONF_MS, RELOADED, AT(links.handshake_ms), "10000", 10, 60000, NULL,
	  "How long a peer may take from the connection to the end of the TLS handshake." },
	{ "links.handshakes_max", CONF_COUNT, RELOADED, AT(links.handshakes_max),
	  "128", 1, 10000, NULL,
	  "How many handshakes a listener has under way; past it the oldest gives way." },
	{ "links.write_ms", CONF_MS, RELOADED, AT(links.write_ms), "10000", 10, HOUR_MS, NULL,
	  "A peer that takes none of what waits for it for so long is dropped." },
	{ "listen.admin", CONF_ADDRESSES, AT_START, AT(listen.admin),
	  "127.0.0.1:7780", 0, CONF_ADDRESSES_MAX, NULL,
	  "Where health, metrics and status are served, in plain HTTP: this machine's own "
	  "addresses alone." },
	{ "listen.alerts", CONF_ADDRESSES, AT_START, AT(listen.alerts),
	  "127.0.0.1:7701", 0, CONF_ADDRESSES_MAX, NULL,
	  "Where senders connect: ADDRESS:PORT in figures, several with blanks between." },
	{ "listen.consoles", CONF_ADDRESSES, AT_START, AT(listen.consoles),
	  "127.0.0.1:7702", 0, CONF_ADDRESSES_MAX, NULL,
	  "Where the centres' consoles connect." },
	{ "log.level", CONF_WORD, RELOADED, AT(log.level), "info", 0, 0, level_words,
	  "What is logged: this and all that is graver." },
	{ "node.id", CONF_COUNT, AT_START, AT(node.id), "1", 1, UINT32_MAX, NULL,
	  "This node's number; never the same on two nodes of one database, never changed." },
	{ "node.name", CONF_TEXT, AT_START, AT(node.name), "tocsin-1", 1, 1, NULL,
	  "This node's name, as people and consoles are told it." },
	{ "postgres.answer_ms", CONF_MS, AT_START, AT(postgres.answer_ms),
	  "10000", 100, 600000, NULL,
	  "A database that has not answered for so long is taken for lost, and connected "
	  "anew." },
	{ "postgres.connect_ms", CONF_MS, AT_START, AT(postgres.connect_ms),
	  "5000", 100, 600000, NULL,
	  "How long one host may take to answer when connecting." },
	{ "postgres.conninfo", CONF_TEXT, AT_START, AT(postgres.conninfo),
	  "host=/run/postgresql dbname=tocsin user=tocsin", 0, 1, NULL,
	  "How PostgreSQL is reached, as libpq reads it; hosts as addresses in figures or a "
	  "socket's folder." },
	{ "postgres.pace_ms", CONF_MS, AT_START, AT(postgres.pace_ms), "50", 1, 10000, NULL,
	  "How often what was decided goes to PostgreSQL; its syncs leave the journal's disk "
	  "alone in between." },
	{ "postgres.queue_bytes_max", CONF_BYTES, AT_START, AT(postgres.queue_bytes_max),
	  "67108864", MIB, 16 * GIB, NULL,
	  "How much may wait for PostgreSQL in memory; what is more comes from the journal "
	  "when it is back." },
	{ "push.unrecorded_after_ms", CONF_MS, RELOADED, AT(push.unrecorded_after_ms),
	  "50", 0, 60000, NULL,
	  "An incident is shown after so long even if it is not durable yet, marked as not "
	  "recorded." },
	{ "receipt.policy", CONF_WORD, RELOADED, AT(receipt.policy), "node", 0, 0, receipt_words,
	  "What a receipt waits for: the node's journal, or PostgreSQL as well." },
	{ "state.folder", CONF_PATH, AT_START, AT(state.folder),
	  "/var/lib/tocsin/state", 0, 1, NULL,
	  "Where the last known registry is kept for a start without PostgreSQL; empty: it is"
	  " not." },
	{ "tls.authority", CONF_PATH, RELOADED, AT(tls.authority),
	  "/etc/tocsin/tls/ca.pem", 1, 1, NULL,
	  "The authorities that issue the certificates of senders and consoles, in PEM." },
	{ "tls.certificate", CONF_PATH, RELOADED, AT(tls.certificate),
	  "/etc/tocsin/tls/tocsin.pem", 1, 1, NULL,
	  "This service's certificate, in PEM, with what leads to its authority after it." },
	{ "tls.key", CONF_PATH, RELOADED, AT(tls.key), "/etc/tocsin/tls/tocsin.key", 1, 1, NULL,
	  "Its key, in PEM, not encrypted." },
	{ "tls.revocations", CONF_PATH, RELOADED, AT(tls.revocations), "", 0, 1, NULL,
	  "What the authorities revoked: their lists (CRL) in one PEM file; empty: none." },
	{ "tls.sessions_max", CONF_COUNT, RELOADED, AT(tls.sessions_max), "4096", 1, 1000000, NULL,
	  "How many TLS sessions a listener remembers, so that those who come back come in "
	  "faster." },
	{ "tls.warn_days", CONF_COUNT, RELOADED, AT(tls.warn_days), "30", 1, 3650, NULL,
	  "How long before a certificate ends operations are told." },
};
/* clang-format on */

#define OPTIONS_COUNT   (sizeof(options) / sizeof(*options))
#define LIKE_LENGTH_MAX 64 /* no option's name is longer; a longer one is like none */

size_t conf_options_count(void)
{
	return OPTIONS_COUNT;
}

const struct conf_option *conf_option_at(size_t index)
{
	return index < OPTIONS_COUNT ? &options[index] : NULL;
}

static int compare_name(const void *name, const void *option)
{
	return strcmp(name, ((const struct conf_option *)option)->name);
}

const struct conf_option *conf_option_find(const char *name)
{
	return bsearch(name, options, OPTIONS_COUNT, sizeof(*options), compare_name);
}

/* How many letters must be put in, taken out or changed (Levenshtein). */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[LIKE_LENGTH_MAX + 1];
	size_t length = strlen(b);

	for (size_t k = 0; k <= length; k++)
		row[k] = (unsigned)k;
	for (size_t i = 0; a[i]; i++) {
		unsigned diagonal = row[0]++;
		for (size_t k = 0; k < length; k++) {
			unsigned best = diagonal + (a[i] != b[k]);
			if (row[k] + 1 < best)
				best = row[k] + 1;
			if (row[k + 1] + 1 < best)
				best = row[k + 1] + 1;
			diagonal = row[k + 1];
			row[k + 1] = best;
		}
	}
	return row[length];
}

const struct conf_option *conf_option_like(const char *name)
{
	/* More than a third of it wrong is no slip of the hand. */
	unsigned nearest = (unsigned)strlen(name) / 3 + 1;
	const struct conf_option *like = NULL;

	if (strlen(name) > LIKE_LENGTH_MAX)
		return NULL;
	for (size_t i = 0; i < OPTIONS_COUNT; i++) {
		unsigned d = distance(options[i].name, name);
		if (d < nearest) {
			nearest = d;
			like = &options[i];
		}
	}
	return like;
}

static bool set_number(const struct conf_option *o, void *field, const char *value, char *meant,
                       size_t meant_size)
{
	static const char *const units[] = {
		[CONF_COUNT] = "",
		[CONF_MS] = " of milliseconds",
		[CONF_BYTES] = " of bytes",
		[CONF_METRES] = " of metres",
	};
	int64_t number;

	if (!text_to_int(value, o->min, o->max, &number)) {
		text_add(meant, meant_size, "a number%s from %lld to %lld", units[o->type],
		         (long long)o->min, (long long)o->max);
		return false;
	}
	if (o->type == CONF_COUNT)
		*(unsigned *)field = (unsigned)number;
	else if (o->type == CONF_MS)
		*(int64_t *)field = number;
	else if (o->type == CONF_BYTES)
		*(uint64_t *)field = (uint64_t)number;
	else
		*(double *)field = (double)number;
	return true;
}

static bool set_text(const struct conf_option *o, char *field, const char *value, char *meant,
                     size_t meant_size)
{
	if (o->min > 0 && value[0] == '\0') {
		text_add(meant, meant_size, "a %s", o->type == CONF_PATH ? "path" : "text");
		return false;
	}
	if (o->type == CONF_PATH && value[0] != '\0' && value[0] != '/') {
		text_add(meant, meant_size, "a path from the root, \"/...\"");
		return false;
	}
	if (strlen(value) >= o->size) {
		text_add(meant, meant_size, "at most %zu bytes", o->size - 1);
		return false;
	}
	/* No rest of a longer text: two configurations are compared byte by byte. */
	memset(field, 0, o->size);
	return text_copy(field, o->size, value);
}

static bool set_addresses(struct conf_addresses *field, const char *value, char *meant,
                          size_t meant_size)
{
	struct conf_addresses read = { 0 };

	for (const char *at = value + strspn(value, " \t"); *at; at += strspn(at, " \t")) {
		size_t length = strcspn(at, " \t");
		char *text = read.list[read.count];
		struct address address;
		if (read.count == CONF_ADDRESSES_MAX) {
			text_add(meant, meant_size, "at most %d addresses", CONF_ADDRESSES_MAX);
			return false;
		}
		if (length < ADDRESS_TEXT_SIZE)
			memcpy(text, at, length);
		if (length >= ADDRESS_TEXT_SIZE || !address_parse(text, &address)) {
			text_add(meant, meant_size,
			         "ADDRESS:PORT in figures, as in 127.0.0.1:7701 or [::1]:7701");
			return false;
		}
		read.count++;
		at += length;
	}
	*field = read;
	return true;
}

static bool set_word(const struct conf_option *o, int *field, const char *value, char *meant,
                     size_t meant_size)
{
	for (const struct conf_word *w = o->words; w->text; w++)
		if (strcmp(w->text, value) == 0) {
			*field = w->number;
			return true;
		}
	for (const struct conf_word *w = o->words; w->text; w++)
		text_add(meant, meant_size, "%s%s",
		         w == o->words ? ""
		         : w[1].text   ? ", "
		                       : " or ",
		         w->text);
	return false;
}

bool conf_option_set(const struct conf_option *o, struct conf *conf, const char *value, char *meant,
                     size_t meant_size)
{
	void *field = (char *)conf + o->offset;

	meant[0] = '\0';
	switch (o->type) {
	case CONF_COUNT:
	case CONF_MS:
	case CONF_BYTES:
	case CONF_METRES: return set_number(o, field, value, meant, meant_size);
	case CONF_TEXT:
	case CONF_PATH: return set_text(o, field, value, meant, meant_size);
	case CONF_ADDRESSES: return set_addresses(field, value, meant, meant_size);
	case CONF_WORD: return set_word(o, field, value, meant, meant_size);
	}
	return false;
}
