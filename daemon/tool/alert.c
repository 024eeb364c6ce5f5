#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/id.h"
#include "support/text.h"
#include "tool/alert_request.h"
#include "tool/client_options.h"
#include "tool/enum_word.h"
#include "tool/incident_json.h"
#include "tool/plain.h"
#include "tool/verb.h"

#define ALERT_PROTOCOL_VERSION 1

/* One link as a sender, from Hello to the last receipt. */
struct sending {
	const struct alert_request *request;
	bool json;
	struct client *client;
	uint64_t frames; /* sent on this link; a receipt names the one that it answers */
	char source[ID_TEXT_SIZE], node[64];
	int64_t heartbeat_ms; /* 0: none asked for */
	struct mono heartbeat_due;
	char why[CLIENT_WHY_SIZE]; /* of the first failure */
};

static bool fail(struct sending *s, const char *what, const char *detail)
{
	char clean[CLIENT_WHY_SIZE];

	s->why[0] = '\0';
	text_add(s->why, sizeof s->why, "%s%s%s", what, detail[0] != '\0' ? ": " : "",
		 plain_copy(clean, sizeof clean, detail, PLAIN_ONE_LINE));
	return false;
}

static bool send_message(struct sending *s, const Tocsin__V1__SenderMessage *message)
{
	struct mono now = clock_mono();

	if (client_send(s->client, &message->base, mono_add_ms(now, s->request->timeout_ms)) !=
	    CLIENT_OK)
		return fail(s, "link lost", client_why(s->client));
	s->frames++;
	s->heartbeat_due = mono_add_ms(now, s->heartbeat_ms);
	return true;
}

static bool send_heartbeat(struct sending *s)
{
	Tocsin__V1__SenderMessage message = TOCSIN__V1__SENDER_MESSAGE__INIT;
	Tocsin__V1__Heartbeat heartbeat = TOCSIN__V1__HEARTBEAT__INIT;

	message.body_case = TOCSIN__V1__SENDER_MESSAGE__BODY_HEARTBEAT;
	message.heartbeat = &heartbeat;
	return send_message(s, &message);
}

/* The next message of the server, to be freed. NULL: failed, or with *late the deadline passed. */
static Tocsin__V1__ServerMessage *receive_message(struct sending *s, struct mono deadline,
						  bool *late)
{
	const uint8_t *bytes;
	size_t length;

	*late = false;
	for (;;) {
		struct mono until = deadline;
		if (s->heartbeat_ms != 0 && s->heartbeat_due.ns < deadline.ns)
			until = s->heartbeat_due;
		switch (client_receive(s->client, until, &bytes, &length)) {
		case CLIENT_LOST: fail(s, "link lost", client_why(s->client)); return NULL;
		case CLIENT_NOTHING:
			*late = until.ns == deadline.ns;
			if (*late || !send_heartbeat(s))
				return NULL;
			continue;
		case CLIENT_OK: break;
		}
		Tocsin__V1__ServerMessage *message =
			tocsin__v1__server_message__unpack(NULL, length, bytes);
		if (message == NULL)
			fail(s, "the server sent a frame that is no message", "");
		else if (message->body_case == TOCSIN__V1__SERVER_MESSAGE__BODY_BYE)
			fail(s, "the server closed the link", message->bye->reason);
		else
			return message;
		tocsin__v1__server_message__free_unpacked(message, NULL);
		return NULL;
	}
}

static bool greet(struct sending *s)
{
	Tocsin__V1__SenderMessage message = TOCSIN__V1__SENDER_MESSAGE__INIT;
	Tocsin__V1__Hello hello = TOCSIN__V1__HELLO__INIT;
	uint32_t versions[] = { ALERT_PROTOCOL_VERSION };
	char instance[ID_TEXT_SIZE];
	struct mono deadline = mono_add_ms(clock_mono(), s->request->timeout_ms);
	bool late;

	hello.versions = versions;
	hello.n_versions = 1;
	hello.instance = (char *)id_format(id_new(clock_wall()), instance);
	message.body_case = TOCSIN__V1__SENDER_MESSAGE__BODY_HELLO;
	message.hello = &hello;
	enum client_status status = client_connect(s->client, deadline);
	if (status != CLIENT_OK)
		return fail(s, "no link",
			    status == CLIENT_LOST ? client_why(s->client) : "no answer in time");
	if (!send_message(s, &message))
		return false;
	Tocsin__V1__ServerMessage *answer = receive_message(s, deadline, &late);
	if (answer == NULL)
		return late ? fail(s, "no welcome in time", "") : false;
	bool is_welcome = answer->body_case == TOCSIN__V1__SERVER_MESSAGE__BODY_WELCOME;
	if (is_welcome) {
		plain_copy(s->source, sizeof s->source, answer->welcome->source, PLAIN_ONE_LINE);
		plain_copy(s->node, sizeof s->node, answer->welcome->node, PLAIN_ONE_LINE);
		s->heartbeat_ms = (int64_t)answer->welcome->heartbeat_s * 1000 / 2;
		s->heartbeat_due = mono_add_ms(clock_mono(), s->heartbeat_ms);
	}
	tocsin__v1__server_message__free_unpacked(answer, NULL);
	return is_welcome ? true : fail(s, "the server did not say welcome", "");
}

