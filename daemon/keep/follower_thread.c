#include "keep/follower_thread.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "keep/schema_level.h"
#include "support/bug.h"
#include "support/log.h"
#include "support/text.h"

#define FOLLOWER_IDLE_MS        60000
#define FOLLOWER_JOURNAL_MS     1000    /* after a journal that could not be read */
#define FOLLOWER_HOLE_SQLSTATE  "TC002" /* ours: the bytes are no record */
#define FOLLOWER_MOVED_SQLSTATE "TC001" /* of cursor_move: the cursor is elsewhere */

/* ---- what the loop sees ---- */

static void nudge_loop(struct follower *f)
{
	uint64_t one = 1;

	/* It can only fail when it is readable already. */
	if (write(f->event_fd, &one, sizeof one) < 0)
		return;
}

/* Every change of state passes here, and is logged with its cause. */
static void change_state(struct follower *f, enum follower_state state, const char *why)
{
	const char *host = f->target.hosts[f->host].label;

	pthread_mutex_lock(&f->lock);
	bool is_new = f->shown.state != state || strcmp(f->shown.why, why) != 0;
	if (f->shown.state != state)
		f->shown.since = clock_wall();
	f->shown.state = state;
	TEXT_COPY(f->shown.why, why);
	TEXT_COPY(f->shown.host, host);
	pthread_mutex_unlock(&f->lock);
	if (!is_new)
		return;
	log_event(state == FOLLOWER_FOLLOWING ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR, "postgres",
	          LOG_TEXT("state", follower_state_name(state)), LOG_TEXT("host", host),
	          LOG_TEXT("why", why));
	nudge_loop(f);
}

static void publish_cursor(struct follower *f, struct position cursor, uint64_t records, int64_t us)
{
	f->cursor = cursor;
	pthread_mutex_lock(&f->lock);
	f->shown.confirmed = cursor;
	f->shown.records += records;
	f->shown.batches += records > 0;
	if (records > 0)
		f->shown.batch_us = us;
	pthread_mutex_unlock(&f->lock);
	nudge_loop(f);
}

static void publish_work(struct follower *f, struct mono since, size_t bytes, bool is_behind)
{
	pthread_mutex_lock(&f->lock);
	f->shown_since = since;
	f->shown_bytes = bytes;
	f->shown.is_behind = is_behind;
	pthread_mutex_unlock(&f->lock);
}

static void count_trouble(struct follower *f, uint64_t set_aside, uint64_t lost)
{
	pthread_mutex_lock(&f->lock);
	f->shown.set_aside += set_aside;
	f->shown.lost += lost;
	pthread_mutex_unlock(&f->lock);
}

/* ---- a connection ---- */

static struct mono in_ms(int64_t ms)
{
	return mono_add_ms(clock_mono(), ms);
}

struct found { /* by the questions at the beginning of a connection */
	long level, oldest_daemon;
	bool has_cursor;
	struct position cursor;
	uint32_t types[TRANSCRIPT_TABLES];
};

static void take_level(void *context, unsigned statement, const PGresult *r)
{
	struct found *found = context;

	(void)statement;
	if (PQntuples(r) != 1)
		return;
	found->level = strtol(PQgetvalue(r, 0, 0), NULL, 10);
	found->oldest_daemon = strtol(PQgetvalue(r, 0, 1), NULL, 10);
}

/* 0: the cursor; 1: the types. What is prepared behind has no rows. */
static void take_cursor(void *context, unsigned statement, const PGresult *r)
{
	struct found *found = context;

	if (PQntuples(r) != 1)
		return;
	if (statement == 0) {
		found->has_cursor = true;
		found->cursor.epoch = (uint32_t)strtoul(PQgetvalue(r, 0, 0), NULL, 10);
		found->cursor.number = strtoull(PQgetvalue(r, 0, 1), NULL, 10);
	}
	for (int i = 0; statement == 1 && i < TRANSCRIPT_TABLES; i++)
		found->types[i] = (uint32_t)strtoul(PQgetvalue(r, 0, i), NULL, 10);
}

#define FOLLOWER_STATEMENT_SIZE 32

/* The plain form, and the one that passes over what is there. */
static const char *statement_name(enum transcript_table table, bool is_again,
                                  char out[static FOLLOWER_STATEMENT_SIZE])
{
	snprintf(out, FOLLOWER_STATEMENT_SIZE, "%s%s", transcript_name(table),
	         is_again ? "_again" : "");
	return out;
}

