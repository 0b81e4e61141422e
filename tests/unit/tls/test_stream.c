/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: TLS and plain alike, each on the simulator and on io_uring over loopback. */
#include "unit/tls/world.h"

#include "ring/ktls.h"

static const struct rw_sim_knobs calm;

struct place {
	const struct rw_sim_knobs *knobs; /* NULL: io_uring */
	const char *cert;		  /* NULL: plain */
	bool kernel;			  /* tries kernel TLS, which refuses at the last moment */
};

static void begin(struct world *w, void **state)
{
	const struct place *p = *state;

	world_begin(w, p->knobs, 1, p->cert);
	if (p->kernel)
		world_use_kernel(w);
}

static bool is_tls(void **state)
{
	return ((const struct place *)*state)->cert;
}

static void assert_why(const struct side *s, int code, const char *part)
{
	assert_int_equal(s->closes, 1);
	if ((int)s->why.code != code || !strstr(s->why.text, part))
		fail_msg("not %d with '%s' but %d: %s", code, part, (int)s->why.code, s->why.text);
}

/* --- the whole way --------------------------------------------------------------------- */

static void echo(struct side *s, const uint8_t *data, size_t n)
{
	assert_int_equal(rw_stream_write(s->st, data, n), RW_OK);
}

static void finish(struct side *s)
{
	rw_stream_finish(s->st);
}

/* Bytes, the ends in order, and nothing from inside a call. */
static void a_stream_lives(void **state)
{
	struct side c = {.to_send = "hello", .n_to_send = 5};
	struct rw_stream_info info;
	struct world w;

	begin(&w, state);
	w.model = (struct side){.on_data = echo, .on_eof = finish};
	world_connect(&w, &c);
	world_until(&w, c.got.len == 5);
	rw_stream_info(w.accepted[0].st, &info);
	assert_string_equal(info.backend, is_tls(state) ? "aead" : "plain");
	assert_string_equal(info.version, is_tls(state) ? "TLSv1.3" : "");
	assert_string_equal(info.cipher, is_tls(state) ? "TLS_AES_128_GCM_SHA256" : "");
	assert_string_equal(info.alpn, is_tls(state) ? "http/1.1" : "");
	assert_true(rw_addr_is_loopback(&info.peer));
	rw_stream_finish(c.st);
	world_until(&w, c.closes && w.accepted[0].closes);
	assert_memory_equal(c.got.p, "hello", 5);
	assert_int_equal(w.accepted[0].eofs, 1);
	assert_true(w.accepted[0].clean);
	assert_why(&c, RW_OK, "");
	assert_why(&w.accepted[0], RW_OK, "");
	world_end(&w);
	side_end(&c);
}

/* Plain or TLS, the first to speak may be the server: it is open without a byte from the client. */
static void a_server_may_speak_first(void **state)
{
	struct side c = {0};
	struct world w;

	begin(&w, state);
	w.model = (struct side){.to_send = "220", .n_to_send = 3};
	world_connect(&w, &c);
	world_until(&w, c.got.len == 3);
	world_end(&w);
	assert_int_equal(c.closes, 1);
	side_end(&c);
}

/* More than every mark and bound, both ways at once; back-pressure by on_drain only. */
static void much_goes_both_ways(void **state)
{
	size_t n = 3 << 20;
	char *up = noise(n, 1), *down = noise(n, 2);
	struct side c = {.to_send = up, .n_to_send = n};
	struct world w;

	begin(&w, state);
	w.model = (struct side){.to_send = down, .n_to_send = n};
	world_connect(&w, &c);
	world_until(&w, c.got.len == n && w.n_accepted && w.accepted[0].got.len == n);
	assert_memory_equal(c.got.p, down, n);
	assert_memory_equal(w.accepted[0].got.p, up, n);
	assert_true(c.drains > 0);
	world_end(&w);
	side_end(&c);
	free(up);
	free(down);
}

/* --- pause ----------------------------------------------------------------------------- */

