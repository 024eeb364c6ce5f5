/* Runs tests/table/incident.txt against decide(), in twin worlds: see tests/fixture/twin.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decide/decide.h"
#include "support/bug.h"
#include "support/text.h"
#include "tests/fixture/department.h"
#include "tests/fixture/twin.h"

#define WORDS_MAX 24

struct scene {
	struct twin twin;
	struct registry *registry;
	struct territory *territory;
	struct incident_id letters[26];
	struct alert_id alerts[26]; /* the newest alert of each */
	struct incident_id last;
	int64_t wall_shift_s; /* the wall clock was set */
	bool is_down;
};

static struct scene scene;
static struct twin *const twin = &scene.twin;
static struct world *const world = &scene.twin.world;

/* On both clocks, the wall clock as far as it was set. */
static void at_ms(int64_t ms)
{
	twin_at_ms(twin, ms);
	twin->wall = wall_add_ms(twin->wall, scene.wall_shift_s * 1000);
}

static int failed(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fprintf(stderr, "%s: ", twin->at);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return 1;
}

/* Deadlines that come before `seconds` happen at their own time. */
static void pass_time(int64_t seconds)
{
	for (;;) {
		struct mono due = world_next_wake(world);
		int64_t due_ms = due.ns / CLOCK_MS_NS - TWIN_MONO_START_MS;
		int64_t now_ms = twin->now.ns / CLOCK_MS_NS - TWIN_MONO_START_MS;
		if (!mono_is_set(due) || due_ms >= seconds * 1000 || now_ms == seconds * 1000)
			break; /* what is due just now is part of the line itself */
		at_ms(due_ms < now_ms ? now_ms : due_ms);
		twin_happen(twin, &(struct event){ .kind = EVENT_TICK });
	}
	at_ms(seconds * 1000);
}

/* "cic/Dupont" to "cic-77", "Dupont" and a token of theirs; false: not so. */
static bool read_dispatcher(const char *who, struct event *e)
{
	char centre[24];
	if (sscanf(who, "%15[^/]/%63s", centre, e->act.operator) != 2)
		return false;
	if (strchr(centre, '-') == NULL)
		text_add(centre, sizeof centre, "-77");
	e->act.centre = centre_id(centre);
	e->act.department = department_code(strchr(centre, '-') + 1);
	e->asker.token = text_hash(who, strlen(who), 0);
	return true;
}

static void open_console(const char *who, bool open)
{
	struct event e = { .kind = open ? EVENT_CONSOLE_OPENED : EVENT_CONSOLE_LOST };
	assert_true(read_dispatcher(who, &e));
	e.act.verb = open ? ACT_SIGN_IN : ACT_SIGN_OUT;
	twin_happen(twin, &e);
}

