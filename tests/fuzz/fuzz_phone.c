/* Any bytes as a telephone number: what comes out holds together, and reads as itself again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decide/phone.h"

#define check(cond) ((cond) ? (void)0 : abort())

static void same(const char *raw, const struct phone *phone)
{
	struct phone again = phone_read(raw);

	check(again.verdict == phone->verdict);
	check(again.number.digits == phone->number.digits);
	check(strcmp(again.text, phone->text) == 0);
}

static void number_holds(const struct phone *phone)
{
	char text[PHONE_TEXT_SIZE], uri[64];
	size_t length = strlen(phone->text);

	check(phone->text[0] == '+');
	check(length - 1 >= NUMBERING_DIGITS_MIN && length - 1 <= NUMBERING_DIGITS_MAX);
	check(phone->text[1] != '0');
	check(strspn(phone->text + 1, "0123456789") == length - 1);
	check(strcmp(phone_format(phone->number, text), phone->text) == 0);
	same(phone->text, phone);
	strcpy(uri, "tel:");
	same(strcat(uri, phone->text), phone);
	strcpy(uri, "<sip:");
	same(strcat(strcat(uri, phone->text), "@pbx.example.fr>;tag=1"), phone);
	strcpy(uri, "00");
	same(strcat(uri, phone->text + 1), phone);
}

static void short_holds(const struct phone *phone)
{
	size_t length = strlen(phone->text);

	check(phone->number.digits == 0);
	check(length >= 2 && length <= 6 && strspn(phone->text, "0123456789") == length);
	same(phone->text, phone);
}

/* Space around a text says nothing. */
static void padded_is_the_same(const char *raw, size_t length, const struct phone *phone)
{
	char *padded = malloc(length + 3);

	check(padded);
	padded[0] = ' ';
	memcpy(padded + 1, raw, length);
	memcpy(padded + 1 + length, "\t", 2);
	if (length + 2 <= PHONE_RAW_MAX)
		same(padded, phone);
	free(padded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *raw = malloc(size + 1);
	size_t digits = 0;

	check(raw);
	memcpy(raw, data, size);
	raw[size] = '\0';
	size_t length = strlen(raw);
	struct phone phone = phone_read(raw);

	for (size_t i = 0; i < length; i++)
		digits += raw[i] >= '0' && raw[i] <= '9';
	switch (phone.verdict) {
	case PHONE_NUMBER:
		check(digits >= NUMBERING_DIGITS_MIN && length <= PHONE_RAW_MAX);
		number_holds(&phone);
		break;
	case PHONE_SHORT:
		check(digits >= 2 && length <= PHONE_RAW_MAX);
		short_holds(&phone);
		break;
	case PHONE_WITHHELD:
	case PHONE_INVALID: check(phone.number.digits == 0 && phone.text[0] == '\0'); break;
	default: abort();
	}
	padded_is_the_same(raw, length, &phone);
	free(raw);
	return 0;
}
