#include "tool/console_session.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "support/text.h"
#include "tool/console_command.h"
#include "tool/console_words.h"

#define SENTENCE_SIZE       512
#define CLOCK_SHIFT_TOLD_US (2 * CLOCK_S_US)

struct act_sent {
	bool is_used, was_late;
	bool is_look; /* its record is on the screen already */
	char ref[32];
	char words[32]; /* "take 3" */
	struct mono sent_at;
};

struct console_session {
	struct console_front front;
	const struct console_look *look;
	struct board *board;
	char centre[64], centre_name[64], operator[128];
	struct console_status status;
	bool is_live;      /* the snapshot's end was here */
	bool has_snapshot; /* one at least, ever */
	bool is_resumed;   /* the one that is being received leaves out what did not change */
	char resume_after[POSITION_TEXT_SIZE];
	int64_t clock_shift_us; /* the server's clock less ours */
	struct mono lost_since, lost_said_at, rang_at;
	bool quit_asked;
	struct act_sent acts[CONSOLE_ACTS_MAX];
	unsigned looks_count;
	char looks[CONSOLE_LOOKS_MAX][40]; /* incidents looked at without a link */
};

struct console_session *console_session_new(const struct console_front *front,
					    const struct console_look *look, const char *centre,
					    const char *operator)
{
	struct console_session *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->front = *front;
	s->look = look;
	text_copy(s->centre, sizeof s->centre, centre);
	text_copy(s->centre_name, sizeof s->centre_name, centre);
	text_copy(s->operator, sizeof s->operator, operator);
	s->status.centre_name = s->centre_name;
	s->status.operator_name = s->operator;
	s->status.why = "";
	s->board = board_new(centre);
	if (s->board != NULL)
		return s;
	free(s);
	return NULL;
}

void console_session_free(struct console_session *s)
{
	if (s == NULL)
		return;
	board_free(s->board);
	free(s);
}

