/* SPDX-License-Identifier: Apache-2.0 */
/* The client side on the simulator: answers, and which connections carry another request. */
#include "upstream.h"

#define AT "10.0.0.1:443"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

struct bench {
	struct world w;
	struct upstream u;
	struct rw_pool *p;
};

static void begin(struct bench *b, const struct rw_pool_config *cfg, bool tls)
{
	*b = (struct bench){0};
	world_begin(&b->w);
	if (tls)
		world_tls(&b->w);
	up_begin(&b->u, &b->w, AT, tls);
	b->p = pool_to(&b->w, cfg, tls, AT, NULL);
}

static void end(struct bench *b)
{
	rw_pool_release(b->p);
	run_for(&b->w, 10 * MS);
	world_end(&b->w);
	up_end(&b->u);
}

/* A first exchange, so that the pool has an idle connection: u.conn[0]. */
static void warm(struct bench *b)
{
	struct got g;

	get(&g, b->p, "/warm");
	run_until(&b->w, b->u.accepted == 1 && raw_has(&b->u.conn[0], "\r\n\r\n"));
	raw_say(&b->u.conn[0], OK);
	run_until(&b->w, g.dones == 1);
	assert_int_equal(g.code, RW_OK);
	rw_buf_reset(&b->u.conn[0].got);
	got_end(&g);
}

/* --- requests and answers ----------------------------------------------------------------------
 */

static void request_is_written_with_host_and_length(void **state)
{
	struct bench b;
	struct got g;

	(void)state;
	begin(&b, NULL, false);
	fetch(&g, b.p, "POST", "/v1/chat?x=y", RW_SLICE("{\"a\":1}"));
	run_until(&b.w, b.u.accepted == 1 && raw_has(&b.u.conn[0], "}"));
	assert_string_equal(raw_text(&b.u.conn[0]), "POST /v1/chat?x=y HTTP/1.1\r\n"
						    "host: upstream.test:443\r\n"
						    "authorization: Bearer k\r\n"
						    "content-length: 7\r\n\r\n{\"a\":1}");
	assert_int_equal(rw_loop_stats(b.w.near)->sends, 1);
	raw_say(&b.u.conn[0], "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n"
			      "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
	run_until(&b.w, g.dones == 1);
	assert_int_equal(g.code, RW_OK);
	assert_int_equal(g.heads, 1);
	assert_int_equal(g.status, 201);
	assert_true(body_is(&g, "ok"));
	got_end(&g);
	end(&b);
}

static void empty_post_says_so(void **state)
{
	struct bench b;
	struct got g;

	(void)state;
	begin(&b, NULL, false);
	fetch(&g, b.p, "POST", "/", NOTHING);
	run_until(&b.w, b.u.accepted == 1 && raw_has(&b.u.conn[0], "\r\n\r\n"));
	assert_true(raw_has(&b.u.conn[0], "content-length: 0\r\n"));
	rw_fetch_cancel(g.f);
	end(&b);
}

/* Framing written twice is what smuggling lives on. */
static void fields_that_break_framing_are_refused(void **state)
{
	static const struct rw_http_field bad[] = {
		{{"Content-Length", 14}, {"5", 1}}, {{"transfer-encoding", 17}, {"chunked", 7}},
		{{"HOST", 4}, {"evil", 4}},	    {{"connection", 10}, {"close", 5}},
		{{"x", 1}, {"a\r\nb: c", 7}},	    {{"x y", 3}, {"a", 1}},
	};
	struct bench b;

	(void)state;
	begin(&b, NULL, false);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const struct rw_fetch_request rq = {.method = RW_SLICE("GET"),
						    .target = RW_SLICE("/"),
						    .fields = &bad[i],
						    .n_fields = 1};
		struct rw_error e = {0};
		struct got g = {0};

		assert_null(rw_fetch_start(b.p, &rq, &got_cb, &g, &e));
		assert_int_equal(e.code, RW_EINVAL);
	}
	run_for(&b.w, 10 * MS);
	assert_int_equal(b.u.accepted, 0);
	end(&b);
}

