/* Time: the two clocks run on, and RFC 3339 is written and read, leap days and offsets included. */
#include "support/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include <cmocka.h>

static void test_clocks_run_on(void **state)
{
	struct mono first = clock_mono();
	struct timespec boot;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct mono next = clock_mono();
		assert_true(next.ns >= first.ns);
		first = next;
	}
	assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &boot), 0);
	assert_in_range(
	        mono_ms_between(first, (struct mono){ boot.tv_sec * 1000000000LL + boot.tv_nsec }),
	        0, 60000);
	assert_in_range(
	        wall_ms_between(clock_wall(), (struct wall){ (time(NULL) + 60) * CLOCK_S_US }), 1,
	        120000);
}

static void test_synchronised_is_the_kernels_opinion(void **state)
{
	struct timex kernel = { .modes = 0 };
	int answer = adjtimex(&kernel);

	(void)state;
	if (answer == -1 || answer == TIME_ERROR)
		assert_false(clock_is_synchronised());
	else
		assert_int_equal(clock_is_synchronised(), !(kernel.status & STA_UNSYNC));
}

static void test_arithmetic(void **state)
{
	struct mono a = { 5 * CLOCK_MS_NS }, never = { 0 };
	struct wall w = { 7 * CLOCK_S_US };

	(void)state;
	assert_int_equal(mono_add_ms(a, 3).ns, 8 * CLOCK_MS_NS);
	assert_int_equal(mono_ms_between(a, mono_add_ms(a, 30)), 30);
	assert_int_equal(mono_us_between(a, mono_add_ms(a, 30)), 30000);
	assert_int_equal(mono_ms_between(mono_add_ms(a, 30), a), -30);
	assert_true(mono_is_due(a, a));
	assert_true(mono_is_due(a, mono_add_ms(a, 1)));
	assert_false(mono_is_due(mono_add_ms(a, 1), a));
	assert_false(mono_is_due(never, a));
	assert_false(mono_is_set(never));
	assert_true(mono_is_set(a));
	assert_int_equal(wall_add_ms(w, 1500).us, 8500000);
	assert_int_equal(wall_ms_between(w, wall_add_ms(w, 1500)), 1500);
	assert_false(wall_is_set((struct wall){ 0 }));
}

static const struct {
	int64_t us;
	const char *text;
} written[] = {
	{ 0, "1970-01-01T00:00:00.000Z" },
	{ 1, "1970-01-01T00:00:00.000Z" },
	{ 999999, "1970-01-01T00:00:00.999Z" },
	{ 951782400000000, "2000-02-29T00:00:00.000Z" }, /* 400 divides 2000 */
	{ 1709251199999000, "2024-02-29T23:59:59.999Z" },
	{ 1709251200000000, "2024-03-01T00:00:00.000Z" },
	{ 4107542400000000, "2100-03-01T00:00:00.000Z" }, /* 2100 is no leap year */
	{ 4107456000000000, "2100-02-28T00:00:00.000Z" },
	{ 253402300799999999, "9999-12-31T23:59:59.999Z" },
	{ -1, "1970-01-01T00:00:00.000Z" }, /* held within what can be written */
	{ INT64_MIN, "1970-01-01T00:00:00.000Z" },
	{ INT64_MAX, "9999-12-31T23:59:59.999Z" },
};

static void test_format(void **state)
{
	char out[CLOCK_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++)
		assert_string_equal(wall_format((struct wall){ written[i].us }, out),
		                    written[i].text);
}

/* Every day from 1970 to 2199 against libc's calendar, in both directions. */
static void test_calendar_agrees_with_libc(void **state)
{
	(void)state;
	for (time_t day = 0; day < 84000; day++) {
		time_t second = day * 86400 + (day * 7919) % 86400;
		char out[CLOCK_TEXT_SIZE], expected[CLOCK_TEXT_SIZE];
		struct wall back;
		struct tm tm;
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.000Z",
		         gmtime_r(&second, &tm));
		assert_string_equal(wall_format((struct wall){ second * CLOCK_S_US }, out),
		                    expected);
		assert_true(wall_parse(out, &back));
		assert_int_equal(back.us, second * CLOCK_S_US);
	}
}

