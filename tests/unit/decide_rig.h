/*
 * A world over the department of tests/fixture/department.h, for the tests of single files of
 * decide: findings made by hand, incidents put in and taken out.
 */
#ifndef TOCSIN_TESTS_DECIDE_RIG_H
#define TOCSIN_TESTS_DECIDE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decide/commit.h"
#include "decide/finding.h"
#include "decide/subject.h"
#include "decide/world.h"
#include "support/bug.h"
#include "support/text.h"
#include "tests/fixture/department.h"

#define RIG_WALL_US (1793000000LL * CLOCK_S_US)

struct rig {
	struct world world;
	struct registry *registry;
	struct territory *territory;
	struct effects effects;
	struct alert alert;
	struct finding finding;
	unsigned serial;
};

static inline int rig_setup(void **state)
{
	struct rig *r = calloc(1, sizeof *r);
	struct rules rules;
	rules_default(&rules);
	r->registry = department_registry();
	r->territory = department_territory();
	assert_true(world_init(&r->world, &rules, (struct position){ 1, 1, 1 }));
	r->world.registry = r->registry;
	r->world.territory = r->territory;
	*state = r;
	return 0;
}

static inline int rig_teardown(void **state)
{
	struct rig *r = *state;
	world_done(&r->world);
	registry_free(r->registry);
	territory_free(r->territory);
	free(r);
	assert_int_equal(bug_count(), 0);
	return 0;
}

static inline struct mono rig_at(int64_t ms)
{
	return (struct mono){ (1000000 + ms) * CLOCK_MS_NS };
}

static inline struct wall rig_wall(int64_t ms)
{
	return (struct wall){ RIG_WALL_US + ms * 1000 };
}

static inline struct id rig_id(struct rig *r)
{
	struct id id = { .b = { 0x01, 0x92 } };
	r->serial++;
	memcpy(id.b + 8, &r->serial, sizeof r->serial);
	return id;
}

/* What a source says now, before anything is known of it. */
static inline struct finding *rig_finding(struct rig *r, const char *source, enum alert_kind kind)
{
	r->alert = (struct alert){ .id = { rig_id(r) },
		                   .source = department_source(source),
		                   .kind = kind,
		                   .received_at = rig_wall(0) };
	r->finding = (struct finding){ .alert = &r->alert, .at = rig_at(0), .wall = rig_wall(0) };
	assert_true(registry_source(r->registry, r->alert.source, &r->finding.source));
	return &r->finding;
}

static inline bool rig_because(const struct finding *f, enum reason_code code)
{
	for (unsigned n = 0; n < f->reasons.count; n++)
		if (f->reasons.list[n].code == code)
			return true;
	return false;
}

/* An open incident of priority 1, owned by cic-77; nothing of it is dirty. */
static inline struct incident *rig_incident(struct rig *r)
{
	struct incident *i = world_add_incident(&r->world, (struct incident_id){ rig_id(r) });
	assert_non_null(i);
	i->department = department_code("77");
	i->kind = ALERT_PANIC;
	i->priority = 1;
	i->raised_at = rig_wall(0);
	i->revision = i->guard = 1;
	incident_set_owner(i, centre_id("cic-77"));
	incident_count_alert(i, &(struct alert_summary){ .id = { rig_id(r) },
	                                                 .kind = ALERT_PANIC,
	                                                 .received_at = rig_wall(0) });
	i->changed = 0;
	return i;
}

static inline void rig_sign_in(struct rig *r, const char *centre)
{
	struct world *w = &r->world;
	w->sessions = realloc(w->sessions, (w->sessions_count + 1) * sizeof *w->sessions);
	w->sessions_room = ++w->sessions_count;
	w->sessions[w->sessions_count - 1] = (struct session){ .centre = centre_id(centre) };
}

static inline const struct effect *rig_effect(const struct rig *r, enum effect_kind kind)
{
	for (unsigned n = 0; n < r->effects.count; n++)
		if (r->effects.list[n].kind == kind)
			return &r->effects.list[n];
	return NULL;
}

static inline bool rig_has_part(const struct incident *i, const char *centre, enum centre_role role)
{
	for (unsigned n = 0; n < i->centres_count; n++)
		if (strcmp(i->centres[n].centre.text, centre) == 0 && i->centres[n].role == role)
			return true;
	return false;
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

#endif
