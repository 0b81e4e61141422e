/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches on upstreams that are down, slow, or go: retry, failover, deadlines, cancel. */
#include "upstream.h"

#define A  "10.0.0.1:443"
#define B  "10.0.0.2:443"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void finish(struct world *w, struct rw_pool *p, struct upstream *u)
{
	rw_pool_release(p);
	run_for(w, 10 * MS);
	world_end(w);
	if (u)
		up_end(u);
}

static void warm(struct world *w, struct rw_pool *p, struct upstream *u)
{
	struct got g;

	get(&g, p, "/warm");
	run_until(w, u->accepted == 1 && raw_has(&u->conn[0], "\r\n\r\n"));
	raw_say(&u->conn[0], OK);
	run_until(w, g.dones == 1);
	got_end(&g);
}

/* --- retry -------------------------------------------------------------------------------------
 */

/* An upstream closes idle connections when it likes: just then ours is under way. */
static void idle_connection_closed_by_upstream_is_retried_once(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct world w;
		struct upstream u;
		struct rw_pool *p;
		struct got g;

		world_begin(&w);
		up_begin(&u, &w, A, false);
		p = pool_to(&w, NULL, false, A, NULL);
		warm(&w, p, &u);
		fetch(&g, p, "POST", "/once-more", RW_SLICE("body"));
		if (k)
			rw_stream_abort(u.conn[0].st);
		else
			rw_stream_finish(u.conn[0].st);
		run_until(&w, u.accepted == 2 && raw_has(&u.conn[1], "\r\n\r\nbody"));
		assert_true(raw_has(&u.conn[1], "POST /once-more HTTP/1.1\r\n"));
		raw_say(&u.conn[1], OK);
		run_until(&w, g.dones == 1);
		assert_int_equal(g.code, RW_OK);
		got_end(&g);
		finish(&w, p, &u);
	}
}

static void retry_is_not_retried(void **state)
{
	struct world w;
	struct upstream u;
	struct rw_pool *p;
	struct got g;

	(void)state;
	world_begin(&w);
	up_begin(&u, &w, A, false);
	p = pool_to(&w, NULL, false, A, NULL);
	warm(&w, p, &u);
	get(&g, p, "/");
	rw_stream_finish(u.conn[0].st);
	run_until(&w, u.accepted == 2 && raw_has(&u.conn[1], "\r\n\r\n"));
	rw_stream_finish(u.conn[1].st);
	run_until(&w, g.dones == 1);
	assert_int_equal(g.code, RW_ECLOSED);
	assert_string_equal(g.text, "upstream upstream.test:443: closed before any answer (" A ")");
	run_for(&w, S);
	assert_int_equal(u.accepted, 2);
	got_end(&g);
	finish(&w, p, &u);
}

/* The upstream may have acted: a second request would be billed, or do a thing twice. */
static void no_retry_after_first_answer_byte(void **state)
{
	struct world w;
	struct upstream u;
	struct rw_pool *p;
	struct got g;

	(void)state;
	world_begin(&w);
	up_begin(&u, &w, A, false);
	p = pool_to(&w, NULL, false, A, NULL);
	warm(&w, p, &u);
	get(&g, p, "/");
	run_until(&w, raw_count(&u.conn[0], "GET") == 2);
	raw_say(&u.conn[0], "H");
	rw_stream_finish(u.conn[0].st);
	run_until(&w, g.dones == 1);
	assert_int_equal(g.code, RW_ECLOSED);
	run_for(&w, S);
	assert_int_equal(u.accepted, 1);
	got_end(&g);
	finish(&w, p, &u);
}

static void no_retry_of_a_request_on_a_fresh_connection(void **state)
{
	struct world w;
	struct upstream u;
	struct rw_pool *p;
	struct got g;

	(void)state;
	world_begin(&w);
	up_begin(&u, &w, A, false);
	p = pool_to(&w, NULL, false, A, NULL);
	get(&g, p, "/");
	run_until(&w, u.accepted == 1 && raw_has(&u.conn[0], "\r\n\r\n"));
	rw_stream_finish(u.conn[0].st);
	run_until(&w, g.dones == 1);
	assert_int_equal(g.code, RW_ECLOSED);
	run_for(&w, S);
	assert_int_equal(u.accepted, 1);
	got_end(&g);
	finish(&w, p, &u);
}

/* --- failover ----------------------------------------------------------------------------------
 */

static void refused_address_gives_way_to_the_next_and_is_remembered(void **state)
{
	struct world w;
	struct upstream u;
	struct rw_pool *p;
	struct got g[2];

	(void)state;
	world_begin(&w);
	up_begin(&u, &w, B, false);
	p = pool_to(&w, NULL, false, A, B);
	get(&g[0], p, "/0");
	run_until(&w, u.accepted == 1 && raw_has(&u.conn[0], "\r\n\r\n"));
	assert_int_equal(rw_loop_stats(w.near)->connects, 1);
	get(&g[1], p, "/1"); /* the connection is busy: another one, to the good address at once */
	run_until(&w, u.accepted == 2 && raw_has(&u.conn[1], "\r\n\r\n"));
	assert_int_equal(g[0].dones + g[1].dones, 0);
	rw_fetch_cancel(g[0].f);
	rw_fetch_cancel(g[1].f);
	finish(&w, p, &u);
}

