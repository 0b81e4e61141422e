/* SPDX-License-Identifier: Apache-2.0 */
/* The traps of sockets, each on the simulator and on io_uring over loopback. */
#include "unit/ring/pair.h"

#include "ring/internal.h"

static const struct rw_sim_knobs calm;

/* The world's back-end is the test's initial state: NULL is io_uring. */
static const struct rw_sim_knobs *knobs_of(void **state)
{
	return *state;
}

static void echo(struct peer *p, const uint8_t *data, size_t n)
{
	assert_int_equal(rw_sock_send(p->sock, data, n), RW_OK);
	if (rw_sock_queued(p->sock) > rw_sock_high_mark())
		rw_sock_recv(p->sock, false);
}

static void send_pattern(struct peer *p)
{
	p->to_send = p->more;
	p->n_to_send = 4 << 20;
	p->finish_when_fed = true;
	peer_feed(p);
}

/* Two sends in flight interleave their bytes (measured: 4 switches instead of 1). */
static void one_send_in_flight_per_socket(void **state)
{
	uint8_t *up = pattern(4 << 20, 1), *down = pattern(4 << 20, 2);
	struct peer c = {.to_send = up, .n_to_send = 4 << 20, .finish_when_fed = false};
	struct pair w;

	pair_begin(&w, knobs_of(state));
	pair_connect(&w, &c);
	pair_until(&w, w.n_accepted == 1);
	w.accepted[0].more = down;
	send_pattern(&w.accepted[0]);
	/* A finishing end discards what still comes, so the client ends first. */
	w.accepted[0].finish_when_fed = false;
	pair_until(&w, c.n_got == 4 << 20 && w.accepted[0].n_got == 4 << 20);
	assert_memory_equal(c.got, down, 4 << 20);
	assert_memory_equal(w.accepted[0].got, up, 4 << 20);
	assert_true(rw_loop_stats(w.client)->sends > 4);
	pair_end(&w);
	assert_int_equal(c.closes, 1);
	peer_end(&c);
	free(up);
	free(down);
}

/* A closed descriptor hides its operations: they would go on and hold the connection. */
static void close_cancels_and_waits_before_close(void **state)
{
	static uint8_t lots[900000];
	struct peer c = {0};
	struct pair w;

	pair_begin(&w, knobs_of(state));
	pair_connect(&w, &c);
	pair_until(&w, w.n_accepted == 1 && c.connects == 1);
	rw_sock_recv(w.accepted[0].sock, false);
	pair_turns(&w, 3);
	/* The peer does not read: a send stays in flight, and so does the receive. */
	assert_int_equal(rw_sock_send(c.sock, lots, sizeof(lots)), RW_OK);
	pair_turns(&w, 50);
	assert_true(rw_sock_queued(c.sock) > 0 || !w.sim);
	rw_sock_abort(c.sock);
	assert_int_equal(c.closes, 0); /* not from inside the call */
	pair_until(&w, c.closes == 1);
	assert_int_equal(c.close_err, RW_OK);
	rw_sock_recv(w.accepted[0].sock, true);
	pair_until(&w, w.accepted[0].closes == 1 || w.accepted[0].eofs == 1);
	assert_int_equal(rw_loop_stats(w.client)->socks_live, 0);
	assert_int_equal(rw_loop_stats(w.client)->queued_bytes, 0);
	pair_end(&w);
	peer_end(&c);
}

/* Re-arming on an empty buffer ring fails at once, and nobody wakes a starved receiver. */
static void enobufs_rearms_when_buffers_return(void **state)
{
	enum { PEERS = 8, N = 300000 };
	struct peer c[PEERS] = {0};
	uint8_t *bytes = pattern(N, 3);
	struct pair w;

	pair_begin_with(&w, 1, knobs_of(state), NULL, 2, 256);
	for (int i = 0; i < PEERS; i++) {
		c[i].to_send = bytes;
		c[i].n_to_send = N;
		pair_connect(&w, &c[i]);
	}
	for (unsigned i = 0; i < PEERS; i++)
		pair_until(&w, w.n_accepted > i && w.accepted[i].n_got == N);
	for (int i = 0; i < PEERS; i++)
		assert_memory_equal(w.accepted[i].got, bytes, N);
	assert_true(rw_loop_stats(w.server)->enobufs > 0);
	pair_end(&w);
	for (int i = 0; i < PEERS; i++)
		peer_end(&c[i]);
	free(bytes);
}

