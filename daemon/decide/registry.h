/*
 * The registry in memory: practitioners with their numbers, sites and consents, and every source.
 *
 * keep/loader builds one on its own thread (or from the node's snapshot) and hands it to the loop;
 * decide/ only looks things up and applies small changes. A million numbers take under 200 MB.
 * Not thread-safe: one owner at a time. Texts that it returns live until the next change.
 */
#ifndef TOCSIN_DECIDE_REGISTRY_H
#define TOCSIN_DECIDE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide/alert.h"
#include "decide/phone.h"
#include "decide/place.h"
#include "support/clock.h"
#include "support/id.h"

#define REGISTRY_NUMBERS_MAX 16  /* of one practitioner */
#define REGISTRY_SITES_MAX 16    /* of one practitioner */
#define REGISTRY_CONSENTS_MAX 16 /* of one practitioner */
#define REGISTRY_CENTRES_MAX 64  /* that one registry knows */
#define REGISTRY_TEXT_MAX 1000   /* bytes kept of a text; it is cut at a whole character */
#define REGISTRY_IDENTITY_MAX 2000 /* bytes of an issuer or a subject; a longer one is refused */

enum source_kind {
	SOURCE_DEVICE,     /* bracelet, hidden button, lone-worker device: one user */
	SOURCE_BUTTON,     /* a surgery's button: one site */
	SOURCE_PANEL,      /* an alarm panel: one site */
	SOURCE_REGULATION, /* SOS Médecins' regulation desk: relays */
	SOURCE_EXCHANGE,   /* a 17's telephone exchange: calls */
	SOURCE_PLATFORM,   /* speaks for many devices */
	SOURCE_CONSOLE,    /* a centre's console; speaks on the consoles' listener only */
	SOURCE_KINDS,
};

enum source_state { SOURCE_ACTIVE, SOURCE_RETIRED, SOURCE_REVOKED };

/* One registered source, as given to and by the registry; texts borrowed. */
struct source {
	struct source_id id;
	const char *name; /* unique in its department */
	struct department_code department;
	enum source_kind kind;
	enum source_state state;
	bool has_panic_button;  /* what it sends and cannot be read might be a panic */
	struct practitioner_id owner; /* or none */
	struct site_id site;          /* or none */
	struct centre_id centre;      /* consoles and exchanges */
	const char *issuer;     /* certificate identity: RFC 2253 names; "" when it has none */
	const char *subject;
	uint32_t supervision_s; /* 0: not supervised */
};

struct site {
	struct site_id id;
	const char *label;   /* "Cabinet médical des Tilleuls" */
	const char *address; /* "12 rue …" */
	const char *access;  /* how to get in; may be "" */
	struct commune_code commune;
	bool has_point;
	double lat, lon;
	enum place_precision precision;
};

struct practitioner_number {
	struct e164 number;
	bool shared; /* a surgery's line: several persons */
};

struct practitioner {
	struct practitioner_id id;
	struct department_code department;
	const char *name, *profession, *specialty;
	const char *exposed; /* the reason of the "exposed" mark; "" when not marked */
	uint64_t rpps;       /* 0: none */
	unsigned numbers_count, sites_count, consents_count;
	struct practitioner_number numbers[REGISTRY_NUMBERS_MAX];
	struct site_id sites[REGISTRY_SITES_MAX]; /* the first is the main one */
	struct centre_id consents[REGISTRY_CONSENTS_MAX]; /* who may recognise the numbers */
};

struct registry;

/* `numbers_expected` sizes the tables once. NULL: no memory. */
struct registry *registry_new(size_t numbers_expected);
void registry_free(struct registry *r);

/* Makes room in every index for a quarter more entries: after a load, so that the small changes of
 * a day never stop the loop to grow one. False: no memory. */
bool registry_settle(struct registry *r);

/* Each replaces an entry of the same id whole; no text is NULL. False: no memory, more than a bound
 * above; the entry is then as it was. A practitioner may come before its sites. */
bool registry_put_site(struct registry *r, const struct site *s);
bool registry_put_practitioner(struct registry *r, const struct practitioner *p);
bool registry_put_source(struct registry *r, const struct source *s);
/* A withdrawal: the person is gone and its texts and numbers are overwritten in memory. */
void registry_remove_practitioner(struct registry *r, struct practitioner_id id);
void registry_remove_site(struct registry *r, struct site_id id);
void registry_remove_source(struct registry *r, struct source_id id);

/* Look-ups copy into *out; false: absent. */
bool registry_practitioner(const struct registry *r, struct practitioner_id id,
                           struct practitioner *out);
bool registry_site(const struct registry *r, struct site_id id, struct site *out);
bool registry_source(const struct registry *r, struct source_id id, struct source *out);
/* By name alone: false too when two departments each have one of that name. */
bool registry_source_by_name(const struct registry *r, const char *name, struct source *out);
/* Of several with one identity (a certificate serves a retired source's successor) the active one,
 * else the revoked one. */
bool registry_source_by_certificate(const struct registry *r, const char *issuer,
                                    const char *subject, struct source *out);
bool registry_by_rpps(const struct registry *r, uint64_t rpps, struct practitioner_id *out);
/* Writes at most `max` persons who use the number; returns how many there are. */
size_t registry_by_number(const struct registry *r, struct e164 number,
                          struct practitioner_id *out, size_t max);
bool registry_has_consent(const struct registry *r, struct practitioner_id id,
                          struct centre_id centre);

struct registry_size {
	size_t practitioners, numbers, sites, sources;
	size_t bytes;       /* of memory in all */
	size_t text_bytes;  /* of entries that live */
	size_t waste_bytes; /* of entries that are gone: past a quarter of both, build a new one */
};
struct registry_size registry_size(const struct registry *r);
/* Every source in turn: for (size_t i = 0; registry_next_source(r, &i, &s);) … */
bool registry_next_source(const struct registry *r, size_t *index, struct source *out);

/* How fresh it is: the database's version of it and when that was read. */
void registry_set_version(struct registry *r, uint64_t version, struct wall as_of);
uint64_t registry_version(const struct registry *r);
struct wall registry_as_of(const struct registry *r);

const char *source_kind_name(enum source_kind kind);
bool source_kind_parse(const char *name, enum source_kind *out);

#endif
