/* Runs tests/table/triage.txt against triage(), and tries every kind with every doubt: no doubt may
 * ever make an alert less urgent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decide/reason.h"
#include "decide/registry.h"
#include "decide/triage.h"

struct row {
	struct alert alert;
	struct source source;
	enum call_phase phase;
	bool answered;
	unsigned priority;
	char reason[64];
};

static bool word_of_row(struct row *r, const char *word)
{
	static const struct {
		const char *word;
		unsigned bit;
	} doubts[] = { { "doubt=clock", ALERT_DOUBT_CLOCK },
		       { "doubt=certificate", ALERT_DOUBT_CERTIFICATE },
		       { "doubt=trust", ALERT_DOUBT_TRUST },
		       { "doubt=kind", ALERT_DOUBT_KIND } };
	static const char *const phases[] = { "presented", "answered", "ended", "abandoned" };
	static bool has_phase;
	for (size_t n = 0; n < sizeof doubts / sizeof *doubts; n++)
		if (strcmp(word, doubts[n].word) == 0) {
			r->alert.doubts |= doubts[n].bit;
			return true;
		}
	if (strcmp(word, "panic") == 0)
		return r->source.has_panic_button = true;
	if (strcmp(word, "answered") == 0 && has_phase)
		return r->answered = true;
	for (unsigned n = 0; n < 4; n++)
		if (strcmp(word, phases[n]) == 0) {
			r->phase = (enum call_phase)n;
			has_phase = r->phase == CALL_ABANDONED; /* "answered" may follow it */
			return true;
		}
	return false;
}

static bool row_read(struct row *r, char *line)
{
	char *save = NULL, *word;
	unsigned place = 0;
	memset(r, 0, sizeof *r);
	for (word = strtok_r(line, " \t\n", &save); word != NULL && strcmp(word, "->") != 0;
	     word = strtok_r(NULL, " \t\n", &save), place++) {
		bool ok = place == 0   ? alert_kind_parse(word, &r->alert.kind)
		          : place == 1 ? source_kind_parse(word, &r->source.kind)
		                       : word_of_row(r, word);
		if (!ok)
			return false;
	}
	char *priority = strtok_r(NULL, " \t\n", &save), *reason = strtok_r(NULL, " \t\n", &save);
	if (priority == NULL || reason == NULL)
		return false;
	r->priority = (unsigned)strtoul(priority, NULL, 10);
	snprintf(r->reason, sizeof r->reason, "%s", reason);
	return true;
}

static void rows_hold(void **state)
{
	(void)state;
	char line[512];
	unsigned number = 0, rows = 0, wrong = 0;
	FILE *f = fopen(SOURCE_DIR "/tests/table/triage.txt", "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL) {
		struct row r;
		number++;
		if (line[0] == '#' || line[0] == '\n')
			continue;
		rows++;
		if (!row_read(&r, line)) {
			print_error("triage.txt:%u: not a row\n", number);
			wrong++;
			continue;
		}
		struct triage t = triage(&r.alert, &r.source, r.phase, r.answered);
		if (t.priority != r.priority || strcmp(reason_name(t.why), r.reason) != 0) {
			print_error("triage.txt:%u: came out as %u %s\n", number, t.priority,
			            reason_name(t.why));
			wrong++;
		}
	}
	fclose(f);
	assert_true(rows >= 40);
	assert_int_equal(wrong, 0);
}

static void no_doubt_lowers(void **state)
{
	(void)state;
	for (enum alert_kind kind = 0; kind < ALERT_KINDS; kind++)
		for (enum source_kind from = 0; from < SOURCE_KINDS; from++)
			for (unsigned panic = 0; panic < 2; panic++)
				for (unsigned doubts = 0; doubts < 128; doubts++) {
					struct source s = { .kind = from,
						            .has_panic_button = panic };
					struct alert plain = { .kind = kind };
					struct alert doubted = { .kind = kind, .doubts = doubts };
					assert_true(
					        triage(&doubted, &s, CALL_PRESENTED, false)
					                .priority <=
					        triage(&plain, &s, CALL_PRESENTED, false).priority);
				}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(rows_hold),
		                            cmocka_unit_test(no_doubt_lowers) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