static void stop_after_first(struct peer *p, const uint8_t *data, size_t n)
{
	(void)data;
	(void)n;
	rw_sock_recv(p->sock, false);
}

static void take_all(struct pair *w, struct peer *p, size_t n)
{
	while (p->n_got < n) {
		size_t before = p->n_got;

		rw_sock_recv(p->sock, true);
		pair_until(w, p->n_got > before);
		before = p->n_got;
		pair_turns(w, 3);
		assert_int_equal(p->n_got, before); /* off is off */
	}
}

/* What completed before the cancel of a multishot receive landed must be kept, in order. */
static void recv_off_keeps_bytes_in_order(void **state)
{
	enum { N = 400000 };
	uint8_t *bytes = pattern(N, 4);
	struct peer c = {.to_send = bytes, .n_to_send = N};
	struct peer *a;
	struct pair w;

	pair_begin_with(&w, 1, knobs_of(state), NULL, 16, 4096);
	pair_connect(&w, &c);
	pair_until(&w, w.n_accepted == 1);
	a = &w.accepted[0];
	a->on_data = stop_after_first;
	take_all(&w, a, N);
	assert_memory_equal(a->got, bytes, N);
	rw_sock_shutdown(c.sock); /* FIN, too, waits for receiving to be on */
	pair_turns(&w, 20);
	assert_int_equal(a->eofs, 0);
	rw_sock_recv(a->sock, true);
	pair_until(&w, a->eofs == 1);
	assert_int_equal(a->n_got, N);
	pair_end(&w);
	peer_end(&c);
	free(bytes);
}

/* With slots gone, accepting goes on and every connection is lost: it must pause instead. */
static void multishot_accept_stops_when_slots_are_gone(void **state)
{
	enum { SLOTS = 4, CLIENTS = 20 };
	struct rw_loop_config cfg = {.max_socks = SLOTS};
	struct peer c[CLIENTS] = {0};
	struct pair w;
	unsigned held;

	pair_begin_with(&w, 1, knobs_of(state), &cfg, 0, 0);
	for (int i = 0; i < CLIENTS / 2; i++)
		pair_connect(&w, &c[i]);
	pair_until(&w, w.n_accepted == SLOTS);
	pair_turns(&w, 20);
	/* From here on they wait in the kernel's backlog: nothing is accepted, or held. */
	assert_int_equal(w.listener->ops, 0);
	held = w.listener->n_held;
	for (int i = CLIENTS / 2; i < CLIENTS; i++)
		pair_connect(&w, &c[i]);
	pair_turns(&w, 20);
	assert_int_equal(w.listener->n_held, held);
	for (unsigned served = 0; served < CLIENTS; served++) {
		struct peer *a = &w.accepted[served];

		pair_until(&w, w.n_accepted > served);
		assert_true(rw_loop_stats(w.server)->socks_live <= SLOTS);
		assert_true(w.n_accepted <= served + SLOTS);
		assert_int_equal(rw_sock_send(a->sock, "hello", 5), RW_OK);
		rw_sock_finish(a->sock);
		for (int i = 0; i < CLIENTS; i++)
			if (c[i].eofs && c[i].sock)
				rw_sock_finish(c[i].sock);
		pair_turns(&w, 2);
	}
	for (int i = 0; i < CLIENTS; i++) {
		pair_until(&w, c[i].eofs == 1);
		assert_int_equal(c[i].n_got, 5);
	}
	pair_end(&w);
	for (int i = 0; i < CLIENTS; i++)
		peer_end(&c[i]);
}

static void hang_up(struct peer *p)
{
	rw_sock_finish(p->sock);
}

