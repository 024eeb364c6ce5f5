#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "decide/repeat.h"

static struct repeat memory(unsigned number)
{
	char ref[16];
	struct source_id source = { { { 7 } } };
	snprintf(ref, sizeof ref, "%u", number);
	return (struct repeat){ .key = repeat_key(source, ref, 0),
		                .content_hash = number,
		                .received_at = { number + 1 } };
}

static void the_oldest_is_forgotten(void **state)
{
	(void)state;
	struct repeats *r = repeats_new(100);
	for (unsigned n = 0; n < 1000; n++) {
		struct repeat m = memory(n);
		assert_true(repeats_put(r, &m));
	}
	assert_int_equal(repeats_count(r), 100);
	for (unsigned n = 0; n < 1000; n++) {
		struct repeat m = memory(n);
		const struct repeat *found = repeats_get(r, &m.key);
		assert_int_equal(found != NULL, n >= 900);
		if (found != NULL)
			assert_int_equal(found->content_hash, n);
	}
	repeats_free(r);
}

static void a_newer_one_replaces(void **state)
{
	(void)state;
	struct repeats *r = repeats_new(10);
	struct repeat m = memory(1);
	for (unsigned n = 0; n < 50; n++) {
		m.content_hash = n;
		assert_true(repeats_put(r, &m));
		assert_int_equal(repeats_get(r, &m.key)->content_hash, n);
	}
	assert_true(repeats_count(r) <= 10);
	repeats_free(r);
}

/* A checkpoint walks in slices while others are remembered and forgotten. */
static void a_walk_survives_changes(void **state)
{
	(void)state;
	struct repeats *r = repeats_new(100);
	struct repeat m;
	for (unsigned n = 0; n < 100; n++) {
		m = memory(n);
		repeats_put(r, &m);
	}
	repeats_walk_begin(r);
	unsigned seen = 0;
	int64_t last = 0;
	for (unsigned n = 100; n < 180; n++) { /* the walk is overtaken by what is forgotten */
		m = memory(n);
		repeats_put(r, &m);
		if (n % 4 != 0)
			continue;
		const struct repeat *at = repeats_walk(r);
		assert_non_null(at);
		assert_true(at->received_at.us > last);
		last = at->received_at.us;
		seen++;
	}
	while (repeats_walk(r) != NULL)
		seen++;
	assert_true(seen >= 100);
	assert_null(repeats_walk(r));
	repeats_free(r);
}

static void keys_keep_apart(void **state)
{
	(void)state;
	struct source_id a = { { { 1 } } }, b = { { { 2 } } };
	struct repeat_key keys[] = { repeat_key(a, "1", 0), repeat_key(b, "1", 0),
		                     repeat_key(a, "2", 0), repeat_key(a, "1", 1),
		                     repeat_key(a, "1", 2) };
	for (size_t i = 0; i < 5; i++)
		for (size_t j = i + 1; j < 5; j++)
			assert_memory_not_equal(&keys[i], &keys[j], sizeof keys[i]);
}

/* Each part of the content counts; what is ours (id, time of reception) does not. */
static void content_is_what_was_said(void **state)
{
	(void)state;
	struct alert a = { .kind = ALERT_PANIC, .note = "ab", .address = "c" };
	uint64_t plain = repeat_content(&a);
	struct alert changed[9];
	for (size_t n = 0; n < 9; n++)
		changed[n] = a;
	changed[0].kind = ALERT_DURESS;
	changed[1].occurred_at.us = 5;
	changed[2].has_fix = true;
	changed[2].fix.lat = 48;
	changed[3].note[0] = 'x';
	changed[4].rpps = 1;
	changed[5].exercise = true;
	changed[6].person_name[0] = 'n';
	changed[7].number[0] = '0';
	snprintf(changed[8].note, sizeof changed[8].note,
	         "b"); /* a letter moved to its neighbour */
	snprintf(changed[8].address, sizeof changed[8].address, "ca");
	for (size_t n = 0; n < 9; n++)
		assert_int_not_equal(repeat_content(&changed[n]), plain);
	a.id.v.b[3] = 1;
	a.received_at.us = 99;
	a.doubts = ALERT_DOUBT_CERTIFICATE;
	assert_int_equal(repeat_content(&a), plain);
	/* Kept in checkpoints: the same for ever. */
	assert_int_equal(
	        repeat_content(&(struct alert){ .kind = ALERT_PANIC }),
	        repeat_content(&(struct alert){ .kind = ALERT_PANIC, .received_at = { 4 } }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_oldest_is_forgotten),  cmocka_unit_test(a_newer_one_replaces),
		cmocka_unit_test(a_walk_survives_changes),  cmocka_unit_test(keys_keep_apart),
		cmocka_unit_test(content_is_what_was_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
