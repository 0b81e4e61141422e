/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connection's SSL object is watched for, so that another back-end can go on where it
 * stops: the traffic secrets as they come into use, and how many records each key has sealed and
 * opened. The number of tickets, or of requests that came with Finished, is counted, not assumed.
 *
 * Contract: one connection's, embedded by its owner and wiped by rw_tls_capture_wipe. OpenSSL
 * tells it through callbacks from inside its calls; nothing is written or printed anywhere.
 */
#ifndef RW_TLS_CAPTURE_H
#define RW_TLS_CAPTURE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "tls/keys.h"

struct rw_tls_capture {
	uint8_t client[RW_TLS_SECRET], server[RW_TLS_SECRET]; /* TLS 1.3 */
	uint8_t n_client, n_server;			      /* 0: not in use yet */
	bool is_server;
	bool moved_on; /* a KeyUpdate was seen: what we hold is of the past */
	uint64_t sealed, opened;
};

/* Once for each SSL_CTX that a connection may come to use. */
void rw_tls_capture_allow(SSL_CTX *ctx);
/* Before the handshake. c must live as long as ssl, or until rw_tls_capture_end. */
void rw_tls_capture_begin(struct rw_tls_capture *c, SSL *ssl);
/* After the handshake: the keys, as of now. RW_EUNSUP: they cannot be had. The caller wipes k. */
int rw_tls_capture_keys(const struct rw_tls_capture *c, SSL *ssl, struct rw_tls_keys *k);
/* Nothing is watched any more, and what was seen is gone. */
void rw_tls_capture_end(struct rw_tls_capture *c, SSL *ssl);

#endif
