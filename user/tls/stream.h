/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte stream over a socket: plain TCP or TLS, alike to those above.
 *
 * Contract: a stream owns its socket. It belongs to one loop's thread and its
 * pointer is valid until on_close has returned; on_close comes exactly once,
 * last, never from inside the call that caused it. Data is handed over
 * decrypted and valid during the call only. Where the stream is TLS, a FIN
 * without close_notify is a truncation: on_eof says clean = false.
 */
#ifndef RW_TLS_STREAM_H
#define RW_TLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ring/loop.h"
#include "ring/sock.h"

struct rw_tls_ctx;
struct rw_turns;
struct rw_stream;

struct rw_stream_cb {
	void (*on_open)(void *user); /* connected and handshaken */
	void (*on_data)(void *user, const uint8_t *data, size_t n);
	void (*on_eof)(void *user, bool clean);
	void (*on_drain)(void *user); /* see rw_sock_cb.on_drain */
	/* why->code 0: our own close; RW_ETLS: of TLS and not of TCP, the text says what */
	void (*on_close)(void *user, const struct rw_error *why);
	void (*on_still)(void *user);			     /* see rw_stream_still */
	void (*on_spliced)(void *user, size_t n, bool over); /* see rw_sock_cb.on_spliced */
};

struct rw_stream_info {
	const char *backend; /* "plain", "openssl", "aead" or "ktls" */
	const char *version; /* "TLSv1.3"; "" where plain */
	const char *cipher;  /* "" where plain */
	const char *alpn;    /* "" where none */
	/* What a client's verified certificate names it: "URI:..."; "" where none. */
	const char *identity; /* asked for, and valid, in on_open only */
	struct rw_addr peer;
};

/* Server side of an accepted socket; tls NULL: plain. NULL result: out of memory, s aborted. */
struct rw_stream *rw_stream_accept(struct rw_loop *l, struct rw_sock *s, struct rw_tls_ctx *tls,
				   const struct rw_stream_cb *cb, void *user);
/*
 * What the socket had received before it was the stream's. Right after rw_stream_accept, from the
 * loop: callbacks may come from inside.
 */
void rw_stream_take(struct rw_stream *st, const uint8_t *data, size_t n);
/*
 * Client side; host is the name or address to verify; a name is sent as SNI. Where plain, it is
 * only named in errors and may be NULL. NULL result: out of memory or sockets, or no such host.
 */
struct rw_stream *rw_stream_connect(struct rw_loop *l, const struct rw_addr *addr,
				    struct rw_tls_ctx *tls, const char *host,
				    const struct rw_stream_cb *cb, void *user);
/*
 * Right after accept: the handshake takes turns with others of the loop. t outlives on_open or the
 * end of the stream.
 */
void rw_stream_take_turns(struct rw_stream *st, struct rw_turns *t);
/* Changes who is told, e.g. when a pooled connection gets its next user. */
void rw_stream_bind(struct rw_stream *st, const struct rw_stream_cb *cb, void *user);

/*
 * As rw_sock_send, for plaintext. Legal once on_open was called. Over TLS, RW_ENOMEM leaves a
 * hole among the records: the stream ends by itself, and on_close says why.
 */
int rw_stream_write(struct rw_stream *st, const void *data, size_t n);
/* Gathers several writes of one turn into few records and sends: hold, write..., release. */
void rw_stream_cork(struct rw_stream *st, bool on);
size_t rw_stream_queued(const struct rw_stream *st);
/* As rw_sock_recv; a TLS handshake goes on while it is off. */
void rw_stream_recv(struct rw_stream *st, bool on);
/*
 * Where the kernel has the records of both, it can also pass their data on: no byte is read here.
 * rw_stream_still: what has come is handed over as ever, then on_still is called, in a later turn.
 * There rw_stream_splice may be called, as rw_sock_splice; else st goes on as before.
 */
bool rw_stream_may_splice(const struct rw_stream *st);
void rw_stream_still(struct rw_stream *st);
int rw_stream_splice(struct rw_stream *st, struct rw_stream *to, uint64_t n);
/* What is queued (and corked), close_notify, FIN, close. Before on_open: as abort. */
void rw_stream_finish(struct rw_stream *st);
void rw_stream_abort(struct rw_stream *st);
void rw_stream_info(const struct rw_stream *st, struct rw_stream_info *out);
/* info's backend, as of now: it changes after on_open. */
const char *rw_stream_backend(const struct rw_stream *st);

#endif
