/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that pass from one socket to another in the kernel: none lost, none overtaken, whoever
 * ends. */
#include "unit/ring/pair.h"

#include <dirent.h>
#include <stdio.h>

#include "ring/internal.h"

static const size_t whole = 3 << 20;

/* A sends to `from`, whose bytes go to `to` and so to B. */
struct way {
	struct pair w;
	struct peer a, b;
	uint64_t announced; /* bytes that are spliced */
	uint64_t moved;
	size_t before; /* what `from` had received by itself */
	unsigned overs;
	int rc;
	const char *tail; /* sent behind them */
};

static struct way *way;

static struct peer *from(void)
{
	return &way->w.accepted[0];
}

static struct peer *to(void)
{
	return &way->w.accepted[1];
}

static void on_spliced(void *user, size_t n, bool over)
{
	assert_ptr_equal(user, from());
	assert_int_equal(way->overs, 0);
	way->moved += n;
	way->overs += over;
	if (over && way->tail)
		assert_int_equal(rw_sock_send(to()->sock, way->tail, strlen(way->tail)), RW_OK);
}

static void on_still(struct peer *p)
{
	way->before = p->n_got;
	way->rc = to()->sock ? rw_sock_splice(p->sock, to()->sock, way->announced) : RW_ECLOSED;
	if (way->rc)
		rw_sock_receive(p->sock);
}

static const struct rw_sock_cb cb = {
	.on_data = peer_on_data,
	.on_eof = peer_on_eof,
	.on_drain = peer_on_drain,
	.on_close = peer_on_close,
	.on_still = peer_on_still,
	.on_spliced = on_spliced,
};

static void on_accept(struct peer *p)
{
	rw_sock_bind(p->sock, &cb, p);
	p->on_still = on_still;
}

static void begin(struct way *x, const uint8_t *data, size_t n, uint64_t announced)
{
	memset(x, 0, sizeof(*x));
	way = x;
	pair_begin(&x->w, NULL);
	x->w.on_accept = on_accept;
	x->announced = announced;
	pair_connect(&x->w, &x->a);
	pair_until(&x->w, x->w.n_accepted == 1 && x->a.connects);
	pair_connect(&x->w, &x->b);
	pair_until(&x->w, x->w.n_accepted == 2 && x->b.connects);
	x->a.to_send = data;
	x->a.n_to_send = n;
	peer_feed(&x->a);
}

static void end(struct way *x)
{
	pair_end(&x->w);
	peer_end(&x->a);
	peer_end(&x->b);
}

static void bytes_pass_and_the_rest_comes_here(void **state)
{
	uint8_t *data = pattern(whole, 1);
	size_t some = whole / 2 + 1, before;
	struct way x;

	(void)state;
	begin(&x, data, whole, some);
	pair_until(&x.w, from()->n_got > 0); /* as ever, until asked for */
	rw_sock_still(from()->sock);
	pair_until(&x.w, x.moved > 0);
	before = from()->n_got;
	x.announced = whole; /* is of no interest any more */
	pair_until(&x.w, x.overs);
	assert_int_equal(x.moved, some);
	pair_until(&x.w, x.b.n_got == some && from()->n_got == whole - some);
	assert_memory_equal(from()->got, data, before);
	assert_memory_equal(x.b.got, data + before, some);
	assert_memory_equal(from()->got + before, data + before + some, whole - some - before);
	end(&x);
	free(data);
}

static void what_is_queued_goes_first_and_what_follows_last(void **state)
{
	uint8_t *data = pattern(whole, 2);
	struct way x;

	(void)state;
	begin(&x, data, whole, whole);
	x.tail = "tail";
	rw_sock_still(from()->sock);
	assert_int_equal(rw_sock_send(to()->sock, data, 500000), RW_OK);
	pair_until(&x.w, x.b.n_got + from()->n_got == 500000 + whole + 4);
	assert_memory_equal(x.b.got, data, 500000);
	assert_memory_equal(x.b.got + 500000, data + from()->n_got, whole - from()->n_got);
	assert_memory_equal(x.b.got + x.b.n_got - 4, "tail", 4);
	end(&x);
	free(data);
}

