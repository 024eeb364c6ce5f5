#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "decide/border.h"

#define GRID 10.0
#define HITS 8

static struct border *border_with(uint32_t owner, double x1, double y1, double x2, double y2)
{
	struct border *b = border_new(GRID);

	assert_non_null(b);
	assert_true(border_add(b, owner, x1, y1, x2, y2));
	assert_true(border_close(b));
	return b;
}

static void test_nothing_added(void **state)
{
	struct border *b = border_new(GRID);
	struct border_hit hits[HITS];

	(void)state;
	assert_true(border_close(b));
	assert_int_equal(border_near(b, 0, 0, INFINITY, hits, HITS), 0);
	border_free(b);
	border_free(NULL);
}

static void test_one_segment(void **state)
{
	struct border *b = border_with(3, 0, 5, 100, 5);
	struct border_hit hits[HITS];

	(void)state;
	assert_int_equal(border_near(b, 50, 0, 5, hits, HITS), 1); /* the radius is included */
	assert_int_equal(hits[0].owner, 3);
	assert_true(hits[0].distance == 5 && hits[0].x == 50 && hits[0].y == 5);
	assert_int_equal(border_near(b, 50, 0, 4.99, hits, HITS), 0);
	assert_int_equal(border_near(b, 103, 9, 6, hits, HITS), 1); /* past its end */
	assert_true(fabs(hits[0].distance - 5) < 1e-12);
	assert_int_equal(border_near(b, -1e9, 1e9, INFINITY, hits, HITS), 1);
	border_free(b);
}

static void test_what_one_owner_adds_twice_is_no_border(void **state)
{
	struct border *b = border_new(GRID);
	struct border_hit hits[HITS];

	(void)state;
	assert_true(border_add(b, 1, 0, 0, 10, 10));
	assert_true(border_add(b, 2, 0, 0, 10, 10)); /* another's stays */
	assert_true(border_add(b, 1, 10, 10, 0, 0)); /* in the other direction */
	assert_true(border_add(b, 1, 5, 0, 5, 8));
	assert_true(border_add(b, 1, 5, 8, 5, 0));
	assert_true(border_close(b));
	assert_int_equal(border_count(b), 1);
	assert_int_equal(border_near(b, 5, 5, 100, hits, HITS), 1);
	assert_int_equal(hits[0].owner, 2);
	border_free(b);
}

static void test_a_point_is_a_segment_too(void **state)
{
	struct border *b = border_with(0, 7, 7, 7, 7);
	struct border_hit hits[HITS];

	(void)state;
	assert_int_equal(border_near(b, 10, 11, 5, hits, HITS), 1);
	assert_true(hits[0].distance == 5);
	border_free(b);
}

/* As far as around the Earth, at a slant: the grid must not take the box that it spans. */
static void test_a_very_long_segment(void **state)
{
	struct border *b = border_with(0, -2e6, -1e6, 2e6, 1e6);
	struct border_hit hits[HITS];

	(void)state;
	for (double x = -2e6; x <= 2e6; x += 12345.678)
		assert_int_equal(border_near(b, x, x / 2, 1e-3, hits, HITS), 1);
	assert_int_equal(border_near(b, 0, 100, 50, hits, HITS), 0);
	border_free(b);
}

static void test_the_nearest_owners_when_there_are_too_many(void **state)
{
	struct border *b = border_new(GRID);
	struct border_hit hits[3];

	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		uint32_t owner = i * 7 % 20; /* neither rising nor falling */
		assert_true(border_add(b, owner, 0, owner, 100, owner));
	}
	assert_true(border_close(b));
	assert_int_equal(border_near(b, 50, 0, 1000, hits, 3), 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(hits[i].owner, i);
	border_free(b);
}

struct line {
	uint32_t owner;
	double x1, y1, x2, y2;
};

static double line_distance(const struct line *l, double x, double y)
{
	double dx = l->x2 - l->x1, dy = l->y2 - l->y1;
	double t = fmax(0, fmin(1, ((x - l->x1) * dx + (y - l->y1) * dy) / (dx * dx + dy * dy)));

	return hypot(l->x1 + t * dx - x, l->y1 + t * dy - y);
}

static void test_against_brute_force(void **state)
{
	enum { LINES = 500, ASKED = 3000, OWNERS = 6 };
	static struct line lines[LINES];
	struct border *b = border_new(GRID);

	(void)state;
	srand48(5);
	for (size_t i = 0; i < LINES; i++) {
		double x = 1000 * drand48() - 500, y = 1000 * drand48() - 500;
		lines[i] = (struct line){ (uint32_t)(lrand48() % OWNERS), x, y,
			                  x + 60 * drand48() - 30, y + 60 * drand48() - 30 };
		assert_true(border_add(b, lines[i].owner, lines[i].x1, lines[i].y1, lines[i].x2,
		                       lines[i].y2));
	}
	assert_true(border_close(b));
	assert_int_equal(border_count(b), LINES);
	for (size_t asked = 0; asked < ASKED; asked++) {
		double x = 1200 * drand48() - 600, y = 1200 * drand48() - 600,
		       radius = 80 * drand48();
		double nearest[OWNERS] = { INFINITY, INFINITY, INFINITY,
			                   INFINITY, INFINITY, INFINITY };
		struct border_hit hits[OWNERS];
		size_t wanted = 0, count = border_near(b, x, y, radius, hits, OWNERS);
		for (size_t i = 0; i < LINES; i++)
			nearest[lines[i].owner] =
			        fmin(nearest[lines[i].owner], line_distance(&lines[i], x, y));
		for (size_t i = 0; i < OWNERS; i++)
			wanted += nearest[i] <= radius;
		assert_int_equal(count, wanted);
		for (size_t i = 0; i < count; i++) {
			assert_true(fabs(hits[i].distance - nearest[hits[i].owner]) < 1e-9);
			assert_true(fabs(hypot(hits[i].x - x, hits[i].y - y) - hits[i].distance) <
			            1e-9);
			assert_true(i == 0 || hits[i - 1].distance <= hits[i].distance);
		}
	}
	border_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_added),
		cmocka_unit_test(test_one_segment),
		cmocka_unit_test(test_what_one_owner_adds_twice_is_no_border),
		cmocka_unit_test(test_a_point_is_a_segment_too),
		cmocka_unit_test(test_a_very_long_segment),
		cmocka_unit_test(test_the_nearest_owners_when_there_are_too_many),
		cmocka_unit_test(test_against_brute_force),
	};

	return cmocka_run_group_tests_name("border", tests, NULL, NULL);
}
