/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/ctx.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tls/ctx_int.h"

static const char GROUPS[] = "X25519MLKEM768:X25519:P-256:P-384";
/* TLS 1.2: forward secrecy and AEAD only. TLS 1.3's own list is fine as it is. */
static const char CIPHERS_12[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

const char *rw_tls_why(char *out, size_t cap)
{
	unsigned long err = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(err);

	if (ERR_SYSTEM_ERROR(err))
		reason = strerror(ERR_GET_REASON(err));
	snprintf(out, cap, "%s", reason ? reason : "no reason given");
	ERR_clear_error();
	return out;
}

/* RFC 7301: who offers ALPN must offer what we speak, or learns so by an alert. */
static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen,
		       const unsigned char *in, unsigned inlen, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, outlen, ours, sizeof(ours) - 1, in, inlen) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int ctx_new(struct rw_tls_ctx **out, bool server, struct rw_error *e)
{
	struct rw_tls_ctx *c = calloc(1, sizeof(*c));
	char why[160];

	if (!c)
		return rw_fail(e, RW_ENOMEM, "out of memory for a TLS context");
	atomic_init(&c->refs, 1);
	c->server = server;
	c->ssl = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (!c->ssl || !SSL_CTX_set_min_proto_version(c->ssl, TLS1_2_VERSION) ||
	    !SSL_CTX_set_cipher_list(c->ssl, CIPHERS_12) ||
	    !SSL_CTX_set1_groups_list(c->ssl, GROUPS)) {
		rw_fail(e, RW_EIO, "cannot set up TLS: %s", rw_tls_why(why, sizeof(why)));
		rw_tls_ctx_unref(c);
		return RW_EIO;
	}
	SSL_CTX_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(c->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					    SSL_OP_CIPHER_SERVER_PREFERENCE |
					    SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_OFF);
	*out = c;
	return RW_OK;
}

/* No terminal to ask at: a key with a passphrase is refused in words. */
static int no_passphrase(char *buf, int size, int rwflag, void *user)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	*(bool *)user = true;
	return -1;
}

static int check_key_file(const char *file, struct rw_error *e)
{
	struct stat st;

	if (stat(file, &st))
		return rw_fail(e, RW_EIO, "private key %s: %s", file, strerror(errno));
	if (st.st_mode & 077)
		return rw_fail(e, RW_EPERM,
			       "private key %s: others than its owner may use it (mode %03o); "
			       "run: chmod 600 %s",
			       file, st.st_mode & 0777, file);
	return RW_OK;
}

static int load_pair(struct rw_tls_ctx *c, const char *cert, const char *key, struct rw_error *e)
{
	bool locked = false;
	char why[160];
	int rc = check_key_file(key, e);

	if (rc)
		return rc;
	if (SSL_CTX_use_certificate_chain_file(c->ssl, cert) != 1)
		return rw_fail(e, RW_EIO, "certificate %s: %s", cert, rw_tls_why(why, sizeof(why)));
	SSL_CTX_set_default_passwd_cb(c->ssl, no_passphrase);
	SSL_CTX_set_default_passwd_cb_userdata(c->ssl, &locked);
	rc = SSL_CTX_use_PrivateKey_file(c->ssl, key, SSL_FILETYPE_PEM);
	SSL_CTX_set_default_passwd_cb_userdata(c->ssl, NULL);
	if (rc == 1)
		return RW_OK;
	if (locked)
		return rw_fail(e, RW_EINVAL,
			       "private key %s has a passphrase: there is nobody to type it; store "
			       "it without (openssl pkey) and keep the file's mode at 600",
			       key);
	if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
		return rw_fail(e, RW_EINVAL, "private key %s does not belong to certificate %s",
			       key, cert);
	return rw_fail(e, RW_EIO, "private key %s: %s", key, rw_tls_why(why, sizeof(why)));
}

int rw_tls_server_new(struct rw_tls_ctx **out, const char *cert_file, const char *key_file,
		      struct rw_error *e)
{
	struct rw_tls_ctx *c;
	int rc = ctx_new(&c, true, e);

	if (rc)
		return rc;
	SSL_CTX_set_alpn_select_cb(c->ssl, choose_alpn, NULL);
	rc = load_pair(c, cert_file, key_file, e);
	if (rc) {
		ERR_clear_error();
		rw_tls_ctx_unref(c);
		return rc;
	}
	*out = c;
	return RW_OK;
}

int rw_tls_client_new(struct rw_tls_ctx **out, const char *ca_file, struct rw_error *e)
{
	struct rw_tls_ctx *c;
	char why[160];
	int rc = ctx_new(&c, false, e);

	if (rc)
		return rc;
	SSL_CTX_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
	rc = ca_file ? SSL_CTX_load_verify_file(c->ssl, ca_file)
		     : SSL_CTX_set_default_verify_paths(c->ssl);
	/* set_alpn_protos answers 0 for success */
	if (rc != 1 || SSL_CTX_set_alpn_protos(c->ssl, (const unsigned char *)"\x08http/1.1", 9)) {
		rc = rw_fail(e, RW_EIO, "CA file %s: %s", ca_file ? ca_file : "of the system",
			     rw_tls_why(why, sizeof(why)));
		rw_tls_ctx_unref(c);
		return rc;
	}
	*out = c;
	return RW_OK;
}

struct rw_tls_ctx *rw_tls_ctx_ref(struct rw_tls_ctx *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void rw_tls_ctx_unref(struct rw_tls_ctx *c)
{
	if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	SSL_CTX_free(c->ssl);
	free(c);
}
