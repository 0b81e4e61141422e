/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator itself, and the ring under everything it can do. */
#include "unit/ring/pair.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct rw_sim_knobs calm;

/* --- random exchanges ------------------------------------------------------------------ */

enum { CLIENTS = 6, MAX_BYTES = 400000, MAX_STEPS = 400000 };

struct chaos {
	struct pair w;
	struct peer client[CLIENTS];
	uint8_t *sent[CLIENTS];
	size_t n_sent[CLIENTS];
	bool may_break;	       /* connections may be lost: what came is a prefix then */
	uint16_t abort_chance; /* of 10000, per arrival of data */
};

static bool chance(struct peer *p, uint16_t per_10000)
{
	struct chaos *x = p->more;

	return rw_sim_random(x->w.sim) % 10000 < per_10000;
}

static void maybe_abort(struct peer *p)
{
	struct chaos *x = p->more;

	if (chance(p, x->abort_chance))
		rw_sock_abort(p->sock);
}

static void echo(struct peer *p, const uint8_t *data, size_t n)
{
	int rc = rw_sock_send(p->sock, data, n);

	assert_true(rc == RW_OK || rc == RW_ECLOSED);
	/* Off and on at will: nothing may be lost or swapped by it. */
	if (rw_sock_queued(p->sock) > 8192 || chance(p, 1000))
		rw_sock_recv(p->sock, false);
	maybe_abort(p);
}

static void finish_at_eof(struct peer *p)
{
	rw_sock_finish(p->sock);
}

/* Right behind the sends, so that data may follow in the same turn. */
static void recv_again(struct peer *p)
{
	rw_sock_recv(p->sock, true);
}

static void chaos_accept(struct peer *p)
{
	p->on_drain = recv_again;
	p->on_data = echo;
	p->on_eof = finish_at_eof;
}

static void client_data(struct peer *p, const uint8_t *data, size_t n)
{
	(void)data;
	(void)n;
	if (chance(p, 1000)) {
		rw_sock_recv(p->sock, false);
		if (chance(p, 5000))
			rw_sock_recv(p->sock, true);
	}
	maybe_abort(p);
}

static void chaos_begin(struct chaos *x, uint64_t seed, const struct rw_sim_knobs *knobs)
{
	struct rw_loop_config cfg = {.max_socks = 4};

	memset(x, 0, sizeof(*x));
	pair_begin_with(&x->w, seed, knobs, &cfg, 8, 512);
	x->w.on_accept = chaos_accept;
	x->w.more = x;
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct peer *c = &x->client[i];

		x->n_sent[i] = rw_sim_random(x->w.sim) % MAX_BYTES;
		x->sent[i] = pattern(x->n_sent[i], seed + i);
		*c = (struct peer){.to_send = x->sent[i], .n_to_send = x->n_sent[i], .more = x};
		c->on_data = client_data;
		c->on_eof = finish_at_eof;
		pair_connect(&x->w, c);
	}
}

/* What users do from outside of callbacks. */
static void chaos_prod(struct chaos *x)
{
	for (unsigned i = 0; i < x->w.n_accepted; i++) {
		struct peer *a = &x->w.accepted[i];

		if (a->sock && rw_sock_queued(a->sock) <= 8192)
			rw_sock_recv(a->sock, true);
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct peer *c = &x->client[i];

		if (!c->sock)
			continue;
		rw_sock_recv(c->sock, true);
		if (c->connects && !c->connect_err && c->n_fed == c->n_to_send)
			rw_sock_shutdown(c->sock);
	}
}

static bool chaos_over(const struct chaos *x)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		if (x->client[i].sock)
			return false;
	return true;
}

static void chaos_check(const struct chaos *x, uint64_t seed)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		const struct peer *c = &x->client[i];

		if (c->closes != 1 || c->connects != 1)
			fail_msg("seed %llu: client %u: %d closes, %d connects",
				 (unsigned long long)seed, i, c->closes, c->connects);
		if (c->n_got > x->n_sent[i] ||
		    memcmp(c->got ? c->got : x->sent[i], x->sent[i], c->n_got))
			fail_msg("seed %llu: client %u got other bytes", (unsigned long long)seed,
				 i);
		if (!x->may_break && (c->n_got != x->n_sent[i] || c->close_err))
			fail_msg("seed %llu: client %u got %zu of %zu, error %d",
				 (unsigned long long)seed, i, c->n_got, x->n_sent[i], c->close_err);
	}
}

