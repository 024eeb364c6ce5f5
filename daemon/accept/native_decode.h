/*
 * One message of a native sender (proto/sender.proto) to what it says: pure, no memory of earlier
 * messages. Called by accept/sender for each frame; fuzzed.
 *
 * Only bytes that are no message at all are refused. What a message says wrongly (a latitude of 91,
 * a year 1970, text that is not UTF-8) is left out, written down as a doubt, and the alert goes on.
 */
#ifndef TOCSIN_ACCEPT_NATIVE_DECODE_H
#define TOCSIN_ACCEPT_NATIVE_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "decide/alert.h"

#define NATIVE_VERSION 1
#define NATIVE_VERSIONS_MAX 16 /* in a hello */
#define NATIVE_INSTANCE_SIZE 65

enum native_kind {
	NATIVE_GARBAGE, /* no message: the link has lost its meaning */
	NATIVE_HELLO,
	NATIVE_ALERT,   /* also a body that this version does not know: kind unknown */
	NATIVE_CALL,
	NATIVE_HEARTBEAT,
};

struct native_hello {
	bool speaks_ours; /* NATIVE_VERSION is among the versions */
	char instance[NATIVE_INSTANCE_SIZE];
};

struct native {
	enum native_kind kind;
	union {
		struct native_hello hello;
		struct alert alert; /* without id, source, received_at */
		struct call call;   /* likewise */
	};
};

/* `now` judges times; fields that the caller owns are left zero. */
void native_decode(const uint8_t *bytes, size_t length, struct wall now, struct native *out);

#endif
