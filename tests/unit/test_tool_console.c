/* The verb console as it is used, against a server of the test's own: by a program, and by a person
 * on a terminal. */
#include "tool/verb.h"

#include "proto/console.pb-c.h"
#include "support/text.h"
#include "tests/unit/pty_child.h"
#include "tests/unit/tls_peer.h"

#define ID "0192aa00-0000-7000-8000-00000000000"

static void send_incident(SSL *tls, const char *id, unsigned revision, Tocsin__V1__State state)
{
	Tocsin__V1__DeskMessage m = TOCSIN__V1__DESK_MESSAGE__INIT;
	Tocsin__V1__Incident i = TOCSIN__V1__INCIDENT__INIT;
	Tocsin__V1__Centre ours = TOCSIN__V1__CENTRE__INIT;
	Tocsin__V1__Centre *centres[] = { &ours };
	Tocsin__V1__Person person = TOCSIN__V1__PERSON__INIT;
	Tocsin__V1__Person *people[] = { &person };

	ours.id = "cic-77", ours.role = "owner", person.name = "Dr Camille Exemple";
	i.incident = (char *)id, i.revision = revision, i.state = state, i.priority = 1;
	i.position = "1:7:1", i.kind = TOCSIN__V1__KIND__KIND_PANIC, i.recorded = 1;
	i.centres = centres, i.n_centres = 1, i.raised_at = clock_wall().us;
	i.practitioners = people, i.n_practitioners = 1;
	if (state == TOCSIN__V1__STATE__STATE_TAKEN)
		i.taken_by = "A. Martin", i.taken_at_centre = "cic-77";
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_INCIDENT, m.incident = &i;
	peer_send(tls, &m.base);
}

static void send_snapshot(SSL *tls)
{
	Tocsin__V1__DeskMessage m = TOCSIN__V1__DESK_MESSAGE__INIT;
	Tocsin__V1__ConsoleWelcome w = TOCSIN__V1__CONSOLE_WELCOME__INIT;
	Tocsin__V1__Begin begin = TOCSIN__V1__BEGIN__INIT;
	Tocsin__V1__End end = TOCSIN__V1__END__INIT;

	w.version = 1, w.centre = "cic-77", w.centre_name = "CIC 77", w.heartbeat_s = 60;
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_WELCOME, m.welcome = &w;
	peer_send(tls, &m.base);
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_BEGIN, m.begin = &begin;
	peer_send(tls, &m.base);
	send_incident(tls, ID "1", 1, TOCSIN__V1__STATE__STATE_OPEN);
	end.position = "1:7:1";
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_END, m.end = &end;
	peer_send(tls, &m.base);
}

static void send_answer(SSL *tls, const char *ref, bool done)
{
	Tocsin__V1__DeskMessage m = TOCSIN__V1__DESK_MESSAGE__INIT;
	Tocsin__V1__Answer a = TOCSIN__V1__ANSWER__INIT;

	a.ref = (char *)ref, a.done = done, a.reason = done ? "" : "no-offer";
	m.body_case = TOCSIN__V1__DESK_MESSAGE__BODY_ANSWER, m.answer = &a;
	peer_send(tls, &m.base);
}

/* Takes what it is told to take; a note brings a second incident, a refusal is refused. */
static bool obey(SSL *tls, const Tocsin__V1__Act *act)
{
	if (act->verb == TOCSIN__V1__VERB__VERB_TAKE)
		send_incident(tls, act->incident, 2, TOCSIN__V1__STATE__STATE_TAKEN);
	if (act->verb == TOCSIN__V1__VERB__VERB_NOTE)
		send_incident(tls, ID "2", 1, TOCSIN__V1__STATE__STATE_OPEN);
	send_answer(tls, act->ref, act->verb != TOCSIN__V1__VERB__VERB_REFUSE);
	return act->verb != TOCSIN__V1__VERB__VERB_RELEASE; /* which cuts the link */
}

