/*
 * The two keepers of what is decided, behind one door: the node's journal and the follower into
 * PostgreSQL. Every record goes to both; this file says which positions a receipt may be given for,
 * by the policy, and which ones somebody has confirmed at all.
 *
 * run/loop alone calls it. Trouble of either is a state, never an error of a call.
 */
#ifndef TOCSIN_RUN_KEEPERS_H
#define TOCSIN_RUN_KEEPERS_H

#include <stdbool.h>
#include <stddef.h>

#include "keep/follower.h"
#include "keep/journal.h"
#include "support/position.h"

enum receipt_policy {
	RECEIPT_NODE, /* the node's disk has it; survives a crash of the process or node */
	RECEIPT_NODE_AND_POSTGRES, /* PostgreSQL has it too; survives the loss of the node's disk */
};

struct keepers {
	struct journal *journal;
	struct follower *follower; /* NULL: no database is configured */
	enum receipt_policy policy;
	unsigned long
	        refused; /* records that the journal could not take; PostgreSQL may have them */
};

/* Copies the record for both. */
void keepers_append(struct keepers *k, struct position position, const void *bytes, size_t length);
void keepers_commit(struct keepers *k); /* at the end of the turn: both may go */

/*
 * Receipts may be given up to here. Policy node: the journal; while it is failing, PostgreSQL,
 * which is no less durable. Policy node+postgres: both; while the journal is failing, PostgreSQL
 * alone; while PostgreSQL is away, nothing new.
 */
struct position keepers_receipts(struct keepers *k);
struct position keepers_recorded(struct keepers *k); /* one of them has it */

bool keepers_is_journal_failing(struct keepers *k);
/* Too much waits to be durable: stop reading links until it is less. */
bool keepers_is_behind(struct keepers *k);

#endif
