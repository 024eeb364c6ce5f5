/*
 * Runs a verb of the command in this process, with what it says on both outputs caught.
 */
#ifndef TOCSIN_TESTS_VERB_RIG_H
#define TOCSIN_TESTS_VERB_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tool/verb.h"

struct verb_said {
	int code;
	char out[65536], err[4096];
};

static inline void verb_rig_catch(FILE *from, char *into, size_t size)
{
	rewind(from);
	into[fread(into, 1, size - 1, from)] = '\0';
	fclose(from);
}

/* `arguments` ends with NULL; the verb's name stands first. */
static inline void verb_rig_run(int (*verb)(int, char **), const char *const *arguments,
                                struct verb_said *said)
{
	int saved_out = dup(STDOUT_FILENO), saved_err = dup(STDERR_FILENO), count = 0;
	FILE *out = tmpfile(), *err = tmpfile();

	assert_true(out && err);
	while (arguments[count])
		count++;
	fflush(NULL);
	assert_true(dup2(fileno(out), STDOUT_FILENO) >= 0 && dup2(fileno(err), STDERR_FILENO) >= 0);
	said->code = verb(count, (char **)arguments);
	fflush(NULL);
	assert_true(dup2(saved_out, STDOUT_FILENO) >= 0 && dup2(saved_err, STDERR_FILENO) >= 0);
	close(saved_out);
	close(saved_err);
	verb_rig_catch(out, said->out, sizeof(said->out));
	verb_rig_catch(err, said->err, sizeof(said->err));
}

#define VERB_RIG(verb, said, ...)                                                                  \
	verb_rig_run((verb), (const char *const[]){ __VA_ARGS__, NULL }, (said))

#endif
