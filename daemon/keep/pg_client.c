#include "keep/pg_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "support/text.h"

#define PG_CLIENT_OPTIONS_MAX 64

struct pg_client {
	PQconninfoOption *options;
	unsigned hosts, attempts;
	int stop_fd;
	PGconn *conn;
	char why[PG_CLIENT_WHY_SIZE];
};

/* ---- what to connect to ---- */

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword; options++)
		if (strcmp(options->keyword, keyword) == 0)
			return options->val ? options->val : "";
	return "";
}

static unsigned list_count(const char *list)
{
	unsigned count = *list != '\0';

	for (; *list; list++)
		count += *list == ',';
	return count;
}

/* The nth of a list; of a list of one, that one, as libpq does with ports. */
static bool list_item(const char *list, unsigned n, char *out, size_t size)
{
	unsigned count = list_count(list);
	const char *end;

	for (n = count > 1 ? n : 0; n > 0 && (end = strchr(list, ',')) != NULL; n--)
		list = end + 1;
	end = strchrnul(list, ',');
	if ((size_t)(end - list) >= size)
		return false;
	memcpy(out, list, (size_t)(end - list));
	out[end - list] = '\0';
	return true;
}

static bool is_numeric(const char *host)
{
	struct in6_addr address;

	return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

/* A socket's folder or a numeric address each; anything else would be looked up, without a
 * deadline.
 */
static bool hosts_are_direct(const PQconninfoOption *options, unsigned hosts)
{
	const char *host = option_value(options, "host"),
	           *address = option_value(options, "hostaddr");
	char item[PG_CLIENT_WHY_SIZE];

	for (unsigned n = 0; n < hosts; n++) {
		if (list_item(address, n, item, sizeof item) && *item)
			continue;
		if (!list_item(host, n, item, sizeof item))
			return false;
		if (*item != '/' && *item != '@' && !is_numeric(item))
			return false;
	}
	return hosts > 0;
}

struct pg_client *pg_client_new(const char *conninfo, int stop_fd,
                                char why[static PG_CLIENT_WHY_SIZE])
{
	char *error = NULL;
	struct pg_client *c = calloc(1, sizeof *c);

	text_copy(why, PG_CLIENT_WHY_SIZE, "no memory");
	if (!c)
		return NULL;
	c->stop_fd = stop_fd;
	c->options = PQconninfoParse(conninfo, &error);
	if (!c->options) {
		text_copy(why, PG_CLIENT_WHY_SIZE, error ? error : "no memory");
		why[strcspn(why, "\n")] = '\0';
		PQfreemem(error);
		free(c);
		return NULL;
	}
	unsigned hosts = list_count(option_value(c->options, "host"));
	unsigned addresses = list_count(option_value(c->options, "hostaddr"));
	c->hosts = hosts > addresses ? hosts : addresses;
	if (hosts_are_direct(c->options, c->hosts))
		return c;
	text_copy(why, PG_CLIENT_WHY_SIZE,
	          "names are not looked up: give hostaddr=ADDRESS, or host=/FOLDER of the socket");
	pg_client_free(c);
	return NULL;
}

void pg_client_free(struct pg_client *c)
{
	if (!c)
		return;
	pg_client_disconnect(c);
	PQconninfoFree(c->options);
	free(c);
}

/* ---- waiting ---- */

static bool fail(struct pg_client *c, const char *why)
{
	/* libpq's messages end with a line feed, and may go on with hints. */
	text_copy(c->why, sizeof c->why, why);
	c->why[strcspn(c->why, "\n")] = '\0';
	pg_client_disconnect(c);
	return false;
}

static bool fail_by_server(struct pg_client *c, const PGresult *result)
{
	const char *said = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;

	return fail(c, said ? said : PQerrorMessage(c->conn));
}

static int remaining_ms(struct mono deadline)
{
	int64_t ms = mono_ms_between(clock_mono(), deadline) + 1;

	return ms < 0 ? 0 : ms > INT_MAX ? INT_MAX : (int)ms;
}

/* One wait for the socket; false, with the reason and without a connection, when it is not to be.
 */
static bool wait_for(struct pg_client *c, short events, struct mono deadline)
{
	struct pollfd fds[] = {
		{ .fd = c->stop_fd, .events = POLLIN },
		{ .fd = PQsocket(c->conn), .events = events },
	};

	for (;;) {
		int ready = poll(fds, 2, remaining_ms(deadline));
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready < 0)
			return fail(c, strerror(errno));
		if (fds[0].revents)
			return fail(c, "stopping");
		return ready > 0 ? true : fail(c, "no answer in time");
	}
}

