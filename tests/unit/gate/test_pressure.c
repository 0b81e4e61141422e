/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that do not read, clients that leave, and memory that ends. */
#include "world.h"

enum { ANSWER_BYTES = 3 << 20 };

static char *large_answer(void)
{
	struct rw_buf b = {0};

	rw_buf_add_str(&b, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
			   "Connection: close\r\n\r\n{\"choices\":[{\"message\":{\"content\":\"");
	while (b.len < ANSWER_BYTES)
		rw_buf_add_str(&b, "plain words ");
	rw_buf_add_str(&b, "end\"}}]}");
	text_of(&b);
	return b.p;
}

/* As an upstream with much to say does: piece by piece. */
static void upstream_pours(struct world *w, const char *bytes)
{
	size_t left = strlen(bytes), n;

	for (unsigned i = 0; left && i < 4000; i++) {
		n = left < 60000 ? left : 60000;
		if (rw_sock_queued(w->up.sock) < rw_sock_high_mark() &&
		    rw_sock_send(w->up.sock, bytes, n) == RW_OK) {
			bytes += n;
			left -= n;
		}
		run_for(w, MS);
	}
	rw_sock_finish(w->up.sock);
}

/* A whole answer stood in three copies, the last one, in the connection, counted by nobody. */
static void large_answer_waits_for_its_client_in_one_copy(void **state)
{
	char *bytes = large_answer();
	struct world w;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	say_chat(&w, "", "hi");
	run_until(&w, w.up.requests == 1);
	rw_stream_recv(w.c.st, false);
	upstream_pours(&w, bytes);
	run_for(&w, 100 * MS);
	assert_in_range(atomic_load(&w.w->metrics.buffered_bytes), ANSWER_BYTES,
			ANSWER_BYTES + 65536);
	assert_in_range(rw_loop_stats(w.near)->queued_bytes, 1, rw_sock_high_mark() + 65536);
	assert_int_equal(atomic_load(&w.w->metrics.answer_bytes_total), 0);
	rw_stream_recv(w.c.st, true);
	run_until(&w, atomic_load(&w.w->metrics.requests_active) == 0);
	run_for(&w, 50 * MS);
	assert_int_equal(status_of(&w), 200);
	assert_string_equal(strstr(text_of(&w.c.got), "\r\n\r\n") + 4,
			    strstr(bytes, "\r\n\r\n") + 4);
	free(bytes);
	world_end(&w);
}

/* An upstream that pours a stream at a client that does not read is slowed down, not kept. */
static void stream_waits_for_its_client_at_the_upstream(void **state)
{
	struct rw_buf event = {0};
	struct world w;
	unsigned sent = 0;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "timeouts: {write_stall: 1h}\n");
	rw_buf_add_str(&event, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"");
	while (event.len < 8000)
		rw_buf_add_str(&event, "plain words ");
	rw_buf_add_str(&event, "\"}}]}\n\n");
	say_chat(&w, "", "hi");
	run_until(&w, w.up.requests == 1);
	rw_stream_recv(w.c.st, false);
	w.up.answer = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
	upstream_say(&w.up);
	for (unsigned i = 0; i < 1000; i++) {
		if (rw_sock_queued(w.up.sock) < rw_sock_high_mark() &&
		    rw_sock_send(w.up.sock, event.p, event.len) == RW_OK)
			sent++;
		run_for(&w, MS);
	}
	assert_in_range(sent * event.len, 1, 1500000);
	assert_in_range(rw_loop_stats(w.near)->queued_bytes, 1, 2 * rw_sock_high_mark());
	rw_stream_recv(w.c.st, true);
	run_for(&w, 100 * MS);
	rw_sock_send(w.up.sock, "data: [DONE]\n\n", 14);
	rw_sock_finish(w.up.sock);
	run_until(&w, atomic_load(&w.w->metrics.requests_active) == 0);
	run_for(&w, 50 * MS);
	assert_int_equal(count(text_of(&w.c.got), "data: {"), sent);
	rw_buf_free(&event);
	world_end(&w);
}

