/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world with a server loop and a client loop, on the simulator or on io_uring over
 * loopback, and stream ends that record what they are told.
 */
#ifndef RW_TESTS_TLS_WORLD_H
#define RW_TESTS_TLS_WORLD_H

#include "unit/tls/util.h"

#include "ring/io.h"
#include "ring/loop.h"
#include "ring/sim.h"
#include "ring/sock.h"
#include "ring/uring.h"
#include "tls/internal.h"
#include "tls/stream.h"

/* A counter of a context that world_use_kernel has been at. */
#define count_of(ctx, counter) atomic_load(&rw_tls_shared_stats((ctx)->shared)->counter)

enum { MAX_SIDES = 32 };

struct side {
	struct rw_stream *st;
	struct rw_loop *loop;
	int opens, datas, eofs, drains, closes;
	bool clean;
	bool inside; /* a callback runs: another one now would be recursion */
	bool deaf;   /* asked for a pause: plaintext now would be too much */
	struct rw_error why;
	struct rw_buf got;
	const char *to_send;
	size_t n_to_send, n_sent;
	bool finish_when_sent;
	void (*on_open)(struct side *s);
	void (*on_data)(struct side *s, const uint8_t *data, size_t n); /* after recording */
	void (*on_eof)(struct side *s);
	void (*on_close)(struct side *s);
};

struct world {
	struct rw_sim *sim; /* NULL: io_uring */
	struct rw_loop *server, *client;
	struct rw_listener *listener;
	struct rw_addr addr;
	struct rw_tls_ctx *server_tls, *client_tls; /* NULL: plain */
	struct side accepted[MAX_SIDES];
	unsigned n_accepted;
	struct side model;	   /* what an accepted side begins as */
	struct rw_sock_cb *raw_cb; /* not NULL: accepted sockets stay raw */
	struct rw_sock *raw;
};

static inline void side_push(struct side *s)
{
	while (s->n_sent < s->n_to_send && rw_stream_queued(s->st) < rw_sock_high_mark()) {
		size_t n = s->n_to_send - s->n_sent;

		n = n < 50000 ? n : 50000;
		assert_int_equal(rw_stream_write(s->st, s->to_send + s->n_sent, n), RW_OK);
		s->n_sent += n;
	}
	if (s->finish_when_sent && s->n_sent == s->n_to_send) {
		s->finish_when_sent = false;
		rw_stream_finish(s->st);
	}
}

static inline void side_enter(struct side *s)
{
	assert_int_equal(s->closes, 0);
	assert_false(s->inside);
	s->inside = true;
}

static inline void side_on_open(void *user)
{
	struct side *s = user;

	side_enter(s);
	assert_int_equal(s->opens++, 0);
	if (s->on_open)
		s->on_open(s);
	s->inside = false;
	if (s->to_send)
		side_push(s);
}

static inline void side_on_data(void *user, const uint8_t *data, size_t n)
{
	struct side *s = user;

	side_enter(s);
	assert_int_equal(s->opens, 1);
	assert_int_equal(s->eofs, 0);
	assert_false(s->deaf);
	assert_true(n > 0);
	s->datas++;
	assert_int_equal(rw_buf_add(&s->got, data, n), RW_OK);
	if (s->on_data)
		s->on_data(s, data, n);
	s->inside = false;
}

static inline void side_on_eof(void *user, bool clean)
{
	struct side *s = user;

	side_enter(s);
	assert_int_equal(s->opens, 1);
	assert_false(s->deaf);
	assert_int_equal(s->eofs++, 0);
	s->clean = clean;
	if (s->on_eof)
		s->on_eof(s);
	s->inside = false;
}

static inline void side_on_drain(void *user)
{
	struct side *s = user;

	side_enter(s);
	assert_int_equal(s->opens, 1);
	s->drains++;
	s->inside = false;
	if (s->to_send)
		side_push(s);
}

static inline void side_on_close(void *user, const struct rw_error *why)
{
	struct side *s = user;

	side_enter(s);
	s->why = *why;
	s->inside = false;
	s->closes++;
	if (s->on_close)
		s->on_close(s);
	s->st = NULL;
}

static const struct rw_stream_cb side_cb = {
	.on_open = side_on_open,
	.on_data = side_on_data,
	.on_eof = side_on_eof,
	.on_drain = side_on_drain,
	.on_close = side_on_close,
};

