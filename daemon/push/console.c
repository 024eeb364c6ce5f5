#include "push/console.h"

#include <stdlib.h>
#include <string.h>

#include "proto/console.pb-c.h"
#include "push/console_decode.h"
#include "push/pending.h"
#include "support/bug.h"
#include "support/log.h"
#include "support/table.h"
#include "support/text.h"
#include "wire/timer.h"

#define CONSOLE_ACTS_MAX      32         /* in flight, for each console */
#define CONSOLE_SMALL_MESSAGE 2048       /* all but a revision, packed */
#define CONSOLE_QUEUE_LOW     (64 << 10) /* more than this unread: revisions collapse */
#define CONSOLE_DEGRADED_MAX  8

struct console {
	uint64_t serial;
	struct consoles *all;
	struct link *link;
	struct centre_id centre;
	struct department_code department;
	struct source_id source;
	char name[64];
	char operator[INCIDENT_OPERATOR_SIZE];
	bool is_signed_in;
	bool end_is_due;            /* the snapshot's end mark comes when `pending` is empty */
	struct pending *pending;    /* newest views that it has not been sent */
	struct position unrecorded; /* the newest sent to it before it was durable */
	struct act_flight {
		bool is_used;
		char ref[CONSOLE_REF_SIZE];
	} acts[CONSOLE_ACTS_MAX];
};

struct consoles {
	struct timer heartbeat; /* first: its callback finds us */
	struct timers *timers;
	struct console_ports ports;
	struct console_settings settings;
	struct link_group group;
	struct desk *desk;
	uint64_t last_serial;
	struct table *by_serial;
	size_t signed_in;
	struct position unrecorded; /* the newest shown to anybody before it was durable */
};

static bool send_message(struct console *c, const Tocsin__V1__DeskMessage *m)
{
	uint8_t bytes[CONSOLE_SMALL_MESSAGE];
	size_t length = tocsin__v1__desk_message__get_packed_size(m);
	if (BUG(length > sizeof bytes))
		return false;
	tocsin__v1__desk_message__pack(m, bytes);
	return link_send(c->link, bytes, length);
}

static void refuse(struct console *c, const char *reason, enum link_end end)
{
	Tocsin__V1__DeskMessage m = TOCSIN__V1__DESK_MESSAGE__INIT;
	Tocsin__V1__ConsoleBye bye = TOCSIN__V1__CONSOLE_BYE__INIT;
	bye.reason = (char *)(uintptr_t)reason;
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_BYE;
	m.bye = &bye;
	send_message(c, &m);
	log_event(LOG_LEVEL_WARN, "console-refused", LOG_TEXT("console", c->name),
	          LOG_TEXT("address", link_address(c->link)), LOG_TEXT("reason", reason));
	link_close(c->link, end);
}

/* A console is refused for anything: it sees names, and another console or the alarm takes over. */
static const char *not_welcome(bool found, const struct source *source, unsigned doubts)
{
	if (!found)
		return "unknown-console";
	if (source->kind != SOURCE_CONSOLE)
		return "not-a-console";
	if (source->state != SOURCE_ACTIVE)
		return "revoked";
	if (doubts != 0)
		return "certificate-out-of-time";
	return NULL;
}

static void on_open(struct link *link, void *owner)
{
	struct consoles *all = owner;
	struct tls_peer peer;
	struct source source = { .name = "" };
	const struct registry *registry = all->ports.registry(all->ports.owner);
	bool has_peer = link_peer(link, &peer);
	bool found = has_peer && registry != NULL &&
	             registry_source_by_certificate(registry, peer.issuer, peer.subject, &source);
	struct console *c = calloc(1, sizeof *c);
	link_set_owner(link, c);
	if (c == NULL) {
		link_close(link, LINK_END_NO_MEMORY);
		return;
	}
	c->serial = ++all->last_serial;
	c->all = all;
	c->link = link;
	c->pending = pending_new();
	if (c->pending == NULL || !table_put(all->by_serial, &c->serial, c)) {
		link_close(link, LINK_END_NO_MEMORY);
		return;
	}
	TEXT_COPY(c->name, found ? source.name : has_peer ? peer.subject : "");
	const char *why = not_welcome(found, &source, has_peer ? peer.doubts : 0);
	if (why != NULL) {
		refuse(c, why, LINK_END_REFUSED);
		return;
	}
	c->centre = source.centre;
	c->department = source.department;
	c->source = source.id;
}

