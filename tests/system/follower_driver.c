/*
 * Drives the real journal and the real follower without the daemon: what run/loop does with
 * records, on orders from standard input, one a line; each is answered by one line. Used by
 * test_follower.py.
 *
 *     follower_driver FOLDER NODE CONNINFO [PACE_MS [QUEUE_BYTES [ANSWER_MS]]]
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decide/effect.h"
#include "keep/follower.h"
#include "keep/journal.h"
#include "keep/record.h"
#include "support/bug.h"
#include "support/text.h"

#define TURN 64 /* records of one turn of the loop */

static struct driver {
	struct journal *journal;
	struct follower *follower;
	struct position next, last;
	bool is_journal_told; /* the follower hears how far the journal is */
	uint64_t raised;
	uint8_t bytes[RECORD_BYTES_MAX];
} d;

/* Fictional, and the same for the same n. */
static struct id id_of(unsigned kind, uint64_t n)
{
	struct id id = { { 0x01, 0x90, 0, 0, 0, 0, 0x70, (uint8_t)kind, 0x80 } };

	for (unsigned i = 0; i < 6; i++)
		id.b[15 - i] = (uint8_t)(n >> 8 * i);
	id.b[9] = (uint8_t)(d.next.epoch);
	return id;
}

static void fill_alert(struct alert *a, uint64_t n)
{
	struct wall now = clock_wall();

	*a = (struct alert){
		.kind = ALERT_PANIC, .received_at = now, .occurred_at = now, .has_fix = true
	};
	a->id.v = id_of(1, d.next.number);
	a->source.v = id_of(2, n % 200);
	a->fix = (struct fix){ .lat = 48.54, .lon = 2.66, .accuracy_m = 20, .fixed_at = now };
	TEXT_COPY(a->fix.method, "gnss");
	snprintf(a->ref, sizeof a->ref, "press-%" PRIu64, d.next.number);
}

/* An incident as decide leaves it: whole when it is raised, else with one alert more. */
static void fill_incident(struct incident *i, const struct alert *a, uint64_t n, bool is_raised)
{
	*i = (struct incident){ .revision = 1,
		                .updated_at = a->received_at,
		                .raised_at = a->received_at,
		                .kind = ALERT_PANIC,
		                .priority = 1,
		                .people_count = 1,
		                .centres_count = 2,
		                .department = department_code("77") };
	i->id.v = id_of(3, n);
	i->people[0].id.v = id_of(4, n % 50);
	TEXT_COPY(i->people[0].name, "Dr Aline Exemple");
	TEXT_COPY(i->people[0].specialty, "pédiatrie");
	i->people[0].number.digits = 33639980001;
	i->place = (struct place){ .origin = PLACE_LIVE,
		                   .precision = PLACE_EXACT,
		                   .has_point = true,
		                   .fix = a->fix,
		                   .commune = commune_code("77288") };
	TEXT_COPY(i->place.label, "12 rue Inventée");
	TEXT_COPY(i->place.commune_name, "Melun");
	i->centres[0] = (struct centre_part){ centre_id("cic-77"), CENTRE_OWNER };
	i->centres[1] = (struct centre_part){ centre_id("corg-77"), CENTRE_INFORMED };
	reasons_add(&i->reasons, REASON_WHO_SOURCE_OWNER, "");
	reasons_add(&i->reasons, REASON_ROUTE_COMMUNE, "Melun");
	i->alerts_total = is_raised ? 0 : (unsigned)(d.next.number % 1000);
	i->changed = is_raised ? GROUP_ALL : 0;
	const struct alert_summary summary = { a->id, a->source, a->kind, a->received_at,
		                               a->occurred_at };
	incident_count_alert(i, &summary);
}

static void turn_end(void)
{
	journal_commit(d.journal);
	follower_commit(d.follower);
	if (d.is_journal_told)
		follower_durable(d.follower, journal_durable(d.journal));
}

static void append(const void *bytes, size_t length)
{
	struct mono deadline = mono_add_ms(clock_mono(), 20000);

	/* As the loop does: what cannot be taken waits at the door. */
	while (follower_is_full(d.follower) ||
	       journal_append(d.journal, d.next.number, bytes, length) == JOURNAL_FULL) {
		turn_end();
		must(!mono_is_due(deadline, clock_mono()));
		poll(NULL, 0, 1);
	}
	follower_append(d.follower, d.next, bytes, length);
	d.last = d.next;
	d.next.number++;
}

static void append_effect(struct effect *keep)
{
	size_t length = record_encode(keep, clock_mono(), clock_wall(), d.bytes);

	must(length > 0);
	append(d.bytes, length);
}

