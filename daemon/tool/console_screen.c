#include "tool/console_screen.h"

#include <stdarg.h>
#include <string.h>

#include "support/text.h"
#include "tool/console_command.h"
#include "tool/console_words.h"
#include "tool/plain.h"

#define LINE_SIZE     1024
#define LABEL_WIDTH   13
#define COLUMNS_LEAST 20
#define EVENT_INDENT  10 /* behind "23:04:38  " */

/* ANSI (ECMA-48 8.3.117); the words say the same without it. */
#define STYLE_NONE   ""
#define STYLE_ALARM  "\033[1;97;41m" /* bold white on red: waits, and people may be in danger */
#define STYLE_URGENT "\033[31m"
#define STYLE_WAITS  "\033[30;43m" /* black on yellow: waits */
#define STYLE_DIM    "\033[2m"
#define STYLE_BOLD   "\033[1m"
#define STYLE_END    "\033[0m"

/* The three doors to the terminal: put_line, put_field and put_event clean what they are given. */
static void put_styled(FILE *out, const struct console_look *look, const char *style,
		       const char *clean)
{
	bool has_style = look->has_colour && style[0] != '\0';

	fprintf(out, "%s%s%s", has_style ? style : "", clean, has_style ? STYLE_END : "");
}

/* At most one line of the terminal, with an ellipsis where it was cut. */
static void put_line(FILE *out, const struct console_look *look, const char *style,
		     const char *text)
{
	size_t columns = look->columns < COLUMNS_LEAST ? COLUMNS_LEAST : look->columns;
	char clean[2 * LINE_SIZE];

	plain_copy(clean, sizeof clean - strlen("…"), text, PLAIN_ONE_LINE);
	if (plain_width(clean) > columns)
		memcpy(clean + plain_fit(clean, columns - 1), "…", sizeof "…");
	put_styled(out, look, style, clean);
	fputc('\n', out);
}

/* The length of the next piece of `text` that fits in `columns`, cut at a blank where it can be. */
static size_t fold(const char *text, size_t columns)
{
	size_t fits = plain_fit(text, columns);

	if (text[fits] == '\0')
		return fits;
	for (size_t at = fits; at > fits / 2; at--)
		if (text[at] == ' ')
			return at;
	return fits > 0 ? fits : strlen(text);
}

/* A line that begins with its time, folded under what follows it. */
static void put_event(FILE *out, const struct console_look *look, const char *style,
		      const char *text)
{
	char clean[2 * LINE_SIZE], piece[2 * LINE_SIZE];
	size_t columns = look->columns < COLUMNS_LEAST ? COLUMNS_LEAST : look->columns;
	size_t indent = 0;

	text = plain_copy(clean, sizeof clean, text, PLAIN_ONE_LINE);
	do {
		size_t length = fold(text, columns - indent);
		memcpy(piece, text, length);
		piece[length] = '\0';
		fprintf(out, "%*s", (int)indent, "");
		put_styled(out, look, style, piece);
		fputc('\n', out);
		text += length;
		text += strspn(text, " ");
		indent = EVENT_INDENT;
	} while (text[0] != '\0');
}

/* "  Label      text", folded under itself. An empty label continues the one above. */
static void put_field(FILE *out, const struct console_look *look, const char *style,
		      const char *label, const char *text)
{
	size_t columns = look->columns < 2 * LABEL_WIDTH ? 2 * LABEL_WIDTH : look->columns;
	int pad = LABEL_WIDTH - (int)plain_width(label);
	char clean[LINE_SIZE], piece[LINE_SIZE];

	text = plain_copy(clean, sizeof clean, text, PLAIN_ONE_LINE);
	fprintf(out, "  %s%*s", label, pad, "");
	do {
		size_t length = fold(text, columns - LABEL_WIDTH - 2);
		memcpy(piece, text, length);
		piece[length] = '\0';
		put_styled(out, look, style, piece);
		fputc('\n', out);
		text += length;
		text += strspn(text, " ");
		if (text[0] != '\0')
			fprintf(out, "  %*s", LABEL_WIDTH, "");
	} while (text[0] != '\0');
}

