/*
 * The options that every verb on a framed link has in common: where the server is and who we are.
 *
 * A verb puts CLIENT_OPTIONS(variable) into its list of options and opens the client with it.
 */
#ifndef TOCSIN_TOOL_CLIENT_OPTIONS_H
#define TOCSIN_TOOL_CLIENT_OPTIONS_H

#include <stdbool.h>

#include "tool/client.h"
#include "tool/verb.h"

struct client_options { /* all borrowed; NULL: not given */
	const char *server;
	const char *server_name;
	const char *identity;
	const char *identities; /* the folder of the named identities */
	const char *certificate, *key, *authority;
};

#define CLIENT_OPTIONS(o)                                                                          \
	{ "server", NULL, &(o).server, "ADDRESS:PORT", "numeric; [::1]:PORT for IPv6" },           \
		{ "server-name", NULL, &(o).server_name, "NAME",                                   \
		  "what the server's certificate bears, if not its address" },                     \
		{ "identity", NULL, &(o).identity, "NAME",                                         \
		  "be NAME: NAME.pem, NAME.key and ca.pem in the folder of --identities" },        \
		{ "identities", NULL, &(o).identities, "FOLDER",                                   \
		  "where the named identities are" },                                              \
		{ "certificate", NULL, &(o).certificate, "FILE", "instead of --identity" },        \
		{ "key", NULL, &(o).key, "FILE", "its key, if it is not in the same file" },       \
	{                                                                                          \
		"authority", NULL, &(o).authority, "FILE", "who signs the server's certificate"    \
	}

enum client_listener { CLIENT_TO_ALERTS, CLIENT_TO_CONSOLES };

/* Takes from the configuration (verb_config) what was not given: the server's address, and the
 * folder of its certificates for --identities. Nothing happens when all was given or there is no
 * such file. False: it has an error, told in `why`. */
bool client_options_complete(struct client_options *o, enum client_listener listener,
			     char why[static CLIENT_WHY_SIZE]);

/* NULL, with a sentence in `why`. *is_usage: the options do not say enough. */
struct client *client_options_open(const struct client_options *o, char why[static CLIENT_WHY_SIZE],
				   bool *is_usage);

#endif
