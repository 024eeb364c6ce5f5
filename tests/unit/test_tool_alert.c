/* The verb alert against a server of the test's own: what it sends, what it prints, and how it ends
 * with each kind of answer. */
#include "tool/verb.h"

#include <sys/wait.h>

#include "proto/sender.pb-c.h"
#include "support/text.h"
#include "tests/unit/tls_peer.h"

#define RECEIPT  "0192aa00-0000-7000-8000-0000000000aa"
#define INCIDENT "0192aa00-0000-7000-8000-0000000000bb"

/* What the server does behind the welcome, one step for each letter:
 *   a  reads a message and says its receipt     r  the same, as a repeat
 *   b  reads one and says bye                   f  reads one and refuses it
 *   s  reads one and says nothing               e  reads one, an empty receipt
 *   o  says a receipt of another message        t, c  says the state taken, closed
 *   g  sends a frame that is no message         .  closes the link                       */
struct script {
	const char *steps;
	char seen[1024]; /* the messages that were read, in words */
	uint64_t frames;
};

static void see(struct script *s, const Tocsin__V1__SenderMessage *m)
{
	if (m->body_case == TOCSIN__V1__SENDER_MESSAGE__BODY_HELLO)
		text_add(s->seen, sizeof s->seen, "hello %u;", m->hello->versions[0]);
	else if (m->body_case == TOCSIN__V1__SENDER_MESSAGE__BODY_ALERT)
		text_add(s->seen, sizeof s->seen, "alert %s %u;", m->alert->id, m->alert->kind);
	else if (m->body_case == TOCSIN__V1__SENDER_MESSAGE__BODY_CALL)
		text_add(s->seen, sizeof s->seen, "call %s %u;", m->call->id, m->call->phase);
}

static bool read_one(SSL *tls, struct script *s)
{
	uint8_t bytes[4096];
	long length = peer_receive(tls, bytes, sizeof bytes);
	Tocsin__V1__SenderMessage *m =
		length < 0 ? NULL : tocsin__v1__sender_message__unpack(NULL, (size_t)length, bytes);

	if (m == NULL)
		return false;
	s->frames++;
	see(s, m);
	tocsin__v1__sender_message__free_unpacked(m, NULL);
	return true;
}

static void say_receipt(SSL *tls, uint64_t frame, char step)
{
	Tocsin__V1__ServerMessage m = TOCSIN__V1__SERVER_MESSAGE__INIT;
	Tocsin__V1__Receipt r = TOCSIN__V1__RECEIPT__INIT;

	r.id = "x", r.frame = frame, r.repeat = step == 'r';
	if (step == 'f')
		r.refused = "busy";
	else if (step != 'e')
		r.receipt = RECEIPT, r.incident = INCIDENT, r.priority = 1;
	m.body_case = TOCSIN__V1__SERVER_MESSAGE__BODY_RECEIPT, m.receipt = &r;
	peer_send(tls, &m.base);
}

static void say_state(SSL *tls, Tocsin__V1__State state)
{
	Tocsin__V1__ServerMessage m = TOCSIN__V1__SERVER_MESSAGE__INIT;
	Tocsin__V1__AlertState s = TOCSIN__V1__ALERT_STATE__INIT;

	s.receipt = RECEIPT, s.state = state;
	m.body_case = TOCSIN__V1__SERVER_MESSAGE__BODY_STATE, m.state = &s;
	peer_send(tls, &m.base);
}

static void say_bye(SSL *tls)
{
	Tocsin__V1__ServerMessage m = TOCSIN__V1__SERVER_MESSAGE__INIT;
	Tocsin__V1__Bye bye = TOCSIN__V1__BYE__INIT;

	bye.reason = "draining";
	m.body_case = TOCSIN__V1__SERVER_MESSAGE__BODY_BYE, m.bye = &bye;
	peer_send(tls, &m.base);
}

static void play(SSL *tls, struct peer *p)
{
	struct script *s = p->context;
	Tocsin__V1__ServerMessage m = TOCSIN__V1__SERVER_MESSAGE__INIT;
	Tocsin__V1__Welcome welcome = TOCSIN__V1__WELCOME__INIT;

	if (!read_one(tls, s))
		return;
	welcome.version = 1, welcome.node = "demo", welcome.source = "bracelet";
	m.body_case = TOCSIN__V1__SERVER_MESSAGE__BODY_WELCOME, m.welcome = &welcome;
	peer_send(tls, &m.base);
	for (const char *step = s->steps; *step != '\0'; step++) {
		if (strchr("arbfse", *step) != NULL && !read_one(tls, s))
			return;
		switch (*step) {
		case 'b': say_bye(tls); break;
		case 's': break;
		case 'o': say_receipt(tls, 99, 'a'); break;
		case 't': say_state(tls, TOCSIN__V1__STATE__STATE_TAKEN); break;
		case 'c': say_state(tls, TOCSIN__V1__STATE__STATE_CLOSED); break;
		case 'g': SSL_write(tls, "\0\0\0\3\xff\xff\xff", 7); break;
		case '.': return;
		default: say_receipt(tls, s->frames, *step);
		}
	}
	peer_wait(p);
}

