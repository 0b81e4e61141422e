/* SPDX-License-Identifier: Apache-2.0 */
/* Joins a record back-end with a socket. Callbacks come from the loop only, never from a call. */
#include "tls/stream.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "ring/ktls.h"
#include "tls/internal.h"
#include "tls/stream_int.h"

/*
 * The hard bound of a socket's queue (sock.h), and what a record adds: header, explicit nonce
 * (TLS 1.2), type (TLS 1.3) and tag.
 */
enum { SOCK_BOUND = 1 << 20, RECORD_OVERHEAD = 5 + 8 + 1 + 16 };

/* What a client may send ahead while its handshake waits for its turn; beyond, TCP holds it up. */
enum { WAITING_BYTES = 16 << 10 };

static const char *peer_of(const struct rw_stream *st, char *out, size_t n)
{
	char addr[RW_ADDR_TEXT];

	rw_addr_text(rw_sock_peer(st->sock), true, addr);
	if (st->host[0])
		snprintf(out, n, "%.200s (%s)", st->host, addr);
	else
		snprintf(out, n, "%s", addr);
	return out;
}

static int to_sock(void *user, const uint8_t *data, size_t n)
{
	struct rw_stream *st = user;

	return rw_sock_send(st->sock, data, n);
}

/* --- ends ------------------------------------------------------------------------------ */

static void drop_corked(struct rw_stream *st)
{
	OPENSSL_cleanse(st->corked.p, st->corked.len);
	rw_buf_free(&st->corked);
}

/* From here on the user hears on_close only. */
static void begin_close(struct rw_stream *st)
{
	st->closing = true;
	rw_turn_cancel(&st->turn);
	drop_corked(st);
}

/* TLS is over, and why says so without naming the peer. An alert may still be on its way. */
void rw_stream_fail(struct rw_stream *st)
{
	int code = st->why.code == RW_EPROTO ? RW_ETLS : (int)st->why.code;
	char peer[300];

	st->failed = true;
	rw_fail(&st->why, code, "TLS%s with %s failed: %s", st->open ? "" : " handshake",
		peer_of(st, peer, sizeof(peer)), st->why.text);
	begin_close(st);
	rw_sock_finish(st->sock);
}

/* What the user wrote is lost in part, or will be: the peer must not take the rest for the whole.
 */
int rw_stream_break_off(struct rw_stream *st, int rc)
{
	char peer[300];

	st->failed = true;
	rw_fail(&st->why, rc, "sending to %s failed: %s", peer_of(st, peer, sizeof(peer)),
		rw_err_name(rc));
	begin_close(st);
	rw_sock_abort(st->sock);
	return rc;
}

static void explain_close(struct rw_stream *st, int err)
{
	char peer[300];

	st->why = (struct rw_error){0};
	if (!err)
		return;
	peer_of(st, peer, sizeof(peer));
	if (!st->connected)
		rw_fail(&st->why, err, "cannot connect to %s: %s", peer,
			err == RW_ECLOSED ? "connection refused" : rw_err_name(err));
	else if (err == RW_EPROTO && st->in_kernel)
		rw_fail(&st->why, RW_ETLS,
			"TLS with %s failed: the kernel could not open a record, which is damaged, "
			"too long or none at all",
			peer);
	else if (err == RW_ECLOSED)
		rw_fail(&st->why, err, "%s reset the connection%s", peer,
			st->rec && !st->open ? " during the TLS handshake" : "");
	else
		rw_fail(&st->why, err, "the connection with %s failed: %s", peer, rw_err_name(err));
}

static void free_stream(struct rw_stream *st)
{
	rw_task_cancel(&st->later);
	rw_turn_cancel(&st->turn);
	if (st->rec)
		st->rec->ops->free(st->rec);
	drop_corked(st);
	rw_buf_free(&st->held);
	rw_tls_ctx_unref(st->tls);
	free(st);
}

static void on_sock_close(void *user, int err)
{
	struct rw_stream *st = user;

	if (!st->failed)
		explain_close(st, err);
	st->closing = true;
	if (st->cb->on_close)
		st->cb->on_close(st->user, &st->why);
	free_stream(st);
}

/* --- reading --------------------------------------------------------------------------- */

static void tell_open(struct rw_stream *st)
{
	st->open = true;
	if (st->cb->on_open)
		st->cb->on_open(st->user);
}

