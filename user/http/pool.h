/* SPDX-License-Identifier: Apache-2.0 */
/* The client side's own structures: pool.c keeps connections, client.c runs fetches on them. */
#ifndef RW_HTTP_POOL_H
#define RW_HTTP_POOL_H

#include <sys/queue.h>

#include "http/client.h"

enum { RW_POOL_ADDRS = 16 };

enum rw_fetch_state {
	RW_FETCH_CONNECTING,
	RW_FETCH_SENT,	 /* no head yet */
	RW_FETCH_ANSWER, /* its body comes */
	RW_FETCH_DOOMED, /* failed before it began; why says how */
};

struct rw_upconn;

struct rw_fetch {
	struct rw_pool *pool;
	struct rw_upconn *conn; /* NULL while there is none */
	const struct rw_fetch_cb *cb;
	void *user;
	struct rw_buf head;
	struct rw_slice body; /* the caller's */
	size_t sent;	      /* of body */
	enum rw_fetch_state state;
	struct rw_timer deadline;
	struct rw_error why;
	unsigned tried; /* addresses that refused */
	bool retried;
	bool head_only;
};

/* A connection to the upstream: idle in the pool, or a fetch's. */
struct rw_upconn {
	LIST_ENTRY(rw_upconn) link; /* in pool->all */
	LIST_ENTRY(rw_upconn) idle_link;
	struct rw_pool *pool;
	struct rw_stream *stream;
	struct rw_h1 *parser;
	struct rw_fetch *fetch;
	struct rw_timer idle_timer;
	bool idle;
	bool reused;   /* carried a message before this one */
	bool answered; /* bytes of this fetch's answer came */
	bool keep;     /* may carry another message */
	bool ended;    /* the message's end was seen */
	bool closing;
};

struct rw_pool {
	struct rw_loop *loop;
	struct rw_pool_config cfg;
	struct rw_addr addrs[RW_POOL_ADDRS];
	unsigned n_addrs, next_addr;
	char host[280], name[280]; /* Host header; name to verify */
	struct rw_tls_ctx *tls;
	LIST_HEAD(, rw_upconn) all;
	LIST_HEAD(, rw_upconn) idle; /* LIFO: the warmest first */
	unsigned n_conns, n_idle;
	bool released;
};

/* pool.c. A connection for f; on success f->conn is set and rw_fetch_begin or _lost follows. */
int rw_pool_connect(struct rw_pool *p, struct rw_fetch *f, struct rw_error *e);
/* An idle connection, or NULL. */
struct rw_upconn *rw_pool_take(struct rw_pool *p);
void rw_upconn_close(struct rw_upconn *c, bool abort);

/* client.c: what a connection tells its fetch. After end, broken and lost the fetch is gone. */
void rw_fetch_begin(struct rw_fetch *f);
void rw_fetch_push(struct rw_fetch *f);
void rw_fetch_bytes(struct rw_fetch *f);
int rw_fetch_head(struct rw_fetch *f, const struct rw_h1_head *head);
void rw_fetch_end(struct rw_fetch *f);
void rw_fetch_broken(struct rw_fetch *f, int code, const char *text);
void rw_fetch_lost(struct rw_fetch *f, const struct rw_error *why);

#endif
