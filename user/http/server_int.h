/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server side's own structures: server.c accepts, conn.c reads requests and keeps
 * deadlines, exchange.c answers.
 */
#ifndef RW_HTTP_SERVER_INT_H
#define RW_HTTP_SERVER_INT_H

#include <sys/queue.h>

#include "http/server.h"

enum { RW_DATE_LEN = 29 }; /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* An answer on its way; one at a time on a connection, embedded in it. */
struct rw_exchange {
	void *xuser;
	bool active;	 /* between on_request and on_done */
	bool body_whole; /* the request's */
	bool wants_continue;
	bool head_sent, ended;
	bool keep_alive; /* as the request allows, and as was said */
	bool short_body; /* none, or little enough to read away under an early answer */
	bool head_only;	 /* HEAD: no body goes out */
	bool chunked, close_delimited;
	unsigned minor;
	uint64_t left; /* bytes of a counted body still owed */
};

/* What the connection's one timer means. */
enum rw_conn_wait {
	RW_WAIT_HANDSHAKE,
	RW_WAIT_HEAD,
	RW_WAIT_BODY,
	RW_WAIT_IDLE,
	RW_WAIT_ANSWER, /* no deadline but that the client must take bytes */
};

struct rw_conn {
	LIST_ENTRY(rw_conn) link;
	struct rw_http_server *server;
	struct rw_stream *stream;
	struct rw_stream_info info;
	struct rw_h1 *parser;
	struct rw_exchange x;
	struct rw_buf held;    /* came while an answer is under way: the next request */
	struct rw_buf head;    /* an answer's head, until its body's first bytes join it */
	struct rw_buf backlog; /* an answer's bytes that the socket does not take yet */
	struct rw_timer deadline, later;
	enum rw_conn_wait wait;
	size_t stall_queued; /* bytes queued when the write stall clock began */
	bool stalling;	     /* that clock runs */
	bool feeding;	     /* in the parser: what ends meanwhile is settled after */
	bool closing;	     /* finish or abort was called */
	bool refuse;	     /* over max_conns: told so at its first request */
	bool paused;	     /* the handler wants no body now */
	bool told_bad;
};

struct rw_http_server {
	struct rw_loop *loop;
	struct rw_http_server_config cfg;
	struct rw_tls_ctx *tls;
	struct rw_http_handler handler;
	void *user;
	struct rw_listener *listener;
	LIST_HEAD(, rw_conn) conns;
	unsigned n_conns;
	bool draining, freeing;
	uint64_t date_s;
	char date[RW_DATE_LEN + 1];
};

/* server.c: a connection is gone; frees the server that was waiting for its last one. */
void rw_http_server_gone(struct rw_http_server *s);
/* conn.c */
void rw_conn_open(struct rw_http_server *s, struct rw_sock *sock, bool refuse);
void rw_conn_close(struct rw_conn *c, bool abort);
/* Runs rw_conn_settle when this turn's callback is over. */
void rw_conn_later(struct rw_conn *c);
bool rw_conn_idle(const struct rw_conn *c);
/* The client must take bytes again within write_stall_ns. */
void rw_conn_watch_stall(struct rw_conn *c);
/* exchange.c */
void rw_exchange_begin(struct rw_conn *c, const struct rw_h1_head *head);
/* Calls on_done; the exchange is over. */
void rw_exchange_over(struct rw_conn *c, bool completed);
/* Moves the backlog on; true: it is empty. */
bool rw_exchange_push(struct rw_conn *c);
/* Sends a head that waits for its body. */
void rw_exchange_flush_head(struct rw_conn *c);
/* The server's own answer to broken input, then the end of the connection. */
void rw_conn_refuse(struct rw_conn *c, unsigned status, const char *text);

#endif
