#include "tool/alert_request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/text.h"
#include "tool/enum_word.h"

#define ALERT_REQUEST_TIMEOUT_MS 10000

enum alert_option {
	OPTION_KIND = 1,
	OPTION_CALL,
	OPTION_ID,
	OPTION_AT,
	OPTION_NUMBER,
	OPTION_PRACTITIONER,
	OPTION_PERSON_NAME,
	OPTION_PERSON_NUMBER,
	OPTION_LAT,
	OPTION_LON,
	OPTION_ACCURACY,
	OPTION_FIXED_AT,
	OPTION_METHOD,
	OPTION_ADDRESS,
	OPTION_COMMUNE,
	OPTION_NOTE,
	OPTION_EXERCISE,
	OPTION_CENTRE,
	OPTION_LINE,
	OPTION_AGENT,
	OPTION_REPEAT,
	OPTION_TIMEOUT,
	OPTION_FOLLOW,
	OPTION_JSON,
	OPTION_HELP,
};

static const struct option options[] = {
	{ "kind", required_argument, NULL, OPTION_KIND },
	{ "call", required_argument, NULL, OPTION_CALL },
	{ "id", required_argument, NULL, OPTION_ID },
	{ "at", required_argument, NULL, OPTION_AT },
	{ "number", required_argument, NULL, OPTION_NUMBER },
	{ "practitioner", required_argument, NULL, OPTION_PRACTITIONER },
	{ "person-name", required_argument, NULL, OPTION_PERSON_NAME },
	{ "person-number", required_argument, NULL, OPTION_PERSON_NUMBER },
	{ "lat", required_argument, NULL, OPTION_LAT },
	{ "lon", required_argument, NULL, OPTION_LON },
	{ "accuracy", required_argument, NULL, OPTION_ACCURACY },
	{ "fixed-at", required_argument, NULL, OPTION_FIXED_AT },
	{ "method", required_argument, NULL, OPTION_METHOD },
	{ "address", required_argument, NULL, OPTION_ADDRESS },
	{ "commune", required_argument, NULL, OPTION_COMMUNE },
	{ "note", required_argument, NULL, OPTION_NOTE },
	{ "exercise", no_argument, NULL, OPTION_EXERCISE },
	{ "centre", required_argument, NULL, OPTION_CENTRE },
	{ "line", required_argument, NULL, OPTION_LINE },
	{ "agent", required_argument, NULL, OPTION_AGENT },
	{ "repeat", required_argument, NULL, OPTION_REPEAT },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "follow", required_argument, NULL, OPTION_FOLLOW },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "help", no_argument, NULL, OPTION_HELP },
	CLIENT_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
	"tocsin alert --identity NAME [--kind KIND | --call PHASE] [options]\n"
	"Sends one alert, or one phase of a call, through the alerts listener and prints its\n"
	"receipt and the time from sending to receipt. Exit 0 only with a receipt.\n"
	"\n"
	"An alert:\n"
	"  --kind KIND             panic (default), duress, silent, medical, relay, intrusion,\n"
	"                          tamper, battery, link, test, cancel, position; or a number\n"
	"  --practitioner RPPS     whom it is about, by register number\n"
	"  --person-name TEXT --person-number TEXT   or as stated\n"
	"  --address TEXT --commune INSEE            where, as stated\n"
	"  --note TEXT\n"
	"  --exercise              an exercise, never joined with the real ones\n"
	"A call to the 17 (telephone exchanges):\n"
	"  --call PHASE            presented, answered, ended or abandoned; one --id for a call\n"
	"  --centre ID --line TEXT --agent TEXT      where it was presented\n"
	"Either:\n"
	"  --id TEXT               the sender's own id of it (default: a new one)\n"
	"  --at TIME               when it happened, RFC 3339, or none (default: now)\n"
	"  --number TEXT           a telephone number as the sender spells it\n"
	"  --lat DEG --lon DEG [--accuracy M] [--fixed-at TIME] [--method WORD]\n"
	"Sending:\n"
	"  --repeat N              sends the same message N times, as a device without answer does\n"
	"  --timeout S             for the link and for each receipt (default: 10)\n"
	"  --follow S              then shows what becomes of it, until it is closed or S passed\n"
	"  --json                  one line of JSON for each receipt and state\n"
	"The link:\n" CLIENT_OPTIONS_HELP;

static bool refuse(char *why, const char *option, const char *value)
{
	why[0] = '\0';
	text_add(why, ALERT_REQUEST_WHY_SIZE, "--%s %s: not a usable value", option, value);
	return false;
}

static bool parse_number(const char *value, double *out)
{
	char *end;

	errno = 0;
	*out = strtod(value, &end);
	return end != value && *end == '\0' && errno == 0;
}

static bool parse_time(const char *value, int64_t *out)
{
	struct wall wall = { 0 };

	if (strcmp(value, "none") != 0 && !wall_parse(value, &wall))
		return false;
	*out = wall.us;
	return true;
}

/* A word, or a bare number so that kinds of a later version can be tried. */
static bool parse_kind(const char *value, Tocsin__V1__Kind *out)
{
	int word;
	int64_t number;

	if (enum_word_parse(&tocsin__v1__kind__descriptor, value, &word))
		number = word;
	else if (!text_to_int(value, 0, INT32_MAX, &number))
		return false;
	*out = (Tocsin__V1__Kind)number;
	return true;
}

