#include "accept/sender.h"

#include <stdlib.h>
#include <string.h>

#include "accept/native_decode.h"
#include "proto/sender.pb-c.h"
#include "support/bug.h"
#include "support/log.h"
#include "support/table.h"
#include "support/text.h"

#define SENDER_WINDOW_MAX  255
#define SENDER_MESSAGE_MAX 512 /* a receipt or state, packed */

/* One alert that waits for its receipt. */
struct flight {
	bool is_used;
	uint64_t frame;
	char ref[ALERT_REF_SIZE];
};

/* A sender's session lives as long as its link; `serial` names it in askers' tokens, so that a
 * receipt that comes after the end of the link finds nobody. */
struct sender {
	uint64_t serial;
	struct senders *all;
	struct link *link;
	struct source_id source;
	enum source_kind kind;
	char name[64];
	unsigned doubts;
	bool has_greeted;
	uint64_t frames;
	unsigned in_flight, window;
	struct sender *same; /* older link of the same source */
	struct flight flights[];
};

struct senders {
	struct sender_ports ports;
	struct sender_settings settings;
	struct link_group group;
	uint64_t last_serial;
	size_t in_flight;
	struct table *by_serial;
	struct table *by_source; /* the newest link of each source */
};

#define SESSION_OF(token) ((token) >> 8)
#define FLIGHT_OF(token)  ((unsigned)((token)&0xff))

static void send_message(struct sender *s, const Tocsin__V1__ServerMessage *m)
{
	uint8_t bytes[SENDER_MESSAGE_MAX];
	size_t length = tocsin__v1__server_message__get_packed_size(m);
	if (BUG(length > sizeof bytes))
		return;
	tocsin__v1__server_message__pack(m, bytes);
	link_send(s->link, bytes, length);
}

static void send_bye(struct sender *s, const char *reason)
{
	Tocsin__V1__ServerMessage m = TOCSIN__V1__SERVER_MESSAGE__INIT;
	Tocsin__V1__Bye bye = TOCSIN__V1__BYE__INIT;
	bye.reason = (char *)(uintptr_t)reason;
	m.body_case = TOCSIN__V1__SERVER_MESSAGE__BODY_BYE;
	m.bye = &bye;
	send_message(s, &m);
}

static void refuse(struct sender *s, const char *reason, enum link_end end)
{
	log_event(LOG_LEVEL_WARN, "sender-refused", LOG_TEXT("source", s->name),
	          LOG_TEXT("address", link_address(s->link)), LOG_TEXT("reason", reason));
	send_bye(s, reason);
	link_close(s->link, end);
}

/* Why this certificate may not speak here, or NULL. Time is no reason (rule 1). */
static const char *not_welcome(bool found, const struct source *source)
{
	if (!found)
		return "unknown-source";
	if (source->state == SOURCE_REVOKED)
		return "revoked";
	if (source->state == SOURCE_RETIRED)
		return "retired";
	if (source->kind == SOURCE_CONSOLE)
		return "console-certificate";
	return NULL;
}

/* A source may have a few links at once (a renewal, a second process); past that the oldest of
 * them is most likely dead and makes room. */
static void make_room(struct senders *all, struct sender *newest)
{
	unsigned count = 1;
	for (struct sender *s = newest->same; s != NULL; s = s->same)
		if (++count > all->settings.links_each)
			link_close(s->link, LINK_END_REPLACED);
}

