#include "decide/reason.h"

#include <string.h>

#include "support/text.h"

/*
 * The sentence is for a dispatcher who has two seconds: what is known or not, in the words of the
 * trade, without a judgement and without an order. The detail follows it in brackets; what it is
 * stands beside each code that has one.
 */
/* clang-format off */
static const struct {
	const char *name, *sentence;
} table[REASON_CODES] = {
	[REASON_NONE] =
		{ "none", "sans motif" },

	[REASON_WHO_SOURCE_OWNER] = /* name */
		{ "who-source-owner", "titulaire de l'appareil" },
	[REASON_WHO_NUMBER] = /* name */
		{ "who-number", "numéro enregistré" },
	[REASON_WHO_SHARED_NUMBER] =
		{ "who-shared-number", "numéro commun à plusieurs personnes, aucune choisie" },
	[REASON_WHO_RPPS] = /* name */
		{ "who-rpps", "numéro RPPS enregistré" },
	[REASON_WHO_STATED] = /* name */
		{ "who-stated", "personne nommée par l'émetteur, sans correspondance au registre" },
	[REASON_WHO_UNKNOWN] =
		{ "who-unknown", "personne non identifiée" },
	[REASON_WHO_NO_CONSENT] =
		{ "who-no-consent", "personne non affichée, faute d'accord pour ce centre" },
	[REASON_WHO_RPPS_UNKNOWN] =
		{ "who-rpps-unknown", "numéro RPPS absent du registre" },
	[REASON_WHO_EXPOSED] = /* why */
		{ "who-exposed", "personne signalée comme exposée" },

	[REASON_WHERE_LIVE] =
		{ "where-live", "position récente transmise par l'appareil" },
	[REASON_WHERE_LIVE_OLD] = /* age */
		{ "where-live-old", "dernière position transmise, ancienne" },
	[REASON_WHERE_STATED_ADDRESS] = /* commune */
		{ "where-stated-address", "adresse indiquée par l'émetteur" },
	[REASON_WHERE_STATED_COMMUNE] = /* commune */
		{ "where-stated-commune", "commune indiquée par l'émetteur" },
	[REASON_WHERE_DEVICE_SITE] = /* site */
		{ "where-device-site", "lieu d'installation de l'appareil" },
	[REASON_WHERE_REGISTERED_SITE] = /* site */
		{ "where-registered-site", "hypothèse : lieu d'exercice enregistré" },
	[REASON_WHERE_NONE] =
		{ "where-none", "lieu inconnu" },
	[REASON_WHERE_ACCURACY_ASSUMED] = /* metres */
		{ "where-accuracy-assumed", "précision non transmise, valeur retenue" },
	[REASON_WHERE_COMMUNE_UNKNOWN] = /* as given */
		{ "where-commune-unknown", "commune absente ou non reconnue" },

	[REASON_ROUTE_ZONE] = /* zone */
		{ "route-zone", "zone particulière" },
	[REASON_ROUTE_COMMUNE] = /* commune */
		{ "route-commune", "commune compétente" },
	[REASON_ROUTE_APPROXIMATE] =
		{ "route-approximate", "limite de commune approximative, contours non chargés" },
	[REASON_ROUTE_STAND_IN_NO_PLACE] =
		{ "route-stand-in-no-place", "centre de repli : lieu inconnu" },
	[REASON_ROUTE_STAND_IN_OUTSIDE] = /* commune, distance */
		{ "route-stand-in-outside", "centre de repli : hors du territoire, au plus près" },
	[REASON_ROUTE_STAND_IN_NO_CENTRE] = /* commune */
		{ "route-stand-in-no-centre", "centre de repli : commune sans centre" },
	[REASON_ROUTE_STAND_IN_NO_OPERATOR] = /* centre */
		{ "route-stand-in-no-operator", "centre sans opérateur, autre centre appelé" },
	[REASON_ROUTE_PRESENTED] = /* centre */
		{ "route-presented", "appel présenté à ce centre" },
	[REASON_ROUTE_OPERATIONS] = /* centre */
		{ "route-operations", "alarme technique, pour l'exploitation" },
	[REASON_ROUTE_BORDER_INFORMED] = /* centre */
		{ "route-border-informed", "proche d'une limite, centre voisin informé" },
	[REASON_ROUTE_COMPETENT_INFORMED] = /* centre */
		{ "route-competent-informed", "centre compétent pour le lieu informé" },
	[REASON_ROUTE_MOVED_INFORMED] = /* centre */
		{ "route-moved-informed", "la position a changé de ressort, centre informé" },

	[REASON_PRIORITY_ATTACK] =
		{ "priority-attack", "alarme d'agression" },
	[REASON_PRIORITY_DOUBT] =
		{ "priority-doubt", "message d'alarme illisible : agression présumée" },
	[REASON_PRIORITY_ABANDONED_CALL] =
		{ "priority-abandoned-call", "appel abandonné avant réponse : agression présumée" },
	[REASON_PRIORITY_CALL] =
		{ "priority-call", "appel au 17 d'une personne enregistrée" },
	[REASON_PRIORITY_SERIOUS] =
		{ "priority-serious", "intrusion ou urgence médicale" },
	[REASON_PRIORITY_PANIC_SOURCE] =
		{ "priority-panic-source", "sabotage ou liaison coupée sur un appareil d'alarme" },
	[REASON_PRIORITY_OTHER] =
		{ "priority-other", "autre alarme" },
	[REASON_PRIORITY_TECHNICAL] =
		{ "priority-technical", "alarme technique" },

	[REASON_INCIDENT_RENEWED] =
		{ "incident-renewed", "nouvelle alarme pendant la prise en charge" },
	[REASON_INCIDENT_RELATED_TIME] = /* incident */
		{ "incident-related-time", "même personne ou appareil, à un autre moment" },
	[REASON_INCIDENT_RELATED_DISTANCE] = /* incident */
		{ "incident-related-distance", "même personne ou appareil, en un autre lieu" },
	[REASON_INCIDENT_RELATED_NUMBER] = /* incident */
		{ "incident-related-number", "autre incident sur le même numéro" },
	[REASON_INCIDENT_RELATED_SITE] = /* incident */
		{ "incident-related-site", "autre incident au même lieu" },
	[REASON_INCIDENT_SPLIT] = /* operator */
		{ "incident-split", "incident scindé par un opérateur" },
	[REASON_INCIDENT_CANCEL_ASKED] =
		{ "incident-cancel-asked", "annulation demandée, sans effet sur l'incident" },
	[REASON_INCIDENT_CONTEXT] = /* incident */
		{ "incident-context", "alarme technique à rapprocher d'une alarme d'agression" },

	[REASON_DOUBT_CLOCK] =
		{ "doubt-clock", "heure douteuse : l'appareil annonce une heure invraisemblable" },
	[REASON_DOUBT_LATE] = /* delay */
		{ "doubt-late", "reçue en retard" },
	[REASON_DOUBT_CERTIFICATE] =
		{ "doubt-certificate", "certificat de l'émetteur hors de sa période de validité" },
	[REASON_DOUBT_POSITION] =
		{ "doubt-position", "position impossible, non retenue" },
	[REASON_DOUBT_TEXT] =
		{ "doubt-text", "texte illisible ou trop long, non repris en entier" },
	[REASON_DOUBT_KIND] =
		{ "doubt-kind", "nature de l'alarme illisible" },
	[REASON_DOUBT_REF] =
		{ "doubt-ref", "alarme sans identifiant, répétition possible" },
	[REASON_DOUBT_REF_REUSED] =
		{ "doubt-ref-reused", "identifiant déjà utilisé pour une autre alarme" },
	[REASON_DOUBT_TRUST] =
		{ "doubt-trust", "émetteur non authentifié par cette liaison" },
	[REASON_DOUBT_REGISTRY_OLD] = /* time */
		{ "doubt-registry-old", "registre non actualisé, dernière lecture" },

	[REASON_ESCALATE_LOUDER] =
		{ "escalate-louder", "personne n'a répondu : rappel" },
	[REASON_ESCALATE_OTHER_CENTRE] = /* centre */
		{ "escalate-other-centre", "personne n'a répondu : autre centre appelé" },
	[REASON_ESCALATE_ALL] = /* centre */
		{ "escalate-all", "personne n'a répondu : tous les centres sont appelés" },
	[REASON_ESCALATE_ALARM] =
		{ "escalate-alarm", "personne n'a répondu : alarme extérieure" },
	[REASON_ESCALATE_NOT_ENGAGED] = /* operator */
		{ "escalate-not-engaged", "pris en charge sans engagement : remis en attente" },
	[REASON_ESCALATE_TAKER_LOST] = /* operator */
		{ "escalate-taker-lost", "liaison perdue avec la console : remis en attente" },
	[REASON_ESCALATE_NO_CONSOLE] =
		{ "escalate-no-console", "aucune console connectée : alarme extérieure" },
};
/* clang-format on */

