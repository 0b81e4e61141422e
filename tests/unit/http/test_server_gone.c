/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges that end before their answer is whole. */
#include "desk.h"

/* --- clients that go ---------------------------------------------------------------------------
 */

static void client_gone_cancels_exchange(void **state)
{
	(void)state;
	/* with FIN or RST, before the head, within the stream */
	for (unsigned k = 0; k < 4; k++) {
		struct desk d;
		struct raw r;

		desk_begin(&d, NULL);
		client(&d, &r, GET("/later"));
		run_until(&d.w, d.body_ends == 1);
		if (k & 1) {
			rw_exchange_head(d.x, 200, NULL, 0, -1);
			rw_exchange_body(d.x, "data: 1\n\n", 9);
			run_for(&d.w, MS);
		}
		if (k & 2)
			rw_stream_finish(r.st);
		else
			rw_stream_abort(r.st);
		run_for(&d.w, 2 * MS);
		assert_int_equal(d.done, 1);
		assert_int_equal(d.completed, 0);
		assert_int_equal(d.bad, 0);
		run_until(&d.w, rw_http_server_conns(d.server) == 0);
		desk_end(&d);
		raw_end(&r);
	}
}

static void client_gone_over_tls_cancels_exchange(void **state)
{
	struct desk d = {0};
	struct raw r;

	(void)state;
	world_begin(&d.w);
	world_tls(&d.w);
	desk_serve(&d, NULL, NULL);
	client(&d, &r, GET("/later"));
	run_until(&d.w, d.body_ends == 1);
	rw_exchange_head(d.x, 200, NULL, 0, -1);
	run_for(&d.w, MS);
	rw_stream_finish(r.st);
	run_for(&d.w, 2 * MS);
	assert_int_equal(d.done, 1);
	assert_int_equal(d.completed, 0);
	desk_end(&d);
	raw_end(&r);
}

/* "printf ... | nc -N": what is answered at once costs nothing any more, so it goes out. */
static void fin_behind_a_request_that_is_answered_at_once(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	raw_connect(&d.w, &r, rw_http_server_addr(d.server), false);
	run_until(&d.w, r.open);
	raw_say(&r, GET("/hello"));
	rw_stream_finish(r.st);
	run_until(&d.w, d.done == 1);
	assert_int_equal(d.completed, 1);
	desk_end(&d);
	raw_end(&r);
}

static void fin_inside_a_request_is_no_request(void **state)
{
	static const char *const all[] = {
		"GET / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc"};

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct desk d;
		struct raw r;

		desk_begin(&d, NULL);
		raw_connect(&d.w, &r, rw_http_server_addr(d.server), false);
		run_until(&d.w, r.open);
		raw_say(&r, all[k]);
		run_for(&d.w, MS);
		rw_stream_finish(r.st);
		run_until(&d.w, rw_http_server_conns(d.server) == 0);
		assert_int_equal(d.requests, k);
		assert_int_equal(d.done, k);
		assert_int_equal(d.completed, 0);
		assert_int_equal(d.body_ends, 0);
		desk_end(&d);
		raw_end(&r);
	}
}

/* A cut stream must not look whole, and what was let through before still arrives. */
static void abort_of_a_stream_is_seen_behind_its_events(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r, GET("/later"));
	run_until(&d.w, d.body_ends == 1);
	rw_exchange_head(d.x, 200, NULL, 0, -1);
	rw_exchange_body(d.x, "data: 1\n\n", 9);
	rw_exchange_abort(d.x);
	assert_int_equal(rw_exchange_body(d.x, "x", 1), RW_ECLOSED);
	assert_int_equal(d.done, 0); /* never from inside */
	run_until(&d.w, r.eof || r.closed);
	assert_int_equal(d.done, 1);
	assert_int_equal(d.completed, 0);
	assert_true(raw_has(&r, "9\r\ndata: 1\n\n\r\n"));
	assert_false(raw_has(&r, "0\r\n\r\n"));
	desk_end(&d);
	raw_end(&r);
}

/* To HTTP/1.0 the end of the connection is the end of the body: only a reset tells. */
static void abort_of_a_close_delimited_answer_is_a_reset(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	desk_begin(&d, NULL);
	client(&d, &r, "GET /later HTTP/1.0\r\nHost: x\r\n\r\n");
	run_until(&d.w, d.body_ends == 1);
	rw_exchange_head(d.x, 200, NULL, 0, -1);
	rw_exchange_body(d.x, "data: 1\n\n", 9);
	rw_exchange_abort(d.x);
	run_until(&d.w, r.eof || r.closed);
	assert_true(!r.eof || r.got.len == 0);
	assert_int_equal(d.completed, 0);
	desk_end(&d);
	raw_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_gone_cancels_exchange),
		cmocka_unit_test(client_gone_over_tls_cancels_exchange),
		cmocka_unit_test(fin_behind_a_request_that_is_answered_at_once),
		cmocka_unit_test(fin_inside_a_request_is_no_request),
		cmocka_unit_test(abort_of_a_stream_is_seen_behind_its_events),
		cmocka_unit_test(abort_of_a_close_delimited_answer_is_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
