#include "keep/pg_target.h"

#include <arpa/inet.h>
#include <string.h>

#include "support/text.h"

static const char *option(const struct pg_target *t, const char *keyword)
{
	for (const PQconninfoOption *o = t->options; o->keyword != NULL; o++)
		if (strcmp(o->keyword, keyword) == 0)
			return o->val != NULL ? o->val : "";
	return "";
}

static unsigned items_in(const char *list)
{
	unsigned count = 1;

	for (; *list != '\0'; list++)
		count += *list == ',';
	return count;
}

/* The n-th item of a comma-separated list; false when it is too long. */
static bool item_of(const char *list, unsigned n, char *out, size_t size)
{
	for (; n > 0; n--)
		list = strchr(list, ',') + 1;
	size_t length = strcspn(list, ",");
	if (length >= size)
		return false;
	memcpy(out, list, length);
	out[length] = '\0';
	return true;
}

static bool is_numeric(const char *address)
{
	struct in6_addr any;

	return inet_pton(AF_INET, address, &any) == 1 || inet_pton(AF_INET6, address, &any) == 1;
}

static bool is_socket(const char *name)
{
	return name[0] == '/' || name[0] == '@';
}

static bool host_set(struct pg_host *h, const char *names, const char *addresses, const char *ports,
                     unsigned n, char *why)
{
	bool fits =
	        (names[0] == '\0' || item_of(names, n, h->name, sizeof h->name)) &&
	        (addresses[0] == '\0' || item_of(addresses, n, h->address, sizeof h->address)) &&
	        item_of(ports, items_in(ports) == 1 ? 0 : n, h->port, sizeof h->port);

	if (fits && h->address[0] == '\0' && is_numeric(h->name))
		fits = TEXT_COPY(h->address, h->name);
	if (!fits)
		text_add(why, PG_WHY_SIZE, "host %u: too long", n + 1);
	else if (h->address[0] != '\0' && !is_numeric(h->address))
		text_add(why, PG_WHY_SIZE, "hostaddr=%s: not a numeric address", h->address);
	else if (h->address[0] == '\0' && !is_socket(h->name))
		text_add(why, PG_WHY_SIZE,
		         "host=%s: a name is not looked up, give its numeric address as hostaddr",
		         h->name);
	if (why[0] != '\0')
		return false;
	const char *shown = h->address[0] != '\0' ? h->address : h->name;
	text_add(h->label, sizeof h->label, strchr(shown, ':') != NULL ? "[%s]:%s" : "%s:%s", shown,
	         h->port[0] != '\0' ? h->port : "5432");
	return true;
}

/* What would make a connection depend on files or waits that we do not watch. */
static bool options_are_ours(const struct pg_target *t, char *why)
{
	static const char *const refused[] = { "service", "replication" };

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		if (option(t, refused[i])[0] != '\0') {
			text_add(why, PG_WHY_SIZE, "%s=: not understood here", refused[i]);
			return false;
		}
	return true;
}

static bool hosts_set(struct pg_target *t, char *why)
{
	const char *names = option(t, "host"), *addresses = option(t, "hostaddr");
	const char *ports = option(t, "port");
	unsigned count = items_in(addresses[0] != '\0' ? addresses : names);

	if (names[0] == '\0' && addresses[0] == '\0')
		text_add(why, PG_WHY_SIZE,
		         "no host: give host= with a socket's folder, or hostaddr=");
	else if (count > PG_HOSTS_MAX)
		text_add(why, PG_WHY_SIZE, "%u hosts: at most %d", count, PG_HOSTS_MAX);
	else if (names[0] != '\0' && items_in(names) != count)
		text_add(why, PG_WHY_SIZE, "host and hostaddr do not list as many");
	else if (items_in(ports) != 1 && items_in(ports) != count)
		text_add(why, PG_WHY_SIZE, "port lists neither one nor as many as there are hosts");
	if (why[0] != '\0')
		return false;
	for (t->hosts_count = 0; t->hosts_count < count; t->hosts_count++)
		if (!host_set(&t->hosts[t->hosts_count], names, addresses, ports, t->hosts_count,
		              why))
			return false;
	return true;
}

bool pg_target_parse(struct pg_target *out, const char *conninfo, char why[static PG_WHY_SIZE])
{
	char *said = NULL;

	memset(out, 0, sizeof *out);
	why[0] = '\0';
	out->options = PQconninfoParse(conninfo, &said);
	PQfreemem(said); /* it may quote a password */
	if (out->options == NULL)
		text_add(why, PG_WHY_SIZE,
		         "not written as libpq's key=value pairs or postgresql:// URI");
	else if (options_are_ours(out, why) && hosts_set(out, why))
		return true;
	pg_target_done(out);
	return false;
}

void pg_target_done(struct pg_target *t)
{
	PQconninfoFree(t->options);
	*t = (struct pg_target){ 0 };
}
