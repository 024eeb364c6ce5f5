/*
 * A registry and a territory behind pg_rig.h: answers what keep/select.h asks from a short list of
 * people, sites and sources with the version in which each changed last. The test changes it under
 * its lock, as another client of a real server would.
 */
#ifndef TOCSIN_TESTS_PG_REGISTRY_RIG_H
#define TOCSIN_TESTS_PG_REGISTRY_RIG_H

#include <inttypes.h>
#include <stdlib.h>

#include "tests/unit/pg_rig.h"
#include "tests/unit/row_rig.h"

#define REGISTRY_RIG_MAX 4000

struct registry_rig_entry {
	enum row_kind kind;
	uint32_t n;
	bool is_gone;
	uint64_t version;
	const char *name;
};

struct registry_rig {
	struct pg_rig pg;
	pthread_mutex_t mutex;
	unsigned level, oldest_daemon;
	uint64_t version, floor, territory_version;
	int64_t since_us; /* version v was made at since_us + v: another database has another one */
	bool is_hung;     /* no statement is answered */
	bool is_hung_in_rows;
	bool is_territory_broken; /* a commune names a centre that does not exist */
	atomic_int loads, changes;     /* how often it was asked for all, and for changes */
	unsigned count;
	struct registry_rig_entry entries[REGISTRY_RIG_MAX];
};

static inline void registry_rig_versions(struct registry_rig *r)
{
	uint64_t known = strtoull(r->pg.param, NULL, 10);
	char text[7][32];
	const char *values[7];
	unsigned changes = 0;

	for (unsigned i = 0; i < r->count; i++)
		changes += r->entries[i].version > known;
	snprintf(text[0], 32, "%" PRIu64, r->version);
	snprintf(text[1], 32, "%" PRIu64, r->territory_version);
	snprintf(text[2], 32, "%" PRId64, r->since_us + (int64_t)r->version);
	snprintf(text[3], 32, "%" PRId64, r->since_us + (int64_t)r->territory_version);
	snprintf(text[4], 32, "%" PRIu64, r->floor);
	snprintf(text[5], 32, "%" PRId64, r->since_us + (int64_t)known);
	snprintf(text[6], 32, "%u", changes);
	for (int i = 0; i < 7; i++)
		values[i] = text[i];
	if (known > r->version || (known <= r->floor && known != r->version))
		values[5] = NULL;
	pg_rig_values(&r->pg, 7, values);
}

static inline void registry_rig_row(struct registry_rig *r, const char *sql,
                                    const struct registry_rig_entry *e)
{
	static const uint16_t fields[] = {
		[ROW_PRACTITIONER] = 7, [ROW_SITE] = 8, [ROW_SOURCE] = 12
	};
	struct rig_row row;
	struct id id = rig_id((uint8_t)e->kind, e->n);
	char number[32];

	if (strstr(sql, "FROM numbers")) {
		snprintf(number, sizeof number, "+33199%06u", e->n);
		rig_begin(&row, 3);
		rig_bytes(&row, id.b, ID_BYTES);
		rig_bool(&row, false);
		rig_text(&row, number);
	} else if (strstr(sql, "FROM consents")) {
		rig_begin(&row, 2);
		rig_bytes(&row, id.b, ID_BYTES);
		rig_text(&row, "cic-77");
	} else if (e->is_gone) {
		rig_gone(&row, fields[e->kind], id);
	} else if (e->kind == ROW_SITE) {
		rig_site(&row, e->n);
	} else if (e->kind == ROW_SOURCE) {
		rig_source(&row, e->n, e->name);
	} else {
		rig_begin(&row, 7);
		rig_bytes(&row, id.b, ID_BYTES);
		rig_text(&row, "77");
		rig_text(&row, e->name);
		rig_text(&row, "médecin");
		rig_text(&row, "");
		rig_text(&row,
		         strlen(e->name) > 500 ? e->name : ""); /* the mark of one who is exposed */
		rig_null(&row);
	}
	pg_rig_copy_row(&r->pg, row.bytes, row.length);
}

static inline void registry_rig_copy(struct registry_rig *r, const char *sql)
{
	const char *after = strstr(sql, "version > ");
	uint64_t since = after ? strtoull(after + strlen("version > "), NULL, 10) : 0;
	enum row_kind kind = strstr(sql, "sources s")  ? ROW_SOURCE
	                     : strstr(sql, " sites s") ? ROW_SITE
	                                               : ROW_PRACTITIONER;
	bool has_rows = !strstr(sql, "FROM practitioner_sites");
	bool is_belonging = strstr(sql, "FROM numbers") || strstr(sql, "FROM consents");

	if (kind == ROW_PRACTITIONER && !is_belonging && has_rows)
		atomic_fetch_add(after ? &r->changes : &r->loads, 1);
	pg_rig_copy_begin(&r->pg);
	for (unsigned i = 0; i < r->count && has_rows; i++) {
		const struct registry_rig_entry *e = &r->entries[i];
		if (e->kind == kind && e->version > since &&
		    !(e->is_gone && (!after || is_belonging)))
			registry_rig_row(r, sql, e);
	}
	if (r->is_hung_in_rows && kind == ROW_PRACTITIONER)
		pg_rig_flush(&r->pg);
	else
		pg_rig_copy_end(&r->pg);
}

