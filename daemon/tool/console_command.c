#include "tool/console_command.h"

#include <string.h>

#include "decide/incident.h"
#include "support/id.h"
#include "support/text.h"

/* What follows the incident's number. */
enum rest { REST_NONE, REST_NOTE, REST_DISPOSITION, REST_CENTRE, REST_ALERT };

struct form {
	const char *word;
	enum console_order order;
	Tocsin__V1__Verb verb;
	bool has_incident;
	enum rest rest;
	struct console_help help;
};

static const struct form forms[] = {
	{ "look",
	  CONSOLE_ACT,
	  TOCSIN__V1__VERB__VERB_LOOK,
	  true,
	  REST_NONE,
	  { "look N", "montrer la fiche (ou seulement N) ; la consultation est tracée" } },
	{ "take",
	  CONSOLE_ACT,
	  TOCSIN__V1__VERB__VERB_TAKE,
	  true,
	  REST_NONE,
	  { "take N", "prendre en charge" } },
	{ "engage",
	  CONSOLE_ACT,
	  TOCSIN__V1__VERB__VERB_ENGAGE,
	  true,
	  REST_NONE,
	  { "engage N", "des forces sont engagées" } },
	{ "note",
	  CONSOLE_ACT,
	  TOCSIN__V1__VERB__VERB_NOTE,
	  true,
	  REST_NOTE,
	  { "note N TEXTE", "écrire une note que tous les centres concernés lisent" } },
	{ "transfer",
	  CONSOLE_ACT,
	  TOCSIN__V1__VERB__VERB_TRANSFER,
	  true,
	  REST_CENTRE,
	  { "transfer N CENTRE", "proposer à un autre centre, comme corg-77" } },
	{ "accept",
	  CONSOLE_ACT,
	  TOCSIN__V1__VERB__VERB_ACCEPT,
	  true,
	  REST_NONE,
	  { "accept N", "accepter le transfert proposé" } },
	{ "refuse",
	  CONSOLE_ACT,
	  TOCSIN__V1__VERB__VERB_REFUSE,
	  true,
	  REST_NONE,
	  { "refuse N", "refuser le transfert proposé" } },
	{ "split",
	  CONSOLE_ACT,
	  TOCSIN__V1__VERB__VERB_SPLIT,
	  true,
	  REST_ALERT,
	  { "split N ALERTE", "séparer une alerte, par son rang dans la fiche" } },
	{ "release",
	  CONSOLE_ACT,
	  TOCSIN__V1__VERB__VERB_RELEASE,
	  true,
	  REST_NONE,
	  { "release N", "rendre : de nouveau à prendre" } },
	{ "close",
	  CONSOLE_ACT,
	  TOCSIN__V1__VERB__VERB_CLOSE,
	  true,
	  REST_DISPOSITION,
	  { "close N ISSUE", "clore avec son issue, comme « secours sur place »" } },
	{ "list",
	  CONSOLE_LIST,
	  0,
	  false,
	  REST_NONE,
	  { "list", "montrer tous les incidents ouverts" } },
	{ "clear",
	  CONSOLE_CLEAR,
	  0,
	  true,
	  REST_NONE,
	  { "clear N", "retirer une alerte perdue, après vérification" } },
	{ "help", CONSOLE_HELP, 0, false, REST_NONE, { "help", "cette aide" } },
	{ "quit", CONSOLE_QUIT, 0, false, REST_NONE, { "quit", "quitter le poste" } },
};

#define FORMS (sizeof forms / sizeof forms[0])

const struct console_help *console_command_help(void)
{
	static struct console_help list[FORMS + 1];

	for (size_t i = 0; i < FORMS; i++)
		list[i] = forms[i].help;
	return list;
}

