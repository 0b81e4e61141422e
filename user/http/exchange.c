/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: head, body, end; framed by what the client speaks and what is known. */
#include <inttypes.h>
#include <stddef.h>
#include <time.h>

#include "http/h1_impl.h"
#include "http/server_int.h"

/* A request's body that is not wanted is read to its end, where that is not far, so that the
 * connection can be kept. */
enum { DROP_BODY_BYTES = 64 << 10 };

static struct rw_conn *conn_of(const struct rw_exchange *x)
{
	return (struct rw_conn *)(uintptr_t)((const char *)x - offsetof(struct rw_conn, x));
}

void rw_exchange_begin(struct rw_conn *c, const struct rw_h1_head *head)
{
	struct rw_http_server *s = c->server;
	bool has_body = head->chunked || (head->has_length && head->length);

	c->x = (struct rw_exchange){
		.active = true,
		.body_small = has_body && head->has_length && head->length <= DROP_BODY_BYTES,
		.wants_continue = head->expect_continue,
		.keep_alive = head->keep_alive,
		.head_only = rw_slice_is(head->method, "HEAD"),
		.minor = head->minor,
	};
	c->paused = false;
	c->info.backend = rw_stream_backend(c->stream);
	s->handler.on_request(s->user, &c->x, head);
}

/* body_small stays: the connection has to know that the rest of a body is only dropped. */
void rw_exchange_over(struct rw_conn *c, bool completed)
{
	bool rest = completed && c->x.body_small;

	c->x.active = false;
	c->paused = false;
	c->server->handler.on_done(c->x.xuser, &c->x, completed);
	c->x = (struct rw_exchange){.body_small = rest};
	rw_buf_reset(&c->out);
	c->out_sent = 0;
	rw_conn_put_out(c);
}

void rw_exchange_set_user(struct rw_exchange *x, void *xuser)
{
	x->xuser = xuser;
}

const struct rw_stream_info *rw_exchange_peer(const struct rw_exchange *x)
{
	return &conn_of(x)->info;
}

const struct rw_addr *rw_exchange_wire(const struct rw_exchange *x)
{
	return &conn_of(x)->wire;
}

void rw_exchange_recv(struct rw_exchange *x, bool on)
{
	struct rw_conn *c = conn_of(x);

	if (c->closing || !x->active)
		return;
	if (on)
		rw_exchange_continue(x);
	c->paused = !on;
	rw_conn_update_recv(c);
	rw_conn_later(c); /* for the deadline: it does not run while paused */
}

void rw_exchange_continue(struct rw_exchange *x)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct rw_conn *c = conn_of(x);

	if (!x->wants_continue || x->head_put || c->closing)
		return;
	x->wants_continue = false;
	if (rw_stream_write(c->stream, text, sizeof(text) - 1))
		rw_conn_close(c, true);
}

/* --- bytes out ------------------------------------------------------------------------------ */

static void on_stall(void *arg)
{
	struct rw_conn *c = arg;
	struct rw_http_server *s = c->server;
	const struct rw_error why = {RW_ETIMEOUT, "the client does not take its answer"};

	rw_exchange_watch(c);
	if (!c->stall_seen || rw_loop_now(s->loop) - c->stall_since_ns < s->cfg.write_stall_ns)
		return;
	rw_conn_tell_bad(c, RW_HTTP_BAD_STALL, &why);
	rw_conn_close(c, true);
}

void rw_exchange_watch(struct rw_conn *c)
{
	struct rw_http_server *s = c->server;
	size_t queued = rw_stream_queued(c->stream);

	if (queued < c->stall_seen || !c->stall_seen)
		c->stall_since_ns = rw_loop_now(s->loop);
	c->stall_seen = queued;
	if (queued && !rw_timer_armed(&c->stall))
		rw_timer_set(s->loop, &c->stall, c->stall_since_ns + s->cfg.write_stall_ns,
			     on_stall, c);
}

