#include "tool/console_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "support/text.h"
#include "tool/plain.h"

struct pair {
	const char *key, *words;
};

static const char *look_up(const struct pair *list, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].key, key) == 0)
			return list[i].words;
	return NULL;
}

#define LOOK_UP(list, key) look_up((list), sizeof(list) / sizeof(list)[0], (key))

/* Adds cleaned text. */
static void add_plain(char *out, size_t size, const char *text)
{
	size_t used = strlen(out);

	plain_copy(out + used, size - used, text, PLAIN_ONE_LINE);
}

const char *console_words_kind(Tocsin__V1__Kind kind)
{
	switch (kind) {
	case TOCSIN__V1__KIND__KIND_PANIC: return "agression";
	case TOCSIN__V1__KIND__KIND_DURESS: return "agression, sous contrainte";
	case TOCSIN__V1__KIND__KIND_SILENT: return "alarme silencieuse";
	case TOCSIN__V1__KIND__KIND_MEDICAL: return "urgence médicale";
	case TOCSIN__V1__KIND__KIND_RELAY: return "danger relayé par la régulation";
	case TOCSIN__V1__KIND__KIND_CALL: return "appel au 17";
	case TOCSIN__V1__KIND__KIND_INTRUSION: return "intrusion";
	case TOCSIN__V1__KIND__KIND_TAMPER: return "sabotage";
	case TOCSIN__V1__KIND__KIND_BATTERY: return "pile ou alimentation";
	case TOCSIN__V1__KIND__KIND_LINK: return "liaison de l'appareil";
	case TOCSIN__V1__KIND__KIND_TEST: return "essai";
	case TOCSIN__V1__KIND__KIND_CANCEL: return "demande d'annulation";
	case TOCSIN__V1__KIND__KIND_POSITION: return "position";
	default: return "alerte de nature inconnue";
	}
}

const char *console_words_level(unsigned level)
{
	switch (level) {
	case 0: return "";
	case 1: return "personne n'a répondu : rappel";
	case 2: return "personne n'a répondu : l'autre centre est appelé";
	case 3: return "personne n'a répondu : tous les centres sont appelés";
	default: return "personne n'a répondu : alarme extérieure déclenchée";
	}
}

const char *console_words_role(const char *role)
{
	static const struct pair roles[] = {
		{ "owner", "responsable" },
		{ "informed", "informé" },
		{ "offered", "transfert proposé" },
		{ "escalated", "appelé, sans réponse ailleurs" },
	};
	const char *words = LOOK_UP(roles, role);

	return words != NULL ? words : role;
}

const char *console_words_contact(const char *contact)
{
	static const struct pair contacts[] = {
		{ "", "" },
		{ "none", "" },
		{ "presented", "appel au 17 présenté, pas encore décroché" },
		{ "answered", "appel au 17 en cours" },
		{ "ended", "appel au 17 terminé" },
		{ "abandoned", "appel au 17 ABANDONNÉ avant réponse" },
	};
	const char *words = LOOK_UP(contacts, contact);

	return words != NULL ? words : contact;
}

const char *console_words_state(const Tocsin__V1__Incident *i, char *out, size_t size)
{
	out[0] = '\0';
	switch (i->state) {
	case TOCSIN__V1__STATE__STATE_OPEN: text_add(out, size, "À PRENDRE"); return out;
	case TOCSIN__V1__STATE__STATE_TAKEN: text_add(out, size, "pris"); break;
	case TOCSIN__V1__STATE__STATE_ENGAGED: text_add(out, size, "forces engagées"); break;
	case TOCSIN__V1__STATE__STATE_CLOSED:
		text_add(out, size, "clos");
		if (i->disposition[0] != '\0') {
			text_add(out, size, " : ");
			add_plain(out, size, i->disposition);
		}
		return out;
	default: text_add(out, size, "ÉTAT INCONNU"); return out;
	}
	if (i->taken_by[0] != '\0') {
		text_add(out, size, " par ");
		add_plain(out, size, i->taken_by);
	}
	if (i->taken_at_centre[0] != '\0') {
		text_add(out, size, " (");
		add_plain(out, size, i->taken_at_centre);
		text_add(out, size, ")");
	}
	return out;
}

const char *console_words_age(int64_t since_us, struct wall now, char *out, size_t size)
{
	int64_t seconds = (now.us - since_us) / CLOCK_S_US;

	out[0] = '\0';
	if (seconds < -2)
		text_add(out, size, "heure future");
	else if (seconds < 60)
		text_add(out, size, "%" PRId64 " s", seconds < 0 ? 0 : seconds);
	else if (seconds < 3600)
		text_add(out, size, "%" PRId64 " min", seconds / 60);
	else if (seconds < 48 * 3600)
		text_add(out, size, "%" PRId64 " h %02" PRId64, seconds / 3600, seconds / 60 % 60);
	else
		text_add(out, size, "%" PRId64 " j", seconds / 86400);
	return out;
}

static bool local_time(int64_t us, struct tm *out)
{
	time_t seconds = (time_t)(us / CLOCK_S_US);

	return localtime_r(&seconds, out) != NULL;
}