enum pg_client_wait pg_client_wait(struct pg_client *c, int work_fd, struct mono deadline)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = c->stop_fd, .events = POLLIN },
			{ .fd = work_fd, .events = POLLIN },
			{ .fd = c->conn ? PQsocket(c->conn) : -1, .events = POLLIN },
		};
		bool notified = false;
		for (PGnotify *n; c->conn && (n = PQnotifies(c->conn)) != NULL; notified = true)
			PQfreemem(n);
		if (notified)
			return PG_CLIENT_NOTIFIED;
		int ready = poll(fds, 3, remaining_ms(deadline));
		if (ready < 0 && errno != EINTR) {
			fail(c, strerror(errno));
			return PG_CLIENT_LOST;
		}
		if (ready == 0)
			return PG_CLIENT_DUE;
		if (ready < 0)
			continue;
		if (fds[0].revents)
			return PG_CLIENT_STOPPED;
		if (fds[2].revents && !PQconsumeInput(c->conn)) {
			fail_by_server(c, NULL);
			return PG_CLIENT_LOST;
		}
		if (fds[1].revents)
			return PG_CLIENT_WOKEN;
	}
}

/* ---- connecting ---- */

static PGconn *start(struct pg_client *c)
{
	const char *keys[PG_CLIENT_OPTIONS_MAX], *values[PG_CLIENT_OPTIONS_MAX];
	char host[PG_CLIENT_WHY_SIZE], address[PG_CLIENT_WHY_SIZE], port[PG_CLIENT_WHY_SIZE];
	unsigned count = 0, n = c->attempts++ % c->hosts;

	if (!list_item(option_value(c->options, "host"), n, host, sizeof host) ||
	    !list_item(option_value(c->options, "hostaddr"), n, address, sizeof address) ||
	    !list_item(option_value(c->options, "port"), n, port, sizeof port))
		return NULL;
	for (const PQconninfoOption *o = c->options;
	     o->keyword && count < PG_CLIENT_OPTIONS_MAX - 6; o++) {
		if (!o->val || strcmp(o->keyword, "host") == 0 ||
		    strcmp(o->keyword, "hostaddr") == 0 || strcmp(o->keyword, "port") == 0)
			continue;
		keys[count] = o->keyword;
		values[count++] = o->val;
	}
	const char *const ours[][2] = {
		{ "host", host },
		{ "hostaddr", address },
		{ "port", port },
		{ "gssencmode", "disable" }, /* its negotiation blocks */
		{ "client_encoding", "UTF8" },
	};
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		keys[count] = ours[i][0];
		values[count++] = ours[i][1];
	}
	keys[count] = values[count] = NULL;
	return PQconnectStartParams(keys, values, 0);
}

bool pg_client_connect(struct pg_client *c, struct mono deadline)
{
	PostgresPollingStatusType step = PGRES_POLLING_WRITING;

	pg_client_disconnect(c);
	c->conn = start(c);
	if (!c->conn)
		return fail(c, "no memory, or a host that is too long");
	if (PQstatus(c->conn) == CONNECTION_BAD)
		return fail_by_server(c, NULL);
	while (step != PGRES_POLLING_OK) {
		if (!wait_for(c, step == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline))
			return false;
		step = PQconnectPoll(c->conn);
		if (step == PGRES_POLLING_FAILED)
			return fail_by_server(c, NULL);
	}
	if (PQsetnonblocking(c->conn, 1) != 0)
		return fail_by_server(c, NULL);
	return true;
}

