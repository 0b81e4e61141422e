/* SPDX-License-Identifier: Apache-2.0 */
/* The server side on the simulator: requests, and the shape of their answers. */
#include "desk.h"

/* --- requests and answers ----------------------------------------------------------------------
 */

static void keep_alive_serves_one_after_the_other(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r, GET("/hello"));
	run_until(&d.w, d.done == 1);
	for (unsigned i = 2; i <= 5; i++) {
		raw_say(&r, GET("/hello"));
		run_until(&d.w, d.done == i);
	}
	run_for(&d.w, 10 * MS);
	assert_int_equal(raw_count(&r, "HTTP/1.1 200 OK\r\nx-test: 1\r\ndate: "), 5);
	assert_int_equal(raw_count(&r, "content-length: 5\r\n\r\nhello"), 5);
	assert_false(raw_has(&r, "connection:"));
	assert_int_equal(d.completed, 5);
	assert_int_equal(rw_loop_stats(d.w.near)->accepts, 1);
	assert_false(r.eof);
	desk_end(&d);
	raw_end(&r);
}

static void exchange_over_tls(void **state)
{
	struct desk d = {0};
	struct raw r;

	(void)state;
	world_begin(&d.w);
	world_tls(&d.w);
	desk_serve(&d, NULL, NULL);
	client(&d, &r, GET("/hello"));
	run_until(&d.w, d.done == 1);
	raw_say(&r, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
		    "Connection: close\r\n\r\nabc");
	run_until(&d.w, r.eof);
	assert_true(r.clean);
	assert_true(raw_has(&r, "\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
	assert_int_equal(d.completed, 2);
	rw_stream_finish(r.st);
	desk_end(&d);
	raw_end(&r);
}

/* A head sent by itself costs a packet and a TLS record, and stalls behind delayed ACKs. */
static void head_and_body_of_one_turn_leave_in_one_send(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r, GET("/hello"));
	run_until(&d.w, d.done == 1);
	run_for(&d.w, 10 * MS);
	assert_int_equal(rw_loop_stats(d.w.near)->sends, 1);
	desk_end(&d);
	raw_end(&r);
}

/* The first token may be seconds away: the head must not wait for it. */
static void head_alone_leaves_at_the_turns_end(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r, GET("/later"));
	run_until(&d.w, d.body_ends == 1);
	assert_int_equal(rw_exchange_head(d.x, 200, NULL, 0, -1), RW_OK);
	run_for(&d.w, 1 * MS);
	assert_true(raw_has(&r, "transfer-encoding: chunked\r\n\r\n"));
	rw_exchange_body(d.x, "data: 1\n\n", 9);
	run_for(&d.w, 1 * MS);
	assert_true(raw_has(&r, "\r\n9\r\ndata: 1\n\n\r\n"));
	rw_exchange_body(d.x, "", 0); /* an empty chunk would end the body */
	rw_exchange_body(d.x, "x", 1);
	rw_exchange_end(d.x);
	run_until(&d.w, d.done == 1);
	run_for(&d.w, 1 * MS);
	assert_true(raw_has(&r, "1\r\nx\r\n0\r\n\r\n"));
	desk_end(&d);
	raw_end(&r);
}

static void pipelined_request_waits(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r, GET("/1") GET("/2") "GET /3 HTTP/1.1\r\nHo");
	run_for(&d.w, 50 * MS);
	assert_int_equal(d.requests, 1);
	answer(d.x, "one");
	run_for(&d.w, 50 * MS);
	assert_int_equal(d.requests, 2);
	assert_string_equal(d.target, "/2");
	assert_false(raw_has(&r, "two"));
	answer(d.x, "two");
	run_for(&d.w, 50 * MS);
	assert_int_equal(d.requests, 2);
	raw_say(&r, "st: x\r\n\r\n");
	run_for(&d.w, 50 * MS);
	assert_string_equal(d.target, "/3");
	answer(d.x, "three");
	run_for(&d.w, 50 * MS);
	assert_true(strstr(raw_text(&r), "one") < strstr(raw_text(&r), "two"));
	assert_true(raw_has(&r, "three"));
	desk_end(&d);
	raw_end(&r);
}

