#include "wire/link.h"

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

static void handshake_opens_the_link_and_names_the_peer(void **state)
{
	struct rig *r = *state;

	opened_client(r);
	assert_true(r->has_peer);
	assert_string_equal(r->peer.subject, "CN=bouton,O=Essai");
	assert_int_equal(r->peer.doubts, 0);
	assert_true(link_is_open(r->last));
	assert_int_equal(r->group.counters.accepted, 1);
	assert_int_equal(r->group.counters.opened, 1);
	assert_int_equal(r->group.count, 1);
	assert_int_equal(r->group.handshaking, 0);
}

static void messages_go_both_ways_whole(void **state)
{
	struct rig *r = *state;
	struct client *c = opened_client(r);
	uint8_t big[60000];

	r->echo = true;
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7);
	client_say_message(c, "un", 2);
	client_say_message(c, big, sizeof(big));
	client_say_message(c, "trois", 5);
	rig_until(r, c->heard_length == 12 + 2 + sizeof(big) + 5);
	assert_int_equal(r->messages_count, 3);
	assert_memory_equal(r->messages[0], "un", 2);
	assert_int_equal(r->lengths[1], sizeof(big));
	assert_memory_equal(r->messages[1], big, sizeof(big));
	assert_memory_equal(r->messages[2], "trois", 5);
	assert_memory_equal(c->heard, c->to_send, c->to_send_length);
	assert_int_equal(r->group.counters.messages_in, 3);
	assert_int_equal(r->group.counters.messages_out, 3);
	assert_int_equal(r->group.counters.bytes_in, c->to_send_length);
	assert_int_equal(r->group.counters.bytes_out, c->to_send_length);
}

static void frame_may_come_byte_by_byte(void **state)
{
	struct rig *r = *state;
	struct client *c = opened_client(r);
	const char frame[] = "\0\0\0\5alarm";

	for (size_t i = 0; i < 9; i++) {
		assert_int_equal(r->messages_count, 0);
		client_say(c, frame + i, 1);
		rig_until(r, r->group.counters.bytes_in == i + 1);
	}
	assert_int_equal(r->messages_count, 1);
	assert_memory_equal(r->messages[0], "alarm", 5);
}

/* All that is sent in one turn leaves with one write. */
static void a_turn_of_messages_is_one_write(void **state)
{
	struct rig *r = *state;
	struct client *c = opened_client(r);

	for (int i = 0; i < 50; i++)
		assert_true(link_send(r->last, "recu", 4));
	assert_int_equal(link_queued(r->last), 50 * 8);
	rig_until(r, c->heard_length == 50 * 8);
	assert_int_equal(r->group.counters.writes, 1);
	assert_int_equal(link_queued(r->last), 0);
}

static void empty_and_oversized_frames_end_the_link_with_a_goodbye(void **state)
{
	static const struct {
		const char *header;
		enum link_end end;
	} rows[] = { { "\0\0\0\0", LINK_END_EMPTY_FRAME },
		     { "\0\1\0\1", LINK_END_OVERSIZED },
		     { "\377\377\377\377", LINK_END_OVERSIZED } };
	struct rig *r = *state;

	for (unsigned i = 0; i < 3; i++) {
		struct client *c = opened_client(r);
		client_say_message(c, "bon", 3);
		client_say(c, rows[i].header, 4);
		client_say(c, "le reste", 8);
		rig_until(r, r->ended == i + 1 && c->closed);
		assert_int_equal(r->end, rows[i].end);
		/* What was good before the fault was given out. */
		assert_int_equal(r->messages_count, i + 1);
	}
}

/* The refusal written last must reach a peer that is still sending, and is followed by
 * close_notify. */
static void last_words_arrive_before_the_close(void **state)
{
	struct rig *r = *state;
	struct client *c = opened_client(r);
	char noise[4000] = "bruit";

	assert_true(link_send(r->last, "adieu", 5));
	link_close(r->last, LINK_END_REFUSED);
	assert_false(link_is_open(r->last));
	assert_false(link_send(r->last, "trop tard", 9));
	client_say_message(c, noise, sizeof(noise));
	rig_until(r, c->closed);
	assert_int_equal(r->ended, 1);
	assert_int_equal(r->end, LINK_END_REFUSED);
	assert_int_equal(r->messages_count, 0);
	assert_int_equal(c->heard_length, 9);
	assert_memory_equal(c->heard, "\0\0\0\5adieu", 9);
	/* The link lingers until the peer has gone too. */
	assert_int_equal(r->group.count, 1);
	close(c->fd);
	c->fd = -1;
	rig_until(r, r->group.count == 0);
}