static bool prepare_table(struct follower *f, enum transcript_table table)
{
	char name[FOLLOWER_STATEMENT_SIZE], again[4096];
	bool fits = TEXT_COPY(again, transcript_sql(table));

	if (table != TRANSCRIPT_INCIDENTS) /* it looks for a conflict anyway */
		fits = fits && text_add(again, sizeof again, TRANSCRIPT_AGAIN);
	return !BUG(!fits) &&
	       pg_prepare(&f->pg, statement_name(table, false, name), transcript_sql(table)) &&
	       pg_prepare(&f->pg, statement_name(table, true, name), again);
}

static bool queue_session(struct follower *f)
{
	uint32_t node = htobe32(f->settings.node);
	const struct pg_params one = { 1, { (const char *)&node }, { sizeof node } }, none = { 0 };
	char types[512] = "SELECT";
	bool ok = pg_query(&f->pg, "SELECT epoch, number FROM node_cursor WHERE node = $1::integer",
	                   &one);

	for (unsigned i = 0; i < TRANSCRIPT_TABLES; i++)
		text_add(types, sizeof types, "%s '%s'::regtype::oid", i > 0 ? "," : "",
		         transcript_type(i));
	ok = ok && pg_query(&f->pg, types, &none) && pg_prepare(&f->pg, "begin", "BEGIN") &&
	     pg_prepare(&f->pg, "commit", "COMMIT") &&
	     pg_prepare(&f->pg, "cursor",
	                "SELECT cursor_move($1::integer, $2::bigint, $3::bigint, $4::bigint, "
	                "$5::bigint)");
	for (unsigned i = 0; ok && i < TRANSCRIPT_TABLES; i++)
		ok = prepare_table(f, i);
	return ok;
}

/* Away, with what libpq or the server said: of a connection, never of data. */
static enum pg_end go_away(struct follower *f, enum pg_end end, const struct pg_error *error)
{
	if (end != PG_STOPPED)
		change_state(f, FOLLOWER_AWAY, error->text[0] != '\0' ? error->text : "no memory");
	pg_close(&f->pg);
	return end;
}

static enum pg_end refuse_schema(struct follower *f, const char *why)
{
	change_state(f, FOLLOWER_SCHEMA, why);
	pg_close(&f->pg);
	f->backoff_ms = FOLLOWER_SCHEMA_MS;
	return PG_REFUSED;
}

static enum pg_end check_schema(struct follower *f)
{
	struct found found = { 0 };
	struct pg_error error = { 0 };
	const struct pg_params none = { 0 };
	char why[FOLLOWER_WHY_SIZE] = "";

	enum pg_end end = PG_LOST;
	if (pg_query(&f->pg, SCHEMA_LEVEL_SQL, &none))
		end = pg_run(&f->pg, in_ms(f->settings.answer_ms), take_level, &found, &error);
	if (end == PG_REFUSED && strcmp(error.sqlstate, "42P01") == 0)
		return refuse_schema(f, "the database has no schema yet: tocsin db migrate");
	if (end != PG_DONE)
		return go_away(f, end, &error);
	switch (schema_fit(found.level, found.oldest_daemon)) {
	case SCHEMA_FITS: return PG_DONE;
	case SCHEMA_TOO_OLD:
		text_add(why, sizeof why,
		         "the schema is of level %ld, level %d is needed: tocsin db migrate",
		         found.level, SCHEMA_LEVEL);
		break;
	case SCHEMA_TOO_NEW:
		text_add(why, sizeof why,
		         "the schema serves daemons from level %ld, this one knows %d: install a "
		         "newer tocsin",
		         found.oldest_daemon, SCHEMA_LEVEL);
		break;
	}
	return refuse_schema(f, why);
}

/* Positions that this node gives out now, or never gave out: somebody else's. */
static bool is_foreign(struct follower *f, struct position cursor)
{
	struct record_queue_size size = record_queue_size(f->queue);

	return cursor.epoch >= f->settings.epoch && position_compare(cursor, size.newest) > 0;
}

static enum pg_end begin_session(struct follower *f)
{
	struct found found = { .cursor.node = f->settings.node };
	struct pg_error error = { 0 };
	enum pg_end end = check_schema(f);

