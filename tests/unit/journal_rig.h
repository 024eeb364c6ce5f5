/*
 * A journal in memory for the tests of its parts: no thread, small segments, time that passes when
 * told. Records are texts ("record 12") unless a test writes its own.
 */
#ifndef TOCSIN_UNIT_JOURNAL_RIG_H
#define TOCSIN_UNIT_JOURNAL_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "keep/journal.h"
#include "keep/journal_reader.h"
#include "tests/kit/memory_disk.h"

#define RIG_FOLDER "/journal"
#define RIG_NODE   7
#define RIG_TEXT   64 /* payload bytes: 96 with its header, 41 records a segment of 4096 */

struct rig {
	struct memory_disk *m;
	struct journal_settings settings;
	struct journal *j;
	struct position first; /* of the epoch that is open */
	struct recovery_report report;
	unsigned items, records;   /* what the last recovery gave */
	struct position last_given;
	char troubles[256];
};

static inline void rig_text(struct position p, char out[static RIG_TEXT])
{
	memset(out, '.', RIG_TEXT);
	out[snprintf(out, RIG_TEXT, "record %u:%lu", p.epoch, p.number)] = ' ';
}

static inline bool rig_on_item(void *context, uint32_t version, const uint8_t *bytes, size_t length)
{
	struct rig *r = context;
	(void)version, (void)bytes, (void)length;
	r->items++;
	return true;
}

static inline bool rig_on_record(void *context, struct position position, uint32_t version,
                                 const uint8_t *bytes, size_t length)
{
	struct rig *r = context;
	char text[RIG_TEXT];
	assert_int_equal(version, 1);
	assert_int_equal(length, RIG_TEXT);
	rig_text(position, text);
	assert_memory_equal(bytes, text, RIG_TEXT);
	assert_true(r->records == 0 || position_compare(position, r->last_given) > 0);
	r->records++;
	r->last_given = position;
	return true;
}

static inline void rig_on_trouble(void *context, const char *what, struct position near, bool lost)
{
	struct rig *r = context;
	const size_t used = strlen(r->troubles);
	(void)near;
	snprintf(r->troubles + used, sizeof(r->troubles) - used, "%s%s ", what, lost ? "!" : "");
}

static inline struct rig *rig_new(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	r->m = memory_disk_new(1);
	journal_settings_default(&r->settings);
	r->settings.folder = RIG_FOLDER;
	r->settings.node = RIG_NODE;
	r->settings.record_version = 1;
	r->settings.segment_bytes = JOURNAL_SEGMENT_BYTES_MIN;
	r->settings.pending_bytes_max = 768 * 1024;
	r->settings.disk = memory_disk_interface(r->m);
	r->settings.is_threadless = true;
	return r;
}

static inline void rig_start(struct rig *r)
{
	enum journal_answer why;
	const struct recovery_calls calls = { r, rig_on_item, rig_on_record, rig_on_trouble };
	r->items = r->records = 0;
	r->troubles[0] = '\0';
	r->j = journal_open(&r->settings, &why);
	assert_int_equal(why, JOURNAL_OK);
	assert_int_equal(journal_recover(r->j, &calls, &r->report), RECOVERY_DONE);
	assert_int_equal(journal_start(r->j, &r->first), JOURNAL_OK);
}

/* Turns until there is nothing left to do at once; when the next is due. */
static inline struct mono rig_turns(struct rig *r)
{
	struct mono due;
	while (journal_turn(r->j, &due))
		;
	return due;
}

static inline enum journal_answer rig_append(struct rig *r, uint64_t number)
{
	char text[RIG_TEXT];
	rig_text((struct position){ RIG_NODE, r->first.epoch, number }, text);
	return journal_append(r->j, number, text, RIG_TEXT);
}

/* Appends the numbers one batch after the other, each with a turn. */
static inline void rig_write(struct rig *r, uint64_t from, uint64_t to)
{
	for (uint64_t n = from; n <= to; n++) {
		assert_int_equal(rig_append(r, n), JOURNAL_OK);
		rig_turns(r);
	}
}

static inline struct journal_status rig_status(struct rig *r)
{
	struct journal_status status;
	journal_status(r->j, &status);
	return status;
}

static inline void rig_checkpoint(struct rig *r, uint64_t start)
{
	const struct position at = { RIG_NODE, r->first.epoch, start };
	assert_int_equal(journal_checkpoint_begin(r->j, at), JOURNAL_OK);
	assert_int_equal(journal_checkpoint_add(r->j, "item", 4), JOURNAL_OK);
	assert_int_equal(journal_checkpoint_end(r->j), JOURNAL_OK);
	rig_turns(r);
}

/* Kills the process: nothing more is written, and the machine goes on or crashes. */
static inline void rig_kill(struct rig *r, enum memory_crash how)
{
	memory_disk_stop_after(r->m, 1);
	journal_close(r->j, 0);
	r->j = NULL;
	memory_disk_crash(r->m, how);
	memory_disk_pass_ms(r->m, 1000);
}

static inline uint8_t *rig_bytes(struct rig *r, const char *ending, unsigned n)
{
	size_t size;
	const char *name = memory_disk_name(r->m, ending, n);
	return name != NULL ? memory_disk_bytes(r->m, name, &size) : NULL;
}

static inline void rig_free(struct rig *r)
{
	if (r->j != NULL)
		journal_close(r->j, 0);
	memory_disk_free(r->m);
}

#endif
