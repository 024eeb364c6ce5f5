/* What a console knows: numbers, order, what changed, snapshots, and incidents that were shown and
 * never recorded. */
#include "tool/board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct given { /* one revision, in few words */
	unsigned id, revision, priority;
	Tocsin__V1__State state;
	const char *role; /* of cic-77; NULL: owner */
	int64_t raised_at;
	unsigned epoch;  /* 0: 7 */
	uint64_t number; /* of the position; 0: the revision */
	bool unrecorded;
	int64_t renewed_at;
	unsigned level;
	const char *note;
};

#define OPEN   TOCSIN__V1__STATE__STATE_OPEN
#define TAKEN  TOCSIN__V1__STATE__STATE_TAKEN
#define CLOSED TOCSIN__V1__STATE__STATE_CLOSED

/* As it comes over the link: packed and unpacked, so that the board may own it. */
static Tocsin__V1__Incident *incident(const struct given *g)
{
	Tocsin__V1__Incident i = TOCSIN__V1__INCIDENT__INIT;
	Tocsin__V1__Centre ours = TOCSIN__V1__CENTRE__INIT, other = TOCSIN__V1__CENTRE__INIT;
	Tocsin__V1__Centre *centres[] = { &other, &ours };
	char id[40], position[64];

	snprintf(id, sizeof id, "0192aa00-0000-7000-8000-%012u", g->id);
	snprintf(position, sizeof position, "1:%u:%llu", g->epoch != 0 ? g->epoch : 7,
		 (unsigned long long)(g->number != 0 ? g->number : g->revision));
	ours.id = "cic-77", ours.role = (char *)(g->role != NULL ? g->role : "owner");
	other.id = "corg-77", other.role = "informed";
	i.incident = id, i.position = position, i.revision = g->revision;
	i.priority = g->priority, i.state = g->state, i.recorded = !g->unrecorded;
	i.centres = centres, i.n_centres = ours.role[0] != '\0' ? 2 : 1;
	i.raised_at = g->raised_at, i.renewed_at = g->renewed_at, i.level = g->level;
	i.note = (char *)(g->note != NULL ? g->note : "");
	size_t size = tocsin__v1__incident__get_packed_size(&i);
	uint8_t *bytes = malloc(size);
	assert_non_null(bytes);
	tocsin__v1__incident__pack(&i, bytes);
	Tocsin__V1__Incident *out = tocsin__v1__incident__unpack(NULL, size, bytes);
	free(bytes);
	assert_non_null(out);
	return out;
}

#define PUT(d, e, ...) board_put((d), incident(&(struct given){ __VA_ARGS__ }), (e))

static struct board *fresh(void)
{
	struct board *d = board_new("cic-77");

	assert_non_null(d);
	return d;
}

/* "3 1 2": the numbers of the list. */
static void assert_list(struct board *d, const char *expected)
{
	char text[128] = "";
	size_t count;
	const struct board_entry *const *list = board_list(d, &count);

	for (size_t i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u", i > 0 ? " " : "",
			 list[i]->number);
	assert_string_equal(text, expected);
}

static void test_numbers_are_given_once(void **state)
{
	struct board *d = fresh();
	const struct board_entry *e;

	(void)state;
	assert_int_equal(PUT(d, &e, .id = 1, .revision = 1, .priority = 1, .state = OPEN),
			 BOARD_NEW);
	assert_int_equal(e->number, 1);
	PUT(d, &e, .id = 2, .revision = 1, .priority = 1, .state = OPEN);
	assert_int_equal(e->number, 2);
	assert_int_equal(PUT(d, &e, .id = 1, .revision = 2, .priority = 1, .state = CLOSED),
			 BOARD_CLOSED);
	assert_int_equal(e->number, 1);
	PUT(d, &e, .id = 3, .revision = 1, .priority = 1, .state = OPEN);
	assert_int_equal(e->number, 3);
	assert_list(d, "2 3");
	assert_ptr_equal(board_by_number(d, 3), e);
	assert_int_equal(board_by_number(d, 1)->shown->state, CLOSED);
	assert_null(board_by_number(d, 4));
	assert_int_equal(board_by_id(d, "0192AA00-0000-7000-8000-000000000002")->number, 2);
	assert_null(board_by_id(d, "2"));
	board_free(d);
}