	if (end != PG_DONE)
		return end;
	end = PG_LOST;
	if (queue_session(f))
		end = pg_run(&f->pg, in_ms(f->settings.answer_ms), take_cursor, &found, &error);
	if (end != PG_DONE)
		return go_away(f, end, &error);
	if (is_foreign(f, found.cursor)) {
		char at[POSITION_TEXT_SIZE], why[FOLLOWER_WHY_SIZE] = "";
		text_add(why, sizeof why,
		         "the database has this node up to %s, which it never was: is its "
		         "number given twice, or its journal lost?",
		         position_format(found.cursor, at));
		change_state(f, FOLLOWER_FOREIGN, why);
		pg_close(&f->pg);
		f->backoff_ms = FOLLOWER_SCHEMA_MS;
		return PG_REFUSED;
	}
	memcpy(f->types, found.types, sizeof f->types);
	pthread_mutex_lock(&f->lock);
	f->shown.connections++;
	pthread_mutex_unlock(&f->lock);
	f->after = found.cursor;
	publish_cursor(f, found.cursor, 0, 0);
	change_state(f, FOLLOWER_FOLLOWING, "");
	return PG_DONE;
}

/* Each host once. */
static enum pg_end connect_any(struct follower *f)
{
	const struct pg_setup setup = { "tocsind follower", true, f->settings.answer_ms };
	struct pg_error error;
	enum pg_end end = PG_LOST;

	for (unsigned tried = 0; tried < f->target.hosts_count; tried++) {
		end = pg_open(&f->pg, &f->target, f->host, &setup, f->stop_fd,
		              in_ms(f->settings.connect_ms), &error);
		if (end == PG_DONE)
			return begin_session(f);
		if (end == PG_STOPPED)
			return end;
		go_away(f, end, &error);
		f->host = (f->host + 1) % f->target.hosts_count;
	}
	return end;
}

/* ---- one batch ---- */

static void take_commit(void *context, unsigned statement, const PGresult *r)
{
	struct follower *f = context;

	(void)statement;
	if (strcmp(PQcmdStatus((PGresult *)(uintptr_t)r), "COMMIT") == 0)
		f->has_committed = true;
}

static bool queue_cursor(struct follower *f, struct position to)
{
	uint32_t node = htobe32(f->settings.node);
	uint64_t numbers[] = { htobe64(f->cursor.epoch), htobe64(f->cursor.number),
		               htobe64(to.epoch), htobe64(to.number) };
	struct pg_params params = { 5, { (const char *)&node }, { sizeof node } };

	for (unsigned i = 0; i < 4; i++) {
		params.values[i + 1] = (const char *)&numbers[i];
		params.lengths[i + 1] = sizeof numbers[i];
	}
	return pg_execute(&f->pg, "cursor", &params);
}

static bool queue_rows(struct follower *f, uint64_t epoch)
{
	uint32_t node = htobe32(f->settings.node);

	epoch = htobe64(epoch);
	for (unsigned i = 0; i < TRANSCRIPT_TABLES; i++) {
		const struct rows *rows = transcript_rows(f->transcript, i);
		char name[FOLLOWER_STATEMENT_SIZE];
		const struct pg_params params = {
			3,
			{ (const char *)&node, (const char *)&epoch, (const char *)rows->bytes },
			{ sizeof node, sizeof epoch, (int)rows->used },
		};
		if (rows->count > 0 &&
		    !pg_execute(&f->pg, statement_name(i, f->is_again, name), &params))
			return false;
	}
	return true;
}

/* The rows of index[done] to index[end]; false: no memory. */
static bool transcribe(struct follower *f, uint32_t end, const struct pg_error *refusal)
{
	transcript_clear(f->transcript);
	for (uint32_t i = f->portion.done; i < end; i++) {
		const struct record_view *record = &f->portion.index[i];
		if (f->portion.is_aside)
			transcript_set_aside(f->transcript, record, refusal->sqlstate,
			                     refusal->text);
		else if (!transcript_add(f->transcript, record))
			transcript_set_aside(f->transcript, record, FOLLOWER_HOLE_SQLSTATE,
			                     "no record");
	}
	return transcript_finish(f->transcript, f->types);
}

static enum pg_end roll_back(struct follower *f, struct pg_error *error)
{
	const struct pg_params none = { 0 };

	if (!pg_query(&f->pg, "ROLLBACK", &none))
		return PG_LOST;
	return pg_run(&f->pg, in_ms(f->settings.answer_ms), NULL, NULL, error);
}

/* What the database said no to. DONE: try again, with what portion_next says now. */
static enum pg_end take_refusal(struct follower *f, uint32_t end, const struct pg_error *refusal)
{
	struct pg_error error = { 0 };
	enum pg_end rolled = roll_back(f, &error);

