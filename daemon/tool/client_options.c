#include "tool/client_options.h"

#include <string.h>
#include <unistd.h>

#include "run/conf.h"
#include "support/text.h"

static bool path_put(char out[static CLIENT_PATH_SIZE], const char *given)
{
	return given == NULL || text_copy(out, CLIENT_PATH_SIZE, given);
}

static void on_error(void *why, const char *sentence)
{
	if (((char *)why)[0] == '\0')
		text_copy(why, CLIENT_WHY_SIZE, sentence);
}

bool client_options_complete(struct client_options *o, enum client_listener listener,
			     char why[static CLIENT_WHY_SIZE])
{
	static struct conf conf; /* what the options borrow from */
	struct conf_report report = { .on_error = on_error, .arg = why };

	why[0] = '\0';
	bool is_named = o->identity != NULL || o->certificate == NULL;
	if ((o->server != NULL && (o->identities != NULL || !is_named)) ||
	    access(verb_config(), F_OK) != 0)
		return true;
	if (!conf_read(verb_config(), &conf, &report))
		return false;
	const struct conf_addresses *to =
		listener == CLIENT_TO_ALERTS ? &conf.listen.alerts : &conf.listen.consoles;
	if (o->server == NULL && to->count > 0)
		o->server = to->list[0];
	char *slash = strrchr(conf.tls.authority, '/');
	if (o->identities == NULL && slash != NULL) {
		*slash = '\0';
		o->identities = conf.tls.authority;
	}
	return true;
}

struct client *client_options_open(const struct client_options *o, char why[static CLIENT_WHY_SIZE],
				   bool *is_usage)
{
	struct client_identity identity = { 0 };

	*is_usage = true;
	why[0] = '\0';
	if (o->server == NULL) {
		text_add(why, CLIENT_WHY_SIZE,
			 "--server is missing, and so is a configuration that names it");
		return NULL;
	}
	if (o->identity != NULL && o->identities == NULL) {
		text_add(why, CLIENT_WHY_SIZE, "--identity needs --identities or a configuration");
		return NULL;
	}
	if (o->identity != NULL && !client_identity_named(&identity, o->identities, o->identity)) {
		text_add(why, CLIENT_WHY_SIZE, "--identity: not a name of one");
		return NULL;
	}
	if (!path_put(identity.certificate, o->certificate) || !path_put(identity.key, o->key) ||
	    !path_put(identity.authority, o->authority)) {
		text_add(why, CLIENT_WHY_SIZE, "a path is too long");
		return NULL;
	}
	if (identity.key[0] == '\0')
		text_copy(identity.key, sizeof identity.key, identity.certificate);
	if (identity.certificate[0] == '\0' || identity.authority[0] == '\0') {
		text_add(why, CLIENT_WHY_SIZE,
			 "--identity, or --certificate, --key and --authority, are missing");
		return NULL;
	}
	*is_usage = false;
	return client_new(o->server, o->server_name, &identity, why);
}