static void send_view(struct console *c, struct view *v)
{
	if (!link_send(c->link, v->bytes, v->length))
		return; /* it has ended; what it missed it asks for when it is back */
	if (!v->is_recorded && position_compare(v->position, c->unrecorded) > 0)
		c->unrecorded = v->position;
	if (!v->is_recorded && position_compare(v->position, c->all->unrecorded) > 0)
		c->all->unrecorded = v->position;
}

static void keep_pending(struct console *c, struct view *v)
{
	if (!pending_put(c->pending, v))
		refuse(c, "no-memory", LINK_END_NO_MEMORY);
}

static void send_end(struct console *c)
{
	char position[POSITION_TEXT_SIZE];
	Tocsin__V1__DeskMessage m = TOCSIN__V1__DESK_MESSAGE__INIT;
	Tocsin__V1__End end = TOCSIN__V1__END__INIT;
	end.position = (char *)(uintptr_t)position_format(
	        c->all->ports.durable(c->all->ports.owner), position);
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_END;
	m.end = &end;
	c->end_is_due = false;
	send_message(c, &m);
}

/* Sends what is pending, the most urgent first, until enough is queued. */
static void send_pending(struct console *c)
{
	struct view *v;
	while (link_is_open(c->link) && link_queued(c->link) <= CONSOLE_QUEUE_LOW &&
	       (v = pending_take(c->pending)) != NULL) {
		send_view(c, v);
		view_unref(v);
	}
	if (c->end_is_due && pending_count(c->pending) == 0)
		send_end(c);
}

static void on_show(void *owner, struct view *v)
{
	struct consoles *all = owner;
	struct console *c;
	for (size_t i = 0; (c = table_next(all->by_serial, &i)) != NULL;) {
		if (!c->is_signed_in || !link_is_open(c->link) || !view_concerns(v, c->centre))
			continue;
		if (pending_count(c->pending) > 0 || link_queued(c->link) > CONSOLE_QUEUE_LOW)
			keep_pending(c, v);
		else
			send_view(c, v);
	}
}

static void send_welcome(struct console *c, bool resumed)
{
	const struct territory *territory = c->all->ports.territory(c->all->ports.owner);
	const struct centre *centre = territory ? territory_centre(territory, c->centre) : NULL;
	Tocsin__V1__DeskMessage m = TOCSIN__V1__DESK_MESSAGE__INIT;
	Tocsin__V1__ConsoleWelcome w = TOCSIN__V1__CONSOLE_WELCOME__INIT;
	Tocsin__V1__Begin begin = TOCSIN__V1__BEGIN__INIT;
	w.version = CONSOLE_VERSION;
	w.node = c->all->settings.node;
	w.centre = c->centre.text;
	w.centre_name = centre != NULL ? (char *)(uintptr_t)centre->name : c->centre.text;
	w.department = c->department.text;
	w.server_time = clock_wall().us;
	w.heartbeat_s = c->all->settings.heartbeat_s;
	w.resumed = resumed;
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_WELCOME;
	m.welcome = &w;
	send_message(c, &m);
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_BEGIN;
	m.begin = &begin;
	send_message(c, &m);
}

