/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.sync: request. A power cut must not lose the record of an answer whose end a client has,
 * and a disk that takes no record must not be waited for.
 */
#include "world.h"

#include <stdio.h>

#define DONE	 "data: [DONE]\n\n"
/* Until its connection ends. */
#define OPEN_SSE "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
#define HELLO                                                                 \
	"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello\"}," \
	"\"finish_reason\":\"stop\"}]}\n\n"
#define PASSED                                                                       \
	"  - name: one\n    url: http://" UPSTREAM "/v1\n    key: sk-provider-one\n" \
	"models:\n  - {name: m, upstream: one, answers: passed}\n"
#define COUNTED                                                                          \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n" \
	"{\"a\":1}"

static const struct rw_sim_knobs calm, broken = {.sync_fails = 10000},
				       slow = {.latency_ns = 20 * 1000 * 1000};

/* The record of the answer that the client has is in what a power cut would leave. */
static bool safe(struct world *w)
{
	uint64_t n = rw_sim_synced_bytes(w->sim);
	char id[24] = "", *log = calloc(1, n + 1);
	const char *at = strstr(text_of(&w->c.got), "x-ringwall-request-id: ");
	FILE *f = fopen(w->audit, "re");
	bool found;

	assert_non_null(log);
	assert_non_null(f);
	assert_int_equal(fread(log, 1, n, f), n);
	fclose(f);
	if (at)
		snprintf(id, sizeof(id), "%.19s", at + 23);
	found = id[0] && strstr(log, id);
	free(log);
	return found;
}

static unsigned records(struct world *w)
{
	FILE *f = fopen(w->audit, "re");
	unsigned n = 0;
	int ch;

	assert_non_null(f);
	while ((ch = getc(f)) != EOF)
		n += ch == '\n';
	fclose(f);
	return n;
}

static void begin(struct world *w, const char *upstreams, const char *required)
{
	char words[64];

	snprintf(words, sizeof(words), "required: %s, sync: request", required);
	world_begin_as(w, upstreams, words, "");
	rw_sim_set_knobs(w->sim, &slow);
}

static void say_hello(struct world *w, const char *answer)
{
	w->up.answer = answer;
	rw_buf_reset(&w->c.got);
	say_chat(w, "", "hello");
}

static void whole_answer_comes_behind_its_record(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ONE_UPSTREAM, "true");
	for (unsigned i = 0; i < 20; i++) {
		say_hello(&w, JSON_OK("hi"));
		run_until(&w, answered(&w));
		assert_int_equal(status_of(&w), 200);
		assert_true(safe(&w));
	}
	world_end(&w);
}

static void refusal_comes_behind_its_record(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ONE_UPSTREAM, "true");
	say(&w, "GET /v1/nothing HTTP/1.1\r\nHost: gw\r\n\r\n");
	run_until(&w, answered(&w));
	assert_int_equal(status_of(&w), 404);
	assert_true(safe(&w));
	world_end(&w);
}

/* The head leaves before the body has come to its end: the last piece has to stay. */
static void large_answer_ends_behind_its_record(void **state)
{
	enum { BYTES = 300000 };
	struct rw_buf b = {0};
	struct world w;
	size_t got = 0;

	(void)state;
	begin(&w, ONE_UPSTREAM, "true");
	rw_buf_add_str(
		&b, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
		    "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"");
	for (unsigned i = 0; i < BYTES; i++)
		rw_buf_add(&b, "x", 1);
	rw_buf_add_str(&b, "\"}}]}");
	say_hello(&w, text_of(&b));
	run_until(&w, is_whole(&w.c.got) || ((got = w.c.got.len) && safe(&w)));
	assert_in_range(got, BYTES / 3, BYTES); /* much of it was not kept waiting */
	run_until(&w, answered(&w));
	assert_true(safe(&w));
	rw_buf_free(&b);
	world_end(&w);
}

/* SDKs read no further than [DONE], whatever the framing says; and its end may be long in coming.
 */
static void done_comes_behind_its_record(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ONE_UPSTREAM, "true");
	say_hello(&w, OPEN_SSE HELLO);
	run_until(&w, has(&w.c.got, "hello"));
	rw_sock_send(w.up.sock, DONE, strlen(DONE));
	run_for(&w, 500 * MS);
	assert_false(has(&w.c.got, "[DONE]"));
	upstream_eof(&w.up);
	run_until(&w, has(&w.c.got, "[DONE]") || w.c.closed);
	assert_true(has(&w.c.got, "hello") && has(&w.c.got, "[DONE]"));
	assert_true(safe(&w));
	run_until(&w, has(&w.c.got, "\r\n0\r\n\r\n"));
	world_end(&w);
}

static void events_before_done_do_not_wait(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ONE_UPSTREAM, "true");
	say_hello(&w, OPEN_SSE HELLO);
	run_until(&w, has(&w.c.got, "hello"));
	assert_false(safe(&w));
	upstream_eof(&w.up);
	run_until(&w, has(&w.c.got, "\r\n0\r\n\r\n"));
	assert_true(safe(&w));
	world_end(&w);
}

