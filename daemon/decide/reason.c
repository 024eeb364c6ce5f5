#include "decide/reason.h"

#include <stdio.h>
#include <string.h>

#include "support/bug.h"
#include "support/text.h"

/*
 * The stable name and the sentence of each code. A sentence is read by a dispatcher at night: short,
 * calm, what is known before what is not; "%s" is the detail.
 */
static const struct {
	const char *name, *sentence;
} words[REASON_CODES] = {
	[REASON_NONE] = { "none", "" },
	[REASON_WHO_SOURCE_OWNER] = { "who-source-owner", "appareil remis à %s" },
	[REASON_WHO_NUMBER] = { "who-number", "numéro enregistré de %s" },
	[REASON_WHO_SHARED_NUMBER] = { "who-shared-number", "numéro partagé : plusieurs personnes possibles" },
	[REASON_WHO_RPPS] = { "who-rpps", "désigné par son numéro RPPS : %s" },
	[REASON_WHO_STATED] = { "who-stated", "nommé par la régulation, non enregistré sous ce nom : %s" },
	[REASON_WHO_UNKNOWN] = { "who-unknown", "personne inconnue" },
	[REASON_WHO_NO_CONSENT] = { "who-no-consent", "une personne n'a pas consenti pour ce centre" },
	[REASON_WHO_RPPS_UNKNOWN] = { "who-rpps-unknown", "numéro RPPS annoncé mais non enregistré" },
	[REASON_WHO_EXPOSED] = { "who-exposed", "personne exposée : %s" },
	[REASON_WHERE_LIVE] = { "where-live", "position en direct" },
	[REASON_WHERE_LIVE_OLD] = { "where-live-old", "dernière position trop ancienne (%s)" },
	[REASON_WHERE_STATED_ADDRESS] = { "where-stated-address", "adresse annoncée, commune de %s" },
	[REASON_WHERE_STATED_COMMUNE] = { "where-stated-commune", "commune annoncée : %s" },
	[REASON_WHERE_DEVICE_SITE] = { "where-device-site", "lieu d'installation de l'appareil : %s" },
	[REASON_WHERE_REGISTERED_SITE] = { "where-registered-site", "lieu d'exercice enregistré, hypothèse : %s" },
	[REASON_WHERE_NONE] = { "where-none", "lieu inconnu" },
	[REASON_WHERE_ACCURACY_ASSUMED] = { "where-accuracy-assumed", "précision non annoncée, %s supposés" },
	[REASON_WHERE_COMMUNE_UNKNOWN] = { "where-commune-unknown", "commune non reconnue %s" },
	[REASON_ROUTE_ZONE] = { "route-zone", "zone particulière : %s" },
	[REASON_ROUTE_COMMUNE] = { "route-commune", "centre compétent pour %s" },
	[REASON_ROUTE_APPROXIMATE] = { "route-approximate", "limites de communes approchées" },
	[REASON_ROUTE_STAND_IN_NO_PLACE] = { "route-stand-in-no-place", "lieu inconnu : centre suppléant" },
	[REASON_ROUTE_STAND_IN_OUTSIDE] = { "route-stand-in-outside", "hors du département, au plus près : %s ; centre suppléant" },
	[REASON_ROUTE_STAND_IN_NO_CENTRE] = { "route-stand-in-no-centre", "aucun centre pour %s : centre suppléant" },
	[REASON_ROUTE_STAND_IN_NO_OPERATOR] = { "route-stand-in-no-operator", "aucun opérateur au centre compétent : %s aussi" },
	[REASON_ROUTE_PRESENTED] = { "route-presented", "appel présenté à %s" },
	[REASON_ROUTE_OPERATIONS] = { "route-operations", "alarme technique : exploitation" },
	[REASON_ROUTE_BORDER_INFORMED] = { "route-border-informed", "limite de zone proche : %s informé" },
	[REASON_ROUTE_COMPETENT_INFORMED] = { "route-competent-informed", "centre compétent pour le lieu : %s informé" },
	[REASON_ROUTE_MOVED_INFORMED] = { "route-moved-informed", "la personne se déplace : %s informé" },
	[REASON_PRIORITY_ATTACK] = { "priority-attack", "agression signalée" },
	[REASON_PRIORITY_DOUBT] = { "priority-doubt", "message non compris d'un appareil d'alarme : agression présumée" },
	[REASON_PRIORITY_ABANDONED_CALL] = { "priority-abandoned-call", "appel abandonné avant réponse : agression présumée" },
	[REASON_PRIORITY_CALL] = { "priority-call", "appel d'une personne enregistrée" },
	[REASON_PRIORITY_SERIOUS] = { "priority-serious", "intrusion ou urgence médicale" },
	[REASON_PRIORITY_PANIC_SOURCE] = { "priority-panic-source", "sabotage ou coupure d'un appareil d'alarme" },
	[REASON_PRIORITY_OTHER] = { "priority-other", "à vérifier" },
	[REASON_PRIORITY_TECHNICAL] = { "priority-technical", "technique" },
	[REASON_INCIDENT_RENEWED] = { "incident-renewed", "nouvel appui : sonne de nouveau" },
	[REASON_INCIDENT_RELATED_TIME] = { "incident-related-time", "même personne, plus tôt : %s" },
	[REASON_INCIDENT_RELATED_DISTANCE] = { "incident-related-distance", "même personne, à plus de 500 m : %s" },
	[REASON_INCIDENT_RELATED_NUMBER] = { "incident-related-number", "même numéro : %s" },
	[REASON_INCIDENT_RELATED_SITE] = { "incident-related-site", "même lieu : %s" },
	[REASON_INCIDENT_SPLIT] = { "incident-split", "séparé par %s" },
	[REASON_INCIDENT_CANCEL_ASKED] = { "incident-cancel-asked", "annulation demandée : à vérifier, l'alarme reste" },
	[REASON_INCIDENT_CONTEXT] = { "incident-context", "alarme technique au même endroit : %s" },
	[REASON_DOUBT_CLOCK] = { "doubt-clock", "heure douteuse" },
	[REASON_DOUBT_LATE] = { "doubt-late", "reçu en retard (%s)" },
	[REASON_DOUBT_CERTIFICATE] = { "doubt-certificate", "certificat hors de sa période" },
	[REASON_DOUBT_POSITION] = { "doubt-position", "position annoncée impossible" },
	[REASON_DOUBT_TEXT] = { "doubt-text", "texte illisible ou coupé" },
	[REASON_DOUBT_KIND] = { "doubt-kind", "type d'alarme non compris" },
	[REASON_DOUBT_REF] = { "doubt-ref", "alerte sans identifiant : répétitions non reconnues" },
	[REASON_DOUBT_REF_REUSED] = { "doubt-ref-reused", "identifiant déjà servi" },
	[REASON_DOUBT_TRUST] = { "doubt-trust", "expéditeur non prouvé" },
	[REASON_DOUBT_REGISTRY_OLD] = { "doubt-registry-old", "registre du %s" },
	[REASON_ESCALATE_LOUDER] = { "escalate-louder", "pas encore pris en charge" },
	[REASON_ESCALATE_OTHER_CENTRE] = { "escalate-other-centre", "pas pris en charge : %s alerté" },
	[REASON_ESCALATE_ALL] = { "escalate-all", "pas pris en charge : %s alerté" },
	[REASON_ESCALATE_ALARM] = { "escalate-alarm", "pas pris en charge : alarme extérieure" },
	[REASON_ESCALATE_NOT_ENGAGED] = { "escalate-not-engaged", "pris par %s mais sans engagement des forces" },
	[REASON_ESCALATE_TAKER_LOST] = { "escalate-taker-lost", "poste de %s perdu" },
	[REASON_ESCALATE_NO_CONSOLE] = { "escalate-no-console", "aucun poste connecté : alarme extérieure" },
};