static void head_answer_has_no_body(void **state)
{
	struct bench b;
	struct got g, h;

	(void)state;
	begin(&b, NULL, false);
	fetch(&g, b.p, "HEAD", "/", NOTHING);
	run_until(&b.w, b.u.accepted == 1 && raw_has(&b.u.conn[0], "\r\n\r\n"));
	raw_say(&b.u.conn[0], "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
	run_until(&b.w, g.dones == 1);
	assert_int_equal(g.code, RW_OK);
	/* and the next answer on that connection has one again */
	get(&h, b.p, "/");
	run_until(&b.w, raw_has(&b.u.conn[0], "GET"));
	raw_say(&b.u.conn[0], OK);
	run_until(&b.w, h.dones == 1);
	assert_true(body_is(&h, "ok"));
	assert_int_equal(b.u.accepted, 1);
	got_end(&g);
	got_end(&h);
	end(&b);
}

static void answers_that_cannot_be_trusted_fail_in_words(void **state)
{
	static const char *const bad[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"220 smtp ready\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
		"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct bench b;
		struct got g;

		begin(&b, NULL, false);
		get(&g, b.p, "/");
		run_until(&b.w, b.u.accepted == 1 && b.u.conn[0].open);
		raw_say(&b.u.conn[0], bad[i]);
		run_until(&b.w, g.dones == 1);
		assert_int_equal(g.heads, 0);
		assert_int_equal(g.code, RW_EPROTO);
		assert_memory_equal(g.text, "upstream upstream.test:443: ", 28);
		run_until(&b.w, b.u.conn[0].eof || b.u.conn[0].closed);
		got_end(&g);
		end(&b);
	}
}

static void answer_over_its_bound_fails(void **state)
{
	static const struct rw_pool_config cfg = {.limits = {.body_bytes = 1}};
	struct bench b;
	struct got g;

	(void)state;
	begin(&b, &cfg, false);
	get(&g, b.p, "/");
	run_until(&b.w, b.u.accepted == 1 && b.u.conn[0].open);
	raw_say(&b.u.conn[0], OK);
	run_until(&b.w, g.dones == 1);
	assert_int_equal(g.code, RW_ELIMIT);
	got_end(&g);
	end(&b);
}

/* --- ends of answers ---------------------------------------------------------------------------
 */

static void close_delimited_answer_ends_with_the_connection(void **state)
{
	(void)state;
	for (unsigned tls = 0; tls < 2; tls++) {
		struct bench b;
		struct got g;

		begin(&b, NULL, tls);
		get(&g, b.p, "/");
		run_until(&b.w, b.u.accepted == 1 && raw_has(&b.u.conn[0], "\r\n\r\n"));
		raw_say(&b.u.conn[0], "HTTP/1.1 200 OK\r\n\r\nwhole");
		rw_stream_finish(b.u.conn[0].st);
		run_until(&b.w, g.dones == 1);
		assert_int_equal(g.code, RW_OK);
		assert_true(body_is(&g, "whole"));
		got_end(&g);
		end(&b);
	}
}

/* Passes a TCP connection's bytes on and can cut it, as an attacker between can. */
struct relay {
	struct world *w;
	struct rw_sock *in, *out;
	bool cut;
};

static void relay_close(void *user, int err)
{
	(void)err;
	((struct relay *)user)->cut = true;
}

static void in_data(void *user, const uint8_t *data, size_t n)
{
	struct relay *r = user;

	if (!r->cut)
		rw_sock_send(r->out, data, n);
}

static void out_data(void *user, const uint8_t *data, size_t n)
{
	struct relay *r = user;

	if (!r->cut)
		rw_sock_send(r->in, data, n);
}

static void relay_accept(void *user, struct rw_sock *s, const struct rw_addr *peer)
{
	static const struct rw_sock_cb in_cb = {.on_data = in_data, .on_close = relay_close};
	static const struct rw_sock_cb out_cb = {.on_data = out_data, .on_close = relay_close};
	struct relay *r = user;
	struct rw_addr to;
	struct rw_error e;

	(void)peer;
	rw_addr_parse(AT, &to, &e);
	r->in = s;
	rw_sock_bind(s, &in_cb, r);
	r->out = rw_sock_connect(r->w->far, &to, &out_cb, r);
}

/* Without close_notify anybody between could have ended the answer where he liked. */
static void close_delimited_truncation_is_an_error_over_tls(void **state)
{
	struct rw_listener *ls;
	struct rw_addr at;
	struct rw_error e;
	struct relay r = {0};
	struct bench b;
	struct got g;

	(void)state;
	begin(&b, NULL, true);
	r.w = &b.w;
	rw_addr_parse("10.0.0.9:443", &at, &e);
	assert_int_equal(rw_listener_start(b.w.far, &at, relay_accept, &r, &ls, &e), RW_OK);
	rw_pool_release(b.p);
	b.p = pool_to(&b.w, NULL, true, "10.0.0.9:443", NULL);
	get(&g, b.p, "/");
	run_until(&b.w, b.u.accepted == 1 && raw_has(&b.u.conn[0], "\r\n\r\n"));
	raw_say(&b.u.conn[0], "HTTP/1.1 200 OK\r\n\r\nallowed: yes, but on");
	run_until(&b.w, g.body.len > 0);
	r.cut = true;
	rw_sock_finish(r.in);
	run_until(&b.w, g.dones == 1);
	assert_int_equal(g.code, RW_ECLOSED);
	assert_non_null(strstr(g.text, "close_notify"));
	got_end(&g);
	end(&b);
}

static void answers_cut_off_are_errors(void **state)
{
	static const char *const cut[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
		"HTTP/1.1 200 OK\r\nConte",
		"HTTP/1.1 100 Continue\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
		struct bench b;
		struct got g;

		begin(&b, NULL, false);
		get(&g, b.p, "/");
		run_until(&b.w, b.u.accepted == 1 && raw_has(&b.u.conn[0], "\r\n\r\n"));
		raw_say(&b.u.conn[0], cut[i]);
		rw_stream_finish(b.u.conn[0].st);
		run_until(&b.w, g.dones == 1);
		assert_int_equal(g.code, RW_ECLOSED);
		assert_int_equal(b.u.accepted, 1);
		got_end(&g);
		end(&b);
	}
}

/* --- which connections are used again ----------------------------------------------------------
 */

static void connection_is_used_again_after_an_exact_end(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, NULL, true);
	warm(&b);
	for (unsigned i = 0; i < 3; i++) {
		struct got g;

		get(&g, b.p, "/again");
		run_until(&b.w, raw_count(&b.u.conn[0], "/again") == i + 1);
		raw_say(&b.u.conn[0], OK);
		run_until(&b.w, g.dones == 1);
		assert_int_equal(g.code, RW_OK);
		got_end(&g);
	}
	assert_int_equal(b.u.accepted, 1);
	end(&b);
}

