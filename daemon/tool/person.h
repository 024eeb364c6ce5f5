/*
 * One registration as a file or a command line states it: a person with numbers, sites and
 * consents; and bringing it into the database so that a second time changes nothing.
 *
 * Used by the verb registry (import, add). A person is found again by department and RPPS number,
 * or by department and name where there is none.
 */
#ifndef TOCSIN_TOOL_PERSON_H
#define TOCSIN_TOOL_PERSON_H

#include <stdbool.h>

#include "decide/registry.h"
#include "tool/database.h"

#define PERSON_TEXT_SIZE 512
#define PERSON_WHY_SIZE  300

struct person_number {
	char number[PHONE_TEXT_SIZE]; /* E.164 */
	bool shared;
};

struct person_site {
	char label[PERSON_TEXT_SIZE], address[PERSON_TEXT_SIZE], access[PERSON_TEXT_SIZE];
	char commune[32], lat[32], lon[32], precision[16]; /* lat, lon: both or neither is "" */
};

struct registration {
	char department[8], name[PERSON_TEXT_SIZE], profession[PERSON_TEXT_SIZE];
	char specialty[PERSON_TEXT_SIZE], exposed[PERSON_TEXT_SIZE];
	char rpps[16]; /* "" for none */
	unsigned numbers_count, sites_count, consents_count;
	struct person_number numbers[REGISTRY_NUMBERS_MAX];
	struct person_site sites[REGISTRY_SITES_MAX];
	struct centre_id consents[REGISTRY_CONSENTS_MAX];
	char given_at[40], evidence[PERSON_TEXT_SIZE]; /* of the consents */
};

/* Répertoire partagé des professionnels de santé: 11 digits, the last one by Luhn (ISO/IEC 7812-1,
 * annex B). */
bool person_rpps_is_valid(const char *rpps);

/* Each adds to what is there; false, with a sentence in `why`. A number or a site that is there
 * already is fine. `list`: words separated by commas. */
bool person_add_numbers(struct registration *p, const char *list, bool shared,
                        char why[static PERSON_WHY_SIZE]);
bool person_add_site(struct registration *p, const struct person_site *s,
                     char why[static PERSON_WHY_SIZE]);
bool person_add_consents(struct registration *p, const char *list,
                         char why[static PERSON_WHY_SIZE]);
/* What can be known without a database. */
bool person_is_complete(const struct registration *p, char why[static PERSON_WHY_SIZE]);

struct person_written {
	char id[ID_TEXT_SIZE];
	bool is_new, is_changed;
	unsigned withheld; /* consents that were withdrawn since that date, and are not given again
	                    */
};

/* Numbers and sites become those of `p`, unless it has none; consents that stand are left, and none
 * is withdrawn. False: d->why. */
bool person_write(struct database *d, const struct registration *p, struct person_written *out);

#endif