/* Asked for and not to be had: the connection goes on in userspace, and that shows. */
static void a_kernel_that_refuses_is_counted(void **state)
{
	struct side c = {.to_send = "hello", .n_to_send = 5};
	struct rw_stream_info info;
	struct world w;

	begin(&w, state);
	w.model = (struct side){.on_data = echo};
	world_connect(&w, &c);
	world_until(&w, c.got.len == 5);
	world_until(&w, count_of(w.server_tls, ktls_refused));
	world_until(&w, count_of(w.client_tls, ktls_refused));
	assert_int_equal(rw_stream_write(c.st, "again", 5), RW_OK);
	world_until(&w, c.got.len == 10);
	rw_stream_info(c.st, &info);
	assert_string_equal(info.backend, "aead");
	assert_int_equal(count_of(w.server_tls, records_aead), 1);
	assert_int_equal(count_of(w.server_tls, records_ktls), 0);
	world_end(&w);
	side_end(&c);
}

/* Whatever was decrypted, undecrypted or under way waits, in order, whenever the pause comes. */
static void pause_each_time(struct side *s, const uint8_t *data, size_t n)
{
	(void)data;
	(void)n;
	rw_stream_recv(s->st, false);
	s->deaf = true;
}

static void a_pause_loses_and_reorders_nothing(void **state)
{
	size_t n = 1 << 20;
	char *down = noise(n, 3);
	struct side c = {.on_data = pause_each_time};
	struct world w;

	begin(&w, state);
	/* Finishing has a deadline, which simulated time would reach in a pause. */
	w.model = (struct side){.to_send = down, .n_to_send = n};
	world_connect(&w, &c);
	world_until(&w, c.deaf);
	while (c.got.len < n) {
		unsigned turns = 0;
		int before = c.datas;

		/* Paused: side_on_data fails the test where plaintext comes. */
		world_turns(&w, (unsigned)c.datas % 4);
		c.deaf = false;
		c.inside = true; /* not from inside the call */
		rw_stream_recv(c.st, true);
		c.inside = false;
		while (c.datas == before) {
			assert_true(turns++ < 20000);
			world_turn(&w);
		}
	}
	assert_int_equal(c.got.len, n);
	assert_memory_equal(c.got.p, down, n);
	/* The end, too, waits for the reader. */
	rw_stream_finish(w.accepted[0].st);
	world_turns(&w, 20);
	assert_int_equal(c.eofs, 0);
	c.deaf = false;
	rw_stream_recv(c.st, true);
	world_until(&w, c.eofs);
	assert_true(c.clean);
	world_end(&w);
	side_end(&c);
	free(down);
}

static void pause_and_resume(struct side *s, const uint8_t *data, size_t n)
{
	(void)data;
	(void)n;
	rw_stream_recv(s->st, false);
	rw_stream_recv(s->st, true);
	rw_stream_recv(s->st, true);
}

/* Switching off and on inside the callback: neither recursion nor a standstill. */
static void a_pause_inside_the_callback_is_none(void **state)
{
	size_t n = 300000;
	char *down = noise(n, 4);
	struct side c = {.on_data = pause_and_resume};
	struct world w;

	begin(&w, state);
	w.model = (struct side){.to_send = down, .n_to_send = n};
	world_connect(&w, &c);
	world_until(&w, c.got.len == n);
	assert_memory_equal(c.got.p, down, n);
	world_end(&w);
	side_end(&c);
	free(down);
}

/* A pause before on_open holds plaintext, not the handshake. */
static void a_pause_before_the_handshake_does_not_stop_it(void **state)
{
	struct side c = {.deaf = true};
	struct world w;

	begin(&w, state);
	w.model = (struct side){.to_send = "hello", .n_to_send = 5};
	world_connect(&w, &c);
	rw_stream_recv(c.st, false);
	world_until(&w, c.opens && w.n_accepted && w.accepted[0].opens);
	world_turns(&w, 20);
	assert_int_equal(c.got.len, 0);
	c.deaf = false;
	rw_stream_recv(c.st, true);
	world_until(&w, c.got.len == 5);
	world_end(&w);
	side_end(&c);
}

