#include "decide/triage.h"

/* Whether what this source sends and cannot be read might be a panic. An exchange says calls only;
 * all others speak for people in danger unless they are registered as carrying no such button. */
static bool might_panic(const struct source *s)
{
	return s->has_panic_button || s->kind == SOURCE_REGULATION || s->kind == SOURCE_PLATFORM;
}

/*
 * The rules, in order; the first that applies decides. A doubt never leads to a lower rank: every
 * rule looks at what was said, none at when, how often or how late.
 *  1. Panic, duress, silent, the relay of a danger: an attack.
 *  2. A kind that cannot be read for certain, from what might be in danger: presumed an attack.
 *  3. A flagged call abandoned before an answer: presumed an attack.
 *  4. A flagged call.
 *  5. Intrusion, medical.
 *  6. Tamper, or a line cut or jammed, on a source that carries a panic button.
 *  7. Battery, line, test: technical.
 *  8. The rest.
 */
struct triage triage(const struct alert *a, const struct source *s, enum call_phase phase,
                     bool answered)
{
	switch (a->kind) {
	case ALERT_PANIC:
	case ALERT_DURESS:
	case ALERT_SILENT:
	case ALERT_RELAY: return (struct triage){ 1, REASON_PRIORITY_ATTACK }; /* 1 */
	default: break;
	}
	bool unread = a->kind == ALERT_UNKNOWN || (a->doubts & ALERT_DOUBT_KIND);
	if (unread && might_panic(s))
		return (struct triage){ 1, REASON_PRIORITY_DOUBT }; /* 2 */
	if (a->kind == ALERT_CALL && phase == CALL_ABANDONED && !answered)
		return (struct triage){ 1, REASON_PRIORITY_ABANDONED_CALL }; /* 3 */
	if (a->kind == ALERT_CALL)
		return (struct triage){ 2, REASON_PRIORITY_CALL }; /* 4 */
	if (a->kind == ALERT_INTRUSION || a->kind == ALERT_MEDICAL)
		return (struct triage){ 2, REASON_PRIORITY_SERIOUS }; /* 5 */
	if ((a->kind == ALERT_TAMPER || a->kind == ALERT_LINK) && s->has_panic_button)
		return (struct triage){ 2, REASON_PRIORITY_PANIC_SOURCE }; /* 6 */
	if (a->kind == ALERT_BATTERY || a->kind == ALERT_LINK || a->kind == ALERT_TEST)
		return (struct triage){ 4, REASON_PRIORITY_TECHNICAL }; /* 7 */
	return (struct triage){ 3, REASON_PRIORITY_OTHER };             /* 8 */
}
