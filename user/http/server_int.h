/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server side's own structures: server.c accepts and recycles, conn.c reads requests
 * and keeps deadlines, exchange.c answers.
 */
#ifndef RW_HTTP_SERVER_INT_H
#define RW_HTTP_SERVER_INT_H

#include <sys/queue.h>

#include "http/proxy.h"
#include "http/server.h"

enum {
	RW_DATE_LEN = 29,	    /* "Sun, 06 Nov 1994 08:49:37 GMT" */
	RW_HELD_BYTES = 16 << 10,   /* of pipelined requests; beyond, the TCP window closes */
	RW_GATHER_BYTES = 16 << 10, /* of answer kept for the turn's end: one TLS record */
	RW_OUT_SPARES = 64,	    /* as many as a turn of the loop has completions */
	RW_CONN_SPARES = 256,
};

/*
 * An answer on its way, one at a time on a connection, embedded in it. What the
 * handler writes in a turn gathers in the connection's out and leaves at the turn's
 * end: head, framing and data in one record and one send.
 */
struct rw_exchange {
	void *xuser;
	struct rw_h1_lines lines; /* for the answer's head */
	bool active;		  /* between on_request and on_done */
	bool body_whole;	  /* the request's */
	bool body_small;     /* what is missing of it is little enough to be read and dropped */
	bool wants_continue; /* waits for 100 before it sends its body */
	bool head_put;	     /* the answer's head is in out, or further */
	bool head_final;     /* and says what becomes of the connection */
	bool held;	     /* what is in out waits for the handler's word */
	bool ended;	     /* the handler has given all */
	bool keep_alive;     /* as the request allows, then as the answer says */
	bool head_only;	     /* no body goes out: HEAD, 204, 304 */
	bool chunked;
	bool close_delimited;
	unsigned minor;
	uint64_t left;	     /* bytes of a counted body still owed by the handler */
	uint64_t chunk_left; /* of a chunk whose size is written; no other may begin before */
};

/* What the connection's deadline means. */
enum rw_conn_wait {
	RW_WAIT_HANDSHAKE,
	RW_WAIT_OPEN, /* for the first byte ever */
	RW_WAIT_HEAD,
	RW_WAIT_BODY,
	RW_WAIT_ANSWER, /* for the handler: no deadline of ours */
	RW_WAIT_IDLE,
};

/* Made by accept, given back to the server's spares by the stream's on_close. */
struct rw_conn {
	LIST_ENTRY(rw_conn) link; /* in the server's conns or spares */
	struct rw_http_server *server;
	struct rw_sock *sock; /* while its PROXY header is read, and nothing else is there yet */
	struct rw_stream *stream;
	struct rw_stream_info info;
	struct rw_addr wire;   /* who the connection is with */
	struct rw_addr client; /* who it is from */
	struct rw_proxy proxy;
	struct rw_h1 *parser;
	struct rw_exchange x;
	struct rw_buf held; /* came while an answer is under way: the next request */
	struct rw_buf out;  /* an answer's bytes that the stream does not have yet */
	size_t out_sent;    /* of out */
	size_t head_end;    /* where in out the head's last line would go */
	struct rw_task settle;
	struct rw_timer deadline;
	enum rw_conn_wait wait;
	unsigned requests;
	unsigned wait_request; /* of requests: whose deadline is running */
	struct rw_timer stall;
	uint64_t stall_since_ns; /* the client took a byte then, or owed nothing */
	size_t stall_seen;	 /* what the stream had queued when last looked */
	bool closing;		 /* finish or abort was called: nothing is read or written */
	bool handshaking;	 /* the handler is owed an on_handshaken */
	char *identity;		 /* what info points to, where the client has one */
	bool refuse;		 /* over max_conns: told so at its first request */
	bool paused;		 /* the handler wants no body now */
	bool told_bad;
};

struct rw_http_server {
	struct rw_loop *loop;
	struct rw_http_server_config cfg;
	struct rw_tls_ctx *tls;
	struct rw_http_handler handler;
	void *user;
	struct rw_listener *listener;
	struct rw_addr addr;
	LIST_HEAD(rw_conn_list, rw_conn) conns, spares;
	unsigned n_conns, n_spares;
	struct rw_h1_store *store;
	struct rw_buf out_spares[RW_OUT_SPARES];
	unsigned n_out_spares;
	bool draining, freeing;
	uint64_t date_s;
	char date[RW_DATE_LEN + 1];
	char hsts[24]; /* RFC 6797: over TLS only, and only what the configuration says */
};

/* server.c: a connection's memory comes and goes; the last one to go frees a freed server. */
struct rw_conn *rw_conn_take(struct rw_http_server *s);
void rw_conn_put(struct rw_conn *c);
/*
 * The connection's out, to be written to: memory of the server's, the last that was used. Where it
 * is empty it goes back, so that a thousand streams share a few that are warm.
 */
struct rw_buf *rw_conn_out(struct rw_conn *c);
void rw_conn_put_out(struct rw_conn *c);

/* conn.c */
extern const struct rw_h1_events rw_conn_events;
void rw_conn_open(struct rw_http_server *s, struct rw_sock *sock, const struct rw_addr *peer,
		  bool refuse);
/* Ends the connection: at once, or after what the stream has. on_done follows in this turn. */
void rw_conn_close(struct rw_conn *c, bool abort);
/* Looks at the connection once this turn's callbacks are over. */
void rw_conn_later(struct rw_conn *c);
/* Ends it if it is idle; one that has only just begun gets a moment for its first request. */
void rw_conn_drain(struct rw_conn *c);
/* Tells the handler's on_bad, once for a connection. */
void rw_conn_tell_bad(struct rw_conn *c, enum rw_http_bad kind, const struct rw_error *why);
/* Asks the stream for bytes, or not, as things stand. */
void rw_conn_update_recv(struct rw_conn *c);

/* exchange.c */
/* n bytes of body, which come next, can be spliced to its stream; what is before them is there. */
bool rw_exchange_may_pass(struct rw_exchange *x, uint64_t n);
struct rw_stream *rw_exchange_stream(const struct rw_exchange *x);
/* They will be: their framing is written. */
void rw_exchange_pass(struct rw_exchange *x, uint64_t n);
/* So many of them were; 0: some wait for the client. */
void rw_exchange_passed(struct rw_exchange *x, uint64_t n);
void rw_exchange_begin(struct rw_conn *c, const struct rw_h1_head *head);
/* Calls on_done; the exchange is over. */
void rw_exchange_over(struct rw_conn *c, bool completed);
/* Moves out to the stream as far as it takes it; true: all of it. */
bool rw_exchange_push(struct rw_conn *c);
/* Notes whether the client took bytes, and watches that it goes on to. */
void rw_exchange_watch(struct rw_conn *c);
/* The server's own answer to broken input, then the end of the connection. */
void rw_conn_refuse(struct rw_conn *c, unsigned status, const char *text);

#endif
