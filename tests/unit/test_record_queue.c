/* The queue between the loop and the follower: what it holds, lets go, and when it wakes. */
#include "keep/record_queue.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LENGTH 1000
static const struct position before = { 1, 6, 40 }; /* what the journal ended with */

static struct position at(uint64_t number)
{
	return (struct position){ 1, 7, number };
}

/* The bytes of record n are all n % 251. */
static void push(struct record_queue *q, uint64_t first, uint64_t last)
{
	uint8_t bytes[LENGTH];

	for (uint64_t n = first; n <= last; n++) {
		memset(bytes, (int)(n % 251), sizeof bytes);
		record_queue_push(q, at(n), bytes, sizeof bytes);
	}
	record_queue_commit(q);
}

static void assert_position(struct position is, struct position expected)
{
	assert_int_equal(is.epoch, expected.epoch);
	assert_int_equal(is.number, expected.number);
}

/* Every record of the list after `after`, in order and whole; returns the last one's number. */
static uint64_t assert_records(const struct record_chunk *list, uint64_t after)
{
	struct record_view view;

	for (; list != NULL; list = list->next)
		for (size_t n = 0; record_chunk_next(list, &n, &view);) {
			if (view.position.number <= after)
				continue;
			assert_int_equal(view.position.number, ++after);
			assert_int_equal(view.position.epoch, 7);
			assert_int_equal(view.length, LENGTH);
			assert_int_equal(view.bytes[0], after % 251);
			assert_int_equal(view.bytes[LENGTH - 1], after % 251);
		}
	return after;
}

static bool is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void clear(int fd)
{
	uint64_t count;

	assert_int_equal(read(fd, &count, sizeof count), sizeof count);
}

static void test_take_in_order(void **state)
{
	struct record_queue *q = record_queue_new(1 << 20, before);
	struct position after = before;
	uint64_t last = 0;

	(void)state;
	assert_int_equal(record_queue_take(q, after, 1, 1).answer, RECORD_TAKE_NONE);
	push(q, 1, 500);
	while (last < 500) {
		struct record_taken taken = record_queue_take(q, after, 100 * LENGTH, 1000);
		assert_int_equal(taken.answer, RECORD_TAKE_CHUNKS);
		assert_position(taken.list->after, after);
		uint64_t now = assert_records(taken.list, last);
		assert_in_range(now - last, 1,
		                170); /* the chunk that passes the limit comes whole */
		last = now;
		after = at(last);
		record_chunk_free_list(taken.list);
	}
	assert_int_equal(record_queue_take(q, after, 1, 1).answer, RECORD_TAKE_NONE);
	assert_int_equal(record_queue_size(q).bytes, 0);
	record_queue_free(q);
}

static void test_limits(void **state)
{
	struct record_queue *q = record_queue_new(1 << 20, before);

	(void)state;
	push(q, 1, 500);
	struct record_taken taken = record_queue_take(q, before, SIZE_MAX, 1);
	assert_null(taken.list->next); /* one chunk at least, and no more than the limit says */
	uint64_t last = assert_records(taken.list, 0);
	record_chunk_free_list(taken.list);
	taken = record_queue_take(q, at(last), 1, UINT32_MAX);
	assert_null(taken.list->next);
	record_chunk_free_list(taken.list);
	record_queue_free(q);
}

static void test_skips_what_is_stored(void **state)
{
	struct record_queue *q = record_queue_new(1 << 20, before);

	(void)state;
	push(q, 1, 500);
	/* A commit whose answer was lost: the database has the first 300. */
	struct record_taken taken = record_queue_take(q, at(300), SIZE_MAX, UINT32_MAX);
	assert_int_equal(taken.answer, RECORD_TAKE_CHUNKS);
	assert_true(taken.list->last.number > 300);
	assert_int_equal(assert_records(taken.list, 300), 500);
	record_chunk_free_list(taken.list);
	record_queue_free(q);
}

