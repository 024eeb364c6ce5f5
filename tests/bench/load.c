/*
 * An open-loop load: alerts leave at their scheduled times whatever the answers do, and every
 * latency counts from the scheduled time. Beside it, in the same seconds, the canary: a plain
 * single-row INSERT commit, 50 times a second, on a connection of its own to the same PostgreSQL.
 * Absolute times drift from machine to machine; the ratio to the canary holds.
 *
 *     load --alerts A:P --consoles A:P --identities DIR --rate N --seconds N [--senders N]
 *          [--watchers N] [--canary CONNINFO] [--flight N] [--persons N]
 *
 * --rate 0: as many as are taken, with --flight alerts in flight on each link. One line of JSON.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "proto/console.pb-c.h"
#include "proto/sender.pb-c.h"
#include "support/clock.h"
#include "support/text.h"
#include "tool/client.h"

#define SENDERS_MAX      1024
#define WATCHERS_MAX     16
#define LINK_WAIT_MS     10000
#define CANARY_PERIOD_MS 20
#define SETTLE_MS        3000 /* for the last answers */

struct series {
	size_t count, room;
	int64_t *us;
};

struct peer {
	struct client *client;
	bool is_watcher;
	unsigned in_flight, window;
};

static struct {
	const char *alerts, *consoles, *identities, *canary, *persons_prefix;
	int64_t rate, seconds, senders, watchers, flight, persons;
	struct peer peers[SENDERS_MAX + WATCHERS_MAX];
	int epoll;
	int64_t *scheduled_us; /* by sequence */
	uint8_t *shown_by;     /* how many watchers have it */
	size_t sent, sent_max, receipts, repeats, refused, views, unrecorded;
	struct series late, receipt, shown, canary_us;
	struct mono began;
} load;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "load: %s: %s\n", what, why);
	exit(2);
}

static void series_add(struct series *s, int64_t us)
{
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 65536;
		s->us = realloc(s->us, s->room * sizeof *s->us);
		if (s->us == NULL)
			die("memory", strerror(errno));
	}
	s->us[s->count++] = us;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static int64_t series_at(struct series *s, double part)
{
	if (s->count == 0)
		return -1;
	qsort(s->us, s->count, sizeof *s->us, by_value);
	size_t place = (size_t)(part * (double)(s->count - 1) + 0.5);
	return s->us[place];
}

static int64_t now_us(void)
{
	return mono_us_between(load.began, clock_mono());
}

static struct mono soon(void)
{
	return mono_add_ms(clock_mono(), LINK_WAIT_MS);
}

static void send_or_die(struct peer *p, const ProtobufCMessage *m)
{
	if (client_send(p->client, m, soon()) != CLIENT_OK)
		die("link lost", client_why(p->client));
}

static void open_peer(struct peer *p, bool is_watcher)
{
	char why[CLIENT_WHY_SIZE];
	struct client_identity identity;
	uint32_t version = 1;
	if (!client_identity_named(&identity, load.identities,
	                           is_watcher ? "console-cic" : "bench"))
		die("identities", load.identities);
	p->is_watcher = is_watcher;
	p->client = client_new(is_watcher ? load.consoles : load.alerts, NULL, &identity, why);
	if (p->client == NULL)
		die("client", why);
	if (client_connect(p->client, soon()) != CLIENT_OK)
		die("connect", client_why(p->client));
	Tocsin__V1__SenderMessage s = TOCSIN__V1__SENDER_MESSAGE__INIT;
	Tocsin__V1__Hello h = TOCSIN__V1__HELLO__INIT;
	Tocsin__V1__ConsoleMessage c = TOCSIN__V1__CONSOLE_MESSAGE__INIT;
	Tocsin__V1__ConsoleHello ch = TOCSIN__V1__CONSOLE_HELLO__INIT;
	h.n_versions = ch.n_versions = 1;
	h.versions = ch.versions = &version;
	h.instance = "bench";
	ch.operator_ = "bench";
	s.body_case = TOCSIN__V1__SENDER_MESSAGE__BODY_HELLO;
	s.hello = &h;
	c.body_case = TOCSIN__V1__CONSOLE_MESSAGE__BODY_HELLO;
	c.hello = &ch;
	send_or_die(p, is_watcher ? &c.base : &s.base);
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = p };
	if (epoll_ctl(load.epoll, EPOLL_CTL_ADD, client_fd(p->client), &e) != 0)
		die("epoll", strerror(errno));
}

