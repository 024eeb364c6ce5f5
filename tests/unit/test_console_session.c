/* A dispatcher's session: what is said, shown and sent, with a front that writes all of it down. */
#include "tool/console_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "support/text.h"

#define NOW_US 1795298678000000 /* 23:04:38 in Paris */
#define ID(n)  "0192aa00-0000-7000-8000-00000000000" #n

static const struct console_look look = { .has_colour = false, .columns = 200 };

struct log {
	char text[16384];
	unsigned rings;
	bool has_link;
};

static struct log seen;

static void on_show(void *owner, const char *text)
{
	struct log *l = owner;

	text_add(l->text, sizeof l->text, "%s", text);
}

static void on_say(void *owner, bool is_loud, const char *sentence)
{
	struct log *l = owner;

	text_add(l->text, sizeof l->text, "%s %s\n", is_loud ? "!" : "-", sentence);
}

static void on_ring(void *owner)
{
	((struct log *)owner)->rings++;
}

static bool on_send(void *owner, const Tocsin__V1__ConsoleMessage *m)
{
	struct log *l = owner;
	const Tocsin__V1__Act *a = m->act;

	if (l->has_link)
		text_add(l->text, sizeof l->text, "> %s %d %s r%u %s%s%s%s\n", a->ref, (int)a->verb,
			 a->incident, a->revision, a->note, a->centre, a->disposition, a->alert);
	return l->has_link;
}

static void on_put_back(void *owner, const char *line)
{
	struct log *l = owner;

	text_add(l->text, sizeof l->text, "< %s\n", line);
}

static struct console_now at(int64_t ms)
{
	return (struct console_now){ { 1000000000LL + ms * CLOCK_MS_NS }, { NOW_US + ms * 1000 } };
}

/* What happened since the last look. */
static const char *happened(void)
{
	static char text[sizeof seen.text];

	memcpy(text, seen.text, sizeof text);
	seen.text[0] = '\0';
	return text;
}

static void assert_happened(const char *expected)
{
	const char *text = happened();

	if (strcmp(text, expected) != 0)
		fail_msg("got:\n%s\nexpected:\n%s", text, expected);
}

static void assert_happened_with(const char *piece)
{
	const char *text = happened();

	if (strstr(text, piece) == NULL)
		fail_msg("%s\nis not in:\n%s", piece, text);
}

static struct console_session *session(bool is_person)
{
	struct console_front front = { &seen,   is_person, on_show,    on_say,
				       on_ring, on_send,   on_put_back };

	memset(&seen, 0, sizeof seen);
	seen.has_link = true;
	struct console_session *s = console_session_new(&front, &look, "cic-77", "A. Martin");
	assert_non_null(s);
	return s;
}

static void say(struct console_session *s, const Tocsin__V1__DeskMessage *m, struct console_now now)
{
	size_t size = tocsin__v1__desk_message__get_packed_size(m);
	uint8_t *bytes = malloc(size);

	assert_non_null(bytes);
	tocsin__v1__desk_message__pack(m, bytes);
	Tocsin__V1__DeskMessage *copy = tocsin__v1__desk_message__unpack(NULL, size, bytes);
	free(bytes);
	assert_non_null(copy);
	console_session_message(s, copy, now);
}

static void open_link(struct console_session *s, const char *centre, bool resumed,
		      struct console_now now)
{
	Tocsin__V1__ConsoleWelcome w = TOCSIN__V1__CONSOLE_WELCOME__INIT;
	Tocsin__V1__DeskMessage m = TOCSIN__V1__DESK_MESSAGE__INIT;
	Tocsin__V1__Begin begin = TOCSIN__V1__BEGIN__INIT;

	w.version = 1, w.centre = (char *)centre, w.centre_name = "CIC 77", w.resumed = resumed;
	w.server_time = now.wall.us, w.heartbeat_s = 10;
	if (!console_session_opened(s, &w, now))
		return;
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_BEGIN, m.begin = &begin;
	say(s, &m, now);
}