static void test_behind(void **state)
{
	struct record_queue *q = record_queue_new(1 << 20, before);

	(void)state;
	/* An older database: the journal has what lies between, until what is in memory begins. */
	push(q, 1, 10);
	struct record_taken taken = record_queue_take(q, (struct position){ 1, 5, 7 }, 1, 1);
	assert_int_equal(taken.answer, RECORD_TAKE_BEHIND);
	assert_position(taken.until, before);
	taken = record_queue_take(q, before, SIZE_MAX, UINT32_MAX);
	record_chunk_free_list(taken.list);
	/* Taken and lost, and nothing is in memory any more. */
	taken = record_queue_take(q, before, SIZE_MAX, UINT32_MAX);
	assert_int_equal(taken.answer, RECORD_TAKE_BEHIND);
	assert_position(taken.until, at(10));
	record_queue_free(q);
}

static void test_lets_go_of_what_is_durable(void **state)
{
	struct record_queue *q = record_queue_new(100 * LENGTH, before);

	(void)state;
	push(q, 1, 400);
	assert_true(record_queue_is_full(q)); /* nothing is durable yet: all of it stays */
	assert_int_equal(record_queue_size(q).let_go, 0);
	record_queue_durable(q, at(250));
	struct record_queue_size size = record_queue_size(q);
	assert_in_range(size.let_go, 150, 250); /* whole chunks, none with a record after 250 */
	assert_true(record_queue_is_full(q));   /* 251 to 400 alone are more than the ceiling */
	struct record_taken taken = record_queue_take(q, before, SIZE_MAX, UINT32_MAX);
	assert_int_equal(taken.answer, RECORD_TAKE_BEHIND);
	assert_position(taken.until, at(size.let_go));
	record_queue_durable(q, at(400));
	assert_false(record_queue_is_full(q));
	assert_true(record_queue_size(q).bytes > 0); /* the newest stay */
	/* The journal's word never goes back. */
	record_queue_durable(q, at(3));
	assert_position(record_queue_size(q).durable, at(400));
	taken = record_queue_take(q, record_queue_take(q, before, 1, 1).until, SIZE_MAX,
	                          UINT32_MAX);
	assert_int_equal(taken.answer, RECORD_TAKE_CHUNKS);
	assert_int_equal(assert_records(taken.list, taken.list->after.number), 400);
	record_chunk_free_list(taken.list);
	record_queue_free(q);
}

static void test_give_back(void **state)
{
	struct record_queue *q = record_queue_new(1 << 20, before);

	(void)state;
	push(q, 1, 200);
	struct record_taken taken = record_queue_take(q, before, 1, 1);
	push(q, 201, 300);
	record_queue_give_back(q, taken.list);
	taken = record_queue_take(q, before, SIZE_MAX, UINT32_MAX);
	assert_int_equal(assert_records(taken.list, 0), 300);
	record_queue_give_back(q, taken.list); /* all of it, to an empty queue */
	push(q, 301, 310);
	taken = record_queue_take(q, at(305), SIZE_MAX, UINT32_MAX);
	assert_int_equal(assert_records(taken.list, 305), 310);
	record_chunk_free_list(taken.list);
	record_queue_give_back(q, NULL);
	record_queue_free(q);
}

static void test_give_back_to_a_queue_that_let_go(void **state)
{
	struct record_queue *q = record_queue_new(100 * LENGTH, before);

	(void)state;
	push(q, 1, 60);
	struct record_taken taken = record_queue_take(q, before, SIZE_MAX, UINT32_MAX);
	push(q, 61, 500);
	record_queue_durable(q, at(500));
	assert_true(record_queue_size(q).let_go > 0);
	record_queue_give_back(q, taken.list); /* it no longer fits: the journal has it all */
	taken = record_queue_take(q, before, SIZE_MAX, UINT32_MAX);
	assert_int_equal(taken.answer, RECORD_TAKE_BEHIND);
	assert_true(taken.until.number > 60);
	record_queue_free(q);
}

