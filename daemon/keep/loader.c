#include "keep/loader.h"

#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "keep/cache.h"
#include "keep/handover.h"
#include "keep/select.h"
#include "support/log.h"
#include "support/text.h"

#define CONNECT_MS    5000
#define ANSWER_MS     10000
#define HEARTBEAT_MS  5000
#define PAUSE_MIN_MS  100 /* between two attempts to connect, doubled each time */
#define PAUSE_MAX_MS  5000
#define GATHER_MS     20     /* commits that follow each other closely are read together */
#define SEE_MS        600000 /* how often the snapshots are marked as still current */
#define BATCH_ROWS    500    /* applied by the loop in one go: a millisecond or two */
#define CHANGES_MIN   1000   /* so many changes are never too many */
#define CHANGES_MAX   20000
#define CHANGES_SHARE 5 /* nor is a fifth of the registry; past both, everything is read again */
#define WASTE_MIN     (1u << 20) /* less wasted text is never worth a load */
#define MMAP_BYTES    (128 * 1024)

struct loader {
	char *conninfo, *state_folder;
	int64_t connect_ms, answer_ms, heartbeat_ms;
	pthread_t thread;
	int stop_fd;
	atomic_bool is_stopping;
	struct handover handover;

	/* The thread's own from here on. */
	struct pg_client *client;
	struct cache cache;
	bool has_registry, wants_load;
	uint64_t version, territory_version;
	struct wall version_at, territory_at;
	size_t rows, numbers; /* of the last whole registry */
	size_t changes;       /* rows handed over since */
	struct mono seen;     /* when the snapshots were marked last */
	struct changes batch;
};

static void log_refused(enum row_kind kind, enum row_end end, const uint8_t *bytes, size_t length)
{
	char text[ID_TEXT_SIZE] = "";
	struct id id;
	bool is_gone;

	if (row_identify(kind, bytes, length, &id, &is_gone))
		id_format(id, text);
	log_event(LOG_LEVEL_ERROR, "row-refused", LOG_NUMBER("kind", kind), LOG_TEXT("id", text),
	          LOG_TEXT("why",
	                   end == ROW_BAD ? "not as expected" : "more than the registry holds"));
}

/* ---- whole registries and territories ---- */

/* What a load builds, from PostgreSQL or from a snapshot. */
struct build {
	struct loader *loader;
	struct registry *registry;
	struct territory *territory;
	bool is_cached; /* each row goes to the new snapshot too */
	unsigned long refused;
};

static bool build_row(void *context, enum row_kind kind, const uint8_t *bytes, size_t length)
{
	struct build *b = context;
	enum row_end end = b->registry ? row_to_registry(b->registry, kind, bytes, length)
	                               : row_to_territory(b->territory, kind, bytes, length);

	/* One row that is not as it should be must not keep a million others out. */
	if ((end == ROW_BAD || end == ROW_REFUSED) && b->refused++ == 0)
		log_refused(kind, end, bytes, length);
	if (b->is_cached)
		cache_add(&b->loader->cache, kind, bytes, length);
	return !b->loader->is_stopping;
}

/* Makes it the one that serves. */
static bool loader_hand_registry(struct loader *l, struct build *b,
                                 const struct snapshot_about *about, bool is_from_snapshot)
{
	struct loader_news news = { .kind = LOADER_REGISTRY,
		                    .registry = b->registry,
		                    .version = about->version };

	if (!registry_settle(b->registry))
		return false;
	struct registry_size size = registry_size(b->registry);
	registry_set_version(b->registry, about->version, about->seen_at);
	if (!handover_put(&l->handover, &news))
		return false;
	l->version = about->version;
	l->version_at = about->changed_at;
	l->has_registry = true;
	l->rows = size.practitioners + size.sites + size.sources;
	l->numbers = size.numbers;
	l->changes = 0;
	l->wants_load = false;

	struct loader_state *s = handover_lock(&l->handover);
	s->has_registry = true;
	s->is_from_snapshot = is_from_snapshot;
	s->as_of = about->seen_at;
	s->registry_version = about->version;
	s->loads++;
	s->refused += b->refused;
	handover_unlock(&l->handover, false);
	log_event(LOG_LEVEL_NOTICE, "registry-loaded",
	          LOG_TEXT("from", is_from_snapshot ? "snapshot" : "postgres"),
	          LOG_NUMBER("version", about->version),
	          LOG_NUMBER("practitioners", size.practitioners),
	          LOG_NUMBER("numbers", size.numbers), LOG_NUMBER("sites", size.sites),
	          LOG_NUMBER("sources", size.sources), LOG_NUMBER("refused", b->refused),
	          LOG_NUMBER("bytes", size.bytes));
	return true;
}