/* One line, whoever the detail comes from: a sender's name must not forge a second reason. */
static void flatten(char *text)
{
	for (char *at = text; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = ' ';
}

bool reasons_add(struct reasons *r, enum reason_code code, const char *detail)
{
	struct reason added = { .code = code };

	TEXT_COPY(added.detail, detail);
	flatten(added.detail);
	for (unsigned i = 0; i < r->count; i++)
		if (r->list[i].code == code && strcmp(r->list[i].detail, added.detail) == 0)
			return false;
	if (r->count == REASONS_MAX)
		return false;
	r->list[r->count++] = added;
	return true;
}

static bool is_known(enum reason_code code)
{
	return (unsigned)code < REASON_CODES;
}

const char *reason_name(enum reason_code code)
{
	return is_known(code) ? table[code].name : "unknown";
}

bool reason_is_doubt(enum reason_code code)
{
	return code >= REASON_DOUBT_CLOCK && code <= REASON_DOUBT_REGISTRY_OLD;
}

const char *reason_format(const struct reason *r, char *out, size_t size)
{
	/* A journal of a later version may hold a code that this one does not know. */
	const char *sentence =
	        is_known(r->code) ? table[r->code].sentence : "motif inconnu de cette version";

	if (size == 0)
		return out;
	out[0] = '\0';
	text_add(out, size, "%s: %s", reason_name(r->code), sentence);
	if (r->detail[0])
		text_add(out, size, " (%s)", r->detail);
	return out;
}
