/*
 * Runs tests/table/incident.txt against decide(). Beside the world that decides stands a second one
 * that only ever sees the records: after each line the two must hold the same incidents, so every
 * case also tests that a restart forgets nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decide/decide.h"
#include "decide/repeat.h"
#include "keep/record.h"
#include "keep/restore.h"
#include "support/text.h"
#include "tests/fixture/department.h"

#define WALL_START 1793000000LL /* seconds: October 2026 */
#define MONO_START 1000000LL    /* milliseconds */
#define WORDS_MAX  24

struct scene {
	struct world world, restored;
	struct registry *registry;
	struct territory *territory;
	struct effects effects;
	uint64_t serial;
	struct incident_id letters[26];
	struct alert_id alerts[26]; /* the newest alert of each */
	struct incident_id last;
	/* what the line led to */
	bool alarm, loud, shown, repeat, traced, has_receipt;
	bool raised, joined;
	enum refusal refused;
	struct incident_id where;
	struct mono now;
	struct wall wall;
	const char *at; /* file:line for messages */
};

static struct scene scene;

static int failed(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fprintf(stderr, "%s: ", scene.at);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return 1;
}

static void set_time(int64_t seconds)
{
	scene.now.ns = (MONO_START + seconds * 1000) * CLOCK_MS_NS;
	scene.wall.us = (WALL_START + seconds) * CLOCK_S_US;
}

static struct id fresh_id(void)
{
	struct id id = { .b = { 0x01, 0x91, 0, 0, 0, 0, 0x70 } };
	scene.serial++;
	memcpy(id.b + 8, &scene.serial, sizeof scene.serial);
	return id;
}

static bool same(const void *a, const void *b, size_t size)
{
	return memcmp(a, b, size) == 0;
}