/* Whoever was told that he is connected is not cut off because the listener closes. */
static void what_was_accepted_before_a_drain_still_comes(void **state)
{
	enum { SLOTS = 4, CLIENTS = 10 };
	struct rw_loop_config cfg = {.max_socks = SLOTS};
	struct peer c[CLIENTS] = {0}, late = {0};
	unsigned held, answered = 0;
	struct pair w;

	pair_begin_with(&w, 1, knobs_of(state), &cfg, 0, 0);
	for (int i = 0; i < CLIENTS; i++) {
		c[i].on_eof = hang_up; /* else the server lingers for each, two seconds */
		pair_connect(&w, &c[i]);
	}
	pair_until(&w, w.n_accepted == SLOTS && w.listener->n_held);
	rw_listener_drain(w.listener);
	pair_until(&w, w.listener->closed);
	held = w.listener->n_held;
	assert_true(held && !rw_listener_closed(w.listener));
	for (unsigned served = 0; served < SLOTS + held; served++) {
		pair_until(&w, w.n_accepted > served);
		assert_int_equal(rw_sock_send(w.accepted[served].sock, "hello", 5), RW_OK);
		rw_sock_finish(w.accepted[served].sock);
		pair_until(&w, w.accepted[served].closes);
	}
	assert_true(rw_listener_closed(w.listener));
	pair_connect(&w, &late);
	pair_until(&w, late.closes == 1);
	assert_int_equal(late.connect_err, RW_ECLOSED);
	rw_listener_stop(w.listener);
	pair_end(&w);
	for (int i = 0; i < CLIENTS; i++) {
		answered += c[i].n_got == 5;
		peer_end(&c[i]);
	}
	assert_int_equal(answered, SLOTS + held);
	peer_end(&late);
}

/* FIN is told once, after the last byte, and sending still works behind it. */
static void eof_after_data(void **state)
{
	enum { N = 100000 };
	uint8_t *bytes = pattern(N, 5);
	struct peer c = {.to_send = bytes, .n_to_send = N};
	struct pair w;

	pair_begin(&w, knobs_of(state));
	pair_connect(&w, &c);
	pair_until(&w, c.connects == 1 && c.n_fed == N);
	rw_sock_shutdown(c.sock);
	assert_int_equal(rw_sock_send(c.sock, "x", 1), RW_ECLOSED);
	pair_until(&w, w.n_accepted == 1 && w.accepted[0].eofs == 1);
	assert_int_equal(w.accepted[0].n_got, N);
	assert_memory_equal(w.accepted[0].got, bytes, N);
	assert_int_equal(rw_sock_send(w.accepted[0].sock, "late", 4), RW_OK);
	pair_until(&w, c.n_got == 4);
	rw_sock_finish(w.accepted[0].sock);
	pair_until(&w, w.accepted[0].closes == 1 && c.eofs == 1);
	assert_int_equal(w.accepted[0].close_err, RW_OK);
	pair_end(&w);
	peer_end(&c);
	free(bytes);
}

/*
 * Until all that can be on its way to a peer that stopped reading has arrived: what it got and what
 * waits to be sent stand still. A fixed number of turns is too few on an emulated processor.
 */
static void until_still(struct pair *w)
{
	enum { STILL = 100 };
	uint64_t got = UINT64_MAX, queued = UINT64_MAX;

	for (unsigned still = 0; still < STILL; still++) {
		uint64_t now_got = w->accepted[0].n_got;
		uint64_t now_queued = rw_loop_stats(w->client)->queued_bytes;

		if (now_got != got || now_queued != queued)
			still = 0;
		got = now_got;
		queued = now_queued;
		pair_turn(w);
	}
}

/* A send may take only some of its bytes; the rest follows from the right place. */
static void short_send_continues(void **state)
{
	struct rw_sim_knobs k = {.short_send = 9000, .window_bytes = 3000};
	enum { N = 900000 };
	uint8_t *bytes = pattern(N, 6);
	struct peer c = {.to_send = bytes, .n_to_send = N};
	struct pair w;

	pair_begin(&w, knobs_of(state) ? &k : NULL);
	pair_connect(&w, &c);
	pair_until(&w, w.n_accepted == 1);
	rw_sock_recv(w.accepted[0].sock, false);
	until_still(&w); /* the window fills */
	rw_sock_recv(w.accepted[0].sock, true);
	pair_until(&w, w.accepted[0].n_got == N);
	assert_memory_equal(w.accepted[0].got, bytes, N);
	if (w.sim)
		assert_true(rw_loop_stats(w.client)->short_sends > 10);
	pair_end(&w);
	peer_end(&c);
	free(bytes);
}

