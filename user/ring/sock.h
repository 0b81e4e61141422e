/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets and listeners of one loop, as the rooms above see them.
 *
 * Contract: everything here belongs to one loop and is touched by that loop's
 * thread only. A struct rw_sock pointer is valid until its on_close callback
 * has returned; on_close is called exactly once, last, for every socket that
 * was handed out, also after rw_sock_abort, and never from inside the call that
 * asked for it. By construction there is one send in flight per socket, and a
 * socket's descriptor is closed only after every operation on it has ended.
 */
#ifndef RW_RING_SOCK_H
#define RW_RING_SOCK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

struct rw_loop;
struct rw_sock;
struct rw_listener;

/* An IPv4 or IPv6 address with port, as the kernel wants it. */
struct rw_addr {
	socklen_t len;
	union {
		struct sockaddr sa;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	};
};

/* Room for "[v6]:65535" and its NUL. */
enum { RW_ADDR_TEXT = 64 };

/* "192.0.2.1:8443" or "[2001:db8::1]:8443"; RW_EINVAL says what is wrong. */
int rw_addr_parse(const char *text, struct rw_addr *out, struct rw_error *e);
/* The same form; with_port = false gives the bare address. Returns out. */
const char *rw_addr_text(const struct rw_addr *a, bool with_port, char out[RW_ADDR_TEXT]);
bool rw_addr_is_loopback(const struct rw_addr *a);

struct rw_sock_cb {
	/* A connect ended: 0 or a negative rw_err (then on_close follows). */
	void (*on_connect)(void *user, int err);
	/* Bytes came; data is valid during the call only. */
	void (*on_data)(void *user, const uint8_t *data, size_t n);
	/* The peer sent FIN. Sending still works. */
	void (*on_eof)(void *user);
	/* The send queue fell to the low mark after it was above the high mark, or became empty. */
	void (*on_drain)(void *user);
	/* The socket is gone. err: 0 after our own close, else why (RW_ECLOSED: reset by peer). */
	void (*on_close)(void *user, int err);
	/* See rw_sock_still. */
	void (*on_still)(void *user);
	/* In on_data's place while the kernel opens records: n bytes of a record of this type. */
	void (*on_record)(void *user, uint8_t type, const uint8_t *data, size_t n);
	/* What rw_sock_send_record queued was handed over; nothing behind it was yet. */
	void (*on_record_sent)(void *user, uint8_t type);
	/*
	 * See rw_sock_splice: n bytes more went through the pipe (0: into it); over: on_data, or
	 * on_record, goes on.
	 */
	void (*on_spliced)(void *user, size_t n, bool over);
};

/* A connection came in: bind callbacks with rw_sock_bind, or rw_sock_abort it. */
typedef void (*rw_accept_cb)(void *user, struct rw_sock *s, const struct rw_addr *peer);

/*
 * Listens on addr (SO_REUSEPORT, TCP_NODELAY on what is accepted) and accepts
 * until stopped. RW_EBUSY: address in use; RW_EPERM: privileged port.
 */
int rw_listener_start(struct rw_loop *l, const struct rw_addr *addr, rw_accept_cb cb, void *user,
		      struct rw_listener **out, struct rw_error *e);
/* The address listened on, with the port the kernel chose where 0 was asked for. */
const struct rw_addr *rw_listener_addr(const struct rw_listener *ls);
/* The descriptor, for the kernel side to know the listener by; only io_uring's means anything
 * there. */
int rw_listener_fd(const struct rw_listener *ls);
/*
 * Closes it. What the kernel had accepted for us by then still comes, so that nobody is cut off
 * whom it told that he is connected. Stop frees ls, as ever.
 */
void rw_listener_drain(struct rw_listener *ls);
/* Drained, and nothing more comes. */
bool rw_listener_closed(const struct rw_listener *ls);
/* No more accepts; frees ls once its operations have ended. */
void rw_listener_stop(struct rw_listener *ls);

/*
 * Starts a connect; on_connect tells how it ended (RW_ECLOSED: refused, RW_EPERM:
 * forbidden here). NULL: the loop's socket bound is reached. Here and in
 * rw_sock_bind cb is borrowed for the socket's life (a static table); its members
 * may be NULL.
 */