void rw_stream_tell_eof(struct rw_stream *st, bool clean)
{
	st->eof_told = true;
	if (st->cb->on_eof)
		st->cb->on_eof(st->user, clean);
}

/* The handshake goes on whatever the user wants of the plaintext. */
static bool wanted(const struct rw_stream *st)
{
	return st->recv_on || !st->open;
}

static bool may_read(const struct rw_stream *st)
{
	return wanted(st) && !st->closing && !st->eof_told;
}

/* The SSL object has done its work: a few kilobytes instead of tens. */
static void slim(struct rw_stream *st)
{
	int rc = rw_record_hand_over(&st->rec, to_sock, st);

	st->lean = rc != RW_EAGAIN;
	if (rc == RW_OK)
		rw_tls_count(st->tls, records_aead);
	else if (st->lean)
		rw_tls_count(st->tls, records_openssl);
	if (st->lean && st->tries && (rc || !rw_ktls_caps()->usable))
		rw_stream_refused(st);
}

/* One step. Plaintext goes first; what came behind it waits for the user's leave. */
static void step(struct rw_stream *st, struct rw_slice *in)
{
	uint8_t plain[RW_RECORD_ROOM];
	enum rw_record_event ev;
	size_t n;

	ev = st->rec->ops->read(st->rec, in, plain, sizeof(plain), &n, &st->why);
	st->more = ev != RW_RECORD_WANT;
	if (!st->lean && ev == RW_RECORD_WANT)
		slim(st);
	if (n && st->cb->on_data)
		st->cb->on_data(st->user, plain, n);
	if (!may_read(st))
		return;
	if (ev == RW_RECORD_OPEN) {
		tell_open(st); /* in which the user asks who it is: only OpenSSL knows */
		if (!st->lean && !st->closing)
			slim(st);
	} else if (ev == RW_RECORD_EOF)
		rw_stream_tell_eof(st, true);
	else if (ev == RW_RECORD_ERROR)
		rw_stream_fail(st);
}

/* Reads as far as the user wants to be told. What is left of *in is ciphertext to keep. */
static void pump(struct rw_stream *st, struct rw_slice *in)
{
	st->pumping = true;
	do
		step(st, in);
	while (st->more && may_read(st));
	st->pumping = false;
}

/* After pump: with something left, the socket waits until the user has taken it. */
static void settle_recv(struct rw_stream *st)
{
	if (st->closing)
		return;
	if (st->eof_told) {
		rw_buf_free(&st->held);
		rw_sock_recv(st->sock, true); /* for the FIN */
		return;
	}
	rw_sock_recv(st->sock, wanted(st) && !st->more && st->held.len == 0);
	rw_stream_try_kernel(st);
}

/* The user goes on reading, or it is our turn: first what was left. */
static void read_held(struct rw_stream *st)
{
	struct rw_slice in = rw_buf_slice(&st->held);

	if (!may_read(st) || (!st->more && in.n == 0))
		return;
	pump(st, &in);
	rw_buf_consume(&st->held, st->held.len - in.n);
	if (st->held.len == 0)
		rw_buf_free(&st->held);
	settle_recv(st);
}

static void on_turn(void *arg)
{
	read_held(arg);
}

/* Is it? Else on_turn will be called. */
static bool my_turn(struct rw_stream *st)
{
	return st->open || !st->turns ||
	       (!rw_turn_waits(&st->turn) && rw_turns_take(st->turns, &st->turn, on_turn, st));
}

static void wait(struct rw_stream *st, struct rw_slice in)
{
	if (rw_buf_add(&st->held, in.p, in.n))
		rw_stream_break_off(st, RW_ENOMEM);
	else if (st->held.len >= WAITING_BYTES)
		rw_sock_recv(st->sock, false);
}

static void on_sock_data(void *user, const uint8_t *data, size_t n)
{
	struct rw_stream *st = user;
	struct rw_slice in = {(const char *)data, n};

	if (st->closing || st->eof_told)
		return;
	if (!st->rec) {
		if (!st->open)
			tell_open(st);
		if (!st->closing && st->cb->on_data)
			st->cb->on_data(st->user, data, n);
		return;
	}
	if (!my_turn(st)) {
		wait(st, in);
		return;
	}
	RW_BUG_ON(st->held.len);
	pump(st, &in);
	if (!st->closing && !st->eof_told && rw_buf_add(&st->held, in.p, in.n)) {
		rw_stream_break_off(st, RW_ENOMEM);
		return;
	}
	settle_recv(st);
}

