/* A console's link against a server of the test's own; the clock is the test's. */
#include "tool/console_link.h"

#include <poll.h>

#include "support/text.h"
#include "tests/unit/tls_peer.h"

/* One letter for each thing that the server does:
 *   h  reads a message      w  says welcome     i  says an incident     e  says end
 *   b  says bye             g  garbage          v  a welcome of another version
 *   .  closes the link                                                                 */
struct script {
	const char *connections[4];
	unsigned at;
	char seen[256]; /* messages that were read */
};

static void say(SSL *tls, char step)
{
	Tocsin__V1__DeskMessage m = TOCSIN__V1__DESK_MESSAGE__INIT;
	Tocsin__V1__ConsoleWelcome w = TOCSIN__V1__CONSOLE_WELCOME__INIT;
	Tocsin__V1__Incident i = TOCSIN__V1__INCIDENT__INIT;
	Tocsin__V1__End e = TOCSIN__V1__END__INIT;
	Tocsin__V1__ConsoleBye b = TOCSIN__V1__CONSOLE_BYE__INIT;

	w.version = step == 'v' ? 2 : 1, w.centre = "cic-77", w.heartbeat_s = 10;
	i.incident = "0192aa00-0000-7000-8000-000000000001";
	e.position = "1:7:42";
	b.reason = "draining";
	switch (step) {
	case 'v':
	case 'w': m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_WELCOME, m.welcome = &w; break;
	case 'i': m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_INCIDENT, m.incident = &i; break;
	case 'e': m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_END, m.end = &e; break;
	default: m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_BYE, m.bye = &b; break;
	}
	peer_send(tls, &m.base);
}

static bool hear(SSL *tls, struct script *s)
{
	uint8_t bytes[4096];
	long length = peer_receive(tls, bytes, sizeof bytes);
	Tocsin__V1__ConsoleMessage *m =
		length < 0 ? NULL
			   : tocsin__v1__console_message__unpack(NULL, (size_t)length, bytes);

	if (m == NULL)
		return false;
	if (m->body_case == TOCSIN__V1__CONSOLE_MESSAGE__BODY_HELLO)
		text_add(s->seen, sizeof s->seen, "hello %s %s;", m->hello->operator_,
			 m->hello->resume_after);
	else
		text_add(s->seen, sizeof s->seen, "%s;",
			 m->body_case == TOCSIN__V1__CONSOLE_MESSAGE__BODY_HEARTBEAT ? "beat"
										     : "act");
	tocsin__v1__console_message__free_unpacked(m, NULL);
	return true;
}

static void play(SSL *tls, struct peer *p)
{
	struct script *s = p->context;

	for (const char *step = s->connections[s->at++]; *step != '\0'; step++) {
		if (*step == '.')
			return;
		if (*step == 'g')
			SSL_write(tls, "\0\0\0\3\xff\xff\xff", 7);
		else if (*step != 'h')
			say(tls, *step);
		else if (!hear(tls, s))
			return;
	}
	if (s->connections[s->at] == NULL)
		peer_wait(p);
	else
		hear(tls, s); /* until the client goes */
}

static struct console_link *link_to(struct peer *p)
{
	struct client_identity identity;
	char why[CLIENT_WHY_SIZE];

	assert_true(client_identity_named(&identity, folder, "bracelet"));
	struct client *c = client_new(p->address, NULL, &identity, why);
	assert_non_null(c);
	struct console_link *l = console_link_new(c, "A. Martin");
	assert_non_null(l);
	return l;
}

/* Steps until something happens, with real waiting for the network and a clock that stands. */
static enum console_link_event next(struct console_link *l, struct mono now,
				    Tocsin__V1__DeskMessage **m)
{
	struct mono deadline = mono_add_ms(clock_mono(), 5000);

	for (;;) {
		enum console_link_event event = console_link_step(l, now, m);
		if (event != CONSOLE_LINK_NOTHING)
			return event;
		assert_false(mono_is_due(deadline, clock_mono()));
		struct pollfd ready = { .fd = console_link_fd(l),
					.events = console_link_events(l) };
		poll(&ready, 1, 100);
	}
}

