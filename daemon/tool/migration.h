/*
 * The numbered migrations of a folder: NNNN_name.sql, from 0001 without a gap, each read whole with
 * its SHA-256.
 *
 * Called by the verb db. Reads files and nothing else; what was applied where is schema.h's. A
 * folder that is not in order is refused whole: a migration is never guessed or left out.
 */
#ifndef TOCSIN_TOOL_MIGRATION_H
#define TOCSIN_TOOL_MIGRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MIGRATION_NAME_SIZE   64
#define MIGRATION_SHA256_SIZE 32
#define MIGRATION_BYTES_MAX   (4u << 20) /* of one file */
#define MIGRATIONS_MAX        999
#define MIGRATION_WHY_SIZE    1024

struct migration {
	unsigned number;
	char name[MIGRATION_NAME_SIZE]; /* "0001_ground.sql" */
	char *text;                     /* owned; terminated, no NUL inside */
	uint8_t sha256[MIGRATION_SHA256_SIZE];
};

struct migrations {
	unsigned count;
	struct migration *list; /* by number; list[i].number is i + 1 */
};

/* False, with a sentence in `why` and `out` empty: no such folder, none in it, a name that is not
 * of the form, a gap, two of one number, a file that is too long or holds a NUL. Files that do not
 * end in .sql are not looked at. */
bool migrations_read(struct migrations *out, const char *folder,
                     char why[static MIGRATION_WHY_SIZE]);
void migrations_done(struct migrations *m);

#endif
