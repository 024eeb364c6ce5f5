#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/console.pb-c.h"
#include "push/console_decode.h"

static struct console_message decoded;

static void decode(const Tocsin__V1__ConsoleMessage *m)
{
	uint8_t bytes[8192];
	size_t length = tocsin__v1__console_message__get_packed_size(m);
	assert_true(length <= sizeof bytes);
	tocsin__v1__console_message__pack(m, bytes);
	console_decode(bytes, length, &decoded);
}

static void decode_hello(const char *operator, const char * resume_after, uint32_t version)
{
	Tocsin__V1__ConsoleMessage m = TOCSIN__V1__CONSOLE_MESSAGE__INIT;
	Tocsin__V1__ConsoleHello h = TOCSIN__V1__CONSOLE_HELLO__INIT;
	h.n_versions = 1;
	h.versions = &version;
	h.operator_ = (char *)(uintptr_t) operator;
	h.resume_after = (char *)(uintptr_t)resume_after;
	m.body_case = TOCSIN__V1__CONSOLE_MESSAGE__BODY_HELLO;
	m.hello = &h;
	decode(&m);
}

static void decode_act(Tocsin__V1__Act *a)
{
	Tocsin__V1__ConsoleMessage m = TOCSIN__V1__CONSOLE_MESSAGE__INIT;
	m.body_case = TOCSIN__V1__CONSOLE_MESSAGE__BODY_ACT;
	m.act = a;
	decode(&m);
}

static void an_operator_has_a_name(void **state)
{
	(void)state;
	decode_hello("Dupont", "1:2:3", 1);
	assert_int_equal(decoded.kind, CONSOLE_HELLO);
	assert_true(decoded.speaks_ours);
	assert_string_equal(decoded.operator, "Dupont");
	assert_int_equal(decoded.resume_after.number, 3);
	decode_hello("Dupont", "yesterday", 2);
	assert_false(decoded.speaks_ours);
	assert_false(position_is_set(decoded.resume_after));
	const char *none[] = { "", "   ", "\t", "a\xff" };
	for (size_t n = 0; n < 4; n++) {
		decode_hello(none[n], "", 1);
		assert_int_equal(decoded.kind, CONSOLE_GARBAGE);
	}
}

/* The numbers of proto's verbs are those of ours. */
static void verbs_agree(void **state)
{
	(void)state;
	for (int verb = 1; verb <= ACT_LOOK; verb++) {
		Tocsin__V1__Act a = TOCSIN__V1__ACT__INIT;
		a.verb = (Tocsin__V1__Verb)verb;
		decode_act(&a);
		assert_int_equal(decoded.act.verb, verb);
		const ProtobufCEnumValue *v =
		        protobuf_c_enum_descriptor_get_value(&tocsin__v1__verb__descriptor, verb);
		char expected[32] = "VERB_";
		size_t at = strlen(expected);
		for (const char *c = act_verb_name((enum act_verb)verb); *c; c++)
			expected[at++] = (char)(*c - 'a' + 'A');
		assert_string_equal(v->name, expected);
	}
	Tocsin__V1__Act a = TOCSIN__V1__ACT__INIT;
	a.verb = (Tocsin__V1__Verb)11; /* signing in is no act on an incident */
	decode_act(&a);
	assert_int_equal(decoded.act.verb, ACT_UNKNOWN);
}

static void an_act_arrives(void **state)
{
	(void)state;
	Tocsin__V1__Act a = TOCSIN__V1__ACT__INIT;
	a.ref = "r1";
	a.verb = TOCSIN__V1__VERB__VERB_TRANSFER;
	a.incident = "01900000-0000-7000-8000-000000000001";
	a.revision = 9;
	a.note = "patrouille";
	a.centre = "corg-77";
	a.disposition = "done";
	decode_act(&a);
	assert_int_equal(decoded.kind, CONSOLE_ACT);
	assert_string_equal(decoded.ref, "r1");
	assert_int_equal(decoded.act.revision, 9);
	assert_int_equal(decoded.act.incident.v.b[15], 1);
	assert_string_equal(decoded.act.to.text, "corg-77");
	assert_string_equal(decoded.act.note, "patrouille");
	assert_string_equal(decoded.act.disposition, "done");
	a.incident = "not one";
	decode_act(&a);
	assert_false(id_is_set(decoded.act.incident.v));
}

static void too_long_is_told_and_bad_text_is_garbage(void **state)
{
	(void)state;
	char note[ALERT_NOTE_SIZE + 2];
	Tocsin__V1__Act a = TOCSIN__V1__ACT__INIT;
	memset(note, 'n', sizeof note);
	note[sizeof note - 1] = '\0';
	a.note = note;
	decode_act(&a);
	assert_int_equal(decoded.kind, CONSOLE_ACT);
	assert_true(decoded.is_too_long);
	note[ALERT_NOTE_SIZE - 1] = '\0';
	decode_act(&a);
	assert_false(decoded.is_too_long);
	a.note = "\xc3";
	decode_act(&a);
	assert_int_equal(decoded.kind, CONSOLE_GARBAGE);
	console_decode((const uint8_t *)"\xff\xff\xff", 3, &decoded);
	assert_int_equal(decoded.kind, CONSOLE_GARBAGE);
	console_decode(NULL, 0, &decoded); /* a message without a body */
	assert_int_equal(decoded.kind, CONSOLE_GARBAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_operator_has_a_name),
		cmocka_unit_test(verbs_agree),
		cmocka_unit_test(an_act_arrives),
		cmocka_unit_test(too_long_is_told_and_bad_text_is_garbage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
