/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenSSL back-end: an SSL object whose BIO reads straight from the receive buffer that
 * read was given, and writes straight to the sink. It never blocks and never holds bytes.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "tls/capture.h"
#include "tls/internal.h"
#include "tls/record.h"

/* Where in its records what was read so far ends: begun is 0 between two. */
struct position {
	uint8_t begun; /* bytes of a header */
	uint8_t header[5];
	size_t left; /* of its body */
};

struct openssl_record {
	struct rw_record base;
	SSL *ssl;
	struct rw_tls_ctx *ctx;
	rw_record_sink sink;
	void *sink_user;
	int sink_err;		  /* the first error of the sink: what it lost is lost */
	bool open;		  /* the handshake is done */
	enum rw_record_event end; /* EOF or ERROR, for good; else WANT */
	struct rw_slice *in;	  /* of the read under way, else NULL */
	char *identity;		  /* of a client's certificate; NULL: none */
	bool heard;		  /* plaintext has come */
	bool stays;		  /* its keys cannot be had */
	struct position at;
	struct rw_tls_capture capture;
	char host[]; /* "" on the server side */
};

static struct openssl_record *of(struct rw_record *r)
{
	return (struct openssl_record *)r;
}

/* --- the BIO --------------------------------------------------------------------------- */

static void follow(struct position *at, const char *p, size_t n)
{
	while (n) {
		size_t k = at->left < n ? at->left : n;

		if (at->begun < sizeof(at->header)) {
			at->header[at->begun++] = (uint8_t)*p;
			k = 1;
			if (at->begun == sizeof(at->header))
				at->left = (size_t)at->header[3] << 8 | at->header[4];
		} else {
			at->left -= k;
		}
		if (at->begun == sizeof(at->header) && at->left == 0)
			at->begun = 0;
		p += k;
		n -= k;
	}
}

static int bio_read(BIO *b, char *out, size_t room, size_t *n)
{
	struct openssl_record *o = BIO_get_data(b);
	struct rw_slice *in = o->in;

	BIO_clear_retry_flags(b);
	if (!in || in->n == 0) {
		BIO_set_retry_read(b);
		return 0;
	}
	*n = in->n < room ? in->n : room;
	memcpy(out, in->p, *n);
	follow(&o->at, in->p, *n);
	in->p += *n;
	in->n -= *n;
	return 1;
}

static int bio_write(BIO *b, const char *data, size_t n, size_t *written)
{
	struct openssl_record *o = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	if (!o->sink_err)
		o->sink_err = o->sink(o->sink_user, (const uint8_t *)data, n);
	*written = n;
	return !o->sink_err;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	(void)b;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH; /* nothing is ever held back */
}

BIO_METHOD *rw_tls_bio_method(void)
{
	/* No index of its own: the process has 127 of them, and nothing looks for ours. */
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "ringwall");

	if (m && BIO_meth_set_read_ex(m, bio_read) && BIO_meth_set_write_ex(m, bio_write) &&
	    BIO_meth_set_ctrl(m, bio_ctrl))
		return m;
	BIO_meth_free(m);
	return NULL;
}

/* --- the SSL object ----------------------------------------------------------------------- */

