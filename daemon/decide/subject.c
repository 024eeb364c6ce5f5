#include "decide/subject.h"

#include <stdlib.h>
#include <string.h>

#include "support/bug.h"
#include "support/table.h"
#include "support/text.h"

#define SUBJECT_KEYS_MAX (2 * INCIDENT_PEOPLE_MAX + 2)

enum subject_kind { SUBJECT_PERSON, SUBJECT_NUMBER, SUBJECT_SOURCE, SUBJECT_SITE };

struct subject_key {
	uint32_t kind;
	uint8_t value[ID_BYTES];
};

/* An incident under one key: in the list of that key, newest first. */
struct subject_link {
	struct incident *incident;
	struct subject_key key;
	struct subject_link *next, *before;
};

struct subjects {
	struct table *by_key; /* the first link of each list */
	unsigned long round;  /* of subjects_find: marks what it has met */
};

struct keys {
	unsigned count;
	struct subject_key list[SUBJECT_KEYS_MAX];
};

static void add_key(struct keys *k, enum subject_kind kind, const void *value, size_t size)
{
	struct subject_key *key = &k->list[k->count++];
	memset(key, 0, sizeof *key);
	key->kind = kind;
	memcpy(key->value, value, size);
}

static void add_people(struct keys *k, const struct person *people, unsigned count)
{
	for (unsigned n = 0; n < count; n++)
		if (id_is_set(people[n].id.v))
			add_key(k, SUBJECT_PERSON, &people[n].id, sizeof people[n].id);
}

static void add_source(struct keys *k, struct source_id source)
{
	if (id_is_set(source.v))
		add_key(k, SUBJECT_SOURCE, &source, sizeof source);
}

static void add_numbers(struct keys *k, const struct person *people, unsigned count)
{
	for (unsigned n = 0; n < count; n++)
		if (people[n].number.digits != 0)
			add_key(k, SUBJECT_NUMBER, &people[n].number, sizeof people[n].number);
}

static void add_site(struct keys *k, const struct place *p)
{
	if (!place_is_site(p))
		return;
	uint64_t hash = text_hash(p->label, strlen(p->label), 0);
	hash = text_hash(&p->commune, sizeof p->commune, hash);
	add_key(k, SUBJECT_SITE, &hash, sizeof hash);
}

struct subjects *subjects_new(void)
{
	struct subjects *s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	s->by_key = table_new(sizeof(struct subject_key), 1024);
	if (s->by_key == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void subjects_free(struct subjects *s)
{
	if (s == NULL)
		return;
	table_free(s->by_key); /* the links are the incidents' */
	free(s);
}

static void unlink_one(struct subjects *s, struct subject_link *l)
{
	if (l->next != NULL)
		l->next->before = l->before;
	if (l->before != NULL)
		l->before->next = l->next;
	else if (l->next != NULL) /* the key is there: no growth */
		(void)BUG(!table_put(s->by_key, &l->key, l->next));
	else
		table_remove(s->by_key, &l->key);
}

void subjects_remove(struct subjects *s, struct incident *i)
{
	for (unsigned n = 0; n < i->subjects_count; n++)
		unlink_one(s, &i->subjects[n]);
	free(i->subjects);
	i->subjects = NULL;
	i->subjects_count = 0;
}

bool subjects_put(struct subjects *s, struct incident *i)
{
	struct keys keys = { 0 };
	subjects_remove(s, i);
	add_people(&keys, i->people, i->people_count);
	add_source(&keys, i->source);
	add_numbers(&keys, i->people, i->people_count);
	add_site(&keys, &i->place);
	if (keys.count == 0)
		return true;
	i->subjects = calloc(keys.count, sizeof *i->subjects);
	if (i->subjects == NULL)
		return false;
	for (unsigned n = 0; n < keys.count; n++) {
		struct subject_link *l = &i->subjects[i->subjects_count];
		l->incident = i;
		l->key = keys.list[n];
		l->next = table_get(s->by_key, &l->key);
		if (!table_put(s->by_key, &l->key, l))
			return false;
		if (l->next != NULL)
			l->next->before = l;
		i->subjects_count++;
	}
	return true;
}

unsigned subjects_find(struct subjects *s, const struct finding *f, struct incident **out,
                       unsigned max)
{
	struct keys keys = { 0 };
	unsigned count = 0;
	s->round++;
	add_people(&keys, f->people, f->people_count);
	if (finding_is_single_user(f))
		add_source(&keys, f->source.id);
	add_numbers(&keys, f->people, f->people_count);
	add_site(&keys, &f->place);
	for (unsigned n = 0; n < keys.count; n++) {
		struct subject_link *l = table_get(s->by_key, &keys.list[n]);
		for (; l != NULL && count < max; l = l->next) {
			if (l->incident->met == s->round)
				continue;
			l->incident->met = s->round;
			out[count++] = l->incident;
		}
	}
	return count;
}
