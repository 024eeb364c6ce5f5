/*
 * The `tocsin` command: finds the verb and runs it.
 *
 * To add a verb: its function in tool/verb.h, its line in the table below, its file beside this
 * one. The names and their meaning are an interface that scripts rely on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tool/verb.h"

/* Sorted by name. */
static const struct verb verbs[] = {
	{ "alarm-test", alarm_test_verb, "runs the out-of-band alarm, as a test" },
	{ "alert", alert_verb, "send one alert, and see how it is answered" },
	{ "console", console_verb, "a dispatcher's console for one centre" },
	{ "db", db_verb, "the database's schema: migrate, status" },
	{ "explain", explain_verb, "what would become of an alert, and why" },
	{ "journal", journal_verb, "the node's journal: check, dump" },
	{ "phone", phone_verb, "how a telephone number is read, one a line" },
	{ "registry", registry_verb, "practitioners, sites, numbers, consent" },
	{ "source", source_verb, "devices, panels, regulation desks, telephone exchanges" },
	{ "status", status_verb, "what the running daemon says of itself" },
	{ "territory", territory_verb, "communes, contours, centres, advisers: import, check" },
	{ NULL, NULL, NULL },
};

static const char about[] =
        "Runs and questions tocsin, which brings the alarms of threatened doctors to\n"
        "the police and the gendarmerie. The configuration is " VERB_CONFIG_DEFAULT "\n"
        "unless --config names another.";

/* --config before the verb; argv then begins with what is left. */
static int take_config(int *argc, char ***argv)
{
	while (*argc > 1) {
		const char *word = (*argv)[1];
		int taken = 1;
		if (strcmp(word, "--config") == 0) {
			if (*argc < 3)
				return verb_misuse("option '--config' needs a file");
			verb_set_config((*argv)[2]);
			taken = 2;
		} else if (strncmp(word, "--config=", strlen("--config=")) == 0) {
			verb_set_config(word + strlen("--config="));
		} else {
			return VERB_DONE;
		}
		*argc -= taken;
		*argv += taken;
	}
	return VERB_DONE;
}

int main(int argc, char **argv)
{
	int code = take_config(&argc, &argv);

	if (code != VERB_DONE)
		return code;
	if (argc > 1 && strcmp(argv[1], "--version") == 0)
		printf("tocsin %s\n", TOCSIN_VERSION);
	else
		code = verb_choose(verbs, about, argc, argv);
	/* A full disk or a closed pipe behind us: what was printed has not arrived. */
	if ((fflush(stdout) || ferror(stdout)) && code == VERB_DONE)
		return verb_refuse("standard output: %s", strerror(errno));
	return code;
}