static void warmest_connection_is_taken_first(void **state)
{
	struct bench b;
	struct got g[2], h;

	(void)state;
	begin(&b, NULL, false);
	get(&g[0], b.p, "/0");
	get(&g[1], b.p, "/1");
	run_until(&b.w, b.u.accepted == 2 && raw_has(&b.u.conn[1], "\r\n\r\n") &&
				raw_has(&b.u.conn[0], "\r\n\r\n"));
	raw_say(&b.u.conn[1], OK);
	run_for(&b.w, MS);
	raw_say(&b.u.conn[0], OK);
	run_until(&b.w, g[0].dones && g[1].dones);
	get(&h, b.p, "/latest");
	run_for(&b.w, MS);
	assert_true(raw_has(&b.u.conn[0], "/latest"));
	rw_fetch_cancel(h.f);
	got_end(&g[0]);
	got_end(&g[1]);
	end(&b);
}

static void connection_goes_to_the_fetch_that_on_done_starts(void **state)
{
	struct bench b;
	struct got g, h = {0};

	(void)state;
	begin(&b, NULL, false);
	get(&g, b.p, "/first");
	g.next = &h;
	g.again = (struct rw_fetch_request){.method = RW_SLICE("GET"), .target = RW_SLICE("/2nd")};
	run_until(&b.w, b.u.accepted == 1 && raw_has(&b.u.conn[0], "/first"));
	raw_say(&b.u.conn[0], OK);
	run_until(&b.w, raw_has(&b.u.conn[0], "/2nd"));
	raw_say(&b.u.conn[0], OK);
	run_until(&b.w, h.dones == 1);
	assert_int_equal(b.u.accepted, 1);
	got_end(&g);
	got_end(&h);
	end(&b);
}

