/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: head, body, end; framed by what the client speaks and what is known. */
#include <inttypes.h>
#include <stddef.h>
#include <time.h>

#include "http/server_int.h"

/* An answer may come before its request was read: so much of the rest is worth a connection. */
enum { READ_AWAY_BYTES = 64 * 1024 };

static struct rw_conn *conn_of(const struct rw_exchange *x)
{
	return (struct rw_conn *)(uintptr_t)((const char *)x - offsetof(struct rw_conn, x));
}

void rw_exchange_begin(struct rw_conn *c, const struct rw_h1_head *head)
{
	struct rw_http_server *s = c->server;

	c->x = (struct rw_exchange){
		.active = true,
		.wants_continue = head->expect_continue,
		.keep_alive = head->keep_alive,
		.short_body = !head->chunked && head->length <= READ_AWAY_BYTES,
		.head_only = rw_slice_is(head->method, "HEAD"),
		.minor = head->minor,
	};
	c->paused = false;
	s->handler.on_request(s->user, &c->x, head);
}

void rw_exchange_over(struct rw_conn *c, bool completed)
{
	c->x.active = false;
	c->server->handler.on_done(c->x.xuser, &c->x, completed);
	c->x = (struct rw_exchange){0};
	rw_buf_reset(&c->head);
	if (!completed)
		rw_buf_reset(&c->backlog);
}

void rw_exchange_set_user(struct rw_exchange *x, void *xuser)
{
	x->xuser = xuser;
}

const struct rw_stream_info *rw_exchange_peer(const struct rw_exchange *x)
{
	return &conn_of(x)->info;
}

void rw_exchange_recv(struct rw_exchange *x, bool on)
{
	struct rw_conn *c = conn_of(x);

	if (c->closing || c->paused == !on)
		return;
	c->paused = !on;
	rw_stream_recv(c->stream, on);
}

void rw_exchange_continue(struct rw_exchange *x)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (!x->wants_continue || x->head_sent || x->body_whole)
		return;
	x->wants_continue = false;
	rw_stream_write(conn_of(x)->stream, text, sizeof(text) - 1);
}

/* --- bytes out ----------------------------------------------------------------------------------
 */

bool rw_exchange_push(struct rw_conn *c)
{
	struct rw_buf *b = &c->backlog;
	size_t room, n;

	if (!b->len)
		return true;
	room = rw_stream_queued(c->stream);
	room = room < rw_sock_high_mark() ? rw_sock_high_mark() - room : 0;
	n = b->len < room ? b->len : room;
	if (n && rw_stream_write(c->stream, b->p, n)) {
		rw_conn_close(c, true);
		return false;
	}
	rw_buf_consume(b, n);
	return b->len == 0;
}

/* Straight to the stream while it takes more; what is beyond the mark waits its turn. */
static int write_out(struct rw_conn *c, const void *data, size_t n)
{
	int rc;

	if (c->backlog.len || rw_stream_queued(c->stream) + n > 2 * rw_sock_high_mark()) {
		rc = rw_buf_add(&c->backlog, data, n);
		if (rc == RW_OK)
			rw_exchange_push(c);
	} else {
		rc = rw_stream_write(c->stream, data, n);
	}
	if (rc)
		rw_conn_close(c, true);
	return rc;
}

/* A cut answer must never look whole: what cannot be queued ends the connection. */
void rw_exchange_flush_head(struct rw_conn *c)
{
	if (!c->head.len)
		return;
	write_out(c, c->head.p, c->head.len);
	rw_buf_reset(&c->head);
}

/* --- heads ---------------------------------------------------------------------------------------
 */