static void peer_that_never_goes_is_dropped_at_the_close_deadline(void **state)
{
	struct rig *r = *state;
	struct client *c = opened_client(r);

	r->group.settings.close_ms = 30;
	link_close(r->last, LINK_END_SHUTDOWN);
	rig_until(r, r->ended == 1 && c->closed);
	rig_until(r, r->group.count == 0);
}

static void goodbye_and_cut_are_told_apart(void **state)
{
	struct rig *r = *state;
	struct client *polite = opened_client(r), *rude;

	client_say_message(polite, "fin", 3);
	rig_until(r, polite->sent == polite->to_send_length);
	assert_int_equal(SSL_shutdown(polite->ssl), 0);
	rig_until(r, r->ended == 1);
	assert_int_equal(r->end, LINK_END_PEER_CLOSED);
	assert_int_equal(r->messages_count, 1);
	rig_until(r, polite->closed);

	rude = opened_client(r);
	close(rude->fd);
	rude->fd = -1;
	rig_until(r, r->ended == 2);
	assert_int_equal(r->end, LINK_END_PEER_GONE);
	rig_until(r, r->group.count == 0);
}

static void broken_record_ends_the_link(void **state)
{
	struct rig *r = *state;
	struct client *c = opened_client(r);

	/* A well-formed record of application data that no key made. */
	assert_int_equal(send(c->fd, "\27\3\3\0\21abcdefghijklmnopq", 22, 0), 22);
	rig_until(r, r->ended == 1);
	assert_int_equal(r->end, LINK_END_TLS);
	assert_true(r->detail[0] != '\0');
}

/* ---- deadlines ---- */

/* The deadline is for the frame, not for each read: one byte now and then does not help. */
static void trickled_frame_stalls(void **state)
{
	struct rig *r = *state;
	struct client *c = opened_client(r);
	struct mono begun = clock_mono();

	r->group.settings.frame_ms = 60;
	client_say(c, "\0\0\100\0", 4);
	while (r->ended == 0) {
		size_t before = c->sent;
		client_say(c, "x", 1);
		rig_until(r, c->sent > before || r->ended);
		rig_rest(r);
		rig_turn(r);
		assert_true(mono_ms_between(begun, clock_mono()) < RIG_PATIENCE_MS);
	}
	assert_int_equal(r->end, LINK_END_STALLED);
	assert_true(mono_ms_between(begun, clock_mono()) >= 60);
	rig_until(r, c->closed);
}

static void silence_ends_an_open_link_and_a_message_starts_it_again(void **state)
{
	struct rig *r = *state;
	struct client *c;
	struct mono begun;

	r->group.settings.idle_ms = 300;
	c = opened_client(r);
	begun = clock_mono();
	for (unsigned i = 1; i <= 5; i++) {
		struct mono next = mono_add_ms(begun, 100 * i);
		rig_until(r, mono_is_due(next, clock_mono()));
		client_say_message(c, "vivant", 6);
		rig_until(r, r->messages_count == i);
		assert_int_equal(r->ended, 0);
	}
	rig_until(r, r->ended == 1);
	assert_int_equal(r->end, LINK_END_SILENT);
	assert_true(mono_ms_between(begun, clock_mono()) >= 500 + 300);
}

static void reader_that_does_not_read_is_dropped_at_the_deadline(void **state)
{
	struct rig *r = *state;
	struct client *c = opened_client(r);
	uint8_t block[50000] = { 0 };

	c->deaf = true;
	r->group.settings.write_ms = 50;
	for (int i = 0; i < 12; i++)
		assert_true(link_send(r->last, block, sizeof(block)));
	rig_until(r, r->ended == 1);
	assert_int_equal(r->end, LINK_END_SLOW_READER);
	rig_until(r, r->group.count == 0);
}

static void full_queue_ends_the_link_at_once(void **state)
{
	struct rig *r = *state;
	struct client *c = opened_client(r);
	uint8_t block[50000] = { 0 };
	unsigned taken = 0;

	c->deaf = true;
	r->group.settings.out_bytes_max = 500000;
	while (link_send(r->last, block, sizeof(block))) {
		taken++;
		assert_true(taken < 100);
		links_flush(r->links);
	}
	assert_true(taken >= 9);
	rig_until(r, r->ended == 1);
	assert_int_equal(r->end, LINK_END_SLOW_READER);
}

