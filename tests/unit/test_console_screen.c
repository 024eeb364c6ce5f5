/* How a console looks, as whole lines. */
#include "tool/console_screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tool/console_command.h"
#include "tool/plain.h"

#define NOW_US 1795298678000000 /* 23:04:38 in Paris */
#define SECOND 1000000LL

static const struct wall now = { NOW_US };
static const struct console_look plain_look = { .has_colour = false, .columns = 100 };
static const struct console_look colour_look = { .has_colour = true, .columns = 100 };

static Tocsin__V1__Incident *copy(const Tocsin__V1__Incident *i)
{
	size_t size = tocsin__v1__incident__get_packed_size(i);
	uint8_t *bytes = malloc(size);

	assert_non_null(bytes);
	tocsin__v1__incident__pack(i, bytes);
	Tocsin__V1__Incident *out = tocsin__v1__incident__unpack(NULL, size, bytes);
	free(bytes);
	assert_non_null(out);
	return out;
}

/* A full one: everything that a record can show. `change` may alter it before it is packed. */
static Tocsin__V1__Incident *full(void (*change)(Tocsin__V1__Incident *))
{
	Tocsin__V1__Person person = TOCSIN__V1__PERSON__INIT;
	Tocsin__V1__Person *people[] = { &person };
	Tocsin__V1__Centre owner = TOCSIN__V1__CENTRE__INIT, informed = TOCSIN__V1__CENTRE__INIT;
	Tocsin__V1__Centre *centres[] = { &owner, &informed };
	Tocsin__V1__Place place = TOCSIN__V1__PLACE__INIT;
	Tocsin__V1__Adviser adviser = TOCSIN__V1__ADVISER__INIT;
	Tocsin__V1__AlertSummary first = TOCSIN__V1__ALERT_SUMMARY__INIT;
	Tocsin__V1__AlertSummary second = TOCSIN__V1__ALERT_SUMMARY__INIT;
	Tocsin__V1__AlertSummary *alerts[] = { &first, &second };
	Tocsin__V1__Incident i = TOCSIN__V1__INCIDENT__INIT;
	char *reasons[] = { "route-commune: commune compétente (Melun)",
			    "doubt-clock: heure de l'appareil douteuse",
			    "priority-attack: agression en cours ou présumée" };
	char *candidates[] = { "Maison de santé, Fontainebleau" };
	char *related[] = { "0192aa00-0000-7000-8000-0000000000ff" };

	person.id = "0192aa00-0000-7000-8000-000000000001", person.name = "Dr Camille Exemple";
	person.specialty = "médecine générale", person.number = "+33199001234";
	person.exposed = "menaces depuis mars";
	owner.id = "cic-77", owner.role = "owner", informed.id = "corg-77",
	informed.role = "informed";
	place.lat = 48.54, place.lon = 2.66, place.accuracy_m = 20, place.has_point = 1;
	place.precision = "exact", place.origin = "live", place.fixed_at = NOW_US - 12 * SECOND;
	place.method = "gnss", place.label = "12 rue Fictive", place.commune = "77288";
	place.commune_name = "Melun", place.candidates = candidates, place.n_candidates = 1;
	adviser.name = "Major Fictif", adviser.number = "+33199005678";
	first.alert = "0192aa00-0000-7000-8000-000000000002", first.source = "bracelet-1";
	first.kind = TOCSIN__V1__KIND__KIND_PANIC, first.received_at = NOW_US - 250 * SECOND;
	first.occurred_at = NOW_US - 300 * SECOND;
	second = first, second.occurred_at = 0, second.received_at = NOW_US - 30 * SECOND;
	i.incident = "0192aa00-0000-7000-8000-000000000004", i.revision = 3, i.position = "1:7:42";
	i.department = "77", i.priority = 1, i.kind = TOCSIN__V1__KIND__KIND_PANIC;
	i.state = TOCSIN__V1__STATE__STATE_OPEN, i.recorded = 1,
	i.raised_at = NOW_US - 250 * SECOND;
	i.practitioners = people, i.n_practitioners = 1, i.centres = centres, i.n_centres = 2;
	i.place = &place, i.adviser = &adviser, i.reasons = reasons, i.n_reasons = 3;
	i.alerts_total = 20, i.alerts = alerts, i.n_alerts = 2, i.related = related,
	i.n_related = 1;
	i.renewed_at = NOW_US - 30 * SECOND, i.level = 1, i.contact = "answered", i.cancels = 2;
	i.note = "appelée, ne répond pas\nvoisin entendu";
	if (change != NULL)
		change(&i);
	return copy(&i);
}

static struct board *board_with(Tocsin__V1__Incident *i, const struct board_entry **e)
{
	struct board *d = board_new("cic-77");

