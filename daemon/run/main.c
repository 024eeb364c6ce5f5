/* tocsind [-c FILE] [--check-config] [--version] */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "run/conf.h"
#include "run/server.h"
#include "support/id.h"
#include "support/log.h"
#include "support/table.h"

#define CONF_FILE "/etc/tocsin/tocsin.conf"

static void tell_error(void *arg, const char *sentence)
{
	(void)arg;
	fprintf(stderr, "%s\n", sentence);
}

static int usage(FILE *to, int status)
{
	fputs("usage: tocsind [-c FILE] [--check-config] [--version]\n"
	      "  -c, --config FILE  the configuration, " CONF_FILE " unless given\n"
	      "  --check-config     says every error in it and ends\n"
	      "  --version          says the version and ends\n",
	      to);
	return status;
}

/* The memory of this process holds the numbers of callers who never agreed to anything: it leaves
 * no core file and shows itself to no debugger of another user. */
static bool leave_no_core(void)
{
	const struct rlimit none = { 0, 0 };
	return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
		                                 { "check-config", no_argument, NULL, 'k' },
		                                 { "version", no_argument, NULL, 'v' },
		                                 { "help", no_argument, NULL, 'h' },
		                                 { NULL, 0, NULL, 0 } };
	const char *path = CONF_FILE;
	bool check = false;
	for (int o; (o = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
		switch (o) {
		case 'c': path = optarg; break;
		case 'k': check = true; break;
		case 'v': printf("tocsind %s\n", TOCSIN_VERSION); return 0;
		case 'h': return usage(stdout, 0);
		default: return usage(stderr, 2);
		}
	}
	if (optind != argc)
		return usage(stderr, 2);

	static struct conf conf;
	struct conf_report report = { tell_error, NULL };
	if (!conf_read(path, &conf, &report))
		return 1;
	if (check) {
		printf("%s: no errors\n", path);
		return 0;
	}
	log_set_level((enum log_level)conf.log.level);
	if (!leave_no_core())
		log_event(LOG_LEVEL_WARN, "core-files-not-refused");
	uint64_t seed;
	struct id random = id_new(clock_wall());
	memcpy(&seed, random.b + ID_BYTES - sizeof seed, sizeof seed);
	table_set_seed(seed);
	struct server *s = server_new(&conf, path);
	if (s == NULL)
		return 1;
	bool ok = server_run(s);
	server_free(s);
	return ok ? 0 : 1;
}