static void post_session(struct console *c, enum event_kind kind)
{
	struct consoles *all = c->all;
	struct event *e = all->ports.post(all->ports.owner);
	e->kind = kind;
	e->at = clock_mono();
	e->wall = clock_wall();
	e->asker.token = CONSOLE_TOKEN_BIT | c->serial << 8;
	memset(&e->act, 0, sizeof e->act);
	e->act.verb = kind == EVENT_CONSOLE_OPENED ? ACT_SIGN_IN : ACT_SIGN_OUT;
	TEXT_COPY(e->act.operator, c->operator);
	e->act.centre = c->centre;
	e->act.department = c->department;
}

static int by_position(const void *left, const void *right)
{
	const struct view *a = *(struct view *const *)left, *b = *(struct view *const *)right;
	return position_compare(a->position, b->position);
}

/* What the console must be sent before it is live, in order: all open incidents of its centre, or,
 * for one that resumes, what changed or closed `since`. */
static void take_snapshot(struct console *c, const struct position *since)
{
	const struct desk *desk = c->all->desk;
	struct view **views = malloc((desk_count(desk) + DESK_CLOSED_MAX) * sizeof *views), *v;
	size_t count = 0;
	if (views == NULL) {
		refuse(c, "no-memory", LINK_END_NO_MEMORY);
		return;
	}
	for (size_t i = 0; (v = desk_next_open(desk, &i)) != NULL;)
		if (view_concerns(v, c->centre) &&
		    (since == NULL || !v->is_recorded || position_compare(v->position, *since) > 0))
			views[count++] = v;
	for (size_t n = 0; since != NULL && (v = desk_closed(desk, n)) != NULL; n++)
		if (view_concerns(v, c->centre) && position_compare(v->position, *since) > 0)
			views[count++] = v;
	qsort(views, count, sizeof *views, by_position);
	for (size_t n = 0; n < count; n++)
		keep_pending(c, views[n]);
	free(views);
}

/* The snapshot: all open incidents of the centre, or, for a console that resumes, what changed or
 * closed since. Then it is live. */
static void sign_in(struct console *c, const struct console_message *m)
{
	struct consoles *all = c->all;
	if (!m->speaks_ours) {
		refuse(c, "version", LINK_END_PROTOCOL);
		return;
	}
	TEXT_COPY(c->operator, m->operator);
	bool resumed = position_is_set(m->resume_after) &&
	               m->resume_after.node == all->ports.durable(all->ports.owner).node &&
	               desk_remembers(all->desk, m->resume_after);
	send_welcome(c, resumed);
	take_snapshot(c, resumed ? &m->resume_after : NULL);
	c->is_signed_in = true;
	c->end_is_due = true;
	all->signed_in++;
	send_pending(c);
	post_session(c, EVENT_CONSOLE_OPENED);
	log_event(LOG_LEVEL_NOTICE, "console-opened", LOG_TEXT("console", c->name),
	          LOG_TEXT("centre", c->centre.text), LOG_TEXT("operator", c->operator),
	          LOG_TEXT("address", link_address(c->link)), LOG_NUMBER("resumed", resumed));
}

static void send_answer(struct console *c, const char *ref, const char *refused,
                        const struct incident_id *incident, uint32_t revision)
{
	char id[ID_TEXT_SIZE] = "";
	Tocsin__V1__DeskMessage m = TOCSIN__V1__DESK_MESSAGE__INIT;
	Tocsin__V1__Answer a = TOCSIN__V1__ANSWER__INIT;
	a.ref = (char *)(uintptr_t)ref;
	a.done = refused[0] == '\0';
	a.reason = (char *)(uintptr_t)refused;
	if (incident != NULL && id_is_set(incident->v))
		a.incident = (char *)(uintptr_t)id_format(incident->v, id);
	a.revision = revision;
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_ANSWER;
	m.answer = &a;
	send_message(c, &m);
}

