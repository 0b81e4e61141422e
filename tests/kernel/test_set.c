/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration changed under packets, by the code that `ringwall kern set` runs. */
#include "kernel/rig.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { OTHER_PORT = 8443, TURNS = 60, PACKETS = 500 };

static void turn(struct rig *r, const struct rw_kern_limits *l)
{
	struct rw_kern_ports ports;
	struct rw_error e = {0};

	if (rw_config_fill(l, &r->cfg, &ports, &e) ||
	    rw_config_turn(r->k.fd[RW_MAP_CFG], r->k.fd[RW_MAP_PORTS], &r->cfg, &ports, &e))
		fail_msg("%s", e.text);
}

/* Both entries are used in turn: what was right in one must not be read from the other. */
static void each_change_is_in_force_when_it_returns(void **state)
{
	struct rig *r = *state;
	struct rw_kern_cfg now;

	rig_ban(r, "192.0.2.0/24", RW_KERN_VERDICT_DROP_ALL);
	for (unsigned i = 0; i < 4; i++) {
		turn(r, &(struct rw_kern_limits){
				.ports = {OTHER_PORT}, .n_ports = 1, .syn_per_second = 1000 + i});
		rig_expect_from(r, "192.0.2.7", SYN, RW_KERN_N_pass_other);
		rig_expect(r, &(struct packet_make){.port = OTHER_PORT}, RW_KERN_N_drop_denied);
		turn(r,
		     &(struct rw_kern_limits){.ports = {RIG_PORT}, .n_ports = 1, .shadow = true});
		rig_expect_from(r, "192.0.2.7", SYN, RW_KERN_N_would_drop_denied);
		turn(r, &(struct rw_kern_limits){
				.ports = {RIG_PORT}, .n_ports = 1, .syn_per_second = 2000 + i});
		rig_expect_from(r, "192.0.2.7", SYN, RW_KERN_N_drop_denied);
		assert_int_equal(rw_kern_config(&r->k, &now, NULL), RW_OK);
		assert_int_equal(now.syn.per_second, 2000 + i);
		assert_int_equal(now.hash[0], r->cfg.hash[0]);
		assert_int_not_equal(now.hash[0], 0);
	}
}

/* Limits apply from either entry, also where the program looks its configuration up again. */
static void rates_are_those_of_the_entry_in_force(void **state)
{
	struct rig *r = *state;
	struct rw_kern_limits tight = {
		.ports = {RIG_PORT}, .n_ports = 1, .syn_per_second = 1, .syn_burst = 4};
	struct rw_kern_limits none = {.ports = {RIG_PORT}, .n_ports = 1};

	rig_ban(r, "198.51.100.0/24", RW_KERN_VERDICT_LIMIT);
	for (unsigned turns = 0; turns < 2; turns++) {
		char src[32], shared[32];

		snprintf(src, sizeof(src), "192.0.2.%u", 10 + turns);
		turn(r, &tight);
		for (unsigned i = 0; i < 4; i++)
			rig_expect_from(r, src, SYN, RW_KERN_N_pass);
		rig_expect_from(r, src, SYN, RW_KERN_N_drop_syn_rate);
		turn(r, &none);
		snprintf(shared, sizeof(shared), "198.51.100.%u", turns);
		for (unsigned i = 0; i < 9; i++) {
			rig_expect_from(r, src, SYN, RW_KERN_N_pass);
			rig_expect_from(r, shared, SYN, RW_KERN_N_pass);
		}
		turn(r, &none); /* so that the second round has the other entries */
	}
}

struct load {
	int prog;
	atomic_bool end;
	pthread_t thread;
	int failed;
};

/* Until packets were judged by what is in force now. */
static void let_packets_through(struct rig *r)
{
	uint64_t before = rig_counters(r).rx;

	while (rig_counters(r).rx < before + 2 * PACKETS)
		sched_yield();
}

/* In portions, because a change waits until the program is not running. */
static void *send_packets(void *arg)
{
	struct load *load = arg;
	struct packet p;
	uint8_t out[PACKET_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.bytes, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = PACKETS);

	packet_build(&p, &(struct packet_make){.src = "192.0.2.7"});
	opts.data_size_in = (uint32_t)p.n;
	while (!atomic_load(&load->end)) {
		opts.data_size_out = sizeof(out);
		load->failed |= bpf_prog_test_run_opts(load->prog, &opts);
	}
	return NULL;
}

/*
 * In shadow mode port 443 is protected; enforcing, another. A banned packet to 443 is counted, or
 * none of our business: dropped it is only by the ports of one and the mode of the other.
 */
static void no_packet_sees_half_a_change(void **state)
{
	struct rig *r = *state;
	struct load load = {.prog = r->programs.prog[r->judge]};
	struct rw_kern_limits shadow = {.ports = {RIG_PORT}, .n_ports = 1, .shadow = true};
	struct rw_kern_limits enforcing = {.ports = {OTHER_PORT}, .n_ports = 1};
	struct rw_kern_stats s;

	rig_ban(r, "192.0.2.0/24", RW_KERN_VERDICT_DROP_ALL);
	turn(r, &shadow);
	assert_int_equal(pthread_create(&load.thread, NULL, send_packets, &load), 0);
	for (unsigned i = 0; i < TURNS; i++) {
		let_packets_through(r);
		turn(r, i % 2 ? &shadow : &enforcing);
	}
	atomic_store(&load.end, true);
	pthread_join(load.thread, NULL);
	assert_int_equal(load.failed, 0);
	s = rig_counters(r);
	assert_int_not_equal(s.would_drop_denied, 0);
	assert_int_not_equal(s.pass_other, 0);
	assert_int_equal(s.drop_denied, 0);
	assert_int_equal(s.would_drop_denied + s.pass_other, s.rx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(each_change_is_in_force_when_it_returns),
		RIG_TEST(rates_are_those_of_the_entry_in_force),
		RIG_TEST(no_packet_sees_half_a_change),
	};

	return rig_run_group("set", tests);
}
