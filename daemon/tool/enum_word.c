#include "tool/enum_word.h"

#include <ctype.h>
#include <string.h>

#include "support/text.h"

/* "KIND_PANIC" -> "panic": every enum of ours has a prefix of one word. */
static const char *lower(const char *name, char out[static ENUM_WORD_SIZE])
{
	const char *underscore = strchr(name, '_');
	size_t length = 0;

	for (const char *at = underscore != NULL ? underscore + 1 : name;
	     *at != '\0' && length < ENUM_WORD_SIZE - 1; at++)
		out[length++] = *at == '_' ? '-' : (char)tolower((unsigned char)*at);
	out[length] = '\0';
	return out;
}

const char *enum_word(const ProtobufCEnumDescriptor *of, int value, char out[static ENUM_WORD_SIZE])
{
	const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(of, value);

	return lower(found != NULL ? found->name : "UNKNOWN", out);
}

bool enum_word_parse(const ProtobufCEnumDescriptor *of, const char *word, int *value)
{
	char known[ENUM_WORD_SIZE];

	for (unsigned i = 0; i < of->n_values; i++) {
		if (strcmp(lower(of->values[i].name, known), word) != 0)
			continue;
		*value = of->values[i].value;
		return true;
	}
	return false;
}

const char *enum_word_list(const ProtobufCEnumDescriptor *of, char *out, size_t size)
{
	char known[ENUM_WORD_SIZE];

	out[0] = '\0';
	for (unsigned i = 0; i < of->n_values; i++)
		text_add(out, size, "%s%s", i == 0 ? "" : ", ", lower(of->values[i].name, known));
	return out;
}
