#include "tool/console_link.h"

#include <stdlib.h>

#include "support/position.h"
#include "support/text.h"

#define CONSOLE_LINK_VERSION         1
#define CONSOLE_LINK_SEND_MS         1000
#define CONSOLE_LINK_HEARTBEAT_S_MAX 3600 /* what is longer is no heartbeat */

enum stage { STAGE_RESTING, STAGE_CONNECTING, STAGE_GREETING, STAGE_UP };

struct console_link {
	struct client *client;
	enum stage stage;
	struct mono rest_until;         /* resting */
	struct mono greeted_until;      /* connecting, greeting */
	struct mono silent_at, beat_at; /* up */
	int64_t retry_ms, heartbeat_ms;
	bool has_ended; /* to be told by the next step */
	char operator[128];
	char resume_after[POSITION_TEXT_SIZE];
	char why[CLIENT_WHY_SIZE];
};

struct console_link *console_link_new(struct client *client, const char *operator)
{
	struct console_link *l = calloc(1, sizeof *l);

	if (l == NULL) {
		client_free(client);
		return NULL;
	}
	l->client = client;
	l->retry_ms = CONSOLE_LINK_RETRY_FIRST_MS;
	text_copy(l->operator, sizeof l->operator, operator);
	return l;
}

void console_link_free(struct console_link *l)
{
	if (l == NULL)
		return;
	client_free(l->client);
	free(l);
}

/* Rests, a little longer after each failure; each console a little differently (the clock's last
 * digits), so that not all come back in the same instant. */
static void end(struct console_link *l, struct mono now, const char *what, const char *detail)
{
	int64_t jitter_ms = now.ns % 1000 * l->retry_ms / 4000;

	client_disconnect(l->client);
	l->why[0] = '\0';
	text_add(l->why, sizeof l->why, "%s%s%s", what, detail[0] != '\0' ? " : " : "", detail);
	l->stage = STAGE_RESTING;
	l->rest_until = mono_add_ms(now, l->retry_ms - jitter_ms);
	l->retry_ms *= 2;
	if (l->retry_ms > CONSOLE_LINK_RETRY_MAX_MS)
		l->retry_ms = CONSOLE_LINK_RETRY_MAX_MS;
	l->has_ended = true;
}

bool console_link_send(struct console_link *l, const Tocsin__V1__ConsoleMessage *message,
		       struct mono now)
{
	if (l->stage != STAGE_UP && l->stage != STAGE_GREETING)
		return false;
	/* A deadline of the real clock: this is the one place that waits. */
	if (client_send(l->client, &message->base,
			mono_add_ms(clock_mono(), CONSOLE_LINK_SEND_MS)) != CLIENT_OK) {
		end(l, now, "envoi impossible", client_why(l->client));
		return false;
	}
	l->beat_at = mono_add_ms(now, l->heartbeat_ms / 2);
	return true;
}

static void say_hello(struct console_link *l, struct mono now)
{
	Tocsin__V1__ConsoleMessage message = TOCSIN__V1__CONSOLE_MESSAGE__INIT;
	Tocsin__V1__ConsoleHello hello = TOCSIN__V1__CONSOLE_HELLO__INIT;
	uint32_t versions[] = { CONSOLE_LINK_VERSION };

	hello.versions = versions;
	hello.n_versions = 1;
	hello.operator_ = l->operator;
	hello.resume_after = l->resume_after;
	message.body_case = TOCSIN__V1__CONSOLE_MESSAGE__BODY_HELLO;
	message.hello = &hello;
	l->stage = STAGE_GREETING;
	console_link_send(l, &message, now);
}

static void say_heartbeat(struct console_link *l, struct mono now)
{
	Tocsin__V1__ConsoleMessage message = TOCSIN__V1__CONSOLE_MESSAGE__INIT;
	Tocsin__V1__ConsoleHeartbeat heartbeat = TOCSIN__V1__CONSOLE_HEARTBEAT__INIT;

	message.body_case = TOCSIN__V1__CONSOLE_MESSAGE__BODY_HEARTBEAT;
	message.heartbeat = &heartbeat;
	console_link_send(l, &message, now);
}

static void connect_further(struct console_link *l, struct mono now)
{
	switch (client_connect(l->client, (struct mono){ 0 })) {
	case CLIENT_OK: say_hello(l, now); break;
	case CLIENT_LOST: end(l, now, "pas de liaison", client_why(l->client)); break;
	case CLIENT_NOTHING: break;
	}
}