static void append_alert(uint64_t n, bool is_raised, const char *note)
{
	static struct incident incident;
	struct alert alert;
	struct effect keep = { .kind = EFFECT_KEEP };

	fill_alert(&alert, n);
	TEXT_COPY(alert.note, note);
	fill_incident(&incident, &alert, n, is_raised);
	keep.keep.alert = &alert;
	keep.keep.incident = incident.id;
	keep.keep.priority = 1;
	keep.keep.department = incident.department;
	keep.keep.incidents_count = 1;
	keep.keep.incidents[0] = &incident;
	append_effect(&keep);
}

/* The order's arguments, as far as they are given. */
struct order {
	char name[32];
	int64_t a, b;
	char text[256];
};

static void order_raise(const struct order *o)
{
	for (int64_t i = 0; i < o->a; i++) {
		append_alert(d.raised++, true, "");
		if (i % TURN == TURN - 1)
			turn_end();
	}
}

static void order_press(const struct order *o) /* a alerts, over b incidents that were raised */
{
	for (int64_t i = 0; i < o->a; i++) {
		append_alert((uint64_t)(i % o->b), false, "");
		if (i % TURN == TURN - 1)
			turn_end();
	}
}

static void order_rate(const struct order *o) /* a presses a second for b seconds, on schedule */
{
	struct mono begun = clock_mono();

	for (int64_t i = 0; i < o->a * o->b; i++) {
		int64_t wait_ms = i * 1000 / o->a - mono_ms_between(begun, clock_mono());
		if (wait_ms > 0) {
			turn_end();
			poll(NULL, 0, (int)wait_ms);
		}
		append_alert(0, false, "");
	}
}

static void order_note(const struct order *o)
{
	append_alert(d.raised++, true, o->text);
}

static void order_act(const struct order *o)
{
	static struct incident incident;
	struct act act = { .verb = ACT_TAKE,
		           .centre = centre_id("cic-77"),
		           .department = department_code("77") };
	struct effect keep = { .kind = EFFECT_KEEP };
	struct alert alert;

	fill_alert(&alert, 0);
	fill_incident(&incident, &alert, 0, true);
	incident.state = INCIDENT_TAKEN;
	incident.changed = GROUP_STATUS;
	incident.revision = 2;
	TEXT_COPY(incident.taken_by, "B. Exemple");
	TEXT_COPY(act.operator, "B. Exemple");
	TEXT_COPY(act.note, o->text);
	act.incident = incident.id;
	keep.keep.act = &act;
	keep.keep.incident = incident.id;
	keep.keep.department = incident.department;
	keep.keep.incidents_count = 1;
	keep.keep.incidents[0] = &incident;
	append_effect(&keep);
}

static void order_call(const struct order *o)
{
	struct call call = { .phase = CALL_ANSWERED,
		             .presented_to = centre_id("cic-77"),
		             .line = "17",
		             .agent = "poste 3" };
	struct effect keep = { .kind = EFFECT_KEEP };

	fill_alert(&call.alert, 0);
	call.alert.kind = ALERT_CALL;
	TEXT_COPY(call.alert.number, o->text[0] != '\0' ? o->text : "06 39 98 00 01");
	keep.keep.alert = &call.alert;
	keep.keep.call = &call;
	keep.keep.incident.v = id_of(3, 0);
	keep.keep.priority = 2;
	keep.keep.department = department_code("77");
	append_effect(&keep);
}

static void order_garbage(const struct order *o)
{
	(void)o;
	append("\377\377\377 no record", 13);
}

static void order_deaf(const struct order *o) /* as if the journal confirmed nothing any more */
{
	d.is_journal_told = o->a == 0;
}

static void order_end(const struct order *o)
{
	struct mono begun = clock_mono();

	turn_end();
	follower_stop(d.follower, o->a);
	printf("ended in %" PRId64 " ms\n", mono_ms_between(begun, clock_mono()));
	journal_close(d.journal, 5000);
	exit(0);
}

static void order_fill(
        const struct order *o) /* raises until the follower takes no more; a at most */
{
	int64_t i = 0;

	for (; i < o->a && !follower_is_full(d.follower); i++) {
		append_alert(d.raised++, true, "");
		turn_end();
	}
	printf("%s after %" PRId64 "\n", follower_is_full(d.follower) ? "full" : "not full", i);
}

static const struct {
	const char *name;
	void (*obey)(const struct order *o);
	bool answers; /* by itself */
} orders[] = {
	{ "raise", order_raise, false }, { "press", order_press, false },
	{ "rate", order_rate, false },   { "note", order_note, false },
	{ "act", order_act, false },     { "call", order_call, false },
	{ "deaf", order_deaf, false },   { "garbage", order_garbage, false },
	{ "end", order_end, true },      { "fill", order_fill, true },
};