/* The next word, cut to `size`; what is left of the line. NULL: it does not fit. */
static const char *take_word(const char *line, char *out, size_t size)
{
	line += strspn(line, " \t");
	size_t length = strcspn(line, " \t");

	if (length >= size)
		return NULL;
	memcpy(out, line, length);
	out[length] = '\0';
	line += length;
	return line + strspn(line, " \t");
}

static bool refuse(struct console_command *out, char *why, const char *what,
		   const struct form *form)
{
	*out = (struct console_command){ .order = CONSOLE_NOTHING };
	why[0] = '\0';
	text_add(why, CONSOLE_COMMAND_WHY_SIZE, "%s", what);
	if (form != NULL)
		text_add(why, CONSOLE_COMMAND_WHY_SIZE, " — %s : %s", form->help.form,
			 form->help.about);
	return false;
}

/* "3", or an identifier. */
static bool read_incident(struct console_command *out, const char *word)
{
	struct id id;
	int64_t number;

	if (text_to_int(word, 1, 999999999, &number)) {
		out->number = (unsigned)number;
		return true;
	}
	return id_parse(word, &id) && TEXT_COPY(out->incident, word);
}

static const struct form *find_form(const char *word)
{
	for (size_t i = 0; i < FORMS; i++)
		if (strcmp(forms[i].word, word) == 0)
			return &forms[i];
	return NULL;
}

/* What follows the number: one word, the whole rest, or nothing at all. */
static const char *read_rest(struct console_command *out, const struct form *form, const char *rest)
{
	switch (form->rest) {
	case REST_NOTE:
	case REST_DISPOSITION:
		if (rest[0] == '\0')
			return form->rest == REST_NOTE ? "il manque le texte" : "il manque l'issue";
		if (form->rest == REST_DISPOSITION && strlen(rest) >= INCIDENT_DISPOSITION_SIZE)
			return "issue trop longue (47 octets au plus)";
		return TEXT_COPY(out->text, rest) ? NULL : "texte trop long (499 octets au plus)";
	case REST_CENTRE:
		rest = take_word(rest, out->centre, sizeof out->centre);
		if (rest == NULL || out->centre[0] == '\0')
			return "il manque le centre";
		break;
	case REST_ALERT:
		rest = take_word(rest, out->alert, sizeof out->alert);
		if (rest == NULL || out->alert[0] == '\0')
			return "il manque l'alerte";
		break;
	case REST_NONE: break;
	}
	return rest[0] == '\0' ? NULL : "rien n'est attendu après";
}

bool console_command_parse(struct console_command *out, const char *line,
			   char why[static CONSOLE_COMMAND_WHY_SIZE])
{
	char copy[CONSOLE_COMMAND_LINE_MAX + 1], word[40];

	*out = (struct console_command){ .order = CONSOLE_NOTHING };
	why[0] = '\0';
	if (!TEXT_COPY(copy, line))
		return refuse(out, why, "ligne trop longue", NULL);
	for (size_t end = strlen(copy); end > 0 && strchr(" \t\r", copy[end - 1]) != NULL;)
		copy[--end] = '\0';
	const char *rest = take_word(copy, word, sizeof word);
	if (rest == NULL)
		return refuse(out, why, "commande inconnue ; help montre les commandes", NULL);
	if (word[0] == '\0')
		return true;
	const struct form *form = find_form(word);
	if (form == NULL && read_incident(out, word)) { /* a number alone is a look */
		form = find_form("look");
		rest = copy;
	}
	if (form == NULL)
		return refuse(out, why, "commande inconnue ; help montre les commandes", NULL);
	TEXT_COPY(out->word, form->word);
	out->order = form->order;
	out->verb = form->verb;
	if (form->has_incident) {
		rest = take_word(rest, word, sizeof word);
		if (rest == NULL || word[0] == '\0' || !read_incident(out, word))
			return refuse(out, why, "il manque le numéro de l'incident", form);
	}
	const char *wrong = read_rest(out, form, rest);
	return wrong == NULL ? true : refuse(out, why, wrong, form);
}
