/*
 * What the verb alert was asked to send: its options, read into one message of the senders'
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

#define ALERT_REQUEST_WHY_SIZE 256

struct alert_words { /* as on the command line, borrowed; NULL: not given */
	const char *kind, *call, *id, *at, *number, *practitioner, *person_name, *person_number;
	const char *lat, *lon, *accuracy, *fixed_at, *method, *address, *commune, *note;
	const char *centre, *line, *agent;
	const char *repeat, *timeout, *follow;
	bool exercise;
};

struct alert_request { /* the messages point into it: it must not be copied or moved */
	Tocsin__V1__SenderMessage message; /* an alert or a call */
	Tocsin__V1__Alert alert;
	Tocsin__V1__Call call;
	Tocsin__V1__Position position;
	Tocsin__V1__StatedPerson person;
	Tocsin__V1__PresentedTo presented_to;
	char id[ID_TEXT_SIZE]; /* when none was given */
	int64_t repeat;        /* how many times the same message is sent; 1 or more */
	int64_t timeout_ms;    /* for each receipt, and for the link */
	int64_t follow_ms;     /* how long to show the states after the last receipt */
};

/* `now`: the time that is said when none is given. The words outlive the request. False: a sentence
 * in `why`. */
bool alert_request_read(struct alert_request *r, const struct alert_words *words, struct wall now,
			char why[static ALERT_REQUEST_WHY_SIZE]);

#endif
