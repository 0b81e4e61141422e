/* SPDX-License-Identifier: Apache-2.0 */
/* Broken, slow and greedy clients; full queues; drain and end. */
#include "desk.h"
#include "http/server_int.h"

/* --- broken and slow clients -------------------------------------------------------------------
 */

static void error_body(void *user, unsigned status, const char *text, struct rw_buf *out,
		       const char **content_type)
{
	(void)user;
	*content_type = "application/json";
	rw_buf_addf(out, "{\"code\":%u,\"text\":", status);
	rw_buf_add_json(out, rw_slice_str(text));
	rw_buf_add_str(out, "}");
}

static void malformed_gets_400_in_the_handlers_dialect(void **state)
{
	struct rw_http_handler h = handler;
	struct desk d = {0};
	struct raw r;

	(void)state;
	h.on_error_body = error_body;
	world_begin(&d.w);
	desk_serve(&d, NULL, &h);
	client(&d, &r,
	       "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
	       "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" GET("/hello"));
	run_until(&d.w, r.eof);
	assert_int_equal(d.requests, 0);
	assert_int_equal(d.bad, 1);
	assert_int_equal(d.bad_kind, RW_HTTP_BAD_MESSAGE);
	assert_true(raw_has(&r, "HTTP/1.1 400 Bad Request\r\n"));
	assert_true(raw_has(&r, "content-type: application/json\r\n"));
	assert_true(raw_has(&r, "connection: close\r\n\r\n{\"code\":400,"));
	assert_int_equal(raw_count(&r, "HTTP/1.1"), 1);
	rw_stream_finish(r.st);
	desk_end(&d);
	raw_end(&r);
}

struct bad_case {
	const char *text;
	const char *want;
	enum rw_http_bad kind;
	unsigned requests;
};

static void what_is_too_large_gets_its_status(void **state)
{
	static const struct rw_http_server_config cfg = {
		.limits = {.head_bytes = 100, .headers = 2, .body_bytes = 10}};
	static const struct bad_case all[] = {
		{"GET /0123456789012345678901234567890123456789012345678901234567890123456789"
		 "0123456789 HTTP/1.1\r\nHost: x\r\n\r\n",
		 "HTTP/1.1 431 ", RW_HTTP_BAD_LIMIT, 0},
		{"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nC: d\r\n\r\n", "HTTP/1.1 431 ",
		 RW_HTTP_BAD_LIMIT, 0},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n", "HTTP/1.1 413 ",
		 RW_HTTP_BAD_LIMIT, 0},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
		 "6\r\n",
		 "HTTP/1.1 413 ", RW_HTTP_BAD_LIMIT, 1},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
		 "x",
		 "HTTP/1.1 400 ", RW_HTTP_BAD_MESSAGE, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct desk d;
		struct raw r;

		desk_begin(&d, &cfg);
		client(&d, &r, all[i].text);
		run_until(&d.w, r.eof);
		if (!raw_has(&r, all[i].want) || d.bad != 1 || d.bad_kind != all[i].kind ||
		    d.requests != all[i].requests || d.completed)
			fail_msg("case %zu: %s", i, raw_text(&r));
		rw_stream_finish(r.st);
		desk_end(&d);
		raw_end(&r);
	}
}

/* Idle time-outs do not stop a byte a second: the deadline is absolute. */
static void slow_header_gets_408(void **state)
{
	static const char head[] = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
	struct desk d;
	struct raw r;
	unsigned i;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r, "G");
	for (i = 1; i < sizeof head - 1 && !r.eof; i++) {
		run_for(&d.w, S);
		if (!r.eof)
			raw_bytes(&r, head + i, 1);
	}
	assert_true(i >= 9 && i <= 12);
	assert_true(raw_has(&r, "HTTP/1.1 408 Request Timeout\r\n"));
	assert_int_equal(d.bad_kind, RW_HTTP_BAD_SLOW);
	assert_int_equal(d.requests, 0);
	desk_end(&d);
	raw_end(&r);
}

static void slow_body_gets_408(void **state)
{
	static const struct rw_http_server_config cfg = {.body_ns = 5 * S};
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, &cfg);
	client(&d, &r, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n");
	for (unsigned i = 0; i < 4; i++) {
		run_for(&d.w, S);
		raw_say(&r, "x");
	}
	assert_false(r.eof);
	run_for(&d.w, 2 * S);
	assert_true(r.eof);
	assert_true(raw_has(&r, "HTTP/1.1 408 "));
	assert_int_equal(d.bad_kind, RW_HTTP_BAD_SLOW);
	assert_int_equal(d.done, 1);
	assert_int_equal(d.completed, 0);
	desk_end(&d);
	raw_end(&r);
}

