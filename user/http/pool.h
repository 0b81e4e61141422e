/* SPDX-License-Identifier: Apache-2.0 */
/* The client side's own structures: pool.c keeps connections, client.c runs fetches on them. */
#ifndef RW_HTTP_POOL_H
#define RW_HTTP_POOL_H

#include <sys/queue.h>

#include "http/client.h"

enum {
	RW_POOL_ADDRS = 16,
	RW_FETCH_SPARES = 64,
	RW_UPCONN_SPARES = 64,
	RW_HOST_BYTES = 280, /* "name:port" and NUL; a DNS name has at most 253 */
};

enum rw_fetch_state {
	RW_FETCH_CONNECTING,
	RW_FETCH_SENT,	 /* no head yet */
	RW_FETCH_ANSWER, /* its body comes */
	RW_FETCH_FAILED, /* what why says; told by the task, not from inside rw_fetch_start */
};

struct rw_upconn;

/* From rw_fetch_start to on_done or cancel; recycled by its pool. */
struct rw_fetch {
	LIST_ENTRY(rw_fetch) link; /* in pool->fetches or pool->spare_fetches */
	struct rw_pool *pool;
	struct rw_upconn *conn; /* NULL: failed */
	struct rw_fetch_cb cb;
	void *user;
	struct rw_buf head;   /* kept for the retry; holds the provider's key: wiped */
	struct rw_slice body; /* the caller's */
	size_t sent;	      /* of body, to the stream */
	enum rw_fetch_state state;
	struct rw_timer deadline;
	uint64_t last_ns; /* of the answer's latest bytes */
	struct rw_task task;
	struct rw_error why;
	unsigned first_addr, tried; /* where connecting began; addresses that failed since */
	bool retried;
	bool head_only;
	bool paused;
	struct rw_exchange *pass_to; /* NULL: the body is read */
	bool passing;		     /* a splice is under way */
};

/* A connection to the upstream: idle in the pool, or a fetch's. */
struct rw_upconn {
	LIST_ENTRY(rw_upconn) link; /* in pool->idle, others or spare_conns */
	struct rw_pool *pool;
	struct rw_stream *stream;
	struct rw_h1 *parser;
	struct rw_fetch *fetch;
	struct rw_timer idle_timer;
	struct rw_addr peer; /* the pool may have others by now */
	bool idle;
	bool open;     /* connected and handshaken */
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
	unsigned n_addrs, addr;	  /* the one that worked last */
	char host[RW_HOST_BYTES]; /* Host header, and in errors */
	char name[RW_HOST_BYTES]; /* without port: what is verified */
	struct rw_tls_ctx *tls;
	LIST_HEAD(rw_upconn_list, rw_upconn)
	others, idle, spare_conns; /* idle is LIFO: the warmest first */
	LIST_HEAD(rw_fetch_list, rw_fetch) fetches, spare_fetches;
	struct rw_h1_store *store;
	struct rw_buf first; /* a request's head and the begin of its body: one record */
	unsigned n_conns;    /* without those that are closing */
	unsigned n_idle, n_spare_conns, n_spare_fetches;
	unsigned holds; /* calls on the stack that still need the pool */
	bool released;
};

/* pool.c. Connects to addrs[n] for f; its fate is told by the functions below. */
int rw_pool_connect(struct rw_pool *p, struct rw_fetch *f, unsigned n, struct rw_error *e);
/* What answers at peer works: the next connection is tried there first. */
void rw_pool_remember(struct rw_pool *p, const struct rw_addr *peer);
/* An idle connection, or NULL. */
struct rw_upconn *rw_pool_take(struct rw_pool *p);
/* Closes at once, or after what is queued. Whose fetch it was must have left it. */
void rw_upconn_close(struct rw_upconn *c, bool abort);
/* "text (192.0.2.1:443)" */
void rw_upconn_error(const struct rw_upconn *c, struct rw_error *e, int code, const char *text);
void rw_pool_hold(struct rw_pool *p);
void rw_pool_unhold(struct rw_pool *p);

/* client.c: what a connection tells its fetch. After end, broken and lost it is not the fetch's. */
void rw_fetch_begin(struct rw_fetch *f);
void rw_fetch_push(struct rw_fetch *f);
void rw_fetch_bytes(struct rw_fetch *f);
int rw_fetch_head(struct rw_fetch *f, const struct rw_h1_head *head);
/* pass.c: after bytes were fed, at rest, and when some went by. False: the fetch is over. */
void rw_fetch_consider(struct rw_fetch *f);
void rw_fetch_at_rest(struct rw_fetch *f);
bool rw_fetch_passed(struct rw_fetch *f, size_t n, bool over);
/* The answer is whole. */
void rw_fetch_end(struct rw_fetch *f);
/* The answer is wrong: text says why. */
void rw_fetch_broken(struct rw_fetch *f, int code, const char *text);
/* The connection ended, or never came to be. */
void rw_fetch_lost(struct rw_fetch *f, const struct rw_error *why);
void rw_fetch_free(struct rw_fetch *f);

#endif
