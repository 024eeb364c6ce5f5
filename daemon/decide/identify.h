/*
 * Who: the persons an alert speaks of, by numbered rules (see identify.c). Called by decide for
 * each new alert; looks only at the registry. Several persons on one number are all shown, none is
 * chosen.
 */
#ifndef TOCSIN_DECIDE_IDENTIFY_H
#define TOCSIN_DECIDE_IDENTIFY_H

#include "decide/finding.h"

#define IDENTIFY_SHARING_MAX 64 /* persons on one number that are looked at */

void identify(const struct world *w, struct finding *f);
/* The centre at which a call rings: the one that the exchange names, if the territory has it; else
 * the exchange's own. Empty: not known. */
struct centre_id identify_presented_to(const struct world *w, const struct call *call);
/* Whether a presented call's number is registered with the centre that received it. Until this
 * says yes, the call is no alert and nothing of it may be kept. */
bool identify_call_matches(const struct world *w, const struct call *call);

#endif