/* False: GEOS or a hanging reference refuses it, or there is no memory; the one before serves on.
 */
static bool loader_hand_territory(struct loader *l, struct build *b,
                                  const struct snapshot_about *about)
{
	struct loader_news news = { .kind = LOADER_TERRITORY, .territory = b->territory };
	char why[LOADER_WHY_SIZE] = "";
	bool ok = territory_close(b->territory, why, sizeof why);

	if (ok) {
		territory_set_version(b->territory, about->version);
		log_event(LOG_LEVEL_NOTICE, "territory-loaded",
		          LOG_NUMBER("version", about->version),
		          LOG_NUMBER("communes", territory_communes_count(b->territory)),
		          LOG_NUMBER("refused", b->refused));
		ok = handover_put(&l->handover, &news);
	} else {
		log_event(LOG_LEVEL_ERROR, "territory-refused",
		          LOG_NUMBER("version", about->version), LOG_TEXT("why", why));
	}
	/* A refused version is not read again until there is another. */
	l->territory_version = about->version;
	l->territory_at = about->changed_at;
	struct loader_state *s = handover_lock(&l->handover);
	s->has_territory |= ok;
	s->territory_version = about->version;
	TEXT_COPY(s->territory_why, why);
	handover_unlock(&l->handover, true);
	return ok;
}

static void loader_serve_territory_snapshot(struct loader *l)
{
	struct build b = { .loader = l, .territory = territory_new() };
	struct snapshot_about about;
	enum snapshot_state state = SNAPSHOT_FAILED;

	if (b.territory)
		state = cache_read(&l->cache, SNAPSHOT_TERRITORY, &about, build_row, &b);
	if (state == SNAPSHOT_WHOLE && loader_hand_territory(l, &b, &about))
		return;
	if (state != SNAPSHOT_ABSENT && state != SNAPSHOT_WHOLE)
		log_event(LOG_LEVEL_WARN, "snapshot-refused",
		          LOG_TEXT("file", "territory.snapshot"), LOG_TEXT("why", l->cache.why));
	territory_free(b.territory);
}

static void loader_serve_registry_snapshot(struct loader *l)
{
	struct build b = { .loader = l, .registry = registry_new(0) };
	struct snapshot_about about;
	enum snapshot_state state = SNAPSHOT_FAILED;

	if (b.registry)
		state = cache_read(&l->cache, SNAPSHOT_REGISTRY, &about, build_row, &b);
	if (state == SNAPSHOT_WHOLE && loader_hand_registry(l, &b, &about, true))
		return;
	if (state != SNAPSHOT_ABSENT && state != SNAPSHOT_WHOLE) {
		log_event(LOG_LEVEL_WARN, "snapshot-refused", LOG_TEXT("file", "registry.snapshot"),
		          LOG_TEXT("why", l->cache.why));
		struct loader_state *s = handover_lock(&l->handover);
		TEXT_COPY(s->snapshot_why, l->cache.why);
		handover_unlock(&l->handover, true);
	}
	registry_free(b.registry);
}

static bool loader_load_territory(struct loader *l, const struct select_versions *v)
{
	struct build b = { .loader = l, .territory = territory_new(), .is_cached = true };
	struct snapshot_about about = { .kind = SNAPSHOT_TERRITORY,
		                        .version = v->territory,
		                        .changed_at = v->territory_at,
		                        .seen_at = clock_wall() };

	cache_begin(&l->cache, &about);
	if (!b.territory || !select_territory(l->client, l->answer_ms, build_row, &b)) {
		cache_abandon(&l->cache);
		territory_free(b.territory);
		return false;
	}
	if (loader_hand_territory(l, &b, &about)) {
		cache_end(&l->cache, SNAPSHOT_TERRITORY);
		return true;
	}
	cache_abandon(&l->cache);
	territory_free(b.territory);
	return true; /* the connection is fine */
}

