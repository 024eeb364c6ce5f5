#include "keep/cache.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "support/log.h"
#include "support/table.h"
#include "support/text.h"

#define CACHE_SOON_MS      3000 /* sites, sources: a few changes together */
#define CACHE_PAUSE_FACTOR 4    /* at most a fifth of the time goes into writing */
#define CACHE_RETRY_MS     5000 /* after a failure of the disk; doubled each time */
#define CACHE_RETRY_MAX_MS 600000

static const char *const kind_names[] = {
	[SNAPSHOT_REGISTRY] = "registry",
	[SNAPSHOT_TERRITORY] = "territory",
};

void cache_init(struct cache *c, const struct disk *disk, const char *folder)
{
	*c = (struct cache){ .disk = disk, .is_kept = folder != NULL };
	c->writer.fd = -1;
	for (int kind = SNAPSHOT_REGISTRY; kind <= SNAPSHOT_TERRITORY && folder; kind++)
		c->is_kept &= text_add(c->paths[kind], sizeof c->paths[kind], "%s/%s.snapshot",
		                       folder, kind_names[kind]);
}

void cache_done(struct cache *c)
{
	snapshot_abandon(&c->writer);
	changes_done(&c->pending);
}

/* ---- what fails and what works again ---- */

static void cache_failed(struct cache *c, enum snapshot_kind kind, const char *why)
{
	snprintf(c->why, sizeof c->why, "%s.snapshot: %s", kind_names[kind], why);
	if (!c->is_failing)
		log_event(LOG_LEVEL_ERROR, "snapshot-failing", LOG_TEXT("file", c->paths[kind]),
		          LOG_TEXT("why", why));
	c->is_failing = true;
}

static void cache_works(struct cache *c, enum snapshot_kind kind, uint64_t items)
{
	if (c->is_failing)
		log_event(LOG_LEVEL_NOTICE, "snapshot-written-again",
		          LOG_TEXT("file", c->paths[kind]));
	else
		log_event(LOG_LEVEL_DEBUG, "snapshot-written", LOG_TEXT("file", c->paths[kind]),
		          LOG_NUMBER("rows", items));
	c->is_failing = false;
	c->why[0] = '\0';
}

/* ---- reading ---- */

enum snapshot_state cache_read(struct cache *c, enum snapshot_kind kind,
                               struct snapshot_about *about, cache_row *each, void *context)
{
	struct snapshot_reader reader;
	enum snapshot_state state;
	enum row_kind row;
	const uint8_t *bytes;
	size_t length;

	if (!c->is_kept)
		return SNAPSHOT_ABSENT;
	state = snapshot_open(&reader, c->disk, c->paths[kind], kind, about);
	if (state == SNAPSHOT_WHOLE) {
		while (snapshot_next(&reader, &state, &row, &bytes, &length)) {
			if (each(context, row, bytes, length))
				continue;
			state = SNAPSHOT_FAILED;
			TEXT_COPY(reader.why, "stopped");
			break;
		}
	}
	snprintf(c->why, sizeof c->why, "%s", state == SNAPSHOT_WHOLE ? "" : reader.why);
	snapshot_close(&reader);
	if (kind == SNAPSHOT_REGISTRY)
		c->has_whole = state == SNAPSHOT_WHOLE;
	return state;
}

/* ---- a whole new one ---- */

void cache_begin(struct cache *c, const struct snapshot_about *about)
{
	if (c->is_kept && !snapshot_begin(&c->writer, c->disk, c->paths[about->kind], about))
		cache_failed(c, about->kind, strerror(errno));
}

void cache_add(struct cache *c, enum row_kind kind, const uint8_t *bytes, size_t length)
{
	if (c->writer.fd >= 0 && !snapshot_add(&c->writer, kind, bytes, length))
		cache_failed(c, kind <= ROW_SOURCE ? SNAPSHOT_REGISTRY : SNAPSHOT_TERRITORY,
		             strerror(errno));
}

/* The new snapshot under its name; false: the old one stands. */
static bool cache_finish(struct cache *c, enum snapshot_kind kind)
{
	uint64_t items = c->writer.items;

	if (c->writer.fd < 0)
		return false; /* it failed on the way, and was told */
	if (!snapshot_end(&c->writer)) {
		cache_failed(c, kind, strerror(errno));
		return false;
	}
	cache_works(c, kind, items);
	return true;
}

/* After a failure: again later, and ever later. */
static void cache_retry(struct cache *c)
{
	c->retry_ms = c->retry_ms == 0                       ? CACHE_RETRY_MS
	              : c->retry_ms < CACHE_RETRY_MAX_MS / 2 ? c->retry_ms * 2
	                                                     : CACHE_RETRY_MAX_MS;
	c->not_before = c->due = mono_add_ms(c->disk->mono(c->disk->context), c->retry_ms);
}

static void cache_settled(struct cache *c)
{
	changes_done(&c->pending);
	c->due = (struct mono){ 0 };
	c->retry_ms = 0;
	c->has_whole = true;
}

void cache_end(struct cache *c, enum snapshot_kind kind)
{
	bool ok = c->is_kept && cache_finish(c, kind);

	if (!c->is_kept || kind != SNAPSHOT_REGISTRY)
		return;
	if (ok) {
		cache_settled(c); /* what gathered before this load is in what was loaded */
		return;
	}
	c->has_whole = false;
	cache_retry(c);
}