static void post_act(struct console *c, const struct console_message *m)
{
	struct consoles *all = c->all;
	unsigned slot = 0;
	while (slot < CONSOLE_ACTS_MAX && c->acts[slot].is_used)
		slot++;
	if (m->is_too_long || slot == CONSOLE_ACTS_MAX) {
		send_answer(c, m->ref, m->is_too_long ? "too-long" : refusal_name(REFUSAL_BUSY),
		            &m->act.incident, 0);
		return;
	}
	struct event *e = all->ports.post(all->ports.owner);
	e->kind = EVENT_ACT;
	e->at = clock_mono();
	e->wall = clock_wall();
	e->asker.token = CONSOLE_TOKEN_BIT | c->serial << 8 | slot;
	e->fresh.v = id_new(e->wall);
	e->act = m->act;
	TEXT_COPY(e->act.operator, c->operator);
	e->act.centre = c->centre;
	e->act.department = c->department;
	c->acts[slot].is_used = true;
	TEXT_COPY(c->acts[slot].ref, m->ref);
}

static void on_message(struct link *link, void *owner, const uint8_t *bytes, size_t length)
{
	struct console *c = owner;
	struct console_message m;
	(void)link;
	console_decode(bytes, length, &m);
	if (m.kind == CONSOLE_GARBAGE || (m.kind == CONSOLE_HELLO) == c->is_signed_in) {
		refuse(c, m.kind == CONSOLE_GARBAGE ? "garbage" : "hello-first", LINK_END_PROTOCOL);
		return;
	}
	if (m.kind == CONSOLE_HELLO)
		sign_in(c, &m);
	else if (m.kind == CONSOLE_ACT)
		post_act(c, &m);
	/* A heartbeat has done its work: the link's idle deadline moved. */
}

static void on_drained(struct link *link, void *owner)
{
	(void)link;
	struct console *c = owner;
	if (c->is_signed_in)
		send_pending(c);
}

static void on_end(struct link *link, void *owner, enum link_end end)
{
	struct console *c = owner;
	if (c == NULL)
		return;
	log_event(c->is_signed_in ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "console-closed",
	          LOG_TEXT("console", c->name), LOG_TEXT("operator", c->operator),
	          LOG_TEXT("reason", link_end_name(end)), LOG_TEXT("detail", link_detail(link)));
	if (c->is_signed_in) {
		c->all->signed_in--;
		post_session(c, EVENT_CONSOLE_LOST);
	}
	table_remove(c->all->by_serial, &c->serial);
	pending_free(c->pending);
	free(c);
}

static void on_heartbeat(struct timer *t, struct mono now)
{
	struct consoles *all = (struct consoles *)t; /* the first member */
	char position[POSITION_TEXT_SIZE];
	char *degraded[CONSOLE_DEGRADED_MAX];
	const char *text;
	Tocsin__V1__DeskMessage m = TOCSIN__V1__DESK_MESSAGE__INIT;
	Tocsin__V1__DeskHeartbeat h = TOCSIN__V1__DESK_HEARTBEAT__INIT;
	h.server_time = clock_wall().us;
	h.position =
	        (char *)(uintptr_t)position_format(all->ports.durable(all->ports.owner), position);
	h.degraded = degraded;
	while (h.n_degraded < CONSOLE_DEGRADED_MAX &&
	       (text = all->ports.degraded(all->ports.owner, (unsigned)h.n_degraded)) != NULL)
		degraded[h.n_degraded++] = (char *)(uintptr_t)text;
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_HEARTBEAT;
	m.heartbeat = &h;
	struct console *c;
	for (size_t i = 0; (c = table_next(all->by_serial, &i)) != NULL;)
		if (c->is_signed_in)
			send_message(c, &m);
	must(timer_set(all->timers, t, mono_add_ms(now, all->settings.heartbeat_s * 1000LL)));
}