static uint64_t chaos_run(uint64_t seed, const struct rw_sim_knobs *knobs, uint16_t abort_chance,
			  bool may_break)
{
	struct chaos x;
	unsigned steps = 0;

	chaos_begin(&x, seed, knobs);
	x.may_break = may_break;
	x.abort_chance = abort_chance;
	for (; !chaos_over(&x); steps++) {
		if (steps == MAX_STEPS)
			fail_msg("seed %llu hangs", (unsigned long long)seed);
		chaos_prod(&x);
		pair_turn(&x.w);
	}
	chaos_check(&x, seed);
	pair_end(&x.w);
	for (unsigned i = 0; i < CLIENTS; i++) {
		peer_end(&x.client[i]);
		free(x.sent[i]);
	}
	return x.w.trace;
}

/* Random exchanges through a network that only slows: every byte comes back. */
static void echo_is_exact_over_200_seeds(void **state)
{
	struct rw_sim_knobs k = rw_sim_all_faults;

	(void)state;
	k.reset = k.cut = k.refuse = k.connect_fails = 0;
	for (uint64_t seed = 1; seed <= 100; seed++)
		chaos_run(seed, &k, 0, false);
	/* One fault alone, so that no other hides what it does. */
	for (uint64_t seed = 101; seed <= 200; seed++) {
		struct rw_sim_knobs one = {.window_bytes = 1 + (uint32_t)seed * 50};
		uint16_t *const switches[] = {&one.late,   &one.short_send,  &one.split,
					      &one.starve, &one.recv_ends,   &one.cancel_missed,
					      &one.ghost,  &one.slow_connect};

		*switches[seed % 8] = 5000;
		chaos_run(seed, &one, 0, false);
	}
}

/* The same with connections that are lost in every way, and users that abort anywhere. */
static void what_comes_is_a_prefix_over_200_seeds(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++)
		chaos_run(seed, &rw_sim_all_faults, seed % 2 ? 30 : 0, true);
}

/* A failing seed is worth nothing if it does not replay. */
static void sim_same_seed_same_trace(void **state)
{
	uint64_t a = chaos_run(7, &rw_sim_all_faults, 10, true);

	(void)state;
	assert_int_equal(chaos_run(7, &rw_sim_all_faults, 10, true), a);
	assert_int_not_equal(chaos_run(8, &rw_sim_all_faults, 10, true), a);
}

/* A completion of a connection that is gone must not be taken for the slot's next one. */
static void stale_completion_of_old_generation_is_dropped(void **state)
{
	struct rw_sim_knobs k = {.ghost = 10000};
	struct rw_loop_config cfg = {.max_socks = 1}; /* one slot: used again and again */
	struct pair w;

	(void)state;
	pair_begin_with(&w, 1, &k, &cfg, 0, 0);
	for (unsigned i = 0; i < 30; i++) {
		struct peer c = {0};

		pair_connect(&w, &c);
		pair_until(&w, w.n_accepted > i && c.connects);
		assert_int_equal(rw_sock_send(c.sock, "hello", 5), RW_OK);
		pair_until(&w, w.accepted[i].n_got == 5);
		pair_turns(&w, 20);
		assert_memory_equal(w.accepted[i].got, "hello", 5);
		assert_int_equal(w.accepted[i].n_got, 5);
		rw_sock_finish(c.sock);
		rw_sock_finish(w.accepted[i].sock);
		pair_until(&w, c.closes == 1 && w.accepted[i].closes == 1);
		peer_end(&c);
	}
	assert_true(rw_loop_stats(w.server)->stale > 10);
	pair_end(&w);
}

/* The second time too: a receiver that is off lets the window close, it does not hoard. */
static void recv_off_closes_the_window_again(void **state)
{
	uint8_t *bytes = pattern(900000, 2);
	struct peer c = {.to_send = bytes, .n_to_send = 900000};
	struct pair w;

	(void)state;
	pair_begin(&w, &calm);
	pair_connect(&w, &c);
	pair_until(&w, w.n_accepted == 1);
	for (int i = 0; i < 3; i++) {
		size_t before = w.accepted[0].n_got;

		rw_sock_recv(w.accepted[0].sock, false);
		pair_turns(&w, 100);
		assert_true(rw_sock_queued(c.sock) > 0);
		rw_sock_recv(w.accepted[0].sock, true);
		pair_until(&w, w.accepted[0].n_got > before);
	}
	pair_until(&w, w.accepted[0].n_got == 900000);
	assert_memory_equal(w.accepted[0].got, bytes, 900000);
	pair_end(&w);
	peer_end(&c);
	free(bytes);
}

