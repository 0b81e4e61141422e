/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client side of HTTP: one upstream's pooled connections, and fetches.
 *
 * Contract: one loop, one thread; a pool per upstream per worker. A fetch lives
 * from rw_fetch_start until on_done, which comes exactly once, last, never from
 * inside rw_fetch_start. A connection is reused only after a message's exact end.
 * A request is sent again (on a new connection) only when a reused idle connection
 * closed before any byte of an answer came.
 */
#ifndef RW_HTTP_CLIENT_H
#define RW_HTTP_CLIENT_H

#include "http/h1.h"
#include "http/server.h"
#include "tls/ctx.h"
#include "tls/stream.h"

struct rw_pool;
struct rw_fetch;

struct rw_pool_config {
	struct rw_h1_limits limits; /* body_bytes applies to answers */
	uint64_t connect_ns;	    /* TCP and TLS; 0: 5 s */
	uint64_t first_byte_ns;	    /* request sent to head; 0: 120 s */
	uint64_t between_ns;	    /* between bytes of an answer; 0: 60 s */
	uint64_t idle_ns;	    /* a pooled connection unused; 0: 30 s */
	unsigned max_idle;	    /* 0: 64 */
	unsigned max_conns;	    /* 0: 1024; above: RW_EBUSY */
};

struct rw_fetch_cb {
	/* The final head (1xx are swallowed). */
	void (*on_head)(void *user, const struct rw_h1_head *head);
	void (*on_body)(void *user, const char *data, size_t n);
	/* why->code 0: the answer is whole. Otherwise what failed, in a sentence. */
	void (*on_done)(void *user, const struct rw_error *why);
	/* See rw_fetch_pass: so many bytes of the body went there. NULL where that is not called.
	 */
	void (*on_passed)(void *user, size_t n);
};

/*
 * addrs (copied, at most 16): tried in turn, from the one that worked last; host: "name" or
 * "name:port", the Host header, SNI and the name verified. NULL: out of memory, or no address.
 */
struct rw_pool *rw_pool_new(struct rw_loop *l, const struct rw_pool_config *cfg,
			    const struct rw_addr *addrs, unsigned n_addrs, const char *host,
			    struct rw_tls_ctx *tls);
/* The same for connections made from now on; n_addrs is not 0. */
void rw_pool_retarget(struct rw_pool *p, const struct rw_addr *addrs, unsigned n_addrs);
/* Closes idle connections now, busy ones when their fetch is done; frees itself then. */
void rw_pool_release(struct rw_pool *p);

struct rw_fetch_request {
	struct rw_slice method;
	struct rw_slice target;
	const struct rw_http_field *fields; /* Host and framing are added by the pool: RW_EINVAL */
	size_t n_fields;
	struct rw_slice body; /* borrowed until on_done: whole, so that Content-Length is known */
	struct rw_h1_lines lines; /* stand before fields: of the request that this one is for */
};

/*
 * NULL: out of memory or connections, or what cannot be written as HTTP (*e says). *rq and
 * *cb are copied; the texts they point at only have to last for the call, but the body.
 */
struct rw_fetch *rw_fetch_start(struct rw_pool *p, const struct rw_fetch_request *rq,
				const struct rw_fetch_cb *cb, void *user, struct rw_error *e);
/* Stops and resumes reading the answer (back-pressure from the client's side). */
void rw_fetch_recv(struct rw_fetch *f, bool on);
/*
 * From on_head: the body is x's, byte by byte, and nobody needs to read it. Where the kernel has
 * the records of both connections, what is long enough goes straight from one to the other; the
 * rest still comes to on_body, and is to be written to x. x outlives f, or f's cancel, and has had
 * its head.
 */
void rw_fetch_pass(struct rw_fetch *f, struct rw_exchange *x);
/* The caller lost interest: closes the connection at once; no callback comes any more. */
void rw_fetch_cancel(struct rw_fetch *f);

#endif
