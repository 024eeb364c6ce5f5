#include "decide/border.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct segment {
	double x1, y1, x2, y2;
	uint32_t owner;
};

/* A segment stands in every grid cell that it passes. Sorted by row, then column. */
struct place {
	int32_t row, column;
	uint32_t segment;
};

struct border {
	double grid;
	struct segment *segments;
	size_t segments_count, segments_room;
	struct place *places;
	size_t places_count, places_room;
	int32_t row_first, row_last;
};

struct border *border_new(double grid)
{
	struct border *b = calloc(1, sizeof(*b));

	if (b)
		b->grid = grid;
	return b;
}

void border_free(struct border *b)
{
	if (!b)
		return;
	free(b->segments);
	free(b->places);
	free(b);
}

/* The list with room for one more, moved if need be; NULL: no memory, and the list is as it was. */
static void *list_grow(void *list, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return list;
	size_t wanted = *room ? 2 * *room : 64;
	void *grown = reallocarray(list, wanted, size);
	if (grown)
		*room = wanted;
	return grown;
}

bool border_add(struct border *b, uint32_t owner, double x1, double y1, double x2, double y2)
{
	bool turn = x1 > x2 || (x1 == x2 && y1 > y2); /* one direction, so that twins are equal */
	struct segment *segments =
	        list_grow(b->segments, b->segments_count, &b->segments_room, sizeof(*segments));

	if (!segments || b->segments_count == UINT32_MAX)
		return false;
	b->segments = segments;
	segments[b->segments_count++] = turn ? (struct segment){ x2, y2, x1, y1, owner }
	                                     : (struct segment){ x1, y1, x2, y2, owner };
	return true;
}

static int double_compare(double a, double b)
{
	return a < b ? -1 : a > b;
}

static int segment_compare(const void *a, const void *b)
{
	const struct segment *one = a, *other = b;
	int order = double_compare(one->x1, other->x1);

	if (!order)
		order = double_compare(one->y1, other->y1);
	if (!order)
		order = double_compare(one->x2, other->x2);
	if (!order)
		order = double_compare(one->y2, other->y2);
	if (!order)
		order = one->owner < other->owner ? -1 : one->owner > other->owner;
	return order;
}

/* Keeps what stands an odd number of times. */
static void border_drop_twins(struct border *b)
{
	size_t kept = 0;

	if (b->segments_count)
		qsort(b->segments, b->segments_count, sizeof(*b->segments), segment_compare);
	for (size_t i = 0, next; i < b->segments_count; i = next) {
		for (next = i + 1; next < b->segments_count &&
		                   !segment_compare(&b->segments[i], &b->segments[next]);)
			next++;
		if ((next - i) % 2)
			b->segments[kept++] = b->segments[i];
	}
	b->segments_count = kept;
}

static int32_t cell_of(const struct border *b, double value)
{
	double cell = floor(value / b->grid);

	return cell < INT32_MIN ? INT32_MIN : cell > INT32_MAX ? INT32_MAX : (int32_t)cell;
}

static bool border_add_place(struct border *b, int32_t row, int32_t column, uint32_t segment)
{
	struct place *places =
	        list_grow(b->places, b->places_count, &b->places_room, sizeof(*places));

	if (!places)
		return false;
	b->places = places;
	places[b->places_count++] = (struct place){ row, column, segment };
	return true;
}

static double segment_x_at(const struct segment *s, double y)
{
	double along = (y - s->y1) / (s->y2 - s->y1);

	return s->x1 + fmax(0, fmin(1, along)) * (s->x2 - s->x1);
}

static bool border_add_places(struct border *b, uint32_t index)
{
	const struct segment *s = &b->segments[index];
	int32_t row_last = cell_of(b, fmax(s->y1, s->y2));

	for (int32_t row = cell_of(b, fmin(s->y1, s->y2)); row <= row_last; row++) {
		bool is_level = s->y1 == s->y2;
		double in = is_level ? s->x1 : segment_x_at(s, row * b->grid);
		double out = is_level ? s->x2 : segment_x_at(s, (row + 1) * b->grid);
		int32_t column_last = cell_of(b, fmax(in, out));
		for (int32_t column = cell_of(b, fmin(in, out)); column <= column_last; column++) {
			if (!border_add_place(b, row, column, index))
				return false;
		}
	}
	return true;
}

static int place_compare(const void *a, const void *b)
{
	const struct place *one = a, *other = b;

	if (one->row != other->row)
		return one->row < other->row ? -1 : 1;
	if (one->column != other->column)
		return one->column < other->column ? -1 : 1;
	return one->segment < other->segment ? -1 : one->segment > other->segment;
}

bool border_close(struct border *b)
{
	border_drop_twins(b);
	for (size_t i = 0; i < b->segments_count; i++) {
		if (!border_add_places(b, (uint32_t)i))
			return false;
	}
	if (b->places_count == 0)
		return true;
	qsort(b->places, b->places_count, sizeof(*b->places), place_compare);
	b->row_first = b->places[0].row;
	b->row_last = b->places[b->places_count - 1].row;
	return true;
}

/* The first place at or after (row, column). */
static size_t place_from(const struct border *b, int32_t row, int32_t column)
{
	struct place wanted = { row, column, 0 };
	size_t from = 0, to = b->places_count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (place_compare(&b->places[middle], &wanted) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static struct border_hit segment_hit(const struct segment *s, double x, double y)
{
	double dx = s->x2 - s->x1, dy = s->y2 - s->y1, square = dx * dx + dy * dy;
	double along = square > 0 ? ((x - s->x1) * dx + (y - s->y1) * dy) / square : 0;

	along = fmax(0, fmin(1, along));
	struct border_hit hit = { .owner = s->owner,
		                  .x = s->x1 + along * dx,
		                  .y = s->y1 + along * dy };
	hit.distance = hypot(hit.x - x, hit.y - y);
	return hit;
}

/* Puts the hit in its place, unless its owner has a nearer one. Returns the new count. */
static size_t hits_add(struct border_hit *hits, size_t count, size_t max, struct border_hit hit)
{
	size_t at = 0;

	while (at < count && hits[at].owner != hit.owner)
		at++;
	if (at < count && hits[at].distance <= hit.distance)
		return count;
	if (at == count && count < max)
		count++;
	else if (at == count && (count == 0 || hits[--at].distance <= hit.distance))
		return count;
	for (; at > 0 && hits[at - 1].distance > hit.distance; at--)
		hits[at] = hits[at - 1];
	hits[at] = hit;
	return count;
}

size_t border_near(const struct border *b, double x, double y, double radius,
                   struct border_hit *out, size_t max)
{
	int32_t row = cell_of(b, y - radius), row_last = cell_of(b, y + radius);
	int32_t column = cell_of(b, x - radius), column_last = cell_of(b, x + radius);
	size_t count = 0;

	if (b->places_count == 0)
		return 0;
	if (row < b->row_first)
		row = b->row_first;
	if (row_last > b->row_last)
		row_last = b->row_last;
	for (; row <= row_last; row++) {
		size_t i = place_from(b, row, column);
		for (; i < b->places_count && b->places[i].row == row &&
		       b->places[i].column <= column_last;
		     i++) {
			struct border_hit hit =
			        segment_hit(&b->segments[b->places[i].segment], x, y);
			if (hit.distance <= radius)
				count = hits_add(out, count, max, hit);
		}
	}
	return count;
}

size_t border_count(const struct border *b)
{
	return b->segments_count;
}
