#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "accept/native_decode.h"
#include "proto/sender.pb-c.h"

#define NOW ((struct wall){ 1793000000LL * CLOCK_S_US })

static uint8_t packed[4096];

static void decode(const Tocsin__V1__SenderMessage *m, struct native *out)
{
	size_t length = tocsin__v1__sender_message__get_packed_size(m);
	assert_true(length <= sizeof packed);
	tocsin__v1__sender_message__pack(m, packed);
	native_decode(packed, length, NOW, out);
}

static void decode_alert(Tocsin__V1__Alert *a, struct native *out)
{
	Tocsin__V1__SenderMessage m = TOCSIN__V1__SENDER_MESSAGE__INIT;
	m.body_case = TOCSIN__V1__SENDER_MESSAGE__BODY_ALERT;
	m.alert = a;
	decode(&m, out);
	assert_int_equal(out->kind, NATIVE_ALERT);
}

static Tocsin__V1__Alert panic_alert(void)
{
	Tocsin__V1__Alert a = TOCSIN__V1__ALERT__INIT;
	a.id = "press-1";
	a.kind = TOCSIN__V1__KIND__KIND_PANIC;
	return a;
}

static void every_field_arrives(void **state)
{
	(void)state;
	struct native n;
	Tocsin__V1__Position p = TOCSIN__V1__POSITION__INIT;
	Tocsin__V1__StatedPerson person = TOCSIN__V1__STATED_PERSON__INIT;
	Tocsin__V1__Alert a = panic_alert();
	p.lat = 48.54;
	p.lon = 2.66;
	p.accuracy_m = 12;
	p.fixed_at = NOW.us - 5 * CLOCK_S_US;
	p.method = "gnss";
	person.name = "Anne Martin";
	person.number = "06 39 98 00 01";
	a.occurred_at = NOW.us - CLOCK_S_US;
	a.number = "0199000010";
	a.practitioner = "10000000001";
	a.person = &person;
	a.position = &p;
	a.address = "12 rue des Tilleuls";
	a.commune = "77288";
	a.note = "couteau";
	a.exercise = true;
	decode_alert(&a, &n);
	assert_int_equal(n.alert.doubts, 0);
	assert_int_equal(n.alert.kind, ALERT_PANIC);
	assert_string_equal(n.alert.ref, "press-1");
	assert_int_equal(n.alert.occurred_at.us, a.occurred_at);
	assert_true(n.alert.has_fix);
	assert_true(n.alert.fix.lat == 48.54 && n.alert.fix.lon == 2.66 &&
	            n.alert.fix.accuracy_m == 12);
	assert_int_equal(n.alert.fix.fixed_at.us, p.fixed_at);
	assert_string_equal(n.alert.fix.method, "gnss");
	assert_string_equal(n.alert.number, "0199000010");
	assert_int_equal(n.alert.rpps, 10000000001);
	assert_string_equal(n.alert.person_name, "Anne Martin");
	assert_string_equal(n.alert.person_number, "06 39 98 00 01");
	assert_string_equal(n.alert.address, "12 rue des Tilleuls");
	assert_string_equal(n.alert.commune.text, "77288");
	assert_string_equal(n.alert.note, "couteau");
	assert_true(n.alert.exercise);
}

/* The numbers of proto's kinds and phases are those of ours. */
static void kinds_agree(void **state)
{
	(void)state;
	for (int kind = 1; kind < ALERT_KINDS; kind++) {
		struct native n;
		Tocsin__V1__Alert a = panic_alert();
		a.kind = (Tocsin__V1__Kind)kind;
		decode_alert(&a, &n);
		assert_int_equal(n.alert.kind, kind);
		assert_int_equal(n.alert.doubts, 0);
		const ProtobufCEnumValue *v =
		        protobuf_c_enum_descriptor_get_value(&tocsin__v1__kind__descriptor, kind);
		char expected[32] = "KIND_";
		size_t at = strlen(expected);
		for (const char *c = alert_kind_name((enum alert_kind)kind); *c; c++)
			expected[at++] = (char)(*c - 'a' + 'A');
		assert_string_equal(v->name, expected);
	}
	struct native n;
	Tocsin__V1__Alert a = panic_alert();
	a.kind = (Tocsin__V1__Kind)99; /* of a later version */
	decode_alert(&a, &n);
	assert_int_equal(n.alert.kind, ALERT_UNKNOWN);
	assert_int_equal(n.alert.doubts, ALERT_DOUBT_KIND);
	a.kind = (Tocsin__V1__Kind)-1;
	decode_alert(&a, &n);
	assert_int_equal(n.alert.kind, ALERT_UNKNOWN);
	assert_int_equal(n.alert.doubts, ALERT_DOUBT_KIND);
}

