#include "wire/links.h"

#include "tests/unit/wire_rig.h"

static int setup(void **state)
{
	*state = rig_new();
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static struct client *opened_client(struct rig *r)
{
	unsigned before = r->opened;
	struct client *c = rig_client(r, &r->sender, false);

	rig_until(r, r->opened == before + 1 && c->shaken);
	return c;
}

static void every_end_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int a = 0; a < LINK_ENDS; a++) {
		assert_true(strlen(link_end_name((enum link_end)a)) > 0);
		for (int b = 0; b < a; b++)
			assert_string_not_equal(link_end_name((enum link_end)a),
			                        link_end_name((enum link_end)b));
	}
	assert_string_equal(link_end_name(LINK_END_SLOW_READER), "slow-reader");
}

static void all_links_close_with_one_word(void **state)
{
	struct rig *r = *state;
	struct client *c[5];

	for (int i = 0; i < 4; i++)
		c[i] = opened_client(r);
	c[4] = rig_client(r, NULL, true); /* says nothing yet */
	assert_int_equal(links_count(r->links), 5);
	links_close(r->links, NULL, LINK_END_SHUTDOWN);
	rig_until(r, c[0]->closed && c[1]->closed && c[2]->closed && c[3]->closed && c[4]->cut);
	assert_int_equal(r->ended, 4);
	assert_int_equal(r->group.counters.ended[LINK_END_SHUTDOWN], 5);
}

static void other_groups_stay(void **state)
{
	struct rig *r = *state;
	struct link_group other = { .name = "autre" };
	struct client *c = opened_client(r);

	links_close(r->links, &other, LINK_END_SHUTDOWN);
	rig_turn(r);
	assert_int_equal(r->ended, 0);
	links_close(r->links, &r->group, LINK_END_SHUTDOWN);
	rig_until(r, c->closed);
	assert_int_equal(r->ended, 1);
}

/* A crowd that comes back must not stand before those who are in: few handshake steps a turn. */
static void handshakes_take_turns(void **state)
{
	enum { CROWD = 40 };
	struct rig *r = *state;
	struct client *in = opened_client(r);
	unsigned turns = 0, before;

	for (int i = 0; i < CROWD; i++)
		rig_client(r, &r->sender, false);
	client_say_message(in, "alarme", 6);
	for (unsigned i = 0; i < r->clients_count; i++)
		client_move(r->clients[i]);
	/* All have their first flight in the socket: 40 steps to do, and one message. */
	event_base_loop(r->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	links_flush(r->links);
	assert_int_equal(r->messages_count, 1);
	links_reap(r->links);
	while (r->opened < 1 + CROWD) {
		before = r->opened;
		rig_turn(r);
		assert_true(r->opened - before <= 8);
		assert_true(++turns < 1000);
	}
	assert_true(turns >= 2 * CROWD / 8 - 1);
}

static void oldest_handshake_gives_way(void **state)
{
	struct rig *r = *state;
	struct client *oldest = rig_client(r, NULL, true), *open, *youngest;
	struct mono later;

	open = opened_client(r);
	assert_false(links_crowd_out(r->links, &r->group, 60000));
	later = mono_add_ms(clock_mono(), 5);
	rig_until(r, mono_is_due(later, clock_mono()));
	youngest = rig_client(r, NULL, true);
	assert_true(links_crowd_out(r->links, &r->group, 5));
	assert_false(links_crowd_out(r->links, &r->group, 60000));
	rig_until(r, oldest->cut);
	assert_false(open->cut);
	assert_false(youngest->cut);
	assert_int_equal(r->group.counters.ended[LINK_END_CROWDED_OUT], 1);
	assert_int_equal(r->group.handshaking, 1);
}

/* What one session says to another when it ends leaves without waiting for some event. */
static struct link *survivor;

static void on_end_tell_survivor(struct link *link, void *owner, enum link_end end)
{
	rig_on_end(link, owner, end);
	if (survivor && link != survivor)
		assert_true(link_send(survivor, "parti", 5));
}

static void words_said_at_an_end_leave_in_the_next_turn(void **state)
{
	struct rig *r = *state;
	struct client *listens = opened_client(r), *leaves;
	struct link *leaving;

	survivor = r->last;
	r->group.callbacks.on_end = on_end_tell_survivor;
	leaves = opened_client(r);
	leaving = r->last;
	link_close(leaving, LINK_END_REFUSED);
	links_reap(r->links);
	assert_int_equal(r->ended, 1);
	/* Nothing else happens: the loop must wake by itself. */
	event_base_loop(r->base, EVLOOP_ONCE);
	links_flush(r->links);
	client_move(listens);
	assert_int_equal(listens->heard_length, 9);
	assert_false(leaves->cut);
	survivor = NULL;
}

/* A closed link stays valid for the whole turn: its owner may still hold it. */
static void link_lives_until_reap(void **state)
{
	struct rig *r = *state;
	struct client *c = opened_client(r);
	struct link *link = r->last;

	close(c->fd);
	c->fd = -1;
	while (r->group.counters.ended[LINK_END_PEER_GONE] == 0)
		event_base_loop(r->base, EVLOOP_ONCE);
	assert_int_equal(r->ended, 0);
	assert_false(link_send(link, "x", 1));
	assert_string_equal(link_address(link), "local");
	link_close(link, LINK_END_PROTOCOL);
	links_reap(r->links);
	assert_int_equal(r->ended, 1);
	assert_int_equal(r->end, LINK_END_PEER_GONE);
	assert_int_equal(links_count(r->links), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_end_has_a_name_of_its_own),
		TEST(all_links_close_with_one_word),
		TEST(other_groups_stay),
		TEST(handshakes_take_turns),
		TEST(oldest_handshake_gives_way),
		TEST(words_said_at_an_end_leave_in_the_next_turn),
		TEST(link_lives_until_reap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