/* By priority; in a priority what waits for us first, then the longest waiting. */
static void test_order(void **state)
{
	struct board *d = fresh();
	const struct board_entry *e;

	(void)state;
	PUT(d, &e, .id = 1, .revision = 1, .priority = 3, .state = OPEN, .raised_at = 10);
	PUT(d, &e, .id = 2, .revision = 1, .priority = 1, .state = TAKEN, .raised_at = 20);
	PUT(d, &e, .id = 3, .revision = 1, .priority = 1, .state = OPEN, .raised_at = 50);
	PUT(d, &e, .id = 4, .revision = 1, .priority = 1, .state = OPEN, .raised_at = 30);
	PUT(d, &e, .id = 5, .revision = 1, .priority = 1, .state = OPEN, .raised_at = 1,
	    .role = "informed");
	PUT(d, &e, .id = 6, .revision = 1, .priority = 2, .state = TAKEN, .raised_at = 2,
	    .role = "offered");
	PUT(d, &e, .id = 7, .revision = 1, .priority = 2, .state = OPEN, .raised_at = 3);
	PUT(d, &e, .id = 8, .revision = 1, .priority = 9, .state = OPEN, .raised_at = 90);
	assert_list(d, "4 3 8 5 2 6 7 1");
	board_free(d);
}

static void test_waits_and_rings(void **state)
{
	static const struct {
		unsigned priority;
		Tocsin__V1__State state;
		const char *role;
		bool waits, rings;
	} rows[] = {
		{ 1, OPEN, "owner", true, true },
		{ 1, OPEN, "escalated", true, true },
		{ 1, OPEN, "informed", false, false },
		{ 1, TAKEN, "owner", false, false },
		{ 1, TAKEN, "offered", true, true },
		{ 2, OPEN, "owner", true, false },
		{ 1, CLOSED, "owner", false, false },
		{ 0, OPEN, "owner", true, true }, /* what cannot be read is not lowered */
		{ 1, 99, "owner", false,
		  false }, /* a state of a later version is in somebody's hand */
		{ 1, TOCSIN__V1__STATE__STATE_UNKNOWN, "owner", true, true },
		{ 1, OPEN, "", true, true }, /* shown to us without a part: somebody must look */
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct board *d = fresh();
		const struct board_entry *e;
		PUT(d, &e, .id = 1, .revision = 1, .priority = rows[i].priority,
		    .state = rows[i].state, .role = rows[i].role);
		if (board_waits(d, e) != rows[i].waits || board_rings(d, e) != rows[i].rings)
			fail_msg("row %zu", i);
		board_free(d);
	}
}

static void test_changes(void **state)
{
	struct board *d = fresh();
	const struct board_entry *e;

	(void)state;
	PUT(d, &e, .id = 1, .revision = 1, .priority = 2, .state = OPEN, .role = "informed");
	assert_int_equal(PUT(d, &e, .id = 1, .revision = 2, .priority = 1, .state = OPEN,
			     .role = "informed"),
			 BOARD_PRIORITY);
	assert_int_equal(PUT(d, &e, .id = 1, .revision = 3, .priority = 1, .state = OPEN,
			     .role = "escalated", .level = 2),
			 BOARD_ROLE | BOARD_LEVEL);
	assert_int_equal(PUT(d, &e, .id = 1, .revision = 4, .priority = 1, .state = TAKEN,
			     .role = "escalated", .level = 2),
			 BOARD_STATE);
	assert_int_equal(PUT(d, &e, .id = 1, .revision = 5, .priority = 1, .state = TAKEN,
			     .role = "escalated", .level = 2, .renewed_at = 9, .note = "n"),
			 BOARD_RENEWED | BOARD_NOTE);
	/* the same again: nothing; an older one, late: nothing, and the newer one stays */
	assert_int_equal(PUT(d, &e, .id = 1, .revision = 5, .priority = 1, .state = TAKEN,
			     .role = "escalated", .level = 2, .renewed_at = 9, .note = "n"),
			 BOARD_NOTHING);
	assert_int_equal(PUT(d, &e, .id = 1, .revision = 2, .priority = 1, .state = OPEN),
			 BOARD_NOTHING);
	assert_int_equal(e->shown->state, TAKEN);
	/* a server started anew may have lost revisions that were never recorded */
	assert_int_equal(PUT(d, &e, .id = 1, .revision = 4, .priority = 1, .state = OPEN,
			     .epoch = 8, .role = "escalated", .level = 2, .renewed_at = 9,
			     .note = "n"),
			 BOARD_STATE);
	board_free(d);
}

static void test_recorded(void **state)
{
	struct board *d = fresh();
	const struct board_entry *a, *b;

	(void)state;
	PUT(d, &a, .id = 1, .revision = 1, .priority = 1, .state = OPEN, .number = 41,
	    .unrecorded = true);
	PUT(d, &b, .id = 2, .revision = 1, .priority = 1, .state = OPEN, .number = 43,
	    .unrecorded = true);
	board_recorded(d, "1:6:99");
	board_recorded(d, "1:8:99");
	board_recorded(d, "nonsense");
	assert_false(a->is_recorded);
	board_recorded(d, "1:7:42");
	assert_true(a->is_recorded);
	assert_false(b->is_recorded);
	/* shown again with the old notice: what was confirmed stays confirmed */
	PUT(d, &a, .id = 1, .revision = 1, .priority = 1, .state = OPEN, .number = 41,
	    .unrecorded = true);
	assert_true(a->is_recorded);
	PUT(d, &a, .id = 1, .revision = 2, .priority = 1, .state = OPEN, .number = 44,
	    .unrecorded = true);
	assert_false(a->is_recorded);
	board_free(d);
}