/* A dead host behind a balancer takes connections and says nothing. */
static void silent_address_gives_way_to_the_next(void **state)
{
	struct world w;
	struct upstream silent, good;
	struct rw_pool *p;
	struct got g;
	uint64_t begun;

	(void)state;
	world_begin(&w);
	world_tls(&w);
	up_begin(&silent, &w, A, false);
	up_begin(&good, &w, B, true);
	p = pool_to(&w, NULL, true, A, B);
	begun = rw_sim_now(w.sim);
	get(&g, p, "/");
	run_until(&w, good.accepted == 1 && raw_has(&good.conn[0], "\r\n\r\n"));
	assert_in_range(rw_sim_now(w.sim) - begun, 5 * S, 6 * S);
	raw_say(&good.conn[0], OK);
	run_until(&w, g.dones == 1);
	assert_int_equal(g.code, RW_OK);
	got_end(&g);
	finish(&w, p, &good);
	up_end(&silent);
}

static void all_addresses_refused_names_upstream_and_reason(void **state)
{
	struct world w;
	struct rw_pool *p;
	struct got g;

	(void)state;
	world_begin(&w);
	p = pool_to(&w, NULL, false, A, B);
	get(&g, p, "/");
	assert_int_equal(g.dones, 0); /* never from inside */
	run_until(&w, g.dones == 1);
	assert_int_equal(g.code, RW_ECLOSED);
	assert_string_equal(g.text,
			    "upstream upstream.test:443: cannot connect to upstream.test (" B
			    "): connection refused");
	got_end(&g);
	finish(&w, p, NULL);
}

static void untrusted_certificate_is_said_so(void **state)
{
	struct world w, other;
	struct upstream u;
	struct rw_pool *p;
	struct got g;

	(void)state;
	world_begin(&w);
	world_begin(&other);
	world_tls(&w);
	world_tls(&other);
	rw_tls_ctx_unref(w.client_tls);
	w.client_tls = rw_tls_ctx_ref(other.client_tls); /* trusts another issuer */
	up_begin(&u, &w, A, true);
	p = pool_to(&w, NULL, true, A, NULL);
	get(&g, p, "/");
	run_until(&w, g.dones == 1);
	assert_int_equal(g.code, RW_ETLS);
	assert_non_null(strstr(g.text, "its certificate for 'upstream.test' is refused"));
	assert_memory_equal(g.text, "upstream upstream.test:443: ", 28);
	assert_int_equal(u.conn[0].got.len, 0); /* no key went there */
	got_end(&g);
	finish(&w, p, &u);
	world_end(&other);
}

/* --- deadlines ---------------------------------------------------------------------------------
 */

static void handshake_that_never_ends_fails_in_time(void **state)
{
	struct world w;
	struct upstream u;
	struct rw_pool *p;
	struct got g;

	(void)state;
	world_begin(&w);
	world_tls(&w);
	up_begin(&u, &w, A, false); /* takes the ClientHello and says nothing */
	p = pool_to(&w, NULL, true, A, NULL);
	get(&g, p, "/");
	run_for(&w, 4900 * MS);
	assert_int_equal(g.dones, 0);
	run_for(&w, 200 * MS);
	assert_int_equal(g.dones, 1);
	assert_int_equal(g.code, RW_ETIMEOUT);
	assert_string_equal(g.text, "upstream upstream.test:443: no connection in time (" A ")");
	got_end(&g);
	finish(&w, p, &u);
}

static void answer_that_never_begins_fails_in_time(void **state)
{
	static const struct rw_pool_config cfg = {.first_byte_ns = 20 * S};
	struct world w;
	struct upstream u;
	struct rw_pool *p;
	struct got g;

	(void)state;
	world_begin(&w);
	up_begin(&u, &w, A, false);
	p = pool_to(&w, &cfg, false, A, NULL);
	get(&g, p, "/");
	run_until(&w, u.accepted == 1 && raw_has(&u.conn[0], "\r\n\r\n"));
	raw_say(&u.conn[0], "HTTP/1.1 100 Continue\r\n\r\n"); /* is no answer */
	run_for(&w, 19 * S);
	assert_int_equal(g.dones, 0);
	run_for(&w, 2 * S);
	assert_int_equal(g.dones, 1);
	assert_int_equal(g.code, RW_ETIMEOUT);
	assert_true(u.conn[0].eof || u.conn[0].closed);
	got_end(&g);
	finish(&w, p, &u);
}

