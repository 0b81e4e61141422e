/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server's and the client's tests share: a simulated world of two loops, a
 * handler whose answers the test scripts, and a raw peer that speaks bytes.
 */
#ifndef RW_TESTS_HTTP_WORLD_H
#define RW_TESTS_HTTP_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/server.h"
#include "ring/io.h"
#include "ring/sim.h"
#include "tls/ctx.h"

#define MS 1000000ull
#define S  1000000000ull

/* A raw peer: a stream on the far loop, and what came over it. */
struct raw {
	struct rw_stream *st;
	struct rw_buf got;
	bool open, eof, clean, closed;
	int close_code;
	const char *to_send; /* goes as the stream takes it */
	size_t n_to_send;
};

struct world {
	struct rw_sim *sim;
	struct rw_loop *near, *far; /* near is under test */
	struct rw_tls_ctx *server_tls, *client_tls;
	struct rw_timer alarm;
	bool rang;
	char dir[64];
};

static inline void world_begin_with(struct world *w, uint64_t seed, const struct rw_sim_knobs *k)
{
	struct rw_error e;
	struct rw_io *io;

	*w = (struct world){0};
	assert_int_equal(rw_sim_new(&w->sim, seed, k), RW_OK);
	assert_int_equal(rw_sim_io_new(&io, w->sim, 0, 0, &e), RW_OK);
	assert_int_equal(rw_loop_new(&w->near, io, NULL, &e), RW_OK);
	assert_int_equal(rw_sim_io_new(&io, w->sim, 0, 0, &e), RW_OK);
	assert_int_equal(rw_loop_new(&w->far, io, NULL, &e), RW_OK);
}

static inline void world_begin(struct world *w)
{
	static const struct rw_sim_knobs none;

	world_begin_with(w, 1, &none);
}

static inline void world_tls(struct world *w)
{
	static const char *const names[] = {"upstream.test", "127.0.0.1"};
	char cert[96], key[96], print[96];
	struct rw_error e = {0};

	snprintf(w->dir, sizeof w->dir, "/tmp/rw-http-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(cert, sizeof cert, "%s/cert.pem", w->dir);
	snprintf(key, sizeof key, "%s/key.pem", w->dir);
	if (rw_tls_selfsigned(cert, key, names, 2, print, &e) ||
	    rw_tls_server_new(&w->server_tls, cert, key, &e) ||
	    rw_tls_client_new(&w->client_tls, cert, &e))
		fail_msg("%s", e.text);
	unlink(cert);
	unlink(key);
	rmdir(w->dir);
}

static inline void world_end(struct world *w)
{
	rw_loop_free(w->near);
	rw_loop_free(w->far);
	rw_sim_free(w->sim);
	rw_tls_ctx_unref(w->server_tls);
	rw_tls_ctx_unref(w->client_tls);
}

static inline void world_turn(struct world *w)
{
	rw_loop_turn(w->near, UINT64_MAX);
	rw_loop_turn(w->far, UINT64_MAX);
}

static inline void world_rang(void *arg)
{
	((struct world *)arg)->rang = true;
}

/* Lets this much simulated time pass. */
static inline void run_for(struct world *w, uint64_t ns)
{
	w->rang = false;
	rw_timer_set(w->far, &w->alarm, rw_loop_now(w->far) + ns, world_rang, w);
	do {
		world_turn(w);
	} while (!w->rang && rw_sim_step(w->sim));
	assert_true(w->rang);
}

/* Until *flag or for 1000 s of simulated time. */
#define run_until(w, condition)                                                                   \
	do {                                                                                      \
		uint64_t run_end = rw_sim_now((w)->sim) + 1000 * S;                               \
		(w)->rang = false;                                                                \
		rw_timer_set((w)->far, &(w)->alarm, rw_loop_now((w)->far) + 1000 * S, world_rang, \
			     (w));                                                                \
		while (!(condition) && rw_sim_now((w)->sim) < run_end) {                          \
			world_turn(w);                                                            \
			if (!(condition))                                                         \
				rw_sim_step((w)->sim);                                            \
		}                                                                                 \
		rw_timer_cancel(&(w)->alarm);                                                     \
		if (!(condition))                                                                 \
			fail_msg("never: %s", #condition);                                        \
	} while (0)

/* --- the raw peer ---------------------------------------------------------------------------- */

static inline void raw_push(struct raw *r)
{
	while (r->open && r->n_to_send && rw_stream_queued(r->st) < rw_sock_high_mark()) {
		size_t n = r->n_to_send < 65536 ? r->n_to_send : 65536;

		if (rw_stream_write(r->st, r->to_send, n))
			return;
		r->to_send += n;
		r->n_to_send -= n;
	}
}

static inline void raw_on_open(void *user)
{
	struct raw *r = user;

	r->open = true;
	raw_push(r);
}

static inline void raw_on_data(void *user, const uint8_t *data, size_t n)
{
	rw_buf_add(&((struct raw *)user)->got, data, n);
}

static inline void raw_on_eof(void *user, bool clean)
{
	((struct raw *)user)->eof = true;
	((struct raw *)user)->clean = clean;
}

static inline void raw_on_drain(void *user)
{
	raw_push(user);
}

static inline void raw_on_close(void *user, const struct rw_error *why)
{
	struct raw *r = user;

	r->closed = true;
	r->close_code = (int)why->code;
	r->st = NULL;
}

static const struct rw_stream_cb raw_cb = {
	.on_open = raw_on_open,
	.on_data = raw_on_data,
	.on_eof = raw_on_eof,
	.on_drain = raw_on_drain,
	.on_close = raw_on_close,
};

static inline void raw_connect(struct world *w, struct raw *r, const struct rw_addr *to, bool tls)
{
	*r = (struct raw){0};
	r->st = rw_stream_connect(w->far, to, tls ? w->client_tls : NULL, "upstream.test", &raw_cb,
				  r);
	assert_non_null(r->st);
}

static inline void raw_bytes(struct raw *r, const char *data, size_t n)
{
	if (r->open)
		assert_int_equal(rw_stream_write(r->st, data, n), RW_OK);
	else {
		r->to_send = data;
		r->n_to_send = n;
	}
}

static inline void raw_say(struct raw *r, const char *text)
{
	raw_bytes(r, text, strlen(text));
}

static inline const char *raw_text(struct raw *r)
{
	rw_buf_reserve(&r->got, 1);
	r->got.p[r->got.len] = 0;
	return r->got.p;
}

static inline unsigned raw_count(struct raw *r, const char *what)
{
	unsigned n = 0;

	for (const char *p = raw_text(r); (p = strstr(p, what)); p += strlen(what))
		n++;
	return n;
}

#define raw_has(r, what) (raw_count((r), (what)) > 0)

static inline void raw_end(struct raw *r)
{
	rw_buf_free(&r->got);
}

#endif