static void send_alert(struct peer *p, int64_t scheduled_us)
{
	char id[32], note[32], number[32], name[32];
	size_t n = load.sent;
	Tocsin__V1__SenderMessage m = TOCSIN__V1__SENDER_MESSAGE__INIT;
	Tocsin__V1__Alert a = TOCSIN__V1__ALERT__INIT;
	Tocsin__V1__StatedPerson person = TOCSIN__V1__STATED_PERSON__INIT;
	if (n == load.sent_max)
		die("sequence", "more alerts than planned");
	snprintf(id, sizeof id, "%lld-%zu", (long long)load.began.ns, n);
	snprintf(note, sizeof note, "seq %zu", n);
	a.id = id;
	a.kind = TOCSIN__V1__KIND__KIND_RELAY;
	a.note = note;
	a.commune = "77288";
	if (load.persons > 0) { /* spread over all that are registered; +999 is nobody's country */
		snprintf(number, sizeof number, "+9990%08lld",
		         (long long)((n % 1000) * (size_t)(load.persons / 1000)));
		a.number = number;
	} else {
		snprintf(name, sizeof name, "Personne %zu", n);
		person.name = name;
		a.person = &person;
	}
	m.body_case = TOCSIN__V1__SENDER_MESSAGE__BODY_ALERT;
	m.alert = &a;
	load.scheduled_us[n] = scheduled_us;
	load.sent++;
	p->in_flight++;
	series_add(&load.late, now_us() - scheduled_us);
	send_or_die(p, &m.base);
}

static void on_receipt(struct peer *p, const Tocsin__V1__Receipt *r)
{
	const char *dash = strchr(r->id, '-');
	size_t n = dash != NULL ? strtoull(dash + 1, NULL, 10) : load.sent_max;
	p->in_flight--;
	load.receipts++;
	load.refused += r->refused[0] != '\0';
	load.repeats += r->repeat;
	if (n < load.sent)
		series_add(&load.receipt, now_us() - load.scheduled_us[n]);
}

/* An alert is shown when the last of the watchers has it, recorded. */
static void on_incident(const Tocsin__V1__Incident *i)
{
	load.views++;
	if (strncmp(i->note, "seq ", 4) != 0)
		return;
	size_t n = strtoull(i->note + 4, NULL, 10);
	load.unrecorded += !i->recorded;
	if (n < load.sent && ++load.shown_by[n] == load.watchers)
		series_add(&load.shown, now_us() - load.scheduled_us[n]);
}

static void receive(struct peer *p)
{
	const uint8_t *bytes;
	size_t length;
	enum client_status status;
	while ((status = client_receive(p->client, (struct mono){ 1 }, &bytes, &length)) ==
	       CLIENT_OK) {
		if (p->is_watcher && load.rate == 0) {
			load.views++; /* counted, not read: the generator shares the machine */
		} else if (p->is_watcher) {
			Tocsin__V1__DeskMessage *m =
			        tocsin__v1__desk_message__unpack(NULL, length, bytes);
			if (m != NULL && m->body_case == TOCSIN__V1__DESK_MESSAGE__BODY_INCIDENT)
				on_incident(m->incident);
			tocsin__v1__desk_message__free_unpacked(m, NULL);
		} else {
			Tocsin__V1__ServerMessage *m =
			        tocsin__v1__server_message__unpack(NULL, length, bytes);
			if (m != NULL && m->body_case == TOCSIN__V1__SERVER_MESSAGE__BODY_RECEIPT)
				on_receipt(p, m->receipt);
			else if (m != NULL &&
			         m->body_case == TOCSIN__V1__SERVER_MESSAGE__BODY_WELCOME)
				p->window = m->welcome->window;
			tocsin__v1__server_message__free_unpacked(m, NULL);
		}
	}
	if (status == CLIENT_LOST)
		die("link lost", client_why(p->client));
}

static void wait_for_peers(int64_t wait_us)
{
	struct epoll_event events[64];
	struct timespec wait = { wait_us / 1000000, wait_us % 1000000 * 1000 };
	int count = epoll_pwait2(load.epoll, events, 64, wait_us < 0 ? NULL : &wait, NULL);
	for (int n = 0; n < count; n++)
		receive(events[n].data.ptr);
}

/* The yardstick. Its own lateness counts as well: it is open-loop too. */
static atomic_bool canary_stop;

static void *canary(void *arg)
{
	(void)arg;
	PGconn *conn = PQconnectdb(load.canary);
	if (PQstatus(conn) != CONNECTION_OK)
		die("canary", PQerrorMessage(conn));
	PQclear(PQexec(conn,
	               "CREATE TABLE IF NOT EXISTS bench_canary (at timestamptz, filler text)"));
	int64_t next = now_us();
	while (!atomic_load(&canary_stop)) {
		struct mono due = { load.began.ns + next * 1000 };
		struct timespec at = { due.ns / 1000000000, due.ns % 1000000000 };
		clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &at, NULL);
		int64_t from = now_us();
		PGresult *r =
		        PQexec(conn, "INSERT INTO bench_canary VALUES (now(), repeat('x', 200))");
		if (PQresultStatus(r) != PGRES_COMMAND_OK)
			die("canary", PQerrorMessage(conn));
		PQclear(r);
		series_add(&load.canary_us, now_us() - from);
		next += CANARY_PERIOD_MS * 1000;
		if (next < now_us())
			next = now_us();
	}
	PQfinish(conn);
	return NULL;
}