static void say(struct console_session *s, bool is_loud, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct console_session *s, bool is_loud, const char *format, ...)
{
	char sentence[SENTENCE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	s->front.say(s->front.owner, is_loud, sentence);
}

static void ring(struct console_session *s, struct console_now now)
{
	s->rang_at = now.mono;
	s->front.ring(s->front.owner);
}

/* What console_screen_* write goes to the front in one piece. */
static FILE *paper_open(char **text, size_t *size)
{
	*text = NULL;
	return open_memstream(text, size);
}

static void paper_show(struct console_session *s, FILE *paper, char **text)
{
	if (paper != NULL && fclose(paper) == 0 && *text != NULL && (*text)[0] != '\0')
		s->front.show(s->front.owner, *text);
	free(*text);
}

static void show_list(struct console_session *s, struct console_now now)
{
	char *text;
	size_t size, count;
	FILE *paper = paper_open(&text, &size);
	const struct board_entry *const *list = board_list(s->board, &count);

	for (size_t i = 0; i < count && paper != NULL; i++)
		console_screen_row(paper, s->look, s->board, list[i], console_session_wall(s, now));
	if (count == 0)
		say(s, false, "aucun incident ouvert");
	paper_show(s, paper, &text);
}

static void show_record(struct console_session *s, const struct board_entry *e,
			struct console_now now)
{
	char *text;
	size_t size;
	FILE *paper = paper_open(&text, &size);

	if (paper != NULL)
		console_screen_record(paper, s->look, s->board, e, console_session_wall(s, now));
	paper_show(s, paper, &text);
}

static void show_event(struct console_session *s, const struct board_entry *e, unsigned change,
		       struct console_now now)
{
	char *text;
	size_t size;
	FILE *paper = paper_open(&text, &size);

	if (paper != NULL)
		console_screen_event(paper, s->look, s->board, e, change,
				     console_session_wall(s, now));
	paper_show(s, paper, &text);
}

static void show_help(struct console_session *s)
{
	char *text;
	size_t size;
	FILE *paper = paper_open(&text, &size);

	if (paper != NULL)
		console_screen_help(paper, s->look);
	paper_show(s, paper, &text);
}

/* The server's clock, because every time that is shown is the server's. */
static void learn_clock(struct console_session *s, int64_t server_us, struct console_now now)
{
	if (server_us == 0)
		return;
	int64_t before_us = s->clock_shift_us;
	s->clock_shift_us = server_us - now.wall.us;
	bool is_far = llabs(s->clock_shift_us) > CLOCK_SHIFT_TOLD_US;
	if (is_far && llabs(before_us) <= CLOCK_SHIFT_TOLD_US)
		say(s, false,
		    "l'horloge de ce poste s'écarte de %" PRId64
		    " s de celle du service : les heures montrées sont celles du service",
		    (int64_t)(llabs(s->clock_shift_us) / CLOCK_S_US));
}

/* What was sent and not answered when the link went: nobody knows. */
static void give_up_acts(struct console_session *s)
{
	for (unsigned i = 0; i < CONSOLE_ACTS_MAX; i++) {
		if (s->acts[i].is_used && !s->acts[i].is_look)
			say(s, true,
			    "%s : la liaison est tombée avant la réponse ; vérifier la fiche",
			    s->acts[i].words);
		s->acts[i].is_used = false;
	}
}

bool console_session_opened(struct console_session *s, const Tocsin__V1__ConsoleWelcome *w,
			    struct console_now now)
{
	if (strcmp(w->centre, s->centre) != 0) {
		say(s, true, "ce certificat est celui du centre %s, pas de %s", w->centre,
		    s->centre);
		return false;
	}
	text_copy(s->centre_name, sizeof s->centre_name,
		  w->centre_name[0] != '\0' ? w->centre_name : w->centre);
	learn_clock(s, w->server_time, now);
	s->status.link = CONSOLE_LINK_STARTING;
	s->is_live = false;
	s->is_resumed = w->resumed;
	return true;
}

void console_session_lost(struct console_session *s, const char *why, struct console_now now)
{
	bool was_lost = s->status.link == CONSOLE_LINK_LOST;

	s->status.link = CONSOLE_LINK_LOST;
	s->is_live = false;
	s->status.why = why;
	give_up_acts(s);
	if (!mono_is_set(s->lost_since))
		s->lost_since = now.mono;
	if (was_lost)
		return;
	say(s, true, "LIAISON PERDUE : des alarmes peuvent manquer (%s)", why);
	s->lost_said_at = now.mono;
	ring(s, now);
}

static bool send_look(struct console_session *s, const char *incident)
{
	Tocsin__V1__ConsoleMessage message = TOCSIN__V1__CONSOLE_MESSAGE__INIT;
	Tocsin__V1__Act act = TOCSIN__V1__ACT__INIT;

	act.verb = TOCSIN__V1__VERB__VERB_LOOK;
	act.incident = (char *)incident;
	message.body_case = TOCSIN__V1__CONSOLE_MESSAGE__BODY_ACT;
	message.act = &act;
	return s->front.send(s->front.owner, &message);
}

/* Looks leave a trace: those that happened without a link are told now. */
static void send_looks(struct console_session *s)
{
	while (s->looks_count > 0 && send_look(s, s->looks[s->looks_count - 1]))
		s->looks_count--;
}

static void on_end(struct console_session *s, const Tocsin__V1__End *end, struct console_now now)
{
	bool is_first = !s->has_snapshot;
	size_t lost = board_end(s->board, s->is_resumed, end->position);

	text_copy(s->resume_after, sizeof s->resume_after, end->position);
	board_recorded(s->board, end->position);
	s->status.link = CONSOLE_LINK_UP;
	s->is_live = s->has_snapshot = true;
	if (lost > 0) {
		const char *plural = lost > 1 ? "s" : "";
		say(s, true,
		    "%zu incident%s montré%s ici, jamais enregistré%s, perdu%s au redémarrage du "
		    "service : rappeler, puis clear",
		    lost, plural, plural, plural, plural);
		ring(s, now);
	}
	if (mono_is_set(s->lost_since))
		say(s, false, "liaison rétablie après %" PRId64 " s",
		    mono_ms_between(s->lost_since, now.mono) / 1000);
	s->lost_since = (struct mono){ 0 };
	send_looks(s);
	if (is_first && !s->front.is_person)
		show_list(s, now); /* a person has it in sight */
}

static void on_incident(struct console_session *s, Tocsin__V1__Incident *incident,
			struct console_now now)
{
	const struct board_entry *e;
	unsigned change = board_put(s->board, incident, &e);

	if (change & BOARD_REFUSED) {
		say(s, true, "un incident n'a pas pu être montré : prévenir l'exploitation");
		return;
	}
	if (change == BOARD_NOTHING || !s->has_snapshot)
		return; /* the first list comes at its end */
	show_event(s, e, change, now);
	bool is_ours = strcmp(board_role(s->board, e->shown), "informed") != 0;
	if ((change & BOARD_SOUNDS) &&
	    (e->shown->priority <= 1 || (is_ours && e->shown->priority <= 2)))
		ring(s, now);
}

static struct act_sent *find_act(struct console_session *s, const char *ref)
{
	for (unsigned i = 0; i < CONSOLE_ACTS_MAX; i++)
		if (s->acts[i].is_used && strcmp(s->acts[i].ref, ref) == 0)
			return &s->acts[i];
	return NULL;
}

static void on_answer(struct console_session *s, const Tocsin__V1__Answer *answer)
{
	struct act_sent *act = find_act(s, answer->ref);

	if (act == NULL)
		return; /* a look that was told late */
	act->is_used = false;
	if (!answer->done)
		say(s, true, "%s : refusé, %s", act->words, console_words_refusal(answer->reason));
	else if (!act->is_look)
		say(s, false, "%s : fait", act->words);
}

static void on_heartbeat(struct console_session *s, const Tocsin__V1__DeskHeartbeat *h,
			 struct console_now now)
{
	struct console_status *status = &s->status;

	learn_clock(s, h->server_time, now);
	board_recorded(s->board, h->position);
	status->degraded_count = 0;
	for (size_t i = 0; i < h->n_degraded && status->degraded_count < CONSOLE_DEGRADED_MAX; i++)
		text_copy(status->degraded[status->degraded_count++], CONSOLE_DEGRADED_SIZE,
			  h->degraded[i]);
}

void console_session_message(struct console_session *s, Tocsin__V1__DeskMessage *m,
			     struct console_now now)
{
	switch (m->body_case) {
	case TOCSIN__V1__DESK_MESSAGE__BODY_BEGIN: board_begin(s->board); break;
	case TOCSIN__V1__DESK_MESSAGE__BODY_INCIDENT:
		m->body_case = TOCSIN__V1__DESK_MESSAGE__BODY__NOT_SET; /* the board owns it now */
		on_incident(s, m->incident, now);
		break;
	case TOCSIN__V1__DESK_MESSAGE__BODY_END: on_end(s, m->end, now); break;
	case TOCSIN__V1__DESK_MESSAGE__BODY_RECORDED:
		board_recorded(s->board, m->recorded->position);
		break;
	case TOCSIN__V1__DESK_MESSAGE__BODY_ANSWER: on_answer(s, m->answer); break;
	case TOCSIN__V1__DESK_MESSAGE__BODY_HEARTBEAT: on_heartbeat(s, m->heartbeat, now); break;
	default: break; /* of a later version, or the link's own */
	}
	tocsin__v1__desk_message__free_unpacked(m, NULL);
}

/* split: the alert's place in the record's list, or its identifier as it is. */
static const char *alert_meant(const struct board_entry *e, const char *word)
{
	int64_t place;

	if (!text_to_int(word, 1, 1000, &place))
		return word;
	return (size_t)place <= e->shown->n_alerts ? e->shown->alerts[place - 1]->alert : NULL;
}

static struct act_sent *free_act(struct console_session *s)
{
	for (unsigned i = 0; i < CONSOLE_ACTS_MAX; i++)
		if (!s->acts[i].is_used)
			return &s->acts[i];
	return NULL;
}

static void fill_act(Tocsin__V1__Act *act, const struct console_command *c,
		     const struct board_entry *e, const char *ref)
{
	act->ref = (char *)ref;
	act->verb = c->verb;
	act->incident = e->shown->incident;
	act->revision = e->shown->revision;
	act->centre = (char *)c->centre;
	if (c->verb == TOCSIN__V1__VERB__VERB_NOTE)
		act->note = (char *)c->text;
	if (c->verb == TOCSIN__V1__VERB__VERB_CLOSE)
		act->disposition = (char *)c->text;
}

static void send_act(struct console_session *s, const struct console_command *c,
		     const struct board_entry *e, const char *ref, const char *line,
		     struct console_now now)
{
	Tocsin__V1__ConsoleMessage message = TOCSIN__V1__CONSOLE_MESSAGE__INIT;
	Tocsin__V1__Act act = TOCSIN__V1__ACT__INIT;
	struct act_sent *sent = free_act(s);

	fill_act(&act, c, e, ref);
	if (c->alert[0] != '\0')
		act.alert = (char *)alert_meant(e, c->alert);
	message.body_case = TOCSIN__V1__CONSOLE_MESSAGE__BODY_ACT;
	message.act = &act;
	if (act.alert == NULL) {
		say(s, false, "n° %u : il n'y a pas d'alerte %s", e->number, c->alert);
		return;
	}
	if (sent == NULL || s->status.link == CONSOLE_LINK_LOST ||
	    !s->front.send(s->front.owner, &message)) {
		say(s, true,
		    sent == NULL ? "%s %u : trop de commandes sans réponse, pas envoyé"
				 : "%s %u : pas de liaison, PAS ENVOYÉ",
		    c->word, e->number);
		s->front.put_back(s->front.owner, line);
		return;
	}
	*sent = (struct act_sent){ .is_used = true, .sent_at = now.mono };
	sent->is_look = c->verb == TOCSIN__V1__VERB__VERB_LOOK;
	TEXT_COPY(sent->ref, ref);
	text_add(sent->words, sizeof sent->words, "%s %u", c->word, e->number);
}

/* The record is shown at once, link or not; the trace follows when it can. */
static void look_at(struct console_session *s, const struct console_command *c,
		    const struct board_entry *e, const char *ref, const char *line,
		    struct console_now now)
{
	show_record(s, e, now);
	if (s->status.link != CONSOLE_LINK_LOST) {
		send_act(s, c, e, ref, line, now);
		return;
	}
	say(s, true, "sans liaison : la fiche n° %u peut être dépassée", e->number);
	if (s->looks_count < CONSOLE_LOOKS_MAX)
		TEXT_COPY(s->looks[s->looks_count++], e->shown->incident);
}

/* True: not yet. */
static bool stay(struct console_session *s, struct console_now now)
{
	console_session_status(s, now);
	if (s->quit_asked || !s->front.is_person || s->status.waiting == 0)
		return false;
	s->quit_asked = true;
	say(s, true, "%zu incident%s à prendre ; quit encore une fois pour quitter quand même",
	    s->status.waiting, s->status.waiting > 1 ? "s" : "");
	return true;
}

static void command_on_incident(struct console_session *s, const struct console_command *c,
				const char *ref, const char *line, struct console_now now)
{
	const struct board_entry *e = c->number != 0 ? board_by_number(s->board, c->number)
						     : board_by_id(s->board, c->incident);

	if (e == NULL) {
		say(s, false, c->number != 0 ? "n° %u : inconnu" : "incident inconnu", c->number);
		return;
	}
	if (c->order == CONSOLE_CLEAR)
		say(s, false,
		    board_clear(s->board, e->number) ? "n° %u : retiré de la liste"
						     : "n° %u : n'est pas perdu ; close le clôt",
		    e->number);
	else if (c->verb == TOCSIN__V1__VERB__VERB_LOOK)
		look_at(s, c, e, ref, line, now);
	else
		send_act(s, c, e, ref, line, now);
}

bool console_session_command(struct console_session *s, const char *line, const char *ref,
			     struct console_now now)
{
	struct console_command c;
	char why[CONSOLE_COMMAND_WHY_SIZE];

	if (!console_command_parse(&c, line, why)) {
		say(s, false, "%s", why);
		return true;
	}
	if (c.order == CONSOLE_QUIT)
		return stay(s, now);
	s->quit_asked = false;
	switch (c.order) {
	case CONSOLE_ACT:
	case CONSOLE_CLEAR: command_on_incident(s, &c, ref, line, now); break;
	case CONSOLE_LIST: show_list(s, now); break;
	case CONSOLE_HELP: show_help(s); break;
	case CONSOLE_NOTHING:
	case CONSOLE_QUIT: break;
	}
	return true;
}

static struct mono earlier(struct mono a, struct mono b)
{
	if (!mono_is_set(a))
		return b;
	return mono_is_set(b) && b.ns < a.ns ? b : a;
}

/* How soon the bell rings again for what waits; 0: nothing does. */
static int64_t ring_ms(struct console_session *s)
{
	size_t count;
	const struct board_entry *const *list = board_list(s->board, &count);
	int64_t ms = 0;

	for (size_t i = 0; i < count; i++) {
		if (!board_rings(s->board, list[i]))
			continue;
		if (list[i]->shown->level > 0)
			return CONSOLE_RING_LOUD_MS;
		ms = CONSOLE_RING_MS;
	}
	return ms;
}

static struct mono tick_lost(struct console_session *s, struct console_now now)
{
	struct mono due = mono_add_ms(s->lost_said_at, CONSOLE_LOST_MS);

	if (s->status.link != CONSOLE_LINK_LOST)
		return (struct mono){ 0 };
	if (!mono_is_due(due, now.mono))
		return due;
	say(s, true, "LIAISON PERDUE depuis %" PRId64 " s : des alarmes peuvent manquer (%s)",
	    mono_ms_between(s->lost_since, now.mono) / 1000, s->status.why);
	s->lost_said_at = now.mono;
	ring(s, now);
	return mono_add_ms(now.mono, CONSOLE_LOST_MS);
}

static struct mono tick_acts(struct console_session *s, struct console_now now)
{
	struct mono next = { 0 };

	for (unsigned i = 0; i < CONSOLE_ACTS_MAX; i++) {
		struct act_sent *act = &s->acts[i];
		struct mono due = mono_add_ms(act->sent_at, CONSOLE_ANSWER_MS);
		if (!act->is_used || act->was_late)
			continue;
		if (!mono_is_due(due, now.mono)) {
			next = earlier(next, due);
			continue;
		}
		act->was_late = true;
		say(s, true, "%s : pas de réponse depuis %d s", act->words,
		    CONSOLE_ANSWER_MS / 1000);
	}
	return next;
}

struct mono console_session_tick(struct console_session *s, struct console_now now)
{
	struct mono next = earlier(tick_lost(s, now), tick_acts(s, now));
	int64_t wait_ms = ring_ms(s);

	if (wait_ms == 0)
		return next;
	struct mono due = mono_add_ms(s->rang_at, wait_ms);
	if (!mono_is_set(s->rang_at) || mono_is_due(due, now.mono)) {
		ring(s, now);
		due = mono_add_ms(now.mono, wait_ms);
	}
	return earlier(next, due);
}

const struct console_status *console_session_status(struct console_session *s,
						    struct console_now now)
{
	size_t count;
	const struct board_entry *const *list = board_list(s->board, &count);

	s->status.open = count;
	s->status.waiting = 0;
	for (size_t i = 0; i < count; i++)
		s->status.waiting += board_waits(s->board, list[i]);
	s->status.lost_ms =
		mono_is_set(s->lost_since) ? mono_ms_between(s->lost_since, now.mono) : 0;
	return &s->status;
}

struct board *console_session_board(struct console_session *s)
{
	return s->board;
}

struct wall console_session_wall(const struct console_session *s, struct console_now now)
{
	return (struct wall){ now.wall.us + s->clock_shift_us };
}

bool console_session_is_live(const struct console_session *s)
{
	return s->is_live;
}

const char *console_session_resume_after(const struct console_session *s)
{
	return s->resume_after;
}
