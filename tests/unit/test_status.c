/* `tocsin status` */
#include "tests/unit/http_rig.h"
#include "tests/unit/verb_rig.h"

#include "tool/verb.h"

#define HEAD "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

static const char page[] = HEAD
        "{\"state\":\"serving\",\"links\":{\"alerts\":{\"open\":12,\"max\":10000}},\"share\":0.5,"
        "\"ready\":true,\"old\":false,\"none\":null,"
        "\"degraded\":[{\"state\":\"postgres-away\",\"since\":\"2026-11-21T22:04:38.123Z\",\"why\":"
        "\"\"},"
        "{\"state\":\"x\\u001b[2J\",\"why\":\"a b\"}],\"notes\":[\"un\",2]}";

static void status_is_one_value_a_line(void **state)
{
	static struct verb_said said;
	struct http_rig rig;
	(void)state;

	http_rig_start(&rig, page);
	VERB_RIG(status_verb, &said, "status", "--server", rig.address);
	http_rig_stop(&rig);
	assert_string_equal(said.err, "");
	assert_int_equal(said.code, VERB_DONE);
	assert_string_equal(said.out,
	                    "state                                serving\n"
	                    "links.alerts.open                    12\n"
	                    "links.alerts.max                     10000\n"
	                    "share                                0.5\n"
	                    "ready                                yes\n"
	                    "old                                  no\n"
	                    "none                                 -\n"
	                    "degraded:  state postgres-away  since 2026-11-21T22:04:38.123Z\n"
	                    "degraded:  state x\u00b7[2J  why a b\n"
	                    "notes: un\n"
	                    "notes: 2\n");
}

static void json_is_passed_on_on_one_line(void **state)
{
	static struct verb_said said;
	struct http_rig rig;
	(void)state;

	http_rig_start(&rig, HEAD "{ \"a\" : 1,\n \"b\" : [ ] }\n");
	VERB_RIG(status_verb, &said, "status", "--json", "--server", rig.address);
	http_rig_stop(&rig);
	assert_int_equal(said.code, VERB_DONE);
	assert_string_equal(said.out, "{\"a\":1,\"b\":[]}\n");
}

static void address_comes_from_the_configuration(void **state)
{
	static struct verb_said said;
	struct http_rig rig;
	char path[] = TEMP_DIR "/status.XXXXXX";
	FILE *f = fdopen(mkstemp(path), "w");
	(void)state;

	http_rig_start(&rig, HEAD "{}");
	assert_true(fprintf(f, "listen.admin = %s\n", rig.address) > 0);
	fflush(f);
	verb_set_config(path);
	VERB_RIG(status_verb, &said, "status");
	http_rig_stop(&rig);
	assert_int_equal(said.code, VERB_DONE);
	VERB_RIG(status_verb, &said, "status");
	assert_int_equal(said.code, VERB_REFUSED);
	assert_non_null(strstr(said.err, ": Connection refused\n"));
	rewind(f);
	assert_true(fputs("listen.admin =                          \n", f) >= 0);
	fclose(f);
	VERB_RIG(status_verb, &said, "status");
	unlink(path);
	assert_int_equal(said.code, VERB_REFUSED);
	assert_non_null(strstr(said.err, "sets no listen.admin"));
	VERB_RIG(status_verb, &said, "status");
	assert_int_equal(said.code, VERB_REFUSED);
	assert_non_null(strstr(said.err, "cannot be read"));
}

static void what_is_no_status_is_refused(void **state)
{
	static const char *const pages[] = { HEAD "[]", HEAD "{\"a\":1,\"a\":2}", HEAD "bonjour",
		                             HEAD };
	static struct verb_said said;
	(void)state;

	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		struct http_rig rig;
		http_rig_start(&rig, pages[i]);
		VERB_RIG(status_verb, &said, "status", "--server", rig.address);
		http_rig_stop(&rig);
		assert_int_equal(said.code, VERB_REFUSED);
		assert_non_null(strstr(said.err, "is no status"));
		assert_string_equal(said.out, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_is_one_value_a_line),
		cmocka_unit_test(json_is_passed_on_on_one_line),
		cmocka_unit_test(address_comes_from_the_configuration),
		cmocka_unit_test(what_is_no_status_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
