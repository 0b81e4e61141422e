/* SPDX-License-Identifier: Apache-2.0 */
/* What every connection of a listener or to an upstream has in common. */
#include "tls/ctx.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
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

static int ctx_new(struct rw_tls_ctx **out, bool server, struct rw_tls_shared *shared,
		   struct rw_error *e)
{
	struct rw_tls_ctx *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return rw_fail(e, RW_ENOMEM, "no memory for a TLS context");
	atomic_init(&c->refs, 1);
	c->server = server;
	c->shared = shared ? rw_tls_shared_ref(shared) : NULL;
	c->bio = rw_tls_bio_method();
	c->ssl = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (c->bio && c->ssl && set_policy(c->ssl) && SSL_CTX_set_app_data(c->ssl, c)) {
		*out = c;
		return RW_OK;
	}
	rc = rw_fail(e, RW_EIO, "OpenSSL cannot be set up for TLS 1.2 and 1.3: %s",
		     rw_tls_reason());
	rw_tls_ctx_unref(c);
	return rc;
}

static int set_profile(struct rw_tls_ctx *c, bool modern, struct rw_error *e)
{
	if (!modern || SSL_CTX_set_min_proto_version(c->ssl, TLS1_3_VERSION))
		return RW_OK;
	return rw_fail(e, RW_EIO, "OpenSSL cannot be set up for TLS 1.3 only: %s", rw_tls_reason());
}

/* --- server ----------------------------------------------------------------------------- */

static int load_pair(struct rw_tls_ctx *c, const struct rw_tls_pair *pair, bool refuse_expired,
		     struct rw_error *e)
{
	struct rw_tls_cert *x = &c->certs[c->n_certs++];
	int rc = rw_tls_load_cert(x, pair->cert_file, pair->key_file, e);

	if (!rc && rw_tls_cert_expired(x)) {
		if (refuse_expired)
			return rw_fail(e, RW_EINVAL, "certificate %s has expired", pair->cert_file);
		rw_warn("certificate %s has expired: clients will refuse it", pair->cert_file);
	}
	return rc || !pair->ocsp_file ? rc : rw_tls_ocsp_load(x, pair->ocsp_file, e);
}

/* Those that clients get without asking for a name; the rest is for names.c. */
static int use_default(struct rw_tls_ctx *c, const struct rw_tls_server_config *cfg,
		       struct rw_error *e)
{
	uint32_t set = rw_tls_names_default(c->names);

	for (unsigned i = 0; i < c->n_certs && i < cfg->n_pairs; i++) {
		const struct rw_tls_cert *x = &c->certs[i];

		if ((set >> i & 1) &&
		    SSL_CTX_use_cert_and_key(c->ssl, x->leaf, x->key, x->chain, 1) != 1)
			return rw_fail(e, RW_EINVAL, "certificate %s cannot be used: %s",
				       cfg->pairs[i].cert_file, rw_tls_reason());
	}
	return RW_OK;
}

/*
 * What a client's certificate was verified for must not be had by a ticket: with clients'
 * certificates each handshake is a full one.
 */
static int ask_clients(struct rw_tls_ctx *c, const struct rw_tls_server_config *cfg,
		       struct rw_error *e)
{
	static const unsigned char id[] = "ringwall";
	int mode = SSL_VERIFY_PEER;

	SSL_CTX_set_session_id_context(c->ssl, id, sizeof(id) - 1);
	if (!cfg->client_ca_file)
		return rw_tls_tickets_use(c) ? RW_OK
					     : rw_fail(e, RW_ENOMEM, "no memory for a TLS context");
	c->asks_client = true;
	if (cfg->client_required)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(c->ssl, mode, NULL);
	SSL_CTX_set_options(c->ssl, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(c->ssl, 0);
	return rw_tls_load_clients(c->ssl, cfg->client_ca_file, e);
}

static int fill_server(struct rw_tls_ctx *c, const struct rw_tls_server_config *cfg,
		       struct rw_error *e)
{
	int rc = set_profile(c, cfg->profile == RW_TLS_MODERN, e);

	SSL_CTX_set_alpn_select_cb(c->ssl, choose_alpn, NULL);
	for (unsigned i = 0; !rc && i < cfg->n_pairs; i++)
		rc = load_pair(c, &cfg->pairs[i], cfg->refuse_expired, e);
	if (rc)
		return rc;
	c->refuse_unknown = cfg->refuse_unknown;
	c->names = rw_tls_names_new(c->certs, c->n_certs, cfg->pairs, e);
	if (!c->names)
		return RW_EINVAL;
	rw_tls_names_use(c);
	rw_tls_ocsp_use(c);
	rc = use_default(c, cfg, e);
	return rc ? rc : ask_clients(c, cfg, e);
}

int rw_tls_server_make(struct rw_tls_ctx **out, const struct rw_tls_server_config *cfg,
		       struct rw_error *e)
{
	struct rw_tls_ctx *c;
	int rc;