static void say_end(struct console_session *s, const char *position, struct console_now now)
{
	Tocsin__V1__DeskMessage m = TOCSIN__V1__DESK_MESSAGE__INIT;
	Tocsin__V1__End end = TOCSIN__V1__END__INIT;

	end.position = (char *)position;
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_END, m.end = &end;
	say(s, &m, now);
}

struct given {
	const char *id;
	unsigned revision, priority, level;
	Tocsin__V1__State state;
	const char *role, *position;
	bool unrecorded;
};

static void say_incident(struct console_session *s, struct console_now now, struct given g)
{
	Tocsin__V1__DeskMessage m = TOCSIN__V1__DESK_MESSAGE__INIT;
	Tocsin__V1__Incident i = TOCSIN__V1__INCIDENT__INIT;
	Tocsin__V1__Centre ours = TOCSIN__V1__CENTRE__INIT;
	Tocsin__V1__Centre *centres[] = { &ours };
	Tocsin__V1__AlertSummary a = TOCSIN__V1__ALERT_SUMMARY__INIT, b = a;
	Tocsin__V1__AlertSummary *alerts[] = { &a, &b };

	ours.id = "cic-77", ours.role = (char *)(g.role != NULL ? g.role : "owner");
	a.alert = ID(8), b.alert = ID(9);
	i.incident = (char *)g.id, i.revision = g.revision, i.priority = g.priority;
	i.position = (char *)(g.position != NULL ? g.position : "1:7:1"), i.level = g.level;
	i.state = g.state != 0 ? g.state : TOCSIN__V1__STATE__STATE_OPEN;
	i.kind = TOCSIN__V1__KIND__KIND_PANIC, i.recorded = !g.unrecorded;
	i.centres = centres, i.n_centres = 1, i.raised_at = NOW_US;
	i.alerts = alerts, i.n_alerts = 2, i.alerts_total = 2;
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_INCIDENT, m.incident = &i;
	say(s, &m, now);
}

#define INCIDENT(s, now, ...) say_incident((s), (now), (struct given){ __VA_ARGS__ })

static void say_answer(struct console_session *s, const char *ref, const char *refused,
		       struct console_now now)
{
	Tocsin__V1__DeskMessage m = TOCSIN__V1__DESK_MESSAGE__INIT;
	Tocsin__V1__Answer a = TOCSIN__V1__ANSWER__INIT;

	a.ref = (char *)ref, a.done = refused[0] == '\0', a.reason = (char *)refused;
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_ANSWER, m.answer = &a;
	say(s, &m, now);
}

/* A session with one incident of priority 1, shown by the first snapshot. */
static struct console_session *with_incident(bool is_person)
{
	struct console_session *s = session(is_person);

	open_link(s, "cic-77", false, at(0));
	INCIDENT(s, at(0), .id = ID(1), .revision = 4, .priority = 1);
	say_end(s, "1:7:9", at(0));
	happened();
	return s;
}

static void test_first_snapshot_is_a_list(void **state)
{
	struct console_session *s = session(false);

	(void)state;
	assert_int_equal(console_session_status(s, at(0))->link, CONSOLE_LINK_STARTING);
	open_link(s, "cic-77", false, at(0));
	assert_false(console_session_is_live(s));
	INCIDENT(s, at(0), .id = ID(1), .revision = 1, .priority = 1);
	assert_happened("");
	say_end(s, "1:7:9", at(0));
	assert_happened(
		"  1  P1     0 s  À PRENDRE · agression · personne inconnue · lieu inconnu\n");
	assert_true(console_session_is_live(s));
	assert_string_equal(console_session_resume_after(s), "1:7:9");
	const struct console_status *status = console_session_status(s, at(0));
	assert_int_equal(status->link, CONSOLE_LINK_UP);
	assert_int_equal(status->open, 1);
	assert_int_equal(status->waiting, 1);
	console_session_free(s);
}

static void test_another_centre(void **state)
{
	struct console_session *s = session(true);
	Tocsin__V1__ConsoleWelcome w = TOCSIN__V1__CONSOLE_WELCOME__INIT;

	(void)state;
	w.centre = "corg-77";
	assert_false(console_session_opened(s, &w, at(0)));
	assert_happened("! ce certificat est celui du centre corg-77, pas de cic-77\n");
	console_session_free(s);
}