static bool print_json(struct sending *s, json_t *object)
{
	char *line = object != NULL ? incident_json_dump(object) : NULL;
	bool good = line != NULL && printf("%s\n", line) > 0 && fflush(stdout) == 0;

	free(line);
	json_decref(object);
	return good ? true : fail(s, "cannot write the answer", "");
}

static bool print_receipt(struct sending *s, const Tocsin__V1__Receipt *r, struct wall sent,
			  int64_t took_us)
{
	if (s->json) {
		json_t *o = json_object();
		json_object_set_new(o, "id", incident_json_text(r->id));
		json_object_set_new(o, "receipt", incident_json_text(r->receipt));
		json_object_set_new(o, "incident", incident_json_text(r->incident));
		json_object_set_new(o, "priority",
				    r->priority != 0 ? json_integer(r->priority) : json_null());
		json_object_set_new(o, "repeat", json_boolean(r->repeat));
		json_object_set_new(o, "refused", incident_json_text(r->refused));
		json_object_set_new(o, "source", incident_json_text(s->source));
		json_object_set_new(o, "node", incident_json_text(s->node));
		json_object_set_new(o, "sent_at", incident_json_time(sent.us));
		json_object_set_new(o, "sent_at_us", json_integer(sent.us));
		json_object_set_new(o, "took_ms", json_real((double)took_us / 1000));
		return print_json(s, o);
	}
	char receipt[64], incident[64];
	double took_ms = (double)took_us / 1000;
	if (r->receipt[0] == '\0') {
		printf("no match: nothing was kept\t%.2f ms\n", took_ms);
	} else {
		printf("receipt %s\t", plain_copy(receipt, sizeof receipt, r->receipt, 0));
		if (r->incident[0] != '\0')
			printf("incident %s\tpriority %u\t",
			       plain_copy(incident, sizeof incident, r->incident, 0), r->priority);
		else
			printf("no incident\t");
		printf("%s%.2f ms\n", r->repeat ? "repeat\t" : "", took_ms);
	}
	return fflush(stdout) == 0 ? true : fail(s, "cannot write the answer", "");
}

static bool print_state(struct sending *s, const Tocsin__V1__AlertState *state)
{
	char word[ENUM_WORD_SIZE], receipt[64];

	enum_word(&tocsin__v1__state__descriptor, (int)state->state, word);
	if (s->json) {
		json_t *o = json_object();
		json_object_set_new(o, "receipt", incident_json_text(state->receipt));
		json_object_set_new(o, "incident", incident_json_text(state->incident));
		json_object_set_new(o, "state", json_string(word));
		return print_json(s, o);
	}
	printf("receipt %s\t%s\n", plain_copy(receipt, sizeof receipt, state->receipt, 0), word);
	return fflush(stdout) == 0 ? true : fail(s, "cannot write the answer", "");
}

/* Sends the message once and waits for its receipt. */
static bool send_once(struct sending *s)
{
	struct wall sent = clock_wall();
	struct mono before = clock_mono();
	struct mono deadline = mono_add_ms(before, s->request->timeout_ms);
	bool late;

	if (!send_message(s, &s->request->message))
		return false;
	uint64_t frame = s->frames;
	for (;;) {
		Tocsin__V1__ServerMessage *answer = receive_message(s, deadline, &late);
		if (answer == NULL)
			return late ? fail(s, "no receipt in time", "") : false;
		int64_t took_us = mono_us_between(before, clock_mono());
		bool good = true, is_ours = false;
		if (answer->body_case == TOCSIN__V1__SERVER_MESSAGE__BODY_RECEIPT) {
			is_ours = answer->receipt->frame == frame;
			if (is_ours && answer->receipt->refused[0] != '\0')
				good = fail(s, "refused", answer->receipt->refused);
			else if (is_ours)
				good = print_receipt(s, answer->receipt, sent, took_us);
		} else if (answer->body_case == TOCSIN__V1__SERVER_MESSAGE__BODY_STATE) {
			good = s->request->follow_ms == 0 || print_state(s, answer->state);
		}
		tocsin__v1__server_message__free_unpacked(answer, NULL);
		if (is_ours || !good)
			return good;
	}
}