	assert_non_null(d);
	assert_int_equal(board_put(d, i, e), BOARD_NEW);
	return d;
}

static char *text;
static size_t text_size;

static FILE *sheet(void)
{
	free(text);
	text = NULL;
	FILE *out = open_memstream(&text, &text_size);
	assert_non_null(out);
	return out;
}

static void assert_sheet(FILE *out, const char *expected)
{
	fclose(out);
	if (strcmp(text, expected) != 0)
		fail_msg("got:\n%s\nexpected:\n%s", text, expected);
}

static void assert_sheet_has(FILE *out, const char *piece)
{
	fclose(out);
	if (strstr(text, piece) == NULL)
		fail_msg("%s\nis not in:\n%s", piece, text);
}

static void test_record(void **state)
{
	const struct board_entry *e;
	struct board *d = board_with(full(NULL), &e);
	FILE *out = sheet();

	(void)state;
	console_screen_record(out, &plain_look, d, e, now);
	assert_sheet(
		out,
		"n° 1 — PRIORITÉ 1 — agression — À PRENDRE\n"
		"  Depuis       23:00:28 (4 min)\n"
		"               a sonné de nouveau à 23:04:08 (30 s)\n"
		"               personne n'a répondu : rappel\n"
		"  Personne     Dr Camille Exemple, médecine générale, 01 99 00 12 34\n"
		"               personne exposée : menaces depuis mars\n"
		"  Lieu         12 rue Fictive, Melun\n"
		"               position en direct, ±20 m, il y a 12 s (gnss)\n"
		"               48.54000, 2.66000\n"
		"               peut-être aussi : Maison de santé, Fontainebleau\n"
		"  Référent     Major Fictif, 01 99 00 56 78\n"
		"  Appel        appel au 17 en cours\n"
		"  Annulation   demandée 2 fois : rien n'est arrêté pour autant\n"
		"  Doutes       heure de l'appareil douteuse\n"
		"  Pourquoi     commune compétente (Melun)\n"
		"               agression en cours ou présumée\n"
		"  Centres      cic-77 responsable ; corg-77 informé\n"
		"  Alertes      20 reçues, les premières et les dernières :\n"
		"                1  23:00:28  agression, survenue à 22:59:38  source bracelet-1\n"
		"                2  23:04:08  agression, heure non donnée  source bracelet-1\n"
		"  Liés         0192aa00-0000-7000-8000-0000000000ff\n"
		"  Note         appelée, ne répond pas\n"
		"               voisin entendu\n"
		"  Dossier      0192aa00-0000-7000-8000-000000000004, révision 3\n");
	board_free(d);
}

static void make_bare(Tocsin__V1__Incident *i)
{
	static char id[] = "0192aa00-0000-7000-8000-000000000005";

	tocsin__v1__incident__init(i);
	i->incident = id;
	i->priority = 1;
	i->state = TOCSIN__V1__STATE__STATE_OPEN;
	i->raised_at = NOW_US;
}

/* Nothing known: it says so, and does not leave holes. */
static void test_record_of_nothing(void **state)
{
	const struct board_entry *e;
	struct board *d = board_with(full(make_bare), &e);
	FILE *out = sheet();

	(void)state;
	console_screen_record(out, &plain_look, d, e, now);
	assert_sheet(out, "n° 1 — PRIORITÉ 1 — alerte de nature inconnue — À PRENDRE\n"
			  "  Attention    pas encore enregistré\n"
			  "  Depuis       23:04:38 (0 s)\n"
			  "  Personne     inconnue\n"
			  "  Lieu         lieu inconnu\n"
			  "  Centres      aucun\n"
			  "  Alertes      0 reçue\n"
			  "  Dossier      0192aa00-0000-7000-8000-000000000005, révision 0\n");
	board_free(d);
}

static void make_shared(Tocsin__V1__Incident *i)
{
	static Tocsin__V1__Person other = TOCSIN__V1__PERSON__INIT;
	static Tocsin__V1__Person *both[2];

	other.name = "Dr Modèle";
	both[0] = i->practitioners[0], both[1] = &other;
	i->practitioners = both;
	i->n_practitioners = 2;
	i->exercise = 1;
}

static void test_record_of_a_shared_number(void **state)
{
	const struct board_entry *e;
	struct board *d = board_with(full(make_shared), &e);
	FILE *out = sheet();

	(void)state;
	console_screen_record(out, &plain_look, d, e, now);
	assert_sheet_has(
		out, "  Personne     numéro commun à plusieurs personnes : aucune n'est choisie\n"
		     "               Dr Camille Exemple, médecine générale, 01 99 00 12 34\n"
		     "               personne exposée : menaces depuis mars\n"
		     "               Dr Modèle (non inscrite, telle qu'annoncée)\n");
	assert_non_null(strstr(text, "  Exercice     ceci n'est pas réel\n"));
	board_free(d);
}