/* New, louder, renewed: each is announced, and rings when it is to be heard here. */
static void test_what_rings(void **state)
{
	struct console_session *s = with_incident(true);

	(void)state;
	INCIDENT(s, at(0), .id = ID(2), .revision = 1, .priority = 1);
	assert_int_equal(seen.rings, 1);
	assert_happened_with("n° 2  P1  NOUVEAU");
	INCIDENT(s, at(0), .id = ID(2), .revision = 2, .priority = 1, .level = 1);
	assert_int_equal(seen.rings, 2);
	INCIDENT(s, at(0), .id = ID(3), .revision = 1, .priority = 2, .role = "informed");
	assert_int_equal(seen.rings, 2);
	assert_happened_with("pour information");
	INCIDENT(s, at(0), .id = ID(3), .revision = 2, .priority = 2, .role = "owner");
	assert_int_equal(seen.rings, 3);
	INCIDENT(s, at(0), .id = ID(4), .revision = 1, .priority = 3);
	assert_int_equal(seen.rings, 3);
	INCIDENT(s, at(0), .id = ID(5), .revision = 1, .priority = 1, .role = "informed");
	assert_int_equal(seen.rings, 4);
	INCIDENT(s, at(0), .id = ID(2), .revision = 3, .priority = 1, .level = 1,
		 .state = TOCSIN__V1__STATE__STATE_TAKEN);
	assert_int_equal(seen.rings, 4);
	console_session_free(s);
}

/* Priority 1 rings until it is taken, faster once it is louder. */
static void test_rings_until_taken(void **state)
{
	struct console_session *s = with_incident(true);

	(void)state;
	struct mono due = console_session_tick(s, at(0));
	assert_int_equal(seen.rings, 1);
	assert_int_equal(mono_ms_between(at(0).mono, due), CONSOLE_RING_MS);
	console_session_tick(s, at(9999));
	assert_int_equal(seen.rings, 1);
	console_session_tick(s, at(10000));
	assert_int_equal(seen.rings, 2);
	INCIDENT(s, at(10000), .id = ID(1), .revision = 5, .priority = 1, .level = 1);
	assert_int_equal(seen.rings, 3);
	console_session_tick(s, at(13000));
	assert_int_equal(seen.rings, 4);
	INCIDENT(s, at(13000), .id = ID(1), .revision = 6, .priority = 1, .level = 1,
		 .state = TOCSIN__V1__STATE__STATE_TAKEN);
	assert_false(mono_is_set(console_session_tick(s, at(60000))));
	assert_int_equal(seen.rings, 4);
	console_session_free(s);
}

static void test_acts(void **state)
{
	struct console_session *s = with_incident(true);

	(void)state;
	assert_true(console_session_command(s, "take 1", "a", at(0)));
	assert_happened("> a 1 " ID(1) " r4 \n");
	say_answer(s, "a", "", at(0));
	assert_happened("- take 1 : fait\n");
	console_session_command(s, "note 1 rappelée", "b", at(0));
	assert_happened("> b 3 " ID(1) " r4 rappelée\n");
	say_answer(s, "b", "wrong-state", at(0));
	assert_happened("! note 1 : refusé, impossible dans son état actuel\n");
	console_session_command(s, "transfer 1 corg-77", "c", at(0));
	assert_happened("> c 4 " ID(1) " r4 corg-77\n");
	console_session_command(s, "close 1 secours sur place", "d", at(0));
	assert_happened("> d 8 " ID(1) " r4 secours sur place\n");
	console_session_command(s, "split 1 2", "e", at(0));
	assert_happened("> e 7 " ID(1) " r4 " ID(9) "\n");
	console_session_command(s, "split 1 3", "f", at(0));
	assert_happened("- n° 1 : il n'y a pas d'alerte 3\n");
	console_session_command(s, "engage " ID(1), "g", at(0));
	assert_happened("> g 2 " ID(1) " r4 \n");
	console_session_command(s, "take 2", "h", at(0));
	assert_happened("- n° 2 : inconnu\n");
	console_session_command(s, "take " ID(2), "i", at(0));
	assert_happened("- incident inconnu\n");
	say_answer(s, "nobody's", "", at(0));
	assert_happened("");
	console_session_free(s);
}