static bool loader_load_registry(struct loader *l, const struct select_versions *v)
{
	struct build b = { .loader = l, .registry = registry_new(l->numbers), .is_cached = true };
	struct snapshot_about about = { .kind = SNAPSHOT_REGISTRY,
		                        .version = v->registry,
		                        .changed_at = v->registry_at,
		                        .seen_at = clock_wall() };

	cache_begin(&l->cache, &about);
	if (!b.registry || !select_registry(l->client, l->answer_ms, build_row, &b) ||
	    !loader_hand_registry(l, &b, &about, false)) {
		cache_abandon(&l->cache);
		registry_free(b.registry);
		return false;
	}
	/* After the handing over: it need not wait for a disk. */
	cache_end(&l->cache, SNAPSHOT_REGISTRY);
	return true;
}

/* ---- small changes ---- */

/* False: it is to stop. The connection is not looked at: rows may be on their way in it. */
static bool loader_wait_for_room(struct loader *l)
{
	struct pollfd fds[] = { { .fd = l->stop_fd, .events = POLLIN },
		                { .fd = l->handover.work_fd, .events = POLLIN } };

	poll(fds, 2, (int)l->heartbeat_ms);
	handover_quiet(&l->handover);
	return !l->is_stopping;
}

/* Hands over what gathered; waits as long as the loop has too much to take already. */
static bool loader_hand_batch(struct loader *l, uint64_t version)
{
	struct loader_news news = { .kind = LOADER_CHANGES,
		                    .changes = l->batch,
		                    .version = version };

	while (handover_is_full(&l->handover))
		if (!loader_wait_for_room(l))
			return false;
	if (!handover_put(&l->handover, &news))
		return false;
	l->changes += l->batch.count;
	l->batch = (struct changes){ 0 };
	return true;
}

static bool change_row(void *context, enum row_kind kind, const uint8_t *bytes, size_t length)
{
	struct loader *l = context;

	cache_change(&l->cache, kind, bytes, length, clock_mono());
	if (!changes_add(&l->batch, kind, bytes, length))
		return false;
	return (l->batch.count < BATCH_ROWS || loader_hand_batch(l, l->version)) && !l->is_stopping;
}

static bool loader_follow_changes(struct loader *l, const struct select_versions *v)
{
	size_t before = l->changes;

	if (!select_changes(l->client, l->version, l->answer_ms, change_row, l) ||
	    !loader_hand_batch(l, v->registry)) {
		changes_done(&l->batch); /* all of it is read again */
		return false;
	}
	l->version = v->registry;
	l->version_at = v->registry_at;
	log_event(LOG_LEVEL_INFO, "registry-changed", LOG_NUMBER("version", l->version),
	          LOG_NUMBER("rows", l->changes - before));
	return true;
}

/* The changes since our version, or everything anew? */
static bool loader_needs_load(const struct loader *l, const struct select_versions *v)
{
	size_t share =
	        l->rows / CHANGES_SHARE > CHANGES_MIN ? l->rows / CHANGES_SHARE : CHANGES_MIN;

	if (!l->has_registry || l->wants_load)
		return true;
	/* Another database, or one that was restored: version numbers alone do not tell. */
	if (v->registry < l->version || v->floor > l->version || v->known_at.us != l->version_at.us)
		return true;
	return v->changes > CHANGES_MAX || v->changes + l->changes > share;
}

/* ---- a session ---- */

static struct mono loader_deadline(const struct loader *l)
{
	return mono_add_ms(clock_mono(), l->answer_ms);
}

static bool loader_sync(struct loader *l)
{
	struct select_versions v;
	bool ok;

	l->wants_load |= handover_is_load_wanted(&l->handover);
	if (!select_begin(l->client, l->version, &v, loader_deadline(l)))
		return false;
	if (v.territory != l->territory_version || v.territory_at.us != l->territory_at.us)
		if (!loader_load_territory(l, &v))
			return false;
	if (loader_needs_load(l, &v))
		ok = loader_load_registry(l, &v);
	else
		ok = v.registry == l->version || loader_follow_changes(l, &v);
	if (!ok || !select_end(l->client, loader_deadline(l)))
		return false;
	handover_say_current(&l->handover, l->version, l->territory_version, l->cache.why);
	if (!mono_is_set(l->seen) || mono_ms_between(l->seen, clock_mono()) >= SEE_MS) {
		l->seen = clock_mono();
		cache_see(&l->cache, clock_wall());
	}
	return true;
}