static void slow_reader_that_reads_again_gets_all_and_the_owner_is_told(void **state)
{
	struct rig *r = *state;
	struct client *c = opened_client(r);
	static uint8_t block[100000];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (uint8_t)(i * 13);
	c->deaf = true;
	for (int i = 0; i < 8; i++)
		assert_true(link_send(r->last, block, sizeof(block)));
	rig_turn(r);
	assert_true(link_queued(r->last) > 0);
	assert_int_equal(r->drained, 0);
	c->deaf = false;
	rig_until(r, c->heard_length == 8 * (4 + sizeof(block)));
	assert_int_equal(r->drained, 1);
	for (int i = 0; i < 8; i++)
		assert_memory_equal(c->heard + i * (4 + sizeof(block)) + 4, block, sizeof(block));
	assert_true(link_is_open(r->last));
}

static void owner_that_holds_back_is_told_when_all_went_out(void **state)
{
	struct rig *r = *state;
	struct client *c = opened_client(r);

	assert_true(link_send(r->last, "one", 3));
	assert_false(links_flush(r->links));
	assert_int_equal(r->drained, 1);
	r->answer_drained = true;
	assert_true(link_send(r->last, "two", 3));
	assert_true(links_flush(r->links));
	assert_int_equal(r->drained, 2);
	r->answer_drained = false;
	assert_false(links_flush(r->links));
	assert_int_equal(r->drained, 3);
	rig_until(r, c->heard_length == 4 + 3 + 4 + 3 + 4 + 4);
}

/* ---- pausing ---- */

static void paused_link_keeps_what_it_read_and_goes_on_after(void **state)
{
	struct rig *r = *state;
	struct client *c = opened_client(r);
	char text[16];

	r->pause_after = 3;
	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "%d", i);
		client_say_message(c, text, strlen(text));
	}
	rig_until(r, c->sent == c->to_send_length);
	for (int i = 0; i < 5; i++)
		rig_turn(r);
	assert_int_equal(r->messages_count, 3);
	links_resume(r->links);
	assert_int_equal(r->messages_count, 3); /* not from inside */
	rig_until(r, r->messages_count == 200);
	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_int_equal(r->lengths[i], strlen(text));
		assert_memory_equal(r->messages[i], text, strlen(text));
	}
}

static void one_paused_link_does_not_hold_the_others(void **state)
{
	struct rig *r = *state;
	struct client *a = opened_client(r), *b;
	struct link *paused = r->last;

	link_pause(paused);
	b = opened_client(r);
	client_say_message(a, "tenu", 4);
	client_say_message(b, "libre", 5);
	rig_until(r, r->messages_count == 1);
	assert_memory_equal(r->messages[0], "libre", 5);
	/* The common resume leaves it as its owner wants it. */
	links_pause(r->links);
	links_resume(r->links);
	for (int i = 0; i < 3; i++)
		rig_turn(r);
	assert_int_equal(r->messages_count, 1);
	link_resume(paused);
	rig_until(r, r->messages_count == 2);
	assert_memory_equal(r->messages[1], "tenu", 4);
}

static void nobody_is_blamed_for_our_pause(void **state)
{
	struct rig *r = *state;
	struct client *c;
	struct mono until;

	r->group.settings.idle_ms = 300;
	r->group.settings.frame_ms = 300;
	c = opened_client(r);
	links_pause(r->links);
	client_say(c, "\0\0\0\4mo", 6);
	until = mono_add_ms(clock_mono(), 700);
	rig_until(r, mono_is_due(until, clock_mono()));
	assert_int_equal(r->ended, 0);
	links_resume(r->links);
	client_say(c, "ts", 2);
	rig_until(r, r->messages_count == 1);
	rig_until(r, r->ended == 1);
	assert_int_equal(r->end, LINK_END_SILENT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(handshake_opens_the_link_and_names_the_peer),
		TEST(messages_go_both_ways_whole),
		TEST(frame_may_come_byte_by_byte),
		TEST(a_turn_of_messages_is_one_write),
		TEST(empty_and_oversized_frames_end_the_link_with_a_goodbye),
		TEST(last_words_arrive_before_the_close),
		TEST(peer_that_never_goes_is_dropped_at_the_close_deadline),
		TEST(goodbye_and_cut_are_told_apart),
		TEST(broken_record_ends_the_link),
		TEST(trickled_frame_stalls),
		TEST(silence_ends_an_open_link_and_a_message_starts_it_again),
		TEST(reader_that_does_not_read_is_dropped_at_the_deadline),
		TEST(full_queue_ends_the_link_at_once),
		TEST(slow_reader_that_reads_again_gets_all_and_the_owner_is_told),
		TEST(owner_that_holds_back_is_told_when_all_went_out),
		TEST(paused_link_keeps_what_it_read_and_goes_on_after),
		TEST(one_paused_link_does_not_hold_the_others),
		TEST(nobody_is_blamed_for_our_pause),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