static const struct {
	const char *text;
	int64_t us;
} read_well[] = {
	{ "2026-11-21T22:04:38Z", 1795298678000000 },
	{ "2026-11-21T22:04:38.1Z", 1795298678100000 },
	{ "2026-11-21T22:04:38.123456Z", 1795298678123456 },
	{ "2026-11-21T22:04:38.1234569999999999999999Z", 1795298678123456 },
	{ "2026-11-21t22:04:38z", 1795298678000000 }, /* RFC 3339, 5.6: either case */
	{ "2026-11-21T23:04:38+01:00", 1795298678000000 },
	{ "2026-11-22T03:49:38.5+05:45", 1795298678500000 },
	{ "2026-11-21T18:04:38-04:00", 1795298678000000 },
	{ "2026-11-21T22:04:38-00:00", 1795298678000000 }, /* 4.3: offset not known */
	{ "2016-12-31T23:59:60Z", 1483228800000000 },      /* 5.7: a leap second */
	{ "2017-01-01T00:59:60+01:00", 1483228800000000 },
	{ "1969-12-31T23:00:00-01:00", 0 },
	{ "9999-12-31T23:59:59.999999Z", 253402300799999999 },
	{ "2024-02-29T00:00:00Z", 1709164800000000 },
};

static const char *const refused[] = {
	"",
	"2026",
	"2026-11-21",
	"2026-11-21T22:04:38", /* no offset: nobody knows when that is */
	"2026-11-21 22:04:38Z",
	"2026-11-21T22:04Z",
	"2026-11-21T22:04:38.Z",
	"2026-11-21T22:04:38,5Z",
	"2026-11-21T22:04:38Zjunk",
	"2026-11-21T22:04:38Z ",
	" 2026-11-21T22:04:38Z",
	"2026-11-21T22:04:38+0100",
	"2026-11-21T22:04:38+01",
	"2026-11-21T22:04:38+24:00",
	"2026-11-21T22:04:38+01:60",
	"2026-00-21T22:04:38Z",
	"2026-13-21T22:04:38Z",
	"2026-11-00T22:04:38Z",
	"2026-11-31T22:04:38Z",
	"2026-02-29T22:04:38Z",
	"2100-02-29T22:04:38Z",
	"2026-11-21T24:00:00Z",
	"2026-11-21T22:60:38Z",
	"2026-11-21T22:04:60Z", /* a leap second ends a day */
	"2026-11-21T22:04:61Z",
	"-026-11-21T22:04:38Z",
	"+2026-11-21T22:04:38Z",
	"02026-11-21T22:04:38Z",
	"1969-12-31T23:59:59Z",
	"0000-01-01T00:00:00Z",
	"1970-01-01T00:00:00+00:01",
	"9999-12-31T23:59:59-00:01",
	"2026-11-21T22:04:38\xe2\x88\x92"
	"01:00", /* a minus sign that is none */
};

static void test_parse(void **state)
{
	struct wall out;

	(void)state;
	for (size_t i = 0; i < sizeof(read_well) / sizeof(read_well[0]); i++) {
		if (!wall_parse(read_well[i].text, &out))
			fail_msg("refused: %s", read_well[i].text);
		assert_int_equal(out.us, read_well[i].us);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		out.us = 42;
		if (wall_parse(refused[i], &out))
			fail_msg("taken: %s", refused[i]);
		assert_int_equal(out.us, 42);
	}
}

/* Cut anywhere, a time is refused and nothing past its end is read (the sanitizer watches). */
static void test_parse_cut(void **state)
{
	const char *whole = "2026-11-21T22:04:38.123+01:00";

	(void)state;
	for (size_t length = 0; length < strlen(whole); length++) {
		char *cut = test_malloc(length + 1);
		struct wall out;
		memcpy(cut, whole, length);
		cut[length] = '\0';
		assert_false(wall_parse(cut, &out));
		test_free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clocks_run_on),
		cmocka_unit_test(test_synchronised_is_the_kernels_opinion),
		cmocka_unit_test(test_arithmetic),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_calendar_agrees_with_libc),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
