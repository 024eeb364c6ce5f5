/* How records that a database refuses are found among thousands: every place and number of them. */
#include "keep/portion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX 600

static struct record_chunk *chunks_of(uint32_t count)
{
	struct record_chunk *c =
	        record_chunk_new((struct position){ 1, 1, 0 }, count * record_chunk_size(1));

	for (uint64_t n = 1; n <= count; n++)
		assert_true(record_chunk_add(c, (struct position){ 1, 1, n }, "x", 1));
	return c;
}

/* A database that refuses some records, and remembers what became of each. */
enum fate { UNSEEN, STORED, ASIDE, LOST };

struct database {
	bool refuses[MAX], refuses_aside[MAX];
	enum fate fate[MAX];
	unsigned tries;
};

static bool refuses(const struct database *db, const struct portion *p, uint32_t end)
{
	for (uint32_t i = p->done; i < end; i++)
		if (p->is_aside ? db->refuses_aside[i] : db->refuses[i])
			return true;
	return false;
}

static void write_all(struct database *db, struct portion *p, uint32_t limit_max)
{
	while (!portion_is_empty(p)) {
		uint32_t from = p->done, end = portion_next(p);
		assert_in_range(end, from + 1, p->count);
		assert_true(++db->tries < 100000);
		if (!refuses(db, p, end)) {
			for (uint32_t i = from; i < end; i++) {
				assert_int_equal(db->fate[i], UNSEEN); /* nothing twice */
				db->fate[i] = p->is_aside ? ASIDE : STORED;
			}
			portion_stored(p, end, limit_max);
		} else if (portion_refused(p, end) == PORTION_LOST) {
			db->fate[from] = LOST;
		}
	}
}

static void assert_fates(const struct database *db, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (db->fate[i] != (!db->refuses[i] ? STORED : db->refuses_aside[i] ? LOST : ASIDE))
			fail_msg("record %u of %u: %d", i, count, db->fate[i]);
}

static void test_all_go(void **state)
{
	struct database db = { 0 };
	struct portion p;

	(void)state;
	portion_init(&p, 100);
	assert_true(portion_is_empty(&p));
	assert_true(portion_fill(&p, chunks_of(MAX), (struct position){ 0 }, false));
	write_all(&db, &p, 100);
	assert_fates(&db, MAX);
	assert_int_equal(db.tries, MAX / 100);
	portion_done(&p);
}

static void test_one_culprit_anywhere(void **state)
{
	struct portion p;

	(void)state;
	portion_init(&p, MAX);
	for (uint32_t count = 1; count <= 70; count++)
		for (uint32_t culprit = 0; culprit < count; culprit++) {
			struct database db = { 0 };
			db.refuses[culprit] = true;
			assert_true(
			        portion_fill(&p, chunks_of(count), (struct position){ 0 }, false));
			write_all(&db, &p, MAX);
			assert_fates(&db, count);
			assert_in_range(db.tries, 1, 20); /* about twice the logarithm */
		}
	portion_done(&p);
}

static void test_several_culprits(void **state)
{
	struct portion p;

	(void)state;
	srandom(7);
	portion_init(&p, 64);
	for (unsigned turn = 0; turn < 300; turn++) {
		struct database db = { 0 };
		for (unsigned n = (unsigned)random() % 12; n > 0; n--) {
			uint32_t culprit = (uint32_t)random() % MAX;
			db.refuses[culprit] = true;
			db.refuses_aside[culprit] = random() % 4 == 0;
		}
		assert_true(portion_fill(&p, chunks_of(MAX), (struct position){ 0 }, false));
		write_all(&db, &p, 64);
		assert_fates(&db, MAX);
	}
	portion_done(&p);
}

static void test_every_record_refused(void **state)
{
	struct database db;
	struct portion p;

	(void)state;
	memset(&db, 0, sizeof db);
	memset(db.refuses, true, sizeof db.refuses);
	portion_init(&p, MAX);
	assert_true(portion_fill(&p, chunks_of(MAX), (struct position){ 0 }, false));
	write_all(&db, &p, MAX);
	assert_fates(&db, MAX);
	portion_done(&p);
}

static void test_too_much_at_a_time(void **state)
{
	struct portion p;

	(void)state;
	portion_init(&p, 100);
	assert_true(portion_fill(&p, chunks_of(100), (struct position){ 0 }, false));
	assert_int_equal(portion_next(&p), 100);
	portion_too_much(&p, 100);
	assert_int_equal(portion_next(&p), 50);
	for (unsigned i = 0; i < 10; i++)
		portion_too_much(&p, portion_next(&p));
	assert_int_equal(portion_next(&p), 1); /* never nothing */
	portion_stored(&p, 1, 100);
	assert_int_equal(portion_next(&p), 3); /* and twice as much with each success */
	portion_stored(&p, 3, 100);
	assert_int_equal(portion_next(&p), 7);
	portion_done(&p);
}

static void test_after_and_leave(void **state)
{
	struct portion p;

	(void)state;
	portion_init(&p, 100);
	assert_true(portion_fill(&p, chunks_of(10), (struct position){ 1, 1, 7 }, false));
	assert_int_equal(p.count, 3);
	assert_int_equal(p.index[0].position.number, 8);
	struct record_chunk *left = portion_leave(&p);
	assert_true(portion_is_empty(&p));
	assert_true(portion_fill(&p, left, (struct position){ 1, 1, 10 }, false));
	assert_true(portion_is_empty(&p)); /* all of it is in the database */
	portion_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_go),
		cmocka_unit_test(test_one_culprit_anywhere),
		cmocka_unit_test(test_several_culprits),
		cmocka_unit_test(test_every_record_refused),
		cmocka_unit_test(test_too_much_at_a_time),
		cmocka_unit_test(test_after_and_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