static void test_look(void **state)
{
	struct console_session *s = with_incident(true);

	(void)state;
	console_session_command(s, "1", "a", at(0));
	const char *text = happened();
	assert_non_null(strstr(text, "n° 1 — PRIORITÉ 1 — agression"));
	assert_non_null(strstr(text, "> a 10 " ID(1)));
	say_answer(s, "a", "", at(0));
	assert_happened("");
	/* without a link the record is shown all the same, and the trace follows */
	console_session_lost(s, "coupée", at(0));
	seen.has_link = false;
	happened();
	console_session_command(s, "look 1", "b", at(0));
	text = happened();
	assert_non_null(strstr(text, "n° 1 — PRIORITÉ 1"));
	assert_non_null(strstr(text, "peut être dépassée"));
	assert_null(strstr(text, ">"));
	seen.has_link = true;
	open_link(s, "cic-77", true, at(5000));
	assert_happened("");
	say_end(s, "1:7:9", at(5000));
	assert_happened("- liaison rétablie après 5 s\n>  10 " ID(1) " r0 \n");
	console_session_free(s);
}

/* What could not be sent goes back to the line; what was not answered is said. */
static void test_link_lost(void **state)
{
	struct console_session *s = with_incident(true);

	(void)state;
	console_session_command(s, "take 1", "a", at(0));
	happened();
	console_session_lost(s, "coupée", at(0));
	assert_happened("! take 1 : la liaison est tombée avant la réponse ; vérifier la fiche\n"
			"! LIAISON PERDUE : des alarmes peuvent manquer (coupée)\n");
	assert_int_equal(seen.rings, 1);
	assert_int_equal(console_session_status(s, at(3000))->lost_ms, 3000);
	console_session_command(s, "note 1 rappelée", "b", at(0));
	assert_happened("! note 1 : pas de liaison, PAS ENVOYÉ\n< note 1 rappelée\n");
	console_session_lost(s, "refusée", at(2000)); /* another attempt that failed */
	assert_happened("");
	console_session_tick(s, at(CONSOLE_LOST_MS - 1));
	assert_happened("");
	console_session_tick(s, at(CONSOLE_LOST_MS));
	assert_happened("! LIAISON PERDUE depuis 15 s : des alarmes peuvent manquer (refusée)\n");
	open_link(s, "cic-77", false, at(20000));
	INCIDENT(s, at(20000), .id = ID(1), .revision = 5, .priority = 1,
		 .state = TOCSIN__V1__STATE__STATE_TAKEN);
	INCIDENT(s, at(20000), .id = ID(2), .revision = 1, .priority = 1);
	say_end(s, "1:7:20", at(20000));
	const char *text = happened();
	assert_non_null(strstr(text, "n° 1  P1  pris"));
	assert_non_null(strstr(text, "n° 2  P1  NOUVEAU"));
	assert_non_null(strstr(text, "liaison rétablie après 20 s"));
	say_answer(s, "a", "", at(20000)); /* too late to say */
	assert_happened("");
	console_session_free(s);
}

/* Shown, never recorded, and the service came back without it. */
static void test_never_recorded(void **state)
{
	struct console_session *s = with_incident(true);

	(void)state;
	INCIDENT(s, at(0), .id = ID(2), .revision = 1, .priority = 1, .unrecorded = true,
		 .position = "1:7:10");
	assert_happened_with("pas encore enregistré");
	console_session_lost(s, "coupée", at(0));
	happened();
	seen.rings = 0;
	open_link(s, "cic-77", false, at(1000));
	INCIDENT(s, at(1000), .id = ID(1), .revision = 4, .priority = 1);
	say_end(s, "1:8:1", at(1000));
	assert_happened_with("! 1 incident montré ici, jamais enregistré, perdu au redémarrage");
	assert_int_equal(seen.rings, 1);
	console_session_command(s, "clear 1", "a", at(1000));
	assert_happened("- n° 1 : n'est pas perdu ; close le clôt\n");
	console_session_command(s, "clear 2", "b", at(1000));
	assert_happened("- n° 2 : retiré de la liste\n");
	assert_int_equal(console_session_status(s, at(1000))->open, 1);
	console_session_free(s);
}