/* To the stream at most up to its high mark. False: it refused, and the connection is cut. */
static bool write_some(struct rw_conn *c, const char *data, size_t n, size_t *done)
{
	size_t queued = rw_stream_queued(c->stream), high = rw_sock_high_mark();
	size_t room = queued < high ? high - queued : 0;

	*done = n < room ? n : room;
	rw_exchange_watch(c);
	if (*done && rw_stream_write(c->stream, data, *done)) {
		rw_conn_close(c, true); /* a cut answer must never look whole */
		return false;
	}
	/* What was written now is not progress of the client's. */
	c->stall_seen = rw_stream_queued(c->stream);
	rw_exchange_watch(c);
	return true;
}

/*
 * The head's last line, decided as late as can be: by the turn's end the rest of the
 * request has often come, and the connection can be kept.
 */
static int finish_head(struct rw_conn *c)
{
	static const char close[] = "connection: close\r\n", keep[] = "connection: keep-alive\r\n";
	struct rw_exchange *x = &c->x;
	const char *line;
	size_t n;
	int rc;

	x->head_final = true;
	if (c->server->draining || (!x->body_whole && (!x->body_small || x->wants_continue)))
		x->keep_alive = false;
	if (x->keep_alive && x->minor == 1)
		return RW_OK;
	line = x->keep_alive ? keep : close;
	n = x->keep_alive ? sizeof(keep) - 1 : sizeof(close) - 1;
	rc = rw_buf_reserve(&c->out, n);
	if (rc)
		return rc;
	memmove(c->out.p + c->head_end + n, c->out.p + c->head_end, c->out.len - c->head_end);
	memcpy(c->out.p + c->head_end, line, n);
	c->out.len += n;
	return RW_OK;
}

bool rw_exchange_push(struct rw_conn *c)
{
	struct rw_buf *b = &c->out;
	size_t done;

	if (c->x.held)
		return false;
	if (c->x.head_put && !c->x.head_final && finish_head(c)) {
		rw_conn_close(c, true);
		return false;
	}
	if (b->len) {
		if (!write_some(c, b->p + c->out_sent, b->len - c->out_sent, &done))
			return false;
		c->out_sent += done;
		if (c->out_sent < b->len)
			return false;
		rw_buf_reset(b);
		c->out_sent = 0;
		rw_conn_put_out(c); /* a stream's next bytes may be long in coming */
	}
	return true;
}

/* Body bytes: small ones gather, large ones go straight to the stream while it takes them. */
static int put_bytes(struct rw_conn *c, const char *data, size_t n)
{
	size_t done;

	if (c->out.len + n <= RW_GATHER_BYTES)
		return rw_buf_add(rw_conn_out(c), data, n);
	if (rw_exchange_push(c)) {
		if (!write_some(c, data, n, &done))
			return RW_ECLOSED;
		data += done;
		n -= done;
	}
	return c->closing ? RW_ECLOSED : rw_buf_add(rw_conn_out(c), data, n);
}

/* An answer that cannot be written is cut. */
static int cut(struct rw_conn *c, int rc)
{
	if (rc && !c->closing)
		rw_conn_close(c, true);
	return rc;
}

/* --- heads ---------------------------------------------------------------------------------- */

