/* SPDX-License-Identifier: Apache-2.0 */
/* What loop.c, sock*.c, listener.c, sendq.c, timer.c and mailbox.c share. */
#ifndef RW_RING_INTERNAL_H
#define RW_RING_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "ring/io.h"
#include "ring/loop.h"
#include "ring/sock.h"

enum {
	RW_BATCH = 64,	       /* completions handled before what they caused is submitted */
	RW_MAILBOX = 4096,     /* posts waiting at once */
	RW_MAX_LISTENERS = 64, /* per loop */
	/* Per loop: each has two descriptors, and may hold a kernel thread while its receiver is
	   slow. */
	RW_SPLICES = 64,
};

/* --- queued bytes (sendq.c) ------------------------------------------------------------ */

/*
 * A TLS record of 16 KiB with its header and tag fits one chunk. Chunks are
 * recycled last in, first out, so that few of them are in use and those are warm. Of
 * a burst's no more wait for the next one than are in use.
 */
enum { RW_CHUNK_BYTES = 16384 + 512 };

struct rw_chunk {
	struct rw_chunk *next;
	uint32_t begin, end; /* data[begin..end) is queued */
	uint8_t record;	     /* 0: bytes; else they are a record of this type, kept by itself */
	uint8_t data[RW_CHUNK_BYTES];
};

/* One loop's chunks; max_chunks bounds its memory. */
struct rw_chunk_pool {
	struct rw_chunk *free;
	size_t chunks, free_chunks, max_chunks;
};

/* First in, first out. bytes is the sum of all chunks. */
struct rw_sendq {
	struct rw_chunk *head, *tail;
	size_t bytes;
};

void rw_chunk_pool_init(struct rw_chunk_pool *p, size_t max_bytes);
void rw_chunk_pool_free(struct rw_chunk_pool *p);
/* All of data or nothing: RW_ENOMEM at the pool's bound. */
int rw_sendq_add(struct rw_sendq *q, struct rw_chunk_pool *p, const void *data, size_t n);
/* The same as a record of a type. n <= RW_CHUNK_BYTES. */
int rw_sendq_add_record(struct rw_sendq *q, struct rw_chunk_pool *p, uint8_t type, const void *data,
			size_t n);
/* The first bytes as iovecs, or the first record; returns how many, *bytes their sum. */
unsigned rw_sendq_peek(const struct rw_sendq *q, struct iovec iov[RW_IO_MAX_IOV], size_t *bytes);
void rw_sendq_consume(struct rw_sendq *q, struct rw_chunk_pool *p, size_t n);
void rw_sendq_drop(struct rw_sendq *q, struct rw_chunk_pool *p);

/* --- timers (timer.c) ------------------------------------------------------------------ */

enum { RW_WHEEL_BITS = 6, RW_WHEEL_SLOTS = 1 << RW_WHEEL_BITS, RW_WHEEL_LEVELS = 6 };

/*
 * A hierarchical wheel of 1 ms: level k has 64 slots of 64^k ms. tick is the last
 * millisecond that was fired. A bit of `used` may be set for a slot that has been
 * emptied by cancelling; a clear bit is always right.
 */
struct rw_wheel {
	uint64_t tick;
	uint64_t used[RW_WHEEL_LEVELS];
	struct rw_timer *slots[RW_WHEEL_LEVELS][RW_WHEEL_SLOTS];
};

void rw_wheel_init(struct rw_wheel *w, uint64_t now_ns);
void rw_wheel_set(struct rw_wheel *w, struct rw_timer *t, uint64_t when_ns);
/* Fires what is due at now_ns. */
void rw_wheel_fire(struct rw_wheel *w, uint64_t now_ns);
/* No timer fires before this; UINT64_MAX: none is armed. */
uint64_t rw_wheel_next_ns(struct rw_wheel *w);

/* --- mailbox (mailbox.c) --------------------------------------------------------------- */

struct rw_mail {
	void (*fn)(void *arg);
	void *arg;
};

/* A bounded queue from any thread to the loop's. `waiting` may be read without the lock. */
struct rw_mailbox {
	pthread_mutex_t lock;
	atomic_uint waiting;
	unsigned first;
	struct rw_mail mail[RW_MAILBOX];
};