/* A browser's spare connection is no attack, and a 408 on it would answer the next request. */
static void silent_connection_is_closed_without_an_answer(void **state)
{
	struct desk d;
	struct raw fresh, idle;

	(void)state;
	desk_begin(&d, NULL);
	raw_connect(&d.w, &fresh, rw_http_server_addr(d.server), false);
	client(&d, &idle, GET("/hello"));
	run_for(&d.w, 11 * S);
	assert_true(fresh.eof);
	assert_false(idle.eof);
	run_for(&d.w, 70 * S);
	assert_true(idle.eof);
	assert_int_equal(fresh.got.len, 0);
	assert_int_equal(raw_count(&idle, "HTTP/1.1"), 1);
	assert_int_equal(d.bad, 0);
	desk_end(&d);
	raw_end(&fresh);
	raw_end(&idle);
}

/* The clock of a request must not run on into the answer, nor from one request into the next. */
static void deadlines_end_with_what_they_are_for(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r, "GET /later HTTP/1.1\r\nHo");
	run_for(&d.w, 5 * S);
	raw_say(&r, "st: x\r\n\r\n");
	run_for(&d.w, 200 * S); /* a slow model */
	assert_false(r.eof);
	answer(d.x, "late");
	run_for(&d.w, 60 * S);
	raw_say(&r, "GET /later HTTP/1.1\r\nHo");
	run_for(&d.w, 9 * S);
	raw_say(&r, "st: x\r\n\r\n");
	run_until(&d.w, d.body_ends == 2);
	answer(d.x, "late");
	run_for(&d.w, S);
	assert_int_equal(raw_count(&r, "late"), 2);
	assert_int_equal(d.bad, 0);
	desk_end(&d);
	raw_end(&r);
}

static void client_that_takes_nothing_is_cut(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	d.stream_left = 100 << 20;
	client(&d, &r, GET("/stream"));
	run_until(&d.w, r.got.len > 0);
	rw_stream_recv(r.st, false);
	run_for(&d.w, 25 * S);
	assert_int_equal(d.done, 0);
	run_for(&d.w, 60 * S);
	assert_int_equal(d.done, 1);
	assert_int_equal(d.completed, 0);
	assert_int_equal(d.bad, 1);
	assert_int_equal(d.bad_kind, RW_HTTP_BAD_STALL);
	desk_end(&d);
	raw_end(&r);
}

static void client_that_takes_a_little_is_not_cut(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	d.stream_left = 3 << 20;
	client(&d, &r, GET("/stream"));
	run_until(&d.w, r.got.len > 0);
	for (unsigned i = 0; i < 20; i++) {
		rw_stream_recv(r.st, false);
		run_for(&d.w, 20 * S);
		rw_stream_recv(r.st, true);
		run_for(&d.w, 100000);
	}
	run_until(&d.w, d.done == 1);
	assert_int_equal(d.completed, 1);
	assert_int_equal(d.bad, 0);
	desk_end(&d);
	raw_end(&r);
}

static void tls_garbage_is_told_as_bad_and_a_closed_probe_is_not(void **state)
{
	struct desk d = {0};
	struct raw garbage, probe, silent;

	(void)state;
	world_begin(&d.w);
	world_tls(&d.w);
	desk_serve(&d, NULL, NULL);
	raw_connect(&d.w, &probe, rw_http_server_addr(d.server), false);
	run_for(&d.w, 10 * MS);
	rw_stream_finish(probe.st);
	run_for(&d.w, S);
	assert_int_equal(d.bad, 0);
	raw_connect(&d.w, &garbage, rw_http_server_addr(d.server), false);
	raw_say(&garbage, GET("/hello"));
	run_for(&d.w, 5 * S);
	assert_int_equal(d.bad, 1);
	assert_int_equal(d.bad_kind, RW_HTTP_BAD_TLS);
	raw_connect(&d.w, &silent, rw_http_server_addr(d.server), false);
	run_for(&d.w, 11 * S);
	assert_int_equal(d.bad, 2);
	assert_true(silent.eof || silent.closed);
	assert_int_equal(rw_http_server_conns(d.server), 0);
	desk_end(&d);
	raw_end(&garbage);
	raw_end(&probe);
	raw_end(&silent);
}

/* --- back-pressure -----------------------------------------------------------------------------
 */

static void large_answer_goes_as_fast_as_it_is_taken(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	d.stream_left = 8 << 20;
	client(&d, &r, GET("/stream"));
	run_until(&d.w, d.requests == 1);
	assert_true(d.stream_left > 7 << 20);
	run_until(&d.w, d.done == 1);
	run_for(&d.w, S);
	assert_true(r.got.len > 8 << 20);
	assert_true(d.drains > 10);
	desk_end(&d);
	raw_end(&r);
}