static SSL *ssl_new(struct openssl_record *o)
{
	BIO *b = BIO_new(o->ctx->bio);
	SSL *ssl = SSL_new(o->ctx->ssl);

	if (!b || !ssl) {
		BIO_free(b);
		SSL_free(ssl);
		return NULL;
	}
	BIO_set_data(b, o);
	BIO_set_init(b, 1);
	SSL_set_bio(ssl, b, b); /* one reference for both directions */
	if (o->ctx->server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	rw_tls_capture_begin(&o->capture, ssl);
	return ssl;
}

/* --- reading --------------------------------------------------------------------------- */

/* What a call that did not succeed means. */
static enum rw_record_event ended(struct openssl_record *o, int rc, struct rw_error *e)
{
	switch (SSL_get_error(o->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		/* What it had to send meanwhile may have been lost. */
		if (!o->sink_err)
			return RW_RECORD_WANT;
		break;
	case SSL_ERROR_ZERO_RETURN:
		return RW_RECORD_EOF;
	default:
		break;
	}
	if (o->sink_err)
		rw_fail(e, o->sink_err, "what TLS had to send could not be queued: %s",
			rw_err_name(o->sink_err));
	else
		rw_tls_explain(o->ssl, o->host[0] ? o->host : NULL, e);
	ERR_clear_error();
	return RW_RECORD_ERROR;
}

static void opened(struct openssl_record *o)
{
	bool again = SSL_session_reused(o->ssl);

	o->open = true;
	if (!o->ctx->server) {
		rw_tls_count(o->ctx, upstream_handshakes);
		if (again)
			rw_tls_count(o->ctx, upstream_resumptions);
		return;
	}
	rw_tls_count(o->ctx, handshakes);
	if (again)
		rw_tls_count(o->ctx, resumptions);
	if (o->ctx->asks_client)
		o->identity = rw_tls_identity(o->ssl);
}

/*
 * A server's SSL object takes tens of kilobytes: it is made when there is something to do with it.
 * Who connects and says nothing, or waits for its turn, goes without.
 */
static bool is_ready(struct openssl_record *o)
{
	if (!o->ssl)
		o->ssl = ssl_new(o);
	return o->ssl != NULL;
}

static enum rw_record_event handshake(struct openssl_record *o, struct rw_error *e)
{
	enum rw_record_event ev;
	int rc;

	if (!o->ssl && o->in->n == 0)
		return RW_RECORD_WANT;
	if (!is_ready(o)) {
		rw_fail(e, RW_ENOMEM, "no memory for a TLS connection");
		return RW_RECORD_ERROR;
	}
	rc = SSL_do_handshake(o->ssl);
	if (rc == 1) {
		opened(o);
		return RW_RECORD_OPEN;
	}
	ev = ended(o, rc, e);
	if (ev == RW_RECORD_WANT)
		return ev;
	if (o->ctx->server)
		rw_tls_count(o->ctx, handshakes_failed);
	else
		rw_tls_count(o->ctx, upstream_failed);
	return ev;
}

/* As many records as are there and fit: one call above for a burst of small ones. */
static enum rw_record_event decrypt(struct openssl_record *o, uint8_t *plain, size_t room,
				    size_t *n, struct rw_error *e)
{
	size_t got;
	int rc;

	while (*n < room) {
		rc = SSL_read_ex(o->ssl, plain + *n, room - *n, &got);
		if (rc != 1)
			return ended(o, rc, e);
		*n += got;
		o->heard = true;
	}
	return RW_RECORD_FULL;
}

static enum rw_record_event openssl_read(struct rw_record *r, struct rw_slice *in, uint8_t *plain,
					 size_t room, size_t *n, struct rw_error *e)
{
	struct openssl_record *o = of(r);
	enum rw_record_event ev = o->end;

	*n = 0;
	if (ev != RW_RECORD_WANT)
		return ev;
	o->in = in;
	ERR_clear_error(); /* SSL_get_error looks at the queue, whoever filled it */
	ev = o->open ? decrypt(o, plain, room, n, e) : handshake(o, e);
	o->in = NULL;
	if (ev == RW_RECORD_EOF || ev == RW_RECORD_ERROR)
		o->end = ev;
	return ev;
}

/* --- writing --------------------------------------------------------------------------- */

static int openssl_write(struct rw_record *r, const void *data, size_t n)
{
	struct openssl_record *o = of(r);
	size_t written;

	RW_BUG_ON(!o->open);
	if (n == 0)
		return RW_OK;
	if (o->end == RW_RECORD_ERROR)
		return RW_ECLOSED;
	if (SSL_write_ex(o->ssl, data, n, &written) == 1 && !o->sink_err)
		return RW_OK;
	ERR_clear_error();
	o->end = RW_RECORD_ERROR;
	return o->sink_err ? o->sink_err : RW_EPROTO;
}

static void openssl_close(struct rw_record *r)
{
	struct openssl_record *o = of(r);

	if (!o->open || o->end == RW_RECORD_ERROR || o->sink_err)
		return;
	SSL_shutdown(o->ssl);
	ERR_clear_error();
}

/* --- the rest -------------------------------------------------------------------------- */

static void openssl_info(const struct rw_record *r, struct rw_stream_info *out)
{
	const struct openssl_record *o = (const struct openssl_record *)r;
	const unsigned char *alpn;
	unsigned n;

	out->backend = r->ops->name;
	if (!o->open)
		return;
	SSL_get0_alpn_selected(o->ssl, &alpn, &n);
	out->version = SSL_get_version(o->ssl);
	out->cipher = SSL_get_cipher_name(o->ssl);
	out->alpn = n ? "http/1.1" : ""; /* the only one that is offered or accepted */
	out->identity = o->identity ? o->identity : "";
}

/*
 * A client of TLS 1.3 waits for the first answer: tickets come before it, and only this can take
 * them.
 */
static int openssl_keys(struct rw_record *r, struct rw_tls_keys *out)
{
	struct openssl_record *o = of(r);
	int rc;

	if (o->stays)
		return RW_EUNSUP;
	if (!o->open || o->end != RW_RECORD_WANT || o->sink_err || o->at.begun ||
	    SSL_has_pending(o->ssl))
		return RW_EAGAIN;
	if (!o->ctx->server && !o->heard && SSL_version(o->ssl) == TLS1_3_VERSION)
		return RW_EAGAIN;
	rc = rw_tls_capture_keys(&o->capture, o->ssl, out);
	o->stays = rc == RW_EUNSUP;
	openssl_info(r, &out->info);
	out->info.identity = ""; /* goes with us; who wanted it has asked when we opened */
	return rc;
}

static void openssl_free(struct rw_record *r)
{
	struct openssl_record *o = of(r);

	if (o->ssl)
		rw_tls_capture_end(&o->capture, o->ssl);
	/* Else OpenSSL takes the connection for broken, and its session for one not to resume. */
	if (o->ssl && o->open && o->end != RW_RECORD_ERROR)
		SSL_set_shutdown(o->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(o->ssl);
	rw_tls_ctx_unref(o->ctx);
	free(o->identity);
	free(o);
}

const char *rw_tls_host_of(SSL *ssl)
{
	const struct openssl_record *o = BIO_get_data(SSL_get_rbio(ssl));

	return o->host;
}

static const struct rw_record_ops openssl_ops = {
	.name = "openssl",
	.read = openssl_read,
	.write = openssl_write,
	.close = openssl_close,
	.info = openssl_info,
	.keys = openssl_keys,
	.free = openssl_free,
};

/* SNI is for names only (RFC 6066 3); an address is looked for among the addresses. */
static bool expect_host(SSL *ssl, char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (rw_tls_is_address(host))
		return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 &&
	       SSL_set_tlsext_host_name(ssl, host) == 1;
}

/* Without a session the handshake is a full one, and that is all. */
static void resume(struct openssl_record *o)
{
	SSL_SESSION *s = rw_tls_sessions_take(o->ctx->sessions, o->host);

	if (s)
		SSL_set_session(o->ssl, s);
	SSL_SESSION_free(s);
}

int rw_record_openssl_new(struct rw_record **out, struct rw_tls_ctx *ctx, const char *host,
			  rw_record_sink sink, void *user)
{
	size_t n;
	struct openssl_record *o;
	int rc = RW_ENOMEM;

	if (ctx->name)
		host = ctx->name;
	n = host ? strlen(host) : 0;
	o = calloc(1, sizeof(*o) + n + 1);
	if (!o)
		return rc;
	o->base.ops = &openssl_ops;
	o->ctx = rw_tls_ctx_ref(ctx);
	o->sink = sink;
	o->sink_user = user;
	o->end = RW_RECORD_WANT;
	memcpy(o->host, n ? host : "", n);
	if (!ctx->server && !is_ready(o))
		goto fail;
	/* Without a name to hold it to, anybody's certificate would do. */
	rc = RW_EINVAL;
	if (!ctx->server && (n == 0 || !expect_host(o->ssl, o->host)))
		goto fail;
	if (!ctx->server)
		resume(o);
	*out = &o->base;
	return RW_OK;
fail:
	ERR_clear_error();
	openssl_free(&o->base);
	return rc;
}
