/*
 * What the verbs of the `tocsin` command share: how one is chosen, its options, its --help, its
 * exit codes and the one clear line of a refusal.
 *
 * A verb is a file with one function below; main.c's table names it. It prints its data on standard
 * output, as JSON with --json, and everything else on standard error. Not thread-safe.
 */
#ifndef TOCSIN_TOOL_VERB_H
#define TOCSIN_TOOL_VERB_H

#include <stdbool.h>
#include <stddef.h>

enum verb_exit {
	VERB_DONE = 0,
	VERB_REFUSED = 1, /* refused or failed; one line on standard error says why */
	VERB_USAGE = 2,   /* called wrongly */
};

#define VERB_CONFIG_DEFAULT "/etc/tocsin/tocsin.conf"

/* A row of a table of verbs, or of one verb's actions (`registry import`). argv[0] is the name;
 * `run` returns an enum verb_exit. */
struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help; /* one line, without a full stop */
};

/* An option: a flag when `flag` is set, else one that takes a text, borrowed from argv. An option
 * that is not given leaves its variable alone, so that the variable holds the default. */
struct verb_option {
	const char *name; /* without "--"; NULL ends the list */
	bool *flag;
	const char **text;
	const char *value; /* what --help calls the text: "FILE" */
	const char *help;
};

struct verb_form {
	const char *arguments; /* behind the options, for --help: "FILE"; "" for none */
	const char *about;     /* for --help: what it does, in lines of at most 80 columns */
	const struct verb_option *options; /* --help is understood beside them */
	int arguments_min, arguments_max;
};

/* Runs the verb of the table that argv[1] names, or answers --help with the table. The table is
 * sorted and ends with a name of NULL. */
int verb_choose(const struct verb *table, const char *about, int argc, char **argv);

/* Reads the options. True: go on, argv[*first] is the first argument. False: the verb is over with
 * *exit_code, and what was to be said is said (--help, or a usage error). */
bool verb_begin(const struct verb_form *form, int argc, char **argv, int *first, int *exit_code);

/* Each prints one line on standard error that begins with the verb's whole name. */
int verb_refuse(const char *format, ...) __attribute__((format(printf, 1, 2))); /* VERB_REFUSED */
int verb_misuse(const char *format, ...) __attribute__((format(printf, 1, 2))); /* VERB_USAGE */

/* The file that --config names; main.c sets it before any verb runs. */
const char *verb_config(void);
void verb_set_config(const char *path);

/* The verbs, in the order of their names. */
int alarm_test_verb(int argc, char **argv);
int alert_verb(int argc, char **argv);
int console_verb(int argc, char **argv);
int db_verb(int argc, char **argv);
int explain_verb(int argc, char **argv);
int journal_verb(int argc, char **argv);
int phone_verb(int argc, char **argv);
int registry_verb(int argc, char **argv);
int source_verb(int argc, char **argv);
int status_verb(int argc, char **argv);
int territory_verb(int argc, char **argv);

#endif