/* RST while a send waits for the window: one on_close, with the reason, and nothing leaks. */
static void peer_reset_mid_send(void **state)
{
	uint8_t *bytes = pattern(4 << 20, 7);
	struct peer c = {.to_send = bytes, .n_to_send = 4 << 20};
	struct pair w;

	pair_begin(&w, knobs_of(state));
	pair_connect(&w, &c);
	pair_until(&w, w.n_accepted == 1 && w.accepted[0].n_got > 0);
	rw_sock_recv(w.accepted[0].sock, false);
	until_still(&w);
	assert_true(c.n_fed > w.accepted[0].n_got);
	/* Unread bytes make the close a reset. */
	rw_sock_abort(w.accepted[0].sock);
	pair_until(&w, c.closes == 1);
	assert_int_equal(c.close_err, RW_ECLOSED);
	assert_int_equal(c.eofs, 0);
	assert_int_equal(rw_loop_stats(w.client)->queued_bytes, 0);
	pair_end(&w);
	peer_end(&c);
	free(bytes);
}

/* Nobody listens: on_connect says so, then on_close, each once and not from inside the call. */
static void connect_refused(void **state)
{
	struct peer c = {0};
	struct pair w;

	pair_begin(&w, knobs_of(state));
	rw_listener_stop(w.listener);
	pair_turns(&w, 5);
	pair_connect(&w, &c);
	assert_int_equal(c.connects, 0);
	pair_until(&w, c.closes == 1);
	assert_int_equal(c.connects, 1);
	assert_int_equal(c.connect_err, RW_ECLOSED);
	assert_int_equal(c.close_err, RW_ECLOSED);
	pair_end(&w);
	peer_end(&c);
}

static void abort_it(struct peer *p, const uint8_t *data, size_t n)
{
	(void)data;
	(void)n;
	rw_sock_abort(p->sock);
	assert_int_equal(p->closes, 0);
	/* All of this is harmless now. */
	assert_int_equal(rw_sock_send(p->sock, "x", 1), RW_ECLOSED);
	rw_sock_recv(p->sock, false);
	rw_sock_recv(p->sock, true);
	rw_sock_shutdown(p->sock);
	rw_sock_finish(p->sock);
	rw_sock_abort(p->sock);
}

/* The socket and the data must outlive the call in which the user lets go of them. */
static void abort_inside_on_data(void **state)
{
	uint8_t *bytes = pattern(200000, 8);
	struct peer c = {.to_send = bytes, .n_to_send = 200000};
	struct pair w;

	pair_begin(&w, knobs_of(state));
	pair_connect(&w, &c);
	pair_until(&w, w.n_accepted == 1);
	w.accepted[0].on_data = abort_it;
	pair_until(&w, w.accepted[0].closes == 1);
	assert_int_equal(w.accepted[0].close_err, RW_OK);
	pair_until(&w, c.closes == 1); /* unread bytes: a reset */
	pair_end(&w);
	peer_end(&c);
	free(bytes);
}

/* Closing with a full queue must not cut the end of an answer. */
static void finish_flushes_everything(void **state)
{
	enum { N = 1000000 };
	uint8_t *bytes = pattern(N, 9);
	struct peer c = {0};
	struct pair w;

	pair_begin(&w, knobs_of(state));
	pair_connect(&w, &c);
	pair_until(&w, w.n_accepted == 1 && c.connects == 1);
	assert_int_equal(rw_sock_send(w.accepted[0].sock, bytes, N), RW_OK);
	rw_sock_finish(w.accepted[0].sock);
	assert_int_equal(rw_sock_send(w.accepted[0].sock, bytes, 1), RW_ECLOSED);
	/* What the client still sends must not turn the close into a reset. */
	assert_int_equal(rw_sock_send(c.sock, bytes, 5000), RW_OK);
	pair_until(&w, c.eofs == 1);
	assert_int_equal(c.n_got, N);
	assert_memory_equal(c.got, bytes, N);
	rw_sock_finish(c.sock);
	pair_until(&w, w.accepted[0].closes == 1 && c.closes == 1);
	assert_int_equal(w.accepted[0].close_err, RW_OK);
	assert_int_equal(c.close_err, RW_OK);
	pair_end(&w);
	peer_end(&c);
	free(bytes);
}