struct outcome {
	int exit_code;
	char out[4096], err[1024];
};

static void read_all(int fd, char *out, size_t size)
{
	size_t have = 0;
	ssize_t got;

	while (have < size - 1 && (got = read(fd, out + have, size - 1 - have)) > 0)
		have += (size_t)got;
	out[have] = '\0';
	close(fd);
}

/* In a process of its own, as it is used: a verb's options are read once. */
static void run(struct script *s, struct outcome *o, const char *words)
{
	struct peer p = { .serve = play, .context = s };
	char line[512], *argv[40], *save = NULL;
	int argc = 0, out[2], err[2], status;

	peer_listen(&p, "server");
	snprintf(line, sizeof line, "alert --server %s --identities %s --identity bracelet %s",
		 p.address, folder, words);
	for (char *word = strtok_r(line, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	assert_int_equal(pipe(out), 0);
	assert_int_equal(pipe(err), 0);
	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		int code = alert_verb(argc, argv);
		fflush(NULL);
		_exit(code);
	}
	peer_serve(&p);
	close(out[1]), close(err[1]);
	read_all(out[0], o->out, sizeof o->out);
	read_all(err[0], o->err, sizeof o->err);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	o->exit_code = WEXITSTATUS(status);
	peer_stop(&p);
}

/* Each answer of a server, and how the verb ends with it. */
static void test_endings(void **state)
{
	static const struct {
		const char *steps, *words;
		int exit_code;
		const char *out, *err;
	} rows[] = {
		{ "a", "", 0, "receipt " RECEIPT "\tincident " INCIDENT "\tpriority 1\t", "" },
		{ "oa", "", 0, "receipt " RECEIPT, "" },
		{ "ta", "", 0, "receipt " RECEIPT, "" },
		{ "arr", "--repeat 3", 0, "repeat", "" },
		{ "e", "--call presented", 0, "no match: nothing was kept", "" },
		{ "atc", "--follow 5", 0, "\tclosed\n", "" },
		{ "at", "--follow 0.1", 0, "\ttaken\n", "" },
		{ "f", "", 1, "", "refused: busy" },
		{ "s", "--timeout 0.2", 1, "", "no receipt in time" },
		{ "os", "--timeout 0.2", 1, "", "no receipt in time" },
		{ "b", "", 1, "", "the server closed the link: draining" },
		{ "s.", "", 1, "", "link lost" },
		{ "g", "", 1, "", "no message" },
		{ ".", "", 1, "", "link lost" },
		{ "ar", "--repeat 3 --timeout 0.2", 1, "repeat", "no receipt in time" },
		{ "a.", "--follow 5", 1, "receipt " RECEIPT, "link lost" },
		{ "", "--lat 48", 2, "", "go together" },
		{ "", "--identity nobody", 1, "", "nobody.pem: No such file" },
		{ "", "--timeout soon", 2, "", "--timeout" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct script s = { .steps = rows[i].steps };
		struct outcome o;
		run(&s, &o, rows[i].words);
		if (o.exit_code != rows[i].exit_code || strstr(o.out, rows[i].out) == NULL ||
		    strstr(o.err, rows[i].err) == NULL)
			fail_msg("row %zu: %d, '%s', '%s'", i, o.exit_code, o.out, o.err);
		assert_int_equal(o.exit_code == 0, o.err[0] == '\0');
	}
}

static void test_what_is_sent(void **state)
{
	struct script s = { .steps = "arr" };
	struct outcome o;

	(void)state;
	run(&s, &o, "--id P-1 --kind duress --repeat 3");
	assert_int_equal(o.exit_code, 0);
	assert_string_equal(s.seen, "hello 1;alert P-1 2;alert P-1 2;alert P-1 2;");
	s = (struct script){ .steps = "a" };
	run(&s, &o, "--id C-1 --call abandoned");
	assert_int_equal(o.exit_code, 0);
	assert_string_equal(s.seen, "hello 1;call C-1 3;");
}

static void test_json(void **state)
{
	struct script s = { .steps = "atc" };
	struct outcome o;

	(void)state;
	run(&s, &o, "--json --follow 5");
	assert_int_equal(o.exit_code, 0);
	assert_non_null(strstr(o.out, "\"receipt\":\"" RECEIPT "\",\"incident\":\"" INCIDENT
				      "\",\"priority\":1,\"repeat\":false,\"refused\":null,"
				      "\"source\":\"bracelet\",\"node\":\"demo\",\"sent_at\":\""));
	assert_non_null(strstr(o.out, "\"took_ms\":"));
	assert_non_null(strstr(o.out, "\"state\":\"closed\"}\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endings),
		cmocka_unit_test(test_what_is_sent),
		cmocka_unit_test(test_json),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
