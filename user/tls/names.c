/* SPDX-License-Identifier: Apache-2.0 */
/* SNI: from the name that a client asks for to the certificates that have it. */
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "tls/internal.h"

/* All names of all certificates of a listener; one certificate rarely has more than a hundred. */
enum { MAX_NAMES = 4096, NAME_BYTES = 256 };

struct entry {
	char *text; /* lower case; "*.example.com" */
	uint32_t certs;
};

struct rw_tls_names {
	struct entry *at; /* sorted by text */
	size_t n;
	uint32_t unnamed; /* what clients get that send no name */
};

/* ASCII only: what is in a certificate and in SNI is (IDNA). False: too long, or empty. */
static bool lower(char out[NAME_BYTES], const char *text, size_t n)
{
	if (n == 0 || n >= NAME_BYTES || memchr(text, '\0', n))
		return false;
	for (size_t i = 0; i < n; i++)
		out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
	out[n] = '\0';
	return true;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->text, ((const struct entry *)b)->text);
}

static uint32_t find(const struct rw_tls_names *t, char *text)
{
	const struct entry key = {.text = text};
	const struct entry *got = t->n ? bsearch(&key, t->at, t->n, sizeof(*t->at), by_text) : NULL;

	return got ? got->certs : 0;
}

/* Exact first; else a wildcard stands for one label, the first (RFC 6125 6.4.3). */
uint32_t rw_tls_names_find(const struct rw_tls_names *t, const char *host)
{
	char text[NAME_BYTES], *dot;
	uint32_t got;

	if (!lower(text, host, strlen(host)))
		return 0;
	got = find(t, text);
	dot = strchr(text, '.');
	if (got || !dot || dot == text)
		return got;
	*--dot = '*';
	return find(t, dot);
}

uint32_t rw_tls_names_default(const struct rw_tls_names *t)
{
	return t->unnamed;
}

static bool add(struct rw_tls_names *t, const char *text, size_t n, unsigned cert)
{
	char name[NAME_BYTES];

	if (!lower(name, text, n))
		return true; /* nobody can ask for it */
	if (t->n == MAX_NAMES)
		return false;
	t->at[t->n].text = strdup(name);
	t->at[t->n].certs = UINT32_C(1) << cert;
	return t->at[t->n].text && ++t->n;
}

/* An address is no SNI, but joins certificates for the same address. */
static bool add_general(struct rw_tls_names *t, const GENERAL_NAME *g, unsigned cert)
{
	const ASN1_STRING *s;
	char *text;
	bool ok;

	if (g->type == GEN_DNS) {
		s = g->d.dNSName;
		return add(t, (const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s),
			   cert);
	}
	if (g->type != GEN_IPADD)
		return true;
	text = OPENSSL_buf2hexstr(ASN1_STRING_get0_data(g->d.iPAddress),
				  ASN1_STRING_length(g->d.iPAddress));
	ok = text && add(t, text, strlen(text), cert);
	OPENSSL_free(text);
	return ok;
}

static bool add_names_of(struct rw_tls_names *t, const X509 *x, unsigned cert)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	bool ok = true;

	for (int i = 0; ok && i < sk_GENERAL_NAME_num(all); i++)
		ok = add_general(t, sk_GENERAL_NAME_value(all, i), cert);
	GENERAL_NAMES_free(all);
	return ok;
}

/* Of each kind of key one is enough, the first. */
static uint32_t one_of_a_kind(const struct rw_tls_cert *certs, unsigned n, uint32_t set)
{
	uint32_t out = 0;

	for (unsigned i = 0; i < n; i++) {
		bool taken = !(set >> i & 1);

		for (unsigned j = 0; j < i && !taken; j++)
			taken = (out >> j & 1) && EVP_PKEY_get_base_id(certs[j].key) ==
							  EVP_PKEY_get_base_id(certs[i].key);
		if (!taken)
			out |= UINT32_C(1) << i;
	}
	return out;
}

