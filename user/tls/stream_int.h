/* SPDX-License-Identifier: Apache-2.0 */
/* What stream.c and stream_kernel.c share. */
#ifndef RW_TLS_STREAM_INT_H
#define RW_TLS_STREAM_INT_H

#include "base/buf.h"
#include "tls/record.h"
#include "tls/stream.h"
#include "tls/turns.h"

/*
 * A connection that is never at rest when its socket is stays in userspace: each try costs two
 * turns without a receive.
 */
enum { RW_KERNEL_TRIES = 8 };

/*
 * The user may do anything to the stream from inside any callback; after each one
 * the code below looks at the flags again. The struct itself lives until the
 * socket's on_close.
 *
 * held is not empty, or more is set, only while the user has paused an open TLS
 * stream, when the socket does not receive, so nothing comes behind them; or, held, while a
 * handshake waits for its turn, when what comes is put behind it.
 */
struct rw_stream {
	struct rw_loop *loop;
	struct rw_sock *sock;
	struct rw_record *rec;	/* NULL: plain */
	struct rw_tls_ctx *tls; /* whose policy and counters; NULL: plain */
	const struct rw_stream_cb *cb;
	void *user;

	bool connected; /* TCP is */
	bool open;	/* on_open was called */
	bool closing;	/* finished, aborted or failed: no callback but on_close */
	bool failed;	/* why says how it ended; else it may hold what read said early */
	bool recv_on;	/* what the user asked for */
	bool pumping;	/* in pump, which looks at recv_on itself */
	bool more;	/* rec->read has more to say */
	bool eof_told;	/* on_eof was called */
	bool cork;
	bool lean;		/* rec needs no further look: it was handed over, or stays */
	bool in_kernel;		/* rec is the kernel's */
	bool switching;		/* on_sock_still is due */
	uint8_t tries;		/* so many times it may still be tried to give rec to the kernel */
	struct rw_task later;	/* on_later: what must not happen inside the user's call */
	struct rw_turns *turns; /* the handshake's; NULL: it need not wait for others */
	struct rw_turn turn;

	struct rw_buf held;   /* ciphertext that was not read yet */
	struct rw_buf corked; /* plaintext that was not written yet; cap is RW_RECORD_MAX or 0 */
	struct rw_error why;  /* what on_close will say */
	char host[];	      /* "" on the server side */
};

/* TLS is over, and why says so without naming the peer. An alert may still be on its way. */
void rw_stream_fail(struct rw_stream *st);
/* What the user wrote is lost in part, or will be. Returns rc. */
int rw_stream_break_off(struct rw_stream *st, int rc);
void rw_stream_tell_eof(struct rw_stream *st, bool clean);

/* --- in stream_kernel.c ------------------------------------------------------------------ */

/* It was to be the kernel's and will not be. */
void rw_stream_refused(struct rw_stream *st);
/* Where it is wanted and all is at rest: begins to give the keys away. */
void rw_stream_try_kernel(struct rw_stream *st);
/* The socket's callbacks. */
void rw_stream_on_still(void *user);
void rw_stream_on_spliced(void *user, size_t n, bool over);
void rw_stream_on_record(void *user, uint8_t type, const uint8_t *data, size_t n);
void rw_stream_on_record_sent(void *user, uint8_t type);

#endif
