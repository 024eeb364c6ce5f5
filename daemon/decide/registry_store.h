/*
 * Inside the registry: what registry.c (people, sites) and registry_source.c (sources) share.
 *
 * An entry is a record of fixed size in a pool, found through an index by hash, and a block in the
 * arena that holds all that is the entry's own: to forget it is to wipe one block. Nobody else
 * includes this header.
 */
#ifndef TOCSIN_DECIDE_REGISTRY_STORE_H
#define TOCSIN_DECIDE_REGISTRY_STORE_H

#include <string.h>

#include "decide/arena.h"
#include "decide/pool.h"
#include "decide/registry.h"
#include "decide/slots.h"
#include "decide/territory.h"
#include "decide/words.h"
#include "support/text.h"

struct registry {
	struct arena arena;
	struct words words;
	struct pool people, sites, sources;
	size_t people_count, sites_count, sources_count;
	struct slots by_person, by_number, by_rpps, by_site;
	struct slots by_source, by_name, by_certificate;
	unsigned centres_count;
	/* A consent is a bit: the centre's place here. */
	struct centre_id centres[REGISTRY_CENTRES_MAX];
	uint64_t version;
	struct wall as_of;
};

/* The centre's place, learnt if need be; -1 when the registry knows as many as it can. */
int registry_learn_centre(struct registry *r, struct centre_id centre);

void registry_init_sources(struct registry *r);

static inline uint32_t registry_hash(const void *bytes, size_t length, uint64_t seed)
{
	return (uint32_t)(text_hash(bytes, length, seed) >> 32);
}

/* How much of a text is kept: up to REGISTRY_TEXT_MAX bytes, ending on a whole character. */
size_t registry_text_length(const char *text);

/* Writing and reading a block from its start; both go by what the record says is in it. */
static inline void block_put(uint8_t **at, const void *bytes, size_t length)
{
	memcpy(*at, bytes, length);
	*at += length;
}

static inline void block_put_text(uint8_t **at, const char *text, size_t length)
{
	block_put(at, text, length);
	*(*at)++ = '\0';
}

static inline void block_get(const uint8_t **at, void *bytes, size_t length)
{
	memcpy(bytes, *at, length);
	*at += length;
}

static inline const char *block_get_text(const uint8_t **at)
{
	const char *text = (const char *)*at;

	*at += strlen(text) + 1;
	return text;
}

#endif
