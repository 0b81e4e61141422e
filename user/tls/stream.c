/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/stream.h"

#include <stdlib.h>

#include "base/buf.h"
#include "tls/ctx.h"
#include "tls/record.h"

struct rw_stream {
	struct rw_loop *loop;
	struct rw_sock *sock;
	const struct rw_stream_cb *cb;
	void *user;
	const struct rw_record_ops *ops; /* NULL: plain */
	struct rw_record *rec;
	struct rw_tls_ctx *ctx;
	struct rw_error why; /* the first error; what on_close will say */
	struct rw_addr peer;
	struct rw_buf corked; /* plaintext waiting for more of its turn */
	struct rw_timer resume;
	bool open; /* on_open was called */
	bool recv_on;
	bool cork;
	bool closing; /* finish or abort was called: no callback but on_close */
	bool pumping; /* in pump(): nested calls leave the rest to it */
	bool eof;     /* FIN came */
	bool eof_told;
	bool broken; /* an error ended the stream */
};

/* --- ends ---------------------------------------------------------------------------------- */

static void flush(struct rw_stream *st)
{
	const char *data;
	size_t n;

	if (!st->rec)
		return;
	n = st->ops->pending(st->rec, &data);
	if (n && rw_sock_send(st->sock, data, n) == RW_OK)
		st->ops->sent(st->rec);
}

/* An alert, where there is one to send, goes out before the FIN. */
static void break_off(struct rw_stream *st, const struct rw_error *why)
{
	char text[RW_ADDR_TEXT];

	if (st->broken || st->closing)
		return;
	st->broken = true;
	rw_fail(&st->why, why->code, "%s: %.380s", rw_addr_text(&st->peer, true, text), why->text);
	flush(st);
	rw_sock_recv(st->sock, false);
	rw_sock_finish(st->sock);
}

static void tell_eof(struct rw_stream *st, bool clean)
{
	if (st->eof_told || st->closing || st->broken)
		return;
	st->eof_told = true;
	if (st->open && st->cb->on_eof)
		st->cb->on_eof(st->user, clean);
	else
		break_off(st,
			  &(struct rw_error){RW_ECLOSED, "closed before the handshake was done"});
}

/* --- reading --------------------------------------------------------------------------------- */

static bool step_handshake(struct rw_stream *st)
{
	struct rw_error e = {0};
	int rc = st->ops->handshake(st->rec, &e);

	if (rc < 0) {
		break_off(st, &e);
		return false;
	}
	flush(st);
	if (rc != RW_RECORD_DONE)
		return false;
	st->open = true;
	if (st->cb->on_open)
		st->cb->on_open(st->user);
	return true;
}

/* One record to the user; false: no more for now. */
static bool step_read(struct rw_stream *st)
{
	uint8_t plain[RW_RECORD_MAX];
	struct rw_error e = {0};
	size_t n = 0;
	int rc = st->ops->read(st->rec, plain, sizeof(plain), &n, &e);

	flush(st); /* a KeyUpdate may want its answer */
	if (rc < 0) {
		break_off(st, &e);
		return false;
	}
	if (rc == RW_RECORD_CLOSED) {
		tell_eof(st, true);
		return false;
	}
	if (n == 0)
		return false;
	st->cb->on_data(st->user, plain, n);
	return true;
}

/* Hands over what is there, until the user has enough. Never inside itself. */
static void pump(struct rw_stream *st)
{
	if (st->pumping || !st->rec)
		return;
	st->pumping = true;
	if (!st->open && !st->broken && !step_handshake(st)) {
		st->pumping = false;
		return;
	}
	while (st->recv_on && !st->closing && !st->broken && step_read(st))
		;
	st->pumping = false;
	/* FIN without close_notify: whatever ends here was cut (RFC 8446 6.1). */
	if (st->eof && st->recv_on)
		tell_eof(st, false);
}

static void resume(void *arg)
{
	pump(arg);
}

void rw_stream_recv(struct rw_stream *st, bool on)
{
	if (st->closing || st->broken || st->recv_on == on)
		return;
	st->recv_on = on;
	rw_sock_recv(st->sock, on);
	if (on && st->rec && !st->pumping)
		rw_timer_set(st->loop, &st->resume, rw_loop_now(st->loop), resume, st);
}

/* --- from the socket ----------------------------------------------------------------------------
 */

static void tell_open(void *arg)
{
	struct rw_stream *st = arg;

	if (st->closing || st->open)
		return;
	st->open = true;
	if (st->cb->on_open)
		st->cb->on_open(st->user);
}

static void on_data(void *user, const uint8_t *data, size_t n)
{
	struct rw_stream *st = user;

	if (st->closing || st->broken)
		return;
	if (!st->rec) {
		tell_open(st); /* bytes may be quicker than its timer */
		if (!st->closing)
			st->cb->on_data(st->user, data, n);
		return;
	}
	if (st->ops->feed(st->rec, data, n))
		break_off(st, &(struct rw_error){RW_ENOMEM, "out of memory for TLS records"});
	else
		pump(st);
}

static void on_eof(void *user)
{
	struct rw_stream *st = user;

	st->eof = true;
	if (!st->rec) {
		tell_open(st);
		tell_eof(st, true);
		return;
	}
	pump(st);
	if (!st->open)
		tell_eof(st, false);
}

static void on_drain(void *user)
{
	struct rw_stream *st = user;

	if (st->open && !st->closing && !st->broken && st->cb->on_drain)
		st->cb->on_drain(st->user);
}