struct not_again {
	const char *trap;
	const char *answer;
};

static void connections_in_doubt_are_not_used_again(void **state)
{
	static const struct not_again all[] = {
		{"close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"},
		{"http_1_0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		{"bytes_behind_the_end", OK "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"},
		{"body_on_304", "HTTP/1.1 304 x\r\nContent-Length: 2\r\n\r\nok"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct bench b;
		struct got g, h;

		begin(&b, NULL, false);
		get(&g, b.p, "/");
		run_until(&b.w, b.u.accepted == 1 && raw_has(&b.u.conn[0], "\r\n\r\n"));
		raw_say(&b.u.conn[0], all[i].answer);
		run_until(&b.w, g.dones == 1);
		assert_int_equal(g.code, RW_OK);
		get(&h, b.p, "/next");
		run_until(&b.w, b.u.accepted == 2 && raw_has(&b.u.conn[1], "/next"));
		if (raw_has(&b.u.conn[0], "/next"))
			fail_msg("%s", all[i].trap);
		rw_fetch_cancel(h.f);
		got_end(&g);
		end(&b);
	}
}

/* An answer nobody asked for would be given to the next who asks. */
static void idle_connection_that_speaks_or_ends_is_dropped(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct bench b;
		struct got g;

		begin(&b, NULL, false);
		warm(&b);
		if (k)
			rw_stream_finish(b.u.conn[0].st);
		else
			raw_say(&b.u.conn[0], OK);
		run_for(&b.w, 10 * MS);
		get(&g, b.p, "/next");
		run_until(&b.w, b.u.accepted == 2 && raw_has(&b.u.conn[1], "/next"));
		raw_say(&b.u.conn[1], OK);
		run_until(&b.w, g.dones == 1);
		assert_int_equal(g.code, RW_OK);
		got_end(&g);
		end(&b);
	}
}

static void idle_connection_is_closed_after_its_time(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, NULL, false);
	warm(&b);
	run_for(&b.w, 29 * S);
	assert_false(b.u.conn[0].eof);
	run_for(&b.w, 2 * S);
	assert_true(b.u.conn[0].eof);
	end(&b);
}

static void early_answer_while_the_request_flows_closes(void **state)
{
	static char big[4 << 20];
	struct bench b;
	struct got g;

	(void)state;
	memset(big, 'x', sizeof big);
	begin(&b, NULL, false);
	fetch(&g, b.p, "POST", "/", rw_slice_of(big, sizeof big));
	run_until(&b.w, b.u.accepted == 1 && b.u.conn[0].open);
	rw_stream_recv(b.u.conn[0].st, false);
	run_for(&b.w, 10 * MS);
	raw_say(&b.u.conn[0], "HTTP/1.1 413 x\r\nContent-Length: 2\r\n\r\nno");
	run_until(&b.w, g.dones == 1);
	assert_int_equal(g.code, RW_OK);
	assert_int_equal(g.status, 413);
	assert_true(body_is(&g, "no"));
	rw_stream_recv(b.u.conn[0].st, true);
	run_until(&b.w, b.u.conn[0].closed || b.u.conn[0].eof);
	assert_true(b.u.conn[0].got.len < sizeof big);
	got_end(&g);
	end(&b);
}