static void serve(SSL *tls, struct peer *p)
{
	uint8_t bytes[4096];
	long length;
	bool goes_on = true;

	(void)p;
	while (goes_on && (length = peer_receive(tls, bytes, sizeof bytes)) >= 0) {
		Tocsin__V1__ConsoleMessage *m =
			tocsin__v1__console_message__unpack(NULL, (size_t)length, bytes);
		if (m == NULL)
			return;
		if (m->body_case == TOCSIN__V1__CONSOLE_MESSAGE__BODY_HELLO)
			send_snapshot(tls);
		else if (m->body_case == TOCSIN__V1__CONSOLE_MESSAGE__BODY_ACT)
			goes_on = obey(tls, m->act);
		tocsin__v1__console_message__free_unpacked(m, NULL);
	}
}

static int run(void *words)
{
	char *argv[40], *save = NULL;
	int argc = 0;

	for (char *word = strtok_r(words, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	return console_verb(argc, argv);
}

static struct pty_child child;

static void start(struct peer *p, const char *more)
{
	char words[512];

	p->serve = serve;
	peer_listen(p, "server");
	snprintf(words, sizeof words, "console --server %s --identities %s --identity bracelet %s",
		 p->address, folder, more);
	pty_start(&child, run, words, 24, 120);
	peer_serve(p);
}

/* Looks, takes and leaves, as one does. */
static void test_person(void **state)
{
	struct peer p = { 0 };

	(void)state;
	start(&p, "--centre cic-77");
	pty_wait(&child, "Nom de l'opérateur : ");
	pty_type(&child, "\r");
	pty_type(&child, "A. Martin\r");
	pty_wait(&child, "À PRENDRE · agression · Dr Camille Exemple");
	pty_wait(&child, "CIC 77 · A. Martin · 1 incident ouvert, 1 À PRENDRE");
	pty_wait(&child, "\a");
	pty_type(&child, "1\r");
	pty_wait(&child, "n° 1 — PRIORITÉ 1 — agression — À PRENDRE");
	pty_type(&child, "take 1\r");
	pty_wait(&child, "n° 1  P1  pris par A. Martin (cic-77)");
	pty_wait(&child, "take 1 : fait");
	pty_type(&child, "refuse 1\r");
	pty_wait(&child, "refuse 1 : refusé, aucun transfert n'est proposé");
	pty_type(&child, "\003\004quit\r");
	assert_int_equal(pty_stop(&child), 0);
	peer_stop(&p);
}

/* What is being typed survives whatever arrives. */
static void test_typing_is_kept(void **state)
{
	struct peer p = { 0 };

	(void)state;
	start(&p, "--centre cic-77 --operator A.Martin");
	pty_wait(&child, "1 À PRENDRE");
	pty_type(&child, "note 1 x\rnote 1 rappelée et");
	size_t arrived = pty_wait_from(&child, 0, "n° 2  P1  NOUVEAU");
	pty_wait_from(&child, arrived, "> note 1 rappelée et\r");
	pty_type(&child, "\003quit\r");
	pty_wait(&child, "quit encore une fois");
	pty_type(&child, "quit\r");
	assert_int_equal(pty_stop(&child), 0);
	peer_stop(&p);
}

/* A link that is cut is loud, and comes back by itself. */
static void test_link_comes_back(void **state)
{
	struct peer p = { .connections = 2 };

	(void)state;
	start(&p, "--centre cic-77 --operator A.Martin");
	pty_wait(&child, "1 À PRENDRE");
	pty_type(&child, "release 1\r");
	pty_wait(&child, "LIAISON PERDUE : des alarmes peuvent manquer");
	pty_wait(&child, "liaison rétablie après");
	pty_type(&child, "quit\rquit\r");
	assert_int_equal(pty_stop(&child), 0);
	peer_stop(&p);
}

static void test_wrong_centre(void **state)
{
	struct peer p = { 0 };

	(void)state;
	start(&p, "--centre corg-77 --operator A.Martin");
	pty_wait(&child, "ce certificat est celui du centre cic-77, pas de corg-77");
	assert_int_equal(pty_stop(&child), 1);
	peer_stop(&p);
}

static void test_usage(void **state)
{
	struct peer p = { 0 };

	(void)state;
	start(&p, "--operator A.Martin");
	pty_wait(&child, "--centre is missing");
	assert_int_equal(pty_stop(&child), 2);
	peer_stop(&p);
}

struct piped {
	const char *in;
	char out[8192], err[8192];
	int exit_code;
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

static void run_piped(struct piped *o, const char *more)
{
	struct peer p = { .serve = serve };
	char words[512];
	int in[2], out[2], err[2], status;

	peer_listen(&p, "server");
	snprintf(words, sizeof words, "console --server %s --identities %s --identity bracelet %s",
		 p.address, folder, more);
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	assert_int_equal(pipe(err), 0);
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(in[1]);
		dup2(in[0], STDIN_FILENO), dup2(out[1], STDOUT_FILENO), dup2(err[1], STDERR_FILENO);
		int code = run(words);
		fflush(NULL);
		_exit(code);
	}
	peer_serve(&p);
	close(in[0]), close(out[1]), close(err[1]);
	assert_int_equal(write(in[1], o->in, strlen(o->in)), strlen(o->in));
	read_all(out[0], o->out, sizeof o->out);
	read_all(err[0], o->err, sizeof o->err);
	close(in[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	o->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	peer_stop(&p);
}

static unsigned count_lines(const char *text)
{
	unsigned lines = 0;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		lines++;
	return lines;
}

static void test_program_ends(void **state)
{
	struct piped o = { .in = "quit\n" };

	(void)state;
	run_piped(&o, "--centre cic-77 --operator P --json");
	assert_int_equal(o.exit_code, 0);
	assert_null(strchr(o.out, '>'));
	run_piped(&o, "--centre cic-77 --json");
	assert_int_equal(o.exit_code, 2);
	assert_non_null(strstr(o.err, "--operator is missing"));
	o.in = "";
	run_piped(&o, "--centre corg-77 --operator P --json");
	assert_int_equal(o.exit_code, 1);
	assert_non_null(strstr(o.err, "celui du centre cic-77"));
}

/* By a program that reads before it writes. */
static void test_program_acts(void **state)
{
	struct peer p = { .serve = serve };
	char words[512], out_text[8192] = "";
	int in[2], out[2], status;

	(void)state;
	peer_listen(&p, "server");
	snprintf(words, sizeof words,
		 "console --server %s --identities %s --identity bracelet --centre cic-77 "
		 "--operator P --json",
		 p.address, folder);
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(in[1]);
		dup2(in[0], STDIN_FILENO), dup2(out[1], STDOUT_FILENO), dup2(out[1], STDERR_FILENO);
		int code = run(words);
		fflush(NULL);
		_exit(code);
	}
	peer_serve(&p);
	close(in[0]), close(out[1]);
	const char *const steps[][2] = {
		{ "\"type\":\"end\"", "take " ID "1\n" },
		{ "\"type\":\"answer\",\"ref\":\"1\",\"done\":true", "refuse 1\n" },
		{ "\"type\":\"answer\",\"ref\":\"2\",\"done\":false,\"reason\":\"no-offer\"",
		  "quit\n" },
	};
	size_t have = 0, step = 0;
	ssize_t got;
	while ((got = read(out[0], out_text + have, sizeof out_text - 1 - have)) > 0) {
		have += (size_t)got;
		if (step < 3 && strstr(out_text, steps[step][0]) != NULL) {
			size_t length = strlen(steps[step][1]);
			assert_int_equal(write(in[1], steps[step][1], length), length);
			step++;
		}
	}
	close(out[0]), close(in[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(step, 3);
	assert_non_null(strstr(out_text, "{\"incident\":\"" ID "1\",\"revision\":1,"));
	assert_non_null(strstr(out_text, "{\"incident\":\"" ID "1\",\"revision\":2,"));
	assert_int_equal(count_lines(out_text),
			 7); /* welcome, begin, two revisions, end, two answers */
	peer_stop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_person),          cmocka_unit_test(test_typing_is_kept),
		cmocka_unit_test(test_link_comes_back), cmocka_unit_test(test_wrong_centre),
		cmocka_unit_test(test_usage),           cmocka_unit_test(test_program_ends),
		cmocka_unit_test(test_program_acts),
	};
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
