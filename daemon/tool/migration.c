#include "tool/migration.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "support/text.h"

/* "0001_ground.sql": four digits, an underline, then a-z, 0-9 and underlines. 0: not of the form.
 */
static unsigned number_of(const char *name)
{
	size_t length = strlen(name);
	unsigned number = 0;

	if (length < strlen("0001_a.sql") || length >= MIGRATION_NAME_SIZE || name[4] != '_')
		return 0;
	for (size_t i = 0; i < 4; i++) {
		if (name[i] < '0' || name[i] > '9')
			return 0;
		number = number * 10 + (unsigned)(name[i] - '0');
	}
	for (size_t i = 5; i < length - 4; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789_", name[i]) == NULL)
			return 0;
	return number <= MIGRATIONS_MAX ? number : 0;
}

static bool ends_in_sql(const char *name)
{
	size_t length = strlen(name);

	return length >= 4 && strcmp(name + length - 4, ".sql") == 0;
}

static bool read_open_file(struct migration *m, int fd, char *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > MIGRATION_BYTES_MAX) {
		text_add(why, MIGRATION_WHY_SIZE, "%s is no file of at most %u bytes", m->name,
		         MIGRATION_BYTES_MAX);
		return false;
	}
	size_t size = (size_t)st.st_size, have = 0;
	m->text = malloc(size + 1);
	while (m->text != NULL && have < size) {
		ssize_t got = read(fd, m->text + have, size - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		have += (size_t)got;
	}
	if (m->text == NULL || have < size) {
		text_add(why, MIGRATION_WHY_SIZE, "cannot read %s: %s", m->name, strerror(errno));
		return false;
	}
	m->text[size] = '\0';
	if (strlen(m->text) != size) {
		text_add(why, MIGRATION_WHY_SIZE, "%s holds a NUL byte", m->name);
		return false;
	}
	if (EVP_Digest(m->text, size, m->sha256, NULL, EVP_sha256(), NULL) != 1) {
		text_add(why, MIGRATION_WHY_SIZE, "no SHA-256 on this machine");
		return false;
	}
	return true;
}

static bool read_file(struct migration *m, int folder, char *why)
{
	int fd = openat(folder, m->name, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		text_add(why, MIGRATION_WHY_SIZE, "cannot open %s: %s", m->name, strerror(errno));
		return false;
	}
	bool ok = read_open_file(m, fd, why);
	close(fd);
	return ok;
}

/* Puts the file in its place in the list; the places between stay empty until their files come. */
static bool place_file(struct migrations *m, const char *name, int folder, char *why)
{
	unsigned number = number_of(name);

	if (number == 0) {
		text_add(why, MIGRATION_WHY_SIZE,
		         "%s is not named as a migration (0001_what_it_does.sql)", name);
		return false;
	}
	struct migration *slot = &m->list[number - 1];
	if (slot->number != 0) {
		text_add(why, MIGRATION_WHY_SIZE, "%s and %s have the same number", slot->name,
		         name);
		return false;
	}
	slot->number = number;
	TEXT_COPY(slot->name, name);
	if (number > m->count)
		m->count = number;
	return read_file(slot, folder, why);
}

static bool read_folder(struct migrations *m, DIR *dir, char *why)
{
	const struct dirent *entry;

	while ((entry = readdir(dir)) != NULL)
		if (ends_in_sql(entry->d_name) && !place_file(m, entry->d_name, dirfd(dir), why))
			return false;
	for (unsigned i = 0; i < m->count; i++)
		if (m->list[i].number == 0) {
			text_add(why, MIGRATION_WHY_SIZE, "migration %04u is missing", i + 1);
			return false;
		}
	if (m->count == 0)
		text_add(why, MIGRATION_WHY_SIZE, "no migrations in it");
	return m->count > 0;
}

bool migrations_read(struct migrations *out, const char *folder,
                     char why[static MIGRATION_WHY_SIZE])
{
	DIR *dir = opendir(folder);

	*out = (struct migrations){ 0 };
	why[0] = '\0';
	if (dir == NULL) {
		text_add(why, MIGRATION_WHY_SIZE, "%s: %s", folder, strerror(errno));
		return false;
	}
	text_add(why, MIGRATION_WHY_SIZE, "%s: ", folder);
	out->list = calloc(MIGRATIONS_MAX, sizeof *out->list);
	bool ok = out->list != NULL && read_folder(out, dir, why);
	closedir(dir);
	if (!ok)
		migrations_done(out);
	return ok;
}

void migrations_done(struct migrations *m)
{
	/* A refused folder may have filled places past a gap, never past the count. */
	for (unsigned i = 0; i < m->count; i++)
		free(m->list[i].text);
	free(m->list);
	*m = (struct migrations){ 0 };
}
