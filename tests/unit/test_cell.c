#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "decide/cell.h"

#define REACH 100.0

static bool cell_covers(const struct cell *cell, struct cell_point p)
{
	for (unsigned i = 0; i < cell->count; i++) {
		struct cell_point a = cell->corners[i], b = cell->corners[(i + 1) % cell->count];
		if ((b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x) < -1e-6)
			return false;
	}
	return true;
}

static double distance(struct cell_point a, struct cell_point b)
{
	return hypot(a.x - b.x, a.y - b.y);
}

static bool has_neighbour(const struct cell *cell, size_t neighbour)
{
	for (unsigned i = 0; i < cell->count; i++) {
		if (cell->neighbours[i] == neighbour)
			return true;
	}
	return false;
}

static int compare_x(const void *a, const void *b)
{
	double one = ((const struct cell_point *)a)->x, other = ((const struct cell_point *)b)->x;

	return one < other ? -1 : one > other;
}

static void test_a_point_alone_has_its_circle(void **state)
{
	struct cell_point point = { 5, -3 };
	struct cell cell;

	(void)state;
	cell_cut(&point, 1, 0, REACH, &cell);
	assert_int_equal(cell.count, CELL_CIRCLE_SIDES);
	assert_true(cell_covers(&cell, point));
	for (unsigned i = 0; i < cell.count; i++) {
		struct cell_point a = cell.corners[i], b = cell.corners[(i + 1) % cell.count];
		struct cell_point middle = { (a.x + b.x) / 2, (a.y + b.y) / 2 };
		assert_int_equal(cell.neighbours[i], CELL_NOBODY);
		assert_true(distance(a, point) < REACH * 1.0025);    /* around the circle ... */
		assert_true(distance(middle, point) > REACH - 1e-9); /* ... never inside it */
	}
}

static void test_two_points_meet_half_way(void **state)
{
	struct cell_point points[] = {
		{0,   0},
                { 40, 0}
	};
	struct cell left, right;

	(void)state;
	cell_cut(points, 2, 0, REACH, &left);
	cell_cut(points, 2, 1, REACH, &right);
	assert_true(cell_covers(&left, (struct cell_point){ 19.99, 50 }));
	assert_false(cell_covers(&left, (struct cell_point){ 20.01, 50 }));
	assert_true(cell_covers(&right, (struct cell_point){ 20.01, 50 }));
	assert_true(has_neighbour(&left, 1));
	assert_true(has_neighbour(&right, 0));
	assert_true(has_neighbour(&left, CELL_NOBODY));
}

static void test_points_beyond_reach_do_not_matter(void **state)
{
	struct cell_point points[] = {
		{0,                0},
                { 2 * REACH * 1.1, 0}
	};
	struct cell cell;

	(void)state;
	cell_cut(points, 2, 0, REACH, &cell);
	assert_int_equal(cell.count, CELL_CIRCLE_SIDES);
	assert_false(has_neighbour(&cell, 1));
}

static void test_points_at_one_place_share_a_cell(void **state)
{
	struct cell_point points[] = {
		{0,   0},
                { 0,  0},
                { 40, 0}
	};
	struct cell cell;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		cell_cut(points, 3, i, REACH, &cell);
		assert_true(cell_covers(&cell, points[0]));
		assert_true(cell_covers(&cell, (struct cell_point){ 19.9, 0 }));
		assert_false(cell_covers(&cell, (struct cell_point){ 20.1, 0 }));
	}
	/* As near as doubles go: still two cells, and nothing breaks. */
	points[1].x = nextafter(0, 1);
	for (size_t i = 0; i < 2; i++) {
		cell_cut(points, 3, i, REACH, &cell);
		assert_true(cell.count >= 3);
	}
}

/* Whatever is asked, the answer is the nearest point: the definition, against brute force. */
static void test_a_cell_is_what_is_nearest(void **state)
{
	enum { POINTS = 200, ASKED = 2000 };
	struct cell_point points[POINTS];
	static struct cell cells[POINTS];

	(void)state;
	srand48(7);
	for (size_t i = 0; i < POINTS; i++)
		points[i] = (struct cell_point){ 1000 * drand48(), 1000 * drand48() };
	qsort(points, POINTS, sizeof(points[0]), compare_x);
	for (size_t i = 0; i < POINTS; i++)
		cell_cut(points, POINTS, i, REACH, &cells[i]);
	for (size_t asked = 0; asked < ASKED; asked++) {
		struct cell_point p = { 1200 * drand48() - 100, 1200 * drand48() - 100 };
		size_t nearest = 0;
		for (size_t i = 1; i < POINTS; i++)
			nearest =
			        distance(points[i], p) < distance(points[nearest], p) ? i : nearest;
		for (size_t i = 0; i < POINTS; i++) {
			bool covers = cell_covers(&cells[i], p),
			     is_twin = distance(points[i], p) - distance(points[nearest], p) < 1e-6;
			if (covers)
				assert_true(is_twin && distance(points[i], p) < REACH * 1.0025);
			if (i == nearest && distance(points[i], p) <= REACH)
				assert_true(covers);
		}
	}
}

static void test_neighbours_know_each_other(void **state)
{
	enum { POINTS = 100 };
	struct cell_point points[POINTS];
	static struct cell cells[POINTS];
	size_t pairs = 0;

	(void)state;
	srand48(8);
	for (size_t i = 0; i < POINTS; i++)
		points[i] = (struct cell_point){ 500 * drand48(), 500 * drand48() };
	qsort(points, POINTS, sizeof(points[0]), compare_x);
	for (size_t i = 0; i < POINTS; i++)
		cell_cut(points, POINTS, i, REACH, &cells[i]);
	for (size_t i = 0; i < POINTS; i++) {
		for (size_t j = 0; j < POINTS; j++) {
			if (!has_neighbour(&cells[i], j))
				continue;
			pairs++;
			assert_true(has_neighbour(&cells[j], i));
		}
	}
	assert_true(pairs > 3 * POINTS);
}

/* A wheel of points around one: more sides than a cell has room for. It stays a cell. */
static void test_too_many_sides(void **state)
{
	enum { SPOKES = 400 };
	struct cell_point points[SPOKES + 1];
	struct cell cell;
	size_t hub = 0;

	(void)state;
	for (size_t i = 0; i < SPOKES; i++)
		points[i] = (struct cell_point){ 50 * cos(2 * M_PI * (double)i / SPOKES),
			                         50 * sin(2 * M_PI * (double)i / SPOKES) };
	points[SPOKES] = (struct cell_point){ 0.001, 0.001 };
	qsort(points, SPOKES + 1, sizeof(points[0]), compare_x);
	while (points[hub].x != 0.001)
		hub++;
	cell_cut(points, SPOKES + 1, hub, REACH, &cell);
	assert_true(cell.count <= CELL_SIDES_MAX);
	assert_true(cell_covers(&cell, points[hub]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_point_alone_has_its_circle),
		cmocka_unit_test(test_two_points_meet_half_way),
		cmocka_unit_test(test_points_beyond_reach_do_not_matter),
		cmocka_unit_test(test_points_at_one_place_share_a_cell),
		cmocka_unit_test(test_a_cell_is_what_is_nearest),
		cmocka_unit_test(test_neighbours_know_each_other),
		cmocka_unit_test(test_too_many_sides),
	};

	return cmocka_run_group_tests_name("cell", tests, NULL, NULL);
}