/* As a record of control would be: it must not wait for the end, nor for a receiver at rest. */
static void what_is_queued_meanwhile_goes_between(void **state)
{
	uint8_t *data = calloc(1, whole);
	size_t words = 0;
	struct way x;

	(void)state;
	begin(&x, data, whole, whole);
	rw_sock_still(from()->sock);
	pair_until(&x.w, x.moved > 0);
	assert_int_equal(rw_sock_send(to()->sock, "word", 4), RW_OK);
	pair_until(&x.w, x.b.n_got + from()->n_got == whole + 4);
	for (size_t i = 0; i + 4 <= x.b.n_got; i++)
		words += memcmp(x.b.got + i, "word", 4) == 0;
	assert_int_equal(words, 1);
	assert_memory_not_equal(x.b.got + x.b.n_got - 4, "word", 4);
	end(&x);
	free(data);
}

static void a_slow_receiver_holds_the_sender_up(void **state)
{
	enum { MUCH = 32 << 20 };
	uint8_t *data = pattern(MUCH, 3);
	uint64_t held;
	struct way x;

	(void)state;
	begin(&x, data, MUCH, MUCH);
	rw_sock_recv(x.b.sock, false);
	rw_sock_still(from()->sock);
	do { /* until nothing moves */
		held = x.moved;
		pair_turns(&x.w, 200);
	} while (x.moved != held || !held);
	assert_true(x.moved < MUCH && !x.overs);
	assert_true(rw_sock_queued(to()->sock) > 0 && rw_sock_queued(to()->sock) <= 65536);
	rw_sock_recv(x.b.sock, true);
	pair_until(&x.w, x.overs && x.b.n_got + from()->n_got == MUCH);
	assert_memory_equal(x.b.got, data + from()->n_got, x.b.n_got);
	end(&x);
	free(data);
}

/* A FIN comes before all was there: that is told as ever, and what came is not lost. */
static void an_early_end_is_told(void **state)
{
	uint8_t *data = pattern(whole, 4);
	struct way x;

	(void)state;
	begin(&x, data, whole, 2 * whole);
	x.a.finish_when_fed = true;
	peer_feed(&x.a);
	rw_sock_still(from()->sock);
	pair_until(&x.w, from()->eofs == 1);
	assert_int_equal(x.overs, 1);
	pair_until(&x.w, x.b.n_got + from()->n_got == whole);
	assert_int_equal(x.moved, x.b.n_got);
	assert_memory_equal(x.b.got, data + from()->n_got, x.b.n_got);
	end(&x);
	free(data);
}

static unsigned descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Each of the four ends goes, hard or soft, after any number of turns. */
static void any_end_may_go_at_any_time(void **state)
{
	uint8_t *data = pattern(whole, 5);
	unsigned before = descriptors();

	(void)state;
	for (unsigned i = 0; i < 160; i++) {
		struct way x;
		struct peer *who;

		begin(&x, data, whole, whole);
		if (i % 3 == 0)
			rw_sock_recv(x.b.sock, false);
		rw_sock_still(from()->sock);
		pair_turns(&x.w, i / 8);
		who = (struct peer *[]){&x.a, &x.b, from(), to()}[i % 4];
		if (who->sock && i / 4 % 2)
			rw_sock_finish(who->sock);
		else if (who->sock)
			rw_sock_abort(who->sock);
		pair_turns(&x.w, 20);
		if (from()->sock) /* as its user would, who hears of the other's end */
			rw_sock_abort(from()->sock);
		if (to()->sock)
			rw_sock_abort(to()->sock);
		if (x.b.sock)
			rw_sock_recv(x.b.sock, true);
		pair_until(&x.w, !from()->sock && !to()->sock);
		assert_int_equal(x.w.server->n_splices, 0);
		assert_memory_equal(x.b.n_got ? x.b.got : data, data + x.before, x.b.n_got);
		end(&x);
	}
	assert_int_equal(descriptors(), before);
	free(data);
}