static void run_open_loop(void)
{
	int64_t total = load.rate * load.seconds;
	int64_t begin = now_us() + 10000;
	for (int64_t n = 0; n < total;) {
		int64_t due = begin + n * 1000000 / load.rate, now = now_us();
		struct peer *p = &load.peers[n % load.senders];
		if (now < due) {
			wait_for_peers(due - now);
		} else if (p->in_flight >= p->window) {
			wait_for_peers(1000); /* the delay counts: latency is from `due` */
		} else {
			send_alert(p, due);
			n++;
		}
	}
}

static void run_closed_loop(void)
{
	int64_t until = now_us() + load.seconds * 1000000;
	while (now_us() < until) {
		for (int64_t n = 0; n < load.senders; n++)
			while (load.peers[n].in_flight < load.flight)
				send_alert(&load.peers[n], now_us());
		wait_for_peers(1000);
	}
}

static void settle(void)
{
	int64_t until = now_us() + SETTLE_MS * 1000;
	while (now_us() < until &&
	       (load.receipts < load.sent ||
	        (load.watchers > 0 && load.shown.count < load.sent && load.persons == 0)))
		wait_for_peers(10000);
}

static void report(int64_t took_us)
{
	double late = 0;
	for (size_t n = 0; n < load.late.count; n++)
		late += load.late.us[n] > 1000;
	late = load.late.count > 0 ? late / (double)load.late.count : 0;
	printf("{\"sent\":%zu,\"receipts\":%zu,\"refused\":%zu,\"repeats\":%zu,\"shown\":%zu,"
	       "\"views\":%zu,"
	       "\"unrecorded\":%zu,\"rate\":%.0f,\"late_part\":%.4f,\"valid\":%s,"
	       "\"receipt_p50\":%lld,\"receipt_p99\":%lld,\"shown_p50\":%lld,\"shown_p99\":%lld,"
	       "\"canary_p50\":%lld,\"canary_p99\":%lld,\"canaries\":%zu}\n",
	       load.sent, load.receipts, load.refused, load.repeats, load.shown.count, load.views,
	       load.unrecorded, (double)load.receipts * 1e6 / (double)took_us, late,
	       load.rate == 0 || late <= 0.01 ? "true" : "false",
	       (long long)series_at(&load.receipt, .5), (long long)series_at(&load.receipt, .99),
	       (long long)series_at(&load.shown, .5), (long long)series_at(&load.shown, .99),
	       (long long)series_at(&load.canary_us, .5),
	       (long long)series_at(&load.canary_us, .99), load.canary_us.count);
}

static int64_t number(const char *text)
{
	int64_t value;
	if (!text_to_int(text, 0, 100000000, &value))
		die("not a number", text);
	return value;
}

static void read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "alerts", 1, NULL, 'a' },     { "consoles", 1, NULL, 'c' },
		{ "identities", 1, NULL, 'i' }, { "rate", 1, NULL, 'r' },
		{ "seconds", 1, NULL, 's' },    { "senders", 1, NULL, 'n' },
		{ "watchers", 1, NULL, 'w' },   { "canary", 1, NULL, 'q' },
		{ "flight", 1, NULL, 'f' },     { "persons", 1, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	load.senders = 200;
	load.watchers = 4;
	load.flight = 4;
	load.seconds = 10;
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (o) {
		case 'a': load.alerts = optarg; break;
		case 'c': load.consoles = optarg; break;
		case 'i': load.identities = optarg; break;
		case 'q': load.canary = optarg; break;
		case 'r': load.rate = number(optarg); break;
		case 's': load.seconds = number(optarg); break;
		case 'n': load.senders = number(optarg); break;
		case 'w': load.watchers = number(optarg); break;
		case 'f': load.flight = number(optarg); break;
		case 'p': load.persons = number(optarg); break;
		default: exit(2);
		}
	}
	if (load.alerts == NULL || load.consoles == NULL || load.identities == NULL ||
	    load.senders < 1 || load.senders > SENDERS_MAX || load.watchers > WATCHERS_MAX)
		die("options", "see the head of load.c");
}

int main(int argc, char **argv)
{
	pthread_t thread;
	read_options(argc, argv);
	load.began = clock_mono();
	load.epoll = epoll_create1(0);
	load.sent_max = (size_t)(load.rate > 0 ? load.rate * load.seconds : load.seconds * 200000);
	load.scheduled_us = calloc(load.sent_max, sizeof *load.scheduled_us);
	load.shown_by = calloc(load.sent_max, 1);
	if (load.epoll < 0 || load.scheduled_us == NULL || load.shown_by == NULL)
		die("start", strerror(errno));
	for (int64_t n = 0; n < load.senders + load.watchers; n++)
		open_peer(&load.peers[n], n >= load.senders);
	for (int64_t until = now_us() + 500000; now_us() < until;) /* welcomes and snapshots */
		wait_for_peers(10000);
	if (load.canary != NULL && pthread_create(&thread, NULL, canary, NULL) != 0)
		die("thread", strerror(errno));
	int64_t from = now_us();
	if (load.rate > 0)
		run_open_loop();
	else
		run_closed_loop();
	int64_t took = now_us() - from;
	settle();
	if (load.canary != NULL) {
		atomic_store(&canary_stop, true);
		pthread_join(thread, NULL);
	}
	report(took);
	return 0;
}