/* Equal texts become one entry. */
static void join(struct rw_tls_names *t, const struct rw_tls_cert *certs, unsigned n)
{
	size_t out = 0;

	qsort(t->at, t->n, sizeof(*t->at), by_text);
	for (size_t i = 0; i < t->n; i++) {
		if (out && !strcmp(t->at[out - 1].text, t->at[i].text)) {
			t->at[out - 1].certs |= t->at[i].certs;
			free(t->at[i].text);
		} else {
			t->at[out++] = t->at[i];
		}
	}
	t->n = out;
	for (size_t i = 0; i < t->n; i++)
		t->at[i].certs = one_of_a_kind(certs, n, t->at[i].certs);
}

struct rw_tls_names *rw_tls_names_new(const struct rw_tls_cert *certs, unsigned n,
				      const struct rw_tls_pair *pairs, struct rw_error *e)
{
	struct rw_tls_names *t = calloc(1, sizeof(*t));
	char first[NAME_BYTES] = "";

	if (t)
		t->at = calloc(MAX_NAMES, sizeof(*t->at));
	if (!t || !t->at)
		goto full;
	for (unsigned i = 0; i < n; i++) {
		size_t before = t->n;

		if (!add_names_of(t, certs[i].leaf, i))
			goto full;
		if (i && t->n == before) {
			rw_fail(e, RW_EINVAL,
				"certificate %s names no host (subjectAltName), so no client would "
				"ever get it: only the first may",
				pairs[i].cert_file);
			rw_tls_names_free(t);
			return NULL;
		}
		if (i == 0 && t->n)
			snprintf(first, sizeof(first), "%s", t->at[0].text);
	}
	join(t, certs, n);
	t->unnamed = first[0] ? find(t, first) : 1;
	return t;
full:
	rw_fail(e, RW_ENOMEM, "no memory for the certificates' names, or more than %d of them",
		MAX_NAMES);
	rw_tls_names_free(t);
	return NULL;
}

void rw_tls_names_free(struct rw_tls_names *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		free(t->at[i].text);
	free(t->at);
	free(t);
}

/* --- for a connection --------------------------------------------------------------------- */

/* Is the name known? Which certificates are its is asked later, when the client's wishes are. */
static int on_name(SSL *ssl, int *alert, void *arg)
{
	const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct rw_tls_ctx *c = arg;

	if (!host)
		return SSL_TLSEXT_ERR_NOACK;
	if (rw_tls_names_find(c->names, host))
		return SSL_TLSEXT_ERR_OK;
	rw_tls_count(c, unknown_names);
	if (!c->refuse_unknown)
		return SSL_TLSEXT_ERR_NOACK;
	*alert = SSL_AD_UNRECOGNIZED_NAME; /* RFC 6066 3 */
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool install(const struct rw_tls_ctx *c, uint32_t set, SSL *ssl)
{
	for (unsigned i = 0; i < c->n_certs; i++) {
		const struct rw_tls_cert *x = &c->certs[i];

		if ((set >> i & 1) && SSL_use_cert_and_key(ssl, x->leaf, x->key, x->chain, 1) != 1)
			return false;
	}
	return true;
}

/* The context holds those for no name; others are put into the connection. */
static int on_certificate(SSL *ssl, void *arg)
{
	const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct rw_tls_ctx *c = arg;
	uint32_t set = host ? rw_tls_names_find(c->names, host) : 0;

	if (!set || set == c->names->unnamed)
		return 1;
	SSL_certs_clear(ssl);
	return install(c, set, ssl);
}

void rw_tls_names_use(struct rw_tls_ctx *c)
{
	SSL_CTX_set_tlsext_servername_callback(c->ssl, on_name);
	SSL_CTX_set_tlsext_servername_arg(c->ssl, c);
	if (c->n_certs > 1)
		SSL_CTX_set_cert_cb(c->ssl, on_certificate, c);
}