static bool welcome(struct console_link *l, struct mono now, const Tocsin__V1__ConsoleWelcome *w)
{
	int64_t heartbeat_s = w->heartbeat_s;

	if (w->version != CONSOLE_LINK_VERSION) {
		end(l, now, "le service parle une autre version", "");
		return false;
	}
	if (heartbeat_s < 1 || heartbeat_s > CONSOLE_LINK_HEARTBEAT_S_MAX)
		heartbeat_s = CONSOLE_LINK_HEARTBEAT_S_MAX;
	l->heartbeat_ms = heartbeat_s * 1000;
	l->beat_at = mono_add_ms(now, l->heartbeat_ms / 2);
	l->stage = STAGE_UP;
	l->why[0] = '\0';
	return true;
}

/* A message that came; what is not for the caller ends here. */
static enum console_link_event judge(struct console_link *l, struct mono now,
				     const Tocsin__V1__DeskMessage *m)
{
	if (m == NULL) {
		end(l, now, "le service a dit une chose illisible", "");
		return CONSOLE_LINK_NOTHING;
	}
	if (m->body_case == TOCSIN__V1__DESK_MESSAGE__BODY_BYE) {
		end(l, now, "fermée par le service", m->bye->reason);
		return CONSOLE_LINK_NOTHING;
	}
	bool is_welcome = m->body_case == TOCSIN__V1__DESK_MESSAGE__BODY_WELCOME;
	if (is_welcome != (l->stage == STAGE_GREETING)) {
		end(l, now, "le service n'a pas dit bonjour d'abord", "");
		return CONSOLE_LINK_NOTHING;
	}
	if (is_welcome && !welcome(l, now, m->welcome))
		return CONSOLE_LINK_NOTHING;
	l->silent_at = mono_add_ms(now, CONSOLE_LINK_SILENCE_BEATS * l->heartbeat_ms);
	return is_welcome ? CONSOLE_LINK_OPENED : CONSOLE_LINK_SAID;
}

static enum console_link_event listen_further(struct console_link *l, struct mono now,
					      Tocsin__V1__DeskMessage **message)
{
	const uint8_t *bytes;
	size_t length;

	switch (client_receive(l->client, (struct mono){ 0 }, &bytes, &length)) {
	case CLIENT_NOTHING: return CONSOLE_LINK_NOTHING;
	case CLIENT_LOST:
		end(l, now, "liaison coupée", client_why(l->client));
		return CONSOLE_LINK_NOTHING;
	case CLIENT_OK: break;
	}
	*message = tocsin__v1__desk_message__unpack(NULL, length, bytes);
	enum console_link_event event = judge(l, now, *message);
	if (event == CONSOLE_LINK_NOTHING && *message != NULL) {
		tocsin__v1__desk_message__free_unpacked(*message, NULL);
		*message = NULL;
	}
	return event;
}

enum console_link_event console_link_step(struct console_link *l, struct mono now,
					  Tocsin__V1__DeskMessage **message)
{
	enum console_link_event event = CONSOLE_LINK_NOTHING;

	*message = NULL;
	if (l->stage == STAGE_RESTING && !l->has_ended && l->rest_until.ns <= now.ns) {
		l->stage = STAGE_CONNECTING;
		l->greeted_until = mono_add_ms(now, CONSOLE_LINK_GREETING_MS);
	}
	if (l->stage == STAGE_CONNECTING)
		connect_further(l, now);
	if (l->stage == STAGE_GREETING || l->stage == STAGE_UP)
		event = listen_further(l, now, message);
	if (event == CONSOLE_LINK_NOTHING && l->stage == STAGE_UP) {
		if (mono_is_due(l->silent_at, now))
			end(l, now, "le service ne dit plus rien", "");
		else if (mono_is_due(l->beat_at, now))
			say_heartbeat(l, now);
	} else if ((l->stage == STAGE_CONNECTING || l->stage == STAGE_GREETING) &&
		   mono_is_due(l->greeted_until, now)) {
		end(l, now, "pas de réponse à temps", "");
	}
	if (event == CONSOLE_LINK_NOTHING && l->has_ended) {
		l->has_ended = false;
		return CONSOLE_LINK_ENDED;
	}
	return event;
}

void console_link_resume_after(struct console_link *l, const char *position)
{
	text_copy(l->resume_after, sizeof l->resume_after, position);
}

void console_link_is_good(struct console_link *l)
{
	l->retry_ms = CONSOLE_LINK_RETRY_FIRST_MS;
}

bool console_link_is_up(const struct console_link *l)
{
	return l->stage == STAGE_UP;
}

const char *console_link_why(const struct console_link *l)
{
	return l->why;
}

int console_link_fd(const struct console_link *l)
{
	return client_fd(l->client);
}

short console_link_events(const struct console_link *l)
{
	return client_events(l->client);
}

struct mono console_link_wake(const struct console_link *l)
{
	switch (l->stage) {
	case STAGE_RESTING: return l->rest_until;
	case STAGE_CONNECTING:
	case STAGE_GREETING: return l->greeted_until;
	default: return l->beat_at.ns < l->silent_at.ns ? l->beat_at : l->silent_at;
	}
}
