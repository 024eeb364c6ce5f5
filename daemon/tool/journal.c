#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <jansson.h>

#include "keep/disk.h"
#include "run/conf.h"
#include "support/text.h"
#include "tool/incident_json.h"
#include "tool/journal_entry.h"
#include "tool/journal_survey.h"
#include "tool/verb.h"

/* The verb journal: reads the node's journal, and never writes there. */

struct journal_where {
	const char *folder, *node; /* as given; NULL: from the configuration, from the files */
	struct conf conf;
	struct folder in;
};

static const char folder_help[] = "the journal (default: journal.folder of the configuration)";
static const char node_help[] = "the node it is of (default: what its files say)";

static void tell_error(void *arg, const char *sentence)
{
	(void)arg;
	verb_refuse("%s", sentence);
}

/* VERB_DONE, or the exit code when all is said. */
static int find_folder(struct journal_where *where)
{
	const struct conf_report report = { tell_error, NULL };
	const char *path = where->folder;
	int64_t node = 0;
	struct stat st;

	if (where->node != NULL && !text_to_int(where->node, 1, UINT32_MAX, &node))
		return verb_misuse("--node is a number from 1");
	if (path == NULL && !conf_read(verb_config(), &where->conf, &report))
		return VERB_REFUSED;
	if (path == NULL)
		path = where->conf.journal.folder;
	if (stat(path, &st) < 0)
		return verb_refuse("%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return verb_refuse("%s is no folder", path);
	if (!folder_init(&where->in, disk_system(), path, (uint32_t)node))
		return verb_refuse("%s: the path is too long", path);
	if (node == 0)
		folder_find_node(&where->in,
		                 &where->in.node); /* without files, any number will do */
	return VERB_DONE;
}

/* Whether a process holds the daemon's lock. Asked of the kernel's list, because taking the lock,
 * if only to see, would turn away a daemon that starts at this moment. */
static bool is_held(const struct folder *folder)
{
	struct stat st;
	char line[256], wanted[64];
	bool held = false;

	if (stat(folder_path(folder, FOLDER_LOCK).text, &st) < 0)
		return false;
	snprintf(wanted, sizeof wanted, " %02x:%02x:%ju ", major(st.st_dev), minor(st.st_dev),
	         (uintmax_t)st.st_ino);
	FILE *locks = fopen("/proc/locks", "r");
	while (locks != NULL && fgets(line, sizeof line, locks) != NULL)
		held = held || (strstr(line, "FLOCK") != NULL && strstr(line, wanted) != NULL);
	if (locks != NULL)
		fclose(locks);
	return held;
}

static int read_failed(const struct folder *folder)
{
	if (errno == EPROTONOSUPPORT)
		return verb_refuse("%s: a later version of tocsin wrote here", folder->path);
	return verb_refuse("%s: %s", folder->path, strerror(errno));
}

static json_t *position_json(struct position p)
{
	char text[POSITION_TEXT_SIZE];

	return p.epoch == 0 ? json_null() : json_string(position_format(p, text));
}

static const char *trouble_name(enum journal_read what)
{
	return what == JOURNAL_READ_GAP ? "gap" : what == JOURNAL_READ_BAD ? "bad" : "torn";
}

/* Names, not paths: where they are is known. */
static void segment_name(const struct segment_key *key, char out[static FOLDER_NAME_SIZE])
{
	snprintf(out, FOLDER_NAME_SIZE, "%010" PRIu32 "-%010" PRIu32 ".segment", key->epoch,
	         key->index);
}

static json_t *trouble_json(enum journal_read what, const struct journal_reading *r)
{
	char name[FOLDER_NAME_SIZE];

	if (what == JOURNAL_READ_GAP)
		return json_pack("{s:s,s:b,s:o,s:o}", "what", trouble_name(what), "lost", r->lost,
		                 "after", position_json(r->after), "next",
		                 position_json(r->position));
	segment_name(&r->segment, name);
	return json_pack("{s:s,s:b,s:s,s:I,s:I}", "what", trouble_name(what), "lost", r->lost,
	                 "segment", name, "from", (json_int_t)r->from, "to", (json_int_t)r->to);
}

static void trouble_line(enum journal_read what, const struct journal_reading *r)
{
	char after[POSITION_TEXT_SIZE], next[POSITION_TEXT_SIZE], name[FOLDER_NAME_SIZE];

	if (what == JOURNAL_READ_GAP) {
		printf("%-11s after %s comes %s%s\n", "gap", position_format(r->after, after),
		       position_format(r->position, next),
		       r->lost ? ": RECORDS ARE LOST" : ": left out when the disk was failing");
		return;
	}
	segment_name(&r->segment, name);
	printf("%-11s %s, bytes %jd to %jd%s\n", trouble_name(what), name, (intmax_t)r->from,
	       (intmax_t)r->to,
	       r->lost                    ? ": RECORDS ARE LOST"
	       : what == JOURNAL_READ_BAD ? ": nothing that was confirmed"
	                                  : ": an end that was never confirmed");
}

static json_t *checkpoint_json(const struct journal_survey_checkpoint *c)
{
	if (c->state != CHECKPOINT_WHOLE)
		return json_pack("{s:o,s:b}", "start", position_json(c->start), "whole", 0);
	return json_pack("{s:o,s:b,s:o,s:o,s:I}", "start", position_json(c->start), "whole", 1,
	                 "confirmed", position_json(c->header.confirmed), "written_at",
	                 incident_json_time(c->header.written.us), "items", (json_int_t)c->items);
}

static json_t *survey_json(const struct folder *folder, const struct journal_survey *s, bool held)
{
	json_t *epochs = json_array(), *checkpoints = json_array(), *troubles = json_array();

	for (size_t i = 0; i < s->epochs_count; i++) {
		const struct journal_survey_epoch *e = &s->epochs[i];
		json_array_append_new(epochs,
		                      json_pack("{s:I,s:I,s:I,s:I,s:I,s:i,s:o}", "epoch",
		                                (json_int_t)e->epoch, "first", (json_int_t)e->first,
		                                "last", (json_int_t)e->last, "records",
		                                (json_int_t)e->records, "bytes",
		                                (json_int_t)e->bytes, "segments", (int)e->segments,
		                                "begun_at", incident_json_time(e->begun.us)));
	}
	for (size_t i = 0; i < s->checkpoints_count; i++)
		json_array_append_new(checkpoints, checkpoint_json(&s->checkpoints[i]));
	for (size_t i = 0; i < s->troubles_count; i++)
		json_array_append_new(troubles,
		                      trouble_json(s->troubles[i].what, &s->troubles[i].reading));
	return json_pack("{s:s,s:I,s:b,s:b,s:I,s:I,s:I,s:i,s:I,s:o,s:o,s:o}", "folder",
	                 folder->path, "node", (json_int_t)folder->node, "held", held, "whole",
	                 s->is_whole, "records", (json_int_t)s->records, "segments",
	                 (json_int_t)s->segments, "segments_bytes", (json_int_t)s->segments_bytes,
	                 "blank", (int)s->blank, "unreadable_blocks", (json_int_t)s->unreadable,
	                 "epochs", epochs, "checkpoints", checkpoints, "trouble", troubles);
}

static void survey_print(const struct folder *folder, const struct journal_survey *s, bool held)
{
	char text[POSITION_TEXT_SIZE], when[CLOCK_TEXT_SIZE];

	printf("%-11s %s, node %" PRIu32 "\n", "folder", folder->path, folder->node);
	if (held)
		printf("%-11s by a daemon: this is the view of a moment\n", "held");
	for (size_t i = 0; i < s->checkpoints_count; i++) {
		const struct journal_survey_checkpoint *c = &s->checkpoints[i];
		printf("%-11s before %s: ", "checkpoint", position_format(c->start, text));
		if (c->state == CHECKPOINT_WHOLE)
			printf("%" PRIu64 " items of %s, PostgreSQL had %s\n", c->items,
			       wall_format(c->header.written, when),
			       position_format(c->header.confirmed, text));
		else
			printf("BAD\n");
	}
	for (size_t i = 0; i < s->epochs_count; i++) {
		const struct journal_survey_epoch *e = &s->epochs[i];
		printf("%-11s %" PRIu32 " of %s: %" PRIu64 " records, %" PRIu64 " to %" PRIu64
		       ", %" PRIu64 " bytes in %u segments\n",
		       "epoch", e->epoch, wall_format(e->begun, when), e->records, e->first,
		       e->last, e->bytes, e->segments);
	}
	printf("%-11s %" PRIu64 ", %u of them not used yet, %" PRIu64 " bytes\n", "segments",
	       s->segments, s->blank, s->segments_bytes);
	for (size_t i = 0; i < s->troubles_count; i++)
		trouble_line(s->troubles[i].what, &s->troubles[i].reading);
	if (s->unreadable > 0)
		printf("%-11s %lu blocks that the disk could not read\n", "unreadable",
		       s->unreadable);
	printf("%-11s %" PRIu64 " records%s\n", s->is_whole ? "whole" : "NOT WHOLE", s->records,
	       s->is_whole ? "" : ": see above");
}

static bool json_line(json_t *object)
{
	const bool printed = object != NULL && json_dumpf(object, stdout, JSON_COMPACT) == 0;

	putchar('\n');
	json_decref(object);
	return printed;
}

static int check_action(int argc, char **argv)
{
	static struct journal_where where;
	bool json = false;
	const struct verb_option options[] = {
		{ "folder", NULL, &where.folder, "DIR", folder_help },
		{ "json", &json, NULL, NULL, "one JSON object" },
		{ "node", NULL, &where.node, "N", node_help },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	const struct verb_form form = { "",
		                        "Reads the whole journal: every record, every checkpoint. "
		                        "Says what it holds, what\n"
		                        "is missing and what is bad. Exit code 1 unless all that "
		                        "was ever confirmed is there.",
		                        options, 0, 0 };
	struct journal_survey survey;
	int first, code;

	if (!verb_begin(&form, argc, argv, &first, &code))
		return code;
	if ((code = find_folder(&where)) != VERB_DONE)
		return code;
	const bool held = is_held(&where.in);
	const bool done = journal_survey(&where.in, &survey);
	if (!done)
		code = read_failed(&where.in);
	else if (!json)
		survey_print(&where.in, &survey, held);
	else if (!json_line(survey_json(&where.in, &survey, held)))
		code = verb_refuse("no memory");
	if (code == VERB_DONE && !survey.is_whole)
		code = verb_refuse("%s is not whole", where.in.path);
	journal_survey_done(&survey);
	return code;
}

/* False: no memory. */
static bool dump_record(const struct journal_reading *r, bool json)
{
	char position[POSITION_TEXT_SIZE], line[JOURNAL_ENTRY_LINE_SIZE];
	json_t *entry = journal_entry_json(r->bytes, r->length);
	bool fine = true;

	position_format(r->position, position);
	if (json) {
		json_t *whole = json_pack("{s:s,s:i,s:I}", "position", position, "version",
		                          (int)r->version, "bytes", (json_int_t)r->length);
		if (entry != NULL)
			json_object_update(whole, entry);
		else
			json_object_set_new(whole, "unreadable", json_true());
		fine = json_line(whole);
	} else {
		printf("%s  v%" PRIu32 " %zu bytes  %s\n", position, r->version, r->length,
		       entry != NULL ? journal_entry_line(entry, line) : "CANNOT BE READ");
	}
	json_decref(entry);
	return fine;
}

static int dump_to(struct journal_reader *reader, struct position last, bool json)
{
	for (;;) {
		struct journal_reading r;
		const enum journal_read answer = journal_reader_next(reader, last, &r);
		bool fine = true;
		switch (answer) {
		case JOURNAL_READ_RECORD: fine = dump_record(&r, json); break;
		case JOURNAL_READ_END: return VERB_DONE;
		case JOURNAL_READ_FAILED:
		case JOURNAL_READ_NONE: errno = r.error; return read_failed(&reader->folder);
		case JOURNAL_READ_GAP:
		case JOURNAL_READ_BAD:
		case JOURNAL_READ_TORN:
			if (json)
				fine = json_line(trouble_json(answer, &r));
			else
				trouble_line(answer, &r);
			break;
		}
		if (!fine)
			return verb_refuse("no memory");
	}
}

static int dump_action(int argc, char **argv)
{
	static struct journal_where where;
	const char *from = NULL, *to = NULL;
	bool json = false;
	const struct verb_option options[] = {
		{ "folder", NULL, &where.folder, "DIR", folder_help },
		{ "from", NULL, &from, "NODE:EPOCH:NUMBER", "begins with this record" },
		{ "json", &json, NULL, NULL, "one JSON object a line" },
		{ "node", NULL, &where.node, "N", node_help },
		{ "to", NULL, &to, "NODE:EPOCH:NUMBER", "ends with this record" },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	const struct verb_form form = {
		"",
		"Prints the records in order, one a line: what happened, to which incident, what\n"
		"changed in it. Names, numbers, positions and notes are left out. What is missing "
		"or\n"
		"bad is said where it is.",
		options, 0, 0
	};
	struct journal_reader reader;
	struct position begin = { 0 }, last = JOURNAL_READER_ALL;
	int first, code;

	if (!verb_begin(&form, argc, argv, &first, &code))
		return code;
	if (from != NULL && (!position_parse(from, &begin) || !position_is_set(begin)))
		return verb_misuse("--from is NODE:EPOCH:NUMBER");
	if (to != NULL && !position_parse(to, &last))
		return verb_misuse("--to is NODE:EPOCH:NUMBER");
	if ((code = find_folder(&where)) != VERB_DONE)
		return code;
	begin.number -= begin.number > 0; /* the reader begins after a record */
	journal_reader_open(&reader, &where.in, begin);
	code = dump_to(&reader, last, json);
	journal_reader_close(&reader);
	return code;
}

int journal_verb(int argc, char **argv)
{
	static const struct verb actions[] = {
		{ "check", check_action, "what the journal holds, and whether it is whole" },
		{ "dump", dump_action, "its records, one a line" },
		{ NULL, NULL, NULL },
	};

	return verb_choose(actions, "Reads the node's journal, also while the daemon writes it.",
	                   argc, argv);
}
