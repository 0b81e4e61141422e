/* SPDX-License-Identifier: Apache-2.0 */
/* Who a client's certificate says that it is. */
#include <openssl/x509v3.h>
#include <string.h>

#include "tls/internal.h"

enum { IDENTITY_BYTES = 256 };

/* In the order of what is most likely meant as an identity: SPIFFE's URI, a host, a person. */
static const struct {
	int type;
	const char *prefix;
} kinds[] = {{GEN_URI, "URI:"}, {GEN_DNS, "DNS:"}, {GEN_EMAIL, "email:"}};

/* It goes into logs and is compared: no blanks, no control characters, no NUL in the middle. */
static bool can_be_written(const ASN1_STRING *s)
{
	const unsigned char *p = ASN1_STRING_get0_data(s);
	int n = ASN1_STRING_length(s);

	if (n <= 0 || n >= IDENTITY_BYTES - 8)
		return false;
	for (int i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] >= 127)
			return false;
	return true;
}

static char *first_of(const GENERAL_NAMES *all, int type, const char *prefix)
{
	char text[IDENTITY_BYTES];

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);

		/* The three kinds are the same IA5String in the union. */
		if (g->type != type || !can_be_written(g->d.ia5))
			continue;
		snprintf(text, sizeof(text), "%s%.*s", prefix, ASN1_STRING_length(g->d.ia5),
			 (const char *)ASN1_STRING_get0_data(g->d.ia5));
		return strdup(text);
	}
	return NULL;
}

char *rw_tls_identity(SSL *ssl)
{
	X509 *x = SSL_get0_peer_certificate(ssl);
	GENERAL_NAMES *all;
	char *out = NULL;

	if (!x || SSL_get_verify_result(ssl) != X509_V_OK)
		return NULL;
	all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !out; i++)
		out = first_of(all, kinds[i].type, kinds[i].prefix);
	GENERAL_NAMES_free(all);
	return out;
}
