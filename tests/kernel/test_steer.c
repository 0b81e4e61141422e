/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rw_steer with real sockets on the loopback of a network namespace of this program's own: who is
 * chosen, who never, and what becomes of connections whose listener closes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <time.h>

#include "kern/steer.h"
#include "kernel/rig.h"

enum { WORKERS = 4, PORT = 7443, MANY = 400, GATEWAYS = RW_KERN_SEATS + 1 };

/* A gateway: a listening socket per worker, and its seat. */
struct gateway {
	int fds[WORKERS];
	unsigned n;
	struct rw_steering *s;
	unsigned accepted[WORKERS];
};

struct steer_rig {
	struct rw_programs programs;
	struct rw_kern k;
	struct gateway gw[GATEWAYS];
	int clients[2 * MANY];
	unsigned n_clients;
};

/* --- sockets ---------------------------------------------------------------------------------- */

static int open_listener(const char *host, unsigned port)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	bool six = strchr(host, ':') != NULL;
	int one = 1, fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(inet_pton(six ? AF_INET6 : AF_INET, host,
				   six ? (void *)&in6.sin6_addr : (void *)&in4.sin_addr),
			 1);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	if (six)
		assert_int_equal(bind(fd, (struct sockaddr *)&in6, sizeof(in6)), 0);
	else
		assert_int_equal(bind(fd, (struct sockaddr *)&in4, sizeof(in4)), 0);
	assert_int_equal(listen(fd, MANY), 0);
	return fd;
}

static void listen_on(struct gateway *g, const char *host, unsigned workers)
{
	for (g->n = 0; g->n < workers; g->n++)
		g->fds[g->n] = open_listener(host, PORT);
}

static void take_turn(struct steer_rig *r, struct gateway *g)
{
	struct rw_steering_group group = {g->fds, g->n};
	struct rw_error e = {0};

	if (rw_steering_adopt(&g->s, &r->k, dup(r->programs.prog[RW_PROGRAM_STEER]), &e) ||
	    rw_steering_take(g->s, &group, 1, &e))
		fail_msg("%s", e.text);
}

/* A gateway that listens on 127.0.0.1 and whose turn it is. */
static struct gateway *start(struct steer_rig *r, unsigned id, unsigned workers)
{
	struct gateway *g = &r->gw[id];

	listen_on(g, "127.0.0.1", workers);
	take_turn(r, g);
	return g;
}

static void close_listener(struct gateway *g, unsigned worker)
{
	close(g->fds[worker]);
	g->fds[worker] = -1;
}

static void stop(struct gateway *g)
{
	for (unsigned w = 0; w < WORKERS; w++)
		if (g->fds[w] >= 0)
			close_listener(g, w);
	rw_steering_close(g->s);
	g->s = NULL;
}

/* Begins a connection; whether it is established shows later. */
static int begin_connect(struct steer_rig *r, const char *host)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	bool six = strchr(host, ':') != NULL;
	int rc, fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0 && r->n_clients < sizeof(r->clients) / sizeof(r->clients[0]));
	r->clients[r->n_clients++] = fd;
	inet_pton(six ? AF_INET6 : AF_INET, host,
		  six ? (void *)&in6.sin6_addr : (void *)&in4.sin_addr);
	rc = six ? connect(fd, (struct sockaddr *)&in6, sizeof(in6))
		 : connect(fd, (struct sockaddr *)&in4, sizeof(in4));
	assert_true(!rc || errno == EINPROGRESS);
	return fd;
}

/* 0, or the errno of the connection. */
static int connected(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int err = 0;
	socklen_t len = sizeof(err);

	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	return err;
}

static void connect_to(struct steer_rig *r, const char *host)
{
	assert_int_equal(connected(begin_connect(r, host)), 0);
}

/* Accepts what is there, all of it established before; what came since the last call. */
static unsigned accept_all(struct gateway *g)
{
	unsigned all = 0;

	for (unsigned w = 0; w < g->n; w++) {
		int fd;

		g->accepted[w] = 0;
		while (g->fds[w] >= 0 && (fd = accept(g->fds[w], NULL, NULL)) >= 0) {
			g->accepted[w]++;
			all++;
			close(fd);
		}
	}
	return all;
}

static void connect_many(struct steer_rig *r, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		connect_to(r, "127.0.0.1");
}

static struct rw_kern_steer_stats counters(struct steer_rig *r)
{
	struct rw_kern_steer_stats s;

	assert_int_equal(rw_steering_counters(&r->k, &s, NULL), RW_OK);
	return s;
}