static void on_close(void *user, int err)
{
	struct rw_stream *st = user;
	char text[RW_ADDR_TEXT];

	if (err && !st->why.code && !st->closing)
		rw_fail(&st->why, err, "%s: %s", rw_addr_text(&st->peer, true, text),
			err == RW_ECLOSED ? "connection reset" : rw_err_name(err));
	rw_timer_cancel(&st->resume);
	if (st->cb->on_close)
		st->cb->on_close(st->user, &st->why);
	if (st->rec)
		st->ops->free(st->rec);
	rw_tls_ctx_unref(st->ctx);
	rw_buf_free(&st->corked);
	free(st);
}

static void on_connect(void *user, int err)
{
	struct rw_stream *st = user;
	char text[RW_ADDR_TEXT];

	if (st->closing)
		return;
	if (err) {
		rw_fail(&st->why, err, "%s: %s", rw_addr_text(&st->peer, true, text),
			err == RW_ECLOSED ? "connection refused" : rw_err_name(err));
		return; /* on_close follows */
	}
	if (st->rec) {
		pump(st); /* the ClientHello */
		return;
	}
	st->open = true;
	if (st->cb->on_open)
		st->cb->on_open(st->user);
}

static const struct rw_sock_cb sock_cb = {on_connect, on_data, on_eof, on_drain, on_close};

/* --- making ----------------------------------------------------------------------------------- */

static struct rw_stream *stream_new(struct rw_loop *l, struct rw_tls_ctx *tls, const char *host,
				    const struct rw_stream_cb *cb, void *user)
{
	struct rw_stream *st = calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	st->loop = l;
	st->cb = cb;
	st->user = user;
	st->recv_on = true;
	if (!tls)
		return st;
	st->ops = &rw_record_openssl;
	st->rec = st->ops->new(tls, host, NULL);
	if (!st->rec) {
		free(st);
		return NULL;
	}
	st->ctx = rw_tls_ctx_ref(tls);
	return st;
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
	st->peer = *rw_sock_peer(s);
	rw_sock_bind(s, &sock_cb, st);
	/* Open at once, but never from inside the call that made it. */
	if (!tls)
		rw_timer_set(l, &st->resume, rw_loop_now(l), tell_open, st);
	return st;
}

struct rw_stream *rw_stream_connect(struct rw_loop *l, const struct rw_addr *addr,
				    struct rw_tls_ctx *tls, const char *host,
				    const struct rw_stream_cb *cb, void *user)
{
	struct rw_stream *st = stream_new(l, tls, host, cb, user);

	if (!st)
		return NULL;
	st->peer = *addr;
	st->sock = rw_sock_connect(l, addr, &sock_cb, st);
	if (st->sock)
		return st;
	if (st->rec)
		st->ops->free(st->rec);
	rw_tls_ctx_unref(st->ctx);
	free(st);
	return NULL;
}

void rw_stream_bind(struct rw_stream *st, const struct rw_stream_cb *cb, void *user)
{
	st->cb = cb;
	st->user = user;
}

/* --- writing ---------------------------------------------------------------------------------- */

static int encrypt(struct rw_stream *st, const char *data, size_t n)
{
	struct rw_error e = {0};
	size_t part;
	int rc;

	while (n) {
		part = n < RW_RECORD_MAX ? n : RW_RECORD_MAX;
		rc = st->ops->write(st->rec, data, part, &e);
		if (rc) {
			break_off(st, &e);
			return rc;
		}
		data += part;
		n -= part;
	}
	const char *cipher;
	size_t pending = st->ops->pending(st->rec, &cipher);

	rc = rw_sock_send(st->sock, cipher, pending);
	if (rc == RW_OK)
		st->ops->sent(st->rec);
	return rc;
}

int rw_stream_write(struct rw_stream *st, const void *data, size_t n)
{
	if (st->closing || st->broken)
		return RW_ECLOSED;
	if (n == 0)
		return RW_OK;
	if (!st->rec)
		return rw_sock_send(st->sock, data, n);
	if (st->cork)
		return rw_buf_add(&st->corked, data, n);
	return encrypt(st, data, n);
}

void rw_stream_cork(struct rw_stream *st, bool on)
{
	st->cork = on;
	if (on || st->corked.len == 0)
		return;
	if (!st->closing && !st->broken && encrypt(st, st->corked.p, st->corked.len))
		rw_sock_abort(st->sock); /* bytes are missing: the peer must not take the rest */
	rw_buf_reset(&st->corked);
}

size_t rw_stream_queued(const struct rw_stream *st)
{
	return rw_sock_queued(st->sock) + st->corked.len;
}

void rw_stream_finish(struct rw_stream *st)
{
	if (st->closing)
		return;
	rw_stream_cork(st, false);
	if (st->rec && !st->broken) {
		st->ops->close(st->rec);
		flush(st);
	}
	st->closing = true;
	rw_sock_finish(st->sock);
}

void rw_stream_abort(struct rw_stream *st)
{
	st->closing = true;
	rw_sock_abort(st->sock);
}

void rw_stream_info(const struct rw_stream *st, struct rw_stream_info *out)
{
	*out = (struct rw_stream_info){
		.backend = "plain", .version = "", .cipher = "", .alpn = "", .peer = st->peer};
	if (!st->rec)
		return;
	out->backend = st->ops->name;
	st->ops->info(st->rec, out);
}
