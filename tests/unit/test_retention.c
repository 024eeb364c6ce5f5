#include "keep/retention.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define DAY_US (86400LL * CLOCK_S_US)
#define EPOCH  50
#define NEXT   60
#define MB     (1u << 20)

/* Epoch 50: 1 to 99 and 100 to 180. Epoch 60: 1 to 49, and 50 on. One segment a day, a MB each. */
/* clang-format off */
static const struct folder_segment all[] = {
	{ .key = { 7, EPOCH, 0 }, .bytes = MB, .first = 1,
	  .header = { .first = 1, .created = { 1 * DAY_US } } },
	{ .key = { 7, EPOCH, 1 }, .bytes = MB, .first = 100,
	  .header = { .first = 100, .after = { 7, EPOCH, 99 }, .created = { 2 * DAY_US } } },
	{ .key = { 7, NEXT, 0 }, .bytes = MB, .first = 1,
	  .header = { .first = 1, .after = { 7, EPOCH, 180 }, .created = { 3 * DAY_US } } },
	{ .key = { 7, NEXT, 1 }, .bytes = MB, .first = 50,
	  .header = { .first = 50, .after = { 7, NEXT, 49 }, .created = { 4 * DAY_US } } },
};
/* clang-format on */

struct row {
	const char *why;
	unsigned from; /* the oldest segment that is left */
	struct position confirmed, needed;
	int64_t day;
	uint64_t bytes_max;
	bool is_pressed;
	enum retention_verdict verdict;
};

#define KEEP_DAYS 7

/* clang-format off */
static const struct row rows[] = {
	/* the second began on day 2, so the first was full then: it stays until day 9 */
	{ "confirmed, not needed, seven days old", 0, { 7, NEXT, 60 }, { 7, NEXT, 60 }, 9, 0, false, RETENTION_GOES },
	{ "a day too early", 0, { 7, NEXT, 60 }, { 7, NEXT, 60 }, 8, 0, false, RETENTION_STAYS },
	{ "its last record is not confirmed", 0, { 7, EPOCH, 98 }, { 7, NEXT, 60 }, 99, 0, false, RETENTION_STAYS },
	{ "its last record is", 0, { 7, EPOCH, 99 }, { 7, NEXT, 60 }, 99, 0, false, RETENTION_GOES },
	{ "a checkpoint starts with its last record", 0, { 7, NEXT, 60 }, { 7, EPOCH, 99 }, 99, 0, false, RETENTION_STAYS },
	{ "a checkpoint starts with the next one", 0, { 7, NEXT, 60 }, { 7, EPOCH, 100 }, 99, 0, false, RETENTION_GOES },
	{ "no checkpoint: a start reads all", 0, { 7, NEXT, 60 }, { 0 }, 99, 0, false, RETENTION_STAYS },
	/* the end of an epoch: the next epoch says how far it went */
	{ "the epoch's last record is confirmed", 1, { 7, EPOCH, 180 }, { 7, NEXT, 1 }, 99, 0, false, RETENTION_GOES },
	{ "it is not", 1, { 7, EPOCH, 179 }, { 7, NEXT, 1 }, 99, 0, false, RETENTION_STAYS },
	{ "a later epoch is confirmed", 1, { 7, NEXT, 1 }, { 7, NEXT, 1 }, 99, 0, false, RETENTION_GOES },
	{ "a checkpoint needs the epoch's last record", 1, { 7, NEXT, 9 }, { 7, EPOCH, 180 }, 99, 0, false, RETENTION_STAYS },
	{ "a checkpoint starts after it", 1, { 7, NEXT, 9 }, { 7, EPOCH, 181 }, 99, 0, false, RETENTION_GOES },
	/* want of room */
	{ "over the ceiling: early", 0, { 7, NEXT, 60 }, { 7, NEXT, 60 }, 3, 3 * MB, false, RETENTION_GOES_EARLY },
	{ "at the ceiling: not", 0, { 7, NEXT, 60 }, { 7, NEXT, 60 }, 3, 4 * MB, false, RETENTION_STAYS },
	{ "the next file finds no room: early", 0, { 7, NEXT, 60 }, { 7, NEXT, 60 }, 3, 0, true, RETENTION_GOES_EARLY },
	{ "no room, and unconfirmed", 0, { 7, EPOCH, 3 }, { 7, NEXT, 60 }, 99, MB, true, RETENTION_STAYS },
	{ "no room, and needed", 0, { 7, NEXT, 60 }, { 7, EPOCH, 3 }, 99, MB, true, RETENTION_STAYS },
	/* the one in use */
	{ "the newest never goes", 3, { 7, NEXT, 999 }, { 7, NEXT, 1000 }, 99, MB, true, RETENTION_STAYS },
	{ "another database took its place", 0, { 0 }, { 7, NEXT, 60 }, 99, 0, false, RETENTION_STAYS },
};
/* clang-format on */