static void on_open(struct link *link, void *owner)
{
	struct senders *all = owner;
	struct tls_peer peer;
	struct source source = { .name = "" };
	const struct registry *registry = all->ports.registry(all->ports.owner);
	bool has_peer = link_peer(link, &peer);
	bool found = has_peer && registry != NULL &&
	             registry_source_by_certificate(registry, peer.issuer, peer.subject, &source);
	struct sender *s = calloc(1, sizeof *s + all->settings.window * sizeof(struct flight));
	link_set_owner(link, s);
	if (s == NULL) {
		link_close(link, LINK_END_NO_MEMORY);
		return;
	}
	s->serial = ++all->last_serial;
	s->all = all;
	s->link = link;
	s->window = all->settings.window;
	if (!table_put(all->by_serial, &s->serial, s)) {
		link_close(link, LINK_END_NO_MEMORY);
		return;
	}
	TEXT_COPY(s->name, found ? source.name : has_peer ? peer.subject : "");
	const char *why = not_welcome(found, &source);
	if (why != NULL) {
		refuse(s, why, LINK_END_REFUSED);
		return;
	}
	s->source = source.id;
	s->kind = source.kind;
	int64_t left_ms = wall_ms_between(clock_wall(), peer.not_after);
	if (peer.doubts == 0 && left_ms < all->settings.warn_days * 24LL * 3600 * 1000)
		log_event(LOG_LEVEL_WARN, "sender-certificate-ends-soon",
		          LOG_TEXT("source", s->name),
		          LOG_NUMBER("days", left_ms / (24 * 3600 * 1000)));
	if (peer.doubts != 0) {
		s->doubts |= ALERT_DOUBT_CERTIFICATE;
		log_event(LOG_LEVEL_WARN, "sender-certificate-out-of-time",
		          LOG_TEXT("source", s->name), LOG_NUMBER("doubts", peer.doubts));
	}
	s->same = table_get(all->by_source, &s->source);
	if (!table_put(all->by_source, &s->source, s)) {
		link_close(link, LINK_END_NO_MEMORY);
		return;
	}
	make_room(all, s);
	log_event(LOG_LEVEL_INFO, "sender-opened", LOG_TEXT("source", s->name),
	          LOG_TEXT("kind", source_kind_name(s->kind)),
	          LOG_TEXT("address", link_address(link)), LOG_NUMBER("resumed", peer.resumed));
}

static void welcome(struct sender *s, const struct native_hello *hello)
{
	if (!hello->speaks_ours) {
		refuse(s, "version", LINK_END_PROTOCOL);
		return;
	}
	Tocsin__V1__ServerMessage m = TOCSIN__V1__SERVER_MESSAGE__INIT;
	Tocsin__V1__Welcome w = TOCSIN__V1__WELCOME__INIT;
	s->has_greeted = true;
	w.version = NATIVE_VERSION;
	w.node = s->all->settings.node;
	w.server_time = clock_wall().us;
	w.window = s->window;
	w.frame_bytes_max = s->all->settings.message_bytes_max;
	w.heartbeat_s = s->all->settings.heartbeat_s;
	w.source = s->name;
	m.body_case = TOCSIN__V1__SERVER_MESSAGE__BODY_WELCOME;
	m.welcome = &w;
	send_message(s, &m);
}

static void send_receipt(struct sender *s, const struct flight *f, const struct effect *e,
                         const char *refused)
{
	char alert[ID_TEXT_SIZE] = "", incident[ID_TEXT_SIZE] = "";
	Tocsin__V1__ServerMessage m = TOCSIN__V1__SERVER_MESSAGE__INIT;
	Tocsin__V1__Receipt r = TOCSIN__V1__RECEIPT__INIT;
	r.id = (char *)(uintptr_t)f->ref;
	r.frame = f->frame;
	r.refused = (char *)(uintptr_t)refused;
	if (e != NULL && id_is_set(e->receipt.alert.v))
		r.receipt = (char *)(uintptr_t)id_format(e->receipt.alert.v, alert);
	if (e != NULL && id_is_set(e->receipt.incident.v))
		r.incident = (char *)(uintptr_t)id_format(e->receipt.incident.v, incident);
	if (e != NULL) {
		r.priority = e->receipt.priority;
		r.repeat = e->receipt.repeat;
	}
	m.body_case = TOCSIN__V1__SERVER_MESSAGE__BODY_RECEIPT;
	m.receipt = &r;
	send_message(s, &m);
}

/* Who may say what: calls tell who is registered, so only telephone exchanges bring them. */
static const char *not_allowed(const struct sender *s, enum native_kind kind)
{
	return kind == NATIVE_CALL && s->kind != SOURCE_EXCHANGE ? "not-allowed" : NULL;
}

