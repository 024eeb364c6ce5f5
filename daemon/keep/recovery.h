/*
 * What a start finds: the newest whole checkpoint, then every record after it, in order.
 *
 * Called by the journal before it opens its epoch, and by `tocsin journal check`. First, all that
 * an earlier process may have left in memory is synced and dropped from the cache, so that what is
 * given is what the disk holds: a record that a crash could still take away is not built upon.
 */
#ifndef TOCSIN_KEEP_RECOVERY_H
#define TOCSIN_KEEP_RECOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keep/checkpoint.h"
#include "keep/folder.h"
#include "support/position.h"

/* The bytes are borrowed for the call. False stops the recovery: out of memory, or the like. */
struct recovery_calls {
	void *context;
	bool (*on_item)(void *context, uint32_t version, const uint8_t *bytes, size_t length);
	bool (*on_record)(void *context, struct position position, uint32_t version,
	                  const uint8_t *bytes, size_t length);
	/* Something is missing or bad; may be NULL. `what` is a short name, fit for a log line. */
	void (*on_trouble)(void *context, const char *what, struct position near, bool lost);
};

enum recovery {
	RECOVERY_DONE,
	RECOVERY_STOPPED, /* by a callback */
	RECOVERY_FAILED,  /* the disk does not give what it holds; errno in the report */
};

struct recovery_report {
	bool has_checkpoint;
	struct checkpoint_header checkpoint;
	unsigned checkpoints_bad; /* newer ones, passed over */
	uint64_t items, records;
	struct position last;     /* the last record, or what the checkpoint ends with */
	unsigned gaps, bad, lost; /* `lost`: of these, those that cost durable records */
	unsigned torn;            /* ends of epochs with a batch that never was confirmed */
	uint64_t bad_bytes, torn_bytes;
	unsigned aside_failed;    /* bad bytes that could not be copied */
	unsigned long unreadable; /* blocks of 4 KiB */
	bool is_settled;          /* what was read is on the disk; else it was only read */
	int error;
};

/* `write_allowed`: settle, and copy bad bytes to aside/. Without, the folder is only read. */
enum recovery recovery_run(const struct folder *folder, bool write_allowed,
                           const struct recovery_calls *calls, struct recovery_report *report);

#endif