static struct folder_list list_from(struct folder_segment *segments, unsigned from)
{
	const size_t count = sizeof(all) / sizeof(all[0]);
	memcpy(segments, all, sizeof(all));
	for (size_t i = 0; i < count; i++) {
		segments[i].is_looked_at = true;
		segments[i].state = SEGMENT_HEADER_WHOLE;
	}
	return (struct folder_list){ .segments = segments + from, .segments_count = count - from };
}

static void the_rule_is_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct folder_segment segments[sizeof(all) / sizeof(all[0])];
		const struct folder_list list = list_from(segments, row->from);
		const struct retention rule = {
			.confirmed = row->confirmed,
			.needed = row->needed,
			.now = { row->day * DAY_US },
			.keep_us = KEEP_DAYS * DAY_US,
			.bytes_max = row->bytes_max,
			.is_pressed = row->is_pressed,
		};
		if (retention_oldest(&list, &rule) != row->verdict)
			fail_msg("%s: %d", row->why, retention_oldest(&list, &rule));
	}
}

/* A header that went bad says nothing; the next good one is asked. */
static void a_bad_header_neither_keeps_nor_frees_what_it_should_not(void **state)
{
	(void)state;
	struct folder_segment segments[sizeof(all) / sizeof(all[0])];
	struct folder_list list = list_from(segments, 0);
	segments[1].state = SEGMENT_HEADER_BAD;
	struct retention rule = { .confirmed = { 7, EPOCH, 179 },
		                  .needed = { 7, NEXT, 60 },
		                  .now = { 99 * DAY_US },
		                  .keep_us = KEEP_DAYS * DAY_US };
	assert_int_equal(retention_oldest(&list, &rule), RETENTION_STAYS);
	rule.confirmed.number = 180;
	assert_int_equal(retention_oldest(&list, &rule), RETENTION_GOES);
	list.segments_count = 2;
	assert_int_equal(retention_oldest(&list, &rule), RETENTION_STAYS);
	list.segments_count = 0;
	assert_int_equal(retention_oldest(&list, &rule), RETENTION_STAYS);
}

static void bytes_are_counted(void **state)
{
	(void)state;
	struct folder_segment segments[sizeof(all) / sizeof(all[0])];
	const struct folder_list list = list_from(segments, 0);
	assert_int_equal(retention_bytes(&list), 4 * MB);
	assert_int_equal(retention_unconfirmed_bytes(&list, (struct position){ 0 }), 4 * MB);
	assert_int_equal(retention_unconfirmed_bytes(&list, (struct position){ 7, EPOCH, 99 }),
	                 3 * MB);
	assert_int_equal(retention_unconfirmed_bytes(&list, (struct position){ 7, NEXT, 48 }),
	                 2 * MB);
	assert_int_equal(retention_unconfirmed_bytes(&list, (struct position){ 7, NEXT, 900 }), MB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rule_is_as_the_table_says),
		cmocka_unit_test(a_bad_header_neither_keeps_nor_frees_what_it_should_not),
		cmocka_unit_test(bytes_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
