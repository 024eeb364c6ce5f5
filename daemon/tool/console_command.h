/*
 * A line that a dispatcher typed, as a command. The words are English and fixed (scripts use them);
 * what is wrong with a line is said in French, with an example.
 *
 * Pure. Only whole words are commands: an abbreviation could be another command's.
 */
#ifndef TOCSIN_TOOL_CONSOLE_COMMAND_H
#define TOCSIN_TOOL_CONSOLE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "decide/alert.h"
#include "decide/alert.h"
#include "proto/console.pb-c.h"

#define CONSOLE_COMMAND_LINE_MAX                                                                   \
	700 /* bytes of a line: a note of 500 and what stands around it                            \
	     */
#define CONSOLE_COMMAND_WHY_SIZE 256

enum console_order {
	CONSOLE_NOTHING, /* an empty line */
	CONSOLE_ACT,     /* goes to the server; look among them */
	CONSOLE_LIST,
	CONSOLE_CLEAR,
	CONSOLE_HELP,
	CONSOLE_QUIT,
};

struct console_command {
	enum console_order order;
	Tocsin__V1__Verb verb;      /* of an act */
	char word[16];              /* the command's name */
	unsigned number;            /* the incident's short number; 0: named by `incident` */
	char incident[40];          /* its identifier, for programs; empty: by number */
	char alert[40];             /* split: its place in the list of alerts, or its identifier */
	char centre[24];            /* transfer */
	char text[ALERT_NOTE_SIZE]; /* note; close: the disposition */
};

/* False: a sentence for the dispatcher in `why`, and *out is CONSOLE_NOTHING. */
bool console_command_parse(struct console_command *out, const char *line,
			   char why[static CONSOLE_COMMAND_WHY_SIZE]);

/* The help's lines: "take N" and what it does. NULL ends the list. */
struct console_help {
	const char *form, *about;
};
const struct console_help *console_command_help(void);

#endif
