#include "run/resume.h"

#include "keep/restore.h"
#include "support/log.h"

struct recovering {
	struct world *world;
	struct resumed *out;
	struct mono now;
	struct wall wall;
};

static bool recovered(struct recovering *r, enum restore_end end)
{
	if (end == RESTORE_UNREADABLE)
		r->out->unreadable++;
	return end != RESTORE_NO_MEMORY;
}

static bool on_item(void *context, uint32_t version, const uint8_t *bytes, size_t length)
{
	struct recovering *r = context;
	(void)version;
	return recovered(r, restore_item(r->world, bytes, length, r->now, r->wall));
}

static bool on_record(void *context, struct position position, uint32_t version,
                      const uint8_t *bytes, size_t length)
{
	struct recovering *r = context;
	(void)version;
	return recovered(r, restore_record(r->world, position, bytes, length, r->now, r->wall));
}

static void on_trouble(void *context, const char *what, struct position near, bool lost)
{
	char position[POSITION_TEXT_SIZE];
	(void)context;
	log_event(lost ? LOG_LEVEL_CRIT : LOG_LEVEL_WARN, "journal-trouble", LOG_TEXT("what", what),
	          LOG_TEXT("near", position_format(near, position)), LOG_NUMBER("lost", lost));
}

bool resume(struct journal *j, struct world *w, struct resumed *out)
{
	char next[POSITION_TEXT_SIZE];
	struct recovery_report report = { 0 };
	struct recovering recovering = { w, out, clock_mono(), clock_wall() };
	struct recovery_calls calls = { &recovering, on_item, on_record, on_trouble };
	if (journal_recover(j, &calls, &report) != RECOVERY_DONE)
		log_event(LOG_LEVEL_CRIT, "journal-not-whole", LOG_NUMBER("error", report.error));
	out->last = report.last;
	enum journal_answer why = journal_start(j, &w->next);
	if (why != JOURNAL_OK) {
		log_event(LOG_LEVEL_CRIT, "journal-not-started",
		          LOG_TEXT("why", journal_answer_text(why)));
		return false;
	}
	world_restored(w, clock_mono());
	log_event(LOG_LEVEL_NOTICE, "journal-opened",
	          LOG_TEXT("position", position_format(w->next, next)),
	          LOG_NUMBER("checkpoint", report.has_checkpoint),
	          LOG_NUMBER("records", report.records),
	          LOG_NUMBER("incidents", table_count(w->incidents)),
	          LOG_NUMBER("gaps", report.gaps), LOG_NUMBER("bad", report.bad),
	          LOG_NUMBER("torn", report.torn), LOG_NUMBER("unreadable", out->unreadable));
	return true;
}
