#include "keep/folder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/kit/memory_disk.h"

static struct folder folder_on(struct memory_disk *m)
{
	struct folder folder;
	assert_true(folder_init(&folder, memory_disk_interface(m), "/journal", 7));
	return folder;
}

static void put(struct memory_disk *m, const char *path)
{
	memory_disk_put(m, path, "x", 1);
}

static void names_are_these(void **state)
{
	(void)state;
	struct memory_disk *m = memory_disk_new(1);
	const struct folder folder = folder_on(m);
	const struct segment_key key = { 7, 1795000000, 12 };
	const struct position start = { 7, 1795000000, UINT64_MAX };
	assert_string_equal(folder_segment_path(&folder, &key).text,
	                    "/journal/1795000000-0000000012.segment");
	assert_string_equal(folder_checkpoint_path(&folder, start).text,
	                    "/journal/1795000000-18446744073709551615.checkpoint");
	assert_string_equal(folder_aside_path(&folder, &key, 4096).text,
	                    "/journal/aside/1795000000-0000000012-0000004096.bad");
	assert_string_equal(folder_path(&folder, FOLDER_LOCK).text, "/journal/lock");
	memory_disk_free(m);
}

static void lists_are_sorted_and_know_their_own(void **state)
{
	(void)state;
	struct memory_disk *m = memory_disk_new(1);
	const struct folder folder = folder_on(m);
	struct folder_list list = { 0 };
	put(m, "/journal/0000000002-0000000001.segment");
	put(m, "/journal/0000000001-0000000010.segment");
	put(m, "/journal/0000000001-0000000009.segment");
	put(m, "/journal/4294967295-4294967295.segment");
	put(m, "/journal/0000000002-00000000000000000009.checkpoint");
	put(m, "/journal/0000000001-00000000000000000010.checkpoint");
	/* Not ours, or not yet. */
	put(m, "/journal/segment.new");
	put(m, "/journal/checkpoint.new");
	put(m, "/journal/lock");
	put(m, "/journal/1-1.segment");
	put(m, "/journal/4294967296-0000000000.segment");
	put(m, "/journal/0000000001-0000000009.segment.old");
	put(m, "/journal/0000000001x0000000009.segment");
	put(m, "/journal/000000000a-0000000009.segment");
	put(m, "/journal/0000000001-99999999999999999999.checkpoint");
	put(m, "/journal/aside/0000000001-0000000011.segment");
	for (int round = 0; round < 2; round++) { /* a list is filled anew each time */
		assert_true(folder_list(&folder, &list));
		assert_int_equal(list.segments_count, 4);
		assert_int_equal(list.segments[0].key.index, 9);
		assert_int_equal(list.segments[0].key.node, 7);
		assert_int_equal(list.segments[1].key.index, 10);
		assert_int_equal(list.segments[2].key.epoch, 2);
		assert_int_equal(list.segments[3].key.index, UINT32_MAX);
		assert_int_equal(list.checkpoints_count, 2);
		assert_int_equal(list.checkpoints[0].number, 10);
		assert_int_equal(list.checkpoints[1].epoch, 2);
	}
	folder_list_remove(&list, 1);
	assert_int_equal(list.segments_count, 3);
	assert_int_equal(list.segments[1].key.epoch, 2);
	memory_disk_fail(m, MEMORY_LIST, 0, 1, EIO);
	assert_false(folder_list(&folder, &list));
	assert_int_equal(errno, EIO);
	folder_list_done(&list);
	memory_disk_free(m);
}

static void put_segment(struct memory_disk *m, const struct folder *folder,
                        struct segment_key named, struct segment_key written, size_t flipped)
{
	uint8_t bytes[512] = { 0 };
	const struct segment_header header = { .key = written, .first = 30, .record_version = 1 };
	segment_header_write(bytes, &header);
	segment_record_frame(bytes + SEGMENT_HEADER_BYTES, 31, 1, "text", 4);
	segment_record_seal(bytes + SEGMENT_HEADER_BYTES, &written, SEGMENT_HEADER_BYTES, 31);
	bytes[flipped] ^= 1;
	memory_disk_put(m, folder_segment_path(folder, &named).text, bytes, sizeof(bytes));
}

static void a_look_tells_what_a_segment_is(void **state)
{
	(void)state;
	struct memory_disk *m = memory_disk_new(1);
	const struct folder folder = folder_on(m);
	const struct segment_key key = { 7, 5, 1 };
	struct folder_segment segment = { .key = key };
	assert_false(folder_look(&folder, &segment));
	assert_int_equal(errno, ENOENT);
	put_segment(m, &folder, key, key, 511);
	assert_true(folder_look(&folder, &segment));
	assert_true(segment.is_looked_at);
	assert_int_equal(segment.state, SEGMENT_HEADER_WHOLE);
	assert_int_equal(segment.first, 30);
	assert_int_equal(segment.bytes, 512);
	/* The header is gone, the records behind it still say where they begin. */
	put_segment(m, &folder, key, key, 40);
	assert_true(folder_look(&folder, &segment));
	assert_int_equal(segment.state, SEGMENT_HEADER_BAD);
	assert_int_equal(segment.first, 31);
	const struct segment_key other = { 8, 5, 1 };
	put_segment(m, &folder, key, other, 511);
	assert_true(folder_look(&folder, &segment));
	assert_int_equal(segment.state, SEGMENT_HEADER_FOREIGN);
	assert_int_equal(segment.first, 0);
	uint32_t node = 0;
	assert_true(folder_find_node(&folder, &node));
	assert_int_equal(node, 8);
	memory_disk_free(m);
}

static void an_empty_folder_has_no_node(void **state)
{
	(void)state;
	struct memory_disk *m = memory_disk_new(1);
	const struct folder folder = folder_on(m);
	uint32_t node;
	assert_false(folder_find_node(&folder, &node));
	put(m, "/journal/0000000002-0000000001.segment");
	assert_false(folder_find_node(&folder, &node));
	memory_disk_free(m);
}

static void a_path_without_room_for_names_is_refused(void **state)
{
	(void)state;
	struct memory_disk *m = memory_disk_new(1);
	struct folder folder;
	char path[FOLDER_PATH_SIZE];
	memset(path, 'p', sizeof(path));
	path[FOLDER_PATH_SIZE - FOLDER_NAME_SIZE] = '\0';
	assert_false(folder_init(&folder, memory_disk_interface(m), path, 7));
	path[FOLDER_PATH_SIZE - FOLDER_NAME_SIZE - 1] = '\0';
	assert_true(folder_init(&folder, memory_disk_interface(m), path, 7));
	const struct segment_key longest = { UINT32_MAX, UINT32_MAX, UINT32_MAX };
	const struct folder_path aside = folder_aside_path(&folder, &longest, INT64_MAX);
	assert_string_equal(aside.text + strlen(aside.text) - 4, ".bad");
	memory_disk_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_these),
		cmocka_unit_test(lists_are_sorted_and_know_their_own),
		cmocka_unit_test(a_look_tells_what_a_segment_is),
		cmocka_unit_test(an_empty_folder_has_no_node),
		cmocka_unit_test(a_path_without_room_for_names_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
