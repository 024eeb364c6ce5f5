/*
 * The journal alone, as a program to be killed: what tests/system/test_journal_crash.py drives.
 *
 *     journal_driver write FOLDER [PACE-US]   appends for ever; says "durable EPOCH NUMBER"
 *     journal_driver read FOLDER              what a start finds: "record EPOCH NUMBER" …
 *
 * A record's bytes follow from its position, and `read` checks them. A line is one write(2), so
 * that what was promised before the kill is what the reader of the pipe has.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keep/journal.h"
#include "support/log.h"

#define PAYLOAD_MAX      700
#define CHECKPOINT_EVERY 400

static size_t payload(struct position p, uint8_t out[PAYLOAD_MAX])
{
	const size_t length = 40 + (size_t)(p.number * 131 + p.epoch) % (PAYLOAD_MAX - 40);
	for (size_t i = 0; i < length; i++)
		out[i] = (uint8_t)(p.number * 37 + p.epoch * 11 + i);
	return length;
}

static void say(const char *what, struct position p)
{
	char line[96];
	const int length = snprintf(line, sizeof(line), "%s %u %lu\n", what, p.epoch, p.number);
	if (write(STDOUT_FILENO, line, (size_t)length) != length)
		exit(1);
}

static bool on_item(void *context, uint32_t version, const uint8_t *bytes, size_t length)
{
	struct position p;
	(void)context, (void)version;
	if (length != sizeof(p))
		return false;
	memcpy(&p, bytes, sizeof(p));
	say("checkpoint", p);
	return true;
}

static bool on_record(void *context, struct position p, uint32_t version, const uint8_t *bytes,
                      size_t length)
{
	uint8_t expected[PAYLOAD_MAX];
	(void)context, (void)version;
	const bool is_right =
	        length == payload(p, expected) && memcmp(bytes, expected, length) == 0;
	say(is_right ? "record" : "wrong", p);
	return true;
}

static struct journal *open_journal(const char *folder)
{
	struct journal_settings settings;
	enum journal_answer why;
	journal_settings_default(&settings);
	settings.folder = folder;
	settings.node = 5;
	settings.record_version = 1;
	settings.segment_bytes = 128 * 1024;
	settings.keep_days = 0;
	struct journal *j = journal_open(&settings, &why);
	if (j == NULL) {
		fprintf(stderr, "%s: %s: %s\n", folder, journal_answer_text(why),
		        strerrordesc_np(errno));
		exit(1);
	}
	return j;
}

static int read_journal(const char *folder)
{
	const struct recovery_calls calls = { NULL, on_item, on_record, NULL };
	struct recovery_report report;
	struct journal *j = open_journal(folder);
	if (journal_recover(j, &calls, &report) != RECOVERY_DONE)
		return 1;
	say("lost", (struct position){ .number = report.lost });
	return journal_close(j, 1000) ? 0 : 1;
}

/* Everything before `next` is in this checkpoint: its one item says so. */
static void checkpoint(struct journal *j, struct position next)
{
	if (journal_checkpoint_begin(j, next) != JOURNAL_OK)
		return;
	journal_checkpoint_add(j, &next, sizeof(next));
	journal_checkpoint_end(j);
}

static void write_journal(const char *folder, int pace_us)
{
	struct recovery_report report;
	struct position next, said = { 0 };
	struct journal *j = open_journal(folder);
	if (journal_recover(j, NULL, &report) != RECOVERY_DONE ||
	    journal_start(j, &next) != JOURNAL_OK)
		exit(1);
	say("start", next);
	for (;;) {
		struct pollfd wake = { .fd = journal_wake_fd(j), .events = POLLIN };
		const struct timespec pace = { 0, pace_us * 1000 };
		uint8_t bytes[PAYLOAD_MAX];
		const size_t length = payload(next, bytes);
		const enum journal_answer answer = journal_append(j, next.number, bytes, length);
		if (answer == JOURNAL_OK)
			next.number++;
		else if (answer != JOURNAL_FULL)
			exit(1);
		journal_commit(j);
		if (ppoll(&wake, 1, &pace, NULL) > 0)
			journal_woken(j);
		const struct position durable = journal_durable(j);
		if (durable.number > said.number)
			say("durable", said = durable);
		if (next.number % CHECKPOINT_EVERY == 0)
			checkpoint(j, next);
		journal_confirm(j, durable);
	}
}

int main(int argc, char **argv)
{
	log_set_level(LOG_LEVEL_ERROR);
	if (argc == 3 && strcmp(argv[1], "read") == 0)
		return read_journal(argv[2]);
	if ((argc == 3 || argc == 4) && strcmp(argv[1], "write") == 0)
		write_journal(argv[2], argc == 4 ? (int)strtol(argv[3], NULL, 10) : 100);
	fprintf(stderr, "usage: %s write FOLDER [PACE-US] | read FOLDER\n", argv[0]);
	return 2;
}
