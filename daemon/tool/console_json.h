/*
 * A console for programs: each revision of an incident is one line of JSON on standard output, in
 * the order in which it came, and nothing else goes there; all other messages, and what goes wrong,
 * are lines of JSON on standard error, each with a "type".
 *
 * Types: welcome, begin, end, recorded, answer, heartbeat, lost, said. Times and nulls as in
 * incident_json.h. An answer's "ref" is the number of the line on standard input that it answers,
 * from 1.
 */
#ifndef TOCSIN_TOOL_CONSOLE_JSON_H
#define TOCSIN_TOOL_CONSOLE_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "proto/console.pb-c.h"

/* False: it could not be written. */
bool console_json_message(FILE *incidents, FILE *others, const Tocsin__V1__DeskMessage *message);
bool console_json_lost(FILE *others, const char *why);
bool console_json_said(FILE *others, const char *sentence);

#endif