bool reasons_add(struct reasons *r, enum reason_code code, const char *detail)
{
	char cut[REASON_DETAIL_SIZE];
	TEXT_COPY(cut, detail);
	for (unsigned n = 0; n < r->count; n++)
		if (r->list[n].code == code && strcmp(r->list[n].detail, cut) == 0)
			return false;
	if (r->count == REASONS_MAX)
		return false;
	struct reason *added = &r->list[r->count++];
	added->code = code;
	memcpy(added->detail, cut, sizeof cut);
	return true;
}

const char *reason_name(enum reason_code code)
{
	return code < REASON_CODES && words[code].name != NULL ? words[code].name : "unknown";
}

bool reason_is_doubt(enum reason_code code)
{
	return code >= REASON_DOUBT_CLOCK && code <= REASON_DOUBT_REGISTRY_OLD;
}

const char *reason_format(const struct reason *r, char *out, size_t size)
{
	if (BUG(size == 0))
		return "";
	text_copy(out, size, reason_name(r->code));
	text_add(out, size, ": ");
	const char *sentence = r->code < REASON_CODES && words[r->code].sentence ? words[r->code].sentence : "";
	const char *hole = strstr(sentence, "%s");
	if (hole == NULL)
		text_add(out, size, "%s", sentence);
	else
		text_add(out, size, "%.*s%s%s", (int)(hole - sentence), sentence, r->detail, hole + 2);
	return out;
}