struct rw_sock *rw_sock_connect(struct rw_loop *l, const struct rw_addr *addr,
				const struct rw_sock_cb *cb, void *user);
void rw_sock_bind(struct rw_sock *s, const struct rw_sock_cb *cb, void *user);
const struct rw_addr *rw_sock_peer(const struct rw_sock *s);

/*
 * Queues a copy of data for sending, in order; what is queued in one turn leaves
 * together at its end. All or nothing: RW_ELIMIT when the queue would pass its
 * hard bound of 1 MiB (the caller ignored back-pressure; below the high mark of
 * 256 KiB there is always room for 768 KiB), RW_ENOMEM at the loop's memory
 * bound, RW_ECLOSED after shutdown, finish, abort or a send that failed.
 */
int rw_sock_send(struct rw_sock *s, const void *data, size_t n);
/* Bytes queued or in flight. Above rw_sock_high_mark() the producer should wait for on_drain. */
size_t rw_sock_queued(const struct rw_sock *s);
size_t rw_sock_high_mark(void);
/*
 * From the next send on: what goes out whole at once need not wake the loop to say so. on_drain,
 * and the memory, then come with whatever happens next; where somebody waits for more to go out,
 * nothing is late. Off at first.
 */
void rw_sock_lazy(struct rw_sock *s, bool on);
/*
 * Receiving starts on (after accept or connect); off lets the TCP window close.
 * Idempotent. While it is off nothing is told: what was under way is kept, in
 * order, and handed over in a later turn when it is on again, then the FIN. A
 * peer's reset, too, is noticed only by a receive or a send.
 */
void rw_sock_recv(struct rw_sock *s, bool on);

/*
 * --- kernel TLS ---
 * To change the way of receiving, no receive may be under way: rw_sock_still ends the one that
 * is, what it brings is handed over as ever, then on_still is called, in a later turn. There one of
 * rw_sock_recv_some (then on_still again), rw_sock_receive, rw_sock_splice and a rw_sock_ktls_rx is
 * due.
 */
void rw_sock_still(struct rw_sock *s);
/* n bytes at most, once. */
void rw_sock_recv_some(struct rw_sock *s, size_t n);
/* As before. */
void rw_sock_receive(struct rw_sock *s);
/*
 * A key (struct tls12_crypto_info_* of linux/tls.h) for what is sent from now on. The first time
 * nothing may be queued; later it is due in on_record_sent. Errors as rw_io_ops.set_option: the
 * socket is as it was.
 */
int rw_sock_ktls_tx(struct rw_sock *s, const void *key, size_t n);
/* A key for what is received from now on: in on_still, later in on_record. */
int rw_sock_ktls_rx(struct rw_sock *s, const void *key, size_t n);
/* Queues data, in order, as a record of its own of this type. Otherwise as rw_sock_send. */
int rw_sock_send_record(struct rw_sock *s, uint8_t type, const void *data, size_t n);

/*
 * What s receives next, up to n bytes of data, goes to `to` without coming here: through a pipe of
 * the kernel's. In on_still; plain sockets or the kernel's. What is queued for `to`
 * leaves first; what is queued meanwhile (records of control), between two pieces. on_spliced tells
 * how it goes on; over comes early at a record that is not data, FIN or an error, which s then
 * receives as ever. Where one of the two is finished or aborted meanwhile, or ends, that is all: no
 * on_spliced follows, and some of the bytes are lost. RW_ELIMIT, RW_ENOMEM, RW_EUNSUP: nothing has
 * happened.
 */
int rw_sock_splice(struct rw_sock *s, struct rw_sock *to, uint64_t n);
/* One more splice may begin, by number and descriptors. */
bool rw_loop_may_splice(const struct rw_loop *l);

/* FIN after what is queued; receiving goes on. */
void rw_sock_shutdown(struct rw_sock *s);
/*
 * Sends what is queued (30 s at most: then on_close says RW_ETIMEOUT), then FIN,
 * waits briefly for the peer's FIN (2 s), then closes. What comes meanwhile is
 * dropped, and no callback but on_close follows.
 */
void rw_sock_finish(struct rw_sock *s);
/* Drops what is queued, cancels, closes at once (RST where data is lost). */
void rw_sock_abort(struct rw_sock *s);

#endif