static void on_later(void *arg)
{
	struct rw_stream *st = arg;

	if (st->closing)
		return;
	if (st->rec)
		read_held(st);
	else if (!st->open)
		tell_open(st);
}

static void on_sock_eof(void *user)
{
	struct rw_stream *st = user;
	char peer[300];

	if (st->closing || st->eof_told)
		return;
	if (!st->rec && !st->open)
		tell_open(st);
	if (st->open) {
		if (!st->closing)
			rw_stream_tell_eof(st, !st->rec);
		return;
	}
	st->failed = true;
	rw_fail(&st->why, RW_ECLOSED, "%s closed the connection during the TLS handshake",
		peer_of(st, peer, sizeof(peer)));
	begin_close(st);
	rw_sock_finish(st->sock);
}

static void on_sock_drain(void *user)
{
	struct rw_stream *st = user;

	if (st->open && !st->closing && st->cb->on_drain)
		st->cb->on_drain(st->user);
	rw_stream_try_kernel(st);
}

static void on_sock_connect(void *user, int err)
{
	struct rw_stream *st = user;
	struct rw_slice nothing = {0};

	if (err || st->closing)
		return; /* on_close follows */
	st->connected = true;
	if (!st->rec) {
		tell_open(st);
		return;
	}
	pump(st, &nothing);
	settle_recv(st);
}

static const struct rw_sock_cb sock_cb = {
	.on_connect = on_sock_connect,
	.on_data = on_sock_data,
	.on_eof = on_sock_eof,
	.on_drain = on_sock_drain,
	.on_close = on_sock_close,
	.on_still = rw_stream_on_still,
	.on_spliced = rw_stream_on_spliced,
	.on_record = rw_stream_on_record,
	.on_record_sent = rw_stream_on_record_sent,
};

/* --- making ---------------------------------------------------------------------------- */

static struct rw_stream *stream_new(struct rw_loop *l, struct rw_tls_ctx *tls, const char *host,
				    const struct rw_stream_cb *cb, void *user)
{
	size_t n = host ? strlen(host) : 0;
	struct rw_stream *st = calloc(1, sizeof(*st) + n + 1);

	if (!st)
		return NULL;
	st->loop = l;
	st->cb = cb;
	st->user = user;
	st->recv_on = true;
	memcpy(st->host, host ? host : "", n);
	if (tls && tls->ktls == RW_KTLS_ON)
		st->tries = RW_KERNEL_TRIES;
	if (tls && rw_record_openssl_new(&st->rec, tls, host, to_sock, st)) {
		free(st);
		return NULL;
	}
	st->tls = tls ? rw_tls_ctx_ref(tls) : NULL;
	return st;
}

/* But for who waits to give the keys away: for that nothing may be under way. */
static void be_lazy(struct rw_stream *st)
{
	rw_sock_lazy(st->sock, !st->tries);
}

struct rw_stream *rw_stream_accept(struct rw_loop *l, struct rw_sock *s, struct rw_tls_ctx *tls,
				   const struct rw_stream_cb *cb, void *user)
{
	struct rw_stream *st = stream_new(l, tls, NULL, cb, user);

	if (!st) {
		rw_sock_abort(s);
		return NULL;
	}
	st->sock = s;
	st->connected = true;
	rw_sock_bind(s, &sock_cb, st);
	be_lazy(st);
	if (!tls)
		rw_task_set(l, &st->later, on_later, st);
	return st;
}

void rw_stream_take(struct rw_stream *st, const uint8_t *data, size_t n)
{
	on_sock_data(st, data, n);
}

struct rw_stream *rw_stream_connect(struct rw_loop *l, const struct rw_addr *addr,
				    struct rw_tls_ctx *tls, const char *host,
				    const struct rw_stream_cb *cb, void *user)
{
	struct rw_stream *st = stream_new(l, tls, host, cb, user);

	if (!st)
		return NULL;
	st->sock = rw_sock_connect(l, addr, &sock_cb, st);
	if (!st->sock) {
		free_stream(st);
		return NULL;
	}
	be_lazy(st);
	return st;
}