static void post(struct sender *s, const struct native *n, struct flight *f)
{
	struct senders *all = s->all;
	struct wall wall = clock_wall();
	struct event *e = all->ports.post(all->ports.owner);
	struct alert *a;
	e->at = clock_mono();
	e->wall = wall;
	e->asker.token = s->serial << 8 | (uint64_t)(f - s->flights);
	e->fresh.v = id_new(wall);
	if (n->kind == NATIVE_CALL) {
		e->kind = EVENT_CALL;
		e->call = n->call;
		a = &e->call.alert;
	} else {
		e->kind = EVENT_ALERT;
		e->alert = n->alert;
		a = &e->alert;
	}
	a->id.v = id_new(wall);
	a->source = s->source;
	a->received_at = wall;
	a->doubts |= s->doubts;
	TEXT_COPY(f->ref, a->ref);
	f->frame = s->frames;
	f->is_used = true;
	s->in_flight++;
	all->in_flight++;
	all->ports.on_heard(all->ports.owner, s->kind);
}

static void on_message(struct link *link, void *owner, const uint8_t *bytes, size_t length)
{
	struct sender *s = owner;
	struct native n;
	(void)link;
	s->frames++;
	native_decode(bytes, length, clock_wall(), &n);
	if (n.kind == NATIVE_GARBAGE || (n.kind == NATIVE_HELLO) == s->has_greeted) {
		refuse(s, n.kind == NATIVE_GARBAGE ? "garbage" : "hello-first", LINK_END_PROTOCOL);
		return;
	}
	if (n.kind == NATIVE_HELLO) {
		welcome(s, &n.hello);
		return;
	}
	if (n.kind == NATIVE_HEARTBEAT) {
		Tocsin__V1__ServerMessage m = TOCSIN__V1__SERVER_MESSAGE__INIT;
		Tocsin__V1__Heartbeat h = TOCSIN__V1__HEARTBEAT__INIT;
		h.server_time = clock_wall().us;
		m.body_case = TOCSIN__V1__SERVER_MESSAGE__BODY_HEARTBEAT;
		m.heartbeat = &h;
		send_message(s, &m);
		return;
	}
	const char *why = not_allowed(s, n.kind);
	if (why != NULL) {
		struct flight f = { .frame = s->frames };
		TEXT_COPY(f.ref, n.call.alert.ref);
		send_receipt(s, &f, NULL, why);
		return;
	}
	struct flight *f = s->flights;
	while (f < s->flights + s->window && f->is_used)
		f++;
	if (f == s->flights + s->window) {
		/* More in flight than was agreed. The alert is not taken and the sender is told so
		 * by the end of the link; it has no receipt and says it again. */
		refuse(s, "window", LINK_END_PROTOCOL);
		return;
	}
	post(s, &n, f);
}

static void forget(struct sender *s)
{
	struct senders *all = s->all;
	struct sender *newest = table_get(all->by_source, &s->source);
	if (newest == s && s->same != NULL) {
		if (BUG(!table_put(all->by_source, &s->source, s->same)))
			table_remove(all->by_source, &s->source);
	} else if (newest == s) {
		table_remove(all->by_source, &s->source);
	}
	for (struct sender *other = newest; other != NULL; other = other->same)
		if (other->same == s)
			other->same = s->same;
	table_remove(all->by_serial, &s->serial);
	all->in_flight -= s->in_flight;
	free(s);
}

static void on_end(struct link *link, void *owner, enum link_end end)
{
	struct sender *s = owner;
	if (owner == NULL || BUG(s->link != link))
		return;
	log_event(LOG_LEVEL_INFO, "sender-closed", LOG_TEXT("source", s->name),
	          LOG_TEXT("reason", link_end_name(end)), LOG_TEXT("detail", link_detail(link)),
	          LOG_NUMBER("messages", s->frames), LOG_NUMBER("in_flight", s->in_flight));
	forget(s);
}

struct senders *senders_new(const struct sender_ports *ports,
                            const struct sender_settings *settings)
{
	struct senders *all = calloc(1, sizeof *all);
	if (all == NULL)
		return NULL;
	must(settings->window >= 1 && settings->window <= SENDER_WINDOW_MAX);
	all->ports = *ports;
	all->settings = *settings;
	all->group.name = "alerts";
	all->group.owner = all;
	all->group.callbacks = (struct link_callbacks){ .on_open = on_open,
		                                        .on_message = on_message,
		                                        .on_end = on_end };
	all->by_serial = table_new(sizeof(uint64_t), 0);
	all->by_source = table_new(sizeof(struct source_id), 0);
	if (all->by_serial == NULL || all->by_source == NULL) {
		senders_free(all);
		return NULL;
	}
	return all;
}

