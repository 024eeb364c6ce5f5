/*
 * Whose a certificate is: issuer and subject as RFC 2253 names, spelled as wire/tls spells those of
 * a peer, so that the two can be compared letter for letter. A renewal keeps both.
 */
#ifndef TOCSIN_TOOL_CERTIFICATE_H
#define TOCSIN_TOOL_CERTIFICATE_H

#include <stdbool.h>

#include "wire/tls.h"

#define CERTIFICATE_WHY_SIZE 256

struct certificate {
	char issuer[TLS_NAME_SIZE], subject[TLS_NAME_SIZE];
};

/* The first certificate of a PEM file. False, with a sentence in `why`: there is none, or a name is
 * empty or too long to be an identity. */
bool certificate_read(const char *path, struct certificate *out, char why[static CERTIFICATE_WHY_SIZE]);

#endif
