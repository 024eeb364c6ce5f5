/*
 * How long a record takes from its append until the loop knows that it is durable: open loop, one
 * writer, a fixed rate, as a table. Beside it, in the same seconds and on the same disk, a canary
 * writes as much to a prepared file of its own and syncs it, 20 times a second: absolute times
 * drift, ratios hold. A round in which the bench itself was late for more than one record in a
 * hundred is marked.
 *
 *     bench_journal FOLDER [SECONDS [BYTES [SEGMENT-MB [RATE]]]]
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "keep/journal.h"
#include "support/log.h"

#define LATE_NS          1000000 /* the loop itself woke up that much too late */
#define CANARY_PERIOD_NS 50000000
#define CANARY_MAX       100000
#define CANARY_BYTES     (64 << 20)

struct bench {
	struct journal *j;
	uint64_t rate, count;
	size_t bytes;
	uint8_t *payload;
	int64_t *appended_ns, *latency_ns;
	uint64_t appended, durable, late, full;
};

struct canary {
	pthread_t thread;
	_Atomic bool is_ended;
	int fd;
	size_t bytes;
	int64_t latency_ns[CANARY_MAX];
	unsigned count;
};

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int order(const void *a, const void *b)
{
	const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
	return (left > right) - (left < right);
}

static void *canary_main(void *arg)
{
	struct canary *c = arg;
	uint8_t *bytes = calloc(1, c->bytes);
	off_t at = 0;
	while (!c->is_ended && c->count < CANARY_MAX && bytes != NULL) {
		const struct timespec period = { 0, CANARY_PERIOD_NS };
		clock_nanosleep(CLOCK_MONOTONIC, 0, &period, NULL);
		const int64_t start = now_ns();
		if (pwrite(c->fd, bytes, c->bytes, at) < 0 || fdatasync(c->fd) < 0)
			break;
		c->latency_ns[c->count++] = now_ns() - start;
		at = (at + (off_t)c->bytes) % (CANARY_BYTES - (off_t)c->bytes);
	}
	free(bytes);
	return NULL;
}

static bool canary_start(struct canary *c, const char *folder, size_t bytes)
{
	static uint8_t zeros[1 << 20];
	char path[512];
	snprintf(path, sizeof(path), "%s/canary", folder);
	*c = (struct canary){ .bytes = bytes, .fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600) };
	for (off_t at = 0; at < CANARY_BYTES && c->fd >= 0; at += (off_t)sizeof(zeros))
		if (pwrite(c->fd, zeros, sizeof(zeros), at) < 0)
			return false;
	unlink(path);
	return c->fd >= 0 && fsync(c->fd) == 0 &&
	       pthread_create(&c->thread, NULL, canary_main, c) == 0;
}

static void canary_end(struct canary *c)
{
	c->is_ended = true;
	pthread_join(c->thread, NULL);
	close(c->fd);
	qsort(c->latency_ns, c->count, sizeof(int64_t), order);
}

static void take_durable(struct bench *b)
{
	const uint64_t durable = journal_durable(b->j).number;
	const int64_t now = now_ns();
	for (; b->durable < durable; b->durable++)
		b->latency_ns[b->durable] = now - b->appended_ns[b->durable];
}

/* All that is due by now, as one turn of the loop. */
static void append_due(struct bench *b, int64_t start_ns)
{
	const int64_t now = now_ns();
	while (b->appended < b->count) {
		const int64_t due = start_ns + (int64_t)(b->appended * 1000000000 / b->rate);
		if (due > now)
			break;
		b->late += now - due > LATE_NS;
		b->appended_ns[b->appended] = now_ns();
		if (journal_append(b->j, b->appended + 1, b->payload, b->bytes) != JOURNAL_OK) {
			b->full++;
			break;
		}
		b->appended++;
	}
	journal_commit(b->j);
}

static void run(struct bench *b)
{
	struct pollfd wake = { .fd = journal_wake_fd(b->j), .events = POLLIN };
	const int64_t start_ns = now_ns() + 1000000;
	while (b->durable < b->count) {
		int64_t wait = 1000000000;
		if (b->appended < b->count)
			wait = start_ns + (int64_t)(b->appended * 1000000000 / b->rate) - now_ns();
		if (wait < 0)
			wait = 0;
		const struct timespec timeout = { wait / 1000000000, wait % 1000000000 };
		if (ppoll(&wake, 1, &timeout, NULL) > 0)
			journal_woken(b->j);
		take_durable(b);
		append_due(b, start_ns);
	}
}