/* Back-pressure is explicit: marks, then a hard bound that takes all or nothing. */
static void queue_is_bounded(void **state)
{
	static uint8_t block[300000];
	struct peer c = {0};
	struct pair w;
	size_t queued;

	pair_begin(&w, knobs_of(state));
	pair_connect(&w, &c);
	while (rw_sock_send(c.sock, block, sizeof(block)) == RW_OK)
		;
	queued = rw_sock_queued(c.sock);
	assert_true(queued > rw_sock_high_mark());
	assert_int_equal(rw_sock_send(c.sock, block, sizeof(block)), RW_ELIMIT);
	assert_int_equal(rw_sock_queued(c.sock), queued);
	pair_until(&w, w.n_accepted == 1 && w.accepted[0].n_got == queued);
	assert_true(c.drains > 0);
	assert_int_equal(rw_sock_queued(c.sock), 0);
	pair_end(&w);
	peer_end(&c);
}

/* A loop that has no memory left says so, and the socket lives on. */
static void loop_memory_is_bounded(void **state)
{
	struct rw_loop_config cfg = {.max_queued_bytes = 100000};
	static uint8_t block[60000];
	struct peer c[2] = {0};
	struct pair w;

	pair_begin_with(&w, 1, knobs_of(state), &cfg, 0, 0);
	pair_connect(&w, &c[0]);
	pair_connect(&w, &c[1]);
	pair_until(&w, w.n_accepted == 2);
	assert_int_equal(rw_sock_send(w.accepted[0].sock, block, sizeof(block)), RW_OK);
	assert_int_equal(rw_sock_send(w.accepted[1].sock, block, sizeof(block)), RW_ENOMEM);
	assert_int_equal(rw_sock_queued(w.accepted[1].sock), 0);
	pair_until(&w, c[0].n_got + c[1].n_got == sizeof(block));
	assert_int_equal(rw_sock_send(w.accepted[1].sock, block, sizeof(block)), RW_OK);
	pair_until(&w, c[0].n_got + c[1].n_got == 2 * sizeof(block));
	pair_end(&w);
	peer_end(&c[0]);
	peer_end(&c[1]);
}

/* A relay with back-pressure at every step gives back what it got. */
static void echo_with_back_pressure(void **state)
{
	enum { N = 3 << 20 };
	uint8_t *bytes = pattern(N, 10);
	struct peer c = {.to_send = bytes, .n_to_send = N};
	struct pair w;

	pair_begin(&w, knobs_of(state));
	pair_connect(&w, &c);
	pair_until(&w, w.n_accepted == 1);
	w.accepted[0].on_data = echo;
	while (c.n_got < N) {
		pair_turn(&w);
		if (rw_sock_queued(w.accepted[0].sock) < rw_sock_high_mark())
			rw_sock_recv(w.accepted[0].sock, true);
	}
	assert_memory_equal(c.got, bytes, N);
	pair_end(&w);
	peer_end(&c);
	free(bytes);
}

/* After warm-up the same chunks and slots go round: nothing is allocated on the way of bytes. */
static void steady_state_recycles(void **state)
{
	uint8_t *bytes = pattern(50000, 11);
	size_t chunks = 0;
	struct pair w;

	pair_begin(&w, knobs_of(state));
	for (unsigned i = 0; i < MAX_PEERS; i++) {
		struct peer c = {0};

		pair_connect(&w, &c);
		pair_until(&w, w.n_accepted == i + 1 && c.connects == 1);
		w.accepted[i].on_data = echo;
		assert_int_equal(rw_sock_send(c.sock, bytes, 50000), RW_OK);
		pair_until(&w, c.n_got == 50000);
		rw_sock_finish(c.sock);
		rw_sock_finish(w.accepted[i].sock);
		pair_until(&w, c.closes == 1 && w.accepted[i].closes == 1);
		peer_end(&c);
		if (i == 0)
			chunks = w.client->chunks.chunks;
		assert_int_equal(w.client->chunks.chunks, chunks);
		assert_int_equal(w.client->chunks.free_chunks, chunks);
		assert_int_equal(w.client->used_socks, 1);
	}
	pair_end(&w);
	free(bytes);
}