/* A resume that the same turn takes back; the task must find it so. */
static void a_resume_may_be_taken_back(void **state)
{
	struct side c = {.on_data = pause_each_time};
	struct world w;
	char *down = noise(100000, 5);

	begin(&w, state);
	w.model = (struct side){.to_send = down, .n_to_send = 100000};
	world_connect(&w, &c);
	world_until(&w, c.deaf);
	for (int i = 0; i < 5; i++) {
		rw_stream_recv(c.st, true);
		rw_stream_recv(c.st, false);
		world_turns(&w, 5);
	}
	/* The last one is gone before its task. */
	rw_stream_recv(c.st, true);
	rw_stream_abort(c.st);
	world_until(&w, c.closes);
	world_end(&w);
	side_end(&c);
	free(down);
}

/* --- ends ------------------------------------------------------------------------------ */

static void abort_it(struct side *s)
{
	rw_stream_abort(s->st);
}

static void abort_on_data(struct side *s, const uint8_t *data, size_t n)
{
	(void)data;
	(void)n;
	rw_stream_abort(s->st);
	assert_int_equal(rw_stream_write(s->st, "x", 1), RW_ECLOSED);
}

static void finish_on_data(struct side *s, const uint8_t *data, size_t n)
{
	(void)data;
	(void)n;
	assert_int_equal(rw_stream_write(s->st, "bye", 3), RW_OK);
	rw_stream_finish(s->st);
	rw_stream_finish(s->st);
	assert_int_equal(rw_stream_write(s->st, "x", 1), RW_ECLOSED);
}

/* From inside any callback, with more plaintext behind: nothing but on_close comes. */
static void a_stream_may_be_ended_from_any_callback(void **state)
{
	static const struct side models[] = {
		{.on_open = abort_it},	    {.on_open = finish},	 {.on_eof = abort_it},
		{.on_data = abort_on_data}, {.on_data = finish_on_data},
	};
	char *up = noise(200000, 6);

	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		struct side c = {.to_send = up,
				 .n_to_send = 200000,
				 .finish_when_sent = models[i].on_eof,
				 .on_eof = finish};
		struct world w;

		begin(&w, state);
		w.model = models[i];
		world_connect(&w, &c);
		world_until(&w, w.n_accepted && w.accepted[0].closes);
		assert_int_equal(w.accepted[0].why.code, RW_OK);
		assert_true(w.accepted[0].datas <= 1 || models[i].on_eof);
		world_end(&w);
		assert_int_equal(c.closes, 1);
		if (i == 4) {
			assert_int_equal(c.got.len, 3);
			assert_memory_equal(c.got.p, "bye", 3);
		}
		side_end(&c);
	}
	free(up);
}

/* Pooled connections change hands, also in the middle of a callback. */
static struct side *heir;

static void hand_over(struct side *s, const uint8_t *data, size_t n)
{
	(void)data;
	(void)n;
	heir->st = s->st;
	heir->opens = 1;
	rw_stream_bind(s->st, &side_cb, heir);
}

static void a_stream_changes_hands_inside_a_callback(void **state)
{
	char *down = noise(200000, 7);
	struct side c = {.on_data = hand_over}, next = {0};
	struct world w;

	begin(&w, state);
	heir = &next;
	w.model = (struct side){.to_send = down, .n_to_send = 200000, .finish_when_sent = true};
	world_connect(&w, &c);
	world_until(&w, next.eofs);
	assert_int_equal(c.datas, 1);
	assert_int_equal(c.got.len + next.got.len, 200000);
	assert_memory_equal(c.got.p, down, c.got.len);
	assert_memory_equal(next.got.p, down + c.got.len, next.got.len);
	world_end(&w);
	assert_int_equal(c.closes, 0);
	assert_int_equal(next.closes, 1);
	side_end(&c);
	side_end(&next);
	free(down);
}

/* Half-closed: the client has said all, the answer still comes. */
static void answer_and_finish(struct side *s)
{
	assert_int_equal(rw_stream_write(s->st, "answer", 6), RW_OK);
	rw_stream_finish(s->st);
}

static void an_end_of_the_request_is_not_an_end_of_the_answer(void **state)
{
	struct side c = {0};
	struct world w;

	begin(&w, state);
	w.model = (struct side){.on_eof = answer_and_finish};
	world_connect(&w, &c);
	world_until(&w, c.opens && w.accepted[0].opens);
	/* The other side's finish discards what still comes, so only our own end is looked at. */
	rw_stream_finish(c.st);
	world_until(&w, w.accepted[0].closes && c.closes);
	assert_int_equal(w.accepted[0].eofs, 1);
	assert_true(w.accepted[0].clean);
	assert_why(&w.accepted[0], RW_OK, "");
	world_end(&w);
	side_end(&c);
}

