/* Identifiers: the fields of RFC 9562, 5.7, an order that never steps back, and their text. */
#include "support/id.h"

#include <ctype.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW_US 1795298678123456

static uint64_t milliseconds_of(struct id id)
{
	uint64_t ms = 0;
	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id.b[i];
	return ms;
}

static void test_fields(void **state)
{
	struct id id = id_new((struct wall){ NOW_US });

	(void)state;
	assert_int_equal(milliseconds_of(id), NOW_US / 1000);
	assert_int_equal(id.b[6] >> 4, 7);
	assert_int_equal(id.b[8] >> 6, 2);
	assert_true(id_is_set(id));
	assert_true(id_equal(id, id));
	assert_false(id_equal(id, id_new((struct wall){ NOW_US })));
	assert_false(id_is_set((struct id){ 0 }));
}

/* 100,000 in one millisecond run through the counter's 4,096 values many times. */
static void test_order_within_a_millisecond(void **state)
{
	struct id last = id_new((struct wall){ NOW_US + 5000 });

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct id next = id_new((struct wall){ NOW_US + 5000 });
		assert_true(memcmp(next.b, last.b, ID_BYTES) > 0);
		assert_int_equal(next.b[6] >> 4, 7);
		assert_int_equal(next.b[8] >> 6, 2);
		last = next;
	}
}

static void test_order_when_the_clock_steps_back(void **state)
{
	struct id before = id_new((struct wall){ NOW_US + 900000000 });
	struct id after = id_new((struct wall){ NOW_US });
	struct id unset = id_new((struct wall){ 0 });
	struct id negative = id_new((struct wall){ -1 });

	(void)state;
	assert_true(memcmp(after.b, before.b, ID_BYTES) > 0);
	assert_true(memcmp(unset.b, after.b, ID_BYTES) > 0);
	assert_true(memcmp(negative.b, unset.b, ID_BYTES) > 0);
	assert_true(memcmp(id_new((struct wall){ NOW_US + 901000000 }).b, negative.b, ID_BYTES) >
	            0);
}

#define THREADS  4
#define IDS_EACH 5000

static void *make_ids(void *arg)
{
	struct id *ids = arg;
	for (int i = 0; i < IDS_EACH; i++)
		ids[i] = id_new((struct wall){ NOW_US + 1000000000 });
	return NULL;
}

static int compare_ids(const void *a, const void *b)
{
	return memcmp(((const struct id *)a)->b, ((const struct id *)b)->b, ID_BYTES);
}

static void test_threads_never_make_the_same(void **state)
{
	static struct id ids[THREADS * IDS_EACH];
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_ids, ids + i * IDS_EACH),
		                 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	qsort(ids, THREADS * IDS_EACH, sizeof(ids[0]), compare_ids);
	for (int i = 1; i < THREADS * IDS_EACH; i++)
		assert_false(id_equal(ids[i - 1], ids[i]));
}

/* The random bits are really drawn: in 4,000 identifiers each of the 62 is sometimes 0 and
 * sometimes 1. */
static void test_random_bits(void **state)
{
	uint8_t ones[8] = { 0 }, zeros[8] = { 0 };

	(void)state;
	for (int i = 0; i < 4000; i++) {
		struct id id = id_new((struct wall){ NOW_US });
		for (int b = 0; b < 8; b++) {
			ones[b] |= id.b[8 + b];
			zeros[b] |= (uint8_t)~id.b[8 + b];
		}
	}
	assert_int_equal(ones[0], 0xbf);
	assert_int_equal(zeros[0], 0x7f);
	for (int b = 1; b < 8; b++) {
		assert_int_equal(ones[b], 0xff);
		assert_int_equal(zeros[b], 0xff);
	}
}

static void test_text(void **state)
{
	/* RFC 9562, A.6 */
	const char *text = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
	const uint8_t bytes[] = { 0x01, 0x7f, 0x22, 0xe2, 0x79, 0xb0, 0x7c, 0xc3,
		                  0x98, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f };
	char out[ID_TEXT_SIZE];
	struct id id;

	(void)state;
	assert_true(id_parse(text, &id));
	assert_memory_equal(id.b, bytes, ID_BYTES);
	assert_string_equal(id_format(id, out), text);
	assert_true(id_parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F", &id));
	assert_memory_equal(id.b, bytes, ID_BYTES);
	assert_true(id_parse("00000000-0000-0000-0000-000000000000", &id));
	assert_false(id_is_set(id));
}

static void test_text_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"0",
		"017f22e279b07cc398c4dc0c0c07398f",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398f ",
		" 017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
		"{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
		"017f22e2-79b0-7cc3-98c4_dc0c0c07398f",
		"017f22e27-9b0-7cc3-98c4-dc0c0c07398f",
		"+17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
	};
	struct id id = { { 42 } };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (id_parse(texts[i], &id))
			fail_msg("taken: %s", texts[i]);
		assert_int_equal(id.b[0], 42);
	}
}

/* Cut anywhere, it is refused and nothing past its end is read (the sanitizer watches). */
static void test_text_cut(void **state)
{
	const char *whole = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";

	(void)state;
	for (size_t length = 0; length < strlen(whole); length++) {
		char *cut = test_malloc(length + 1);
		struct id id;
		memcpy(cut, whole, length);
		cut[length] = '\0';
		assert_false(id_parse(cut, &id));
		test_free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_order_within_a_millisecond),
		cmocka_unit_test(test_order_when_the_clock_steps_back),
		cmocka_unit_test(test_threads_never_make_the_same),
		cmocka_unit_test(test_random_bits),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_refused),
		cmocka_unit_test(test_text_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