	if (cfg->n_pairs == 0 || cfg->n_pairs > RW_TLS_CERTS)
		return rw_fail(e, RW_ELIMIT, "a listener has 1 to %d certificates", RW_TLS_CERTS);
	rc = ctx_new(&c, true, cfg->shared, e);
	if (rc)
		return rc;
	rc = fill_server(c, cfg, e);
	if (rc)
		rw_tls_ctx_unref(c);
	else
		*out = c;
	return rc;
}

int rw_tls_server_new(struct rw_tls_ctx **out, const char *cert_file, const char *key_file,
		      struct rw_error *e)
{
	const struct rw_tls_pair pair = {cert_file, key_file, NULL};

	return rw_tls_server_make(
		out, &(const struct rw_tls_server_config){.pairs = &pair, .n_pairs = 1}, e);
}

/* --- client ----------------------------------------------------------------------------- */

/* Tickets come after the handshake (TLS 1.3), or end it (1.2): either way it was verified. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct rw_tls_ctx *c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if (!SSL_SESSION_is_resumable(session))
		return 0;
	rw_tls_sessions_put(c->sessions, rw_tls_host_of(ssl), session);
	return 1; /* the reference is ours now */
}

static int keep_sessions(struct rw_tls_ctx *c)
{
	c->sessions = rw_tls_sessions_new();
	if (!c->sessions)
		return RW_ENOMEM;
	SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(c->ssl, on_session);
	return RW_OK;
}

static int use_own(struct rw_tls_ctx *c, const struct rw_tls_client_config *cfg, struct rw_error *e)
{
	struct rw_tls_cert *x = &c->certs[0];
	int rc;

	if (!cfg->cert_file)
		return RW_OK;
	c->n_certs = 1;
	rc = rw_tls_load_cert(x, cfg->cert_file, cfg->key_file, e);
	if (rc)
		return rc;
	if (rw_tls_cert_expired(x))
		rw_warn("certificate %s has expired: upstreams will refuse it", cfg->cert_file);
	if (SSL_CTX_use_cert_and_key(c->ssl, x->leaf, x->key, x->chain, 1) != 1)
		return rw_fail(e, RW_EINVAL, "certificate %s cannot be used: %s", cfg->cert_file,
			       rw_tls_reason());
	return RW_OK;
}

static int fill_client(struct rw_tls_ctx *c, const struct rw_tls_client_config *cfg,
		       struct rw_error *e)
{
	int rc = set_profile(c, cfg->modern, e);

	SSL_CTX_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
	c->pins_report = cfg->pins_report;
	c->name = cfg->name ? strdup(cfg->name) : NULL;
	if (!rc && ((cfg->name && !c->name) || keep_sessions(c) ||
		    SSL_CTX_set_alpn_protos(c->ssl, alpn_offer, sizeof(alpn_offer) - 1)))
		rc = rw_fail(e, RW_ENOMEM, "no memory for a TLS context");
	if (!rc)
		rc = rw_tls_load_trust(c->ssl, cfg->ca_file, e);
	if (!rc)
		rc = use_own(c, cfg, e);
	return rc ? rc : rw_tls_pins_set(c, cfg->pins, cfg->n_pins, e);
}

int rw_tls_client_make(struct rw_tls_ctx **out, const struct rw_tls_client_config *cfg,
		       struct rw_error *e)
{
	struct rw_tls_ctx *c;
	int rc = ctx_new(&c, false, cfg->shared, e);

	if (rc)
		return rc;
	rc = fill_client(c, cfg, e);
	if (rc)
		rw_tls_ctx_unref(c);
	else
		*out = c;
	return rc;
}

int rw_tls_client_new(struct rw_tls_ctx **out, const char *ca_file, struct rw_error *e)
{
	return rw_tls_client_make(out, &(const struct rw_tls_client_config){.ca_file = ca_file}, e);
}

/* --- both --------------------------------------------------------------------------------- */

void rw_tls_ctx_ktls(struct rw_tls_ctx *c, enum rw_ktls_mode mode)
{
	c->ktls = mode;
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
	for (unsigned i = 0; i < c->n_certs; i++)
		rw_tls_cert_free(&c->certs[i]);
	rw_tls_names_free(c->names);
	rw_tls_sessions_free(c->sessions);
	rw_tls_shared_unref(c->shared);
	free(c->name);
	free(c);
}
