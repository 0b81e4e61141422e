/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ring's tests share: a world with a server loop and a client loop, on
 * the simulator or on io_uring over loopback, and peers that record what they
 * are told.
 */
#ifndef RW_TESTS_RING_PAIR_H
#define RW_TESTS_RING_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ring/io.h"
#include "ring/loop.h"
#include "ring/sim.h"
#include "ring/sock.h"
#include "ring/uring.h"

enum { MAX_PEERS = 64 };

/* One end of a connection. */
struct peer {
	struct rw_loop *loop;
	struct rw_sock *sock;
	int connects, eofs, drains, closes;
	int connect_err, close_err;
	uint8_t *got;
	size_t n_got, room;
	const uint8_t *to_send; /* fed by on_drain as far as marks allow */
	size_t n_to_send, n_fed;
	bool finish_when_fed;
	void (*on_data)(struct peer *p, const uint8_t *data, size_t n); /* after recording */
	void (*on_eof)(struct peer *p);
	void (*on_drain)(struct peer *p);
	void (*on_still)(struct peer *p);
	void *more;
};

struct pair {
	struct rw_sim *sim; /* NULL: io_uring */
	struct rw_loop *server, *client;
	struct rw_listener *listener;
	struct rw_addr addr;
	struct peer accepted[MAX_PEERS];
	unsigned n_accepted;
	void (*on_accept)(struct peer *p);
	uint64_t trace; /* the simulator's, after pair_end */
	void *more;	/* for peers that are accepted */
};

static inline void peer_feed(struct peer *p)
{
	while (p->n_fed < p->n_to_send && rw_sock_queued(p->sock) < rw_sock_high_mark()) {
		size_t n = p->n_to_send - p->n_fed;
		int rc;

		n = n < 60000 ? n : 60000;
		rc = rw_sock_send(p->sock, p->to_send + p->n_fed, n);
		if (rc == RW_ECLOSED)
			return;
		assert_int_equal(rc, RW_OK);
		p->n_fed += n;
	}
	if (p->finish_when_fed && p->n_fed == p->n_to_send) {
		p->finish_when_fed = false;
		rw_sock_finish(p->sock);
	}
}

static inline void peer_on_connect(void *user, int err)
{
	struct peer *p = user;

	assert_int_equal(p->connects, 0);
	p->connects++;
	p->connect_err = err;
	if (!err)
		peer_feed(p);
}

static inline void peer_on_data(void *user, const uint8_t *data, size_t n)
{
	struct peer *p = user;

	assert_int_equal(p->closes, 0);
	assert_int_equal(p->eofs, 0);
	assert_true(n > 0);
	if (p->n_got + n > p->room) {
		uint8_t *bigger = realloc(p->got, 2 * (p->n_got + n));

		assert_non_null(bigger);
		p->got = bigger;
		p->room = 2 * (p->n_got + n);
	}
	memcpy(p->got + p->n_got, data, n);
	p->n_got += n;
	if (p->on_data)
		p->on_data(p, data, n);
}

static inline void peer_on_eof(void *user)
{
	struct peer *p = user;

	assert_int_equal(p->closes, 0);
	p->eofs++;
	if (p->on_eof)
		p->on_eof(p);
}

static inline void peer_on_drain(void *user)
{
	struct peer *p = user;

	p->drains++;
	if (p->on_drain)
		p->on_drain(p);
	peer_feed(p);
}

static inline void peer_on_still(void *user)
{
	struct peer *p = user;

	p->on_still(p);
}

static inline void peer_on_close(void *user, int err)
{
	struct peer *p = user;

	p->closes++;
	p->close_err = err;
	p->sock = NULL;
}

static const struct rw_sock_cb peer_cb = {
	.on_connect = peer_on_connect,
	.on_data = peer_on_data,
	.on_eof = peer_on_eof,
	.on_drain = peer_on_drain,
	.on_close = peer_on_close,
	.on_still = peer_on_still,
};