static void test_rows(void **state)
{
	const struct board_entry *e;
	struct board *d = board_with(full(make_shared), &e);
	struct console_look wide = { false, 300 }, narrow = { false, 40 };
	FILE *out = sheet();

	(void)state;
	console_screen_row(out, &wide, d, e, now);
	assert_sheet(out, "  1  P1   4 min  À PRENDRE · EXERCICE · sans réponse, niveau 1 · "
			  "a sonné de nouveau il y a 30 s · annulation demandée · agression · "
			  "Dr Camille Exemple ou Dr Modèle · 12 rue Fictive, Melun — "
			  "position en direct, ±20 m, il y a 12 s (gnss)\n");
	out = sheet();
	console_screen_row(out, &narrow, d, e, now);
	assert_sheet(out, "  1  P1   4 min  À PRENDRE · EXERCICE ·…\n");
	assert_int_equal(plain_width(text) - 1, 40);
	out = sheet();
	console_screen_row(out, &colour_look, d, e, now);
	assert_sheet_has(out, "\033[1;97;41m  1  P1");
	board_free(d);
}

/* A lost one says so in its row and in its record. */
static void test_lost(void **state)
{
	const struct board_entry *e;
	struct board *d = board_with(full(make_bare), &e);
	struct console_look wide = { false, 300 };
	FILE *out = sheet();

	(void)state;
	board_begin(d);
	assert_int_equal(board_end(d, false, "1:8:1"), 1);
	console_screen_row(out, &wide, d, e, now);
	assert_sheet_has(out, "JAMAIS ENREGISTRÉ");
	out = sheet();
	console_screen_record(out, &wide, d, e, now);
	assert_sheet_has(out, "rappeler la personne, puis clear");
	board_free(d);
}

static void make_taken(Tocsin__V1__Incident *i)
{
	i->state = TOCSIN__V1__STATE__STATE_TAKEN;
	i->taken_by = "A. Martin";
	i->taken_at_centre = "cic-77";
}

static void test_events(void **state)
{
	const struct board_entry *e;
	struct board *d = board_with(full(make_taken), &e);
	static const struct {
		unsigned change;
		const char *line;
	} rows[] = {
		{ BOARD_NEW,
		  "23:04:38  n° 1  P1  NOUVEAU · agression · Dr Camille Exemple · "
		  "12 rue Fictive, Melun — position en direct, ±20 m, il y a 12 s (gnss)\n" },
		{ BOARD_RENEWED | BOARD_PLACE,
		  "23:04:38  n° 1  P1  SONNE DE NOUVEAU · agression · Dr Camille Exemple · "
		  "12 rue Fictive, Melun — position en direct, ±20 m, il y a 12 s (gnss)\n" },
		{ BOARD_STATE, "23:04:38  n° 1  P1  pris par A. Martin (cic-77)\n" },
		{ BOARD_NOTE | BOARD_ALERTS,
		  "23:04:38  n° 1  P1  note : appelée, ne répond pas voisin entendu\n" },
		{ BOARD_REASONS, "23:04:38  n° 1  P1  agression en cours ou présumée\n" },
		{ BOARD_CONTACT | BOARD_RELATED,
		  "23:04:38  n° 1  P1  appel au 17 en cours · incident lié\n" },
		{ BOARD_ALERTS, "" },
		{ BOARD_OTHER, "" },
		{ BOARD_NOTHING, "" },
	};

	(void)state;
	struct console_look wide = { false, 300 }, narrow = { false, 40 };
	FILE *out;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		out = sheet();
		console_screen_event(out, &wide, d, e, rows[i].change, now);
		assert_sheet(out, rows[i].line);
	}
	out = sheet();
	console_screen_event(out, &narrow, d, e, BOARD_NEW, now);
	assert_sheet(out, "23:04:38  n° 1  P1  NOUVEAU · agression\n"
			  "          · Dr Camille Exemple · 12 rue\n"
			  "          Fictive, Melun — position en\n"
			  "          direct, ±20 m, il y a 12 s\n"
			  "          (gnss)\n");
	for (unsigned bit = BOARD_NEW; bit < BOARD_REFUSED; bit <<= 1) {
		out = sheet();
		console_screen_event(out, &plain_look, d, e, bit, now);
		fclose(out);
		size_t length = strlen(text);
		assert_true(length == 0 || text[length - 1] == '\n');
		assert_null(strstr(text, "· \n"));
	}
	board_free(d);
}