/* --- one fault at a time --------------------------------------------------------------- */

/* A connect that comes through long after its user gave up must not leave a socket behind. */
static void connect_late_after_abort(void **state)
{
	struct rw_sim_knobs k = {.latency_ns = 3000000, .late = 5000, .cancel_missed = 5000};

	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct peer c = {0};
		struct pair w;

		pair_begin_with(&w, seed, &k, NULL, 0, 0);
		pair_connect(&w, &c);
		pair_turns(&w, (unsigned)(seed % 9));
		if (c.sock)
			rw_sock_abort(c.sock);
		pair_until(&w, c.closes == 1);
		assert_true(c.connects <= 1);
		assert_int_equal(rw_loop_stats(w.client)->socks_live, 0);
		pair_end(&w);
		peer_end(&c);
	}
}

/* Out of descriptors: told by on_connect, not from inside rw_sock_connect. */
static void connect_without_descriptor(void **state)
{
	struct rw_sim_knobs k = {.connect_fails = 10000};
	struct peer c = {0};
	struct pair w;

	(void)state;
	pair_begin(&w, &k);
	pair_connect(&w, &c);
	assert_int_equal(c.connects, 0);
	pair_until(&w, c.closes == 1);
	assert_int_equal(c.connect_err, RW_EBUSY);
	pair_end(&w);
	peer_end(&c);
}

/* An answer that came before the peer closed is delivered though our send has failed. */
static void early_answer_survives_failed_send(void **state)
{
	uint8_t *bytes = pattern(900000, 3);
	unsigned delivered = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct rw_sim_knobs k = {.late = 5000, .window_bytes = 4096};
		struct peer c = {.to_send = bytes, .n_to_send = 900000};
		struct pair w;

		pair_begin_with(&w, seed, &k, NULL, 0, 0);
		pair_connect(&w, &c);
		pair_until(&w, w.n_accepted == 1 && w.accepted[0].n_got > 0);
		rw_sock_recv(w.accepted[0].sock, false);
		assert_int_equal(rw_sock_send(w.accepted[0].sock, "413", 3), RW_OK);
		pair_until(&w, rw_sock_queued(w.accepted[0].sock) == 0);
		rw_sock_abort(w.accepted[0].sock); /* with unread bytes: a reset */
		pair_until(&w, c.closes == 1);
		assert_int_equal(c.close_err, RW_ECLOSED);
		delivered += c.n_got == 3;
		pair_end(&w);
		peer_end(&c);
	}
	assert_int_equal(delivered, 20);
	free(bytes);
}

/* A peer that never answers our FIN is closed by the linger timer, and so is one that never reads.
 */
static void finish_is_bounded_in_time(void **state)
{
	static uint8_t lots[900000];
	struct peer c[2] = {0};
	struct pair w;
	uint64_t begin;

	(void)state;
	pair_begin(&w, &calm);
	pair_connect(&w, &c[0]);
	pair_connect(&w, &c[1]);
	pair_until(&w, w.n_accepted == 2);
	rw_sock_recv(w.accepted[0].sock, false);
	rw_sock_recv(w.accepted[1].sock, false);
	pair_turns(&w, 10);
	begin = rw_sim_now(w.sim);
	assert_int_equal(rw_sock_send(c[1].sock, lots, sizeof(lots)), RW_OK);
	rw_sock_finish(c[0].sock);
	rw_sock_finish(c[1].sock);
	pair_until(&w, c[0].closes == 1);
	assert_int_equal(c[0].close_err, RW_OK);
	assert_in_range(rw_sim_now(w.sim) - begin, 2000000000, 3000000000);
	pair_until(&w, c[1].closes == 1);
	assert_int_equal(c[1].close_err, RW_ETIMEOUT);
	assert_in_range(rw_sim_now(w.sim) - begin, 30000000000, 31000000000);
	pair_end(&w);
	peer_end(&c[0]);
	peer_end(&c[1]);
}

/* A peer that stops in the middle of something gives no completion: only timers can end it. */
static struct {
	int due, cancelled;
} fired;

static void on_timer(void *arg)
{
	++*(int *)arg;
}