static bool parse_phase(struct alert_request *r, const char *value)
{
	int phase;

	if (!enum_word_parse(&tocsin__v1__phase__descriptor, value, &phase))
		return false;
	r->call.phase = (Tocsin__V1__Phase)phase;
	r->message.body_case = TOCSIN__V1__SENDER_MESSAGE__BODY_CALL;
	r->message.call = &r->call;
	return true;
}

static bool parse_seconds(const char *value, int64_t *ms)
{
	double seconds;

	if (!parse_number(value, &seconds) || !(seconds >= 0 && seconds <= 86400))
		return false;
	*ms = (int64_t)(seconds * 1000);
	return true;
}

/* The options that say what the message holds. */
static bool take_content(struct alert_request *r, int option, char *value)
{
	Tocsin__V1__Position *p = &r->position;

	switch (option) {
	case OPTION_KIND: return parse_kind(value, &r->alert.kind);
	case OPTION_CALL: return parse_phase(r, value);
	case OPTION_ID: r->alert.id = r->call.id = value; return true;
	case OPTION_AT:
		return parse_time(value, &r->alert.occurred_at) && parse_time(value, &r->call.at);
	case OPTION_NUMBER: r->alert.number = r->call.number = value; return true;
	case OPTION_PRACTITIONER: r->alert.practitioner = value; return true;
	case OPTION_PERSON_NAME: r->person.name = value, r->alert.person = &r->person; return true;
	case OPTION_PERSON_NUMBER:
		r->person.number = value, r->alert.person = &r->person;
		return true;
	case OPTION_LAT: return parse_number(value, &p->lat);
	case OPTION_LON: return parse_number(value, &p->lon);
	case OPTION_ACCURACY: return parse_number(value, &p->accuracy_m);
	case OPTION_FIXED_AT: return parse_time(value, &p->fixed_at);
	case OPTION_METHOD: p->method = value; return true;
	case OPTION_ADDRESS: r->alert.address = value; return true;
	case OPTION_COMMUNE: r->alert.commune = value; return true;
	case OPTION_NOTE: r->alert.note = value; return true;
	case OPTION_EXERCISE: r->alert.exercise = 1; return true;
	case OPTION_CENTRE: r->presented_to.centre = value; return true;
	case OPTION_LINE: r->presented_to.line = value; return true;
	case OPTION_AGENT: r->presented_to.agent = value; return true;
	default: return false;
	}
}

static bool take(struct alert_request *r, int option, char *value)
{
	switch (option) {
	case OPTION_REPEAT: return text_to_int(value, 1, 1000000, &r->repeat);
	case OPTION_TIMEOUT: return parse_seconds(value, &r->timeout_ms);
	case OPTION_FOLLOW: return parse_seconds(value, &r->follow_ms);
	case OPTION_JSON: return r->json = true;
	case OPTION_HELP: return r->help = true;
	default:
		return client_options_take(&r->link, option, value) ||
		       take_content(r, option, value);
	}
}

static void init(struct alert_request *r, struct wall now)
{
	memset(r, 0, sizeof *r);
	tocsin__v1__sender_message__init(&r->message);
	tocsin__v1__alert__init(&r->alert);
	tocsin__v1__call__init(&r->call);
	tocsin__v1__position__init(&r->position);
	tocsin__v1__stated_person__init(&r->person);
	tocsin__v1__presented_to__init(&r->presented_to);
	id_format(id_new(now), r->id);
	r->alert.id = r->call.id = r->id;
	r->alert.kind = TOCSIN__V1__KIND__KIND_PANIC;
	r->alert.occurred_at = r->call.at = r->position.fixed_at = now.us;
	r->call.presented_to = &r->presented_to;
	r->message.body_case = TOCSIN__V1__SENDER_MESSAGE__BODY_ALERT;
	r->message.alert = &r->alert;
	r->repeat = 1;
	r->timeout_ms = ALERT_REQUEST_TIMEOUT_MS;
}

bool alert_request_parse(struct alert_request *r, int argc, char **argv, struct wall now,
			 char why[static ALERT_REQUEST_WHY_SIZE])
{
	bool has_lat = false, has_lon = false;
	int option, index = 0;

	init(r, now);
	why[0] = '\0';
	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (option == '?') {
			text_add(why, ALERT_REQUEST_WHY_SIZE,
				 "%s: no such option, or without its value", argv[optind - 1]);
			return false;
		}
		if (!take(r, option, optarg))
			return refuse(why, options[index].name, optarg);
		has_lat |= option == OPTION_LAT;
		has_lon |= option == OPTION_LON;
	}
	if (optind < argc) {
		text_add(why, ALERT_REQUEST_WHY_SIZE, "%s: not expected here", argv[optind]);
		return false;
	}
	if (has_lat != has_lon) {
		text_add(why, ALERT_REQUEST_WHY_SIZE, "--lat and --lon go together");
		return false;
	}
	if (has_lat)
		r->alert.position = r->call.position = &r->position;
	return true;
}

const char *alert_request_help(void)
{
	return help;
}
