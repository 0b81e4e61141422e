/* SPDX-License-Identifier: Apache-2.0 */
/* Server and pool on io_uring over real loopback; and that their steady state allocates nothing. */
#include "http/client.h"
#include "ring/uring.h"
#include "world.h"

static size_t allocations;

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RW_ASAN 1
#endif
#endif

#ifdef RW_ASAN
#include <sanitizer/allocator_interface.h>

static void count_malloc(const volatile void *p, size_t n)
{
	(void)p;
	(void)n;
	allocations++;
}

static void count_free(const volatile void *p)
{
	(void)p;
}

static void count_begin(void)
{
	__sanitizer_install_malloc_and_free_hooks(count_malloc, count_free);
}
#else
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t each);
void *__libc_realloc(void *p, size_t n);

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): stdlib.h's are reserved */
void *malloc(size_t n)
{
	allocations++;
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t each)
{
	allocations++;
	return __libc_calloc(n, each);
}

void *realloc(void *p, size_t n)
{
	allocations++;
	return __libc_realloc(p, n);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

static void count_begin(void)
{
}
#endif

/* --- an exchange with itself -------------------------------------------------------------------
 */

struct line {
	struct world w; /* without its simulator */
	struct rw_http_server *server;
	struct rw_pool *pool;
	unsigned served, answered, failed;
	size_t bytes;
	char body[3000];
};

static void on_request(void *user, struct rw_exchange *x, const struct rw_h1_head *head)
{
	(void)head;
	rw_exchange_set_user(x, user);
}

static void on_body(void *xuser, struct rw_exchange *x, const char *data, size_t n)
{
	(void)x;
	(void)data;
	((struct line *)xuser)->bytes += n;
}

static void on_body_end(void *xuser, struct rw_exchange *x)
{
	const struct rw_http_field f = {RW_SLICE("content-type"), RW_SLICE("text/event-stream")};
	struct line *l = xuser;

	assert_int_equal(rw_exchange_head(x, 200, &f, 1, -1), RW_OK);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(rw_exchange_body(x, l->body, 100), RW_OK);
	assert_int_equal(rw_exchange_end(x), RW_OK);
}

static void on_done(void *xuser, struct rw_exchange *x, bool completed)
{
	(void)x;
	((struct line *)xuser)->served += completed;
}

static void take_head(void *user, const struct rw_h1_head *head)
{
	(void)user;
	assert_int_equal(head->status, 200);
}

static void take_body(void *user, const char *data, size_t n)
{
	(void)data;
	((struct line *)user)->bytes += n;
}

static void take_done(void *user, const struct rw_error *why)
{
	struct line *l = user;

	l->answered++;
	l->failed += why->code != 0;
}

static void turn(struct line *l)
{
	rw_loop_turn(l->w.near, 100000);
	rw_loop_turn(l->w.far, 100000);
}

static void line_begin(struct line *l, bool tls)
{
	static const struct rw_http_handler handler = {.on_request = on_request,
						       .on_body = on_body,
						       .on_body_end = on_body_end,
						       .on_done = on_done};
	static const struct rw_http_server_config sc;
	static const struct rw_pool_config pc;
	struct rw_error e = {0};
	struct rw_addr at;
	struct rw_io *io;

	*l = (struct line){0};
	if (rw_uring_new(&io, 0, 0, 0, &e) || rw_loop_new(&l->w.near, io, NULL, &e) ||
	    rw_uring_new(&io, 0, 0, 0, &e) || rw_loop_new(&l->w.far, io, NULL, &e))
		fail_msg("%s", e.text);
	if (tls)
		world_tls(&l->w);
	rw_addr_parse("127.0.0.1:0", &at, &e);
	l->server = rw_http_server_new(l->w.near, &sc, l->w.server_tls, &handler, l);
	if (rw_http_server_listen(l->server, &at, &e))
		fail_msg("%s", e.text);
	l->pool = rw_pool_new(l->w.far, &pc, rw_http_server_addr(l->server), 1, "upstream.test",
			      l->w.client_tls);
}

static void line_end(struct line *l)
{
	rw_pool_release(l->pool);
	rw_http_server_free(l->server);
	rw_loop_free(l->w.far);
	rw_loop_free(l->w.near);
	rw_tls_ctx_unref(l->w.server_tls);
	rw_tls_ctx_unref(l->w.client_tls);
}

/* n requests, `at once` of them together. */
static void exchange(struct line *l, unsigned n, unsigned at_once)
{
	static const struct rw_fetch_cb cb = {
		.on_head = take_head,
		.on_body = take_body,
		.on_done = take_done,
	};
	const struct rw_fetch_request rq = {.method = RW_SLICE("POST"),
					    .target = RW_SLICE("/v1"),
					    .body = rw_slice_of(l->body, sizeof l->body)};
	unsigned end = l->answered + n, begun = l->answered;
	struct rw_error e = {0};

	while (l->answered != end) {
		for (; begun != end && begun - l->answered < at_once; begun++)
			assert_non_null(rw_fetch_start(l->pool, &rq, &cb, l, &e));
		turn(l);
	}
	assert_int_equal(l->failed, 0);
}

static void pool_and_server_over_loopback(void **state)
{
	(void)state;
	for (unsigned tls = 0; tls < 2; tls++) {
		struct line l;

		line_begin(&l, tls);
		exchange(&l, 200, 8);
		while (l.served < 200)
			turn(&l);
		assert_int_equal(l.bytes, 200 * (sizeof l.body + 1000));
		assert_true(rw_loop_stats(l.w.near)->accepts <= 8);
		line_end(&l);
	}
}

/* Exchanges, fetches, heads, answers and connections all go round. */
static void steady_state_allocates_nothing(void **state)
{
	struct line l;
	size_t before;

	(void)state;
	line_begin(&l, false);
	exchange(&l, 200, 8);
	before = allocations;
	assert_true(before > 0); /* they are counted */
	exchange(&l, 500, 8);
	assert_int_equal(allocations, before);
	line_end(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_and_server_over_loopback),
		cmocka_unit_test(steady_state_allocates_nothing),
	};

	count_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
