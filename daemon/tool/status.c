#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "run/conf.h"
#include "support/text.h"
#include "tool/admin_page.h"
#include "tool/plain.h"
#include "tool/verb.h"

#define WAIT_MS    5000
#define NAME_SIZE  128
#define VALUE_SIZE 512
#define DEPTH_MAX  6

/* A value as a person reads it. */
static const char *value_write(const json_t *value, char out[static VALUE_SIZE])
{
	out[0] = '\0';
	switch (json_typeof(value)) {
	case JSON_STRING:
		return plain_copy(out, VALUE_SIZE, json_string_value(value), PLAIN_ONE_LINE);
	case JSON_INTEGER:
		text_add(out, VALUE_SIZE, "%lld", (long long)json_integer_value(value));
		break;
	case JSON_REAL: text_add(out, VALUE_SIZE, "%g", json_real_value(value)); break;
	case JSON_TRUE: text_add(out, VALUE_SIZE, "yes"); break;
	case JSON_FALSE: text_add(out, VALUE_SIZE, "no"); break;
	default: text_add(out, VALUE_SIZE, "-"); break;
	}
	return out;
}

/* One element of a list on one line: its values, those that are not empty with their names. */
static void print_element(const char *name, const json_t *element)
{
	char value[VALUE_SIZE], key[NAME_SIZE];
	const char *field;
	const json_t *of_field;

	printf("%s:", name);
	if (!json_is_object(element))
		printf(" %s", value_write(element, value));
	json_object_foreach((json_t *)element, field,
	                    of_field) if (value_write(of_field, value)[0] != '\0')
	        printf("  %s %s", plain_copy(key, sizeof(key), field, PLAIN_ONE_LINE), value);
	putchar('\n');
}

/* "links.alerts.open  12": one value a line, so that a line can be searched for. */
static void print_tree(const char *prefix, const json_t *tree, unsigned depth)
{
	const char *field;
	const json_t *value, *element;
	size_t i;

	json_object_foreach((json_t *)tree, field, value)
	{
		char name[NAME_SIZE] = "", text[VALUE_SIZE], key[NAME_SIZE];
		plain_copy(key, sizeof(key), field, PLAIN_ONE_LINE);
		text_add(name, sizeof(name), "%s%s%s", prefix, prefix[0] ? "." : "", key);
		if (json_is_object(value) && depth < DEPTH_MAX)
			print_tree(name, value, depth + 1);
		else if (json_is_array(value))
			json_array_foreach(value, i, element) print_element(name, element);
		else
			printf("%-36s %s\n", name, value_write(value, text));
	}
}

static void tell_error(void *arg, const char *sentence)
{
	(void)arg;
	verb_refuse("%s", sentence);
}

/* The listener's address, from the configuration unless one was given; NULL: refused. */
static const char *find_address(const char *given)
{
	const struct conf_report report = { tell_error, NULL };
	static struct conf conf;

	if (given)
		return given;
	if (!conf_read(verb_config(), &conf, &report))
		return NULL;
	if (conf.listen.admin.count > 0)
		return conf.listen.admin.list[0];
	verb_refuse("%s sets no listen.admin: the daemon cannot be asked", verb_config());
	return NULL;
}

static int show(const char *page, bool json)
{
	json_error_t error;
	json_t *tree = json_loads(page, JSON_REJECT_DUPLICATES, &error);

	if (!json_is_object(tree)) {
		json_decref(tree);
		return verb_refuse("what it answers is no status: %s", error.text);
	}
	if (json) {
		json_dumpf(tree, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		print_tree("", tree, 0);
	}
	/* For scripts that wait for it: shown, and still not as it should be. */
	bool is_ready = !json_is_false(json_object_get(tree, "ready"));
	json_decref(tree);
	return is_ready ? VERB_DONE : verb_refuse("it is not ready");
}

int status_verb(int argc, char **argv)
{
	const char *server = NULL;
	bool json = false;
	const struct verb_option options[] = {
		{ "json", &json, NULL, NULL, "as JSON" },
		{ "server", NULL, &server, "ADDRESS:PORT",
		  "instead of the configuration's listen.admin" },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	const struct verb_form form = {
		.arguments = "",
		.about = "Asks the running daemon how it is: its links and queues, what is "
		         "degraded and\n"
		         "since when, how far its journal and PostgreSQL are, which certificates "
		         "end.\nDone only when it is ready.",
		.options = options,
	};
	char why[ADMIN_PAGE_WHY_SIZE];
	int first, exit_code;
	const char *address;
	char *page;

	if (!verb_begin(&form, argc, argv, &first, &exit_code))
		return exit_code;
	address = find_address(server);
	if (!address)
		return VERB_REFUSED;
	page = admin_page_get(address, "/status", mono_add_ms(clock_mono(), WAIT_MS), why);
	if (!page)
		return verb_refuse("%s", why);
	exit_code = show(page, json);
	free(page);
	return exit_code;
}
