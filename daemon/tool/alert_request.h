/*
 * What the verb alert was asked to send: its command line, read into one message of the senders'
 * protocol.
 *
 * Deliberately not a guard: a latitude of 91, a kind of a later version or a time in 1970 go out as
 * given, because trying them is what the verb is for. Only what is no number or time at all is an
 * error of usage.
 */
#ifndef TOCSIN_TOOL_ALERT_REQUEST_H
#define TOCSIN_TOOL_ALERT_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/sender.pb-c.h"
#include "support/clock.h"
#include "support/id.h"
#include "tool/client_options.h"

#define ALERT_REQUEST_WHY_SIZE 256

struct alert_request { /* the messages point into it: it must not be copied or moved */
	Tocsin__V1__SenderMessage message; /* an alert or a call */
	Tocsin__V1__Alert alert;
	Tocsin__V1__Call call;
	Tocsin__V1__Position position;
	Tocsin__V1__StatedPerson person;
	Tocsin__V1__PresentedTo presented_to;
	char id[ID_TEXT_SIZE]; /* when none was given */
	struct client_options link;
	int64_t repeat;     /* how many times the same message is sent; 1 or more */
	int64_t timeout_ms; /* for each receipt, and for the link */
	int64_t follow_ms;  /* how long to show the states after the last receipt */
	bool json, help;
};

/* `now`: the time that is said when none is given. `argv` outlives the request. False: a sentence
 * in `why`. */
bool alert_request_parse(struct alert_request *r, int argc, char **argv, struct wall now,
			 char why[static ALERT_REQUEST_WHY_SIZE]);

const char *alert_request_help(void);

#endif
