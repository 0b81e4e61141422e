/* SPDX-License-Identifier: Apache-2.0 */
/* What every connection of a listener or to an upstream has in common. */
#include "tls/ctx.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "tls/capture.h"
#include "tls/internal.h"

/* With AES in hardware everywhere, the shorter key first; all are AEAD with forward secrecy. */
static const char ciphers_12[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
				 "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
				 "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char ciphers_13[] =
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

static const unsigned char alpn_offer[] = "\x08http/1.1";

/* RFC 7301 3.2: who offers ALPN and not what we speak is told so by an alert. */
static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *n_out,
		       const unsigned char *in, unsigned n_in, void *arg)
{
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, n_out, alpn_offer, sizeof(alpn_offer) - 1, in, n_in) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* Early data is off because nobody switches it on; resumption needs no memory here. */
static bool set_policy(SSL_CTX *c)
{
	/*
	 * The hybrid goes before all others, even where that costs another round trip ('/'
	 * separates ranks). '*': a client sends a share at once, so that peers without the
	 * hybrid need no second ClientHello.
	 */
	char groups[] = "*X25519MLKEM768/*X25519:P-256";

	SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
				       SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	rw_tls_capture_allow(c);
	return SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) &&
	       SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) &&
	       SSL_CTX_set_cipher_list(c, ciphers_12) && SSL_CTX_set_ciphersuites(c, ciphers_13) &&
	       SSL_CTX_set1_groups_list(c, groups);
}

static int ctx_new(struct rw_tls_ctx **out, bool server, struct rw_error *e)
{
	struct rw_tls_ctx *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return rw_fail(e, RW_ENOMEM, "no memory for a TLS context");
	atomic_init(&c->refs, 1);
	c->server = server;
	c->bio = rw_tls_bio_method();
	c->ssl = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (c->bio && c->ssl && set_policy(c->ssl)) {
		*out = c;
		return RW_OK;
	}
	rc = rw_fail(e, RW_EIO, "OpenSSL cannot be set up for TLS 1.2 and 1.3: %s",
		     rw_tls_reason());
	rw_tls_ctx_unref(c);
	return rc;
}

int rw_tls_server_new(struct rw_tls_ctx **out, const char *cert_file, const char *key_file,
		      struct rw_error *e)
{
	struct rw_tls_ctx *c;
	int rc = ctx_new(&c, true, e);

	if (rc)
		return rc;
	SSL_CTX_set_alpn_select_cb(c->ssl, choose_alpn, NULL);
	rc = rw_tls_load_chain(c->ssl, cert_file, e);
	if (!rc)
		rc = rw_tls_load_key(c->ssl, cert_file, key_file, e);
	if (rc)
		rw_tls_ctx_unref(c);
	else
		*out = c;
	return rc;
}

int rw_tls_client_new(struct rw_tls_ctx **out, const char *ca_file, struct rw_error *e)
{
	struct rw_tls_ctx *c;
	int rc = ctx_new(&c, false, e);

	if (rc)
		return rc;
	SSL_CTX_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
	rc = rw_tls_load_trust(c->ssl, ca_file, e);
	if (!rc && SSL_CTX_set_alpn_protos(c->ssl, alpn_offer, sizeof(alpn_offer) - 1))
		rc = rw_fail(e, RW_ENOMEM, "no memory for a TLS context");
	if (rc)
		rw_tls_ctx_unref(c);
	else
		*out = c;
	return rc;
}

struct rw_tls_ctx *rw_tls_ctx_ref(struct rw_tls_ctx *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void rw_tls_ctx_unref(struct rw_tls_ctx *c)
{
	if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	SSL_CTX_free(c->ssl);
	BIO_meth_free(c->bio);
	free(c);
}