static void test_wakes(void **state)
{
	struct record_queue *q = record_queue_new(1 << 20, before);
	int fd = record_queue_wake_fd(q);
	struct position none = { 0 };

	(void)state;
	push(q, 1, 1);
	assert_false(is_readable(fd)); /* nobody asked */
	record_queue_want_wake(q, 1, none);
	assert_true(is_readable(fd)); /* it came between the look and the question */
	clear(fd);
	push(q, 2, 2);
	assert_false(is_readable(fd)); /* once asked, once woken */
	record_queue_want_wake(q, 5 * LENGTH, none);
	push(q, 3, 4);
	assert_false(is_readable(fd));
	push(q, 5, 6);
	assert_true(is_readable(fd));
	clear(fd);
	record_queue_want_wake(q, SIZE_MAX, none);
	push(q, 7, 7);
	record_queue_durable(q, at(7));
	assert_false(is_readable(fd));
	record_queue_want_wake(q, SIZE_MAX, at(7));
	record_queue_durable(q, at(7));
	assert_false(is_readable(fd));
	record_queue_durable(q, at(8));
	assert_true(is_readable(fd));
	clear(fd);
	record_queue_wake(q);
	assert_true(is_readable(fd));
	record_queue_free(q);
}

static void test_large_records_and_epochs(void **state)
{
	static uint8_t large[150000];
	struct record_queue *q = record_queue_new(1 << 20, before);
	struct record_view view;
	size_t n = 0;

	(void)state;
	record_queue_push(q, at(1), large, sizeof large);
	record_queue_push(q, at(2), large, 1);
	struct record_taken taken = record_queue_take(q, before, SIZE_MAX, UINT32_MAX);
	assert_true(record_chunk_next(taken.list, &n, &view));
	assert_int_equal(view.length, sizeof large);
	assert_false(record_chunk_add(taken.list, (struct position){ 1, 8, 1 }, large, 1));
	record_chunk_free_list(taken.list);
	record_queue_free(q);
	/* A chunk takes one epoch alone. */
	struct record_chunk *c = record_chunk_new(before, 1000);
	assert_true(record_chunk_add(c, at(1), large, 1));
	assert_false(record_chunk_add(c, (struct position){ 1, 8, 1 }, large, 1));
	assert_false(record_chunk_add(c, at(2), large, 1000));
	assert_true(record_chunk_add(c, at(2), large, 0));
	record_chunk_free_list(c);
}

static void *push_many(void *q)
{
	for (uint64_t n = 1; n <= 20000; n += 10)
		push(q, n, n + 9);
	return NULL;
}

static void test_two_threads(void **state)
{
	struct record_queue *q = record_queue_new(64 << 20, before);
	struct position after = before;
	uint64_t last = 0;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, push_many, q), 0);
	while (last < 20000) {
		struct pollfd p = { .fd = record_queue_wake_fd(q), .events = POLLIN };
		struct record_taken taken = record_queue_take(q, after, 50 * LENGTH, 100);
		if (taken.answer == RECORD_TAKE_NONE) {
			record_queue_want_wake(q, 1, (struct position){ 0 });
			assert_int_equal(poll(&p, 1, 10000), 1);
			clear(p.fd);
			continue;
		}
		assert_int_equal(taken.answer, RECORD_TAKE_CHUNKS);
		last = assert_records(taken.list, last);
		after = at(last);
		record_chunk_free_list(taken.list);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	record_queue_free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take_in_order),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_skips_what_is_stored),
		cmocka_unit_test(test_behind),
		cmocka_unit_test(test_lets_go_of_what_is_durable),
		cmocka_unit_test(test_give_back),
		cmocka_unit_test(test_give_back_to_a_queue_that_let_go),
		cmocka_unit_test(test_wakes),
		cmocka_unit_test(test_large_records_and_epochs),
		cmocka_unit_test(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
