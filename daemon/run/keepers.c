#include "run/keepers.h"

#include "support/log.h"

void keepers_append(struct keepers *k, struct position position, const void *bytes, size_t length)
{
	enum journal_answer answer = journal_append(k->journal, position.number, bytes, length);
	if (answer != JOURNAL_OK && k->refused++ == 0)
		log_event(LOG_LEVEL_CRIT, "journal-refused",
		          LOG_TEXT("why", journal_answer_text(answer)),
		          LOG_NUMBER("number", position.number));
	if (k->follower != NULL)
		follower_append(k->follower, position, bytes, length);
}

void keepers_commit(struct keepers *k)
{
	journal_commit(k->journal);
	if (k->follower != NULL)
		follower_commit(k->follower);
}

static struct position later(struct position a, struct position b)
{
	return position_compare(a, b) >= 0 ? a : b;
}

static struct position confirmed(struct keepers *k)
{
	return k->follower != NULL ? follower_confirmed(k->follower) : (struct position){ 0 };
}

struct position keepers_receipts(struct keepers *k)
{
	struct position node = journal_durable(k->journal), postgres = confirmed(k);
	if (k->policy == RECEIPT_NODE)
		return later(node, postgres);
	if (keepers_is_journal_failing(k))
		return postgres;
	return position_compare(node, postgres) <= 0 ? node : postgres;
}

struct position keepers_recorded(struct keepers *k)
{
	return later(journal_durable(k->journal), confirmed(k));
}

bool keepers_is_journal_failing(struct keepers *k)
{
	struct journal_status s;
	journal_status(k->journal, &s);
	return s.state == JOURNAL_FAILING;
}

bool keepers_is_behind(struct keepers *k)
{
	struct journal_status s;
	if (k->follower != NULL && follower_is_full(k->follower))
		return true;
	journal_status(k->journal, &s);
	/* With the disk failing PostgreSQL keeps what comes in, if there is one. */
	if (s.state == JOURNAL_FAILING && k->follower != NULL)
		return false;
	return s.pending_bytes > s.pending_bytes_max / 2;
}