static void expect_position_doubt(double lat, double lon, double accuracy_m, bool kept)
{
	struct native n;
	Tocsin__V1__Position p = TOCSIN__V1__POSITION__INIT;
	Tocsin__V1__Alert a = panic_alert();
	p.lat = lat;
	p.lon = lon;
	p.accuracy_m = accuracy_m;
	a.position = &p;
	decode_alert(&a, &n);
	assert_int_equal(n.alert.kind, ALERT_PANIC);
	assert_int_equal(n.alert.has_fix, kept);
	assert_true(n.alert.doubts & ALERT_DOUBT_POSITION);
	assert_true(n.alert.fix.accuracy_m == 0);
}

static void impossible_positions_are_doubts(void **state)
{
	(void)state;
	expect_position_doubt(91, 2, 10, false);
	expect_position_doubt(-90.001, 2, 10, false);
	expect_position_doubt(48, 180.5, 10, false);
	expect_position_doubt(NAN, 2, 10, false);
	expect_position_doubt(48, INFINITY, 10, false);
	expect_position_doubt(48, 2, -1, true);
	expect_position_doubt(48, 2, NAN, true);
	expect_position_doubt(48, 2, 1e300, true);
}

static void expect_time(int64_t occurred_at, unsigned doubts, int64_t kept)
{
	struct native n;
	Tocsin__V1__Alert a = panic_alert();
	a.occurred_at = occurred_at;
	decode_alert(&a, &n);
	assert_int_equal(n.alert.doubts, doubts);
	assert_int_equal(n.alert.occurred_at.us, kept);
}

static void odd_times_are_doubts(void **state)
{
	(void)state;
	int64_t day = 24 * 3600 * CLOCK_S_US;
	expect_time(0, 0, 0);
	expect_time(1, ALERT_DOUBT_CLOCK, 1);                                   /* 1970 */
	expect_time(NOW.us + 365 * day, ALERT_DOUBT_CLOCK, NOW.us + 365 * day); /* next year */
	expect_time(NOW.us - 365 * day, 0, NOW.us - 365 * day); /* late: decide says so */
	expect_time(-5, ALERT_DOUBT_CLOCK, 0);
	expect_time(INT64_MAX, ALERT_DOUBT_CLOCK, 0);
	expect_time(INT64_MIN, ALERT_DOUBT_CLOCK, 0);
}

static void bad_text_is_left_out(void **state)
{
	(void)state;
	struct native n;
	char longest[ALERT_NOTE_SIZE + 100];
	Tocsin__V1__Alert a = panic_alert();
	a.note = "\xff\xfe";
	decode_alert(&a, &n);
	assert_int_equal(n.alert.doubts, ALERT_DOUBT_TEXT);
	assert_string_equal(n.alert.note, "");
	memset(longest, 'a', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	a.note = longest;
	decode_alert(&a, &n);
	assert_int_equal(n.alert.doubts, ALERT_DOUBT_TEXT);
	assert_int_equal(strlen(n.alert.note), ALERT_NOTE_SIZE - 1);
	a.note = "";
	a.practitioner = "12x";
	a.commune = "7728";
	decode_alert(&a, &n);
	assert_int_equal(n.alert.doubts, ALERT_DOUBT_TEXT);
	assert_int_equal(n.alert.rpps, 0);
	assert_string_equal(n.alert.commune.text, "");
}

static void a_bad_id_is_none(void **state)
{
	(void)state;
	struct native n;
	char too_long[ALERT_REF_SIZE + 1];
	const char *bad[] = { "", "\x01", "a\xc3", too_long };
	memset(too_long, 'i', sizeof too_long);
	too_long[sizeof too_long - 1] = '\0';
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		Tocsin__V1__Alert a = panic_alert();
		a.id = (char *)(uintptr_t)bad[i];
		decode_alert(&a, &n);
		assert_int_equal(n.alert.doubts, ALERT_DOUBT_REF);
		assert_string_equal(n.alert.ref, "");
	}
	Tocsin__V1__Alert a = panic_alert();
	too_long[ALERT_REF_SIZE - 1] = '\0'; /* 64 bytes: the longest */
	a.id = too_long;
	decode_alert(&a, &n);
	assert_int_equal(n.alert.doubts, 0);
	assert_int_equal(strlen(n.alert.ref), 64);
}

static void expect_nul(const char *message, size_t length, unsigned doubts)
{
	struct native n;
	native_decode((const uint8_t *)message, length, NOW, &n);
	assert_int_equal(n.kind, NATIVE_ALERT);
	assert_int_equal(n.alert.doubts, doubts);
}

