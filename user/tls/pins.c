/* SPDX-License-Identifier: Apache-2.0 */
/* Pinned public keys of an upstream: one of them must be in the chain that was verified. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/log.h"
#include "tls/internal.h"

enum { PIN_TEXT = 44 }; /* base64 of 32 bytes */

static bool decode(const char *text, unsigned char out[32])
{
	unsigned char raw[33];

	/* The last of three bytes is padding: one '=', and nothing but it. */
	if (strlen(text) != PIN_TEXT || text[PIN_TEXT - 1] != '=' || text[PIN_TEXT - 2] == '=' ||
	    EVP_DecodeBlock(raw, (const unsigned char *)text, PIN_TEXT) != (int)sizeof(raw))
		return false;
	memcpy(out, raw, 32);
	return true;
}

bool rw_tls_is_pin(const char *text)
{
	unsigned char md[32];

	return decode(text, md);
}

static bool digest_of(X509 *x, unsigned char out[32])
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	bool ok = n > 0 && EVP_Digest(der, (size_t)n, out, NULL, EVP_sha256(), NULL);

	OPENSSL_free(der);
	return ok;
}

static bool is_pinned(const struct rw_tls_ctx *c, X509 *x)
{
	unsigned char md[32];

	if (!digest_of(x, md))
		return false;
	for (unsigned i = 0; i < c->n_pins; i++)
		if (!CRYPTO_memcmp(md, c->pins[i], sizeof(md)))
			return true;
	return false;
}

/* Once for a context: the counter tells the rest. */
static void tell(struct rw_tls_ctx *c, X509 *leaf)
{
	unsigned char md[32], text[PIN_TEXT + 1] = "";

	rw_tls_count(c, pin_mismatches);
	if (atomic_exchange(&c->pins_told, true) || !digest_of(leaf, md))
		return;
	EVP_EncodeBlock(text, md, sizeof(md));
	rw_warn("an upstream's certificate has none of the pinned keys; its own is %s%s",
		(const char *)text,
		c->pins_report ? ": going on, since pins are only reported" : "");
}

static int verify(X509_STORE_CTX *x, void *arg)
{
	struct rw_tls_ctx *c = arg;
	STACK_OF(X509) * chain;

	if (X509_verify_cert(x) <= 0)
		return 0;
	chain = X509_STORE_CTX_get0_chain(x);
	for (int i = 0; i < sk_X509_num(chain); i++)
		if (is_pinned(c, sk_X509_value(chain, i)))
			return 1;
	tell(c, sk_X509_value(chain, 0));
	if (c->pins_report)
		return 1;
	X509_STORE_CTX_set_error(x, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

int rw_tls_pins_set(struct rw_tls_ctx *c, const char *const *pins, unsigned n, struct rw_error *e)
{
	if (n > RW_TLS_PINS)
		return rw_fail(e, RW_ELIMIT, "more than %d pins", RW_TLS_PINS);
	for (unsigned i = 0; i < n; i++)
		if (!decode(pins[i], c->pins[i]))
			return rw_fail(e, RW_EINVAL,
				       "pin '%.60s' is not the base64 of a SHA-256 (44 characters)",
				       pins[i]);
	c->n_pins = n;
	if (n)
		SSL_CTX_set_cert_verify_callback(c->ssl, verify, c);
	return RW_OK;
}
