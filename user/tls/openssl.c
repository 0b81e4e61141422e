/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `openssl` back-end: an SSL object between two memory BIOs. Never a socket BIO: bytes come
 * and go through the ring.
 */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "tls/ctx_int.h"
#include "tls/record.h"

struct rw_record {
	SSL *ssl;
	BIO *in, *out; /* owned by ssl */
};

/* --- errors in words ------------------------------------------------------------------------ */

static int verify_failed(SSL *ssl, struct rw_error *e)
{
	long v = SSL_get_verify_result(ssl);
	const char *advice;

	switch (v) {
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		advice = "its issuer is not trusted here; name it with ca_file";
		break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		advice = "renew it, or set this host's clock right";
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		advice = "it is for another name than the url's";
		break;
	default:
		advice = "see the reason";
	}
	ERR_clear_error();
	return rw_fail(e, RW_EPROTO, "the peer's certificate is refused: %s (%s)",
		       X509_verify_cert_error_string(v), advice);
}

static int failed(struct rw_record *r, const char *doing, struct rw_error *e)
{
	char why[160];
	int reason = ERR_GET_REASON(ERR_peek_last_error());

	if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
		return verify_failed(r->ssl, e);
	if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
	    reason == SSL_R_PACKET_LENGTH_TOO_LONG) {
		ERR_clear_error();
		return rw_fail(e, RW_EPROTO, "%s: the peer does not speak TLS (plain HTTP?)",
			       doing);
	}
	return rw_fail(e, RW_EPROTO, "%s: %s", doing, rw_tls_why(why, sizeof(why)));
}

/* --- the back-end ----------------------------------------------------------------------------- */

static bool set_peer_name(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	unsigned char addr[16];

	if (inet_pton(AF_INET, host, addr) == 1 || inet_pton(AF_INET6, host, addr) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(param, host); /* SNI takes names only */
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set_tlsext_host_name(ssl, host) && SSL_set1_host(ssl, host);
}

static void ssl_free(struct rw_record *r)
{
	SSL_free(r->ssl);
	free(r);
}

static struct rw_record *ssl_new(struct rw_tls_ctx *ctx, const char *host, struct rw_error *e)
{
	struct rw_record *r = calloc(1, sizeof(*r));

	if (!r || !(r->ssl = SSL_new(ctx->ssl)))
		goto fail;
	r->in = BIO_new(BIO_s_mem());
	r->out = BIO_new(BIO_s_mem());
	if (!r->in || !r->out) {
		BIO_free(r->in);
		BIO_free(r->out);
		goto fail;
	}
	BIO_set_mem_eof_return(r->in, -1);
	SSL_set_bio(r->ssl, r->in, r->out);
	if (ctx->server)
		SSL_set_accept_state(r->ssl);
	else
		SSL_set_connect_state(r->ssl);
	if (!ctx->server && !set_peer_name(r->ssl, host))
		goto fail;
	return r;
fail:
	rw_fail(e, RW_ENOMEM, "out of memory for a TLS connection");
	ERR_clear_error();
	if (r)
		ssl_free(r);
	return NULL;
}

static int ssl_feed(struct rw_record *r, const void *data, size_t n)
{
	size_t done;

	return BIO_write_ex(r->in, data, n, &done) && done == n ? RW_OK : RW_ENOMEM;
}

static int ssl_handshake(struct rw_record *r, struct rw_error *e)
{
	int rc = SSL_do_handshake(r->ssl);

	if (rc == 1)
		return RW_RECORD_DONE;
	if (SSL_get_error(r->ssl, rc) == SSL_ERROR_WANT_READ)
		return RW_RECORD_MORE;
	return failed(r, "TLS handshake", e);
}

static int ssl_read(struct rw_record *r, void *out, size_t cap, size_t *n, struct rw_error *e)
{
	int rc = SSL_read_ex(r->ssl, out, cap, n);

	if (rc == 1)
		return RW_OK;
	*n = 0;
	switch (SSL_get_error(r->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return RW_RECORD_MORE;
	case SSL_ERROR_ZERO_RETURN:
		return RW_RECORD_CLOSED;
	default:
		return failed(r, "TLS", e);
	}
}

static int ssl_write(struct rw_record *r, const void *data, size_t n, struct rw_error *e)
{
	size_t done;

	if (SSL_write_ex(r->ssl, data, n, &done) == 1 && done == n)
		return RW_OK;
	return failed(r, "TLS", e);
}

static void ssl_close(struct rw_record *r)
{
	/* In the middle of a handshake there is nobody to tell. */
	if (SSL_is_init_finished(r->ssl))
		SSL_shutdown(r->ssl);
	ERR_clear_error();
}

static size_t ssl_pending(struct rw_record *r, const char **data)
{
	char *p;
	long n = BIO_get_mem_data(r->out, &p);

	*data = p;
	return n > 0 ? (size_t)n : 0;
}

static void ssl_sent(struct rw_record *r)
{
	(void)BIO_reset(r->out);
}

static void ssl_info(const struct rw_record *r, struct rw_stream_info *out)
{
	const unsigned char *alpn;
	unsigned n;

	SSL_get0_alpn_selected(r->ssl, &alpn, &n);
	out->version = SSL_get_version(r->ssl);
	out->cipher = SSL_get_cipher_name(r->ssl);
	out->alpn = n == 8 ? "http/1.1" : ""; /* the only one we ever agree to */
}

const struct rw_record_ops rw_record_openssl = {
	.name = "openssl",
	.new = ssl_new,
	.free = ssl_free,
	.feed = ssl_feed,
	.handshake = ssl_handshake,
	.read = ssl_read,
	.write = ssl_write,
	.close = ssl_close,
	.pending = ssl_pending,
	.sent = ssl_sent,
	.info = ssl_info,
};
