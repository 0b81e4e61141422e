/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool and a server against each other while everything goes wrong between them:
 * whatever the network does, each fetch and each exchange ends once, and what is said
 * to be whole is whole.
 */
#include "http/client.h"
#include "world.h"

enum { FETCHES = 24, SEEDS = 120 };

struct echo {
	struct rw_buf body;
};

struct hall {
	struct world w;
	struct rw_http_server *server;
	struct rw_pool *pool;
	unsigned begun, over, whole, failed, open;
};

struct call {
	struct hall *h;
	struct rw_fetch *f;
	struct rw_buf sent, got;
	unsigned dones;
};

static void on_request(void *user, struct rw_exchange *x, const struct rw_h1_head *head)
{
	struct hall *h = user;
	struct echo *e = calloc(1, sizeof *e);

	(void)head;
	assert_non_null(e);
	h->begun++;
	rw_exchange_set_user(x, e);
}

static void on_body(void *xuser, struct rw_exchange *x, const char *data, size_t n)
{
	struct echo *e = xuser;

	(void)x;
	rw_buf_add(&e->body, data, n);
}

/* Long and short, counted and chunked, in one piece and in many. */
static void on_body_end(void *xuser, struct rw_exchange *x)
{
	struct echo *e = xuser;
	size_t piece = e->body.len % 3 ? e->body.len : 100;

	if (rw_exchange_head(x, 200, NULL, 0, e->body.len % 2 ? -1 : (int64_t)e->body.len))
		return;
	for (size_t i = 0; i < e->body.len; i += piece)
		if (rw_exchange_body(x, e->body.p + i,
				     e->body.len - i < piece ? e->body.len - i : piece))
			return;
	rw_exchange_end(x);
}

static struct hall *the_hall;

static void on_done(void *xuser, struct rw_exchange *x, bool completed)
{
	struct echo *e = xuser;

	(void)x;
	(void)completed;
	the_hall->over++;
	rw_buf_free(&e->body);
	free(e);
}

static void no_head(void *user, const struct rw_h1_head *head)
{
	(void)user;
	assert_int_equal(head->status, 200);
}

static void take_body(void *user, const char *data, size_t n)
{
	rw_buf_add(&((struct call *)user)->got, data, n);
}

static void take_done(void *user, const struct rw_error *why)
{
	struct call *c = user;

	c->dones++;
	c->f = NULL;
	c->h->open--;
	if (why->code) {
		assert_memory_equal(why->text, "upstream upstream.test: ", 24);
		c->h->failed++;
		return;
	}
	c->h->whole++;
	assert_int_equal(c->got.len, c->sent.len);
	if (c->got.len)
		assert_memory_equal(c->got.p, c->sent.p, c->got.len);
}

static void start(struct hall *h, struct call *c)
{
	static const struct rw_fetch_cb cb = {
		.on_head = no_head,
		.on_body = take_body,
		.on_done = take_done,
	};
	size_t n = rw_sim_random(h->w.sim) % 4 ? rw_sim_random(h->w.sim) % 500
					       : rw_sim_random(h->w.sim) % 300000;
	struct rw_fetch_request rq = {.method = RW_SLICE("POST"), .target = RW_SLICE("/")};
	struct rw_error e = {0};

	*c = (struct call){.h = h};
	for (size_t i = 0; i < n; i++)
		rw_buf_add(&c->sent, &(char){(char)('a' + i % 23)}, 1);
	rq.body = rw_buf_slice(&c->sent);
	h->open++;
	c->f = rw_fetch_start(h->pool, &rq, &cb, c, &e);
	if (!c->f)
		fail_msg("%s", e.text);
}

static void one_seed(uint64_t seed, bool tls, unsigned *whole, unsigned *failed)
{
	static const struct rw_http_handler handler = {.on_request = on_request,
						       .on_body = on_body,
						       .on_body_end = on_body_end,
						       .on_done = on_done};
	static const struct rw_http_server_config sc = {.idle_ns = 1 * S};
	static const struct rw_pool_config pc = {.between_ns = 20 * S, .first_byte_ns = 20 * S};
	struct call c[FETCHES];
	struct hall h = {0};
	struct rw_addr at;
	struct rw_error e;

	the_hall = &h;
	world_begin_with(&h.w, seed, &rw_sim_all_faults);
	if (tls)
		world_tls(&h.w);
	rw_addr_parse("10.0.0.1:443", &at, &e);
	h.server = rw_http_server_new(h.w.near, &sc, h.w.server_tls, &handler, &h);
	assert_int_equal(rw_http_server_listen(h.server, &at, &e), RW_OK);
	h.pool = rw_pool_new(h.w.far, &pc, &at, 1, "upstream.test", h.w.client_tls);
	for (unsigned i = 0; i < FETCHES; i++) {
		start(&h, &c[i]);
		if (rw_sim_random(h.w.sim) % 2)
			run_for(&h.w, rw_sim_random(h.w.sim) % (2 * S));
		if (rw_sim_random(h.w.sim) % 8 == 0 && c[i].f) {
			rw_fetch_cancel(c[i].f);
			c[i].f = NULL;
			h.open--;
		}
	}
	run_until(&h.w, h.open == 0);
	rw_pool_release(h.pool);
	rw_http_server_free(h.server);
	assert_int_equal(h.begun, h.over);
	world_end(&h.w);
	for (unsigned i = 0; i < FETCHES; i++) {
		assert_true(c[i].dones <= 1);
		rw_buf_free(&c[i].sent);
		rw_buf_free(&c[i].got);
	}
	*whole += h.whole;
	*failed += h.failed;
}

static void faulty_network_never_forges_an_answer(void **state)
{
	unsigned whole = 0, failed = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		one_seed(seed, false, &whole, &failed);
	/* Both happened, or nothing was tested. */
	assert_true(whole > SEEDS * FETCHES / 2);
	assert_true(failed > SEEDS);
}

static void nor_over_tls(void **state)
{
	unsigned whole = 0, failed = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS / 4; seed++)
		one_seed(seed, true, &whole, &failed);
	assert_true(whole > SEEDS / 4 * FETCHES / 2);
	assert_true(failed > SEEDS / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faulty_network_never_forges_an_answer),
		cmocka_unit_test(nor_over_tls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