const char *console_words_time(int64_t us, struct wall now, char *out, size_t size)
{
	struct tm at, today;

	out[0] = '\0';
	if (us == 0 || !local_time(us, &at) || !local_time(now.us, &today)) {
		text_add(out, size, "heure inconnue");
		return out;
	}
	bool is_today = at.tm_year == today.tm_year && at.tm_yday == today.tm_yday;
	if (!is_today)
		text_add(out, size, "%02d/%02d", at.tm_mday, at.tm_mon + 1);
	if (at.tm_year != today.tm_year)
		text_add(out, size, "/%d", at.tm_year + 1900);
	text_add(out, size, "%s%02d:%02d:%02d", is_today ? "" : " ", at.tm_hour, at.tm_min,
		 at.tm_sec);
	return out;
}

/* ", ±20 m, il y a 12 s (gnss)": how good a measured point is and since when. */
static void add_fix(const Tocsin__V1__Place *place, struct wall now, char *out, size_t size)
{
	char age[32];

	if (place->accuracy_m > 0)
		text_add(out, size, ", ±%.0f m", place->accuracy_m);
	if (place->fixed_at != 0) {
		console_words_age(place->fixed_at, now, age, sizeof age);
		text_add(out, size, strcmp(age, "heure future") == 0 ? ", %s" : ", il y a %s", age);
	}
	if (place->method[0] != '\0') {
		text_add(out, size, " (");
		add_plain(out, size, place->method);
		text_add(out, size, ")");
	}
}

const char *console_words_origin(const Tocsin__V1__Place *place, struct wall now, char *out,
				 size_t size)
{
	static const struct pair origins[] = {
		{ "live", "position en direct" },
		{ "device-site", "lieu d'installation de l'appareil" },
		{ "registered-site", "adresse enregistrée (hypothèse)" },
	};
	static const struct pair stated[] = {
		{ "exact", "position indiquée" },
		{ "address", "adresse indiquée" },
		{ "commune", "commune indiquée" },
	};

	out[0] = '\0';
	if (place == NULL || place->origin[0] == '\0') {
		text_add(out, size, "lieu inconnu");
		return out;
	}
	bool is_live = strcmp(place->origin, "live") == 0;
	const char *words = strcmp(place->origin, "stated") != 0
				    ? LOOK_UP(origins, place->origin)
				    : LOOK_UP(stated, place->precision);
	if (words != NULL)
		text_add(out, size, "%s", words);
	else
		add_plain(out, size, place->origin);
	if (is_live && place->accuracy_m <= 0)
		text_add(out, size, ", précision inconnue");
	if (is_live && place->fixed_at == 0)
		text_add(out, size, ", heure de mesure inconnue");
	if (place->has_point && (is_live || strcmp(place->origin, "stated") == 0))
		add_fix(place, now, out, size);
	if (strcmp(place->precision, "commune") == 0 && strcmp(place->origin, "stated") != 0)
		text_add(out, size, ", à la commune près");
	else if (strcmp(place->precision, "unknown") == 0 && !is_live)
		text_add(out, size, ", précision inconnue");
	return out;
}

const char *console_words_place(const Tocsin__V1__Place *place, char *out, size_t size)
{
	out[0] = '\0';
	if (place == NULL)
		return out;
	add_plain(out, size, place->label);
	bool says_commune =
		place->commune_name[0] == '\0' || strstr(place->label, place->commune_name) != NULL;
	if (says_commune)
		return out;
	text_add(out, size, "%s", out[0] != '\0' ? ", " : "");
	add_plain(out, size, place->commune_name);
	return out;
}

const char *console_words_people(const Tocsin__V1__Incident *i, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t n = 0; n < i->n_practitioners; n++) {
		text_add(out, size, "%s", n > 0 ? " ou " : "");
		add_plain(out, size, i->practitioners[n]->name);
	}
	if (out[0] == '\0')
		text_add(out, size, "personne inconnue");
	return out;
}

const char *console_words_number(const char *number, char *out, size_t size)
{
	plain_copy(out, size, number, PLAIN_ONE_LINE);
	if (strncmp(out, "+33", 3) != 0 || strlen(out) != 12 || size < 16 ||
	    strspn(out + 3, "0123456789") != 9)
		return out;
	char digits[10];
	memcpy(digits, out + 3, sizeof digits);
	snprintf(out, size, "0%c %.2s %.2s %.2s %.2s", digits[0], digits + 1, digits + 3,
		 digits + 5, digits + 7);
	return out;
}

const char *console_words_refusal(const char *reason)
{
	static const struct pair refusals[] = {
		{ "unknown-incident", "incident inconnu, ou déjà clos" },
		{ "wrong-state", "impossible dans son état actuel" },
		{ "old-revision", "la fiche a changé entre-temps : la relire, puis recommencer" },
		{ "not-yours", "ce centre n'en a pas la charge" },
		{ "no-disposition", "il manque l'issue" },
		{ "no-note", "il manque le texte" },
		{ "unknown-centre", "centre inconnu" },
		{ "unknown-alert", "cette alerte n'en fait pas partie, ou c'est la seule" },
		{ "no-offer", "aucun transfert n'est proposé" },
		{ "unknown-verb", "commande que le service ne connaît pas" },
		{ "not-allowed", "ce poste n'en a pas le droit" },
		{ "busy", "service occupé : recommencer" },
	};
	const char *words = LOOK_UP(refusals, reason);

	return words != NULL ? words : reason;
}

const char *console_words_reason(const char *reason, bool *is_doubt)
{
	const char *colon = strstr(reason, ": ");

	*is_doubt = strncmp(reason, "doubt-", strlen("doubt-")) == 0;
	return colon != NULL ? colon + 2 : reason;
}