	if (rolled != PG_DONE)
		return go_away(f, rolled == PG_REFUSED ? PG_LOST : rolled, &error);
	if (!pg_error_is_of_data(refusal)) {
		/* Perhaps too much at a time: a timeout, memory. In any case after a while. */
		portion_too_much(&f->portion, end);
		return go_away(f, PG_LOST, refusal);
	}
	if (!f->is_again && strcmp(refusal->sqlstate, "23505") == 0) {
		log_event(LOG_LEVEL_WARN, "postgres-has-it",
		          LOG_TEXT("why", "the cursor is behind the rows: was it set back?"));
		f->is_again = true;
		return PG_DONE;
	}
	struct position at = f->portion.index[f->portion.done].position;
	char near[POSITION_TEXT_SIZE];
	switch (portion_refused(&f->portion, end)) {
	case PORTION_SPLIT: break;
	case PORTION_ASIDE:
		log_event(LOG_LEVEL_CRIT, "record-set-aside",
		          LOG_TEXT("position", position_format(at, near)),
		          LOG_TEXT("sqlstate", refusal->sqlstate));
		break;
	case PORTION_LOST:
		log_event(LOG_LEVEL_CRIT, "record-lost",
		          LOG_TEXT("position", position_format(at, near)),
		          LOG_TEXT("sqlstate", refusal->sqlstate));
		count_trouble(f, 0, 1);
		break;
	}
	return PG_DONE;
}

/* Sends one try and takes its answer. `refusal` remembers why the next one sets a record aside. */
static enum pg_end write_batch(struct follower *f, struct pg_error *refusal)
{
	uint32_t from = f->portion.done, end = portion_next(&f->portion);
	struct position to = f->portion.index[end - 1].position;
	const struct pg_params none = { 0 };
	struct pg_error error = { 0 };
	struct mono begun = clock_mono();
	enum pg_end how = PG_LOST;

	f->next_batch = mono_add_ms(begun, f->settings.pace_ms);
	f->has_committed = false;
	if (!transcribe(f, end, refusal))
		return go_away(f, PG_LOST, &error);
	if (pg_execute(&f->pg, "begin", &none) && queue_cursor(f, to) && queue_rows(f, to.epoch) &&
	    pg_execute(&f->pg, "commit", &none))
		how = pg_run(&f->pg, in_ms(f->settings.answer_ms), take_commit, f, &error);
	if (how == PG_REFUSED) {
		*refusal = error;
		return take_refusal(f, end, refusal);
	}
	if (how == PG_LATE)
		portion_too_much(&f->portion, end);
	if (how != PG_DONE || !f->has_committed)
		return go_away(f, how == PG_DONE ? PG_LOST : how, &error);
	count_trouble(f, transcript_rows(f->transcript, TRANSCRIPT_SET_ASIDE)->count, 0);
	portion_stored(&f->portion, end, f->settings.batch_records);
	f->is_again = false;
	f->backoff_ms = 0;
	publish_cursor(f, to, end - from, mono_us_between(begun, clock_mono()));
	return PG_DONE;
}

/* ---- what to write next ---- */

static void clear_wake(struct follower *f)
{
	uint64_t count;

	if (read(record_queue_wake_fd(f->queue), &count, sizeof count) < 0)
		return; /* it was not the queue that woke us */
}

/* Until so much is queued, the journal has confirmed more than `durable`, or the deadline. */
static enum pg_end rest_for(struct follower *f, size_t bytes, struct position durable,
                            struct mono deadline)
{
	struct pg_error error;

	record_queue_want_wake(f->queue, bytes, durable);
	enum pg_end end = pg_idle(&f->pg, record_queue_wake_fd(f->queue), deadline, &error);
	clear_wake(f);
	if (end == PG_LOST)
		return go_away(f, end, &error);
	return end == PG_LATE ? PG_DONE : end;
}

static size_t bytes_of(const struct record_chunk *list)
{
	size_t bytes = 0;

	for (; list != NULL; list = list->next)
		bytes += list->used;
	return bytes;
}

static enum pg_end fill_with(struct follower *f, struct record_chunk *list, bool is_from_journal)
{
	struct mono since = is_from_journal ? f->behind_since : list->since;

	publish_work(f, since, bytes_of(list), is_from_journal);
	if (!portion_fill(&f->portion, list, f->after, is_from_journal)) {
		struct pg_error error = { 0 };
		if (is_from_journal)
			record_chunk_free_list(list);
		else
			record_queue_give_back(f->queue, list);
		return go_away(f, PG_LOST, &error);
	}
	if (f->portion.count > 0)
		f->after = f->portion.index[f->portion.count - 1].position;
	return PG_DONE;
}

static enum pg_end read_journal(struct follower *f, struct position until)
{
	struct record_chunk *chunk = NULL;
	struct position durable = record_queue_size(f->queue).durable;
	char near[POSITION_TEXT_SIZE];