/* Pipelined bytes cost memory before anybody answered for them. */
static void pipelined_bytes_are_bounded(void **state)
{
	static char flood[2 << 20];
	struct desk d;
	struct raw r;

	(void)state;
	for (size_t i = 0; i + sizeof GET("/hello") - 1 < sizeof flood;
	     i += sizeof GET("/hello") - 1)
		memcpy(flood + i, GET("/hello"), sizeof GET("/hello") - 1);
	desk_begin(&d, NULL);
	raw_connect(&d.w, &r, rw_http_server_addr(d.server), false);
	r.to_send = GET("/later");
	r.n_to_send = strlen(r.to_send);
	run_until(&d.w, d.requests == 1);
	r.to_send = flood;
	r.n_to_send = 60000 * (sizeof GET("/hello") - 1);
	r.n_to_send = sizeof flood / 33 * 33;
	raw_push(&r);
	run_for(&d.w, 20 * S);
	assert_int_equal(d.requests, 1);
	/* Held, in the kernel's buffers of both ends: not on its way through us. */
	assert_true(r.n_to_send > 1 << 20);
	answer(d.x, "one");
	run_until(&d.w, d.done == 1000);
	desk_end(&d);
	raw_end(&r);
}

static void head_answer_has_no_body(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r, "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n");
	run_until(&d.w, d.done == 1);
	raw_say(&r, "HEAD /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
	run_until(&d.w, d.done == 2);
	run_for(&d.w, 10 * MS);
	assert_true(raw_has(&r, "content-length: 5\r\n\r\nHTTP/1.1 200 OK\r\n"));
	assert_true(raw_has(&r, "transfer-encoding: chunked\r\n\r\n"));
	assert_false(raw_has(&r, "hello"));
	assert_false(raw_has(&r, "abc"));
	assert_string_equal(raw_text(&r) + r.got.len - 4, HEAD_END);
	desk_end(&d);
	raw_end(&r);
}

static void answer_204(struct desk *d, struct rw_exchange *x)
{
	(void)d;
	rw_exchange_head(x, 204, NULL, 0, 5);
	rw_exchange_body(x, "hello", 5);
	rw_exchange_end(x);
}

static void no_content_has_no_body_and_no_length(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	d.then = answer_204;
	client(&d, &r, GET("/"));
	run_until(&d.w, d.done == 1);
	run_for(&d.w, 10 * MS);
	assert_false(raw_has(&r, "content-length"));
	assert_false(raw_has(&r, "hello"));
	assert_int_equal(d.completed, 1);
	desk_end(&d);
	raw_end(&r);
}

static void http_1_0_gets_no_chunks(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r,
	       "POST /echo HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n"
	       "Content-Length: 3\r\n\r\nabc");
	run_until(&d.w, r.eof);
	assert_false(raw_has(&r, "chunked"));
	assert_true(raw_has(&r, "connection: close\r\n\r\nabc"));
	rw_stream_finish(r.st);
	desk_end(&d);
	raw_end(&r);
}

static void http_1_0_keep_alive_is_said(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r, "GET /hello HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n");
	run_until(&d.w, d.done == 1);
	raw_say(&r, GET("/hello"));
	run_until(&d.w, d.done == 2);
	assert_int_equal(raw_count(&r, "connection: keep-alive\r\n\r\nhello"), 1);
	desk_end(&d);
	raw_end(&r);
}

static void body_after_close_is_ignored(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" GET("/hello"));
	run_until(&d.w, r.eof);
	assert_int_equal(d.requests, 1);
	assert_int_equal(raw_count(&r, "HTTP/1.1"), 1);
	assert_true(raw_has(&r, "connection: close\r\n"));
	rw_stream_finish(r.st);
	desk_end(&d);
	raw_end(&r);
}