void pg_client_disconnect(struct pg_client *c)
{
	PQfinish(c->conn);
	c->conn = NULL;
}

bool pg_client_is_connected(const struct pg_client *c)
{
	return c->conn != NULL;
}

/* ---- statements ---- */

static bool flush(struct pg_client *c, struct mono deadline)
{
	int left;

	while ((left = PQflush(c->conn)) > 0) {
		/* A server that waits for us to read must be read from, or both wait for ever. */
		if (!wait_for(c, POLLIN | POLLOUT, deadline))
			return false;
		if (!PQconsumeInput(c->conn))
			return fail_by_server(c, NULL);
	}
	return left == 0 ? true : fail_by_server(c, NULL);
}

/* The next result of the statement; NULL in *out when there is none any more. */
static bool next_result(struct pg_client *c, struct mono deadline, PGresult **out)
{
	while (PQisBusy(c->conn)) {
		if (!wait_for(c, POLLIN, deadline))
			return false;
		if (!PQconsumeInput(c->conn))
			return fail_by_server(c, NULL);
	}
	*out = PQgetResult(c->conn);
	return true;
}

/* Reads on until the statement is over; a late error counts. */
static bool finish(struct pg_client *c, struct mono deadline)
{
	PGresult *result;

	for (;;) {
		if (!next_result(c, deadline, &result))
			return false;
		if (!result)
			return true;
		ExecStatusType status = PQresultStatus(result);
		bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
		          fail_by_server(c, result);
		PQclear(result);
		if (!ok)
			return false;
	}
}

/* Sends a statement and takes its first result, which must be of this status. */
static PGresult *begin(struct pg_client *c, const char *sql, int count, const char *const *params,
                       ExecStatusType expected, struct mono deadline)
{
	PGresult *result = NULL;

	if (!c->conn) {
		fail(c, "not connected");
		return NULL;
	}
	if (!PQsendQueryParams(c->conn, sql, count, NULL, params, NULL, NULL, 0)) {
		fail_by_server(c, NULL);
		return NULL;
	}
	if (!flush(c, deadline) || !next_result(c, deadline, &result))
		return NULL;
	if (PQresultStatus(result) == expected)
		return result;
	fail_by_server(c, result);
	PQclear(result);
	return NULL;
}

PGresult *pg_client_ask(struct pg_client *c, const char *sql, int count, const char *const *params,
                        struct mono deadline)
{
	PGresult *result = begin(c, sql, count, params, PGRES_TUPLES_OK, deadline);

	if (!result || finish(c, deadline))
		return result;
	PQclear(result);
	return NULL;
}

bool pg_client_tell(struct pg_client *c, const char *sql, struct mono deadline)
{
	PGresult *result = begin(c, sql, 0, NULL, PGRES_COMMAND_OK, deadline);

	PQclear(result);
	return result && finish(c, deadline);
}

bool pg_client_copy(struct pg_client *c, const char *sql, int64_t silence_ms, pg_client_piece *each,
                    void *context)
{
	PGresult *result =
	        begin(c, sql, 0, NULL, PGRES_COPY_OUT, mono_add_ms(clock_mono(), silence_ms));

	PQclear(result);
	if (!result)
		return false;
	for (;;) {
		char *bytes = NULL;
		int length = PQgetCopyData(c->conn, &bytes, 1);
		if (length == -1)
			return finish(c, mono_add_ms(clock_mono(), silence_ms));
		if (length < -1)
			return fail_by_server(c, NULL);
		if (length == 0) {
			if (!wait_for(c, POLLIN, mono_add_ms(clock_mono(), silence_ms)))
				return false;
			if (!PQconsumeInput(c->conn))
				return fail_by_server(c, NULL);
			continue;
		}
		bool go_on = each(context, (const uint8_t *)bytes, (size_t)length);
		PQfreemem(bytes);
		if (!go_on)
			return fail(c, "a row that cannot be used");
	}
}

const char *pg_client_why(const struct pg_client *c)
{
	return c->why;
}