	if (!mono_is_set(f->behind_since))
		f->behind_since = clock_mono();
	switch (backlog_read(&f->backlog, f->after, until, durable, f->settings.batch_bytes,
	                     f->settings.batch_records, &chunk)) {
	case BACKLOG_CHUNK: return fill_with(f, chunk, true);
	case BACKLOG_NOT_YET: return rest_for(f, SIZE_MAX, durable, in_ms(FOLLOWER_IDLE_MS));
	case BACKLOG_NOTHING:
		log_event(LOG_LEVEL_CRIT, "journal-hole", LOG_TEXT("what", "nothing"),
		          LOG_TEXT("near", position_format(until, near)), LOG_TEXT("lost", "yes"));
		count_trouble(f, 0, 1);
		f->after = until;
		return PG_DONE;
	case BACKLOG_FAILED:
		log_event(LOG_LEVEL_ERROR, "journal-unreadable", LOG_TEXT("why", strerror(errno)));
		return rest_for(f, SIZE_MAX, (struct position){ 0 }, in_ms(FOLLOWER_JOURNAL_MS));
	}
	return PG_DONE;
}

/* Waits for work and takes some. LATE: it is draining, and there is no more. */
static enum pg_end find_work(struct follower *f)
{
	struct mono now = clock_mono();
	size_t much = f->settings.batch_bytes / 2;
	bool is_draining = atomic_load(&f->is_draining);

	if (!is_draining && !mono_is_due(f->next_batch, now) && mono_is_set(f->next_batch) &&
	    record_queue_size(f->queue).bytes < much && !mono_is_set(f->behind_since))
		return rest_for(f, much, (struct position){ 0 }, f->next_batch);
	struct record_taken taken = record_queue_take(f->queue, f->after, f->settings.batch_bytes,
	                                              f->settings.batch_records);
	switch (taken.answer) {
	case RECORD_TAKE_CHUNKS:
		f->behind_since = (struct mono){ 0 };
		return fill_with(f, taken.list, false);
	case RECORD_TAKE_BEHIND: return read_journal(f, taken.until);
	case RECORD_TAKE_NONE: break;
	}
	f->behind_since = (struct mono){ 0 };
	publish_work(f, (struct mono){ 0 }, 0, false);
	if (is_draining)
		return PG_LATE;
	return rest_for(f, 1, (struct position){ 0 }, in_ms(FOLLOWER_IDLE_MS));
}

/* What was taken and is not known to be stored goes back, if memory is the only place that has it.
 */
static void put_back(struct follower *f)
{
	bool is_from_journal = f->portion.is_from_journal;
	struct record_chunk *chunks = portion_leave(&f->portion);

	if (is_from_journal)
		record_chunk_free_list(chunks);
	else
		record_queue_give_back(f->queue, chunks);
	publish_work(f, (struct mono){ 0 }, 0, false);
}

static enum pg_end follow(struct follower *f)
{
	struct pg_error refusal = { 0 };
	enum pg_end end = PG_DONE;

	while (end == PG_DONE)
		end = portion_is_empty(&f->portion) ? find_work(f) : write_batch(f, &refusal);
	put_back(f);
	return end;
}

/* ---- the thread ---- */

/* Twice as long each time, and a quarter more or less, so that nodes do not come all at once. */
static enum pg_end back_off(struct follower *f)
{
	uint8_t dice = 128;

	if (f->backoff_ms < FOLLOWER_BACKOFF_MIN_MS)
		f->backoff_ms = FOLLOWER_BACKOFF_MIN_MS;
	if (getrandom(&dice, sizeof dice, GRND_NONBLOCK) < 0)
		dice = 128;
	int64_t wait_ms = f->backoff_ms * 3 / 4 + f->backoff_ms * dice / 512;
	f->backoff_ms = f->backoff_ms * 2 < FOLLOWER_BACKOFF_MAX_MS ? f->backoff_ms * 2
	                                                            : FOLLOWER_BACKOFF_MAX_MS;
	return pg_rest(f->stop_fd, in_ms(wait_ms));
}

void *follower_run(void *context)
{
	struct follower *f = context;
	enum pg_end end = PG_DONE;

	pthread_setname_np(pthread_self(), "follower");
	while (end != PG_STOPPED && !atomic_load(&f->is_draining)) {
		end = connect_any(f);
		if (end == PG_DONE)
			end = follow(f);
		if (end != PG_STOPPED && !atomic_load(&f->is_draining))
			end = back_off(f);
	}
	pg_close(&f->pg);
	pthread_mutex_lock(&f->lock);
	f->has_ended = true;
	pthread_cond_signal(&f->ended);
	pthread_mutex_unlock(&f->lock);
	return NULL;
}
