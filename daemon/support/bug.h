/*
 * The two answers to our own faults.
 *
 * must(cond) stops the process: the supervisor restarts it and the journal brings the state back.
 * BUG(cond) is true when the impossible happened: it counts, reports once per place and lets the
 * caller take the safe branch. On the alert's path prefer BUG. Neither is ever used for bad input
 * or for trouble in the world, and both are always compiled in.
 */
#ifndef TOCSIN_SUPPORT_BUG_H
#define TOCSIN_SUPPORT_BUG_H

#include <stdbool.h>

#define must(cond) ((cond) ? (void)0 : bug_stop(#cond, __FILE__, __LINE__))
#define BUG(cond) (__builtin_expect(!!(cond), 0) && bug_seen(#cond, __FILE__, __LINE__))

_Noreturn void bug_stop(const char *cond, const char *file, int line);
bool bug_seen(const char *cond, const char *file, int line); /* always true */

/* How many times BUG() was true since the start; exported as a metric. */
unsigned long bug_count(void);

#endif
