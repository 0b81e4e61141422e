/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rates per source. An interval of 100 s makes time stand still for a test: a burst is
 * then exactly that many packets, however slow the machine.
 */
#include "kernel/rig.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define PASS	  RW_KERN_N_pass
#define SYN_RATE  RW_KERN_N_drop_syn_rate
#define PKT_RATE  RW_KERN_N_drop_pkt_rate
#define LIMITED	  RW_KERN_N_drop_limited

#define FROZEN_NS 100000000000ULL

enum { BURST = 5 };

static void limit(struct rig *r, struct rw_kern_rate *rate)
{
	rw_kern_rate_fill(rate, FROZEN_NS, BURST, r->cfg.tick_ns);
	rig_config(r);
}

static void expect_burst(struct rig *r, const char *src, uint8_t flags, enum rw_kern_counter drop)
{
	for (unsigned i = 0; i < BURST; i++)
		rig_expect_from(r, src, flags, PASS);
	for (unsigned i = 0; i < 3; i++)
		rig_expect_from(r, src, flags, drop);
}

/* The sketch's part of a burst and the exact limiter's once added up to twice the burst. */
static void syn_burst_is_exact(void **state)
{
	struct rig *r = *state;

	limit(r, &r->cfg.syn);
	expect_burst(r, "192.0.2.7", SYN, SYN_RATE);
	rig_expect_from(r, "192.0.2.7", SYN | ECE | CWR, SYN_RATE);
	assert_int_equal(rig_counters(r).promoted, 1);
}

static void packet_burst_is_exact(void **state)
{
	struct rig *r = *state;

	limit(r, &r->cfg.pkt);
	expect_burst(r, "192.0.2.7", ACK, PKT_RATE);
	rig_expect_from(r, "192.0.2.7", SYN, PKT_RATE);
	assert_int_equal(rig_counters(r).promoted, 1);
}

static void syn_rate_leaves_open_connections_alone(void **state)
{
	struct rig *r = *state;

	limit(r, &r->cfg.syn);
	expect_burst(r, "192.0.2.7", SYN, SYN_RATE);
	for (unsigned i = 0; i < 3 * BURST; i++)
		rig_expect_from(r, "192.0.2.7", ACK, PASS);
}

static void each_source_has_its_own_budget(void **state)
{
	struct rig *r = *state;

	limit(r, &r->cfg.syn);
	expect_burst(r, "192.0.2.7", SYN, SYN_RATE);
	expect_burst(r, "192.0.2.8", SYN, SYN_RATE);
	expect_burst(r, "2001:db8::1", SYN, SYN_RATE);
}

/* Per /128 a single host could send from 2^64 sources. */
static void ipv6_budget_is_that_of_the_64(void **state)
{
	struct rig *r = *state;
	char src[64];

	limit(r, &r->cfg.syn);
	for (unsigned i = 0; i < BURST; i++) {
		snprintf(src, sizeof(src), "2001:db8:1:2::%x", i + 1);
		rig_expect_from(r, src, SYN, PASS);
	}
	rig_expect_from(r, "2001:db8:1:2:ffff::1", SYN, SYN_RATE);
	rig_expect_from(r, "2001:db8:1:3::1", SYN, PASS);
}

static void allowed_sources_have_no_rate(void **state)
{
	struct rig *r = *state;

	limit(r, &r->cfg.syn);
	rig_allow(r, "192.0.2.7");
	for (unsigned i = 0; i < 3 * BURST; i++)
		rig_expect_from(r, "192.0.2.7", SYN, RW_KERN_N_pass_allowed);
}

static void unlimited_means_no_state(void **state)
{
	struct rig *r = *state;
	struct rw_kern_key key;

	for (unsigned i = 0; i < 200; i++)
		rig_expect_from(r, "192.0.2.7", SYN, PASS);
	assert_int_equal(bpf_map_get_next_key(r->k.fd[RW_MAP_SOURCE], NULL, &key), -ENOENT);
}

static void shadow_mode_counts_rates_and_drops_nothing(void **state)
{
	struct rig *r = *state;

	r->cfg.shadow = 1;
	limit(r, &r->cfg.syn);
	expect_burst(r, "192.0.2.7", SYN, RW_KERN_N_would_drop_syn_rate);
}