static void make_hostile(Tocsin__V1__Incident *i)
{
	static char nasty[] = "\033]0;x\a\r\033[2J\nn° 9 — clos\342\200\256";

	i->practitioners[0]->name = i->practitioners[0]->specialty = nasty;
	i->practitioners[0]->number = i->practitioners[0]->exposed = nasty;
	i->place->label = i->place->method = i->place->candidates[0] = i->place->origin = nasty;
	i->centres[0]->id = i->centres[1]->id = i->centres[1]->role = nasty;
	i->reasons[0] = i->note = i->taken_by = i->contact = i->related[0] = i->offered_by = nasty;
	i->adviser->name = i->adviser->number = nasty;
	i->alerts[0]->source = nasty;
}

/* Whatever the texts hold, no control character of theirs reaches the terminal. */
static void test_hostile_text(void **state)
{
	const struct board_entry *e;
	struct board *d = board_with(full(make_hostile), &e);
	struct console_status status = { .link = CONSOLE_LINK_LOST,
					 .why = "\033[2J\n",
					 .centre_name = "\033[2J\n",
					 .operator_name = "\033[2J\n" };
	FILE *out = sheet();

	(void)state;
	status.degraded_count = 1;
	strcpy(status.degraded[0], "\033[2J\n\a");
	console_screen_record(out, &plain_look, d, e, now);
	console_screen_row(out, &plain_look, d, e, now);
	for (unsigned bit = BOARD_NEW; bit < BOARD_REFUSED; bit <<= 1)
		console_screen_event(out, &plain_look, d, e, bit, now);
	console_screen_banner(out, &plain_look, &status, now);
	status.link = CONSOLE_LINK_UP;
	console_screen_banner(out, &plain_look, &status, now);
	console_screen_say(out, &plain_look, true, "\033[2J\n\a", now);
	fclose(out);
	for (const char *at = text; *at != '\0'; at++)
		if (((unsigned char)*at < 0x20 && *at != '\n') || *at == 0x7f)
			fail_msg("control character %d behind: %.40s", *at,
				 at - (at - text > 20 ? 20 : 0));
	assert_null(strstr(text, "\342\200\256"));
	assert_null(strstr(text, "\nn° 9"));
	board_free(d);
}

static void test_banner(void **state)
{
	struct console_status status = { .link = CONSOLE_LINK_UP,
					 .centre_name = "CIC 77",
					 .operator_name = "A. Martin",
					 .open = 3,
					 .waiting = 1 };
	FILE *out = sheet();

	(void)state;
	console_screen_banner(out, &plain_look, &status, now);
	assert_sheet(out, "23:04:38  CIC 77 · A. Martin · 3 incidents ouverts, 1 À PRENDRE\n");
	out = sheet();
	status.link = CONSOLE_LINK_LOST, status.lost_ms = 12345, status.why = "connect: refused";
	console_screen_banner(out, &plain_look, &status, now);
	assert_sheet_has(out, "LIAISON PERDUE depuis 12 s : des alarmes peuvent manquer");
	out = sheet();
	console_screen_banner(out, &colour_look, &status, now);
	assert_sheet_has(out, "\033[1;97;41m23:04:38  LIAISON PERDUE");
	out = sheet();
	status.link = CONSOLE_LINK_STARTING, status.degraded_count = 1;
	strcpy(status.degraded[0], "base de données absente");
	console_screen_banner(out, &plain_look, &status, now);
	assert_sheet(out, "23:04:38  CIC 77 · A. Martin · lecture des incidents ouverts…\n"
			  "service dégradé : base de données absente\n");
}

/* Long text is folded at blanks under its own column, and never in the middle of a character. */
static void test_folding(void **state)
{
	const struct board_entry *e;
	struct board *d = board_with(full(NULL), &e);
	struct console_look narrow = { false, 40 };
	FILE *out = sheet();

	(void)state;
	console_screen_record(out, &narrow, d, e, now);
	assert_sheet_has(out, "  Personne     Dr Camille Exemple,\n"
			      "               médecine générale, 01 99\n"
			      "               00 12 34\n");
	board_free(d);
}

static void test_help(void **state)
{
	FILE *out = sheet();

	(void)state;
	console_screen_help(out, &plain_look);
	fclose(out);
	for (const struct console_help *h = console_command_help(); h->form != NULL; h++)
		assert_non_null(strstr(text, h->about));
}

static int set_zone(void **state)
{
	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1); /* needs no time zone files */
	tzset();
	return 0;
}

static int free_text(void **state)
{
	(void)state;
	free(text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_record_of_nothing),
		cmocka_unit_test(test_record_of_a_shared_number),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_banner),
		cmocka_unit_test(test_folding),
		cmocka_unit_test(test_help),
	};
	return cmocka_run_group_tests(tests, set_zone, free_text);
}