static void test_late_answer(void **state)
{
	struct console_session *s = with_incident(true);

	(void)state;
	console_session_command(s, "take 1", "a", at(0));
	happened();
	console_session_tick(s, at(CONSOLE_ANSWER_MS - 1));
	assert_happened("");
	console_session_tick(s, at(CONSOLE_ANSWER_MS));
	assert_happened("! take 1 : pas de réponse depuis 10 s\n");
	console_session_tick(s, at(2 * CONSOLE_ANSWER_MS));
	assert_happened("");
	say_answer(s, "a", "", at(30000));
	assert_happened("- take 1 : fait\n");
	for (unsigned i = 0; i < CONSOLE_ACTS_MAX; i++)
		console_session_command(s, "take 1", "x", at(0));
	happened();
	console_session_command(s, "take 1", "y", at(0));
	assert_happened("! take 1 : trop de commandes sans réponse, pas envoyé\n< take 1\n");
	console_session_free(s);
}

static void test_quit(void **state)
{
	struct console_session *s = with_incident(true);

	(void)state;
	assert_true(console_session_command(s, "quit", "a", at(0)));
	assert_happened("! 1 incident à prendre ; quit encore une fois pour quitter quand même\n");
	assert_true(console_session_command(s, "list", "b", at(0)));
	assert_true(console_session_command(s, "quit", "c", at(0)));
	assert_false(console_session_command(s, "quit", "d", at(0)));
	console_session_free(s);
	s = with_incident(false);
	assert_false(console_session_command(s, "quit", "a", at(0)));
	console_session_free(s);
	s = session(true); /* nothing waits */
	assert_false(console_session_command(s, "quit", "a", at(0)));
	console_session_free(s);
}

static void test_wrong_lines(void **state)
{
	struct console_session *s = with_incident(true);

	(void)state;
	assert_true(console_session_command(s, "prendre 1", "a", at(0)));
	assert_happened_with("- commande inconnue");
	assert_true(console_session_command(s, "", "b", at(0)));
	assert_happened("");
	assert_true(console_session_command(s, "help", "c", at(0)));
	assert_happened_with("take N");
	console_session_free(s);
}

/* Times are the server's; a dispatcher is told when this machine's clock is far from it, once. */
static void test_clock(void **state)
{
	struct console_session *s = with_incident(true);
	Tocsin__V1__DeskMessage m = TOCSIN__V1__DESK_MESSAGE__INIT;
	Tocsin__V1__DeskHeartbeat h = TOCSIN__V1__DESK_HEARTBEAT__INIT;
	char *degraded[] = { "base de données absente" };

	(void)state;
	h.server_time = NOW_US + 90 * CLOCK_S_US, h.position = "1:7:9";
	h.degraded = degraded, h.n_degraded = 1;
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_HEARTBEAT, m.heartbeat = &h;
	say(s, &m, at(0));
	assert_happened_with("s'écarte de 90 s");
	assert_int_equal(console_session_wall(s, at(0)).us, NOW_US + 90 * CLOCK_S_US);
	say(s, &m, at(0));
	assert_happened("");
	assert_int_equal(console_session_status(s, at(0))->degraded_count, 1);
	h.n_degraded = 0;
	say(s, &m, at(0));
	assert_int_equal(console_session_status(s, at(0))->degraded_count, 0);
	console_session_free(s);
}

static int set_zone(void **state)
{
	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1); /* needs no time zone files */
	tzset();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_snapshot_is_a_list),
		cmocka_unit_test(test_another_centre),
		cmocka_unit_test(test_what_rings),
		cmocka_unit_test(test_rings_until_taken),
		cmocka_unit_test(test_acts),
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_link_lost),
		cmocka_unit_test(test_never_recorded),
		cmocka_unit_test(test_late_answer),
		cmocka_unit_test(test_quit),
		cmocka_unit_test(test_wrong_lines),
		cmocka_unit_test(test_clock),
	};
	return cmocka_run_group_tests(tests, set_zone, NULL);
}