void rw_mailbox_init(struct rw_mailbox *m);
void rw_mailbox_free(struct rw_mailbox *m);
/* RW_ENOMEM when full. *was_empty: the loop has to be woken. */
int rw_mailbox_put(struct rw_mailbox *m, struct rw_mail mail, bool *was_empty);
/* Runs what is there now, in order, outside the lock. */
void rw_mailbox_run(struct rw_mailbox *m);

/* --- sockets (sock.c) ------------------------------------------------------------------ */

/*
 * A socket is a slot of its loop's table. ops has a bit per operation in
 * flight (1 << enum rw_io_op): an operation is started only when its bit is
 * clear, so there is one send at a time, and the slot is freed only when all
 * are clear. asked has a bit per operation whose cancel was asked for and
 * which has not ended. What has to be started is decided in one place, settle,
 * once per turn.
 */
struct rw_sock {
	struct rw_loop *loop;
	const struct rw_sock_cb *cb;
	void *user;
	int fd;
	uint32_t slot, generation;
	uint32_t ops, asked;

	bool live;	 /* the slot is in use */
	bool dirty;	 /* on the loop's list for settle */
	bool connected;	 /* accepted, or connect ended well */
	bool recv_on;	 /* what the user asked for */
	bool eof;	 /* FIN was received */
	bool eof_told;	 /* on_eof was called */
	bool shut;	 /* FIN asked for: nothing more may be queued */
	bool shut_done;	 /* FIN handed to the kernel */
	bool send_dead;	 /* a send failed: waiting for what the peer had still sent */
	bool finishing;	 /* rw_sock_finish was called: receiving only to discard */
	bool dying;	 /* cancelling, then closing; no callback but on_close */
	bool reset;	 /* close with RST */
	bool still;	 /* on_still is due when no receive is under way */
	bool ulp;	 /* kernel TLS has the socket, with keys or without */
	bool records;	 /* the kernel opens the peer's records */
	bool lazy;	 /* what the user asked for */
	bool lazily;	 /* how the send in flight was started */
	bool no_room;	 /* a lazy one found none: the next waits for it */
	bool no_key;	 /* it waits for the peer's next key */
	size_t some;	 /* receive so many bytes at most, once */
	bool once;	 /* such a receive is under way */
	bool piped;	 /* it was the end of a splice */
	bool above_high; /* the queue passed the high mark and has not fallen to the low one */

	int err;		  /* what on_close will say */
	size_t in_flight;	  /* bytes of the send in flight */
	struct rw_splice *splice; /* of which it is an end; NULL: of none */
	struct rw_sendq queue;
	struct rw_sendq held; /* came while receiving was off */
	struct rw_timer linger;
	struct rw_addr peer;
	STAILQ_ENTRY(rw_sock) dirty_link;
	SLIST_ENTRY(rw_sock) free_link;
};

/* At or below it a queue that was at its high mark is drained. */
enum { RW_LOW_MARK = 64 << 10 };

/* The type of a record of data; every other one is control and handed over by itself. */
enum { RW_RECORD_DATA = 23 };

static inline uint32_t rw_op_bit(unsigned op)
{
	return (uint32_t)1 << op;
}

static inline bool rw_sock_busy(const struct rw_sock *s, unsigned op)
{
	return s->ops & rw_op_bit(op);
}

/* What it receives by. */
static inline unsigned rw_sock_recv_op(const struct rw_sock *s)
{
	return s->records ? RW_IO_RECORDS : RW_IO_RECV;
}

/* Settle looks at it. */
void rw_sock_touch(struct rw_sock *s);
/* The first call decides what on_close will say. */
void rw_sock_die(struct rw_sock *s, int err);
void rw_sock_hand_over(struct rw_sock *s, uint8_t record, const uint8_t *data, size_t n);
void rw_sock_tell_eof(struct rw_sock *s);

/* Starts an operation: notes it and returns its tag. */
uint64_t rw_sock_begin(struct rw_sock *s, unsigned op);

/* --- splices (splice.c) -------------------------------------------------------------- */