void senders_set_settings(struct senders *all, const struct sender_settings *settings)
{
	must(settings->window >= 1 && settings->window <= SENDER_WINDOW_MAX);
	all->settings = *settings; /* a session keeps the window that it was welcomed with */
}

void senders_free(struct senders *all)
{
	if (all == NULL)
		return;
	struct sender *s;
	if (all->by_serial != NULL)
		for (size_t i = 0; (s = table_next(all->by_serial, &i)) != NULL;)
			free(s);
	table_free(all->by_serial);
	table_free(all->by_source);
	free(all);
}

struct link_group *senders_group(struct senders *all)
{
	return &all->group;
}

enum source_kind senders_receipt(struct senders *all, const struct effect *e)
{
	uint64_t serial = SESSION_OF(e->asker.token);
	struct sender *s = table_get(all->by_serial, &serial);
	if (s == NULL) /* its link ended: it will ask again */
		return SOURCE_KINDS;
	struct flight *f = &s->flights[FLIGHT_OF(e->asker.token)];
	if (BUG(FLIGHT_OF(e->asker.token) >= s->window || !f->is_used))
		return SOURCE_KINDS;
	send_receipt(s, f, e,
	             e->receipt.refused != REFUSAL_NONE ? refusal_name(e->receipt.refused) : "");
	f->is_used = false;
	s->in_flight--;
	all->in_flight--;
	return s->kind;
}

struct sender_note {
	struct incident_id incident;
	enum incident_state state;
	unsigned count;
	struct {
		struct source_id source;
		struct alert_id alert;
	} alerts[2 * INCIDENT_ALERTS_KEPT];
};

struct sender_note *sender_note_new(const struct incident *i)
{
	const struct alert_summary *kept[2 * INCIDENT_ALERTS_KEPT];
	struct sender_note *note = calloc(1, sizeof *note);
	if (note == NULL)
		return NULL;
	note->incident = i->id;
	note->state = i->state;
	note->count = incident_alerts(i, kept);
	for (unsigned n = 0; n < note->count; n++) {
		note->alerts[n].source = kept[n]->source;
		note->alerts[n].alert = kept[n]->id;
	}
	return note;
}

void senders_tell(struct senders *all, struct sender_note *note)
{
	static const Tocsin__V1__State states[] = { TOCSIN__V1__STATE__STATE_OPEN,
		                                    TOCSIN__V1__STATE__STATE_TAKEN,
		                                    TOCSIN__V1__STATE__STATE_ENGAGED,
		                                    TOCSIN__V1__STATE__STATE_CLOSED };
	char receipt[ID_TEXT_SIZE], incident[ID_TEXT_SIZE];
	Tocsin__V1__ServerMessage m = TOCSIN__V1__SERVER_MESSAGE__INIT;
	Tocsin__V1__AlertState state = TOCSIN__V1__ALERT_STATE__INIT;
	if (note == NULL)
		return;
	state.incident = (char *)(uintptr_t)id_format(note->incident.v, incident);
	state.state = states[note->state];
	m.body_case = TOCSIN__V1__SERVER_MESSAGE__BODY_STATE;
	m.state = &state;
	for (unsigned n = 0; n < note->count; n++) {
		struct sender *s = table_get(all->by_source, &note->alerts[n].source);
		if (s == NULL || !s->has_greeted)
			continue;
		state.receipt = (char *)(uintptr_t)id_format(note->alerts[n].alert.v, receipt);
		send_message(s, &m);
	}
	free(note);
}

void senders_check(struct senders *all)
{
	struct sender *s;
	const struct registry *registry = all->ports.registry(all->ports.owner);
	for (size_t i = 0; (s = table_next(all->by_serial, &i)) != NULL;) {
		struct source source;
		if (!link_is_open(s->link))
			continue;
		const char *why =
		        not_welcome(registry_source(registry, s->source, &source), &source);
		if (why != NULL)
			refuse(s, why, LINK_END_REVOKED);
	}
}

void senders_goodbye(struct senders *all, const char *reason)
{
	struct sender *s;
	for (size_t i = 0; (s = table_next(all->by_serial, &i)) != NULL;) {
		send_bye(s, reason);
		link_close(s->link, LINK_END_SHUTDOWN);
	}
}

size_t senders_in_flight(const struct senders *all)
{
	return all->in_flight;
}