static inline void pair_on_accept(void *user, struct rw_sock *s, const struct rw_addr *from)
{
	struct pair *w = user;
	struct peer *p = &w->accepted[w->n_accepted++];

	assert_true(w->n_accepted <= MAX_PEERS);
	assert_true(rw_addr_is_loopback(from));
	p->loop = w->server;
	p->sock = s;
	p->more = w->more;
	rw_sock_bind(s, &peer_cb, p);
	if (w->on_accept)
		w->on_accept(p);
}

static inline struct rw_io *pair_io(struct pair *w, unsigned buffers, unsigned bytes)
{
	struct rw_error e = {0};
	struct rw_io *io;

	if (w->sim)
		assert_int_equal(rw_sim_io_new(&io, w->sim, buffers, bytes, &e), RW_OK);
	else if (rw_uring_new(&io, 0, buffers, bytes, &e))
		fail_msg("%s", e.text);
	return io;
}

/* knobs NULL: on io_uring. */
static inline void pair_begin_with(struct pair *w, uint64_t seed, const struct rw_sim_knobs *knobs,
				   const struct rw_loop_config *server, unsigned buffers,
				   unsigned buffer_bytes)
{
	struct rw_error e = {0};

	memset(w, 0, sizeof(*w));
	if (knobs)
		assert_int_equal(rw_sim_new(&w->sim, seed, knobs), RW_OK);
	assert_int_equal(rw_loop_new(&w->server, pair_io(w, buffers, buffer_bytes), server, &e),
			 RW_OK);
	assert_int_equal(rw_loop_new(&w->client, pair_io(w, 0, 0), NULL, &e), RW_OK);
	assert_int_equal(rw_addr_parse("127.0.0.1:0", &w->addr, &e), RW_OK);
	if (rw_listener_start(w->server, &w->addr, pair_on_accept, w, &w->listener, &e))
		fail_msg("%s", e.text);
	w->addr = *rw_listener_addr(w->listener);
}

static inline void pair_begin(struct pair *w, const struct rw_sim_knobs *knobs)
{
	pair_begin_with(w, 1, knobs, NULL, 0, 0);
}

/* One turn of both loops, and time in the simulator. */
static inline void pair_turn(struct pair *w)
{
	assert_int_equal(rw_loop_turn(w->server, w->sim ? UINT64_MAX : 200000), RW_OK);
	assert_int_equal(rw_loop_turn(w->client, w->sim ? UINT64_MAX : 200000), RW_OK);
	if (w->sim)
		rw_sim_step(w->sim);
}

/* Turns until cond; a world in which that does not come fails instead of hanging. */
#define pair_until(w, cond)                                        \
	do {                                                       \
		for (unsigned turns_ = 0; !(cond); turns_++) {     \
			if (turns_ > 200000)                       \
				fail_msg("never came: %s", #cond); \
			pair_turn(w);                              \
		}                                                  \
	} while (0)

static inline void pair_turns(struct pair *w, unsigned n)
{
	while (n--)
		pair_turn(w);
}

static inline void pair_connect(struct pair *w, struct peer *p)
{
	p->loop = w->client;
	p->sock = rw_sock_connect(w->client, &w->addr, &peer_cb, p);
	assert_non_null(p->sock);
}

/* A pair with one connection, which both sides know of. */
static inline void pair_open(struct pair *w, struct peer *p)
{
	pair_begin(w, NULL);
	pair_connect(w, p);
	pair_until(w, w->n_accepted == 1 && p->connects == 1);
}

static inline void peer_end(struct peer *p)
{
	free(p->got);
	memset(p, 0, sizeof(*p));
}

static inline void pair_end(struct pair *w)
{
	rw_loop_free(w->client);
	rw_loop_free(w->server);
	for (unsigned i = 0; i < w->n_accepted; i++) {
		assert_int_equal(w->accepted[i].closes, 1);
		peer_end(&w->accepted[i]);
	}
	if (w->sim)
		w->trace = rw_sim_trace_hash(w->sim);
	rw_sim_free(w->sim);
}

/* Bytes in which a swap, a loss or a repetition shows. */
static inline uint8_t *pattern(size_t n, uint64_t seed)
{
	uint8_t *p = malloc(n ? n : 1);

	assert_non_null(p);
	for (size_t i = 0; i < n; i++) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		p[i] = (uint8_t)(seed >> 56);
	}
	return p;
}

#endif