struct consoles *consoles_new(struct timers *timers, const struct console_ports *ports,
                              const struct console_settings *settings)
{
	struct consoles *all = calloc(1, sizeof *all);
	if (all == NULL)
		return NULL;
	all->timers = timers;
	all->ports = *ports;
	all->settings = *settings;
	all->group.name = "consoles";
	all->group.owner = all;
	all->group.callbacks = (struct link_callbacks){ .on_open = on_open,
		                                        .on_message = on_message,
		                                        .on_drained = on_drained,
		                                        .on_end = on_end };
	all->heartbeat.on_due = on_heartbeat;
	all->by_serial = table_new(sizeof(uint64_t), 0);
	all->desk = desk_new(timers, on_show, all);
	if (all->by_serial == NULL || all->desk == NULL ||
	    !timer_set(timers, &all->heartbeat,
	               mono_add_ms(clock_mono(), settings->heartbeat_s * 1000LL))) {
		consoles_free(all);
		return NULL;
	}
	return all;
}

void consoles_set_settings(struct consoles *all, const struct console_settings *settings)
{
	all->settings = *settings;
}

void consoles_free(struct consoles *all)
{
	if (all == NULL)
		return;
	timer_clear(all->timers, &all->heartbeat);
	desk_free(all->desk);
	table_free(all->by_serial); /* the links ended before, and their sessions with them */
	free(all);
}

struct link_group *consoles_group(struct consoles *all)
{
	return &all->group;
}

struct desk *consoles_desk(struct consoles *all)
{
	return all->desk;
}

void consoles_show(struct consoles *all, struct view *v, struct mono now)
{
	desk_put(all->desk, v, now);
}

void consoles_answer(struct consoles *all, const struct effect *e)
{
	uint64_t serial = (e->asker.token & ~CONSOLE_TOKEN_BIT) >> 8;
	unsigned slot = (unsigned)(e->asker.token & 0xff);
	struct console *c = table_get(all->by_serial, &serial);
	if (c == NULL || BUG(slot >= CONSOLE_ACTS_MAX || !c->acts[slot].is_used))
		return;
	send_answer(c, c->acts[slot].ref, refusal_name(e->answer.refused), &e->answer.incident,
	            e->answer.revision);
	c->acts[slot].is_used = false;
}

void consoles_recorded(struct consoles *all, struct position durable)
{
	char position[POSITION_TEXT_SIZE];
	Tocsin__V1__DeskMessage m = TOCSIN__V1__DESK_MESSAGE__INIT;
	Tocsin__V1__Recorded r = TOCSIN__V1__RECORDED__INIT;
	struct view *v;
	struct console *c;
	if (!position_is_set(all->unrecorded) || position_compare(all->unrecorded, durable) > 0)
		return; /* the usual case: nothing left before it was durable */
	all->unrecorded = (struct position){ 0 };
	for (size_t i = 0; (v = desk_next_open(all->desk, &i)) != NULL;)
		if (!v->is_recorded && position_compare(v->position, durable) <= 0)
			view_set_recorded(v, true);
	r.position = (char *)(uintptr_t)position_format(durable, position);
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_RECORDED;
	m.recorded = &r;
	for (size_t i = 0; (c = table_next(all->by_serial, &i)) != NULL;) {
		if (!position_is_set(c->unrecorded) || position_compare(c->unrecorded, durable) > 0)
			continue;
		c->unrecorded = (struct position){ 0 };
		send_message(c, &m);
	}
}

void consoles_check(struct consoles *all)
{
	const struct registry *registry = all->ports.registry(all->ports.owner);
	struct console *c;
	for (size_t i = 0; (c = table_next(all->by_serial, &i)) != NULL;) {
		struct source source;
		if (!link_is_open(c->link))
			continue;
		bool found = registry_source(registry, c->source, &source);
		const char *why = not_welcome(found, &source, 0);
		if (why != NULL)
			refuse(c, why, LINK_END_REVOKED);
	}
}

void consoles_goodbye(struct consoles *all, const char *reason)
{
	struct console *c;
	for (size_t i = 0; (c = table_next(all->by_serial, &i)) != NULL;)
		refuse(c, reason, LINK_END_SHUTDOWN);
}

size_t consoles_count(const struct consoles *all)
{
	return all->signed_in;
}
