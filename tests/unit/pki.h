/*
 * Certificates for tests, made with OpenSSL at run time: authorities, leaves of any age, revocation
 * lists. Each test includes it once; all files go to a folder under the build's temporary one.
 */
#ifndef TOCSIN_TESTS_PKI_H
#define TOCSIN_TESTS_PKI_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define PKI_DAY 86400L

struct pki {
	char folder[512];
	char *paths[64];
	unsigned paths_count;
	long serial;
};

struct pki_identity {
	EVP_PKEY *key;
	X509 *certificate;
};

static inline struct pki *pki_new(void)
{
	struct pki *p = calloc(1, sizeof(*p));
	snprintf(p->folder, sizeof(p->folder), "%s", TEMP_DIR "/pki.XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	p->serial = 1000;
	return p;
}

/* The path of a new file in the folder; removed by pki_free. */
static inline const char *pki_path(struct pki *p, const char *name)
{
	char *path;
	assert_true(p->paths_count < 64);
	assert_true(asprintf(&path, "%s/%s", p->folder, name) > 0);
	p->paths[p->paths_count++] = path;
	return path;
}

static inline void pki_free(struct pki *p)
{
	for (unsigned i = 0; i < p->paths_count; i++) {
		unlink(p->paths[i]);
		free(p->paths[i]);
	}
	rmdir(p->folder);
	free(p);
}

static inline void pki_extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* `issuer` NULL: signs itself. `use` is the extended key usage; NULL: an authority. The name is the
 * subject's common name in the organisation "Essai". */
static inline struct pki_identity pki_issue(struct pki *p, const struct pki_identity *issuer,
                                            const char *name, const char *use, long from_s,
                                            long to_s)
{
	struct pki_identity id = { .key = EVP_EC_gen("P-256"), .certificate = X509_new() };
	X509 *c = id.certificate, *above = issuer ? issuer->certificate : c;
	X509_NAME *subject = X509_get_subject_name(c);

	X509_set_version(c, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(c), p->serial++);
	X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"Essai", -1,
	                           -1, 0);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
	                           -1, 0);
	X509_set_issuer_name(c, X509_get_subject_name(above));
	X509_time_adj_ex(X509_getm_notBefore(c), 0, from_s, NULL);
	X509_time_adj_ex(X509_getm_notAfter(c), 0, to_s, NULL);
	X509_set_pubkey(c, id.key);
	pki_extend(c, above, NID_subject_key_identifier, "hash");
	if (use) {
		pki_extend(c, above, NID_basic_constraints, "critical,CA:FALSE");
		pki_extend(c, above, NID_ext_key_usage, use);
		pki_extend(c, above, NID_subject_alt_name, "IP:127.0.0.1,DNS:tocsin.example");
	} else {
		pki_extend(c, above, NID_basic_constraints, "critical,CA:TRUE");
		pki_extend(c, above, NID_key_usage, "critical,keyCertSign,cRLSign");
	}
	assert_true(X509_sign(c, issuer ? issuer->key : id.key, EVP_sha256()) > 0);
	return id;
}

static inline struct pki_identity pki_authority(struct pki *p, const char *name)
{
	return pki_issue(p, NULL, name, NULL, -PKI_DAY, 365 * PKI_DAY);
}

static inline void pki_identity_free(struct pki_identity *id)
{
	EVP_PKEY_free(id->key);
	X509_free(id->certificate);
}

static inline const char *pki_write_certificate(struct pki *p, const struct pki_identity *id,
                                                const char *file)
{
	const char *path = pki_path(p, file);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, id->certificate), 1);
	fclose(f);
	return path;
}

static inline const char *pki_write_key(struct pki *p, const struct pki_identity *id,
                                        const char *file)
{
	const char *path = pki_path(p, file);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(f, id->key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	return path;
}

static inline const char *pki_write_text(struct pki *p, const char *file, const char *text)
{
	const char *path = pki_path(p, file);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
	return path;
}

/* A list signed by `authority` with at most one entry (`revoked` NULL: none). */
static inline X509_CRL *pki_list(const struct pki_identity *authority,
                                 const struct pki_identity *revoked)
{
	X509_CRL *list = X509_CRL_new();
	ASN1_TIME *now = X509_gmtime_adj(NULL, 0), *next = X509_gmtime_adj(NULL, 7 * PKI_DAY);

	X509_CRL_set_version(list, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(list, X509_get_subject_name(authority->certificate));
	X509_CRL_set1_lastUpdate(list, now);
	X509_CRL_set1_nextUpdate(list, next);
	if (revoked) {
		X509_REVOKED *entry = X509_REVOKED_new();
		X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->certificate));
		X509_REVOKED_set_revocationDate(entry, now);
		assert_int_equal(X509_CRL_add0_revoked(list, entry), 1);
	}
	X509_CRL_sort(list);
	assert_true(X509_CRL_sign(list, authority->key, EVP_sha256()) > 0);
	ASN1_TIME_free(now);
	ASN1_TIME_free(next);
	return list;
}

static inline const char *pki_write_list(struct pki *p, X509_CRL *list, const char *file)
{
	const char *path = pki_path(p, file);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_X509_CRL(f, list), 1);
	fclose(f);
	X509_CRL_free(list);
	return path;
}

#endif