static void answer_large(struct desk *d, struct rw_exchange *x)
{
	static char block[5 << 20];

	(void)d;
	memset(block, 'x', sizeof block);
	assert_int_equal(rw_exchange_head(x, 200, NULL, 0, sizeof block), RW_OK);
	assert_int_equal(rw_exchange_body(x, block, sizeof block), RW_OK);
	assert_int_equal(rw_exchange_end(x), RW_OK);
}

/* A whole answer handed over in one call is larger than any send queue. */
static void answer_larger_than_the_queue_in_one_call(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	d.then = answer_large;
	client(&d, &r, GET("/"));
	run_until(&d.w, d.done == 1);
	assert_int_equal(d.completed, 1);
	run_for(&d.w, S);
	assert_true(r.got.len > 5 << 20);
	d.then = NULL;
	raw_say(&r, GET("/hello"));
	run_until(&d.w, d.done == 2);
	desk_end(&d);
	raw_end(&r);
}

static void paused_handler_stops_the_clients_upload(void **state)
{
	static const char head[] =
		"POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n";
	static char upload[4000000 + sizeof head - 1];
	struct desk d;
	struct raw r;
	size_t before;

	(void)state;
	memset(upload, 'x', sizeof upload);
	memcpy(upload, head, sizeof head - 1);
	desk_begin(&d, NULL);
	d.pauses = d.no_record = true;
	raw_connect(&d.w, &r, rw_http_server_addr(d.server), false);
	r.to_send = upload;
	r.n_to_send = sizeof upload;
	run_until(&d.w, d.requests == 1);
	run_for(&d.w, 100 * S); /* no deadline of the client's runs meanwhile */
	before = d.body_bytes;
	assert_true(before <= 65536);
	assert_true(r.n_to_send > 3 << 20);
	rw_exchange_recv(d.x, true);
	run_until(&d.w, d.done == 1);
	assert_int_equal(d.body_bytes, 4000000);
	assert_int_equal(d.completed, 1);
	assert_int_equal(d.bad, 0);
	desk_end(&d);
	raw_end(&r);
}

/* --- bounds, drain, end ------------------------------------------------------------------------
 */

static void above_max_conns_gets_503_with_retry_after(void **state)
{
	static const struct rw_http_server_config cfg = {.max_conns = 2};
	struct desk d;
	struct raw r[6];

	(void)state;
	desk_begin(&d, &cfg);
	for (unsigned i = 0; i < 6; i++) {
		client(&d, &r[i], GET("/hello"));
		run_for(&d.w, 100000);
	}
	run_for(&d.w, 100 * MS);
	for (unsigned i = 0; i < 2; i++)
		assert_true(raw_has(&r[i], "HTTP/1.1 200 "));
	assert_true(raw_has(&r[2], "HTTP/1.1 503 Service Unavailable\r\n"));
	assert_true(raw_has(&r[2], "retry-after: 1\r\n"));
	assert_true(raw_has(&r[2], "connection: close\r\n"));
	assert_int_equal(d.requests, 2);
	assert_int_equal(d.bad, 0);
	rw_stream_finish(r[0].st);
	run_for(&d.w, 5 * S);
	raw_end(&r[0]);
	client(&d, &r[0], GET("/hello"));
	run_for(&d.w, 100 * MS);
	assert_true(raw_has(&r[0], "HTTP/1.1 200 "));
	desk_end(&d);
	for (unsigned i = 0; i < 6; i++)
		raw_end(&r[i]);
}

static void drain_ends_idle_and_lets_busy_finish(void **state)
{
	struct desk d;
	struct raw idle, busy, fresh, late;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &idle, GET("/hello"));
	raw_connect(&d.w, &fresh, rw_http_server_addr(d.server), false);
	run_until(&d.w, d.done == 1);
	client(&d, &busy, GET("/later"));
	run_until(&d.w, d.requests == 2);
	rw_http_server_drain(d.server);
	run_for(&d.w, 100 * MS);
	assert_true(idle.eof);
	assert_false(fresh.eof || busy.eof);
	raw_connect(&d.w, &late, rw_http_server_addr(d.server), false);
	run_for(&d.w, 100 * MS);
	assert_true(late.closed);
	run_for(&d.w, 2 * S);
	assert_true(fresh.eof);
	answer(d.x, "bye");
	run_until(&d.w, busy.eof);
	assert_true(raw_has(&busy, "connection: close\r\n\r\nbye"));
	rw_stream_finish(idle.st);
	rw_stream_finish(busy.st);
	rw_stream_finish(fresh.st);
	run_until(&d.w, rw_http_server_conns(d.server) == 0);
	desk_end(&d);
	raw_end(&idle);
	raw_end(&busy);
	raw_end(&fresh);
}