/* What was chosen lately counts as load for a while. */
static void let_window_pass(void)
{
	const struct timespec two_windows = {.tv_nsec = 2L << RW_KERN_WINDOW_SHIFT};

	nanosleep(&two_windows, NULL);
}

/* --- the rig ---------------------------------------------------------------------------------- */

static void loopback_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
	close(fd);
}

static int group_setup(void **state)
{
	*state = NULL;
	if (unshare(CLONE_NEWNET))
		return -1;
	loopback_up();
	return 0;
}

static int setup(void **state)
{
	struct steer_rig *r = calloc(1, sizeof(*r));
	struct rw_error e = {0};

	*state = r;
	assert_non_null(r);
	rw_kern_init(&r->k);
	rw_programs_init(&r->programs);
	if (rw_programs_load(&r->programs, 1U << RW_PROGRAM_STEER, &e)) {
		print_error("%s\n", e.text);
		return -1;
	}
	for (unsigned m = 0; m < RW_MAPS; m++)
		if (r->programs.map[m] >= 0)
			r->k.fd[m] = dup(r->programs.map[m]);
	r->k.cpus = libbpf_num_possible_cpus();
	for (unsigned g = 0; g < GATEWAYS; g++)
		for (unsigned w = 0; w < WORKERS; w++)
			r->gw[g].fds[w] = -1;
	return 0;
}

static int teardown(void **state)
{
	struct steer_rig *r = *state;

	for (unsigned i = 0; i < r->n_clients; i++)
		close(r->clients[i]);
	for (unsigned g = 0; g < GATEWAYS; g++)
		stop(&r->gw[g]);
	rw_kern_release(&r->k);
	rw_programs_free(&r->programs);
	free(r);
	return 0;
}

/* --- who is chosen ---------------------------------------------------------------------------- */

/* A hash or a die would be off by 9 connections as a rule, and by 20 now and then. */
static void equal_load_is_spread_equally(void **state)
{
	struct steer_rig *r = *state;
	struct gateway *g = start(r, 0, WORKERS);

	for (unsigned i = 0; i < MANY; i++) {
		connect_to(r, "127.0.0.1");
		assert_int_equal(accept_all(g), 1);
		for (unsigned w = 0; w < WORKERS; w++) {
			rw_steering_load(g->s, w)->connections += g->accepted[w];
			rw_steering_load(g->s, w)->accepted += g->accepted[w];
		}
	}
	for (unsigned w = 0; w < WORKERS; w++)
		assert_in_range(rw_steering_load(g->s, w)->connections, MANY / WORKERS - 4,
				MANY / WORKERS + 4);
	assert_int_equal(counters(r).steer_chosen, MANY);
	assert_int_equal(counters(r).steer_fallback, 0);
}

static void the_busiest_worker_gets_nothing(void **state)
{
	struct steer_rig *r = *state;
	struct gateway *g = start(r, 0, WORKERS);

	rw_steering_load(g->s, 2)->requests = MANY + 1;
	connect_many(r, MANY);
	assert_int_equal(accept_all(g), MANY);
	assert_int_equal(g->accepted[2], 0);
	for (unsigned w = 0; w < WORKERS; w++)
		assert_true(w == 2 || g->accepted[w] > MANY / 5);
}

/* Load counts whether it is connections or requests that make it. */
static void connections_and_requests_add_up(void **state)
{
	struct steer_rig *r = *state;
	struct gateway *g = start(r, 0, 2);

	rw_steering_load(g->s, 0)->connections = 60;
	rw_steering_load(g->s, 0)->requests = 60;
	rw_steering_load(g->s, 1)->connections = 100;
	connect_many(r, 10);
	assert_int_equal(accept_all(g), 10);
	assert_int_equal(g->accepted[1], 10);
}

/*
 * Nobody has accepted anything yet, so the loads that the workers publish are as they were: without
 * a count of its own the program would give a whole burst to the one that was idle before it.
 */
static void a_burst_before_anybody_accepts_is_spread(void **state)
{
	struct steer_rig *r = *state;
	struct gateway *g = start(r, 0, 2);

	rw_steering_load(g->s, 0)->connections = 1;
	for (unsigned i = 0; i < 100; i++)
		begin_connect(r, "127.0.0.1");
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(connected(r->clients[i]), 0);
	assert_int_equal(accept_all(g), 100);
	assert_true(g->accepted[0] >= 25);
}

/* As open and as on its way: a worker that accepts at once would get half of what a slow one gets.
 */