static void timers_fire_without_completions(void **state)
{
	struct rw_timer t = {0}, never = {0};
	struct pair w;
	uint64_t when;

	(void)state;
	pair_begin(&w, &calm);
	when = rw_loop_now(w.server) + 7000000000;
	rw_timer_set(w.server, &t, when, on_timer, &fired.due);
	rw_timer_set(w.server, &never, when - 1000000000, on_timer, &fired.cancelled);
	rw_timer_cancel(&never);
	pair_until(&w, fired.due);
	assert_in_range(rw_sim_now(w.sim), when, when + 1000000);
	assert_int_equal(fired.cancelled, 0);
	assert_int_equal(fired.due, 1);
	pair_end(&w);
}

/* --- the rules of the seam ------------------------------------------------------------- */

struct seam {
	struct rw_sim *sim;
	struct rw_io *io;
	int fd;
};

static void seam_begin(struct seam *m)
{
	struct rw_addr a;
	struct rw_io_done d[8];
	struct rw_error e;
	int listener;

	rw_sim_new(&m->sim, 1, &calm);
	rw_sim_io_new(&m->io, m->sim, 4, 64, &e);
	rw_addr_parse("127.0.0.1:80", &a, &e);
	m->io->ops->listen(m->io, &a, &listener, &e);
	m->fd = m->io->ops->socket(m->io, &a);
	m->io->ops->connect(m->io, m->fd, &a, rw_io_tag(1, 1, RW_IO_CONNECT));
	for (int i = 0; i < 10; i++) {
		m->io->ops->wait(m->io, UINT64_MAX, d, 8);
		rw_sim_step(m->sim);
	}
}

static void send_one(struct seam *m, uint32_t slot)
{
	struct iovec iov = {(void *)(uintptr_t)"x", 1};

	m->io->ops->send(m->io, m->fd, &iov, 1, false, rw_io_tag(slot, 1, RW_IO_SEND));
}

static void two_sends(struct seam *m)
{
	send_one(m, 1);
	send_one(m, 2);
}

static void two_receives(struct seam *m)
{
	m->io->ops->recv(m->io, m->fd, rw_io_tag(1, 1, RW_IO_RECV));
	m->io->ops->recv(m->io, m->fd, rw_io_tag(2, 1, RW_IO_RECV));
}

static void close_with_receive_in_flight(struct seam *m)
{
	m->io->ops->recv(m->io, m->fd, rw_io_tag(1, 1, RW_IO_RECV));
	m->io->ops->close(m->io, m->fd, false, rw_io_tag(1, 1, RW_IO_CLOSE));
}

static void tag_used_twice(struct seam *m)
{
	m->io->ops->recv(m->io, m->fd, rw_io_tag(1, 1, RW_IO_RECV));
	m->io->ops->shutdown(m->io, m->fd, rw_io_tag(1, 1, RW_IO_RECV));
}

static void buffer_twice(struct seam *m)
{
	m->io->ops->give_back(m->io, 2); /* it was never handed out */
}

static void unknown_descriptor(struct seam *m)
{
	m->io->ops->recv(m->io, m->fd + 20, rw_io_tag(1, 1, RW_IO_RECV));
}

/* Code that breaks a rule of io.h on a good day breaks connections on a bad one. */
static void rules_of_the_seam_are_checked(void **state)
{
	static void (*const sins[])(struct seam *) = {
		two_sends,	two_receives, close_with_receive_in_flight,
		tag_used_twice, buffer_twice, unknown_descriptor};

	(void)state;
	for (unsigned i = 0; i < sizeof(sins) / sizeof(sins[0]); i++) {
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			struct rlimit none = {0, 0};
			struct seam m;

			setrlimit(RLIMIT_CORE, &none);
			signal(SIGABRT, SIG_DFL);
			if (!freopen("/dev/null", "w", stderr))
				_exit(1);
			seam_begin(&m);
			sins[i](&m);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
			fail_msg("sin %u was not noticed", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo_is_exact_over_200_seeds),
		cmocka_unit_test(what_comes_is_a_prefix_over_200_seeds),
		cmocka_unit_test(sim_same_seed_same_trace),
		cmocka_unit_test(stale_completion_of_old_generation_is_dropped),
		cmocka_unit_test(recv_off_closes_the_window_again),
		cmocka_unit_test(connect_late_after_abort),
		cmocka_unit_test(connect_without_descriptor),
		cmocka_unit_test(early_answer_survives_failed_send),
		cmocka_unit_test(finish_is_bounded_in_time),
		cmocka_unit_test(timers_fire_without_completions),
		cmocka_unit_test(rules_of_the_seam_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