/* He connected before the drain and could not know: what he asks within 2 s is answered. */
static void the_first_request_is_answered_in_a_drain(void **state)
{
	struct desk d;
	struct raw fresh;

	(void)state;
	desk_begin(&d, NULL);
	raw_connect(&d.w, &fresh, rw_http_server_addr(d.server), false);
	run_until(&d.w, rw_http_server_conns(d.server) == 1);
	rw_http_server_drain(d.server);
	run_for(&d.w, 1 * S);
	assert_false(rw_http_server_ended(d.server));
	raw_say(&fresh, GET("/hello"));
	run_until(&d.w, fresh.eof);
	assert_true(raw_has(&fresh, "HTTP/1.1 200 ") && raw_has(&fresh, "connection: close\r\n"));
	rw_stream_finish(fresh.st);
	run_until(&d.w, rw_http_server_ended(d.server));
	desk_end(&d);
	raw_end(&fresh);
}

static void free_with_open_exchanges_tells_each_once(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r, GET("/later"));
	run_until(&d.w, d.body_ends == 1);
	rw_exchange_head(d.x, 200, NULL, 0, -1);
	rw_http_server_free(d.server);
	d.server = NULL;
	assert_int_equal(d.done, 1);
	assert_int_equal(d.completed, 0);
	run_until(&d.w, r.closed || r.eof);
	desk_end(&d);
	raw_end(&r);
}

static void update_changes_limits_for_new_connections(void **state)
{
	static const struct rw_http_server_config less = {.limits = {.body_bytes = 3}};
	struct desk d;
	struct raw old, new;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &old, GET("/hello"));
	run_until(&d.w, d.done == 1);
	rw_http_server_update(d.server, &less, NULL);
	client(&d, &new, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd");
	run_until(&d.w, new.eof);
	assert_true(raw_has(&new, "HTTP/1.1 413 "));
	raw_say(&old, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd");
	run_until(&d.w, d.done == 2);
	assert_int_equal(d.completed, 2);
	desk_end(&d);
	raw_end(&old);
	raw_end(&new);
}

/* Each kept a kilobyte of its own for the event that may come in a minute. */
static void streams_that_wait_share_their_buffers(void **state)
{
	enum { STREAMS = 8 };
	struct rw_exchange *x[STREAMS];
	struct raw r[STREAMS];
	struct rw_conn *c;
	struct desk d;

	(void)state;
	desk_begin(&d, NULL);
	for (unsigned i = 0; i < STREAMS; i++) {
		client(&d, &r[i], GET("/later"));
		run_until(&d.w, d.body_ends == i + 1);
		x[i] = d.x;
		assert_int_equal(rw_exchange_head(x[i], 200, NULL, 0, -1), RW_OK);
		run_for(&d.w, 1 * MS);
		assert_int_equal(rw_exchange_body(x[i], "data: 1\n\n", 9), RW_OK);
		run_for(&d.w, 1 * MS);
		assert_true(raw_has(&r[i], "data: 1\n\n"));
	}
	for (c = LIST_FIRST(&d.server->conns); c; c = LIST_NEXT(c, link))
		assert_null(c->out.p);
	assert_int_equal(d.server->n_out_spares, 1);
	for (unsigned i = 0; i < STREAMS; i++) {
		d.x = x[i];
		rw_exchange_end(x[i]);
		run_until(&d.w, d.done == i + 1);
	}
	desk_end(&d);
	for (unsigned i = 0; i < STREAMS; i++)
		raw_end(&r[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed_gets_400_in_the_handlers_dialect),
		cmocka_unit_test(what_is_too_large_gets_its_status),
		cmocka_unit_test(slow_header_gets_408),
		cmocka_unit_test(slow_body_gets_408),
		cmocka_unit_test(silent_connection_is_closed_without_an_answer),
		cmocka_unit_test(deadlines_end_with_what_they_are_for),
		cmocka_unit_test(client_that_takes_nothing_is_cut),
		cmocka_unit_test(client_that_takes_a_little_is_not_cut),
		cmocka_unit_test(tls_garbage_is_told_as_bad_and_a_closed_probe_is_not),
		cmocka_unit_test(large_answer_goes_as_fast_as_it_is_taken),
		cmocka_unit_test(answer_larger_than_the_queue_in_one_call),
		cmocka_unit_test(streams_that_wait_share_their_buffers),
		cmocka_unit_test(paused_handler_stops_the_clients_upload),
		cmocka_unit_test(above_max_conns_gets_503_with_retry_after),
		cmocka_unit_test(drain_ends_idle_and_lets_busy_finish),
		cmocka_unit_test(the_first_request_is_answered_in_a_drain),
		cmocka_unit_test(free_with_open_exchanges_tells_each_once),
		cmocka_unit_test(update_changes_limits_for_new_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
