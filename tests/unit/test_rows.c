/* Rows for PostgreSQL: the bytes, by hand from array_recv, record_recv and the types' receive
 * functions. What the server makes of them is tested in tests/system/test_follower.py. */
#include "keep/rows.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TYPE 0x00012345

static void assert_rows(struct rows *r, const char *hex)
{
	char got[2048] = "";

	assert_true(rows_finish(r, TYPE));
	for (size_t i = 0; i < r->used; i++)
		snprintf(got + 2 * i, sizeof got - 2 * i, "%02x", r->bytes[i]);
	assert_string_equal(got, hex);
}

#define HEADER(count)                                                                              \
	"00000001"                                                                                 \
	"00000000"                                                                                 \
	"00012345"                                                                                 \
	"0000000" count "00000001"

static void test_empty(void **state)
{
	struct rows r = { 0 };

	(void)state;
	rows_clear(&r);
	assert_rows(&r, "00000000"
	                "00000000"
	                "00012345");
	rows_done(&r);
}

static void test_numbers(void **state)
{
	struct rows r = { 0 };

	(void)state;
	rows_clear(&r);
	rows_begin(&r);
	rows_bool(&r, true);
	rows_int2(&r, -2);
	rows_int4(&r, 258);
	rows_int8(&r, -1);
	rows_float4(&r, 20);
	rows_float8(&r, 2.5);
	rows_null(&r);
	rows_end(&r);
	assert_int_equal(r.count, 1);
	assert_rows(&r, HEADER("1") "00000057"
	                            "00000007"
	                            "00000010"
	                            "00000001"
	                            "01"
	                            "00000015"
	                            "00000002"
	                            "fffe"
	                            "00000017"
	                            "00000004"
	                            "00000102"
	                            "00000014"
	                            "00000008"
	                            "ffffffffffffffff"
	                            "000002bc"
	                            "00000004"
	                            "41a00000"
	                            "000002bd"
	                            "00000008"
	                            "4004000000000000"
	                            "00004000"
	                            "ffffffff");
	rows_done(&r);
}

static void test_texts(void **state)
{
	static const uint8_t id[16] = { 1, 2, 3 }, none[16];
	struct rows r = { 0 };

	(void)state;
	rows_clear(&r);
	rows_begin(&r);
	rows_text(&r, "é");
	rows_text(&r, "");
	rows_text(&r, NULL);
	rows_text_or_null(&r, "");
	rows_bytes(&r, "\0\xff", 2);
	rows_uuid(&r, id, 16);
	rows_uuid(&r, none, 16); /* none */
	rows_uuid(&r, id, 15);   /* not one */
	rows_end(&r);
	assert_rows(&r, HEADER("1") "00000058"
	                            "00000008"
	                            "00000019"
	                            "00000002"
	                            "c3a9"
	                            "00000019"
	                            "00000000"
	                            "00004000"
	                            "ffffffff"
	                            "00004000"
	                            "ffffffff"
	                            "00000011"
	                            "00000002"
	                            "00ff"
	                            "00000b86"
	                            "00000010"
	                            "01020300000000000000000000000000"
	                            "00004000"
	                            "ffffffff"
	                            "00004000"
	                            "ffffffff");
	rows_done(&r);
}

static void test_times(void **state)
{
	static const struct {
		int64_t us;
		const char *hex;
	} times[] = {
		{ 946684800000000, "0000000000000000" }, /* 2000-01-01 */
		{ 946684800000001, "0000000000000001" },     { 1, "fffca2fec4c82001" }, /* 1970 */
		{ INT64_MAX, "7fffffffffffffff" }, /* infinity: years that the type does not know */
		{ 9223371331200000000, "7fffffffffffffff" }, { INT64_MIN, "8000000000000000" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		struct rows r = { 0 };
		char hex[200];
		rows_clear(&r);
		rows_begin(&r);
		rows_time(&r, times[i].us);
		rows_end(&r);
		snprintf(hex, sizeof hex,
		         HEADER("1") "00000014"
		                     "00000001"
		                     "000004a0"
		                     "00000008%s",
		         times[i].hex);
		assert_rows(&r, hex);
		rows_done(&r);
	}
	struct rows r = { 0 };
	rows_clear(&r);
	rows_begin(&r);
	rows_time(&r, 0);
	rows_end(&r);
	assert_rows(&r, HEADER("1") "0000000c"
	                            "00000001"
	                            "00004000"
	                            "ffffffff");
	rows_done(&r);
}

static void test_arrays(void **state)
{
	static const uint8_t id[16] = { 0xab };
	struct rows r = { 0 };

	(void)state;
	rows_clear(&r);
	rows_begin(&r);
	rows_texts(&r, 0);
	rows_texts(&r, 2);
	rows_item_text(&r, "ab");
	rows_item_text(&r, "");
	rows_uuids(&r, 1);
	rows_item_uuid(&r, id, 16);
	rows_end(&r);
	assert_rows(&r, HEADER("1") "0000006e"
	                            "00000003"
	                            "000003f1"
	                            "0000000c"
	                            "00000000"
	                            "00000000"
	                            "00000019"
	                            "000003f1"
	                            "0000001e"
	                            "00000001"
	                            "00000000"
	                            "00000019"
	                            "00000002"
	                            "00000001"
	                            "00000002"
	                            "6162"
	                            "00000000"
	                            "00000b87"
	                            "00000028"
	                            "00000001"
	                            "00000000"
	                            "00000b86"
	                            "00000001"
	                            "00000001"
	                            "00000010"
	                            "ab000000000000000000000000000000");
	rows_done(&r);
}

static void test_many_rows_and_again(void **state)
{
	struct rows r = { 0 };

	(void)state;
	for (unsigned turn = 0; turn < 2; turn++) {
		rows_clear(&r);
		for (unsigned i = 0; i < 10000; i++) {
			rows_begin(&r);
			rows_int4(&r, (int32_t)i);
			rows_text(&r, "a text of some length");
			rows_end(&r);
		}
		assert_true(rows_finish(&r, TYPE));
		assert_int_equal(r.count, 10000);
		assert_int_equal(r.used, 20 + 10000 * (4 + 4 + 12 + 8 + 21));
		assert_memory_equal(r.bytes + r.used - 21, "a text of some length", 21);
	}
	rows_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),  cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_texts),  cmocka_unit_test(test_times),
		cmocka_unit_test(test_arrays), cmocka_unit_test(test_many_rows_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