static void assert_next(struct console_link *l, struct mono now, enum console_link_event expected)
{
	Tocsin__V1__DeskMessage *m;
	enum console_link_event event = next(l, now, &m);

	assert_int_equal(event, expected);
	assert_int_equal(m != NULL, event == CONSOLE_LINK_OPENED || event == CONSOLE_LINK_SAID);
	if (m != NULL)
		tocsin__v1__desk_message__free_unpacked(m, NULL);
}

static struct mono after(struct mono now, int64_t ms)
{
	return mono_add_ms(now, ms);
}

static void test_sign_in_and_listen(void **state)
{
	struct script s = { .connections = { "hwie" } };
	struct peer p = { .serve = play, .context = &s };
	struct mono now = clock_mono();
	Tocsin__V1__DeskMessage *m;

	(void)state;
	peer_start(&p, "server");
	struct console_link *l = link_to(&p);
	assert_false(console_link_is_up(l));
	assert_int_equal(next(l, now, &m), CONSOLE_LINK_OPENED);
	assert_string_equal(m->welcome->centre, "cic-77");
	tocsin__v1__desk_message__free_unpacked(m, NULL);
	assert_true(console_link_is_up(l));
	assert_int_equal(next(l, now, &m), CONSOLE_LINK_SAID);
	assert_int_equal(m->body_case, TOCSIN__V1__DESK_MESSAGE__BODY_INCIDENT);
	tocsin__v1__desk_message__free_unpacked(m, NULL);
	assert_next(l, now, CONSOLE_LINK_SAID);
	assert_int_equal(console_link_step(l, now, &m), CONSOLE_LINK_NOTHING);
	console_link_free(l);
	peer_stop(&p);
	assert_string_equal(s.seen, "hello A. Martin ;");
}

/* It says something every half beat, and takes two beats of silence for a loss. */
static void test_heartbeat_and_silence(void **state)
{
	struct script s = { .connections = { "hwh" } };
	struct peer p = { .serve = play, .context = &s };
	struct mono now = clock_mono();
	Tocsin__V1__DeskMessage *m;

	(void)state;
	peer_start(&p, "server");
	struct console_link *l = link_to(&p);
	assert_next(l, now, CONSOLE_LINK_OPENED);
	assert_int_equal(mono_ms_between(now, console_link_wake(l)), 5000);
	assert_int_equal(console_link_step(l, after(now, 4999), &m), CONSOLE_LINK_NOTHING);
	assert_int_equal(console_link_step(l, after(now, 5000), &m), CONSOLE_LINK_NOTHING);
	assert_int_equal(mono_ms_between(now, console_link_wake(l)), 10000);
	assert_int_equal(console_link_step(l, after(now, 19999), &m), CONSOLE_LINK_NOTHING);
	assert_true(console_link_is_up(l));
	assert_int_equal(console_link_step(l, after(now, 20000), &m), CONSOLE_LINK_ENDED);
	assert_string_equal(console_link_why(l), "le service ne dit plus rien");
	assert_false(console_link_is_up(l));
	console_link_free(l);
	peer_stop(&p);
	assert_string_equal(s.seen, "hello A. Martin ;beat;");
}

static void test_losses(void **state)
{
	static const struct {
		const char *steps;
		bool opens;
		const char *why;
	} rows[] = {
		{ "hb", false, "fermée par le service : draining" },
		{ "hwb", true, "fermée par le service : draining" },
		{ "hw.", true, "liaison coupée" },
		{ "h.", false, "liaison coupée" },
		{ "hg", false, "illisible" },
		{ "hwg", true, "illisible" },
		{ "hv", false, "une autre version" },
		{ "hi", false, "pas dit bonjour" },
		{ "hww", true, "pas dit bonjour" },
	};
	struct mono now = clock_mono();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct script s = { .connections = { rows[i].steps } };
		struct peer p = { .serve = play, .context = &s };
		peer_start(&p, "server");
		struct console_link *l = link_to(&p);
		if (rows[i].opens)
			assert_next(l, now, CONSOLE_LINK_OPENED);
		assert_next(l, now, CONSOLE_LINK_ENDED);
		if (strstr(console_link_why(l), rows[i].why) == NULL)
			fail_msg("row %zu: %s", i, console_link_why(l));
		Tocsin__V1__ConsoleMessage act = TOCSIN__V1__CONSOLE_MESSAGE__INIT;
		assert_false(console_link_send(l, &act, now));
		console_link_free(l);
		peer_stop(&p);
	}
}

