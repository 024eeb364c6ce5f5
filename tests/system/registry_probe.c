/*
 * The loader alone, for tests/system/test_registry.py: takes the loop's side, applies what the
 * loader hands over, and answers questions from standard input, one JSON object a line.
 *
 *     registry_probe CONNINFO STATE_FOLDER [ANSWER_MS]
 *
 *     state   number +33…   person ID   site ID   source NAME   commune INSEE   size
 *
 * `held_ms` in the answer to "size" is the longest that one piece of news has held the loop.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "decide/phone.h"
#include "keep/loader.h"

#define LINE_SIZE 512

struct probe {
	struct loader *loader;
	struct registry *registry;
	struct territory *territory;
	int64_t held_us; /* the longest turn */
	unsigned registries, territories, batches;
	struct mono start;
	int64_t loaded_ms; /* when the first registry from the database was there */
};

static void take(struct probe *p)
{
	struct loader_news news;
	struct mono begin = clock_mono();

	if (!loader_take(p->loader, &news))
		return;
	switch (news.kind) {
	case LOADER_REGISTRY:
		loader_give_back(p->loader, p->registry, NULL);
		p->registry = news.registry;
		p->registries++;
		break;
	case LOADER_TERRITORY:
		loader_give_back(p->loader, NULL, p->territory);
		p->territory = news.territory;
		p->territories++;
		break;
	case LOADER_CHANGES:
		loader_apply(p->loader, p->registry, &news);
		p->batches++;
		break;
	case LOADER_STATE: break;
	}
	int64_t took = mono_us_between(begin, clock_mono());
	if (took > p->held_us)
		p->held_us = took;
	struct loader_state s;
	loader_state(p->loader, &s);
	if (p->loaded_ms == 0 && p->registry && s.is_connected)
		p->loaded_ms = mono_ms_between(p->start, clock_mono());
}

static json_t *id_json(struct id id)
{
	char text[ID_TEXT_SIZE];

	return json_string(id_format(id, text));
}

static json_t *answer_state(struct probe *p)
{
	struct loader_state s;
	char since[CLOCK_TEXT_SIZE], as_of[CLOCK_TEXT_SIZE];

	loader_state(p->loader, &s);
	return json_pack("{sb ss ss sb ss sI sI ss ss sI sI sI si si si}", "connected",
	                 s.is_connected, "since",
	                 wall_is_set(s.since) ? wall_format(s.since, since) : "", "why", s.why,
	                 "from_snapshot", s.is_from_snapshot, "as_of",
	                 wall_is_set(s.as_of) ? wall_format(s.as_of, as_of) : "", "version",
	                 (json_int_t)s.registry_version, "territory_version",
	                 (json_int_t)s.territory_version, "snapshot_why", s.snapshot_why,
	                 "territory_why", s.territory_why, "loads", (json_int_t)s.loads, "changes",
	                 (json_int_t)s.changes, "refused", (json_int_t)s.refused, "registries",
	                 p->registries, "territories", p->territories, "batches", p->batches);
}

static json_t *answer_person(const struct probe *p, struct practitioner_id id)
{
	struct practitioner found;
	char number[PHONE_TEXT_SIZE];

	if (!registry_practitioner(p->registry, id, &found))
		return json_null();
	json_t *numbers = json_array(), *sites = json_array(), *consents = json_array();
	for (unsigned i = 0; i < found.numbers_count; i++) {
		snprintf(number, sizeof number, "+%llu",
		         (unsigned long long)found.numbers[i].number.digits);
		json_array_append_new(numbers, json_pack("[sb]", number, found.numbers[i].shared));
	}
	for (unsigned i = 0; i < found.sites_count; i++)
		json_array_append_new(sites, id_json(found.sites[i].v));
	for (unsigned i = 0; i < found.consents_count; i++)
		json_array_append_new(consents, json_string(found.consents[i].text));
	return json_pack("{so ss ss ss ss ss sI so so so}", "id", id_json(found.id.v), "department",
	                 found.department.text, "name", found.name, "profession", found.profession,
	                 "specialty", found.specialty, "exposed", found.exposed, "rpps",
	                 (json_int_t)found.rpps, "numbers", numbers, "sites", sites, "consents",
	                 consents);
}

static json_t *answer_number(const struct probe *p, const char *text)
{
	struct practitioner_id ids[16];
	size_t count = registry_by_number(p->registry,
	                                  (struct e164){ strtoull(text + 1, NULL, 10) }, ids, 16);
	json_t *people = json_array();

	for (size_t i = 0; i < count && i < 16; i++)
		json_array_append_new(people, id_json(ids[i].v));
	return people;
}