static void passed_answer_ends_behind_its_record(void **state)
{
	static const char *const answers[] = {
		COUNTED,
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"};
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		begin(&w, PASSED, "true");
		say_hello(&w, answers[i]);
		run_until(&w, i < 2 ? answered(&w) : has(&w.c.got, "\r\n0\r\n\r\n"));
		assert_int_equal(status_of(&w), 200);
		assert_true(safe(&w));
		world_end(&w);
	}
}

/* Large pieces do not gather until the turn's end. */
static void large_passed_answer_ends_behind_its_record(void **state)
{
	struct rw_buf b = {0};
	struct world w;

	(void)state;
	begin(&w, PASSED, "true");
	rw_buf_add_str(&b, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
	for (unsigned i = 0; i < 300000; i++)
		rw_buf_add(&b, "x", 1);
	say_hello(&w, text_of(&b));
	run_until(&w, answered(&w));
	assert_true(is_whole(&w.c.got));
	assert_true(safe(&w));
	rw_buf_free(&b);
	world_end(&w);
}

static void failing_disk_cuts_what_must_be_recorded(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ONE_UPSTREAM, "true");
	rw_sim_set_knobs(w.sim, &broken);
	say_hello(&w, JSON_OK("hi"));
	run_until(&w, answered(&w));
	assert_true(w.c.closed || w.c.eof);
	assert_int_equal(w.c.got.len, 0);
	assert_int_equal(ask(&w, "", "again"), 0); /* refused, and that cannot be recorded either */
	assert_false(atomic_load(&w.gw.audit_ok));
	assert_true(rw_control_stats(w.control)->audit_sync_failed > 0);
	rw_sim_set_knobs(w.sim, &calm);
	run_for(&w, 600 * MS); /* a tick tries it again */
	assert_true(atomic_load(&w.gw.audit_ok));
	assert_int_equal(ask(&w, "", "again"), 200);
	assert_true(safe(&w));
	world_end(&w);
}

static void failing_disk_delays_nothing_where_none_is_required(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ONE_UPSTREAM, "false");
	rw_sim_set_knobs(w.sim, &broken);
	say_hello(&w, JSON_OK("hi"));
	run_until(&w, answered(&w));
	assert_int_equal(status_of(&w), 200);
	world_end(&w);
}

/* Its record was made before: one, and nothing is called back into what is gone. */
static void client_that_leaves_meanwhile_has_one_record(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ONE_UPSTREAM, "true");
	rw_sim_set_knobs(w.sim, &calm);
	say_hello(&w, JSON_OK("hi"));
	run_until(&w, records(&w) == 1);
	rw_stream_abort(w.c.st);
	run_for(&w, 100 * MS);
	assert_int_equal(atomic_load(&w.w->metrics.requests_active), 0);
	assert_int_equal(records(&w), 1);
	world_end(&w);
}

/* Rotation while one waits: the old file is synced before it is closed. */
static void rotation_forgets_nobody(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ONE_UPSTREAM, "true");
	say_hello(&w, JSON_OK("hi"));
	run_until(&w, records(&w) == 1);
	rw_control_reload(w.control, NULL);
	run_until(&w, answered(&w));
	assert_int_equal(status_of(&w), 200);
	rw_sim_set_knobs(w.sim, &calm);
	assert_int_equal(ask(&w, "", "again"), 200);
	world_end(&w);
}

/* Behind the answers: a second after the last. */
static void interval_syncs_what_nobody_waits_for(void **state)
{
	struct world w;

	(void)state;
	world_begin_as(&w, ONE_UPSTREAM, "required: true, sync: interval", "");
	w.up.answer = JSON_OK("hi");
	assert_int_equal(ask(&w, "", "hello"), 200);
	assert_false(safe(&w));
	run_for(&w, 1500 * MS);
	assert_true(safe(&w));
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_answer_comes_behind_its_record),
		cmocka_unit_test(refusal_comes_behind_its_record),
		cmocka_unit_test(large_answer_ends_behind_its_record),
		cmocka_unit_test(done_comes_behind_its_record),
		cmocka_unit_test(events_before_done_do_not_wait),
		cmocka_unit_test(passed_answer_ends_behind_its_record),
		cmocka_unit_test(large_passed_answer_ends_behind_its_record),
		cmocka_unit_test(failing_disk_cuts_what_must_be_recorded),
		cmocka_unit_test(failing_disk_delays_nothing_where_none_is_required),
		cmocka_unit_test(client_that_leaves_meanwhile_has_one_record),
		cmocka_unit_test(rotation_forgets_nobody),
		cmocka_unit_test(interval_syncs_what_nobody_waits_for),
	};

	return cmocka_run_group_tests(tests, load_rules, drop_rules);
}
