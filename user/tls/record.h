/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record back-end: turns a connection's ciphertext into plaintext and back. Bytes in, bytes out;
 * no sockets, no time. `openssl` is the first; plain TCP is the absence of one.
 *
 * Contract: one connection's, one thread's. feed takes everything. Errors are terminal:
 * after one, only pending and take (an alert may wait there) and free are called.
 */
#ifndef RW_TLS_RECORD_H
#define RW_TLS_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "tls/ctx.h"
#include "tls/stream.h"

struct rw_record;

enum { RW_RECORD_MAX = 16384 }; /* plaintext of one TLS record, RFC 8446 5.1 */

/* What read and handshake say beside a negative enum rw_err. */
enum rw_record_result {
	RW_RECORD_MORE = 0,   /* feed more first */
	RW_RECORD_DONE = 1,   /* handshake: complete */
	RW_RECORD_CLOSED = 2, /* read: the peer's close_notify */
};

struct rw_record_ops {
	const char *name;
	/* host: the name to verify (client side); NULL on the server side. */
	struct rw_record *(*new)(struct rw_tls_ctx *ctx, const char *host, struct rw_error *e);
	void (*free)(struct rw_record *r);
	int (*feed)(struct rw_record *r, const void *data, size_t n);
	int (*handshake)(struct rw_record *r, struct rw_error *e);
	/* *n > 0 with RW_OK: plaintext. Else *n is 0 and the result says why. */
	int (*read)(struct rw_record *r, void *out, size_t cap, size_t *n, struct rw_error *e);
	/* n <= RW_RECORD_MAX: becomes one record. */
	int (*write)(struct rw_record *r, const void *data, size_t n, struct rw_error *e);
	/* close_notify. */
	void (*close)(struct rw_record *r);
	/* Ciphertext to send, valid until the next call. */
	size_t (*pending)(struct rw_record *r, const char **data);
	void (*sent)(struct rw_record *r);
	/* Fills version, cipher, alpn. */
	void (*info)(const struct rw_record *r, struct rw_stream_info *out);
};

extern const struct rw_record_ops rw_record_openssl;

#endif
