/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP stapling: a response from a file, checked once, sent for as long as it is good. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "tls/internal.h"

enum { MAX_RESPONSE = 64 << 10, CLOCK_SKEW_S = 300 };

/* The whole file into out; returns its length, 0: it is not there, or negative. */
static ssize_t read_response(const char *file, unsigned char out[MAX_RESPONSE])
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	n = read(fd, out, MAX_RESPONSE);
	close(fd);
	return n == 0 || n == MAX_RESPONSE ? -1 : n;
}

/* Signed by the issuer, or by whom the issuer has empowered to. */
static bool is_signed(OCSP_BASICRESP *basic, X509 *issuer)
{
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *with = sk_X509_new_null();
	bool ok = store && with && X509_STORE_add_cert(store, issuer) &&
		  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) &&
		  sk_X509_push(with, issuer) && OCSP_basic_verify(basic, with, store, 0) == 1;

	sk_X509_free(with);
	X509_STORE_free(store);
	return ok;
}

static time_t to_time(const ASN1_GENERALIZEDTIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) ? timegm(&tm) : 0;
}

/* What is wrong with basic for c; NULL: nothing. *until: how long it is good, 0: not now. */
static const char *judge(OCSP_BASICRESP *basic, const struct rw_tls_cert *c, time_t *until)
{
	X509 *issuer = sk_X509_num(c->chain) > 0 ? sk_X509_value(c->chain, 0) : NULL;
	ASN1_GENERALIZEDTIME *revoked, *from, *to;
	OCSP_CERTID *id;
	int status, reason, found;

	*until = 0;
	if (!issuer)
		return "the certificate's issuer must stand behind it in cert_file";
	if (!is_signed(basic, issuer))
		return "it is not signed by the certificate's issuer";
	id = OCSP_cert_to_id(NULL, c->leaf, issuer);
	found = id ? OCSP_resp_find_status(basic, id, &status, &reason, &revoked, &from, &to) : 0;
	OCSP_CERTID_free(id);
	if (!found)
		return "it is about another certificate";
	if (status != V_OCSP_CERTSTATUS_GOOD)
		return "it does not say that the certificate is good";
	if (!to)
		return "it says no time until when it holds (nextUpdate)";
	if (OCSP_check_validity(from, to, CLOCK_SKEW_S, -1) == 1)
		*until = to_time(to);
	return NULL;
}

int rw_tls_ocsp_load(struct rw_tls_cert *c, const char *file, struct rw_error *e)
{
	unsigned char der[MAX_RESPONSE];
	const unsigned char *p = der;
	ssize_t n = read_response(file, der);
	OCSP_RESPONSE *r = n > 0 ? d2i_OCSP_RESPONSE(NULL, &p, n) : NULL;
	OCSP_BASICRESP *basic = r ? OCSP_response_get1_basic(r) : NULL;
	const char *wrong = basic ? judge(basic, c, &c->staple_until)
				  : "it cannot be read as a successful OCSP response (DER)";

	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(r);
	ERR_clear_error();
	if (n == 0) {
		rw_warn("OCSP response %s is not there: nothing is stapled until it is", file);
		return RW_OK;
	}
	if (wrong)
		return rw_fail(e, RW_EINVAL, "OCSP response %s: %s", file, wrong);
	if (!c->staple_until) {
		rw_warn("OCSP response %s is too old, or of a time to come: it is not stapled",
			file);
		return RW_OK;
	}
	c->staple = OPENSSL_memdup(der, (size_t)n);
	c->staple_bytes = (int)n;
	return c->staple ? RW_OK : rw_fail(e, RW_ENOMEM, "no memory for %s", file);
}

static int on_status(SSL *ssl, void *arg)
{
	const struct rw_tls_ctx *c = arg;
	const X509 *chosen = SSL_get_certificate(ssl);
	unsigned char *copy;

	for (unsigned i = 0; i < c->n_certs; i++) {
		const struct rw_tls_cert *x = &c->certs[i];

		if (x->leaf != chosen || !x->staple)
			continue;
		if (time(NULL) >= x->staple_until) {
			rw_tls_count(c, staples_expired);
			break;
		}
		copy = OPENSSL_memdup(x->staple, (size_t)x->staple_bytes);
		if (!copy || !SSL_set_tlsext_status_ocsp_resp(ssl, copy, x->staple_bytes)) {
			OPENSSL_free(copy);
			break;
		}
		rw_tls_count(c, staples);
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_NOACK;
}

void rw_tls_ocsp_use(struct rw_tls_ctx *c)
{
	bool any = false;

	for (unsigned i = 0; i < c->n_certs; i++)
		any |= c->certs[i].staple != NULL;
	if (!any)
		return;
	SSL_CTX_set_tlsext_status_cb(c->ssl, on_status);
	SSL_CTX_set_tlsext_status_arg(c->ssl, c);
}