static inline bool registry_rig_copy_territory(struct registry_rig *r, const char *sql)
{
	static const char *const centres[][3] = { { "cic-77", "police", "CIC 77" },
		                                  { "corg-77", "gendarmerie", "CORG 77" },
		                                  { "ops-77", "operations", "Exploitation" } };
	struct rig_row row;

	if (!strstr(sql, "FROM departments") && !strstr(sql, "FROM centres") &&
	    !strstr(sql, "FROM communes") && !strstr(sql, "FROM contours") &&
	    !strstr(sql, "FROM zones"))
		return false;
	pg_rig_copy_begin(&r->pg);
	if (strstr(sql, "FROM departments")) {
		rig_begin(&row, 4);
		rig_text(&row, "77");
		rig_text(&row, "Seine-et-Marne");
		rig_text(&row, "cic-77");
		rig_text(&row, "ops-77");
		pg_rig_copy_row(&r->pg, row.bytes, row.length);
	}
	for (int i = 0; i < 3 && strstr(sql, "FROM centres"); i++) {
		rig_begin(&row, 5);
		rig_text(&row, centres[i][0]);
		rig_text(&row, "77");
		rig_text(&row, centres[i][1]);
		rig_text(&row, centres[i][2]);
		rig_null(&row);
		pg_rig_copy_row(&r->pg, row.bytes, row.length);
	}
	if (strstr(sql, "FROM communes")) {
		rig_begin(&row, 9);
		rig_text(&row, "77288");
		rig_text(&row, "77");
		rig_text(&row, "Melun");
		rig_text(&row, "Melun");
		rig_text(&row, r->is_territory_broken ? "cic-99" : "cic-77");
		rig_double(&row, 48.54);
		rig_double(&row, 2.66);
		rig_null(&row);
		rig_null(&row);
		pg_rig_copy_row(&r->pg, row.bytes, row.length);
	}
	pg_rig_copy_end(&r->pg);
	return true;
}

static inline void registry_rig_answer(struct pg_rig *pg, const char *sql)
{
	struct registry_rig *r = pg->context;
	char level[16], oldest[16];
	const char *values[] = { level, oldest };

	pthread_mutex_lock(&r->mutex);
	snprintf(level, sizeof level, "%u", r->level);
	snprintf(oldest, sizeof oldest, "%u", r->oldest_daemon);
	if (r->is_hung)
		;
	else if (strstr(sql, "to_regclass"))
		pg_rig_values(pg, 1, (const char *const[]){ r->level > 0 ? "t" : "f" });
	else if (strstr(sql, "schema_now"))
		pg_rig_values(pg, 2, values);
	else if (strstr(sql, "registry_version r"))
		registry_rig_versions(r);
	else if (!strstr(sql, "COPY"))
		pg_rig_command(pg);
	else if (!registry_rig_copy_territory(r, sql))
		registry_rig_copy(r, sql);
	pthread_mutex_unlock(&r->mutex);
}

static inline void registry_rig_init(struct registry_rig *r)
{
	memset(r, 0, sizeof *r);
	pthread_mutex_init(&r->mutex, NULL);
	r->pg.answer = registry_rig_answer;
	r->pg.context = r;
	r->level = 5;
	r->oldest_daemon = 1;
	r->version = r->territory_version = 1;
	r->since_us = 1700000000000000;
	pg_rig_listen(&r->pg);
}

/* A new state of one entity, in a version of its own or together with the last one. */
static inline void registry_rig_set(struct registry_rig *r, enum row_kind kind, uint32_t n,
                                    const char *name, bool is_gone)
{
	struct registry_rig_entry *e = NULL;

	for (unsigned i = 0; i < r->count && !e; i++)
		if (r->entries[i].kind == kind && r->entries[i].n == n)
			e = &r->entries[i];
	if (!e) {
		assert_true(r->count < REGISTRY_RIG_MAX);
		e = &r->entries[r->count++];
	}
	*e = (struct registry_rig_entry){
		.kind = kind, .n = n, .is_gone = is_gone, .version = r->version, .name = name
	};
}

#endif
