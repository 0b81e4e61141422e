/* SPDX-License-Identifier: Apache-2.0 */
/* What the tls room knows about a context. */
#ifndef RW_TLS_CTX_INT_H
#define RW_TLS_CTX_INT_H

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "tls/ctx.h"

struct rw_tls_ctx {
	atomic_uint refs;
	SSL_CTX *ssl;
	bool server;
};

/* The last error of OpenSSL's queue in words; empties the queue. */
const char *rw_tls_why(char *out, size_t cap);

#endif