/* In every stage: one record, nothing held, and the upstream's work is called off. */
static void client_gone_in_any_stage_leaves_one_record_and_no_work(void **state)
{
	static const struct {
		bool half; /* of a body */
		const char *upstream;
	} stages[] = {
		{true, NULL},
		{false, NULL},
		{false, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"choices\":["},
		{false, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {\"cho"},
	};
	struct world w;
	char *audit;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	for (unsigned i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		unsigned before = w.up.requests, closed = w.up.closed;

		w.up.answer = stages[i].upstream;
		if (stages[i].half)
			say(&w,
			    CHAT
			    "Authorization: Bearer %s\r\nContent-Length: 100\r\n\r\n{\"model\"",
			    w.key);
		else
			say_chat(&w, "", "hi");
		run_for(&w, 50 * MS);
		assert_int_equal(w.up.requests, before + !stages[i].half);
		assert_int_equal(atomic_load(&w.w->metrics.requests_active), 1);
		rw_stream_abort(w.c.st);
		run_until(&w, w.c.closed);
		run_for(&w, 50 * MS);
		assert_int_equal(atomic_load(&w.w->metrics.requests_active), 0);
		assert_int_equal(atomic_load(&w.w->metrics.buffered_bytes), 0);
		assert_int_equal(w.up.closed, closed + !stages[i].half);
		audit = audit_text(&w);
		assert_int_equal(count(audit, "\n"), i + 1);
		assert_int_equal(count(audit, "\"completed\":false"), i + 1);
		free(audit);
	}
	world_end(&w);
}

/* The http room answers 400 and 408 by itself in the middle of a body: the record said 499 then. */
static void record_tells_the_status_that_was_sent(void **state)
{
	struct world w;
	char *audit;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "timeouts: {body: 1s}\n");
	say(&w, CHAT "Authorization: Bearer %s\r\nContent-Length: 100\r\n\r\n{", w.key);
	run_until(&w, answered(&w));
	assert_int_equal(status_of(&w), 408);
	run_until(&w, w.c.closed);
	rw_buf_reset(&w.c.got);
	say(&w, CHAT "Authorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\n", w.key);
	run_for(&w, 10 * MS);
	say(&w, "nonsense\r\n");
	run_until(&w, answered(&w));
	assert_int_equal(status_of(&w), 400);
	audit = audit_text(&w);
	assert_int_equal(count(audit, "\n"), 2);
	assert_int_equal(count(audit, "\"reason\":\"malformed_request\""), 2);
	assert_int_equal(count(audit, "\"status\":408"), 1);
	assert_int_equal(count(audit, "\"status\":400"), 1);
	free(audit);
	world_end(&w);
}

/* At the bound: 503 with a time to come back, for this one; afterwards all is as before. */
static void memory_bound_refuses_and_recovers(void **state)
{
	char *text = calloc(1, 9000001);
	struct world w;

	(void)state;
	assert_non_null(text);
	memset(text, 'a', 9000000);
	for (unsigned i = 0; i < 9000000; i += 8)
		text[i] = ' ';
	world_begin(&w, ONE_UPSTREAM, "limits: {memory: 16MiB, body: 12MiB, answer: 4MiB}\n");
	w.up.answer = JSON_OK("fine");
	assert_int_equal(ask(&w, "", text), 503); /* body and texts together */
	assert_true(has(&w.c.got, "\"overloaded\""));
	assert_true(has(&w.c.got, "retry-after: "));
	assert_int_equal(atomic_load(&w.w->metrics.buffered_bytes), 0);
	text[300000] = 0;
	assert_int_equal(ask(&w, "", text), 200);
	assert_int_equal(w.up.requests, 1);
	free(text);
	world_end(&w);
}

/* Was told as an answer of the provider's that cannot be read: nobody had asked it. */
static void no_descriptor_for_the_upstream_is_overloaded(void **state)
{
	static const struct rw_sim_knobs no_descriptors = {.connect_fails = 10000}, calm;
	struct world w;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	w.up.answer = JSON_OK("fine");
	assert_int_equal(ask(&w, "", "hi"), 200);
	rw_sim_set_knobs(w.sim, &no_descriptors);
	assert_int_equal(ask(&w, "", "hi"), 503);
	assert_true(has(&w.c.got, "\"overloaded\""));
	assert_true(has(&w.c.got, "retry-after: "));
	assert_int_equal(atomic_load(&w.w->metrics.refused_overload_total), 1);
	rw_sim_set_knobs(w.sim, &calm);
	assert_int_equal(ask(&w, "", "hi"), 200);
	assert_int_equal(w.up.requests, 2);
	world_end(&w);
}

/* Nothing of the first one is to be found in what is recycled for the second. */
static void second_request_on_a_connection_starts_anew(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	w.up.answer = JSON_OK("fine");
	assert_int_equal(ask(&w, "X-First: 1\r\n", "mail jane.doe@example.com"), 200);
	assert_true(has(&w.c.got, "x-ringwall-verdict: mask\r\n"));
	assert_int_equal(ask(&w, "", "nothing"), 200);
	assert_true(has(&w.c.got, "x-ringwall-verdict: allow\r\n"));
	assert_false(has(&w.c.got, "x-ringwall-findings"));
	assert_false(has(&w.up.got, "X-First"));
	assert_true(has(&w.up.got, "\"nothing\""));
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_answer_waits_for_its_client_in_one_copy),
		cmocka_unit_test(stream_waits_for_its_client_at_the_upstream),
		cmocka_unit_test(client_gone_in_any_stage_leaves_one_record_and_no_work),
		cmocka_unit_test(record_tells_the_status_that_was_sent),
		cmocka_unit_test(memory_bound_refuses_and_recovers),
		cmocka_unit_test(no_descriptor_for_the_upstream_is_overloaded),
		cmocka_unit_test(second_request_on_a_connection_starts_anew),
	};

	return cmocka_run_group_tests(tests, load_rules, drop_rules);
}