static inline void world_on_accept(void *user, struct rw_sock *sock, const struct rw_addr *from)
{
	struct world *w = user;
	struct side *s = &w->accepted[w->n_accepted++];

	assert_true(rw_addr_is_loopback(from));
	assert_true(w->n_accepted <= MAX_SIDES);
	if (w->raw_cb) {
		w->raw = sock;
		rw_sock_bind(sock, w->raw_cb, w);
		return;
	}
	*s = w->model;
	s->loop = w->server;
	s->inside = true; /* nothing may be told from inside the call */
	s->st = rw_stream_accept(w->server, sock, w->server_tls, &side_cb, s);
	s->inside = false;
	assert_non_null(s->st);
}

static inline struct rw_io *world_io(struct world *w)
{
	struct rw_error e = {.text = ""};
	struct rw_io *io = NULL;

	if (w->sim)
		assert_int_equal(rw_sim_io_new(&io, w->sim, 0, 0, &e), RW_OK);
	else if (rw_uring_new(&io, 0, 0, 0, &e))
		fail_msg("%s", e.text);
	return io;
}

/* knobs NULL: on io_uring. cert NULL: plain; else NAME.crt with clients that trust ca. */
static inline void world_begin(struct world *w, const struct rw_sim_knobs *knobs, uint64_t seed,
			       const char *cert)
{
	struct rw_error e = {.text = ""};

	memset(w, 0, sizeof(*w));
	if (knobs)
		assert_int_equal(rw_sim_new(&w->sim, seed, knobs), RW_OK);
	assert_int_equal(rw_loop_new(&w->server, world_io(w), NULL, &e), RW_OK);
	assert_int_equal(rw_loop_new(&w->client, world_io(w), NULL, &e), RW_OK);
	assert_int_equal(rw_addr_parse("127.0.0.1:0", &w->addr, &e), RW_OK);
	if (rw_listener_start(w->server, &w->addr, world_on_accept, w, &w->listener, &e))
		fail_msg("%s", e.text);
	w->addr = *rw_listener_addr(w->listener);
	if (cert) {
		w->server_tls = server_ctx(cert);
		w->client_tls = client_ctx("ca.crt");
	}
}

/* ktls: on for both, and counters. */
static inline void world_use_kernel(struct world *w)
{
	struct rw_tls_ctx *all[] = {w->server_tls, w->client_tls};
	struct rw_error e = {.text = ""};

	for (int i = 0; i < 2; i++) {
		rw_tls_ctx_ktls(all[i], RW_KTLS_ON);
		assert_int_equal(rw_tls_shared_new(&all[i]->shared, 0, &e), RW_OK);
	}
}

static inline void world_turn(struct world *w)
{
	assert_int_equal(rw_loop_turn(w->server, w->sim ? UINT64_MAX : 200000), RW_OK);
	assert_int_equal(rw_loop_turn(w->client, w->sim ? UINT64_MAX : 200000), RW_OK);
	if (w->sim)
		rw_sim_step(w->sim);
}

static inline void world_turns(struct world *w, unsigned n)
{
	while (n--)
		world_turn(w);
}

/* Turns until cond; a world in which that does not come fails instead of hanging. */
#define world_until(w, cond)                                       \
	do {                                                       \
		for (unsigned turns_ = 0; !(cond); turns_++) {     \
			if (turns_ > 100000)                       \
				fail_msg("never came: %s", #cond); \
			world_turn(w);                             \
		}                                                  \
	} while (0)

static inline void world_connect_as(struct world *w, struct side *s, const char *host)
{
	s->loop = w->client;
	s->inside = true;
	s->st = rw_stream_connect(w->client, &w->addr, w->client_tls, host, &side_cb, s);
	s->inside = false;
	assert_non_null(s->st);
}

static inline void world_connect(struct world *w, struct side *s)
{
	world_connect_as(w, s, "localhost");
}

static inline void side_end(struct side *s)
{
	rw_buf_free(&s->got);
	memset(s, 0, sizeof(*s));
}

/* Every stream was told its end exactly once, whatever happened to it. */
static inline void world_end(struct world *w)
{
	rw_loop_free(w->client);
	rw_loop_free(w->server);
	for (unsigned i = 0; i < w->n_accepted && !w->raw_cb; i++) {
		assert_int_equal(w->accepted[i].closes, 1);
		side_end(&w->accepted[i]);
	}
	rw_tls_ctx_unref(w->server_tls);
	rw_tls_ctx_unref(w->client_tls);
	rw_sim_free(w->sim);
}

#endif
