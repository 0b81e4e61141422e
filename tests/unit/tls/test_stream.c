/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: TLS and plain alike, each on the simulator and on io_uring over loopback. */
#include "unit/tls/places.h"

/* --- the whole way --------------------------------------------------------------------- */

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_stream_lives),
		BOTH(a_server_may_speak_first),
		BOTH(much_goes_both_ways),
		BOTH(a_stream_may_be_ended_from_any_callback),
		BOTH(a_stream_changes_hands_inside_a_callback),
		BOTH(an_end_of_the_request_is_not_an_end_of_the_answer),
		BOTH(a_refused_connect_is_told),
		BOTH(an_abort_while_connecting_is_quiet),
		BOTH(what_passes_the_bound_is_refused_whole),
		ON(streams_survive_faults_and_whims, tls_sim),
		KERNEL(a_stream_lives),
		KERNEL(much_goes_both_ways),
		KERNEL(a_stream_may_be_ended_from_any_callback),
		ON(streams_survive_faults_and_whims, kernel_sim),
		ON(streams_survive_faults_and_whims, plain_sim),
	};

	return run_in_places(tests, sizeof(tests) / sizeof(tests[0]), "tests");
}