/* A model thinks for minutes, but says so: only silence between bytes counts. */
static void answer_that_stalls_fails_and_a_slow_one_does_not(void **state)
{
	static const struct rw_pool_config cfg = {.between_ns = 10 * S};
	struct world w;
	struct upstream u;
	struct rw_pool *p;
	struct got g;

	(void)state;
	world_begin(&w);
	up_begin(&u, &w, A, false);
	p = pool_to(&w, &cfg, false, A, NULL);
	get(&g, p, "/");
	run_until(&w, u.accepted == 1 && raw_has(&u.conn[0], "\r\n\r\n"));
	raw_say(&u.conn[0], "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (unsigned i = 0; i < 10; i++) {
		run_for(&w, 9 * S);
		raw_say(&u.conn[0], "1\r\nx\r\n");
	}
	run_for(&w, 9 * S);
	assert_int_equal(g.dones, 0);
	assert_int_equal(g.body.len, 10);
	run_for(&w, 2 * S);
	assert_int_equal(g.dones, 1);
	assert_int_equal(g.code, RW_ETIMEOUT);
	assert_string_equal(g.text, "upstream upstream.test:443: the answer stalled");
	got_end(&g);
	finish(&w, p, &u);
}

/* What our client does not take is not the upstream's fault. */
static void paused_answer_has_no_deadline_and_stops_the_upstream(void **state)
{
	static char big[4 << 20];
	static const struct rw_pool_config cfg = {.between_ns = 10 * S};
	struct world w;
	struct upstream u;
	struct rw_pool *p;
	struct got g;

	(void)state;
	memset(big, 'x', sizeof big);
	world_begin(&w);
	up_begin(&u, &w, A, false);
	p = pool_to(&w, &cfg, false, A, NULL);
	get(&g, p, "/");
	g.pause_at_body = true;
	run_until(&w, u.accepted == 1 && raw_has(&u.conn[0], "\r\n\r\n"));
	raw_say(&u.conn[0], "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n");
	u.conn[0].to_send = big;
	u.conn[0].n_to_send = sizeof big;
	raw_push(&u.conn[0]);
	run_for(&w, 100 * S);
	assert_int_equal(g.dones, 0);
	assert_true(g.body.len > 0 && g.body.len <= 65536);
	assert_true(u.conn[0].n_to_send > 3 << 20);
	rw_fetch_recv(g.f, true);
	run_until(&w, g.dones == 1);
	assert_int_equal(g.code, RW_OK);
	assert_int_equal(g.body.len, sizeof big);
	got_end(&g);
	finish(&w, p, &u);
}

/* --- cancel ------------------------------------------------------------------------------------
 */

/* An answer that nobody reads is billed until the connection is closed. */
static void cancel_closes_at_once_and_nothing_is_told(void **state)
{
	(void)state;
	/* connecting, sent, within the answer; from on_head and from on_body */
	for (unsigned k = 0; k < 5; k++) {
		struct world w;
		struct upstream u;
		struct rw_pool *p;
		struct got g;

		world_begin(&w);
		up_begin(&u, &w, A, false);
		p = pool_to(&w, NULL, false, A, NULL);
		get(&g, p, "/");
		g.cancel_at_head = k == 3;
		g.cancel_at_body = k == 4;
		if (k >= 1)
			run_until(&w, u.accepted == 1 && raw_has(&u.conn[0], "\r\n\r\n"));
		if (k >= 2) {
			raw_say(&u.conn[0], "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
					    "1\r\nx\r\n1\r\ny\r\n");
			run_until(&w, g.heads == 1);
		}
		if (g.f)
			rw_fetch_cancel(g.f);
		run_for(&w, 10 * MS);
		assert_int_equal(g.dones, 0);
		assert_true(!u.accepted || u.conn[0].eof || u.conn[0].closed);
		if (k == 4)
			assert_int_equal(g.body.len, 1);
		got_end(&g);
		finish(&w, p, &u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_connection_closed_by_upstream_is_retried_once),
		cmocka_unit_test(retry_is_not_retried),
		cmocka_unit_test(no_retry_after_first_answer_byte),
		cmocka_unit_test(no_retry_of_a_request_on_a_fresh_connection),
		cmocka_unit_test(refused_address_gives_way_to_the_next_and_is_remembered),
		cmocka_unit_test(silent_address_gives_way_to_the_next),
		cmocka_unit_test(all_addresses_refused_names_upstream_and_reason),
		cmocka_unit_test(untrusted_certificate_is_said_so),
		cmocka_unit_test(handshake_that_never_ends_fails_in_time),
		cmocka_unit_test(answer_that_never_begins_fails_in_time),
		cmocka_unit_test(answer_that_stalls_fails_and_a_slow_one_does_not),
		cmocka_unit_test(paused_answer_has_no_deadline_and_stops_the_upstream),
		cmocka_unit_test(cancel_closes_at_once_and_nothing_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