static void large_request_flows_as_fast_as_it_is_taken(void **state)
{
	static char big[4 << 20];
	struct bench b;
	struct got g;

	(void)state;
	memset(big, 'x', sizeof big);
	begin(&b, NULL, true);
	fetch(&g, b.p, "POST", "/", rw_slice_of(big, sizeof big));
	run_until(&b.w, b.u.accepted == 1 && b.u.conn[0].got.len > sizeof big);
	run_for(&b.w, 10 * MS);
	raw_say(&b.u.conn[0], OK);
	run_until(&b.w, g.dones == 1);
	got_end(&g);
	get(&g, b.p, "/2");
	run_until(&b.w, raw_has(&b.u.conn[0], "GET /2"));
	rw_fetch_cancel(g.f);
	end(&b);
}

static void above_max_conns_is_refused_in_words(void **state)
{
	static const struct rw_pool_config cfg = {.max_conns = 1};
	const struct rw_fetch_request rq = {.method = RW_SLICE("GET"), .target = RW_SLICE("/")};
	struct rw_error e = {0};
	struct bench b;
	struct got g, h = {0};

	(void)state;
	begin(&b, &cfg, false);
	get(&g, b.p, "/");
	assert_null(rw_fetch_start(b.p, &rq, &got_cb, &h, &e));
	assert_int_equal(e.code, RW_EBUSY);
	assert_string_equal(e.text, "upstream upstream.test:443: all 1 connections are in use");
	rw_fetch_cancel(g.f);
	/* what is closing does not count */
	get(&g, b.p, "/");
	rw_fetch_cancel(g.f);
	end(&b);
}

static void released_pool_ends_when_its_last_fetch_does(void **state)
{
	struct bench b;
	struct got g;

	(void)state;
	begin(&b, NULL, false);
	warm(&b);
	get(&g, b.p, "/last");
	run_until(&b.w, raw_has(&b.u.conn[0], "/last"));
	rw_pool_release(b.p);
	run_for(&b.w, 10 * MS);
	raw_say(&b.u.conn[0], OK);
	run_until(&b.w, g.dones == 1);
	assert_int_equal(g.code, RW_OK);
	run_until(&b.w, b.u.conn[0].eof);
	b.p = NULL;
	got_end(&g);
	end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_is_written_with_host_and_length),
		cmocka_unit_test(empty_post_says_so),
		cmocka_unit_test(fields_that_break_framing_are_refused),
		cmocka_unit_test(head_answer_has_no_body),
		cmocka_unit_test(answers_that_cannot_be_trusted_fail_in_words),
		cmocka_unit_test(answer_over_its_bound_fails),
		cmocka_unit_test(close_delimited_answer_ends_with_the_connection),
		cmocka_unit_test(close_delimited_truncation_is_an_error_over_tls),
		cmocka_unit_test(answers_cut_off_are_errors),
		cmocka_unit_test(connection_is_used_again_after_an_exact_end),
		cmocka_unit_test(warmest_connection_is_taken_first),
		cmocka_unit_test(connection_goes_to_the_fetch_that_on_done_starts),
		cmocka_unit_test(connections_in_doubt_are_not_used_again),
		cmocka_unit_test(idle_connection_that_speaks_or_ends_is_dropped),
		cmocka_unit_test(idle_connection_is_closed_after_its_time),
		cmocka_unit_test(early_answer_while_the_request_flows_closes),
		cmocka_unit_test(large_request_flows_as_fast_as_it_is_taken),
		cmocka_unit_test(above_max_conns_is_refused_in_words),
		cmocka_unit_test(released_pool_ends_when_its_last_fetch_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
