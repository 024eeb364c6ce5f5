#include "wire/listener.h"

#include "tests/unit/wire_rig.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "wire/address.h"

#if defined(__SANITIZE_ADDRESS__)
size_t __sanitizer_get_current_allocated_bytes(void); /* gcc ships no header for it */
static size_t heap_bytes(void)
{
	return __sanitizer_get_current_allocated_bytes();
}
#else
static size_t heap_bytes(void)
{
	struct mallinfo2 m = mallinfo2();
	return m.uordblks + m.hblkhd;
}
#endif

#define IDLE_LINKS    1000
#define IDLE_LINK_MAX (30 * 1024) /* what an idle sender may cost */

struct fixture {
	struct rig *rig;
	struct listener *listener;
	struct listener_settings settings;
	struct rlimit limit;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char why[256];

	getrlimit(RLIMIT_NOFILE, &f->limit);
	f->rig = rig_new();
	f->settings = (struct listener_settings){ .links_max = 2000,
		                                  .handshakes_max = 32,
		                                  .link = f->rig->group.settings };
	f->listener = listener_new(f->rig->base, f->rig->timers, f->rig->links, &f->rig->group,
	                           &f->settings, f->rig->tls);
	assert_non_null(f->listener);
	if (!listener_bind(f->listener, "127.0.0.1:0", why, sizeof(why)))
		fail_msg("%s", why);
	assert_true(listener_port(f->listener) > 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	setrlimit(RLIMIT_NOFILE, &f->limit);
	links_close(f->rig->links, NULL, LINK_END_SHUTDOWN);
	for (unsigned i = 0; i < f->rig->clients_count; i++)
		if (f->rig->clients[i]->fd >= 0) {
			close(f->rig->clients[i]->fd);
			f->rig->clients[i]->fd = -1;
		}
	rig_until(f->rig, listener_links(f->listener) == 0);
	listener_free(f->listener);
	rig_free(f->rig);
	free(f);
	return 0;
}

static int dial(struct fixture *f, int flags)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		                  .sin_port = htons(listener_port(f->listener)),
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, flags), 0);
	return fd;
}

static struct client *dial_client(struct fixture *f, bool plain)
{
	return rig_client_on(f->rig, dial(f, O_NONBLOCK), &f->rig->sender, plain);
}

static void client_comes_in_over_the_network(void **state)
{
	struct fixture *f = *state;
	struct client *c = dial_client(f, false);

	rig_until(f->rig, f->rig->opened == 1);
	assert_int_equal(strncmp(link_address(f->rig->last), "127.0.0.1:", 10), 0);
	client_say_message(c, "bonjour", 7);
	rig_until(f->rig, f->rig->messages_count == 1);
	assert_int_equal(listener_links(f->listener), 1);
	assert_int_equal(listener_link_counters(f->listener)->accepted, 1);
	assert_string_equal(listener_name(f->listener), "essai");
}

static void addresses_that_cannot_be_had_are_told(void **state)
{
	struct fixture *f = *state;
	char why[256], taken[64];

	assert_false(listener_bind(f->listener, "localhost:1", why, sizeof(why)));
	assert_non_null(strstr(why, "not an address in figures: localhost:1"));
	snprintf(taken, sizeof(taken), "127.0.0.1:%u", listener_port(f->listener));
	assert_false(listener_bind(f->listener, taken, why, sizeof(why)));
	assert_non_null(strstr(why, "Address already in use"));
	assert_non_null(strstr(why, taken));
}

static void inherited_sockets_serve_and_others_are_refused(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in at = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), not_listening = socket(AF_INET, SOCK_STREAM, 0);
	char why[256];

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_false(listener_inherit(f->listener, not_listening, why, sizeof(why)));
	assert_non_null(strstr(why, "inherited socket of essai"));
	assert_false(listener_inherit(f->listener, 9999, why, sizeof(why)));
	listener_stop(f->listener);
	assert_int_equal(listener_port(f->listener), 0);
	assert_true(listener_inherit(f->listener, fd, why, sizeof(why)));
	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	dial_client(f, false);
	rig_until(f->rig, f->rig->opened == 1);
}

static void stopped_listener_lets_nobody_in_and_keeps_its_links(void **state)
{
	struct fixture *f = *state;
	struct client *c = dial_client(f, false);
	struct sockaddr_in to = { .sin_family = AF_INET,
		                  .sin_port = htons(listener_port(f->listener)),
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	rig_until(f->rig, f->rig->opened == 1);
	listener_stop(f->listener);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(fd);
	client_say_message(c, "encore", 6);
	rig_until(f->rig, f->rig->messages_count == 1);
}

static void one_link_too_many_is_turned_away_at_once(void **state)
{
	struct fixture *f = *state;
	struct client *c;

	f->settings.links_max = 2;
	listener_set_settings(f->listener, &f->settings);
	dial_client(f, false);
	dial_client(f, false);
	rig_until(f->rig, f->rig->opened == 2);
	c = dial_client(f, false);
	rig_until(f->rig, c->cut);
	assert_int_equal(listener_counters(f->listener)->turned_away_full, 1);
	assert_int_equal(listener_links(f->listener), 2);
}

/* Silent connections fill the handshake's places; a sender still gets in, in the oldest's place. */
static void silent_crowd_does_not_lock_the_door(void **state)
{
	struct fixture *f = *state;
	struct client *silent[8], *sender;
	struct mono begun = clock_mono();

	f->settings.handshakes_max = 8;
	listener_set_settings(f->listener, &f->settings);
	for (int i = 0; i < 8; i++)
		silent[i] = dial_client(f, true);
	rig_until(f->rig, listener_links(f->listener) == 8);
	sender = dial_client(f, false);
	rig_until(f->rig, sender->shaken && f->rig->opened == 1);
	assert_true(mono_ms_between(begun, clock_mono()) >= 1000);
	assert_int_equal(listener_link_counters(f->listener)->ended[LINK_END_CROWDED_OUT], 1);
	assert_true(silent[0]->cut);
	assert_false(silent[1]->cut);
	assert_true(listener_counters(f->listener)->rests > 0);
}

/* With no descriptor left a newcomer is told at once; with one again, the next comes in. */
static void without_descriptors_newcomers_are_turned_away_and_later_ones_come_in(void **state)
{
	struct fixture *f = *state;
	struct client *first = dial_client(f, false), *refused, *later;
	struct rlimit tight = f->limit;
	int next;

	rig_until(f->rig, f->rig->opened == 1);
	refused = dial_client(f, false);
	/* The lowest free descriptor is past the limit now. */
	next = dup(0);
	close(next);
	tight.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	rig_until(f->rig, refused->cut);
	assert_int_equal(listener_counters(f->listener)->turned_away_descriptors, 1);
	assert_true(mono_is_set(listener_starved_since(f->listener)));
	client_say_message(first, "toujours la", 11);
	rig_until(f->rig, f->rig->messages_count == 1);

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &f->limit), 0);
	later = dial_client(f, false);
	rig_until(f->rig, later->shaken && f->rig->opened == 2);
	assert_false(mono_is_set(listener_starved_since(f->listener)));
}