void rw_stream_take_turns(struct rw_stream *st, struct rw_turns *t)
{
	st->turns = t;
}

void rw_stream_bind(struct rw_stream *st, const struct rw_stream_cb *cb, void *user)
{
	st->cb = cb;
	st->user = user;
}

/* --- what the user asks for ------------------------------------------------------------ */

static int seal(struct rw_stream *st, const void *data, size_t n)
{
	int rc = st->rec->ops->write(st->rec, data, n);

	return rc ? rw_stream_break_off(st, rc) : RW_OK;
}

static int flush(struct rw_stream *st)
{
	int rc;

	if (st->closing || st->corked.len == 0)
		return RW_OK;
	rc = seal(st, st->corked.p, st->corked.len);
	if (rc)
		return rc; /* it was dropped with the rest */
	OPENSSL_cleanse(st->corked.p, st->corked.len);
	rw_buf_reset(&st->corked);
	return RW_OK;
}

/* Fills the record begun, seals whole ones from where they are, keeps the rest. */
static int gather(struct rw_stream *st, const char *data, size_t n)
{
	size_t room = RW_RECORD_MAX - st->corked.len, k;
	int rc;

	if (rw_buf_reserve(&st->corked, room))
		return rw_stream_break_off(st, RW_ENOMEM);
	if (st->corked.len && n >= room) {
		rw_buf_add(&st->corked, data, room);
		data += room;
		n -= room;
		rc = flush(st);
		if (rc)
			return rc;
	}
	k = n >= RW_RECORD_MAX ? n - n % RW_RECORD_MAX : 0;
	rc = k ? seal(st, data, k) : RW_OK;
	return rc ? rc : rw_buf_add(&st->corked, data + k, n - k);
}

/* Would the records of n bytes pass the socket's bound? Then none of them is made. */
static bool too_much(const struct rw_stream *st, size_t n)
{
	size_t left = SOCK_BOUND - rw_sock_queued(st->sock);
	size_t all = st->corked.len + n;

	return n > SOCK_BOUND || all + (all / RW_RECORD_MAX + 1) * RECORD_OVERHEAD > left;
}

int rw_stream_write(struct rw_stream *st, const void *data, size_t n)
{
	if (st->closing)
		return RW_ECLOSED;
	RW_BUG_ON(!st->open);
	if (!st->rec)
		return rw_sock_send(st->sock, data, n);
	if (too_much(st, n))
		return RW_ELIMIT;
	return st->cork ? gather(st, data, n) : seal(st, data, n);
}

void rw_stream_cork(struct rw_stream *st, bool on)
{
	st->cork = on;
	if (on)
		return;
	flush(st);
	rw_buf_free(&st->corked);
}

size_t rw_stream_queued(const struct rw_stream *st)
{
	return rw_sock_queued(st->sock) + st->corked.len;
}

void rw_stream_recv(struct rw_stream *st, bool on)
{
	if (st->closing || st->recv_on == on)
		return;
	st->recv_on = on;
	if (!st->rec) {
		rw_sock_recv(st->sock, on);
		return;
	}
	if (st->pumping || !st->open)
		return; /* pump sees to it */
	settle_recv(st);
	if (on && (st->more || st->held.len))
		rw_task_set(st->loop, &st->later, on_later, st);
}

void rw_stream_finish(struct rw_stream *st)
{
	if (st->closing)
		return;
	if (!st->open) {
		rw_stream_abort(st);
		return;
	}
	if (flush(st))
		return; /* broken off */
	if (st->rec)
		st->rec->ops->close(st->rec);
	begin_close(st);
	rw_sock_finish(st->sock);
}

void rw_stream_abort(struct rw_stream *st)
{
	begin_close(st);
	rw_sock_abort(st->sock);
}

void rw_stream_info(const struct rw_stream *st, struct rw_stream_info *out)
{
	*out = (struct rw_stream_info){
		.backend = "plain",
		.version = "",
		.cipher = "",
		.alpn = "",
		.identity = "",
		.peer = *rw_sock_peer(st->sock),
	};
	if (st->rec)
		st->rec->ops->info(st->rec, out);
}

const char *rw_stream_backend(const struct rw_stream *st)
{
	return st->rec ? st->rec->ops->name : "plain";
}