/* Nobody listens: the sentence says to whom and what. */
static void a_refused_connect_is_told(void **state)
{
	struct side c = {0};
	struct world w;
	char text[RW_ADDR_TEXT];

	begin(&w, state);
	rw_listener_stop(w.listener);
	world_turns(&w, 10);
	world_connect(&w, &c);
	world_until(&w, c.closes);
	assert_why(&c, RW_ECLOSED, "cannot connect to localhost (127.0.0.1:");
	assert_non_null(strstr(c.why.text, rw_addr_text(&w.addr, true, text)));
	assert_non_null(strstr(c.why.text, "connection refused"));
	assert_int_equal(c.opens, 0);
	world_end(&w);
	side_end(&c);
}

/* Before anything came of it: no on_open, one on_close, no word of an error. */
static void an_abort_while_connecting_is_quiet(void **state)
{
	struct side c = {0}, d = {0};
	struct world w;

	begin(&w, state);
	world_connect(&w, &c);
	rw_stream_abort(c.st);
	rw_stream_abort(c.st);
	world_connect(&w, &d);
	rw_stream_finish(d.st);
	world_until(&w, c.closes && d.closes);
	assert_why(&c, RW_OK, "");
	assert_why(&d, RW_OK, "");
	assert_int_equal(c.opens + d.opens, 0);
	world_end(&w);
	side_end(&c);
	side_end(&d);
}

/* A user that ignores back-pressure is told so, and nothing of what was refused goes out. */
static void what_passes_the_bound_is_refused_whole(void **state)
{
	static char lots[1 << 20];
	struct side c = {0};
	struct world w;
	size_t sent = 0;
	int rc;

	begin(&w, state);
	world_connect(&w, &c);
	world_until(&w, c.opens && w.accepted[0].opens);
	rw_stream_recv(w.accepted[0].st, false);
	while ((rc = rw_stream_write(c.st, lots, 100000)) == RW_OK)
		sent += 100000;
	assert_int_equal(rc, RW_ELIMIT);
	assert_int_equal(rw_stream_write(c.st, lots, sizeof(lots)), RW_ELIMIT);
	assert_int_equal(rw_stream_write(c.st, lots, SIZE_MAX / 2), RW_ELIMIT);
	rw_stream_recv(w.accepted[0].st, true);
	/* It goes on when there is room again. */
	world_until(&w, rw_stream_queued(c.st) == 0);
	assert_int_equal(rw_stream_write(c.st, lots, 5), RW_OK);
	world_until(&w, w.accepted[0].got.len >= sent + 5);
	assert_int_equal(w.accepted[0].got.len, sent + 5);
	world_end(&w);
	side_end(&c);
}

/* --- what only TLS has ----------------------------------------------------------------- */

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

	begin(&w, state);
	cutter_begin(&x, &w);
	rw_sock_bind(x.sock, &counter_cb, &x);
	world_turns(&w, 20); /* the tickets */
	st = w.accepted[0].st;
	keep_raw = true;
	rw_stream_cork(st, true);
	rw_stream_write(st, "head", 4);
	rw_stream_write(st, "", 0);
	rw_stream_write(st, "body", 4);
	assert_int_equal(rw_stream_queued(st), 8);
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

/* --- everything at once ---------------------------------------------------------------- */

static struct rw_sim *chance;

/* One of the things that a user does inside a callback. */
static void anything(struct side *s, const uint8_t *data, size_t n)
{
	(void)data;
	switch (rw_sim_random(chance) % 24) {
	case 0:
		rw_stream_abort(s->st);
		break;
	case 1:
		rw_stream_finish(s->st);
		break;
	case 2:
	case 3:
	case 4:
		rw_stream_recv(s->st, false);
		s->deaf = true;
		break;
	case 5:
	case 6:
		rw_stream_cork(s->st, true);
		rw_stream_write(s->st, "abc", 3);
		rw_stream_write(s->st, "def", 3);
		rw_stream_cork(s->st, false);
		break;
	default:
		rw_stream_write(s->st, "xyz", 3);
	}
	(void)n;
}