/* Comes back by itself, resumes, and rests longer after each failure until all was shown again. */
static void test_comes_back(void **state)
{
	struct script s = { .connections = { "hwe.", "h.", "hwe" } };
	struct peer p = { .serve = play, .context = &s, .connections = 3 };
	struct mono now = clock_mono();
	Tocsin__V1__DeskMessage *m;

	(void)state;
	peer_start(&p, "server");
	struct console_link *l = link_to(&p);
	assert_next(l, now, CONSOLE_LINK_OPENED);
	assert_next(l, now, CONSOLE_LINK_SAID);
	console_link_resume_after(l, "1:7:42");
	console_link_is_good(l);
	assert_next(l, now, CONSOLE_LINK_ENDED);
	int64_t rest_ms = mono_ms_between(now, console_link_wake(l));
	assert_in_range(rest_ms, 149, 200);
	assert_int_equal(console_link_step(l, after(now, 100), &m), CONSOLE_LINK_NOTHING);
	assert_int_equal(console_link_fd(l), -1);
	now = after(now, 200);
	assert_next(l, now, CONSOLE_LINK_ENDED);
	assert_in_range(mono_ms_between(now, console_link_wake(l)), 299, 400);
	now = after(now, 400);
	assert_next(l, now, CONSOLE_LINK_OPENED);
	assert_next(l, now, CONSOLE_LINK_SAID);
	console_link_free(l);
	peer_stop(&p);
	assert_string_equal(s.seen,
			    "hello A. Martin ;hello A. Martin 1:7:42;hello A. Martin 1:7:42;");
}

/* Nobody there, for long: an attempt every two seconds at most, and never in a row. */
static void test_nobody_there(void **state)
{
	struct peer p = { .serve = NULL };
	struct mono now = clock_mono();
	unsigned attempts = 0;

	(void)state;
	peer_start(&p, "server");
	struct console_link *l = link_to(&p);
	peer_stop(&p);
	for (struct mono end = after(now, 60000); now.ns < end.ns; attempts++) {
		assert_next(l, now, CONSOLE_LINK_ENDED);
		assert_non_null(strstr(console_link_why(l), "refused"));
		int64_t rest_ms = mono_ms_between(now, console_link_wake(l));
		assert_in_range(rest_ms, 149, CONSOLE_LINK_RETRY_MAX_MS);
		now = console_link_wake(l);
	}
	assert_in_range(attempts, 30, 50);
	console_link_free(l);
}

/* A server that takes the connection and says nothing. */
static void test_no_welcome(void **state)
{
	struct peer p = { .serve = NULL };
	struct mono now = clock_mono();
	Tocsin__V1__DeskMessage *m;

	(void)state;
	peer_start(&p, "server");
	struct console_link *l = link_to(&p);
	assert_int_equal(console_link_step(l, now, &m), CONSOLE_LINK_NOTHING);
	assert_int_equal(mono_ms_between(now, console_link_wake(l)), CONSOLE_LINK_GREETING_MS);
	assert_int_equal(console_link_step(l, after(now, CONSOLE_LINK_GREETING_MS), &m),
			 CONSOLE_LINK_ENDED);
	assert_string_equal(console_link_why(l), "pas de réponse à temps");
	console_link_free(l);
	peer_stop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign_in_and_listen),
		cmocka_unit_test(test_heartbeat_and_silence),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_no_welcome),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
