#include "run/health.h"

#include "support/log.h"
#include "support/text.h"

static const struct {
	const char *name, *sentence;
	enum log_level level;
} words[HEALTH_KINDS] = {
	[HEALTH_JOURNAL_FAILING] = { "journal-failing", "enregistrement local en panne",
	                             LOG_LEVEL_CRIT },
	[HEALTH_JOURNAL_LOW] = { "journal-low", "enregistrement local bientôt saturé",
	                         LOG_LEVEL_ERROR },
	[HEALTH_POSTGRES_AWAY] = { "postgres-away", "base de données injoignable",
	                           LOG_LEVEL_ERROR },
	[HEALTH_POSTGRES_SCHEMA] = { "postgres-schema", "base de données d'une autre version",
	                             LOG_LEVEL_ERROR },
	[HEALTH_POSTGRES_FOREIGN] = { "postgres-foreign", "base de données d'un autre nœud",
	                              LOG_LEVEL_CRIT },
	[HEALTH_REGISTRY_OLD] = { "registry-old", "registre ancien", LOG_LEVEL_WARN },
	[HEALTH_REGISTRY_MISSING] = { "registry-missing", "aucun registre", LOG_LEVEL_CRIT },
	[HEALTH_CLOCK] = { "clock-unsynchronised", "horloge du serveur non synchronisée",
	                   LOG_LEVEL_WARN },
	[HEALTH_NO_CONSOLE] = { "no-console", "aucun poste connecté", LOG_LEVEL_ERROR },
	[HEALTH_NO_ALARM] = { "no-alarm", "alarme extérieure indisponible", LOG_LEVEL_ERROR },
	[HEALTH_DESCRIPTORS] = { "descriptors", "plus de place pour de nouvelles liaisons",
	                         LOG_LEVEL_ERROR },
	[HEALTH_CERTIFICATE] = { "certificate", "certificat bientôt échu", LOG_LEVEL_WARN },
};

void health_set(struct health *h, enum health_kind kind, bool is_on, const char *why,
                struct wall now)
{
	struct health_state *s = &h->states[kind];
	if (is_on)
		TEXT_COPY(s->why, why != NULL ? why : "");
	if (s->is_on == is_on)
		return;
	s->is_on = is_on;
	if (is_on) {
		s->since = now;
		log_event(words[kind].level, "degraded", LOG_TEXT("state", words[kind].name),
		          LOG_TEXT("why", s->why));
		return;
	}
	log_event(LOG_LEVEL_NOTICE, "recovered", LOG_TEXT("state", words[kind].name),
	          LOG_NUMBER("after_ms", wall_ms_between(s->since, now)));
	*s = (struct health_state){ 0 };
}

bool health_is_on(const struct health *h, enum health_kind kind)
{
	return h->states[kind].is_on;
}

bool health_is_ready(const struct health *h)
{
	return !health_is_on(h, HEALTH_REGISTRY_MISSING) &&
	       !(health_is_on(h, HEALTH_JOURNAL_FAILING) &&
	         (health_is_on(h, HEALTH_POSTGRES_AWAY) ||
	          health_is_on(h, HEALTH_POSTGRES_SCHEMA) ||
	          health_is_on(h, HEALTH_POSTGRES_FOREIGN)));
}

const struct health_state *health_next(const struct health *h, unsigned n, enum health_kind *kind)
{
	for (enum health_kind k = 0; k < HEALTH_KINDS; k++) {
		if (!h->states[k].is_on || n-- > 0)
			continue;
		if (kind != NULL)
			*kind = k;
		return &h->states[k];
	}
	return NULL;
}

const char *health_name(enum health_kind kind)
{
	return kind < HEALTH_KINDS ? words[kind].name : "unknown";
}

const char *health_sentence(enum health_kind kind)
{
	return kind < HEALTH_KINDS ? words[kind].sentence : "";
}
