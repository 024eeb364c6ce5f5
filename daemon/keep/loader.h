/*
 * The loader: brings the registry and the territory from PostgreSQL into memory, and keeps them
 * current, on a thread of its own.
 *
 * Started by run/main. The thread first serves the node's own snapshots (cache.h), then connects,
 * reads what is new and follows changes by LISTEN and a version. It builds whole registries and
 * territories and hands them over; small changes it hands over as rows, which the loop applies. The
 * loop never waits for it, for PostgreSQL or for the disk. With PostgreSQL away, hung or of a schema
 * too new, what was handed over goes on serving, and the state says since when and why.
 */
#ifndef TOCSIN_KEEP_LOADER_H
#define TOCSIN_KEEP_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide/registry.h"
#include "decide/territory.h"
#include "keep/changes.h"
#include "keep/disk.h"
#include "keep/pg_client.h"
#include "support/clock.h"

#define LOADER_WHY_SIZE 256

struct loader_settings {
	const char *conninfo;     /* pg_client.h says what it may hold */
	const char *state_folder; /* of the snapshots; NULL: none are kept */
	const struct disk *disk;
	int64_t connect_ms;   /* a host that does not answer is given up; 0: 5 s */
	int64_t answer_ms;    /* likewise a statement, or silence while rows come; 0: 10 s */
	int64_t heartbeat_ms; /* how often a quiet connection is asked whether all is as it was; 0: 5 s */
};

struct loader;

/* NULL, with a sentence in `why`: the settings cannot be used, or there is no memory. */
struct loader *loader_start(const struct loader_settings *settings, char why[static LOADER_WHY_SIZE]);
/* Ends the thread, which takes under a second but for a disk that does not answer, and frees what was
 * not taken. */
void loader_stop(struct loader *l);

/* Readable when there is news to take. */
int loader_fd(const struct loader *l);

enum loader_news_kind { LOADER_REGISTRY, LOADER_TERRITORY, LOADER_CHANGES, LOADER_STATE };

struct loader_news {
	enum loader_news_kind kind;
	struct registry *registry;   /* LOADER_REGISTRY: the taker's from now on; it replaces the one before */
	struct territory *territory; /* LOADER_TERRITORY: likewise */
	struct changes changes;      /* LOADER_CHANGES: for loader_apply, some hundred rows at most */
	uint64_t version;            /* of the registry after these changes */
};

/* False: nothing is there now. One piece of news is a few milliseconds of work at most. */
bool loader_take(struct loader *l, struct loader_news *out);
/* Applies changes to the registry that was taken before them, and frees them. */
void loader_apply(struct loader *l, struct registry *r, struct loader_news *news);
/* What was replaced: freed on the thread, since a million entries take a while. NULLs are fine. */
void loader_give_back(struct loader *l, struct registry *registry, struct territory *territory);

/* How things are, at any time; LOADER_STATE says that is_connected or a `why` changed. */
struct loader_state {
	bool is_connected;     /* and as current as the last heartbeat says */
	struct wall since;     /* when that began */
	char why[LOADER_WHY_SIZE]; /* why it is not connected; "" */
	bool has_registry, has_territory;
	bool is_from_snapshot; /* the registry was not yet compared with the database in this run */
	struct wall as_of;     /* when the registry was last known to be current; not set: no registry */
	uint64_t registry_version, territory_version;
	char snapshot_why[LOADER_WHY_SIZE];  /* why the last snapshot could not be written or read; "" */
	char territory_why[LOADER_WHY_SIZE]; /* why a newer territory was refused; "" */
	unsigned long loads, changes, refused; /* whole registries, rows applied, rows that could not be */
};
void loader_state(struct loader *l, struct loader_state *out);

#endif