/* s is the end that receives: it must not, by itself. */
bool rw_splice_receives(const struct rw_sock *s);
/* s must not send now: bytes that stand before what is queued are in the pipe, or on their way. */
bool rw_splice_sends(const struct rw_sock *s);
size_t rw_splice_queued(const struct rw_sock *s);
/* From settle of either end. */
void rw_splice_settle(struct rw_sock *s);
void rw_splice_done(struct rw_sock *s, unsigned op, int res);
/* s is over, and no operation of it is under way. */
void rw_splice_leave(struct rw_sock *s);
void rw_splices_free(struct rw_loop *l);

/* NULL: every slot is taken. */
struct rw_sock *rw_sock_alloc(struct rw_loop *l);
/* A connection came in on fd. */
struct rw_sock *rw_sock_accepted(struct rw_loop *l, int fd);
void rw_sock_done(struct rw_loop *l, const struct rw_io_done *d);
/* Hints: first the socket, then, when that has come, what its user and its bytes are. */
void rw_sock_prefetch(struct rw_loop *l, const struct rw_io_done *d);
void rw_sock_prefetch_user(struct rw_loop *l, const struct rw_io_done *d);
/* Starts what each socket on the dirty list needs. */
void rw_socks_settle(struct rw_loop *l);
/* The back-end is gone and will complete nothing more. */
void rw_sock_bury(struct rw_sock *s);

/* --- listeners (listener.c) ------------------------------------------------------------ */

enum { RW_HELD_ACCEPTS = 1024 };

/*
 * Accepts multishot while slots are free. A burst may bring more connections
 * than slots before the cancel lands: those wait in held, as in a backlog.
 */
struct rw_listener {
	struct rw_loop *loop;
	int fd;
	uint32_t slot, generation;
	uint32_t ops, asked;
	bool draining; /* closing, or closed */
	bool closed;
	bool stopping;
	rw_accept_cb cb;
	void *user;
	struct rw_addr addr;
	struct rw_timer retry; /* after an error that no freed slot will end */
	bool complained;       /* about that error, since the last good accept */
	unsigned n_held, first_held;
	int held[RW_HELD_ACCEPTS];
};

void rw_listener_done(struct rw_loop *l, const struct rw_io_done *d);
void rw_listener_bury(struct rw_listener *ls);
/* Accepts as far as slots go, pauses where they do not. */
void rw_listeners_settle(struct rw_loop *l);

/* --- files (sync.c) -------------------------------------------------------------------- */

/* The one sync that may be under way; done NULL: nobody asks any more. */
struct rw_sync {
	bool busy;
	uint32_t generation;
	void (*done)(void *arg, int rc);
	void *arg;
};

void rw_sync_done(struct rw_loop *l, const struct rw_io_done *d);

/* --- the loop (loop.c) ----------------------------------------------------------------- */

struct rw_loop {
	struct rw_io *io;
	uint64_t now_ns;
	bool busy; /* the last wait brought a whole batch: there is more */
	bool stop;

	struct rw_sock *socks;
	unsigned max_socks, free_socks;
	unsigned used_socks; /* slots that were ever in use: the rest is untouched memory */
	SLIST_HEAD(rw_sock_slist, rw_sock) free;
	STAILQ_HEAD(rw_sock_stailq, rw_sock) dirty;

	struct rw_listener *listeners[RW_MAX_LISTENERS];
	unsigned n_listeners;
	uint32_t listener_generation;
	bool listeners_dirty;
	unsigned orphans; /* closes under way of descriptors that never got a slot */

	struct rw_sync sync;
	struct rw_chunk_pool chunks;
	struct rw_splice *splices; /* all that were ever needed */
	unsigned n_splices;	   /* in use */
	struct rw_wheel wheel;
	struct rw_mailbox mailbox;
	struct rw_tasks tasks, after;
	bool urgent;	/* somebody waits for the end of a lazy send: the next wait is none */
	unsigned round; /* those of an earlier one run now */
	struct rw_loop_stats stats;
	struct rw_io_done done[RW_BATCH];
};

static inline void rw_loop_give_back(struct rw_loop *l, const struct rw_io_done *d)
{
	if (d->buffer != RW_IO_NO_BUFFER)
		l->io->ops->give_back(l->io, d->buffer);
}

#endif
