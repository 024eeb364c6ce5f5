#include "tool/certificate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

/* False when it is empty or does not fit: a cut name must never be taken for an identity. */
static bool name_write(const X509_NAME *name, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long length = 0;

	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
		length = BIO_get_mem_data(bio, &text);
	bool fits = length > 0 && (size_t)length < size;
	if (fits)
		memcpy(out, text, (size_t)length);
	out[fits ? length : 0] = '\0';
	BIO_free(bio);
	return fits;
}

bool certificate_read(const char *path, struct certificate *out,
                      char why[static CERTIFICATE_WHY_SIZE])
{
	FILE *file = fopen(path, "r");

	if (!file) {
		snprintf(why, CERTIFICATE_WHY_SIZE, "%s: %s", path, strerror(errno));
		return false;
	}
	X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	if (!certificate) {
		snprintf(why, CERTIFICATE_WHY_SIZE, "%s: no certificate in PEM", path);
		return false;
	}
	bool fine =
	        name_write(X509_get_issuer_name(certificate), out->issuer, sizeof(out->issuer)) &&
	        name_write(X509_get_subject_name(certificate), out->subject, sizeof(out->subject));
	X509_free(certificate);
	if (!fine)
		snprintf(why, CERTIFICATE_WHY_SIZE,
		         "%s: issuer or subject is empty, or longer than %d bytes", path,
		         TLS_NAME_SIZE - 1);
	return fine;
}
