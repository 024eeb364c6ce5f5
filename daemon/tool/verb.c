#include "tool/verb.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "support/bug.h"
#include "support/text.h"

#define OPTIONS_MAX  40
#define OPTION_FIRST 256 /* above every character, so that no short option is ever meant */

static const char *config = VERB_CONFIG_DEFAULT;
static char path[64] = "tocsin"; /* the words that were chosen so far: "tocsin registry import" */

const char *verb_config(void)
{
	return config;
}

void verb_set_config(const char *file)
{
	config = file;
}

__attribute__((format(printf, 1, 0))) static void say(const char *format, va_list args)
{
	fflush(stdout); /* so that on a terminal the line stands behind what was printed before it
	                 */
	fprintf(stderr, "%s: ", path);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int verb_refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	return VERB_REFUSED;
}

int verb_misuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	fprintf(stderr, "Try '%s --help'.\n", path);
	return VERB_USAGE;
}

static void print_table(const struct verb *table, const char *about)
{
	size_t widest = 0;

	for (const struct verb *v = table; v->name; v++)
		if (strlen(v->name) > widest)
			widest = strlen(v->name);
	printf("Usage: %s %s\n\n%s\n\n", path,
	       strcmp(path, "tocsin") ? "ACTION ..." : "[--config FILE] VERB ...", about);
	for (const struct verb *v = table; v->name; v++)
		printf("  %-*s  %s\n", (int)widest, v->name, v->help);
	printf("\n'%s %s --help' says more of one.\n", path, table->name);
}

int verb_choose(const struct verb *table, const char *about, int argc, char **argv)
{
	const char *wanted = argc > 1 ? argv[1] : NULL;

	for (const struct verb *v = table; v->name && v[1].name; v++)
		must(strcmp(v->name, v[1].name) < 0);
	if (!wanted)
		return verb_misuse("say which: '%s', for instance", table->name);
	if (strcmp(wanted, "--help") == 0) {
		print_table(table, about);
		return VERB_DONE;
	}
	for (const struct verb *v = table; v->name; v++) {
		if (strcmp(v->name, wanted))
			continue;
		size_t before = strlen(path);
		text_add(path, sizeof path, " %s", wanted);
		int code = v->run(argc - 1, argv + 1);
		path[before] = '\0';
		return code;
	}
	return verb_misuse("there is no '%s'", wanted);
}

static void print_form(const struct verb_form *form)
{
	int widest = (int)strlen("help");

	for (const struct verb_option *o = form->options; o->name; o++) {
		int width = (int)strlen(o->name) + (o->flag ? 0 : 1 + (int)strlen(o->value));
		if (width > widest)
			widest = width;
	}
	printf("Usage: %s [OPTION ...]%s%s\n\n%s\n\n", path, *form->arguments ? " " : "",
	       form->arguments, form->about);
	for (const struct verb_option *o = form->options; o->name; o++) {
		int width =
		        printf("  --%s%s%s", o->name, o->flag ? "" : "=", o->flag ? "" : o->value) -
		        4;
		printf("%*s  %s\n", widest - width, "", o->help);
	}
	printf("  --%-*s  %s\n", widest, "help", "this text");
}

/* What getopt_long did not understand: `bad` is the option's number, 0 for an unknown one. */
static int misuse(const struct verb_form *form, int bad, const char *word)
{
	if (bad < OPTION_FIRST)
		return verb_misuse("there is no option '%s'", word);
	const struct verb_option *o = &form->options[bad - OPTION_FIRST];
	return verb_misuse(o->flag ? "option '--%s' takes no value" : "option '--%s' needs a value",
	                   o->name);
}

bool verb_begin(const struct verb_form *form, int argc, char **argv, int *first, int *exit_code)
{
	struct option known[OPTIONS_MAX + 2] = {
		{"help", no_argument, NULL, 'h'}
	};
	size_t count = 1;

	for (const struct verb_option *o = form->options; o->name; o++, count++) {
		must(count <= OPTIONS_MAX && (o->flag != NULL) != (o->text != NULL));
		known[count] = (struct option){ o->name, o->flag ? no_argument : required_argument,
			                        NULL, OPTION_FIRST + (int)count - 1 };
	}
	optind = 0; /* glibc: begin anew */
	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, ":", known, NULL)) != -1;) {
		if (c == 'h') {
			print_form(form);
			*exit_code = VERB_DONE;
			return false;
		}
		if (c == '?' || c == ':') {
			*exit_code = misuse(form, optopt, argv[optind - 1]);
			return false;
		}
		const struct verb_option *o = &form->options[c - OPTION_FIRST];
		if (o->flag)
			*o->flag = true;
		else
			*o->text = optarg;
	}
	*first = optind;
	if (argc - optind < form->arguments_min) {
		*exit_code = verb_misuse("something is missing: %s", form->arguments);
		return false;
	}
	if (argc - optind > form->arguments_max) {
		*exit_code =
		        verb_misuse("'%s' is one too many", argv[optind + form->arguments_max]);
		return false;
	}
	return true;
}