static void answer_split(struct desk *d, struct rw_exchange *x)
{
	const struct rw_http_field f = {RW_SLICE("x"), RW_SLICE("a\r\nset-cookie: b")};

	(void)d;
	assert_int_equal(rw_exchange_head(x, 200, &f, 1, 0), RW_EINVAL);
	assert_int_equal(rw_exchange_end(x), RW_ECLOSED);
}

static void answer_framed_by_hand(struct desk *d, struct rw_exchange *x)
{
	const struct rw_http_field f = {RW_SLICE("Content-Length"), RW_SLICE("7")};

	(void)d;
	assert_int_equal(rw_exchange_head(x, 200, &f, 1, 0), RW_EINVAL);
}

static void answer_too_long(struct desk *d, struct rw_exchange *x)
{
	(void)d;
	assert_int_equal(rw_exchange_head(x, 200, NULL, 0, 3), RW_OK);
	assert_int_equal(rw_exchange_body(x, "HTTP", 4), RW_EINVAL);
}

static void answer_too_short(struct desk *d, struct rw_exchange *x)
{
	(void)d;
	assert_int_equal(rw_exchange_head(x, 200, NULL, 0, 3), RW_OK);
	assert_int_equal(rw_exchange_body(x, "HT", 2), RW_OK);
	assert_int_equal(rw_exchange_end(x), RW_EINVAL);
}

/* An answer that would be read as two, or never end, is cut before its first byte. */
static void response_split_is_refused(void **state)
{
	void (*const all[])(struct desk *, struct rw_exchange *) = {
		answer_split, answer_framed_by_hand, answer_too_long, answer_too_short};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct desk d;
		struct raw r;

		desk_begin(&d, NULL);
		d.then = all[i];
		client(&d, &r, GET("/"));
		run_until(&d.w, r.closed || r.eof);
		assert_int_equal(r.got.len, 0);
		assert_int_equal(d.done, 1);
		assert_int_equal(d.completed, 0);
		desk_end(&d);
		raw_end(&r);
	}
}

/* --- Expect ------------------------------------------------------------------------------------
 */

#define EXPECT(path, n)                                                                            \
	"POST " path " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: " n "\r\n\r" \
	"\n"

static void expect_100_is_sent_once(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	d.continues = true;
	client(&d, &r, EXPECT("/echo", "3"));
	run_for(&d.w, 10 * MS);
	assert_string_equal(raw_text(&r), "HTTP/1.1 100 Continue\r\n\r\n");
	rw_exchange_continue(d.x);
	raw_say(&r, "abc");
	run_until(&d.w, d.done == 1);
	run_for(&d.w, 10 * MS);
	assert_int_equal(raw_count(&r, "100 Continue"), 1);
	assert_true(raw_has(&r, "3\r\nabc\r\n"));
	desk_end(&d);
	raw_end(&r);
}

static void expect_is_answered_when_the_body_is_taken(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r, EXPECT("/echo", "3"));
	run_for(&d.w, 10 * MS);
	assert_int_equal(r.got.len, 0);
	rw_exchange_recv(d.x, true);
	run_for(&d.w, 10 * MS);
	assert_int_equal(raw_count(&r, "100 Continue"), 1);
	raw_say(&r, "abc");
	run_until(&d.w, d.done == 1);
	desk_end(&d);
	raw_end(&r);
}

/* It did not wait: a 100 now would be read as the answer by a client that forgot. */
static void expect_is_not_answered_when_the_body_came(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r, EXPECT("/later", "3") "a");
	run_for(&d.w, 10 * MS);
	rw_exchange_continue(d.x);
	raw_say(&r, "bc");
	run_until(&d.w, d.body_ends == 1);
	answer(d.x, "ok");
	run_for(&d.w, 10 * MS);
	assert_false(raw_has(&r, "100 Continue"));
	desk_end(&d);
	raw_end(&r);
}