static void what_was_accepted_is_not_counted_twice(void **state)
{
	struct steer_rig *r = *state;
	struct gateway *g = start(r, 0, 2);
	struct rw_kern_load *quick = rw_steering_load(g->s, 0);

	rw_steering_load(g->s, 1)->connections = 20;
	for (unsigned i = 0; i < 19; i++) {
		connect_to(r, "127.0.0.1");
		assert_int_equal(accept_all(g), 1);
		assert_int_equal(g->accepted[0], 1);
		quick->connections++;
		quick->accepted++;
	}
}

/* SYNs that nobody completes must not count for ever. */
static void what_was_chosen_long_ago_is_no_load(void **state)
{
	struct steer_rig *r = *state;
	struct gateway *g = start(r, 0, 2);

	rw_steering_load(g->s, 0)->connections = 1000;
	connect_many(r, 50);
	let_window_pass();
	rw_steering_load(g->s, 0)->connections = 10;
	connect_many(r, 5);
	assert_int_equal(accept_all(g), 55);
	assert_int_equal(g->accepted[1], 55);
}

static void a_single_worker_gets_all(void **state)
{
	struct steer_rig *r = *state;
	struct gateway *g = start(r, 0, 1);

	connect_many(r, 20);
	assert_int_equal(accept_all(g), 20);
	assert_int_equal(counters(r).steer_chosen, 20);
}

static void a_closed_worker_is_never_chosen(void **state)
{
	struct steer_rig *r = *state;
	struct gateway *g = start(r, 0, 2);

	close_listener(g, 0);
	rw_steering_load(g->s, 1)->connections = 1000;
	connect_many(r, 50);
	assert_int_equal(accept_all(g), 50);
	assert_int_equal(counters(r).steer_chosen, 50);
	assert_int_equal(counters(r).steer_fallback, 0);
}

/* Two addresses with one port are two groups; a socket of the other one must not be selected. */
static void listeners_are_told_apart_by_address(void **state)
{
	struct steer_rig *r = *state;
	struct gateway *four = start(r, 0, 2), *other = &r->gw[1], *six = &r->gw[2];

	listen_on(other, "127.0.0.2", 2);
	take_turn(r, other);
	listen_on(six, "::1", 2);
	take_turn(r, six);
	for (unsigned i = 0; i < 30; i++) {
		connect_to(r, "127.0.0.1");
		connect_to(r, "127.0.0.2");
		connect_to(r, "::1");
	}
	assert_int_equal(accept_all(four), 30);
	assert_int_equal(accept_all(other), 30);
	assert_int_equal(accept_all(six), 30);
	assert_int_equal(counters(r).steer_chosen, 90);
}

static void a_listener_on_any_address_is_steered(void **state)
{
	struct steer_rig *r = *state;
	struct gateway *g = &r->gw[0];

	listen_on(g, "0.0.0.0", 2);
	take_turn(r, g);
	rw_steering_load(g->s, 0)->connections = 1000;
	for (unsigned i = 0; i < 10; i++)
		connect_to(r, "127.0.0.9");
	assert_int_equal(accept_all(g), 10);
	assert_int_equal(g->accepted[1], 10);
}

/* --- taking over ------------------------------------------------------------------------------ */

static void who_takes_the_turn_gets_all_at_once(void **state)
{
	struct steer_rig *r = *state;
	struct gateway *old = start(r, 0, 2), *now = &r->gw[1];

	connect_many(r, 20);
	listen_on(now, "127.0.0.1", 3);
	connect_many(r, 20); /* it listens, and it is not its turn */
	assert_int_equal(accept_all(now), 0);
	assert_int_equal(accept_all(old), 40);
	take_turn(r, now);
	connect_many(r, 60);
	assert_int_equal(accept_all(old), 0);
	assert_int_equal(accept_all(now), 60);
	assert_int_equal(counters(r).steer_fallback, 0);
}

/* Whoever took over has died: the one before it still listens and must be found. */
static void when_the_successor_dies_the_hash_finds_the_old_one(void **state)
{
	struct steer_rig *r = *state;
	struct gateway *old = start(r, 0, 2);

	stop(start(r, 1, 2));
	connect_many(r, 20);
	assert_int_equal(accept_all(old), 20);
	assert_int_equal(counters(r).steer_fallback, 20);
}

static void unaccepted_connections_move_to_the_successor(void **state)
{
	struct steer_rig *r = *state;
	struct gateway *old = start(r, 0, 2), *now;

	connect_many(r, 40);
	now = start(r, 1, 2);
	stop(old);
	assert_int_equal(accept_all(now), 40);
	assert_int_equal(counters(r).steer_migrated, 40);
	for (unsigned i = 0; i < 40; i++) {
		char c;

		assert_int_equal(recv(r->clients[i], &c, 1, 0), 0); /* FIN of accept_all, no RST */
	}
}

