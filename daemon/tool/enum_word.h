/*
 * The word of a protocol's enum value, as JSON and the command line spell it: KIND_PANIC is
 * "panic". Taken from the generated descriptors, so that proto/ stays the only list.
 */
#ifndef TOCSIN_TOOL_ENUM_WORD_H
#define TOCSIN_TOOL_ENUM_WORD_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#define ENUM_WORD_SIZE 32

/* A value that this version does not know is "unknown". Returns `out`. */
const char *enum_word(const ProtobufCEnumDescriptor *of, int value,
		      char out[static ENUM_WORD_SIZE]);
/* False: no such word. */
bool enum_word_parse(const ProtobufCEnumDescriptor *of, const char *word, int *value);
/* "panic, duress, …" for a usage line. */
const char *enum_word_list(const ProtobufCEnumDescriptor *of, char *out, size_t size);

#endif