static int put_date(struct rw_http_server *s, struct rw_buf *b)
{
	time_t now = (time_t)(rw_loop_wall_ms(s->loop) / 1000);
	struct tm tm;

	if (s->date_s != (uint64_t)now || !s->date[0]) {
		gmtime_r(&now, &tm);
		strftime(s->date, sizeof(s->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		s->date_s = (uint64_t)now;
	}
	return rw_h1_put_header(b, RW_SLICE("date"), rw_slice_str(s->date));
}

/* RFC 9112 6: how the client will know where the body ends. */
static int put_framing(struct rw_exchange *x, struct rw_buf *b, unsigned status, int64_t length)
{
	if (status < 200 || status == 204 || status == 304) {
		x->head_only = true;
		return RW_OK;
	}
	if (length >= 0) {
		x->left = (uint64_t)length;
		return rw_h1_put_header_num(b, "content-length", (uint64_t)length);
	}
	if (x->minor == 0) {
		x->close_delimited = true;
		x->keep_alive = false;
		return RW_OK;
	}
	x->chunked = true;
	return rw_h1_put_header(b, RW_SLICE("transfer-encoding"), RW_SLICE("chunked"));
}

static int put_connection(struct rw_conn *c, struct rw_buf *b)
{
	struct rw_exchange *x = &c->x;

	/* What is not read to its end, or was never asked to come, ends the connection. */
	if (!x->body_whole && (!x->short_body || x->wants_continue))
		x->keep_alive = false;
	if (c->server->draining)
		x->keep_alive = false;
	if (!x->keep_alive)
		return rw_h1_put_header(b, RW_SLICE("connection"), RW_SLICE("close"));
	if (x->minor == 0)
		return rw_h1_put_header(b, RW_SLICE("connection"), RW_SLICE("keep-alive"));
	return RW_OK;
}

int rw_exchange_head(struct rw_exchange *x, unsigned status, const struct rw_http_field *fields,
		     size_t n_fields, int64_t length)
{
	struct rw_conn *c = conn_of(x);
	struct rw_buf *b = &c->head;
	int rc;

	if (c->closing)
		return RW_ECLOSED;
	RW_BUG_ON(x->head_sent);
	rw_buf_reset(b);
	rc = rw_h1_put_status_line(b, status);
	for (size_t i = 0; !rc && i < n_fields; i++)
		rc = rw_h1_put_header(b, fields[i].name, fields[i].value);
	if (!rc)
		rc = put_date(c->server, b);
	if (!rc)
		rc = put_framing(x, b, status, length);
	if (!rc)
		rc = put_connection(c, b);
	if (!rc)
		rc = rw_h1_put_end(b);
	if (rc) {
		rw_buf_reset(b);
		rw_conn_close(c, true);
		return rc;
	}
	x->head_sent = true;
	rw_conn_later(c);
	return RW_OK;
}

int rw_exchange_body(struct rw_exchange *x, const void *data, size_t n)
{
	struct rw_conn *c = conn_of(x);
	int rc;

	if (c->closing)
		return RW_ECLOSED;
	RW_BUG_ON(!x->head_sent || x->ended);
	if (x->head_only || n == 0)
		return RW_OK;
	/* One write, one record: the head (where it still waits), framing and data together. */
	if (x->chunked) {
		rc = rw_h1_put_chunk(&c->head, data, n);
	} else {
		RW_BUG_ON(!x->close_delimited && n > x->left);
		x->left -= x->close_delimited ? 0 : n;
		rc = rw_buf_add(&c->head, data, n);
	}
	if (rc) {
		rw_conn_close(c, true);
		return rc;
	}
	rw_exchange_flush_head(c);
	rw_conn_watch_stall(c);
	return c->closing ? RW_ECLOSED : RW_OK;
}

int rw_exchange_end(struct rw_exchange *x)
{
	struct rw_conn *c = conn_of(x);

	if (c->closing)
		return RW_ECLOSED;
	RW_BUG_ON(!x->head_sent || x->ended);
	RW_BUG_ON(x->left && !x->head_only);
	if (x->chunked && !x->head_only)
		rw_h1_put_last_chunk(&c->head);
	rw_exchange_flush_head(c);
	x->ended = true;
	rw_conn_later(c);
	return c->closing ? RW_ECLOSED : RW_OK;
}

void rw_exchange_abort(struct rw_exchange *x)
{
	rw_conn_close(conn_of(x), true);
}

size_t rw_exchange_queued(const struct rw_exchange *x)
{
	const struct rw_conn *c = conn_of(x);

	return c->closing ? 0 : rw_stream_queued(c->stream) + c->backlog.len;
}

/* --- the server's own answers
 * --------------------------------------------------------------------- */

void rw_conn_refuse(struct rw_conn *c, unsigned status, const char *text)
{
	struct rw_http_server *s = c->server;
	const char *type = "text/plain";
	struct rw_buf body = {0}, b = {0};
	bool begun = c->x.active && c->x.head_sent;

	/* Halfway through an answer nothing else can be said. */
	if (begun) {
		rw_conn_close(c, true);
		return;
	}
	if (c->x.active)
		rw_exchange_over(c, false);
	if (s->handler.on_error_body)
		s->handler.on_error_body(s->user, status, text, &body, &type);
	else
		rw_buf_addf(&body, "%s\n", text);
	if (rw_h1_put_status_line(&b, status) == 0 && put_date(s, &b) == 0 &&
	    rw_h1_put_header(&b, RW_SLICE("content-type"), rw_slice_str(type)) == 0 &&
	    (status != 503 || rw_h1_put_header(&b, RW_SLICE("retry-after"), RW_SLICE("1")) == 0) &&
	    rw_h1_put_header(&b, RW_SLICE("connection"), RW_SLICE("close")) == 0 &&
	    rw_h1_put_header_num(&b, "content-length", body.len) == 0 && rw_h1_put_end(&b) == 0 &&
	    rw_buf_add_slice(&b, rw_buf_slice(&body)) == 0)
		rw_stream_write(c->stream, b.p, b.len);
	rw_buf_free(&body);
	rw_buf_free(&b);
	rw_conn_close(c, false);
}