/* Shows the states of our alerts until one says closed or the time is over. */
static bool follow(struct sending *s)
{
	struct mono deadline = mono_add_ms(clock_mono(), s->request->follow_ms);
	bool late, closed = false, good = true;

	while (good && !closed) {
		Tocsin__V1__ServerMessage *answer = receive_message(s, deadline, &late);
		if (answer == NULL)
			return late;
		if (answer->body_case == TOCSIN__V1__SERVER_MESSAGE__BODY_STATE) {
			good = print_state(s, answer->state);
			closed = answer->state->state == TOCSIN__V1__STATE__STATE_CLOSED;
		}
		tocsin__v1__server_message__free_unpacked(answer, NULL);
	}
	return good;
}

static bool send_all(struct sending *s)
{
	if (!greet(s))
		return false;
	for (int64_t i = 0; i < s->request->repeat; i++)
		if (!send_once(s))
			return false;
	return s->request->follow_ms == 0 || follow(s);
}

static struct alert_words words;
static struct client_options link_options;
static bool json;

static const struct verb_option options[] = {
	CLIENT_OPTIONS(link_options),
	{ "kind", NULL, &words.kind, "KIND", "panic unless said; or a number of the protocol" },
	{ "call", NULL, &words.call, "PHASE", "a call to the 17, not an alert: presented, ..." },
	{ "id", NULL, &words.id, "TEXT", "the sender's own id of it; a new one unless said" },
	{ "at", NULL, &words.at, "TIME", "when it happened, RFC 3339, or none; now unless said" },
	{ "number", NULL, &words.number, "TEXT", "a telephone number as the sender spells it" },
	{ "practitioner", NULL, &words.practitioner, "RPPS", "whom it is about" },
	{ "person-name", NULL, &words.person_name, "TEXT", "whom it is about, as stated" },
	{ "person-number", NULL, &words.person_number, "TEXT", "and their number" },
	{ "lat", NULL, &words.lat, "DEGREES", "a position, with --lon" },
	{ "lon", NULL, &words.lon, "DEGREES", "a position, with --lat" },
	{ "accuracy", NULL, &words.accuracy, "METRES", "of the position" },
	{ "fixed-at", NULL, &words.fixed_at, "TIME", "of the position; now unless said" },
	{ "method", NULL, &words.method, "WORD", "of the position: gnss, wifi, cell, ..." },
	{ "address", NULL, &words.address, "TEXT", "where, as stated" },
	{ "commune", NULL, &words.commune, "INSEE", "where, as stated" },
	{ "note", NULL, &words.note, "TEXT", "for the dispatcher" },
	{ "exercise", &words.exercise, NULL, NULL, "never joined with what is real" },
	{ "centre", NULL, &words.centre, "ID", "of a call: where it was presented" },
	{ "line", NULL, &words.line, "TEXT", "of a call: on which line" },
	{ "agent", NULL, &words.agent, "TEXT", "of a call: to whom" },
	{ "repeat", NULL, &words.repeat, "N", "send the same message N times" },
	{ "timeout", NULL, &words.timeout, "SECONDS",
	  "for the link and each receipt; 10 unless said" },
	{ "follow", NULL, &words.follow, "SECONDS", "then show what becomes of it for so long" },
	{ "json", &json, NULL, NULL, "a line of JSON for each receipt and state" },
	{ 0 },
};

static const struct verb_form form = {
	.arguments = "",
	.about =
		"Sends one alert, or one phase of a call, through the alerts listener and prints\n"
		"its receipt and the time from sending to receipt. Done only with a receipt.\n"
		"\n"
		"KIND: panic, duress, silent, medical, relay, intrusion, tamper, battery, link,\n"
		"test, cancel, position. PHASE: presented, answered, ended, abandoned; the phases\n"
		"of one call have one --id.",
	.options = options,
};

int alert_verb(int argc, char **argv)
{
	struct alert_request request;
	struct sending s = { .request = &request };
	char why[ALERT_REQUEST_WHY_SIZE];
	bool is_usage;
	int first, exit_code;

	if (!verb_begin(&form, argc, argv, &first, &exit_code))
		return exit_code;
	if (!alert_request_read(&request, &words, clock_wall(), why))
		return verb_misuse("%s", why);
	if (!client_options_complete(&link_options, CLIENT_TO_ALERTS, s.why))
		return verb_refuse("%s", s.why);
	s.json = json;
	s.client = client_options_open(&link_options, s.why, &is_usage);
	if (s.client == NULL)
		return is_usage ? verb_misuse("%s", s.why) : verb_refuse("%s", s.why);
	signal(SIGPIPE, SIG_IGN); /* a link that goes away is an answer of the client's */
	bool good = send_all(&s);
	client_free(s.client);
	return good ? VERB_DONE : verb_refuse("%s", s.why);
}