/* What the snapshot says of itself when it is written anew. */
static struct snapshot_about loader_about(struct loader *l)
{
	struct snapshot_about about = { .kind = SNAPSHOT_REGISTRY,
		                        .version = l->version,
		                        .changed_at = l->version_at };

	about.seen_at = handover_lock(&l->handover)->as_of;
	handover_unlock(&l->handover, false);
	return about;
}

/* What is to be done whether there is a connection or not. */
static void loader_chores(struct loader *l)
{
	bool needs_load;

	handover_free_garbage(&l->handover);
	if (!mono_is_due(l->cache.due, clock_mono()))
		return;
	struct snapshot_about about = loader_about(l);
	cache_rewrite(&l->cache, &about, &needs_load);
	l->wants_load |= needs_load;
	struct loader_state *s = handover_lock(&l->handover);
	TEXT_COPY(s->snapshot_why, l->cache.why);
	handover_unlock(&l->handover, false);
}

/* Waits until it is time to ask PostgreSQL again, doing chores meanwhile. */
static enum pg_client_wait loader_idle(struct loader *l, struct mono until)
{
	for (;;) {
		loader_chores(l);
		if (l->wants_load && pg_client_is_connected(l->client))
			return PG_CLIENT_DUE;
		bool is_chore_first = mono_is_set(l->cache.due) && l->cache.due.ns < until.ns;
		enum pg_client_wait end = pg_client_wait(l->client, l->handover.work_fd,
		                                         is_chore_first ? l->cache.due : until);
		if (end == PG_CLIENT_WOKEN) {
			handover_quiet(&l->handover);
			l->wants_load |= handover_is_load_wanted(&l->handover);
		} else if (end != PG_CLIENT_DUE || mono_is_due(until, clock_mono())) {
			return end;
		}
	}
}

static bool loader_begin_session(struct loader *l, char *why)
{
	struct select_schema schema;

	if (!pg_client_connect(l->client, mono_add_ms(clock_mono(), l->connect_ms)) ||
	    !select_begin_session(l->client, &schema, loader_deadline(l))) {
		text_copy(why, LOADER_WHY_SIZE, pg_client_why(l->client));
		return false;
	}
	if (schema.level < SELECT_SCHEMA_LEVEL)
		text_copy(why, LOADER_WHY_SIZE,
		          "the database's schema is not there yet, or too old: tocsin db migrate");
	else if (schema.oldest_daemon > SELECT_SCHEMA_KNOWN)
		text_copy(why, LOADER_WHY_SIZE, "the database's schema is too new for this daemon");
	else
		return true;
	return false;
}

/* From connecting to losing it. True: it was good for something, and the next attempt is soon. */
static bool loader_session(struct loader *l)
{
	char why[LOADER_WHY_SIZE] = "";
	bool was_current = false;

	if (loader_begin_session(l, why)) {
		while (!l->is_stopping && loader_sync(l)) {
			was_current = true;
			enum pg_client_wait end =
			        loader_idle(l, mono_add_ms(clock_mono(), l->heartbeat_ms));
			if (end == PG_CLIENT_STOPPED || end == PG_CLIENT_LOST)
				break;
			struct mono gathered = mono_add_ms(clock_mono(), GATHER_MS);
			while (end == PG_CLIENT_NOTIFIED)
				end = pg_client_wait(l->client, -1, gathered);
		}
		if (pg_client_is_connected(l->client))
			text_copy(why, LOADER_WHY_SIZE, "what was read could not be used");
		else
			text_copy(why, LOADER_WHY_SIZE, pg_client_why(l->client));
	}
	pg_client_disconnect(l->client);
	if (!l->is_stopping)
		handover_say_away(&l->handover, why);
	return was_current;
}

/* The last thing: nothing that was withdrawn stays in the snapshot until the next start. */
static void loader_leave(struct loader *l)
{
	bool needs_load, was_current = handover_lock(&l->handover)->is_connected;

	handover_unlock(&l->handover, false);
	if (l->cache.pending.count > 0) {
		struct snapshot_about about = loader_about(l);
		cache_rewrite(&l->cache, &about, &needs_load);
	}
	if (was_current)
		cache_see(&l->cache, clock_wall());
}

