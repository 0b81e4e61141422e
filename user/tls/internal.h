/* SPDX-License-Identifier: Apache-2.0 */
/* What ctx.c, pem.c, selfsigned.c, openssl.c and words.c share. */
#ifndef RW_TLS_INTERNAL_H
#define RW_TLS_INTERNAL_H

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"
#include "tls/ctx.h"

struct rw_tls_ctx {
	atomic_uint refs;
	bool server;
	SSL_CTX *ssl;
	/* Of this context, not of the process: what a reload makes, a reload frees. */
	BIO_METHOD *bio;
};

/* The BIO between a connection's SSL and its buffers (openssl.c). NULL: out of memory. */
BIO_METHOD *rw_tls_bio_method(void);

/* Of a certificate's names: an address, not a DNS name. */
bool rw_tls_is_address(const char *host);

/* --- PEM files (pem.c) ----------------------------------------------------------------- */

/* The chain and the key into ctx, checked against each other. Errors are in words. */
int rw_tls_load_chain(SSL_CTX *ctx, const char *cert_file, struct rw_error *e);
int rw_tls_load_key(SSL_CTX *ctx, const char *cert_file, const char *key_file, struct rw_error *e);
/* The certificates to trust; ca_file NULL: the system's. */
int rw_tls_load_trust(SSL_CTX *ctx, const char *ca_file, struct rw_error *e);

/* --- OpenSSL's errors in words (words.c) ------------------------------------------------ */

/* What OpenSSL's queue says of its last failure; empties it. The result is static. */
const char *rw_tls_reason(void);
/*
 * Why ssl failed: what OpenSSL said, and what to do where that is known; empties the queue.
 * host: the name that was verified, or NULL. Returns RW_EPROTO.
 */
int rw_tls_explain(SSL *ssl, const char *host, struct rw_error *e);

#endif
