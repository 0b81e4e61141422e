/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server side of HTTP: a client's connection and the exchanges on it, one
 * after the other (a pipelined request waits until the answer before it is done).
 *
 * Contract: one loop, one thread. An exchange (struct rw_exchange) lives from
 * on_request until on_done, which comes exactly once, last, and never from inside
 * a call of the handler's own on that exchange. Between the two the handler answers
 * with head, body..., end; what it writes in one turn leaves together at its end.
 * When the client goes away first, on_done comes with completed = false and whatever
 * the handler still does with the exchange inside that call has no effect. Malformed
 * input is answered and closed here; the handler's on_bad is told, so that strikes
 * can be counted.
 *
 * A client that ends its side (FIN, close_notify) before the handler has ended the
 * answer is gone, also if it only half-closed: SDKs cancel so, the two look alike,
 * and an answer that nobody reads costs money. nginx, Envoy and Go do the same.
 */
#ifndef RW_HTTP_SERVER_H
#define RW_HTTP_SERVER_H

#include "http/h1.h"
#include "tls/ctx.h"
#include "tls/stream.h"

struct rw_http_server;
struct rw_exchange;
struct rw_turns;

struct rw_http_server_config {
	struct rw_h1_limits limits;
	uint64_t handshake_ns;	 /* TLS handshake deadline; 0: 10 s */
	uint64_t header_ns;	 /* absolute, first byte to end of head; 0: 10 s */
	uint64_t body_ns;	 /* absolute, whole request body; 0: 60 s */
	uint64_t idle_ns;	 /* keep-alive between requests; 0: 75 s */
	uint64_t write_stall_ns; /* client takes no byte; 0: 30 s */
	struct rw_turns *turns;	 /* of TLS handshakes, outlives the server; NULL: none wait */
	uint32_t hsts_s;	 /* over TLS: Strict-Transport-Security says this; 0: none */
	unsigned max_conns;	 /* per server object; 0: 1024. Above: 503, Retry-After, close */
	bool proxy; /* connections begin with a PROXY header, of whom on_proxy believes; no others
		     */
};

enum rw_http_bad {
	RW_HTTP_BAD_TLS,     /* handshake failed or timed out */
	RW_HTTP_BAD_MESSAGE, /* 400: framing or syntax */
	RW_HTTP_BAD_LIMIT,   /* 413 or 431 */
	RW_HTTP_BAD_SLOW,    /* 408: header or body deadline */
	RW_HTTP_BAD_STALL,   /* client stopped reading */
};

struct rw_http_handler {
	/* A whole head came. x is answered now or later. */
	void (*on_request)(void *user, struct rw_exchange *x, const struct rw_h1_head *head);
	void (*on_body)(void *xuser, struct rw_exchange *x, const char *data, size_t n);
	void (*on_body_end)(void *xuser, struct rw_exchange *x);
	/* What was written went out to below the low mark. */
	void (*on_drain)(void *xuser, struct rw_exchange *x);
	/* completed: the whole answer was handed to the socket. x is freed after the call. */
	void (*on_done)(void *xuser, struct rw_exchange *x, bool completed);
	/*
	 * A client begins a TLS handshake: may it? Where it may not, the connection is reset; else
	 * on_handshaken follows once, when it is done or failed. Both may be NULL: any may.
	 */
	bool (*on_handshake)(void *user, const struct rw_addr *peer);
	void (*on_handshaken)(void *user, const struct rw_addr *peer);
	/* A connection was opened (+1) or is gone (-1). May be NULL. */
	void (*on_conn)(void *user, int change);
	/* peer: whose the connection is, also where a balancer's speaks for others. */
	void (*on_bad)(void *user, const struct rw_addr *peer, enum rw_http_bad kind,
		       const struct rw_error *why);
	/* Whether a PROXY header from this address is believed. May be NULL: from none. */
	bool (*on_proxy)(void *user, const struct rw_addr *peer);
	/*
	 * Makes the body of an answer the server gives by itself (400, 408, 413, 431,
	 * 503) in the handler's dialect, into out. May be NULL: plain text.
	 */
	void (*on_error_body)(void *user, unsigned status, const char *text, struct rw_buf *out,
			      const char **content_type);
};