/* After a link that was lost: what is absent was closed, unless nothing of it was ever recorded and
 * the server is another start. That one stays in front until a person clears it. */
static void test_snapshot(void **state)
{
	struct board *d = fresh();
	const struct board_entry *e;

	(void)state;
	PUT(d, &e, .id = 1, .revision = 1, .priority = 1, .state = OPEN, .raised_at = 1);
	PUT(d, &e, .id = 2, .revision = 1, .priority = 1, .state = OPEN, .raised_at = 2);
	PUT(d, &e, .id = 3, .revision = 1, .priority = 2, .state = OPEN, .raised_at = 3,
	    .unrecorded = true);
	board_begin(d);
	assert_int_equal(board_end(d, true, "1:7:9"), 0);
	assert_list(d, "1 2 3");
	board_begin(d);
	assert_int_equal(board_end(d, true, "1:8:1"), 1); /* resumed, and yet another start */
	assert_list(d, "3 1 2");
	PUT(d, &e, .id = 3, .revision = 1, .priority = 2, .state = OPEN, .raised_at = 3,
	    .unrecorded = true);
	board_begin(d);
	PUT(d, &e, .id = 2, .revision = 1, .priority = 1, .state = OPEN, .epoch = 8);
	assert_int_equal(board_end(d, false, "1:8:1"), 1);
	assert_list(d, "3 2");
	assert_true(board_by_number(d, 3)->is_lost);
	assert_true(board_rings(d, board_by_number(d, 3)));
	assert_int_equal(board_by_number(d, 1)->shown->state, CLOSED);
	board_recorded(d, "1:7:99");
	assert_false(board_by_number(d, 3)->is_recorded);
	board_begin(d);
	assert_int_equal(board_end(d, false, "1:8:2"), 0); /* told once */
	assert_list(d, "3");
	assert_false(board_clear(d, 2));
	assert_true(board_clear(d, 3));
	assert_false(board_clear(d, 3));
	assert_list(d, "");
	board_free(d);
}

/* The same start closed it while the link was down: not lost. And a lost one that comes back is. */
static void test_snapshot_of_the_same_start(void **state)
{
	struct board *d = fresh();
	const struct board_entry *e;

	(void)state;
	PUT(d, &e, .id = 1, .revision = 1, .priority = 1, .state = OPEN, .unrecorded = true);
	board_begin(d);
	assert_int_equal(board_end(d, false, "1:7:9"), 0);
	assert_list(d, "");
	PUT(d, &e, .id = 2, .revision = 1, .priority = 1, .state = OPEN, .unrecorded = true);
	board_begin(d);
	assert_int_equal(board_end(d, false, "1:8:1"), 1);
	PUT(d, &e, .id = 2, .revision = 1, .priority = 1, .state = OPEN, .epoch = 8);
	assert_false(e->is_lost);
	assert_list(d, "2");
	board_free(d);
}

static void test_ceilings(void **state)
{
	struct board *d = fresh();
	const struct board_entry *e;
	size_t count;

	(void)state;
	for (unsigned i = 1; i <= BOARD_INCIDENTS_MAX; i++)
		assert_int_equal(PUT(d, &e, .id = i, .revision = 1, .priority = 4, .state = OPEN),
				 BOARD_NEW);
	assert_int_equal(PUT(d, &e, .id = 999999, .revision = 1, .priority = 1, .state = OPEN),
			 BOARD_REFUSED);
	assert_null(e);
	for (unsigned i = 2 * BOARD_CLOSED_KEPT; i >= 1; i--) {
		assert_int_equal(PUT(d, &e, .id = i, .revision = 2, .priority = 4, .state = CLOSED),
				 BOARD_CLOSED);
		assert_int_equal(e->number,
				 i); /* alive, though it may be the next to be forgotten */
	}
	PUT(d, &e, .id = 999999, .revision = 1, .priority = 1, .state = OPEN);
	board_list(d, &count);
	assert_int_equal(count, BOARD_INCIDENTS_MAX - 2 * BOARD_CLOSED_KEPT + 1);
	assert_null(board_by_number(d, 1));
	assert_non_null(board_by_number(d, 2 * BOARD_CLOSED_KEPT));
	board_free(d);
}

static void test_no_identifier(void **state)
{
	struct board *d = fresh();
	const struct board_entry *e;
	Tocsin__V1__Incident *broken = incident(&(struct given){ .id = 1, .state = OPEN });

	(void)state;
	broken->incident[0] = 'x';
	assert_int_equal(board_put(d, broken, &e), BOARD_REFUSED);
	board_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_are_given_once),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_waits_and_rings),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_snapshot_of_the_same_start),
		cmocka_unit_test(test_ceilings),
		cmocka_unit_test(test_no_identifier),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