static void begin(bool with_consoles)
{
	struct rules rules;
	const char *at = twin->at;
	rules_default(&rules);
	rules.repeats_max = 1000;
	twin_done(twin);
	registry_free(scene.registry);
	scene.registry = department_registry();
	scene.wall_shift_s = 0;
	twin_begin(twin, &rules, scene.registry, scene.territory);
	twin->at = at;
	memset(scene.letters, 0, sizeof scene.letters);
	if (with_consoles) {
		open_console("cic/Dupont", true);
		open_console("corg/Leroy", true);
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
		a->fix.fixed_at = wall_add_ms(twin->wall, -1000 * strtol(v, NULL, 10));
	else if ((v = value(word, "occurred")))
		a->occurred_at.us = (TWIN_WALL_START_S + strtol(v, NULL, 10)) * CLOCK_S_US;
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
	a->id.v = twin_id(twin);
	a->source = department_source(words[0]);
	a->received_at = twin->wall;
	snprintf(a->ref, sizeof a->ref, "auto-%llu", (unsigned long long)twin->serial);
	for (unsigned n = 2; n < count; n++)
		bad += set_alert_word(a, &c, words[n]);
	struct event e = { .kind = a->kind == ALERT_CALL ? EVENT_CALL : EVENT_ALERT };
	if (e.kind == EVENT_CALL)
		e.call = c;
	else
		e.alert = *a;
	twin_happen(twin, &e);
	return bad;
}

static int dispatcher_says(char **words, unsigned count)
{
	struct event e = { .kind = EVENT_ACT };
	if (!read_dispatcher(words[0], &e))
		return failed("who is «%s»?", words[0]);
	if (strcmp(words[1], "in") == 0 || strcmp(words[1], "out") == 0) {
		open_console(words[0], words[1][0] == 'i');
		return 0;
	}
	if (!act_verb_parse(words[1], &e.act.verb) || count < 3)
		return failed("no act «%s»", words[1]);
	unsigned letter = (unsigned)(words[2][0] - 'A');
	bool is_old = strcmp(words[count - 1], "old") == 0;
	const char *rest = count > 3 + (unsigned)is_old ? words[3] : "";
	e.act.incident = scene.last = scene.letters[letter];
	struct incident *i = world_incident(world, e.act.incident);
	/* A dispatcher's view is never newer than a second; "guard" allows what only counts. */
	e.act.revision = is_old || i == NULL ? 1 : i->guard;
	spaced(e.act.note, sizeof e.act.note, rest);
	spaced(e.act.disposition, sizeof e.act.disposition, rest);
	e.act.to = centre_id(rest);
	e.act.alert = scene.alerts[letter];
	if (rest[0] >= 'A' && rest[0] <= 'Z' && rest[1] == '\0') /* split A B: B's newest alert */
		e.act.alert = scene.alerts[rest[0] - 'A'];
	twin_happen(twin, &e);
	return 0;
}

/* The clock is set, the process starts again, the registry changes. */
static int service_does(char **words, unsigned count)
{
	const char *what = words[1], *whom = count > 2 ? words[2] : "";
	char name[64];
	spaced(name, sizeof name, whom);
	if (strcmp(what, "set-clock") == 0) {
		int64_t now_ms = twin->now.ns / CLOCK_MS_NS - TWIN_MONO_START_MS;
		scene.wall_shift_s = strtol(whom, NULL, 10);
		at_ms(now_ms);
	} else if (strcmp(what, "restart") == 0) {
		twin_stop(twin, strcmp(whom, "checkpoint") == 0);
		twin_start(twin);
	} else if (strcmp(what, "stop") == 0) {
		twin_stop(twin, strcmp(whom, "checkpoint") == 0);
		scene.is_down = true;
	} else if (strcmp(what, "start") == 0) {
		twin_start(twin);
		scene.is_down = false;
	} else if (strcmp(what, "wake") == 0) {
		twin_happen(twin, &(struct event){ .kind = EVENT_TICK });
	} else if (strcmp(what, "withdraw") == 0) {
		registry_remove_practitioner(scene.registry, department_person(name));
	} else if (strcmp(what, "unregister") == 0) {
		registry_remove_source(scene.registry, department_source(name));
	} else if (strcmp(what, "without-territory") == 0) {
		world->territory = NULL;
	} else if (strcmp(what, "with-territory") == 0) {
		world->territory = scene.territory;
	} else {
		return failed("what is «%s»?", what);
	}
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

static bool is_text(const char *text, const char *word)
{
	char wanted[256];
	spaced(wanted, sizeof wanted, word);
	return strcmp(text, wanted) == 0;
}

/* Expectations of a number; -1: it is none. */
static int holds_number(const struct incident *i, const char *word)
{
	const struct {
		const char *key;
		unsigned is;
	} numbers[] = {
		{ "level", i->level },
		{ "people", i->people_count },
		{ "total", i->alerts_total },
		{ "cancels", i->cancels },
		{ "centres", i->centres_count },
		{ "reasons", i->reasons.count },
		{ "relations", i->related_count },
		{ "candidates", i->place.candidates_count },
	};
	const char *v;
	for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++)
		if ((v = value(word, numbers[n].key)))
			return numbers[n].is == strtoul(v, NULL, 10);
	return -1;
}

/* Expectations of a text; -1: it is none. */
static int holds_text(const struct incident *i, const char *word)
{
	const struct {
		const char *key, *is;
	} texts[] = {
		{ "state", incident_state_name(i->state) },
		{ "kind", alert_kind_name(i->kind) },
		{ "place", place_origin_name(i->place.origin) },
		{ "precision", place_precision_name(i->place.precision) },
		{ "label", i->place.label },
		{ "commune", i->place.commune.text },
		{ "contact", incident_contact_name(i->contact) },
		{ "department", i->department.text },
		{ "note", i->note },
		{ "taken-by", i->taken_by },
		{ "person", i->people_count > 0 ? i->people[0].name : "" },
	};
	static const char *const roles[] = { "owner", "informed", "offered", "escalated" };
	const char *v;
	for (size_t n = 0; n < sizeof texts / sizeof *texts; n++)
		if ((v = value(word, texts[n].key)))
			return is_text(texts[n].is, v);
	for (unsigned role = 0; role < 4; role++)
		if ((v = value(word, roles[role])))
			return has_part(i, v, (enum centre_role)role);
	return -1;
}

static void tell(const struct incident *i)
{
	fprintf(stderr, "    priority %u, state %s, level %u, %u people, %u alerts, place %s\n",
	        i->priority, incident_state_name(i->state), i->level, i->people_count,
	        i->alerts_total, place_origin_name(i->place.origin));
	for (unsigned n = 0; n < i->centres_count; n++)
		fprintf(stderr, "    centre %s %s\n", i->centres[n].centre.text,
		        centre_role_name(i->centres[n].role));
	for (unsigned n = 0; n < i->reasons.count; n++)
		fprintf(stderr, "    reason %s %s\n", reason_name(i->reasons.list[n].code),
		        i->reasons.list[n].detail);
}

/* One expectation that looks at an incident; 1 when it does not hold. */
static int expect_of(const struct incident *i, const char *word)
{
	const char *v;
	if (i == NULL)
		return failed("no incident to look at for «%s»", word);
	int holds = holds_number(i, word);
	if (holds < 0)
		holds = holds_text(i, word);
	if (word[0] == 'p' && word[1] >= '1' && word[1] <= '4' && word[2] == '\0')
		holds = i->priority == (unsigned)(word[1] - '0');
	else if (strcmp(word, "alone") == 0)
		holds = i->centres_count == 1;
	else if ((v = value(word, "related")))
		holds = has_related(i, v[0]);
	else if ((v = value(word, "unrelated")))
		holds = !has_related(i, v[0]);
	else if ((v = value(word, "reason")))
		holds = has_reason(i, v);
	else if ((v = value(word, "no-reason")))
		holds = !has_reason(i, v);
	if (holds < 0)
		return failed("what is «%s»?", word);
	if (holds)
		return 0;
	failed("not so: %s", word);
	tell(i);
	return 1;
}

/* raised A, joined A, ...: names or finds the incident of this line. */
static int expect_where(const char *verdict, char letter)
{
	struct incident_id *known = &scene.letters[letter - 'A'];
	if (strcmp(verdict, "gone") == 0)
		return world_incident(world, *known) == NULL ? 0
		                                             : failed("%c is still there", letter);
	if (strcmp(verdict, "raised") == 0) {
		*known = twin->led.where;
		scene.last = twin->led.where;
		if (!twin->led.raised && twin->led.refused == REFUSAL_NONE && twin->led.has_receipt)
			return failed("joined, not raised");
		return id_is_set(twin->led.where.v) ? 0 : failed("nothing was raised");
	}
	scene.last = *known;
	if (!id_equal(twin->led.where.v, known->v))
		return failed("another incident than %c", letter);
	if ((strcmp(verdict, "repeat") == 0) != twin->led.repeat)
		return failed("%s a repeat", twin->led.repeat ? "it is" : "it is not");
	const struct incident *i = world_incident(world, *known);
	bool is_renewed = i != NULL && i->renewed_at.us == twin->wall.us;
	if ((strcmp(verdict, "renewed") == 0) != is_renewed)
		return failed("%s renewed", is_renewed ? "it is" : "it is not");
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
			bad += id_is_set(twin->led.where.v) || !twin->led.traced
			               ? failed("not nothing")
			               : 0;
		else if (strcmp(w, "untraced") == 0)
			bad += twin->led.traced || twin->led.shown || !twin->led.has_receipt
			               ? failed("it left a trace")
			               : 0;
		else if (strcmp(w, "alarm") == 0)
			bad += twin->led.alarm ? 0 : failed("no alarm");
		else if (strcmp(w, "no-alarm") == 0)
			bad += twin->led.alarm ? failed("an alarm") : 0;
		else if (strcmp(w, "loud") == 0)
			bad += twin->led.loud ? 0 : failed("not loud");
		else if (strcmp(w, "quiet") == 0)
			bad += twin->led.loud || !twin->led.shown ? failed("not quiet") : 0;
		else if (strcmp(w, "unseen") == 0)
			bad += twin->led.shown ? failed("consoles see it") : 0;
		else if ((v = value(w, "refused")))
			bad += strcmp(refusal_name(twin->led.refused), v) == 0
			               ? 0
			               : failed("refused «%s», not «%s»",
			                        refusal_name(twin->led.refused), v);
		else
			bad += expect_of(world_incident(world, scene.last), w);
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
	bool was_asleep = count > 2 && strcmp(words[2], "wake") == 0;
	if (scene.is_down || was_asleep)
		at_ms(strtol(words[0], NULL, 10) * 1000);
	else
		pass_time(strtol(words[0], NULL, 10));
	twin_forget(twin);
	int bad = 0;
	if (strcmp(words[1], "time") == 0)
		twin_happen(twin, &(struct event){ .kind = EVENT_TICK });
	else if (strcmp(words[1], "service") == 0)
		bad = service_does(words + 1, count - 1);
	else if (strchr(words[1], '/') != NULL)
		bad = dispatcher_says(words + 1, count - 1);
	else
		bad = source_says(words + 1, count - 1);
	bad += expect(expected, expected_count);
	struct incident *i = world_incident(world, scene.last);
	for (unsigned n = 0; n < 26 && i != NULL; n++) /* for split: the newest alert of each */
		if (id_equal(scene.letters[n].v, i->id.v) && i->alerts_total > 0)
			scene.alerts[n] = i->last[(i->alerts_total - 1) % INCIDENT_ALERTS_KEPT].id;
	return scene.is_down ? bad : bad + (int)twin_compare(twin);
}

static void table_holds(void **state)
{
	(void)state;
	char line[1024], at[64];
	unsigned number = 0, cases = 0;
	int bad = 0;
	FILE *f = fopen(SOURCE_DIR "/tests/table/incident.txt", "r");
	assert_non_null(f);
	scene.territory = department_territory();
	while (fgets(line, sizeof line, f) != NULL) {
		snprintf(at, sizeof at, "incident.txt:%u", ++number);
		twin->at = at;
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
	twin_done(twin);
	registry_free(scene.registry);
	territory_free(scene.territory);
	assert_true(cases > 80);
	assert_int_equal(bad, 0);
	assert_int_equal(bug_count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(table_holds) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