/*
 * Half-open: the SYN is answered, the ACK has not come when the listener closes. TCP_DEFER_ACCEPT
 * keeps a request in that state although its ACK came, until data does.
 */
static void half_open_connections_move_to_the_successor(void **state)
{
	struct steer_rig *r = *state;
	struct gateway *old = &r->gw[0], *now = &r->gw[1];
	int seconds = 30;

	listen_on(old, "127.0.0.1", 1);
	assert_int_equal(
		setsockopt(old->fds[0], IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)),
		0);
	take_turn(r, old);
	connect_many(r, 10);
	assert_int_equal(accept_all(old), 0);
	now = start(r, 1, 2);
	stop(old);
	rw_steering_load(now->s, 0)->connections = 100;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(send(r->clients[i], "x", 1, MSG_NOSIGNAL), 1);
	assert_int_equal(accept_all(now), 10);
	assert_int_equal(now->accepted[1], 10);
	assert_int_equal(counters(r).steer_migrated, 10);
}

/* The same without the program: what the two tests above would see if it did nothing. */
static void without_the_program_unaccepted_connections_are_reset(void **state)
{
	struct steer_rig *r = *state;
	struct gateway *old = &r->gw[0], *now = &r->gw[1];
	unsigned moved;

	listen_on(old, "127.0.0.1", 1);
	connect_many(r, 20);
	listen_on(now, "127.0.0.1", 1);
	stop(old);
	moved = accept_all(now);
	assert_int_equal(moved, 0);
	for (unsigned i = 0; i < 20; i++) {
		char c;

		assert_int_equal(recv(r->clients[i], &c, 1, 0), -1);
		assert_int_equal(errno, ECONNRESET);
	}
}

/* --- seats ------------------------------------------------------------------------------------
 */

static void a_seat_is_free_again_when_its_sockets_are_closed(void **state)
{
	struct steer_rig *r = *state;
	struct gateway *g;

	for (unsigned i = 0; i < 3 * RW_KERN_SEATS; i++) {
		g = start(r, 0, 2);
		stop(g);
	}
	g = start(r, 0, 2);
	connect_many(r, 10);
	assert_int_equal(accept_all(g), 10);
}

static void one_gateway_too_many_is_refused_and_changes_nothing(void **state)
{
	struct steer_rig *r = *state;
	struct gateway *last = &r->gw[RW_KERN_SEATS];
	struct rw_steering_group group = {last->fds, 2};
	struct rw_error e = {0};

	for (unsigned i = 0; i < RW_KERN_SEATS; i++)
		start(r, i, 2);
	listen_on(last, "127.0.0.1", 2);
	assert_int_equal(
		rw_steering_adopt(&last->s, &r->k, dup(r->programs.prog[RW_PROGRAM_STEER]), &e),
		RW_OK);
	assert_int_equal(rw_steering_take(last->s, &group, 1, &e), RW_EBUSY);
	assert_non_null(strstr(e.text, "4 gateways are listening already"));
	assert_null(rw_steering_load(last->s, 0));
	connect_many(r, 20);
	assert_int_equal(accept_all(&r->gw[RW_KERN_SEATS - 1]), 20);
}

/* The loads of who had the seat before are not the new one's. */
static void a_seat_is_taken_over_empty(void **state)
{
	struct steer_rig *r = *state;
	struct gateway *g = start(r, 0, 2);

	rw_steering_load(g->s, 0)->connections = 1000;
	stop(g);
	g = start(r, 0, 2);
	assert_int_equal(rw_steering_load(g->s, 0)->connections, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(equal_load_is_spread_equally),
		TEST(the_busiest_worker_gets_nothing),
		TEST(connections_and_requests_add_up),
		TEST(a_burst_before_anybody_accepts_is_spread),
		TEST(what_was_accepted_is_not_counted_twice),
		TEST(what_was_chosen_long_ago_is_no_load),
		TEST(a_single_worker_gets_all),
		TEST(a_closed_worker_is_never_chosen),
		TEST(listeners_are_told_apart_by_address),
		TEST(a_listener_on_any_address_is_steered),
		TEST(who_takes_the_turn_gets_all_at_once),
		TEST(when_the_successor_dies_the_hash_finds_the_old_one),
		TEST(unaccepted_connections_move_to_the_successor),
		TEST(half_open_connections_move_to_the_successor),
		TEST(without_the_program_unaccepted_connections_are_reset),
		TEST(a_seat_is_free_again_when_its_sockets_are_closed),
		TEST(one_gateway_too_many_is_refused_and_changes_nothing),
		TEST(a_seat_is_taken_over_empty),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