static void reload_is_for_newcomers_and_ends_who_is_revoked(void **state)
{
	struct fixture *f = *state;
	struct pki_identity other = pki_issue(f->rig->pki, &f->rig->authority, "autre",
	                                      "clientAuth", -PKI_DAY, PKI_DAY);
	struct client *revoked = dial_client(f, false), *stays;
	struct tls *fresh;

	rig_until(f->rig, f->rig->opened == 1);
	stays = rig_client_on(f->rig, dial(f, O_NONBLOCK), &other, false);
	rig_until(f->rig, f->rig->opened == 2);
	fresh = rig_load(f->rig, pki_list(&f->rig->authority, &f->rig->sender));
	listener_set_tls(f->listener, fresh);
	assert_ptr_equal(listener_tls(f->listener), fresh);
	tls_unref(fresh);
	rig_until(f->rig, revoked->closed);
	assert_int_equal(f->rig->end, LINK_END_REVOKED);
	client_say_message(stays, "encore", 6);
	rig_until(f->rig, f->rig->messages_count == 1);
	pki_identity_free(&other);
}

/* The clients of the memory test, in a process of their own so that their memory is not counted.
 * Each says one message and hears it come back, then is still. */
static void idle_clients(struct fixture *f, int done_fd, int end_fd)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	char byte = 1;

	SSL_CTX_use_certificate(context, f->rig->sender.certificate);
	SSL_CTX_use_PrivateKey(context, f->rig->sender.key);
	for (int i = 0; i < IDLE_LINKS; i++) {
		SSL *ssl = SSL_new(context);
		char heard[16];
		SSL_set_fd(ssl, dial(f, 0));
		if (SSL_connect(ssl) != 1 || SSL_write(ssl, "\0\0\0\4test", 8) != 8 ||
		    SSL_read(ssl, heard, sizeof(heard)) != 8)
			_exit(1);
	}
	if (write(done_fd, &byte, 1) != 1 || read(end_fd, &byte, 1) < 0)
		_exit(1);
	_exit(0);
}

static void thousand_idle_links_cost_at_most_30_kib_each(void **state)
{
	struct fixture *f = *state;
	struct rlimit wide = f->limit;
	struct pollfd done_poll;
	int done[2], end[2], status;
	size_t before, each;
	pid_t child;

	wide.rlim_cur = wide.rlim_max < 4096 ? wide.rlim_max : 4096;
	if (wide.rlim_cur < IDLE_LINKS + 64)
		skip();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &wide), 0);
	f->rig->echo = true;
	f->settings.handshakes_max = 64;
	listener_set_settings(f->listener, &f->settings);
	assert_int_equal(pipe2(done, O_CLOEXEC), 0);
	assert_int_equal(pipe2(end, O_CLOEXEC), 0);
	before = heap_bytes();
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		close(end[1]), idle_clients(f, done[1], end[0]);
	done_poll = (struct pollfd){ .fd = done[0], .events = POLLIN };
	for (struct mono deadline = mono_add_ms(clock_mono(), 60000);
	     poll(&done_poll, 1, 0) == 0;) {
		assert_false(mono_is_due(deadline, clock_mono()));
		rig_turn(f->rig);
		rig_rest(f->rig);
	}
	assert_int_equal(f->rig->opened, IDLE_LINKS);
	each = (heap_bytes() - before) / IDLE_LINKS;
	print_message("an idle link costs %zu bytes\n", each);
	assert_true(each <= IDLE_LINK_MAX);
	close(end[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(end[0]);
	close(done[0]);
	close(done[1]);
	f->rig->echo = false;
	rig_until(f->rig, listener_links(f->listener) == 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(client_comes_in_over_the_network),
		TEST(addresses_that_cannot_be_had_are_told),
		TEST(inherited_sockets_serve_and_others_are_refused),
		TEST(stopped_listener_lets_nobody_in_and_keeps_its_links),
		TEST(one_link_too_many_is_turned_away_at_once),
		TEST(silent_crowd_does_not_lock_the_door),
		TEST(without_descriptors_newcomers_are_turned_away_and_later_ones_come_in),
		TEST(reload_is_for_newcomers_and_ends_who_is_revoked),
		TEST(thousand_idle_links_cost_at_most_30_kib_each),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