/* The bucket refills: at 50 per second one more is let through after 20 ms, not a burst more. */
static void rate_comes_back_with_time(void **state)
{
	struct rig *r = *state;
	struct packet p;
	uint64_t passed, sent = 0;

	rw_kern_rate_fill(&r->cfg.syn, 20000000, BURST, r->cfg.tick_ns);
	rig_config(r);
	packet_build(&p, &(struct packet_make){.flags = SYN});
	do { /* until time itself has let one through beyond the burst */
		rig_run(r, p.bytes, p.n);
		passed = rig_counters(r).pass;
		sent++;
	} while (passed < BURST + 2 && sent < 10000000);
	assert_int_equal(passed, BURST + 2);
	assert_true(rig_counters(r).drop_syn_rate > 0);
}

/* Under a LIMIT ban a /24 has what one address has; from the exact limiter, with a whole burst. */
static void limit_ban_shares_one_budget(void **state)
{
	struct rig *r = *state;
	char src[64];

	limit(r, &r->cfg.syn);
	rig_ban(r, "192.0.2.0/24", RW_KERN_VERDICT_LIMIT);
	for (unsigned i = 0; i < BURST; i++) {
		snprintf(src, sizeof(src), "192.0.2.%u", i + 1);
		rig_expect_from(r, src, SYN, PASS);
	}
	rig_expect_from(r, "192.0.2.200", SYN, LIMITED);
	rig_expect_from(r, "192.0.2.200", ACK, PASS); /* no packet rate is set */
	rig_expect_from(r, "192.0.3.1", SYN, PASS);
}

static void limit_ban_of_ipv6_shares_one_budget(void **state)
{
	struct rig *r = *state;
	struct rw_ban *bans;
	unsigned n;
	char src[64];

	limit(r, &r->cfg.pkt);
	rig_ban(r, "2001:db8:1::/48", RW_KERN_VERDICT_LIMIT);
	for (unsigned i = 0; i < BURST; i++) {
		snprintf(src, sizeof(src), "2001:db8:1:%x::1", i + 1);
		rig_expect_from(r, src, ACK, PASS);
	}
	rig_expect_from(r, "2001:db8:1:ffff::1", ACK, LIMITED);
	rig_expect_from(r, "2001:db8:1::1", ACK, LIMITED);
	assert_int_equal(rw_kern_bans(&r->k, &bans, &n, NULL), RW_OK);
	assert_int_equal(bans[0].drops, 2);
	free(bans);
}

/*
 * Spoofed sources, each new: a table entry for each costs 445 ns and evicts the real ones. The
 * sketch takes them all without a single entry.
 */
