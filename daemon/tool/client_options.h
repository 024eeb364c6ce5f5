/*
 * The options that every verb on a framed link has in common: where the server is and who we are.
 *
 * A verb puts CLIENT_OPTIONS into its table for getopt_long and gives each value that it does not
 * know itself to client_options_take().
 */
#ifndef TOCSIN_TOOL_CLIENT_OPTIONS_H
#define TOCSIN_TOOL_CLIENT_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>

#include "tool/client.h"

struct client_options { /* all borrowed from argv or the configuration; NULL: not given */
	const char *server;
	const char *server_name;
	const char *identity;
	const char *identities; /* the folder of the named identities */
	const char *certificate, *key, *authority;
};

enum client_option {
	CLIENT_OPTION_SERVER = 1000,
	CLIENT_OPTION_SERVER_NAME,
	CLIENT_OPTION_IDENTITY,
	CLIENT_OPTION_IDENTITIES,
	CLIENT_OPTION_CERTIFICATE,
	CLIENT_OPTION_KEY,
	CLIENT_OPTION_AUTHORITY,
};

#define CLIENT_OPTIONS                                                                             \
	{ "server", required_argument, NULL, CLIENT_OPTION_SERVER },                               \
		{ "server-name", required_argument, NULL, CLIENT_OPTION_SERVER_NAME },             \
		{ "identity", required_argument, NULL, CLIENT_OPTION_IDENTITY },                   \
		{ "identities", required_argument, NULL, CLIENT_OPTION_IDENTITIES },               \
		{ "certificate", required_argument, NULL, CLIENT_OPTION_CERTIFICATE },             \
		{ "key", required_argument, NULL, CLIENT_OPTION_KEY },                             \
	{                                                                                          \
		"authority", required_argument, NULL, CLIENT_OPTION_AUTHORITY                      \
	}

/* For --help; the default of --server is the verb's. */
#define CLIENT_OPTIONS_HELP                                                                        \
	"  --server ADDRESS:PORT   numeric; [::1]:PORT for IPv6\n"                                 \
	"  --server-name NAME      what the server's certificate bears (default: its address)\n"   \
	"  --identity NAME         NAME.pem, NAME.key and ca.pem in the folder of --identities\n"  \
	"  --identities FOLDER     (default: the folder of the configuration's certificate)\n"     \
	"  --certificate FILE --key FILE --authority FILE   instead of --identity\n"

bool client_options_take(struct client_options *o, int option, const char *value);

/* NULL, with a sentence in `why`. `*is_usage`: the options do not say enough. */
struct client *client_options_open(const struct client_options *o, char why[static CLIENT_WHY_SIZE],
				   bool *is_usage);

#endif