static int put_date(struct rw_http_server *s, struct rw_buf *b)
{
	time_t now = (time_t)(rw_loop_wall_ms(s->loop) / 1000);
	struct tm tm;

	if (s->date_s != (uint64_t)now || !s->date[0]) {
		gmtime_r(&now, &tm);
		strftime(s->date, sizeof(s->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		s->date_s = (uint64_t)now;
	}
	return rw_h1_put_header(b, RW_SLICE("date"), rw_slice_of(s->date, RW_DATE_LEN));
}

static int put_hsts(const struct rw_http_server *s, struct rw_buf *b)
{
	if (!s->hsts[0])
		return RW_OK;
	return rw_h1_put_header(b, RW_SLICE("strict-transport-security"), rw_slice_str(s->hsts));
}

/* RFC 9112 6: how the client will know where the body ends. */
static int put_framing(struct rw_exchange *x, struct rw_buf *b, unsigned status, int64_t length)
{
	if (status == 204 || status == 304) {
		x->head_only = true;
		return RW_OK;
	}
	if (length >= 0) {
		x->left = (uint64_t)length;
		return rw_h1_put_header_num(b, "content-length", (uint64_t)length);
	}
	if (x->minor == 0) {
		x->close_delimited = !x->head_only;
		x->keep_alive = false;
		return RW_OK;
	}
	x->chunked = true;
	return rw_h1_put_header(b, RW_SLICE("transfer-encoding"), RW_SLICE("chunked"));
}

static int put_head(struct rw_conn *c, unsigned status, const struct rw_http_field *fields,
		    size_t n_fields, int64_t length)
{
	struct rw_buf *b = rw_conn_out(c);
	int rc;

	if (status < 200)
		return RW_EINVAL;
	rc = rw_h1_put_status_line(b, status);
	if (!rc)
		rc = rw_buf_add_slice(b, c->x.lines.bytes);
	for (size_t i = 0; !rc && i < n_fields; i++) {
		if (rw_h1_own_field(fields[i].name))
			return RW_EINVAL;
		rc = rw_h1_put_header(b, fields[i].name, fields[i].value);
	}
	if (!rc)
		rc = put_date(c->server, b);
	if (!rc)
		rc = put_hsts(c->server, b);
	if (!rc)
		rc = put_framing(&c->x, b, status, length);
	c->head_end = b->len;
	return rc ? rc : rw_h1_put_end(b);
}

void rw_exchange_lines(struct rw_exchange *x, struct rw_h1_lines lines)
{
	x->lines = lines;
}

int rw_exchange_head(struct rw_exchange *x, unsigned status, const struct rw_http_field *fields,
		     size_t n_fields, int64_t length)
{
	struct rw_conn *c = conn_of(x);
	int rc;

	if (c->closing || !x->active)
		return RW_ECLOSED;
	RW_BUG_ON(x->head_put);
	rc = put_head(c, status, fields, n_fields, length);
	if (rc) {
		rw_buf_reset(&c->out);
		return cut(c, rc);
	}
	x->head_put = true;
	rw_conn_later(c);
	return RW_OK;
}

static int put_chunk(struct rw_conn *c, const char *data, size_t n)
{
	int rc;

	if (c->out.len + n + 32 <= RW_GATHER_BYTES)
		return rw_h1_put_chunk(rw_conn_out(c), data, n);
	rc = rw_buf_addf(rw_conn_out(c), "%zx\r\n", n);
	if (!rc)
		rc = put_bytes(c, data, n);
	return rc ? rc : rw_buf_add(rw_conn_out(c), "\r\n", 2);
}

/* Of a chunk whose size is written already the rest goes as it is. */
static int put_chunked(struct rw_conn *c, const char *data, size_t n)
{
	struct rw_exchange *x = &c->x;
	size_t k = n < x->chunk_left ? n : (size_t)x->chunk_left;
	int rc = k ? put_bytes(c, data, k) : RW_OK;

	x->chunk_left -= k;
	if (!rc && k && !x->chunk_left)
		rc = rw_buf_add(rw_conn_out(c), "\r\n", 2);
	return rc || k == n ? rc : put_chunk(c, data + k, n - k);
}

int rw_exchange_body(struct rw_exchange *x, const void *data, size_t n)
{
	struct rw_conn *c = conn_of(x);
	int rc;

	if (c->closing || !x->active)
		return RW_ECLOSED;
	RW_BUG_ON(!x->head_put || x->ended);
	if (x->head_only || n == 0)
		return RW_OK;
	if (!x->chunked && !x->close_delimited) {
		if (n > x->left)
			return cut(c, RW_EINVAL);
		x->left -= n;
	}
	rc = x->chunked ? put_chunked(c, data, n) : put_bytes(c, data, n);
	rw_conn_later(c);
	return cut(c, rc);
}

int rw_exchange_end(struct rw_exchange *x)
{
	struct rw_conn *c = conn_of(x);
	int rc = RW_OK;

	if (c->closing || !x->active)
		return RW_ECLOSED;
	RW_BUG_ON(!x->head_put || x->ended);
	if ((x->left || x->chunk_left) && !x->head_only)
		return cut(c, RW_EINVAL);
	if (x->chunked && !x->head_only)
		rc = rw_h1_put_last_chunk(rw_conn_out(c));
	x->ended = true;
	rw_conn_later(c);
	return cut(c, rc);
}

void rw_exchange_hold(struct rw_exchange *x)
{
	x->held = true;
}

void rw_exchange_release(struct rw_exchange *x)
{
	x->held = false;
	rw_conn_later(conn_of(x));
}

/* --- bytes that never come here -------------------------------------------------------------- */

bool rw_exchange_may_pass(struct rw_exchange *x, uint64_t n)
{
	struct rw_conn *c = conn_of(x);

	if (c->closing || !x->active || !x->head_put || x->head_only || x->ended ||
	    !rw_stream_may_splice(c->stream))
		return false;
	if (x->chunked ? x->chunk_left && x->chunk_left != n : !x->close_delimited && n > x->left)
		return false;
	return rw_exchange_push(c) && rw_stream_queued(c->stream) + 32 < rw_sock_high_mark();
}

struct rw_stream *rw_exchange_stream(const struct rw_exchange *x)
{
	return conn_of(x)->stream;
}

void rw_exchange_pass(struct rw_exchange *x, uint64_t n)
{
	struct rw_conn *c = conn_of(x);

	if (!x->chunked || x->chunk_left)
		return;
	x->chunk_left = n;
	if (rw_buf_addf(rw_conn_out(c), "%" PRIx64 "\r\n", n) || !rw_exchange_push(c))
		rw_conn_close(c, true); /* there was room for it */
}

void rw_exchange_passed(struct rw_exchange *x, uint64_t n)
{
	struct rw_conn *c = conn_of(x);

	if (c->closing || !x->active)
		return;
	rw_exchange_watch(c);
	if (x->chunked) {
		x->chunk_left -= n;
		if (n && !x->chunk_left)
			cut(c, rw_buf_add(rw_conn_out(c), "\r\n", 2));
	} else if (!x->close_delimited) {
		x->left -= n;
	}
	rw_conn_later(c);
}

/*
 * Where the framing shows that something is missing, what was said so far still reaches
 * the client; else only a reset tells.
 */
void rw_exchange_abort(struct rw_exchange *x)
{
	struct rw_conn *c = conn_of(x);
	bool shows = x->head_put && !x->head_only && (x->chunked || x->left) && !x->ended;

	if (c->closing || !x->active)
		return;
	if (shows && rw_exchange_push(c))
		rw_conn_close(c, false);
	else
		rw_conn_close(c, true);
}

size_t rw_exchange_queued(const struct rw_exchange *x)
{
	const struct rw_conn *c = conn_of(x);

	return c->closing ? 0 : rw_stream_queued(c->stream) + c->out.len - c->out_sent;
}

/* --- the server's own answers --------------------------------------------------------------- */

static int put_refusal(struct rw_conn *c, unsigned status, const struct rw_buf *body,
		       const char *type, struct rw_buf *b)
{
	int rc = rw_h1_put_status_line(b, status);

	if (!rc)
		rc = put_date(c->server, b);
	if (!rc)
		rc = put_hsts(c->server, b);
	if (!rc)
		rc = rw_h1_put_header(b, RW_SLICE("content-type"), rw_slice_str(type));
	if (!rc && status == 503)
		rc = rw_h1_put_header(b, RW_SLICE("retry-after"), RW_SLICE("1"));
	if (!rc)
		rc = rw_h1_put_header_num(b, "content-length", body->len);
	if (!rc)
		rc = rw_h1_put_header(b, RW_SLICE("connection"), RW_SLICE("close"));
	if (!rc)
		rc = rw_h1_put_end(b);
	return rc ? rc : rw_buf_add_slice(b, rw_buf_slice(body));
}

void rw_conn_refuse(struct rw_conn *c, unsigned status, const char *text)
{
	struct rw_http_server *s = c->server;
	const char *type = "text/plain; charset=utf-8";
	struct rw_buf body = {0}, b = {0};

	/* Halfway through an answer nothing else can be said. */
	if (c->x.active && c->x.head_put) {
		rw_conn_close(c, true);
		return;
	}
	if (c->x.active)
		rw_exchange_over(c, false);
	if (s->handler.on_error_body)
		s->handler.on_error_body(s->user, status, text, &body, &type);
	else
		rw_buf_addf(&body, "%s\n", text);
	if (put_refusal(c, status, &body, type, &b) || rw_stream_write(c->stream, b.p, b.len))
		rw_conn_close(c, true);
	else
		rw_conn_close(c, false);
	rw_buf_free(&body);
	rw_buf_free(&b);
}