static void a_text_that_was_cut_at_a_nul_is_a_doubt(void **state)
{
	const unsigned both = ALERT_DOUBT_TEXT | ALERT_DOUBT_REF;
	(void)state;
#define EXPECT_NUL(bytes, doubts) expect_nul(bytes, sizeof(bytes) - 1, doubts)
	EXPECT_NUL("\x12\x05\x0a\x01i\x10\x01", 0);
	EXPECT_NUL("\x12\x06\x0a\x02i\0\x10\x01", both);                  /* the id */
	EXPECT_NUL("\x12\x0a\x0a\x01i\x10\x01\x52\x03" "a\0b", both);     /* the note */
	EXPECT_NUL("\x12\x0a\x0a\x01i\x10\x01\x32\x03\x0a\x01\0", both); /* the person's name */
	EXPECT_NUL("\x12\x0a\x0a\x01i\x10\x01\xa2\x06\x02\0\0", 0);     /* no field of ours */
	EXPECT_NUL("\x12\x10\x0a\x01i\x10\x01\x3a\x09\x09\0\0\0\0\0\0\0\0", 0); /* a latitude */
}

static void a_call_arrives(void **state)
{
	(void)state;
	struct native n;
	Tocsin__V1__SenderMessage m = TOCSIN__V1__SENDER_MESSAGE__INIT;
	Tocsin__V1__Call c = TOCSIN__V1__CALL__INIT;
	Tocsin__V1__PresentedTo to = TOCSIN__V1__PRESENTED_TO__INIT;
	c.id = "call-1";
	c.phase = TOCSIN__V1__PHASE__PHASE_ABANDONED;
	c.number = "<sip:+33639980001@exchange.invalid>";
	c.presented_to = &to;
	to.centre = "cic-77";
	to.line = "17-2";
	to.agent = "poste 4";
	m.body_case = TOCSIN__V1__SENDER_MESSAGE__BODY_CALL;
	m.call = &c;
	decode(&m, &n);
	assert_int_equal(n.kind, NATIVE_CALL);
	assert_int_equal(n.call.phase, CALL_ABANDONED);
	assert_int_equal(n.call.alert.kind, ALERT_CALL);
	assert_string_equal(n.call.presented_to.text, "cic-77");
	assert_string_equal(n.call.line, "17-2");
	assert_string_equal(n.call.agent, "poste 4");
	c.phase = (Tocsin__V1__Phase)9;
	decode(&m, &n);
	assert_int_equal(n.call.phase, CALL_PRESENTED);
}

static void what_is_no_message_is_garbage(void **state)
{
	(void)state;
	struct native n;
	static const uint8_t bytes[] = { 0xff, 0xff, 0xff, 0xff, 0xff };
	native_decode(bytes, sizeof bytes, NOW, &n);
	assert_int_equal(n.kind, NATIVE_GARBAGE);
	native_decode((const uint8_t *)"GET / HTTP/1.1\r\n", 16, NOW, &n);
	assert_int_equal(n.kind, NATIVE_GARBAGE);
}

/* Field 15, a message: a body that a later version may have. It might be a panic. */
static void an_unknown_body_is_an_alert(void **state)
{
	(void)state;
	struct native n;
	static const uint8_t bytes[] = { 15 << 3 | 2, 2, 8, 1 };
	native_decode(bytes, sizeof bytes, NOW, &n);
	assert_int_equal(n.kind, NATIVE_ALERT);
	assert_int_equal(n.alert.kind, ALERT_UNKNOWN);
	assert_int_equal(n.alert.doubts, ALERT_DOUBT_KIND | ALERT_DOUBT_REF);
}

static void a_hello_says_its_versions(void **state)
{
	(void)state;
	struct native n;
	uint32_t versions[] = { 7, 1 };
	Tocsin__V1__SenderMessage m = TOCSIN__V1__SENDER_MESSAGE__INIT;
	Tocsin__V1__Hello h = TOCSIN__V1__HELLO__INIT;
	h.n_versions = 2;
	h.versions = versions;
	h.instance = "boot-3";
	m.body_case = TOCSIN__V1__SENDER_MESSAGE__BODY_HELLO;
	m.hello = &h;
	decode(&m, &n);
	assert_int_equal(n.kind, NATIVE_HELLO);
	assert_true(n.hello.speaks_ours);
	assert_string_equal(n.hello.instance, "boot-3");
	h.n_versions = 1;
	decode(&m, &n);
	assert_false(n.hello.speaks_ours);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_arrives),
		cmocka_unit_test(kinds_agree),
		cmocka_unit_test(impossible_positions_are_doubts),
		cmocka_unit_test(odd_times_are_doubts),
		cmocka_unit_test(bad_text_is_left_out),
		cmocka_unit_test(a_bad_id_is_none),
		cmocka_unit_test(a_text_that_was_cut_at_a_nul_is_a_doubt),
		cmocka_unit_test(a_call_arrives),
		cmocka_unit_test(what_is_no_message_is_garbage),
		cmocka_unit_test(an_unknown_body_is_an_alert),
		cmocka_unit_test(a_hello_says_its_versions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