static void there_are_so_many(void **state)
{
	struct way x;
	uint8_t byte = 7;

	(void)state;
	begin(&x, &byte, 1, 100);
	x.w.server->n_splices = RW_SPLICES;
	assert_false(rw_loop_may_splice(x.w.server));
	x.rc = RW_OK;
	rw_sock_still(from()->sock);
	pair_until(&x.w, x.rc == RW_ELIMIT);
	pair_until(&x.w, from()->n_got == 1); /* it receives again */
	x.w.server->n_splices = 0;
	end(&x);
}

/* --- many ------------------------------------------------------------------------------ */

enum { WAYS = 30, EACH = 8 << 20 };

static void on_still_of_many(struct peer *p)
{
	assert_int_equal(rw_sock_splice(p->sock, p[1].sock, EACH), RW_OK);
}

static void on_spliced_of_many(void *user, size_t n, bool over)
{
	(void)user;
	(void)n;
	(void)over;
}

static void on_accept_of_many(struct peer *p)
{
	static const struct rw_sock_cb many = {
		.on_data = peer_on_data,
		.on_eof = peer_on_eof,
		.on_drain = peer_on_drain,
		.on_close = peer_on_close,
		.on_still = peer_on_still,
		.on_spliced = on_spliced_of_many,
	};

	rw_sock_bind(p->sock, &many, p);
	p->on_still = on_still_of_many;
}

/* Each waits in a thread of the kernel's: the loop serves others, and can end them all. */
static void many_slow_receivers_keep_nobody(void **state)
{
	uint8_t *data = pattern(EACH, 6);
	struct peer out[WAYS] = {0}, in[WAYS] = {0}, other = {0};
	const struct rw_loop_stats *stats;
	uint64_t moved;
	struct pair w;

	(void)state;
	pair_begin(&w, NULL);
	w.on_accept = on_accept_of_many;
	for (unsigned i = 0; i < WAYS; i++) {
		pair_connect(&w, &out[i]);
		pair_until(&w, w.n_accepted == 2 * i + 1 && out[i].connects);
		pair_connect(&w, &in[i]);
		pair_until(&w, w.n_accepted == 2 * i + 2 && in[i].connects);
		rw_sock_recv(in[i].sock, false);
		out[i].to_send = data;
		out[i].n_to_send = EACH;
		rw_sock_still(w.accepted[2 * i].sock);
		peer_feed(&out[i]);
	}
	stats = rw_loop_stats(w.server);
	do {
		moved = stats->spliced_bytes;
		pair_turns(&w, 200);
	} while (stats->spliced_bytes != moved || !moved);
	assert_int_equal(w.server->n_splices, WAYS);
	other.to_send = data;
	other.n_to_send = 100000;
	pair_connect(&w, &other);
	pair_until(&w, w.n_accepted == 2 * WAYS + 1 && w.accepted[2 * WAYS].n_got == 100000);
	for (unsigned i = 0; i < 2 * WAYS; i++)
		rw_sock_abort(w.accepted[i].sock);
	for (unsigned i = 0; i < 2 * WAYS; i++)
		pair_until(&w, !w.accepted[i].sock);
	assert_int_equal(w.server->n_splices, 0);
	pair_end(&w);
	for (unsigned i = 0; i < WAYS; i++) {
		peer_end(&out[i]);
		peer_end(&in[i]);
	}
	peer_end(&other);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_pass_and_the_rest_comes_here),
		cmocka_unit_test(what_is_queued_goes_first_and_what_follows_last),
		cmocka_unit_test(what_is_queued_meanwhile_goes_between),
		cmocka_unit_test(a_slow_receiver_holds_the_sender_up),
		cmocka_unit_test(an_early_end_is_told),
		cmocka_unit_test(any_end_may_go_at_any_time),
		cmocka_unit_test(there_are_so_many),
		cmocka_unit_test(many_slow_receivers_keep_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