static void resume_some(struct side *s)
{
	if (s->st && !s->closes && s->deaf && rw_sim_random(chance) % 4 == 0) {
		s->deaf = false;
		rw_stream_recv(s->st, true);
	}
}

/* Faults of the network and whims of the users: each stream ends once, and bytes stay true. */
static void streams_survive_faults_and_whims(void **state)
{
	const struct place *p = *state;
	char *up = noise(300000, 9);

	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct rw_sim_knobs knobs = rw_sim_all_faults;
		struct side c[4] = {0};
		struct world w;

		knobs.refuse = 100;
		world_begin(&w, &knobs, seed, p->cert);
		if (p->kernel)
			world_use_kernel(&w);
		chance = w.sim;
		w.model = (struct side){.on_data = anything};
		for (int i = 0; i < 4; i++) {
			c[i] = (struct side){.to_send = up, .n_to_send = 300000};
			world_connect(&w, &c[i]);
		}
		for (int t = 0; t < 1500; t++) {
			world_turn(&w);
			for (unsigned i = 0; i < w.n_accepted; i++)
				resume_some(&w.accepted[i]);
		}
		for (unsigned i = 0; i < w.n_accepted; i++)
			assert_memory_equal(w.accepted[i].got.p ? w.accepted[i].got.p : up, up,
					    w.accepted[i].got.len);
		world_end(&w);
		for (int i = 0; i < 4; i++) {
			assert_int_equal(c[i].closes, 1);
			side_end(&c[i]);
		}
	}
	free(up);
}

static struct place tls_sim = {&calm, "good", false}, tls_uring = {NULL, "good", false};
static struct place kernel_sim = {&calm, "good", true}, kernel_uring = {NULL, "good", true};
static struct place plain_sim = {&calm, NULL, false}, plain_uring = {NULL, NULL, false};

#define ON(test, place) {#test "/" #place, test, NULL, NULL, &(place)}
#define TLS(test)	ON(test, tls_sim), ON(test, tls_uring)
#define KERNEL(test)	ON(test, kernel_sim), ON(test, kernel_uring)
#define BOTH(test)	TLS(test), ON(test, plain_sim), ON(test, plain_uring)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_stream_lives),
		BOTH(a_server_may_speak_first),
		BOTH(much_goes_both_ways),
		BOTH(a_pause_loses_and_reorders_nothing),
		BOTH(a_pause_inside_the_callback_is_none),
		BOTH(a_pause_before_the_handshake_does_not_stop_it),
		BOTH(a_resume_may_be_taken_back),
		BOTH(a_stream_may_be_ended_from_any_callback),
		BOTH(a_stream_changes_hands_inside_a_callback),
		BOTH(an_end_of_the_request_is_not_an_end_of_the_answer),
		BOTH(a_refused_connect_is_told),
		BOTH(an_abort_while_connecting_is_quiet),
		BOTH(what_passes_the_bound_is_refused_whole),
		TLS(a_plain_peer_is_named),
		TLS(a_peer_that_closes_in_the_handshake_is_told),
		TLS(each_refusal_names_the_peer),
		TLS(a_fin_without_close_notify_is_a_truncation),
		TLS(what_follows_close_notify_is_ignored),
		TLS(a_damaged_record_ends_the_stream_after_what_was_right),
		TLS(an_error_behind_a_pause_waits),
		TLS(a_cork_gathers_writes_into_few_records),
		ON(streams_survive_faults_and_whims, tls_sim),
		KERNEL(a_stream_lives),
		KERNEL(much_goes_both_ways),
		KERNEL(a_pause_loses_and_reorders_nothing),
		KERNEL(a_stream_may_be_ended_from_any_callback),
		KERNEL(a_fin_without_close_notify_is_a_truncation),
		KERNEL(a_kernel_that_refuses_is_counted),
		ON(streams_survive_faults_and_whims, kernel_sim),
		ON(streams_survive_faults_and_whims, plain_sim),
	};

	const struct rw_ktls_caps caps = {
		.usable = true, .tls12 = {true, true, true}, .tls13 = {true, true, true}};

	rw_ktls_pretend(&caps);
	return cmocka_run_group_tests(tests, make_pki, remove_pki);
}