static void still_after_data(struct peer *p, const uint8_t *data, size_t n)
{
	(void)data;
	(void)n;
	rw_sock_still(p->sock);
}

/* A little by the byte, then as ever; with a pause in between. */
static void look_while_still(struct peer *p)
{
	size_t *bytes = p->more;

	if (++*bytes % 50 == 0) {
		rw_sock_receive(p->sock);
		return;
	}
	rw_sock_recv_some(p->sock, *bytes);
	if (*bytes % 7 == 0) {
		rw_sock_recv(p->sock, false);
		rw_sock_recv(p->sock, true);
	}
}

/* Kernel TLS: the way of receiving changes where no receive is under way, and no byte is lost. */
static void a_still_socket_loses_nothing(void **state)
{
	enum { N = 300000 };
	uint8_t *bytes = pattern(N, 9);
	struct peer c = {.to_send = bytes, .n_to_send = N, .finish_when_fed = true};
	size_t looks = 0;
	struct pair w;

	pair_begin(&w, knobs_of(state));
	pair_connect(&w, &c);
	pair_until(&w, w.n_accepted == 1);
	w.accepted[0].more = &looks;
	w.accepted[0].on_data = still_after_data;
	w.accepted[0].on_still = look_while_still;
	pair_until(&w, w.accepted[0].eofs);
	assert_int_equal(w.accepted[0].n_got, N);
	assert_memory_equal(w.accepted[0].got, bytes, N);
	assert_true(looks > 5);
	pair_end(&w);
	peer_end(&c);
	free(bytes);
}

static void *posted[3];
static unsigned n_posted;

static void note_post(void *arg)
{
	posted[n_posted++ % 3] = arg;
}

/* Posts are run in order, and one wakes a loop that waits for nothing else. */
static void post_runs_in_order(void **state)
{
	int a, b, c;
	struct pair w;

	n_posted = 0;
	pair_begin(&w, knobs_of(state));
	assert_int_equal(rw_loop_post(w.server, note_post, &a), RW_OK);
	assert_int_equal(rw_loop_post(w.server, note_post, &b), RW_OK);
	assert_int_equal(rw_loop_post(w.server, note_post, &c), RW_OK);
	assert_int_equal(n_posted, 0);
	assert_int_equal(rw_loop_turn(w.server, UINT64_MAX), RW_OK);
	assert_int_equal(n_posted, 3);
	assert_ptr_equal(posted[0], &a);
	assert_ptr_equal(posted[2], &c);
	pair_end(&w);
}

#define BOTH(f)                                               \
	{#f "/sim", f, NULL, NULL, (void *)(uintptr_t)&calm}, \
	{                                                     \
		#f "/uring", f, NULL, NULL, NULL              \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(one_send_in_flight_per_socket),
		BOTH(close_cancels_and_waits_before_close),
		BOTH(enobufs_rearms_when_buffers_return),
		BOTH(recv_off_keeps_bytes_in_order),
		BOTH(multishot_accept_stops_when_slots_are_gone),
		BOTH(what_was_accepted_before_a_drain_still_comes),
		BOTH(eof_after_data),
		BOTH(short_send_continues),
		BOTH(peer_reset_mid_send),
		BOTH(connect_refused),
		BOTH(abort_inside_on_data),
		BOTH(finish_flushes_everything),
		BOTH(queue_is_bounded),
		BOTH(loop_memory_is_bounded),
		BOTH(echo_with_back_pressure),
		BOTH(steady_state_recycles),
		BOTH(a_still_socket_loses_nothing),
		BOTH(post_runs_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