static void spoofed_sources_make_no_entries(void **state)
{
	struct rig *r = *state;
	struct rw_kern_key key;
	struct packet p;

	limit(r, &r->cfg.syn);
	for (uint32_t i = 0; i < 20000; i++) {
		char src[32];

		snprintf(src, sizeof(src), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		packet_build(&p, &(struct packet_make){.src = src, .flags = SYN});
		assert_int_equal(rig_run(r, p.bytes, p.n), XDP_PASS);
	}
	assert_int_equal(rig_counters(r).promoted, 0);
	assert_int_equal(bpf_map_get_next_key(r->k.fd[RW_MAP_SOURCE], NULL, &key), -ENOENT);
}

/* Fills every cell of the SYN sketch: each new source looks too fast. */
static void fill_sketch(struct rig *r)
{
	static struct rw_kern_sketch full;

	memset(full.syn, 0xff, sizeof(full.syn));
	rig_put(r, RW_MAP_SKETCH, &full);
}

/* Sketch full of others: each source is judged by its own exact limiter, and gets its rate. */
static void collision_costs_the_burst_but_not_the_rate(void **state)
{
	struct rig *r = *state;

	limit(r, &r->cfg.syn);
	fill_sketch(r);
	rig_expect_from(r, "192.0.2.7", SYN, PASS);
	rig_expect_from(r, "192.0.2.7", SYN, SYN_RATE);
	rig_expect_from(r, "192.0.2.8", SYN, PASS);
}

/*
 * The program's time is jiffies times tick_ns. Counting tick_ns up by one moves time on by as many
 * ns as there were jiffies since boot: one step of a clock that a test holds in its hand. This
 * finds out how long such a step is.
 */
static uint64_t step_ns(struct rig *r)
{
	struct rw_prefix p = rig_prefix("198.51.100.1");
	struct rw_kern_key key = rw_prefix_key(&p);
	struct rw_kern_source source;

	r->cfg.tick_ns = 1;
	limit(r, &r->cfg.syn);
	fill_sketch(r);
	rig_expect_from(r, "198.51.100.1", SYN, PASS);
	assert_int_equal(bpf_map_lookup_elem(r->k.fd[RW_MAP_SOURCE], &key, &source), 0);
	rig_reset(r);
	return source.first_ns;
}

/*
 * A sketch that forgot a flood between two ticks admitted the rate once, and the exact limiter
 * once more. The goal is 5 %.
 */
static void sustained_flood_gets_its_rate_and_not_twice(void **state)
{
	enum { STEPS = 100, PER_STEP = 4 };
	struct rig *r = *state;
	uint64_t step = step_ns(r);
	struct packet p;
	uint64_t passed;

	rw_kern_rate_fill(&r->cfg.pkt, step / PER_STEP, 2 * PER_STEP, step);
	packet_build(&p, &(struct packet_make){.src = "192.0.2.7"});
	for (r->cfg.tick_ns = 1; r->cfg.tick_ns <= STEPS; r->cfg.tick_ns++) {
		rig_config(r);
		for (unsigned i = 0; i < 10 * PER_STEP; i++)
			rig_run(r, p.bytes, p.n);
	}
	passed = rig_counters(r).pass;
	assert_in_range(passed, STEPS * PER_STEP * 95 / 100,
			STEPS * PER_STEP * 105 / 100 + 2 * PER_STEP);
}

/* Below its rate a source never meets the limiter, however long it goes on. */
static void source_below_its_rate_is_never_dropped(void **state)
{
	enum { STEPS = 200, PER_STEP = 4 };
	struct rig *r = *state;
	uint64_t step = step_ns(r);

	rw_kern_rate_fill(&r->cfg.pkt, step / PER_STEP, 2 * PER_STEP, step);
	for (r->cfg.tick_ns = 1; r->cfg.tick_ns <= STEPS; r->cfg.tick_ns++) {
		rig_config(r);
		for (unsigned i = 0; i < PER_STEP - 1; i++)
			rig_expect_from(r, "192.0.2.7", ACK, PASS);
	}
	assert_int_equal(rig_counters(r).promoted, 0);
}

/* A flood that ends is forgiven: the source has its whole burst again after a while. */
static void burst_comes_back_after_a_pause(void **state)
{
	struct rig *r = *state;
	uint64_t step = step_ns(r);

	rw_kern_rate_fill(&r->cfg.pkt, step / 4, BURST, step);
	r->cfg.tick_ns = 1;
	rig_config(r);
	expect_burst(r, "192.0.2.7", ACK, PKT_RATE);
	r->cfg.tick_ns = 100;
	rig_config(r);
	expect_burst(r, "192.0.2.7", ACK, PKT_RATE);
}

/* A source deep in debt to a rate that was changed for a faster one would be shut out for an hour.
 */
static void debt_to_a_slower_rate_is_forgiven(void **state)
{
	struct rig *r = *state;

	rw_kern_rate_fill(&r->cfg.syn, 3600000000000, BURST, r->cfg.tick_ns);
	rig_config(r);
	expect_burst(r, "192.0.2.7", SYN, SYN_RATE);
	rw_kern_rate_fill(&r->cfg.syn, 1000, BURST, r->cfg.tick_ns);
	rig_config(r);
	rig_expect_from(r, "192.0.2.7", SYN, PASS);
}

/* A flood of heavy sources: promotions are capped by tick, so the cost per packet stays bounded. */
static void promotions_are_capped_per_tick(void **state)
{
	struct rig *r = *state;
	struct rw_kern_stats s;
	struct packet p;
	char src[32];
	uint32_t i;

	limit(r, &r->cfg.syn);
	/* a tick that never ends: the tick the program sees is this times jiffies */
	r->cfg.tick_ns = 0;
	rig_config(r);
	fill_sketch(r);
	for (i = 0; i < 3 * RW_KERN_PROMOTE_PER_TICK; i++) {
		snprintf(src, sizeof(src), "10.0.%u.%u", i >> 8, i & 255);
		packet_build(&p, &(struct packet_make){.src = src, .flags = SYN});
		rig_run(r, p.bytes, p.n);
	}
	s = rig_counters(r);
	assert_int_equal(s.promoted + s.promote_capped, i);
	assert_in_range(s.promoted, RW_KERN_PROMOTE_PER_TICK,
			RW_KERN_PROMOTE_PER_TICK * (unsigned)r->k.cpus);
	assert_int_equal(s.pass, s.promoted);
	assert_int_equal(s.drop_syn_rate, s.promote_capped);
}

static void dropped_packets_are_counted_at_the_source(void **state)
{
	struct rig *r = *state;
	struct rw_prefix p = rig_prefix("192.0.2.7");
	struct rw_kern_key key = rw_prefix_key(&p);
	struct rw_kern_source source;

	limit(r, &r->cfg.syn);
	expect_burst(r, "192.0.2.7", SYN, SYN_RATE);
	assert_int_equal(bpf_map_lookup_elem(r->k.fd[RW_MAP_SOURCE], &key, &source), 0);
	assert_int_equal(source.drops, 3);
	assert_int_equal(source.tat_pkt_ns, 0);
}

enum { RACE_PACKETS = 200000 };

struct racer {
	int prog;
	unsigned cpu;
	pthread_t thread;
};

static void *race(void *arg)
{
	const struct racer *me = arg;
	struct packet p;
	uint8_t out[PACKET_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.bytes, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = RACE_PACKETS);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(me->cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	packet_build(&p, &(struct packet_make){.flags = SYN});
	opts.data_size_in = (uint32_t)p.n;
	return (void *)(intptr_t)bpf_prog_test_run_opts(me->prog, &opts);
}

/* One source on two CPUs: sketch stores and lost swaps may admit a little more, never all. */
static void cpus_that_race_for_one_budget_barely_exceed_it(void **state)
{
	struct rig *r = *state;
	struct racer racers[2];
	struct rw_kern_stats s;
	void *failed;

	limit(r, &r->cfg.syn);
	for (unsigned i = 0; i < 2; i++) {
		racers[i] = (struct racer){.prog = r->programs.prog[r->judge], .cpu = i};
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(racers[i].thread, &failed), 0);
		assert_null(failed);
	}
	s = rig_counters(r);
	assert_int_equal(s.rx, 2 * RACE_PACKETS);
	assert_int_equal(s.pass + s.drop_syn_rate, 2 * RACE_PACKETS);
	assert_in_range(s.pass, BURST, RACE_PACKETS / 1000);
}

/* --- rates as people say them ----------------------------------------------------------------- */

static void burst_is_two_ticks_at_least(void **state)
{
	struct rw_kern_rate rate;

	(void)state;
	assert_int_equal(rw_kern_rate("SYN", 100000, 1, 4000000, &rate, NULL), RW_OK);
	assert_int_equal(rate.burst, 800);
	assert_int_equal(rw_kern_rate("SYN", 1, 1, 4000000, &rate, NULL), RW_OK);
	assert_int_equal(rate.burst, 2);
	assert_int_equal(rw_kern_rate("SYN", 50, 0, 4000000, &rate, NULL), RW_OK);
	assert_int_equal(rate.burst, 50);
	assert_int_equal(rate.interval_ns, 20000000);
	assert_int_equal(rw_kern_rate("SYN", 0, 7, 4000000, &rate, NULL), RW_OK);
	assert_int_equal(rate.interval_ns, 0);
}

static void rates_out_of_range_are_refused_in_words(void **state)
{
	struct rw_kern_rate rate;
	struct rw_error e = {0};

	(void)state;
	assert_int_equal(rw_kern_rate("SYN", 1000001, 0, 4000000, &rate, &e), RW_EINVAL);
	assert_non_null(strstr(e.text, "1000000"));
	assert_int_equal(rw_kern_rate("packet", 1, 3601 * 2, 4000000, &rate, &e), RW_EINVAL);
	assert_non_null(strstr(e.text, "packet burst"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(syn_burst_is_exact),
		RIG_TEST(packet_burst_is_exact),
		RIG_TEST(syn_rate_leaves_open_connections_alone),
		RIG_TEST(each_source_has_its_own_budget),
		RIG_TEST(ipv6_budget_is_that_of_the_64),
		RIG_TEST(allowed_sources_have_no_rate),
		RIG_TEST(unlimited_means_no_state),
		RIG_TEST(shadow_mode_counts_rates_and_drops_nothing),
		RIG_TEST(rate_comes_back_with_time),
		RIG_TEST(limit_ban_shares_one_budget),
		RIG_TEST(limit_ban_of_ipv6_shares_one_budget),
		RIG_TEST(spoofed_sources_make_no_entries),
		RIG_TEST(collision_costs_the_burst_but_not_the_rate),
		RIG_TEST(sustained_flood_gets_its_rate_and_not_twice),
		RIG_TEST(source_below_its_rate_is_never_dropped),
		RIG_TEST(burst_comes_back_after_a_pause),
		RIG_TEST(debt_to_a_slower_rate_is_forgiven),
		RIG_TEST(promotions_are_capped_per_tick),
		RIG_TEST(dropped_packets_are_counted_at_the_source),
		RIG_TEST(cpus_that_race_for_one_budget_barely_exceed_it),
		cmocka_unit_test(burst_is_two_ticks_at_least),
		cmocka_unit_test(rates_out_of_range_are_refused_in_words),
	};

	return rig_run_group("rates", tests);
}