static void print_status(void)
{
	struct follower_status s;
	char confirmed[POSITION_TEXT_SIZE], newest[POSITION_TEXT_SIZE];

	follower_status(d.follower, &s);
	printf("{\"state\":\"%s\",\"host\":\"%s\",\"why\":\"", follower_state_name(s.state),
	       s.host);
	for (const char *c = s.why; *c != '\0'; c++)
		putchar(*c == '"' || *c == '\\' ? '\'' : *c);
	printf("\",\"confirmed\":\"%s\",\"newest\":\"%s\",\"lag_records\":%" PRIu64
	       ",\"lag_bytes\":%" PRIu64 ",\"lag_ms\":%" PRId64
	       ",\"is_behind\":%s,\"records\":%" PRIu64 ",\"batches\":%" PRIu64
	       ",\"connections\":%" PRIu64 ",\"set_aside\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"batch_us\":%" PRId64 "}\n",
	       position_format(s.confirmed, confirmed), position_format(s.newest, newest),
	       s.lag_records, s.lag_bytes, s.lag_ms, s.is_behind ? "true" : "false", s.records,
	       s.batches, s.connections, s.set_aside, s.lost, s.batch_us);
}

static void obey(const char *line)
{
	struct order o = { 0 };

	/* "raise 100", "press 100 3", "note any text" */
	if (sscanf(line, "%31s %255[^\n]", o.name, o.text) < 1)
		return;
	sscanf(o.text, "%" SCNd64 " %" SCNd64, &o.a, &o.b);
	for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
		if (strcmp(orders[i].name, o.name) == 0) {
			orders[i].obey(&o);
			turn_end();
			if (!orders[i].answers)
				printf("ok %" PRIu32 ":%" PRIu64 "\n", d.last.epoch, d.last.number);
			return;
		}
	if (strcmp(o.name, "status") == 0)
		print_status();
	else
		printf("unknown order\n");
}

static bool ignore_item(void *context, uint32_t version, const uint8_t *bytes, size_t length)
{
	(void)context, (void)version, (void)bytes, (void)length;
	return true;
}

static bool ignore_record(void *context, struct position position, uint32_t version,
                          const uint8_t *bytes, size_t length)
{
	(void)context, (void)position, (void)version, (void)bytes, (void)length;
	return true;
}

static void open_all(char **argv, int argc)
{
	const struct recovery_calls calls = { .on_item = ignore_item, .on_record = ignore_record };
	struct recovery_report report;
	struct journal_settings js;
	struct follower_settings fs;
	enum journal_answer answer;
	char why[FOLLOWER_WHY_SIZE];

	journal_settings_default(&js);
	js.folder = argv[1];
	js.node = (uint32_t)strtoul(argv[2], NULL, 10);
	js.record_version = 1;
	js.segment_bytes = 4u << 20;
	d.journal = journal_open(&js, &answer);
	if (d.journal == NULL) {
		fprintf(stderr, "journal: %s\n", journal_answer_text(answer));
		exit(1);
	}
	must(journal_recover(d.journal, &calls, &report) == RECOVERY_DONE);
	must(journal_start(d.journal, &d.next) == JOURNAL_OK);
	follower_settings_default(&fs);
	fs.conninfo = argv[3];
	fs.node = js.node;
	fs.folder = journal_folder(d.journal);
	fs.last = report.last;
	fs.epoch = d.next.epoch;
	fs.connect_ms = 1000;
	if (argc > 4)
		fs.pace_ms = strtol(argv[4], NULL, 10);
	if (argc > 5)
		fs.queue_bytes = strtoul(argv[5], NULL, 10);
	if (argc > 6)
		fs.answer_ms = strtol(argv[6], NULL, 10);
	d.follower = follower_start(&fs, why);
	if (d.follower == NULL) {
		fprintf(stderr, "follower: %s\n", why);
		exit(1);
	}
	d.is_journal_told = true;
}

/* Lines as they come, and between them what a loop does when the journal's thread wakes it. */
int main(int argc, char **argv)
{
	char line[512];
	size_t used = 0;

	if (argc < 4)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	open_all(argv, argc);
	for (;;) {
		struct pollfd fds[] = { { .fd = 0, .events = POLLIN },
			                { .fd = journal_wake_fd(d.journal), .events = POLLIN },
			                { .fd = follower_fd(d.follower), .events = POLLIN } };
		poll(fds, 3, -1);
		journal_woken(d.journal);
		follower_woken(d.follower);
		turn_end();
		if (fds[0].revents == 0)
			continue;
		/* A byte at a time: what stdio would have read ahead, poll could not see. */
		if (read(0, line + used, 1) != 1)
			order_end(&(struct order){ 0 });
		if (line[used] != '\n' && used < sizeof line - 2) {
			used++;
			continue;
		}
		line[used + 1] = '\0';
		used = 0;
		obey(line);
	}
}