/* cfg and h are copied; tls (may be NULL) is referenced. */
struct rw_http_server *rw_http_server_new(struct rw_loop *l,
					  const struct rw_http_server_config *cfg,
					  struct rw_tls_ctx *tls, const struct rw_http_handler *h,
					  void *user);
/* Replaces limits, deadlines and TLS for connections that come from now on. */
void rw_http_server_update(struct rw_http_server *s, const struct rw_http_server_config *cfg,
			   struct rw_tls_ctx *tls);
int rw_http_server_listen(struct rw_http_server *s, const struct rw_addr *addr, struct rw_error *e);
const struct rw_addr *rw_http_server_addr(const struct rw_http_server *s);
/* The listening descriptor; only io_uring's means anything to the kernel. Before drain. */
int rw_http_server_fd(const struct rw_http_server *s);
/*
 * Stops accepting, ends idle connections, answers the rest with Connection: close. Who has just
 * connected may still make the request that he connected for, if it comes within 2 s.
 */
void rw_http_server_drain(struct rw_http_server *s);
/* Drained: the listener is closed, nothing that it accepted is left. */
bool rw_http_server_ended(const struct rw_http_server *s);
/* Connections now open. */
unsigned rw_http_server_conns(const struct rw_http_server *s);
/* Aborts what is left; calls back on_done for open exchanges; then frees. */
void rw_http_server_free(struct rw_http_server *s);

/* What the handler wants as xuser in later callbacks. */
void rw_exchange_set_user(struct rw_exchange *x, void *xuser);
/* The client; behind a balancer with a PROXY header it is the one that this names. */
const struct rw_stream_info *rw_exchange_peer(const struct rw_exchange *x);
/* Who the connection is with: the client, or its balancer. */
const struct rw_addr *rw_exchange_wire(const struct rw_exchange *x);
/*
 * Stops and resumes reading the request body (back-pressure). What was received
 * already still comes. Resuming sends 100 Continue where the client waits for it.
 */
void rw_exchange_recv(struct rw_exchange *x, bool on);
/* Sends 100 Continue if the client waits for it. Call before expecting a body. */
void rw_exchange_continue(struct rw_exchange *x);

struct rw_http_field {
	struct rw_slice name;
	struct rw_slice value;
};

/* Fields of the upstream's that stand first in the head. Borrowed until that is written. */
void rw_exchange_lines(struct rw_exchange *x, struct rw_h1_lines lines);
/*
 * The answer's head. length: body bytes to come, or -1: unknown (chunked for
 * HTTP/1.1, close-delimited for 1.0). Date, Connection and framing are added here.
 * RW_ECLOSED: the client is gone. RW_EINVAL: it would not be read as it is meant
 * (a control character in a field, a field that is ours to write, a body longer or,
 * at the end, shorter than length); then, and at any other error of head, body and
 * end, the connection is cut and on_done follows.
 */
int rw_exchange_head(struct rw_exchange *x, unsigned status, const struct rw_http_field *fields,
		     size_t n_fields, int64_t length);
int rw_exchange_body(struct rw_exchange *x, const void *data, size_t n);
/* The answer is whole. */
int rw_exchange_end(struct rw_exchange *x);
/*
 * What the handler writes from now on stays here until rw_exchange_release, so that the client
 * does not have the end of its answer before something else is done. Before the last bytes; on_done
 * with completed = true waits for it, too. Of a large answer only the last bytes should be held.
 */
void rw_exchange_hold(struct rw_exchange *x);
void rw_exchange_release(struct rw_exchange *x);
/*
 * Cuts the connection: the answer cannot be completed and the client must notice.
 * What was written before still goes out where the framing shows that more should
 * have come.
 */
void rw_exchange_abort(struct rw_exchange *x);
/* Bytes not yet taken by the kernel; above rw_sock_high_mark() wait for on_drain. */
size_t rw_exchange_queued(const struct rw_exchange *x);

#endif