static void *loader_main(void *arg)
{
	struct loader *l = arg;
	int64_t pause_ms = PAUSE_MIN_MS;

	loader_serve_territory_snapshot(l);
	loader_serve_registry_snapshot(l);
	while (!l->is_stopping) {
		if (loader_session(l))
			pause_ms = PAUSE_MIN_MS;
		if (l->is_stopping)
			break;
		loader_idle(l, mono_add_ms(clock_mono(), pause_ms));
		pause_ms = pause_ms < PAUSE_MAX_MS / 2 ? pause_ms * 2 : PAUSE_MAX_MS;
	}
	loader_leave(l);
	return NULL;
}

/* ---- the loop's side ---- */

static bool loader_start_thread(struct loader *l)
{
	sigset_t all, before;

	/* Signals are the loop's business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool ok = pthread_create(&l->thread, NULL, loader_main, l) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ok)
		pthread_setname_np(l->thread, "loader");
	return ok;
}

static void loader_free(struct loader *l)
{
	pg_client_free(l->client);
	cache_done(&l->cache);
	changes_done(&l->batch);
	handover_done(&l->handover);
	if (l->stop_fd >= 0)
		close(l->stop_fd);
	free(l->conninfo);
	free(l->state_folder);
	free(l);
}

struct loader *loader_start(const struct loader_settings *settings,
                            char why[static LOADER_WHY_SIZE])
{
	struct loader *l = calloc(1, sizeof *l);

	text_copy(why, LOADER_WHY_SIZE, "no memory or no descriptors");
	if (!l)
		return NULL;
	if (!handover_init(&l->handover)) {
		free(l);
		return NULL;
	}
	l->connect_ms = settings->connect_ms ? settings->connect_ms : CONNECT_MS;
	l->answer_ms = settings->answer_ms ? settings->answer_ms : ANSWER_MS;
	l->heartbeat_ms = settings->heartbeat_ms ? settings->heartbeat_ms : HEARTBEAT_MS;
	l->state_folder = settings->state_folder ? strdup(settings->state_folder) : NULL;
	cache_init(&l->cache, settings->disk, l->state_folder);
	l->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->client = l->stop_fd >= 0 ? pg_client_new(settings->conninfo, l->stop_fd, why) : NULL;
	/* What a registry is made of comes from the system and goes back to it at once when it is
	 * freed, whatever was freed before: a reload must not leave the process twice as large for
	 * good. */
	mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
	if (l->client && loader_start_thread(l))
		return l;
	loader_free(l);
	return NULL;
}

void loader_stop(struct loader *l)
{
	const uint64_t one = 1;

	if (!l)
		return;
	l->is_stopping = true;
	ssize_t written = write(l->stop_fd, &one, sizeof one);
	(void)written; /* it counts to one here: there is room */
	pthread_join(l->thread, NULL);
	loader_free(l);
}

int loader_fd(const struct loader *l)
{
	return l->handover.news_fd;
}

bool loader_take(struct loader *l, struct loader_news *out)
{
	return handover_take(&l->handover, out);
}

void loader_apply(struct loader *l, struct registry *r, struct loader_news *news)
{
	struct change change;
	unsigned long refused = 0;

	for (size_t at = 0; changes_next(&news->changes, &at, &change);) {
		enum row_end end = row_to_registry(r, change.kind, change.bytes, change.length);
		if ((end == ROW_BAD || end == ROW_REFUSED) && refused++ == 0)
			log_refused(change.kind, end, change.bytes, change.length);
	}
	registry_set_version(r, news->version, clock_wall());
	struct loader_state *s = handover_lock(&l->handover);
	s->changes += news->changes.count;
	s->refused += refused;
	handover_unlock(&l->handover, false);
	changes_done(&news->changes);
	struct registry_size size = registry_size(r);
	if (size.waste_bytes > WASTE_MIN &&
	    size.waste_bytes > (size.text_bytes + size.waste_bytes) / 4)
		handover_want_load(&l->handover);
}

void loader_give_back(struct loader *l, struct registry *registry, struct territory *territory)
{
	handover_give_back(&l->handover, registry, territory);
}

void loader_state(struct loader *l, struct loader_state *out)
{
	handover_state(&l->handover, out);
}