/* What a restart must bring back, field by field. */
static int compare_incidents(const struct incident *a, const struct incident *b)
{
	if (b == NULL)
		return failed("the records forgot an incident");
	int bad = 0;
#define SAME(field)                                                                                \
	if (!same(&a->field, &b->field, sizeof a->field))                                          \
	bad += failed("restored with another " #field)
	SAME(revision);
	SAME(guard);
	SAME(position);
	SAME(updated_at);
	SAME(department);
	SAME(raised_at);
	SAME(exercise);
	SAME(source);
	SAME(kind);
	SAME(priority);
	SAME(state);
	SAME(level);
	SAME(renewed_at);
	SAME(taken_by);
	SAME(taken_at);
	SAME(taken_since);
	SAME(note);
	SAME(cancels);
	SAME(contact);
	SAME(offered_to);
	SAME(offered_by);
	SAME(people_count);
	SAME(centres_count);
	SAME(reasons.count);
	SAME(alerts_total);
	SAME(related_count);
	SAME(related);
	SAME(step);
#undef SAME
	for (unsigned n = 0; n < a->people_count; n++)
		if (strcmp(a->people[n].name, b->people[n].name) != 0 ||
		    a->people[n].number.digits != b->people[n].number.digits)
			bad += failed("restored with another person");
	for (unsigned n = 0; n < a->centres_count; n++)
		if (!centre_equal(a->centres[n].centre, b->centres[n].centre) ||
		    a->centres[n].role != b->centres[n].role)
			bad += failed("restored with another centre");
	for (unsigned n = 0; n < a->reasons.count; n++)
		if (a->reasons.list[n].code != b->reasons.list[n].code ||
		    strcmp(a->reasons.list[n].detail, b->reasons.list[n].detail) != 0)
			bad += failed("restored with another reason");
	const struct place *p = &a->place, *q = &b->place;
	if (p->origin != q->origin || p->precision != q->precision ||
	    p->has_point != q->has_point || p->fix.lat != q->fix.lat || p->fix.lon != q->fix.lon ||
	    p->fix.accuracy_m != q->fix.accuracy_m || strcmp(p->label, q->label) != 0 ||
	    strcmp(p->commune.text, q->commune.text) != 0 ||
	    p->candidates_count != q->candidates_count)
		bad += failed("restored with another place");
	const struct alert_summary *x[2 * INCIDENT_ALERTS_KEPT], *y[2 * INCIDENT_ALERTS_KEPT];
	unsigned count = incident_alerts(a, x);
	incident_alerts(b, y);
	for (unsigned n = 0; n < count; n++)
		if (!id_equal(x[n]->id.v, y[n]->id.v) || x[n]->kind != y[n]->kind)
			bad += failed("restored with other alerts");
	/* A deadline may fire early, never late; to the millisecond, the records' unit. */
	if (mono_is_set(a->step_due) != mono_is_set(b->step_due) ||
	    mono_ms_between(a->step_due, b->step_due) > 0)
		bad += failed("restored with a later deadline");
	return bad;
}

static int compare_worlds(void)
{
	struct incident *i;
	int bad = 0;
	for (size_t n = 0; (i = world_next_incident(&scene.world, &n)) != NULL;)
		bad += compare_incidents(i, world_incident(&scene.restored, i->id));
	for (size_t n = 0; (i = world_next_incident(&scene.restored, &n)) != NULL;)
		if (world_incident(&scene.world, i->id) == NULL)
			bad += failed("the records kept a closed incident");
	return bad;
}

static void consume(void)
{
	static uint8_t bytes[RECORD_BYTES_MAX];
	for (unsigned n = 0; n < scene.effects.count; n++) {
		struct effect *e = &scene.effects.list[n];
		switch (e->kind) {
		case EFFECT_KEEP: {
			scene.traced = true;
			size_t length = record_encode(e, scene.now, scene.wall, bytes);
			assert_true(length > 0);
			assert_int_equal(restore_record(&scene.restored, e->position, bytes, length,
			                                scene.now, scene.wall),
			                 RESTORE_DONE);
			break;
		}
		case EFFECT_RECEIPT:
			scene.has_receipt = true;
			scene.repeat = e->receipt.repeat;
			scene.where = e->receipt.incident;
			break;
		case EFFECT_SHOW:
			scene.shown = true;
			scene.loud |= !e->show.quiet;
			break;
		case EFFECT_ALARM: scene.alarm = true; break;
		case EFFECT_ANSWER:
			scene.refused = e->answer.refused;
			scene.where = e->answer.incident;
			break;
		case EFFECT_COUNT:
			scene.raised |= e->count == COUNT_INCIDENTS_RAISED;
			scene.joined |= e->count == COUNT_ALERTS_JOINED;
			break;
		default: break;
		}
	}
	world_reap(&scene.world);
	world_reap(&scene.restored);
}

static void happen(struct event *e)
{
	e->at = scene.now;
	e->wall = scene.wall;
	e->fresh.v = fresh_id();
	while (decide(&scene.world, e, &scene.effects))
		consume();
	consume();
}

/* Deadlines that come before `seconds` happen at their own time. */
static void pass_time(int64_t seconds)
{
	for (;;) {
		struct mono due = world_next_wake(&scene.world);
		int64_t due_ms = due.ns / CLOCK_MS_NS - MONO_START;
		if (!mono_is_set(due) || due_ms > seconds * 1000)
			break;
		int64_t due_s = due_ms < 0 ? 0 : (due_ms + 999) / 1000;
		set_time(due_s);
		if (due_s == seconds)
			break; /* as part of the line itself */
		scene.alarm = scene.loud = false;
		happen(&(struct event){ .kind = EVENT_TICK });
	}
	set_time(seconds);
}

static void open_console(const char *centre, const char *operator, uint64_t token, bool open)
{
	struct event e = { .kind = open ? EVENT_CONSOLE_OPENED : EVENT_CONSOLE_LOST,
		           .asker = { token } };
	e.act.verb = open ? ACT_SIGN_IN : ACT_SIGN_OUT;
	e.act.centre = centre_id(centre);
	e.act.department = department_code("77");
	TEXT_COPY(e.act.operator, operator);
	happen(&e);
}

static void begin(bool with_consoles)
{
	struct rules rules;
	rules_default(&rules);
	rules.repeats_max = 1000;
	world_done(&scene.world);
	world_done(&scene.restored);
	assert_true(world_init(&scene.world, &rules, (struct position){ 1, 1, 1 }));
	assert_true(world_init(&scene.restored, &rules, (struct position){ 1, 1, 1 }));
	scene.world.registry = scene.restored.registry = scene.registry;
	scene.world.territory = scene.restored.territory = scene.territory;
	memset(scene.letters, 0, sizeof scene.letters);
	set_time(0);
	if (with_consoles) {
		open_console("cic-77", "Dupont", 1, true);
		open_console("corg-77", "Leroy", 2, true);
	}
}

static const char *value(const char *word, const char *key)
{
	size_t length = strlen(key);
	return strncmp(word, key, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

static void spaced(char *out, size_t size, const char *in)
{
	text_copy(out, size, in);
	for (char *c = out; *c; c++)
		if (*c == '_')
			*c = ' ';
}

static int set_alert_word(struct alert *a, struct call *c, const char *word)
{
	static const struct {
		const char *name;
		unsigned bit;
	} doubts[] = { { "clock", ALERT_DOUBT_CLOCK }, { "certificate", ALERT_DOUBT_CERTIFICATE },
		       { "trust", ALERT_DOUBT_TRUST }, { "kind", ALERT_DOUBT_KIND },
		       { "text", ALERT_DOUBT_TEXT },   { "position", ALERT_DOUBT_POSITION },
		       { "ref", ALERT_DOUBT_REF } };
	static const char *const phases[] = { "presented", "answered", "ended", "abandoned" };
	const char *v;
	if ((v = value(word, "ref")))
		TEXT_COPY(a->ref, v);
	else if ((v = value(word, "at")))
		a->has_fix = sscanf(v, "%lf,%lf", &a->fix.lat, &a->fix.lon) == 2;
	else if ((v = value(word, "acc")))
		a->fix.accuracy_m = strtod(v, NULL);
	else if ((v = value(word, "age")))
		a->fix.fixed_at = wall_add_ms(scene.wall, -1000 * strtol(v, NULL, 10));
	else if ((v = value(word, "occurred")))
		a->occurred_at.us = (WALL_START + strtol(v, NULL, 10)) * CLOCK_S_US;
	else if ((v = value(word, "commune")))
		a->commune = commune_code(v);
	else if ((v = value(word, "address")))
		spaced(a->address, sizeof a->address, v);
	else if ((v = value(word, "name")))
		spaced(a->person_name, sizeof a->person_name, v);
	else if ((v = value(word, "number")))
		spaced(a->number, sizeof a->number, v);
	else if ((v = value(word, "rpps")))
		a->rpps = strtoull(v, NULL, 10);
	else if ((v = value(word, "note")))
		spaced(a->note, sizeof a->note, v);
	else if ((v = value(word, "centre")))
		c->presented_to = centre_id(v);
	else if ((v = value(word, "phase"))) {
		for (unsigned n = 0; n < 4; n++)
			if (strcmp(v, phases[n]) == 0)
				c->phase = (enum call_phase)n;
	} else if ((v = value(word, "doubt"))) {
		for (size_t n = 0; n < sizeof doubts / sizeof *doubts; n++)
			if (strcmp(v, doubts[n].name) == 0)
				a->doubts |= doubts[n].bit;
	} else if (strcmp(word, "exercise") == 0)
		a->exercise = true;
	else
		return failed("what is «%s»?", word);
	return 0;
}

static int source_says(char **words, unsigned count)
{
	struct call c = { 0 };
	struct alert *a = &c.alert;
	int bad = 0;
	if (!alert_kind_parse(words[1], &a->kind))
		return failed("no kind «%s»", words[1]);
	a->id.v = fresh_id();
	a->source = department_source(words[0]);
	a->received_at = scene.wall;
	snprintf(a->ref, sizeof a->ref, "auto-%llu", (unsigned long long)scene.serial);
	for (unsigned n = 2; n < count; n++)
		bad += set_alert_word(a, &c, words[n]);
	struct event e = { .kind = a->kind == ALERT_CALL ? EVENT_CALL : EVENT_ALERT };
	if (e.kind == EVENT_CALL)
		e.call = c;
	else
		e.alert = *a;
	happen(&e);
	return bad;
}

static int dispatcher_says(char **words, unsigned count)
{
	char centre[24], operator[64];
	if (sscanf(words[0], "%15[^/]/%63s", centre, operator) != 2)
		return failed("who is «%s»?", words[0]);
	uint64_t token = centre[1] == 'i' ? 1 : 2; /* cic, corg */
	text_add(centre, sizeof centre, "-77");
	if (strcmp(words[1], "in") == 0 || strcmp(words[1], "out") == 0) {
		open_console(centre, operator, token, words[1][0] == 'i');
		return 0;
	}
	struct event e = { .kind = EVENT_ACT, .asker = { token } };
	if (!act_verb_parse(words[1], &e.act.verb) || count < 3)
		return failed("no act «%s»", words[1]);
	unsigned letter = (unsigned)(words[2][0] - 'A');
	bool is_old = strcmp(words[count - 1], "old") == 0;
	const char *rest = count > 3 + (unsigned)is_old ? words[3] : "";
	e.act.incident = scene.last = scene.letters[letter];
	struct incident *i = world_incident(&scene.world, e.act.incident);
	/* A dispatcher's view is never newer than a second; "guard" allows what only counts. */
	e.act.revision = is_old || i == NULL ? 1 : i->guard;
	e.act.centre = centre_id(centre);
	TEXT_COPY(e.act.operator, operator);
	spaced(e.act.note, sizeof e.act.note, rest);
	spaced(e.act.disposition, sizeof e.act.disposition, rest);
	e.act.to = centre_id(rest);
	e.act.alert = scene.alerts[letter];
	happen(&e);
	return 0;
}

static bool has_part(const struct incident *i, const char *centre, enum centre_role role)
{
	for (unsigned n = 0; n < i->centres_count; n++)
		if (strcmp(i->centres[n].centre.text, centre) == 0 && i->centres[n].role == role)
			return true;
	return false;
}

static bool has_reason(const struct incident *i, const char *name)
{
	for (unsigned n = 0; n < i->reasons.count; n++)
		if (strcmp(reason_name(i->reasons.list[n].code), name) == 0)
			return true;
	return false;
}

static bool has_related(const struct incident *i, char letter)
{
	for (unsigned n = 0; n < i->related_count; n++)
		if (id_equal(i->related[n].v, scene.letters[letter - 'A'].v))
			return true;
	return false;
}

static bool is_person(const struct incident *i, const char *name)
{
	char text[128];
	spaced(text, sizeof text, name);
	return i->people_count > 0 && strcmp(i->people[0].name, text) == 0;
}

/* One expectation that looks at an incident; 1 when it does not hold. */
static int expect_of(const struct incident *i, const char *word)
{
	const char *v;
	bool ok = false;
	if (i == NULL)
		return failed("no incident to look at for «%s»", word);
	if (word[0] == 'p' && word[1] >= '1' && word[1] <= '4' && word[2] == '\0')
		ok = i->priority == (unsigned)(word[1] - '0');
	else if ((v = value(word, "owner")))
		ok = has_part(i, v, CENTRE_OWNER);
	else if ((v = value(word, "informed")))
		ok = has_part(i, v, CENTRE_INFORMED);
	else if ((v = value(word, "escalated")))
		ok = has_part(i, v, CENTRE_ESCALATED);
	else if ((v = value(word, "offered")))
		ok = has_part(i, v, CENTRE_OFFERED);
	else if (strcmp(word, "alone") == 0)
		ok = i->centres_count == 1;
	else if ((v = value(word, "state")))
		ok = strcmp(incident_state_name(i->state), v) == 0;
	else if ((v = value(word, "level")))
		ok = i->level == strtoul(v, NULL, 10);
	else if ((v = value(word, "people")))
		ok = i->people_count == strtoul(v, NULL, 10);
	else if ((v = value(word, "person")))
		ok = is_person(i, v);
	else if ((v = value(word, "place")))
		ok = strcmp(place_origin_name(i->place.origin), v) == 0;
	else if ((v = value(word, "total")))
		ok = i->alerts_total == strtoul(v, NULL, 10);
	else if ((v = value(word, "cancels")))
		ok = i->cancels == strtoul(v, NULL, 10);
	else if ((v = value(word, "contact")))
		ok = strcmp(incident_contact_name(i->contact), v) == 0;
	else if ((v = value(word, "related")))
		ok = has_related(i, v[0]);
	else if ((v = value(word, "reason")))
		ok = has_reason(i, v);
	else if ((v = value(word, "no-reason")))
		ok = !has_reason(i, v);
	else
		return failed("what is «%s»?", word);
	if (ok)
		return 0;
	failed("not so: %s (priority %u, state %s, level %u, %u people, %u alerts, place %s, total "
	       "%u)",
	       word, i->priority, incident_state_name(i->state), i->level, i->people_count,
	       i->alerts_total, place_origin_name(i->place.origin), i->alerts_total);
	for (unsigned n = 0; n < i->centres_count; n++)
		fprintf(stderr, "    centre %s %s\n", i->centres[n].centre.text,
		        centre_role_name(i->centres[n].role));
	for (unsigned n = 0; n < i->reasons.count; n++)
		fprintf(stderr, "    reason %s %s\n", reason_name(i->reasons.list[n].code),
		        i->reasons.list[n].detail);
	return 1;
}

/* raised A, joined A, ...: names or finds the incident of this line. */
static int expect_where(const char *verdict, char letter)
{
	struct incident_id *known = &scene.letters[letter - 'A'];
	if (strcmp(verdict, "gone") == 0)
		return world_incident(&scene.world, *known) == NULL
		               ? 0
		               : failed("%c is still there", letter);
	if (strcmp(verdict, "raised") == 0) {
		*known = scene.where;
		scene.last = scene.where;
		if (!scene.raised && scene.refused == REFUSAL_NONE && scene.has_receipt)
			return failed("joined, not raised");
		return id_is_set(scene.where.v) ? 0 : failed("nothing was raised");
	}
	scene.last = *known;
	if (!id_equal(scene.where.v, known->v))
		return failed("another incident than %c", letter);
	if ((strcmp(verdict, "repeat") == 0) != scene.repeat)
		return failed("%s a repeat", scene.repeat ? "it is" : "it is not");
	if (strcmp(verdict, "renewed") == 0 &&
	    !has_reason(world_incident(&scene.world, *known), "incident-renewed"))
		return failed("not renewed");
	return 0;
}

static int expect(char **words, unsigned count)
{
	int bad = 0;
	for (unsigned n = 0; n < count; n++) {
		const char *w = words[n], *v;
		static const char *const verdicts[] = { "raised", "joined", "renewed", "repeat",
			                                "gone" };
		bool is_verdict = false;
		for (size_t k = 0; k < sizeof verdicts / sizeof *verdicts; k++)
			is_verdict |= strcmp(w, verdicts[k]) == 0;
		if (is_verdict && n + 1 < count)
			bad += expect_where(w, words[++n][0]);
		else if (strcmp(w, "nothing") == 0)
			bad += id_is_set(scene.where.v) || !scene.traced ? failed("not nothing")
			                                                 : 0;
		else if (strcmp(w, "untraced") == 0)
			bad += scene.traced || scene.shown || !scene.has_receipt
			               ? failed("it left a trace")
			               : 0;
		else if (strcmp(w, "alarm") == 0)
			bad += scene.alarm ? 0 : failed("no alarm");
		else if (strcmp(w, "no-alarm") == 0)
			bad += scene.alarm ? failed("an alarm") : 0;
		else if (strcmp(w, "loud") == 0)
			bad += scene.loud ? 0 : failed("not loud");
		else if (strcmp(w, "quiet") == 0)
			bad += scene.loud || !scene.shown ? failed("not quiet") : 0;
		else if ((v = value(w, "refused")))
			bad += strcmp(refusal_name(scene.refused), v) == 0
			               ? 0
			               : failed("refused «%s», not «%s»",
			                        refusal_name(scene.refused), v);
		else
			bad += expect_of(world_incident(&scene.world, scene.last), w);
	}
	return bad;
}

static int run_line(char *line)
{
	char *words[WORDS_MAX], *expected[WORDS_MAX], *save = NULL;
	unsigned count = 0, expected_count = 0;
	bool behind = false;
	for (char *w = strtok_r(line, " \t\n", &save); w != NULL;
	     w = strtok_r(NULL, " \t\n", &save)) {
		if (strcmp(w, "->") == 0)
			behind = true;
		else if (behind && expected_count < WORDS_MAX)
			expected[expected_count++] = w;
		else if (!behind && count < WORDS_MAX)
			words[count++] = w;
	}
	if (count < 2 || !behind)
		return failed("a line is: seconds who what -> expected");
	pass_time(strtol(words[0], NULL, 10));
	scene.alarm = scene.loud = scene.shown = scene.repeat = scene.traced = scene.has_receipt =
	        false;
	scene.raised = scene.joined = false;
	scene.refused = REFUSAL_NONE;
	scene.where = (struct incident_id){ { { 0 } } };
	int bad = 0;
	if (strcmp(words[1], "time") == 0)
		happen(&(struct event){ .kind = EVENT_TICK });
	else if (strchr(words[1], '/') != NULL)
		bad = dispatcher_says(words + 1, count - 1);
	else
		bad = source_says(words + 1, count - 1);
	bad += expect(expected, expected_count);
	struct incident *i = world_incident(&scene.world, scene.last);
	for (unsigned n = 0; n < 26 && i != NULL; n++) /* for split: the newest alert of each */
		if (id_equal(scene.letters[n].v, i->id.v) && i->alerts_total > 0)
			scene.alerts[n] = i->last[(i->alerts_total - 1) % INCIDENT_ALERTS_KEPT].id;
	return bad + compare_worlds();
}

static void table_holds(void **state)
{
	(void)state;
	char line[1024], at[64];
	unsigned number = 0, cases = 0;
	int bad = 0;
	FILE *f = fopen(SOURCE_DIR "/tests/table/incident.txt", "r");
	assert_non_null(f);
	scene.registry = department_registry();
	scene.territory = department_territory();
	while (fgets(line, sizeof line, f) != NULL) {
		snprintf(at, sizeof at, "incident.txt:%u", ++number);
		scene.at = at;
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (line[0] == '[') {
			begin(strstr(line, "nobody]") == NULL);
			cases++;
			continue;
		}
		bad += run_line(line);
	}
	fclose(f);
	world_done(&scene.world);
	world_done(&scene.restored);
	registry_free(scene.registry);
	territory_free(scene.territory);
	assert_true(cases > 80);
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(table_holds) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
