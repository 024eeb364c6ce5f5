#include <string.h>

#include <jansson.h>

#include "run/alarm_command.h"
#include "run/conf.h"
#include "support/text.h"
#include "tool/verb.h"

#define REASON_TEST "test"
#define TEXT_TEST   "Essai de l'alarme extérieure de tocsin : aucune intervention n'est demandée."

static void tell_error(void *arg, const char *sentence)
{
	(void)arg;
	verb_refuse("%s", sentence);
}

/* What is wrong with it, as a sentence; NULL: nothing. */
static const char *fault_of(struct alarm_outcome o, char text[static 64])
{
	text[0] = '\0';
	switch (o.end) {
	case ALARM_END_DONE: return NULL;
	case ALARM_END_FAILED: text_add(text, 64, "ended with status %d", o.code); break;
	case ALARM_END_KILLED: text_add(text, 64, "was killed by signal %d", o.code); break;
	case ALARM_END_LATE: text_add(text, 64, "did not end in its time"); break;
	case ALARM_END_NOT_STARTED:
		text_add(text, 64, "cannot be started: %s", strerrordesc_np(o.code));
		break;
	default: text_add(text, 64, "was left running"); break;
	}
	return text;
}

static bool print(const char *program, struct alarm_outcome o, bool json)
{
	json_t *object;
	bool printed;

	if (!json)
		return printf("%s ended well after %lld ms\n", program, (long long)o.took_ms) > 0;
	object = json_pack("{s:s, s:s, s:i, s:I}", "program", program, "end", alarm_end_name(o.end),
	                   "code", o.code, "took_ms", (json_int_t)o.took_ms);
	printed = object && json_dumpf(object, stdout, JSON_COMPACT) == 0 && putchar('\n') != EOF;
	json_decref(object);
	return printed;
}

int alarm_test_verb(int argc, char **argv)
{
	const char *reason = REASON_TEST, *text = TEXT_TEST;
	bool json = false, real = false;
	const struct verb_option options[] = {
		{ "json", &json, NULL, NULL, "as JSON" },
		{ "real", &real, NULL, NULL, "not a test: somebody must act on it" },
		{ "reason", NULL, &reason, "CODE", "what it is about, for programs" },
		{ "text", NULL, &text, "TEXT", "what it is about, for people" },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	const struct verb_form form = {
		.arguments = "",
		.about = "Runs the alarm program of the configuration (alarm.command) as the "
		         "daemon would,\n"
		         "marked as a test, and says what came of it. Run it as the daemon's user: "
		         "what\n"
		         "root may do, the daemon perhaps may not.",
		.options = options,
	};
	const struct conf_report report = { tell_error, NULL };
	struct alarm_cause cause = { .is_test = true };
	struct alarm_outcome outcome;
	int first, exit_code;
	static struct conf conf;
	const char *fault;
	char fault_text[64];

	if (!verb_begin(&form, argc, argv, &first, &exit_code))
		return exit_code;
	if (!TEXT_COPY(cause.reason, reason) || !TEXT_COPY(cause.text, text))
		return verb_misuse("a reason has at most %zu bytes, a text %zu",
		                   sizeof(cause.reason) - 1, sizeof(cause.text) - 1);
	if (!conf_read(verb_config(), &conf, &report))
		return VERB_REFUSED;
	if (conf.alarm.command[0] == '\0')
		return verb_refuse("%s sets no alarm.command: there is no alarm outside of tocsin",
		                   verb_config());
	cause.is_test = !real;
	TEXT_COPY(cause.node, conf.node.name);
	outcome = alarm_command_run(conf.alarm.command, &cause, conf.alarm.timeout_ms, -1);
	fault = fault_of(outcome, fault_text);
	if ((json || !fault) && !print(conf.alarm.command, outcome, json))
		return verb_refuse("cannot print what came of it");
	return fault ? verb_refuse("%s %s", conf.alarm.command, fault) : VERB_DONE;
}