static void put_field_f(FILE *out, const struct console_look *look, const char *style,
			const char *label, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

static void put_field_f(FILE *out, const struct console_look *look, const char *style,
			const char *label, const char *format, ...)
{
	char text[LINE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	put_field(out, look, style, label, text);
}

static const char *style_of(const struct board *board, const struct board_entry *e)
{
	if (board_rings(board, e))
		return STYLE_ALARM;
	if (board_waits(board, e) && e->shown->priority <= 3)
		return STYLE_WAITS;
	if (e->shown->priority <= 1)
		return STYLE_URGENT;
	return e->shown->priority >= 4 ? STYLE_DIM : STYLE_NONE;
}

/* What must never be cut off at the right of a row. */
static void add_marks(char *line, size_t size, const struct board *board,
		      const struct board_entry *e, struct wall now)
{
	const Tocsin__V1__Incident *i = e->shown;
	char age[32];

	if (i->exercise)
		text_add(line, size, "EXERCICE · ");
	if (e->is_lost)
		text_add(line, size, "JAMAIS ENREGISTRÉ, perdu au redémarrage du service · ");
	else if (!e->is_recorded)
		text_add(line, size, "pas encore enregistré · ");
	if (strcmp(board_role(board, i), "offered") == 0)
		text_add(line, size, "transfert proposé · ");
	else if (strcmp(board_role(board, i), "informed") == 0)
		text_add(line, size, "pour information · ");
	if (i->level > 0 && i->state == TOCSIN__V1__STATE__STATE_OPEN)
		text_add(line, size, "sans réponse, niveau %u · ", i->level);
	if (i->renewed_at != 0)
		text_add(line, size, "a sonné de nouveau il y a %s · ",
			 console_words_age(i->renewed_at, now, age, sizeof age));
	if (i->cancels > 0)
		text_add(line, size, "annulation demandée · ");
}

/* "agression · Dr Exemple · 12 rue Fictive, Melun (adresse enregistrée (hypothèse))" */
static void add_gist(char *line, size_t size, const Tocsin__V1__Incident *i, struct wall now)
{
	char words[CONSOLE_WORDS_SIZE];

	text_add(line, size, "%s · ", console_words_kind(i->kind));
	text_add(line, size, "%s · ", console_words_people(i, words, sizeof words));
	console_words_place(i->place, words, sizeof words);
	if (words[0] != '\0')
		text_add(line, size, "%s — ", words);
	text_add(line, size, "%s", console_words_origin(i->place, now, words, sizeof words));
}

void console_screen_row(FILE *out, const struct console_look *look, const struct board *board,
			const struct board_entry *e, struct wall now)
{
	char line[LINE_SIZE] = "", age[32], state[CONSOLE_WORDS_SIZE];

	text_add(line, sizeof line, "%3u  P%u %7s  ", e->number, e->shown->priority,
		 console_words_age(e->shown->raised_at, now, age, sizeof age));
	text_add(line, sizeof line, "%s · ", console_words_state(e->shown, state, sizeof state));
	add_marks(line, sizeof line, board, e, now);
	add_gist(line, sizeof line, e->shown, now);
	put_line(out, look, style_of(board, e), line);
}

static void put_people(FILE *out, const struct console_look *look, const Tocsin__V1__Incident *i)
{
	char number[CONSOLE_WORDS_SIZE];

	if (i->n_practitioners == 0)
		put_field(out, look, STYLE_NONE, "Personne", "inconnue");
	if (i->n_practitioners > 1)
		put_field(out, look, STYLE_BOLD, "Personne",
			  "numéro commun à plusieurs personnes : aucune n'est choisie");
	for (size_t n = 0; n < i->n_practitioners; n++) {
		const Tocsin__V1__Person *person = i->practitioners[n];
		console_words_number(person->number, number, sizeof number);
		put_field_f(out, look, STYLE_BOLD, i->n_practitioners == 1 ? "Personne" : "",
			    "%s%s%s%s%s%s", person->name, person->specialty[0] != '\0' ? ", " : "",
			    person->specialty, number[0] != '\0' ? ", " : "", number,
			    person->id[0] == '\0' ? " (non inscrite, telle qu'annoncée)" : "");
		if (person->exposed[0] != '\0')
			put_field_f(out, look, STYLE_BOLD, "", "personne exposée : %s",
				    person->exposed);
	}
}

static void put_place(FILE *out, const struct console_look *look, const Tocsin__V1__Incident *i,
		      struct wall now)
{
	char words[CONSOLE_WORDS_SIZE];
	const Tocsin__V1__Place *place = i->place;

	const char *label = "Lieu";
	console_words_place(place, words, sizeof words);
	if (words[0] != '\0') {
		put_field(out, look, STYLE_BOLD, label, words);
		label = "";
	}
	console_words_origin(place, now, words, sizeof words);
	put_field(out, look, STYLE_NONE, label, words);
	if (place == NULL)
		return;
	if (place->has_point)
		put_field_f(out, look, STYLE_NONE, "", "%.5f, %.5f", place->lat, place->lon);
	for (size_t n = 0; n < place->n_candidates; n++)
		put_field_f(out, look, STYLE_NONE, "", "peut-être aussi : %s",
			    place->candidates[n]);
}

static void put_centres(FILE *out, const struct console_look *look, const Tocsin__V1__Incident *i)
{
	char line[LINE_SIZE] = "";

	for (size_t n = 0; n < i->n_centres; n++)
		text_add(line, sizeof line, "%s%s %s", n > 0 ? " ; " : "", i->centres[n]->id,
			 console_words_role(i->centres[n]->role));
	if (i->offered_by[0] != '\0')
		text_add(line, sizeof line, " ; proposé par %s", i->offered_by);
	put_field(out, look, STYLE_NONE, "Centres", line[0] != '\0' ? line : "aucun");
}

/* Doubts first: they are what a person has to weigh. */
static void put_reasons(FILE *out, const struct console_look *look, const Tocsin__V1__Incident *i)
{
	for (int doubts = 1; doubts >= 0; doubts--) {
		const char *label = doubts ? "Doutes" : "Pourquoi";
		for (size_t n = 0; n < i->n_reasons; n++) {
			bool is_doubt;
			const char *phrase = console_words_reason(i->reasons[n], &is_doubt);
			if (is_doubt != (doubts == 1))
				continue;
			put_field(out, look, doubts ? STYLE_BOLD : STYLE_NONE, label, phrase);
			label = "";
		}
	}
}

static void put_alerts(FILE *out, const struct console_look *look, const Tocsin__V1__Incident *i,
		       struct wall now)
{
	char at[48], occurred[48];

	put_field_f(out, look, STYLE_NONE, "Alertes", "%u reçue%s%s", i->alerts_total,
		    i->alerts_total > 1 ? "s" : "",
		    i->alerts_total > i->n_alerts ? ", les premières et les dernières :" : "");
	for (size_t n = 0; n < i->n_alerts; n++) {
		const Tocsin__V1__AlertSummary *a = i->alerts[n];
		console_words_time(a->occurred_at, now, occurred, sizeof occurred);
		put_field_f(out, look, STYLE_NONE, "", "%2zu  %s  %s%s%s%s  source %s", n + 1,
			    console_words_time(a->received_at, now, at, sizeof at),
			    console_words_kind(a->kind),
			    a->occurred_at != 0 && strcmp(at, occurred) != 0 ? ", survenue à " : "",
			    a->occurred_at != 0 && strcmp(at, occurred) != 0 ? occurred : "",
			    a->occurred_at == 0 ? ", heure non donnée" : "", a->source);
	}
}

static void put_head(FILE *out, const struct console_look *look, const struct board *board,
		     const struct board_entry *e, struct wall now)
{
	const Tocsin__V1__Incident *i = e->shown;
	char line[LINE_SIZE] = "", words[CONSOLE_WORDS_SIZE], at[48], age[32];

	text_add(line, sizeof line, "n° %u — PRIORITÉ %u — %s — %s", e->number, i->priority,
		 console_words_kind(i->kind), console_words_state(i, words, sizeof words));
	put_line(out, look, style_of(board, e), line);
	if (i->exercise)
		put_field(out, look, STYLE_BOLD, "Exercice", "ceci n'est pas réel");
	if (e->is_lost)
		put_field(out, look, STYLE_BOLD, "Perdu",
			  "montré, jamais enregistré, et absent depuis que le service a "
			  "redémarré : rappeler la personne, puis clear");
	else if (!e->is_recorded)
		put_field(out, look, STYLE_BOLD, "Attention", "pas encore enregistré");
	put_field_f(out, look, STYLE_NONE, "Depuis", "%s (%s)",
		    console_words_time(i->raised_at, now, at, sizeof at),
		    console_words_age(i->raised_at, now, age, sizeof age));
	if (i->renewed_at != 0)
		put_field_f(out, look, STYLE_BOLD, "", "a sonné de nouveau à %s (%s)",
			    console_words_time(i->renewed_at, now, at, sizeof at),
			    console_words_age(i->renewed_at, now, age, sizeof age));
	if (i->level > 0)
		put_field(out, look, STYLE_BOLD, "", console_words_level(i->level));
}

/* Several lines, as they were typed. */
static void put_note(FILE *out, const struct console_look *look, const char *note)
{
	char text[LINE_SIZE] = "", *rest = text, *piece;
	const char *label = "Note";

	text_copy(text, sizeof text, note);
	while ((piece = strsep(&rest, "\n")) != NULL) {
		put_field(out, look, STYLE_NONE, label, piece);
		label = "";
	}
}

static void put_related(FILE *out, const struct console_look *look, const struct board *board,
			const Tocsin__V1__Incident *i)
{
	char line[LINE_SIZE] = "";

	for (size_t n = 0; n < i->n_related; n++) {
		const struct board_entry *other = board_by_id(board, i->related[n]);
		text_add(line, sizeof line, "%s", n > 0 ? " ; " : "");
		if (other != NULL)
			text_add(line, sizeof line, "n° %u", other->number);
		else
			text_add(line, sizeof line, "%s", i->related[n]);
	}
	if (line[0] != '\0')
		put_field(out, look, STYLE_NONE, "Liés", line);
}

void console_screen_record(FILE *out, const struct console_look *look, const struct board *board,
			   const struct board_entry *e, struct wall now)
{
	const Tocsin__V1__Incident *i = e->shown;
	char number[CONSOLE_WORDS_SIZE];

	put_head(out, look, board, e, now);
	put_people(out, look, i);
	put_place(out, look, i, now);
	if (i->adviser != NULL && i->adviser->name[0] != '\0') {
		console_words_number(i->adviser->number, number, sizeof number);
		put_field_f(out, look, STYLE_NONE, "Référent", "%s%s%s", i->adviser->name,
			    number[0] != '\0' ? ", " : "", number);
	}
	if (console_words_contact(i->contact)[0] != '\0')
		put_field(out, look, STYLE_BOLD, "Appel", console_words_contact(i->contact));
	if (i->cancels > 0)
		put_field_f(out, look, STYLE_NONE, "Annulation",
			    "demandée %u fois : rien n'est arrêté pour autant", i->cancels);
	put_reasons(out, look, i);
	put_centres(out, look, i);
	put_alerts(out, look, i, now);
	put_related(out, look, board, i);
	if (i->note[0] != '\0')
		put_note(out, look, i->note);
	put_field_f(out, look, STYLE_DIM, "Dossier", "%s, révision %u", i->incident, i->revision);
}

/* Who, what and where are said again with these. */
#define GIST_BITS (BOARD_SOUNDS | BOARD_PEOPLE)

/* What changed, one word or phrase for each bit. */
static void add_changes(char *line, size_t size, const struct board *board,
			const struct board_entry *e, unsigned change, struct wall now)
{
	const Tocsin__V1__Incident *i = e->shown;
	char words[CONSOLE_WORDS_SIZE];
	bool is_doubt;

	if (change & BOARD_NEW)
		text_add(line, size,
			 strcmp(board_role(board, i), "informed") == 0
				 ? "nouveau, pour information · "
				 : "NOUVEAU · ");
	if (change & BOARD_RENEWED)
		text_add(line, size, "SONNE DE NOUVEAU · ");
	if (change & BOARD_LEVEL)
		text_add(line, size, "%s · ", console_words_level(i->level));
	if (change & BOARD_PRIORITY)
		text_add(line, size, "priorité relevée à %u · ", i->priority);
	if (change & BOARD_ROLE)
		text_add(line, size, "ce centre : %s · ", console_words_role(board_role(board, i)));
	if (change & (BOARD_STATE | BOARD_CLOSED))
		text_add(line, size, "%s · ", console_words_state(i, words, sizeof words));
	if (change & BOARD_CONTACT)
		text_add(line, size, "%s · ", console_words_contact(i->contact));
	if (change & BOARD_CANCEL)
		text_add(line, size, "annulation demandée (rien n'est arrêté) · ");
	if (change & BOARD_NOTE)
		text_add(line, size, "note : %s · ", i->note);
	if ((change & BOARD_PLACE) && !(change & GIST_BITS)) {
		console_words_place(i->place, words, sizeof words);
		text_add(line, size, "lieu : %s%s", words, words[0] != '\0' ? " — " : "");
		text_add(line, size, "%s · ",
			 console_words_origin(i->place, now, words, sizeof words));
	}
	if (change & BOARD_CENTRES)
		text_add(line, size, "centres concernés changés · ");
	if (change & BOARD_RELATED)
		text_add(line, size, "incident lié · ");
	if ((change & BOARD_REASONS) &&
	    (change & ~(BOARD_REASONS | BOARD_ALERTS | BOARD_OTHER)) == 0 && i->n_reasons > 0)
		text_add(line, size, "%s · ",
			 console_words_reason(i->reasons[i->n_reasons - 1], &is_doubt));
}

static void drop_separator(char *line)
{
	size_t length = strlen(line), separator = strlen(" · ");

	if (length >= separator && strcmp(line + length - separator, " · ") == 0)
		line[length - separator] = '\0';
}

void console_screen_event(FILE *out, const struct console_look *look, const struct board *board,
			  const struct board_entry *e, unsigned change, struct wall now)
{
	char line[2 * LINE_SIZE] = "", at[48];

	if ((change & ~(BOARD_ALERTS | BOARD_OTHER)) == 0)
		return; /* the row's own count says it */
	text_add(line, sizeof line, "%s  n° %u  P%u  ",
		 console_words_time(now.us, now, at, sizeof at), e->number, e->shown->priority);
	if (e->shown->exercise)
		text_add(line, sizeof line, "EXERCICE · ");
	add_changes(line, sizeof line, board, e, change, now);
	if (!e->is_recorded && (change & BOARD_SOUNDS))
		text_add(line, sizeof line, "pas encore enregistré · ");
	if (change & GIST_BITS)
		add_gist(line, sizeof line, e->shown, now);
	else
		drop_separator(line);
	put_event(out, look, change & BOARD_SOUNDS ? style_of(board, e) : STYLE_NONE, line);
}

static void add_waiting(char *line, size_t size, const struct console_status *s)
{
	text_add(line, size, "%zu incident%s ouvert%s", s->open, s->open > 1 ? "s" : "",
		 s->open > 1 ? "s" : "");
	if (s->waiting > 0)
		text_add(line, size, ", %zu À PRENDRE", s->waiting);
}

void console_screen_banner(FILE *out, const struct console_look *look,
			   const struct console_status *s, struct wall now)
{
	char line[LINE_SIZE] = "", at[48];

	console_words_time(now.us, now, at, sizeof at);
	if (s->link == CONSOLE_LINK_LOST) {
		text_add(line, sizeof line,
			 "%s  LIAISON PERDUE depuis %lld s : des alarmes peuvent manquer · ", at,
			 (long long)(s->lost_ms / 1000));
		add_waiting(line, sizeof line, s);
		text_add(line, sizeof line, " · nouvel essai : %s", s->why);
	} else {
		text_add(line, sizeof line, "%s  %s · %s · ", at, s->centre_name, s->operator_name);
		if (s->link == CONSOLE_LINK_STARTING)
			text_add(line, sizeof line, "lecture des incidents ouverts…");
		else
			add_waiting(line, sizeof line, s);
	}
	put_line(out, look, s->link == CONSOLE_LINK_LOST ? STYLE_ALARM : STYLE_BOLD, line);
	for (unsigned i = 0; i < s->degraded_count; i++) {
		snprintf(line, sizeof line, "service dégradé : %s", s->degraded[i]);
		put_line(out, look, STYLE_WAITS, line);
	}
}

void console_screen_say(FILE *out, const struct console_look *look, bool is_loud, const char *text,
			struct wall now)
{
	char line[LINE_SIZE] = "", at[48];

	text_add(line, sizeof line, "%s  %s", console_words_time(now.us, now, at, sizeof at), text);
	put_event(out, look, is_loud ? STYLE_ALARM : STYLE_NONE, line);
}

void console_screen_help(FILE *out, const struct console_look *look)
{
	char line[LINE_SIZE];

	for (const struct console_help *h = console_command_help(); h->form != NULL; h++) {
		snprintf(line, sizeof line, "  %-18s %s", h->form, h->about);
		put_line(out, look, STYLE_NONE, line);
	}
}