void cache_abandon(struct cache *c)
{
	snapshot_abandon(&c->writer);
}

/* ---- small changes ---- */

void cache_change(struct cache *c, enum row_kind kind, const uint8_t *bytes, size_t length,
                  struct mono now)
{
	if (!c->is_kept)
		return;
	if (c->pending.count == CACHE_PENDING_MAX || !changes_add(&c->pending, kind, bytes, length))
		c->has_whole = false;
	struct mono due = kind == ROW_PRACTITIONER ? now : mono_add_ms(now, CACHE_SOON_MS);
	if (due.ns < c->not_before.ns)
		due = c->not_before;
	if (!mono_is_set(c->due) || due.ns < c->due.ns)
		c->due = due;
}

/* Rows are told apart by what they are as much as by their ids. */
struct row_key {
	struct id id;
	uint8_t kind;
};

static bool key_of(enum row_kind kind, const uint8_t *bytes, size_t length, struct row_key *out,
                   bool *is_gone)
{
	memset(out, 0, sizeof *out);
	out->kind = (uint8_t)kind;
	return row_identify(kind, bytes, length, &out->id, is_gone);
}

/* The old snapshot's rows, without those that changed since. */
static bool copy_unchanged(struct cache *c, const struct table *newest)
{
	struct snapshot_about old;
	struct snapshot_reader reader;
	enum snapshot_state state = snapshot_open(&reader, c->disk, c->paths[SNAPSHOT_REGISTRY],
	                                          SNAPSHOT_REGISTRY, &old);
	enum row_kind kind;
	const uint8_t *bytes;
	size_t length;
	bool written = true;

	while (state == SNAPSHOT_WHOLE && written &&
	       snapshot_next(&reader, &state, &kind, &bytes, &length)) {
		struct row_key key;
		bool is_gone;
		if (!key_of(kind, bytes, length, &key, &is_gone) || !table_get(newest, &key))
			written = snapshot_add(&c->writer, kind, bytes, length);
	}
	if (!written)
		cache_failed(c, SNAPSHOT_REGISTRY, strerror(errno));
	else if (state != SNAPSHOT_WHOLE)
		cache_failed(c, SNAPSHOT_REGISTRY, reader.why);
	if (state != SNAPSHOT_WHOLE)
		c->has_whole = false;
	snapshot_close(&reader);
	return written && state == SNAPSHOT_WHOLE;
}

/* Of each changed row the newest state, unless it is gone. Values point into `pending`. */
static struct table *newest_of(const struct changes *pending)
{
	struct table *newest = table_new(sizeof(struct row_key), pending->count);
	struct change change;

	for (size_t at = 0, start = 0; newest && changes_next(pending, &at, &change); start = at) {
		struct row_key key;
		bool is_gone;
		if (!key_of(change.kind, change.bytes, change.length, &key, &is_gone))
			continue;
		if (table_put(newest, &key, pending->bytes + start))
			continue;
		table_free(newest);
		return NULL;
	}
	return newest;
}

static bool add_changed(struct cache *c, const struct table *newest)
{
	struct change change;

	for (size_t at = 0, start = 0; changes_next(&c->pending, &at, &change); start = at) {
		struct row_key key;
		bool is_gone;
		if (!key_of(change.kind, change.bytes, change.length, &key, &is_gone) || is_gone ||
		    table_get(newest, &key) != c->pending.bytes + start)
			continue;
		if (snapshot_add(&c->writer, change.kind, change.bytes, change.length))
			continue;
		cache_failed(c, SNAPSHOT_REGISTRY, strerror(errno));
		return false;
	}
	return true;
}

static bool write_anew(struct cache *c, const struct snapshot_about *about)
{
	struct table *newest = newest_of(&c->pending);

	if (!newest) {
		cache_failed(c, SNAPSHOT_REGISTRY, "no memory");
		return false;
	}
	cache_begin(c, about);
	bool ok = c->writer.fd >= 0 && copy_unchanged(c, newest) && add_changed(c, newest);
	table_free(newest);
	if (ok)
		return cache_finish(c, SNAPSHOT_REGISTRY);
	cache_abandon(c);
	return false;
}

bool cache_rewrite(struct cache *c, const struct snapshot_about *about, bool *needs_load)
{
	struct mono start = c->disk->mono(c->disk->context);
	bool ok = c->has_whole && write_anew(c, about);

	*needs_load = !c->has_whole;
	if (!ok) {
		cache_retry(c);
		return false;
	}
	cache_settled(c);
	struct mono end = c->disk->mono(c->disk->context);
	c->not_before = mono_add_ms(end, mono_ms_between(start, end) * CACHE_PAUSE_FACTOR);
	return true;
}

void cache_see(struct cache *c, struct wall now)
{
	if (!c->is_kept)
		return;
	for (int kind = SNAPSHOT_REGISTRY; kind <= SNAPSHOT_TERRITORY; kind++) {
		/* A registry's snapshot that lacks changes is not current. */
		if (kind == SNAPSHOT_REGISTRY && (!c->has_whole || c->pending.count > 0))
			continue;
		if (!snapshot_see(c->disk, c->paths[kind], now) && errno != ENOENT)
			cache_failed(c, (enum snapshot_kind)kind, strerror(errno));
	}
}
