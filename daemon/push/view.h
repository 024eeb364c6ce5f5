/*
 * A view: one revision of an incident, packed once (proto/console.proto, DeskMessage) and shared by
 * every console that it concerns. Counted references; never changed but for the mark `recorded`,
 * which is its last byte.
 */
#ifndef TOCSIN_PUSH_VIEW_H
#define TOCSIN_PUSH_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide/incident.h"
#include "decide/registry.h"
#include "decide/territory.h"

struct view {
	unsigned references;
	struct incident_id incident;
	uint32_t revision;
	struct position position;
	unsigned priority;
	bool is_quiet;  /* only counts changed */
	bool is_closed;
	bool is_recorded;
	struct mono made_at;
	enum source_kind from; /* whose alert made it; SOURCE_KINDS: no alert did */
	unsigned centres_count;
	struct centre_id centres[INCIDENT_CENTRES_MAX]; /* whom it concerns */
	size_t length;
	uint8_t bytes[];
};

/* What the incident shows now. The registry gives the labels of other sites, the territory the
 * adviser; either may be NULL. One reference is the caller's. NULL: no memory. */
struct view *view_new(const struct incident *i, bool is_quiet, struct mono at,
		      const struct registry *registry, const struct territory *territory);
struct view *view_ref(struct view *v);
void view_unref(struct view *v); /* NULL is fine */
void view_set_recorded(struct view *v, bool recorded);
bool view_concerns(const struct view *v, struct centre_id centre);

#endif
