/* SPDX-License-Identifier: Apache-2.0 */
/* A peer that is no stream but raw bytes: it breaks TLS off, bends it, does not speak it, or counts
 * its records. */
#include "unit/tls/places.h"

static struct rw_buf raw_got;

static void raw_on_data(void *user, const uint8_t *data, size_t n)
{
	(void)user;
	assert_int_equal(rw_buf_add(&raw_got, data, n), RW_OK);
}

static void raw_on_close(void *user, int err)
{
	struct world *w = user;

	(void)err;
	w->raw = NULL;
}

static void raw_on_eof(void *user)
{
	const struct world *w = user;

	rw_sock_finish(w->raw);
}

static struct rw_sock_cb raw_cb = {
	.on_data = raw_on_data, .on_eof = raw_on_eof, .on_close = raw_on_close};

/* The answer to a ClientHello is plain HTTP: the operator's url has the wrong scheme or port. */
static void a_plain_peer_is_named(void **state)
{
	static const char answer[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	struct side c = {0};
	struct world w;

	begin(&w, state);
	w.raw_cb = &raw_cb;
	world_connect(&w, &c);
	world_until(&w, w.raw && raw_got.len);
	assert_int_equal(rw_sock_send(w.raw, answer, sizeof(answer) - 1), RW_OK);
	world_until(&w, c.closes);
	assert_why(&c, RW_ETLS, "TLS handshake with localhost (127.0.0.1:");
	assert_non_null(strstr(c.why.text, "it does not speak TLS"));
	world_end(&w);
	rw_buf_free(&raw_got);
	side_end(&c);
}

static void a_peer_that_closes_in_the_handshake_is_told(void **state)
{
	struct side c = {0};
	struct world w;

	begin(&w, state);
	w.raw_cb = &raw_cb;
	world_connect(&w, &c);
	world_until(&w, w.raw && raw_got.len);
	rw_sock_finish(w.raw);
	world_until(&w, c.closes);
	assert_why(&c, RW_ECLOSED, "closed the connection during the TLS handshake");
	assert_int_equal(c.eofs, 0);
	world_end(&w);
	rw_buf_free(&raw_got);
	side_end(&c);
}

static void each_refusal_names_the_peer(void **state)
{
	const struct place *p = *state;
	struct side c = {0};
	struct world w;

	world_begin(&w, p->knobs, 1, "expired");
	world_connect(&w, &c);
	world_until(&w, c.closes && w.n_accepted && w.accepted[0].closes);
	assert_why(&c, RW_ETLS, "TLS handshake with localhost (127.0.0.1:");
	assert_non_null(strstr(c.why.text, "certificate has expired"));
	/* The server was told by the alert, and says what it means. */
	assert_why(&w.accepted[0], RW_ETLS, "TLS handshake with 127.0.0.1:");
	assert_non_null(strstr(w.accepted[0].why.text, "our certificate has expired"));
	assert_int_equal(c.opens + w.accepted[0].opens, 0);
	world_end(&w);
	side_end(&c);
}

/* A socket below both streams' knowledge: the client's bytes end with FIN, not close_notify. */
struct cutter {
	struct end client; /* a back-end on a bare socket */
	struct rw_sock *sock;
	bool connected, closed;
};

static void cutter_on_connect(void *user, int err)
{
	struct cutter *x = user;

	assert_int_equal(err, RW_OK);
	x->connected = true;
}

static void cutter_on_data(void *user, const uint8_t *data, size_t n)
{
	struct cutter *x = user;

	end_feed(&x->client, (const char *)data, n);
	if (x->client.out.len)
		rw_sock_send(x->sock, x->client.out.p, x->client.out.len);
	rw_buf_reset(&x->client.out);
}

static void cutter_on_close(void *user, int err)
{
	struct cutter *x = user;

	(void)err;
	x->closed = true;
}

static void cutter_on_eof(void *user)
{
	const struct cutter *x = user;

	rw_sock_finish(x->sock);
}

static const struct rw_sock_cb cutter_cb = {
	.on_connect = cutter_on_connect,
	.on_data = cutter_on_data,
	.on_eof = cutter_on_eof,
	.on_close = cutter_on_close,
};

static void cutter_begin(struct cutter *x, struct world *w)
{
	memset(x, 0, sizeof(*x));
	end_begin(&x->client, w->client_tls, "localhost");
	x->sock = rw_sock_connect(w->client, &w->addr, &cutter_cb, x);
	world_until(w, x->connected);
	end_feed(&x->client, NULL, 0);
	cutter_on_data(x, NULL, 0);
	world_until(w, w->n_accepted && w->accepted[0].opens);
}

/* RFC 8446 6.1: an answer without a length that ends by FIN alone may be cut by anybody. */
static void a_fin_without_close_notify_is_a_truncation(void **state)
{
	for (int in_a_record = 0; in_a_record < 2; in_a_record++) {
		struct cutter x;
		struct world w;

		begin(&w, state);
		cutter_begin(&x, &w);
		assert_int_equal(x.client.rec->ops->write(x.client.rec, "whole", 5), RW_OK);
		if (in_a_record)
			assert_int_equal(x.client.rec->ops->write(x.client.rec, "cut", 3), RW_OK);
		assert_int_equal(rw_sock_send(x.sock, x.client.out.p,
					      x.client.out.len - (in_a_record ? 4 : 0)),
				 RW_OK);
		rw_sock_shutdown(x.sock);
		world_until(&w, w.accepted[0].eofs);
		assert_false(w.accepted[0].clean);
		assert_int_equal(w.accepted[0].got.len, 5);
		world_end(&w);
		assert_true(x.closed);
		end_free(&x.client);
	}
}

/* Behind close_notify nothing counts (RFC 8446 6.1): junk, more records, a second end. */
static void what_follows_close_notify_is_ignored(void **state)
{
	struct cutter x;
	struct world w;

	begin(&w, state);
	cutter_begin(&x, &w);
	x.client.rec->ops->write(x.client.rec, "last", 4);
	x.client.rec->ops->close(x.client.rec);
	cutter_on_data(&x, NULL, 0);
	rw_sock_send(x.sock, "junk junk junk", 14);
	world_until(&w, w.accepted[0].eofs);
	rw_sock_send(x.sock, "more junk", 9);
	rw_sock_shutdown(x.sock);
	world_turns(&w, 50);
	assert_true(w.accepted[0].clean);
	assert_int_equal(w.accepted[0].got.len, 4);
	assert_int_equal(w.accepted[0].closes, 0);
	/* Our own direction is open until we end it. */
	assert_int_equal(rw_stream_write(w.accepted[0].st, "ok", 2), RW_OK);
	rw_stream_finish(w.accepted[0].st);
	world_until(&w, w.accepted[0].closes);
	assert_why(&w.accepted[0], RW_OK, "");
	world_until(&w, x.client.last == RW_RECORD_EOF);
	assert_int_equal(x.client.got.len, 2);
	world_end(&w);
	end_free(&x.client);
}

/* A flipped bit: what was right before it is delivered, then the end, and an alert. */
static void a_damaged_record_ends_the_stream_after_what_was_right(void **state)
{
	struct cutter x;
	struct world w;

	begin(&w, state);
	cutter_begin(&x, &w);
	x.client.rec->ops->write(x.client.rec, "right", 5);
	x.client.rec->ops->write(x.client.rec, "wrong", 5);
	x.client.out.p[x.client.out.len - 1] ^= 1;
	cutter_on_data(&x, NULL, 0);
	world_until(&w, w.accepted[0].closes);
	assert_int_equal(w.accepted[0].got.len, 5);
	assert_int_equal(w.accepted[0].eofs, 0);
	assert_why(&w.accepted[0], RW_ETLS, "TLS with 127.0.0.1:");
	assert_int_equal(x.client.last, RW_RECORD_ERROR);
	assert_non_null(strstr(x.client.e.text, "bad record mac"));
	world_end(&w);
	end_free(&x.client);
}

/* The same while the reader has paused: he ends it himself and hears of no error. */
static void an_error_behind_a_pause_waits(void **state)
{
	struct cutter x;
	struct world w;

	for (int resume = 0; resume < 2; resume++) {
		begin(&w, state);
		w.model = (struct side){.on_data = pause_each_time};
		cutter_begin(&x, &w);
		x.client.rec->ops->write(x.client.rec, "right", 5);
		x.client.rec->ops->write(x.client.rec, "wrong", 5);
		x.client.out.p[x.client.out.len - 1] ^= 1;
		cutter_on_data(&x, NULL, 0);
		world_until(&w, w.accepted[0].deaf);
		world_turns(&w, 20);
		assert_int_equal(w.accepted[0].closes, 0);
		w.accepted[0].deaf = false;
		if (resume)
			rw_stream_recv(w.accepted[0].st, true);
		else
			rw_stream_abort(w.accepted[0].st);
		world_until(&w, w.accepted[0].closes);
		assert_int_equal(w.accepted[0].got.len, 5);
		if (resume)
			assert_why(&w.accepted[0], RW_ETLS, "bad record mac");
		else
			assert_why(&w.accepted[0], RW_OK, "");
		world_end(&w);
		end_free(&x.client);
	}
}

/* --- cork ------------------------------------------------------------------------------ */

/* Application records in bytes that one end sent (TLS 1.3: type 23), alerts among them. */
static unsigned records_in(const struct rw_buf *b)
{
	unsigned n = 0;

	for (size_t at = 0; at + 5 <= b->len; n++) {
		const uint8_t *h = (const uint8_t *)b->p + at;
		size_t len = (size_t)(h[3] << 8 | h[4]);

		assert_int_equal(h[0], 23);
		assert_true(len <= RW_RECORD_MAX + 256);
		at += 5 + len;
		assert_true(at <= b->len);
	}
	return n;
}

static bool keep_raw;

static void counter_on_data(void *user, const uint8_t *data, size_t n)
{
	if (keep_raw)
		rw_buf_add(&raw_got, data, n);
	cutter_on_data(user, data, n);
}

static const struct rw_sock_cb counter_cb = {
	.on_data = counter_on_data, .on_eof = cutter_on_eof, .on_close = cutter_on_close};

/* Head, body and end of an answer in one turn: three writes, one record. */
static void a_cork_gathers_writes_into_few_records(void **state)
{
	char *lots = noise(60000, 8);
	struct rw_stream *st;
	struct cutter x;
	struct world w;
	size_t before;

	begin(&w, state);
	cutter_begin(&x, &w);
	rw_sock_bind(x.sock, &counter_cb, &x);
	world_turns(&w, 20); /* the tickets */
	st = w.accepted[0].st;
	keep_raw = true;
	before = rw_stream_queued(st); /* that those have gone is told with what comes next */
	rw_stream_cork(st, true);
	rw_stream_write(st, "head", 4);
	rw_stream_write(st, "", 0);
	rw_stream_write(st, "body", 4);
	assert_int_equal(rw_stream_queued(st), before + 8);
	rw_stream_cork(st, false);
	world_until(&w, x.client.got.len == 8);
	assert_int_equal(records_in(&raw_got), 1);
	rw_buf_reset(&raw_got);

	rw_stream_cork(st, true);
	for (int i = 0; i < 600; i++)
		assert_int_equal(rw_stream_write(st, lots + i * 100, 100), RW_OK);
	rw_stream_cork(st, false);
	world_until(&w, x.client.got.len == 60008);
	assert_int_equal(records_in(&raw_got), 4); /* 3 * 16384 + 10848 */
	rw_buf_reset(&raw_got);

	rw_stream_cork(st, true);
	rw_stream_write(st, lots, 1);
	rw_stream_write(st, lots + 1, 59998); /* the record begun, two whole ones, a rest */
	rw_stream_write(st, lots + 59999, 1);
	rw_stream_cork(st, false);
	world_until(&w, x.client.got.len == 120008);
	assert_int_equal(records_in(&raw_got), 4);
	rw_buf_reset(&raw_got);

	/* Never uncorked: finish flushes, then says close_notify. */
	rw_stream_cork(st, true);
	rw_stream_write(st, "end", 3);
	rw_stream_finish(st);
	world_until(&w, x.client.last == RW_RECORD_EOF);
	assert_int_equal(records_in(&raw_got), 2);
	assert_memory_equal(x.client.got.p, "headbody", 8);
	assert_memory_equal(x.client.got.p + 8, lots, 60000);
	assert_memory_equal(x.client.got.p + 60008, lots, 60000);
	assert_memory_equal(x.client.got.p + 120008, "end", 3);
	keep_raw = false;
	world_end(&w);
	end_free(&x.client);
	rw_buf_free(&raw_got);
	free(lots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TLS(a_plain_peer_is_named),
		TLS(a_peer_that_closes_in_the_handshake_is_told),
		TLS(each_refusal_names_the_peer),
		TLS(a_fin_without_close_notify_is_a_truncation),
		TLS(what_follows_close_notify_is_ignored),
		TLS(a_damaged_record_ends_the_stream_after_what_was_right),
		TLS(an_error_behind_a_pause_waits),
		TLS(a_cork_gathers_writes_into_few_records),
		KERNEL(a_fin_without_close_notify_is_a_truncation),
	};

	return run_in_places(tests, sizeof(tests) / sizeof(tests[0]), "tests");
}