static json_t *answer_site(const struct probe *p, struct site_id id)
{
	struct site s;

	if (!registry_site(p->registry, id, &s))
		return json_null();
	return json_pack("{ss ss ss ss sb sf sf si}", "label", s.label, "address", s.address,
	                 "access", s.access, "commune", s.commune.text, "has_point", s.has_point,
	                 "lat", s.lat, "lon", s.lon, "precision", (int)s.precision);
}

static json_t *answer_source(const struct probe *p, const char *name)
{
	struct source s;

	if (!registry_source_by_name(p->registry, name, &s))
		return json_null();
	return json_pack("{so ss ss si sb so so ss ss ss si}", "id", id_json(s.id.v), "department",
	                 s.department.text, "kind", source_kind_name(s.kind), "state", (int)s.state,
	                 "panic", s.has_panic_button, "owner", id_json(s.owner.v), "site",
	                 id_json(s.site.v), "centre", s.centre.text, "issuer", s.issuer, "subject",
	                 s.subject, "supervision", (int)s.supervision_s);
}

static json_t *answer_commune(const struct probe *p, const char *code)
{
	const struct commune *c =
	        p->territory ? territory_commune(p->territory, commune_code(code)) : NULL;

	if (!c)
		return json_null();
	return json_pack("{ss ss ss ss ss}", "name", c->name, "tribunal", c->tribunal, "centre",
	                 c->centre.text, "adviser", c->adviser_name, "adviser_number",
	                 c->adviser_number);
}

static json_t *answer_size(const struct probe *p)
{
	struct registry_size s = registry_size(p->registry);
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%*s %ld", &pages) != 1)
		return NULL;
	fclose(f);
	return json_pack("{sI sI sI sI sI sI sI sI}", "practitioners", (json_int_t)s.practitioners,
	                 "numbers", (json_int_t)s.numbers, "sites", (json_int_t)s.sites, "sources",
	                 (json_int_t)s.sources, "bytes", (json_int_t)s.bytes, "resident",
	                 (json_int_t)pages * sysconf(_SC_PAGESIZE), "held_ms",
	                 (json_int_t)(p->held_us / 1000), "loaded_ms", (json_int_t)p->loaded_ms);
}

static json_t *answer(struct probe *p, char *line)
{
	char *argument = strchr(line, ' ');
	struct id id;

	if (argument)
		*argument++ = '\0';
	if (strcmp(line, "state") == 0)
		return answer_state(p);
	if (strcmp(line, "commune") == 0 && argument)
		return answer_commune(p, argument);
	if (!p->registry)
		return json_null();
	if (strcmp(line, "size") == 0)
		return answer_size(p);
	if (strcmp(line, "number") == 0 && argument)
		return answer_number(p, argument);
	if (strcmp(line, "source") == 0 && argument)
		return answer_source(p, argument);
	if (!argument || !id_parse(argument, &id))
		return NULL;
	if (strcmp(line, "person") == 0)
		return answer_person(p, (struct practitioner_id){ id });
	return strcmp(line, "site") == 0 ? answer_site(p, (struct site_id){ id }) : NULL;
}

static bool read_line(char *line)
{
	size_t used = 0;

	while (used < LINE_SIZE - 1 && read(STDIN_FILENO, line + used, 1) == 1) {
		if (line[used] == '\n') {
			line[used] = '\0';
			return true;
		}
		used++;
	}
	return false;
}

static void serve(struct probe *p)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN },
		                { .fd = loader_fd(p->loader), .events = POLLIN } };
	char line[LINE_SIZE];

	for (;;) {
		poll(fds, 2, -1);
		if (fds[1].revents)
			take(p);
		if (!fds[0].revents)
			continue;
		if (!read_line(line))
			return;
		json_t *said = answer(p, line);
		if (said)
			json_dumpf(said, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
		puts("");
		fflush(stdout);
		json_decref(said);
	}
}

int main(int argc, char **argv)
{
	struct probe p = { .start = clock_mono() };
	char why[LOADER_WHY_SIZE];

	if (argc < 3)
		return 2;
	struct loader_settings settings = { .conninfo = argv[1],
		                            .state_folder = argv[2],
		                            .disk = disk_system(),
		                            .answer_ms = argc > 3 ? strtol(argv[3], NULL, 10) : 0 };
	p.loader = loader_start(&settings, why);
	if (!p.loader) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	serve(&p);
	struct mono begin = clock_mono();
	loader_stop(p.loader);
	fprintf(stderr, "stopped in %lld ms\n", (long long)mono_ms_between(begin, clock_mono()));
	registry_free(p.registry);
	territory_free(p.territory);
	return 0;
}