/* Whether the body will come now is unknown: so is where the next request begins. */
static void final_answer_to_expect_closes(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r, EXPECT("/early", "3"));
	run_until(&d.w, r.eof);
	assert_true(raw_has(&r, "connection: close\r\n\r\nearly"));
	assert_false(raw_has(&r, "100 Continue"));
	desk_end(&d);
	raw_end(&r);
}

/* --- early answers -----------------------------------------------------------------------------
 */

static void early_answer_to_a_large_body_closes(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r, "POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc");
	run_until(&d.w, r.eof);
	assert_true(raw_has(&r, "connection: close\r\n\r\nearly"));
	assert_int_equal(d.completed, 1);
	assert_int_equal(d.body_ends, 0);
	desk_end(&d);
	raw_end(&r);
}

/* A 429 must not cost the client a new TLS handshake: httpx sends head and body apart. */
static void early_answer_to_a_small_body_keeps_the_connection(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r, "POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\nabc");
	run_until(&d.w, d.done == 1);
	run_for(&d.w, 10 * MS);
	assert_true(raw_has(&r, "early"));
	for (unsigned i = 0; i < 49997; i += 7)
		raw_bytes(&r, "GET / HTTP", 49997 - i < 7 ? 49997 - i : 7);
	raw_say(&r, GET("/hello"));
	run_until(&d.w, d.done == 2);
	run_for(&d.w, 10 * MS);
	assert_true(raw_has(&r, "hello"));
	assert_false(raw_has(&r, "connection:"));
	assert_int_equal(d.bad, 0);
	desk_end(&d);
	raw_end(&r);
}

static void early_answer_with_the_whole_body_there_keeps_the_connection(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r,
	       "POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	       "3\r\nabc\r\n0\r\n\r\n" GET("/hello"));
	run_until(&d.w, d.done == 2);
	run_for(&d.w, 10 * MS);
	assert_false(raw_has(&r, "connection:"));
	desk_end(&d);
	raw_end(&r);
}

/* The rest of a refused body that never comes must not hold the connection, nor be a second answer.
 */
static void rest_of_a_refused_body_has_a_deadline(void **state)
{
	static const struct rw_http_server_config cfg = {.body_ns = 5 * S};
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, &cfg);
	client(&d, &r, "POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nabc");
	run_for(&d.w, 10 * S);
	assert_true(r.eof);
	assert_int_equal(raw_count(&r, "HTTP/1.1"), 1);
	assert_int_equal(d.completed, 1);
	desk_end(&d);
	raw_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keep_alive_serves_one_after_the_other),
		cmocka_unit_test(exchange_over_tls),
		cmocka_unit_test(head_and_body_of_one_turn_leave_in_one_send),
		cmocka_unit_test(head_alone_leaves_at_the_turns_end),
		cmocka_unit_test(pipelined_request_waits),
		cmocka_unit_test(pipelined_bytes_are_bounded),
		cmocka_unit_test(head_answer_has_no_body),
		cmocka_unit_test(no_content_has_no_body_and_no_length),
		cmocka_unit_test(http_1_0_gets_no_chunks),
		cmocka_unit_test(http_1_0_keep_alive_is_said),
		cmocka_unit_test(body_after_close_is_ignored),
		cmocka_unit_test(response_split_is_refused),
		cmocka_unit_test(expect_100_is_sent_once),
		cmocka_unit_test(expect_is_answered_when_the_body_is_taken),
		cmocka_unit_test(expect_is_not_answered_when_the_body_came),
		cmocka_unit_test(final_answer_to_expect_closes),
		cmocka_unit_test(early_answer_to_a_large_body_closes),
		cmocka_unit_test(early_answer_to_a_small_body_keeps_the_connection),
		cmocka_unit_test(early_answer_with_the_whole_body_there_keeps_the_connection),
		cmocka_unit_test(rest_of_a_refused_body_has_a_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