static bool start(struct bench *b, const char *folder, uint64_t segment_bytes)
{
	struct journal_settings settings;
	struct recovery_report report;
	struct position first;
	enum journal_answer why;
	journal_settings_default(&settings);
	settings.folder = folder;
	settings.node = 1;
	settings.record_version = 1;
	settings.segment_bytes = segment_bytes;
	b->j = journal_open(&settings, &why);
	if (b->j == NULL) {
		fprintf(stderr, "%s: %s (%s)\n", folder, journal_answer_text(why),
		        strerrordesc_np(errno));
		return false;
	}
	return journal_recover(b->j, NULL, &report) == RECOVERY_DONE &&
	       journal_start(b->j, &first) == JOURNAL_OK;
}

static void remove_segments(const char *folder)
{
	char command[512];
	snprintf(command, sizeof(command), "rm -f -- '%s'/*.segment '%s'/*.new", folder, folder);
	if (system(command) != 0)
		fprintf(stderr, "could not empty %s\n", folder);
}

static bool round_of(const char *folder, uint64_t rate, uint64_t seconds, size_t bytes,
                     uint64_t segment_bytes)
{
	struct bench b = { .rate = rate, .count = rate * seconds, .bytes = bytes };
	static struct canary canary;
	struct journal_status status;
	b.payload = malloc(bytes);
	b.appended_ns = calloc(b.count, sizeof(int64_t));
	b.latency_ns = calloc(b.count, sizeof(int64_t));
	if (b.payload == NULL || b.appended_ns == NULL || b.latency_ns == NULL)
		return false;
	memset(b.payload, 0x5A, bytes);
	remove_segments(folder);
	if (!start(&b, folder, segment_bytes) || !canary_start(&canary, folder, bytes))
		return false;
	run(&b);
	canary_end(&canary);
	journal_status(b.j, &status);
	journal_close(b.j, 10000);
	qsort(b.latency_ns, b.count, sizeof(int64_t), order);
	const double late = 100.0 * (double)b.late / (double)b.count;
	printf("| %lu | %ld / %ld | %ld | %ld | %.1f | %lu | %ld / %ld | %.2f%%%s |\n", rate,
	       b.latency_ns[b.count / 2] / 1000, b.latency_ns[b.count * 99 / 100] / 1000,
	       b.latency_ns[b.count * 999 / 1000] / 1000, b.latency_ns[b.count - 1] / 1000,
	       (double)status.records / (double)status.syncs, status.segments,
	       canary.latency_ns[canary.count / 2] / 1000,
	       canary.latency_ns[canary.count * 99 / 100] / 1000, late, late > 1 ? " INVALID" : "");
	fflush(stdout);
	free(b.payload);
	free(b.appended_ns);
	free(b.latency_ns);
	return b.full == 0;
}

int main(int argc, char **argv)
{
	static const uint64_t rates[] = { 100, 1000, 5000, 20000 };
	const uint64_t seconds = argc > 2 ? strtoull(argv[2], NULL, 10) : 20;
	const size_t bytes = argc > 3 ? strtoull(argv[3], NULL, 10) : 720;
	const uint64_t segment_mb = argc > 4 ? strtoull(argv[4], NULL, 10) : 64;
	const uint64_t only = argc > 5 ? strtoull(argv[5], NULL, 10) : 0;
	if (argc < 2 || argc > 6 || seconds == 0 || bytes == 0 || segment_mb == 0) {
		fprintf(stderr, "usage: %s FOLDER [SECONDS [BYTES [SEGMENT-MB [RATE]]]]\n",
		        argv[0]);
		return 2;
	}
	log_set_level(LOG_LEVEL_ERROR);
	printf("| records/s | p50 / p99, us | p99.9 | most | records a sync | segments | canary "
	       "p50 / p99 | late |\n"
	       "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
	if (only != 0)
		return round_of(argv[1], only, seconds, bytes, segment_mb << 20) ? 0 : 1;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		if (!round_of(argv[1], rates[i], seconds, bytes, segment_mb << 20))
			return 1;
	return 0;
}
