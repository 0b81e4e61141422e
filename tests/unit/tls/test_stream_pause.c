/* SPDX-License-Identifier: Apache-2.0 */
/* A stream whose user does not want bytes just now. */
#include "unit/tls/places.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_pause_loses_and_reorders_nothing),
		BOTH(a_pause_inside_the_callback_is_none),
		BOTH(a_pause_before_the_handshake_does_not_stop_it),
		BOTH(a_resume_may_be_taken_back),
		KERNEL(a_pause_loses_and_reorders_nothing),
		KERNEL(a_kernel_that_refuses_is_counted),
	};

	return run_in_places(tests, sizeof(tests) / sizeof(tests[0]), "tests");
}
