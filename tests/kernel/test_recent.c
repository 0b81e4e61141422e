/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floods from banned sources, and from such as are over their rate: the program remembers whom it
 * has just dropped (bpf/recent.h). What it remembers must drop nobody else, hide no end of a ban
 * for long, and lose no drop.
 */
#include "kernel/feeds.h"

#include <sched.h>
#include <stdlib.h>
#include <time.h>

#define PASS   RW_KERN_N_pass
#define DENIED RW_KERN_N_drop_denied

enum { FLOOD = 1000, PATIENCE_S = 20 };

/* n packets of one source in one call of the kernel, so that most are met in one span. */
static void flood(struct rig *r, const char *src, uint8_t flags, unsigned n)
{
	uint8_t out[PACKET_MAX + 256];
	struct packet p;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.bytes, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = (int)n);

	packet_build(&p, &(struct packet_make){.src = src, .flags = flags});
	opts.data_size_in = (uint32_t)p.n;
	assert_int_equal(bpf_prog_test_run_opts(r->programs.prog[r->judge], &opts), 0);
}

static uint64_t drops_of(struct rig *r, const char *prefix)
{
	struct rw_prefix want = rig_prefix(prefix);
	uint64_t drops = UINT64_MAX;
	struct rw_ban *bans;
	unsigned n;

	assert_int_equal(rw_kern_bans(&r->k, &bans, &n, NULL), RW_OK);
	for (unsigned i = 0; i < n; i++)
		if (!memcmp(&bans[i].prefix, &want, sizeof(want)))
			drops = bans[i].drops;
	free(bans);
	assert_true(drops != UINT64_MAX);
	return drops;
}

/* Places that are taken, whether or not their span is over. */
static unsigned remembered(struct rig *r)
{
	static struct rw_kern_recents all;
	unsigned n = 0;

	for (uint32_t cpu = 0; cpu < (uint32_t)r->k.cpus; cpu++) {
		assert_int_equal(bpf_map_lookup_elem(r->k.fd[RW_MAP_RECENT], &cpu, &all), 0);
		for (unsigned i = 0; i < 1 << RW_KERN_RECENT_BITS; i++)
			n += all.at[i].family != 0;
	}
	return n;
}

static time_t deadline(void)
{
	return time(NULL) + PATIENCE_S;
}

/* Sends on until the packet ends elsewhere than in `not`: what is remembered is over by then. */
static void expect_soon(struct rig *r, const char *src, enum rw_kern_counter want,
			enum rw_kern_counter not)
{
	struct rw_kern_stats before, after;
	time_t end = deadline();
	enum rw_kern_counter got;

	do {
		before = rig_counters(r);
		flood(r, src, ACK, 1);
		after = rig_counters(r);
		got = rig_outcome(&before, &after);
	} while (got == not&&time(NULL) < end);
	assert_int_equal(got, want);
}

/* No drop is lost: while a flood goes on the ban is behind by less than 32, then it has them all.
 */
static void drops_are_behind_by_a_few_and_none_is_lost(void **state)
{
	struct rig *r = *state;
	uint64_t sent = 0, least = 0;
	time_t end = deadline();

	rig_ban(r, "192.0.2.7", RW_KERN_VERDICT_DROP_ALL);
	for (unsigned i = 0; i < 100; i++) {
		flood(r, "192.0.2.7", ACK, FLOOD + i);
		sent += FLOOD + i;
		least = drops_of(r, "192.0.2.7");
		assert_in_range(least, sent - (RW_KERN_RECENT_DROPS - 1), sent);
	}
	assert_int_equal(remembered(r), 1);
	assert_int_equal(rig_counters(r).drop_denied, sent);
	while (drops_of(r, "192.0.2.7") != sent && time(NULL) < end) {
		flood(r, "192.0.2.7", ACK, 1); /* the first of the next span settles */
		sent++;
	}
	assert_int_equal(drops_of(r, "192.0.2.7"), sent);
}

static void few_drops_are_exact(void **state)
{
	struct rig *r = *state;

	rig_ban(r, "192.0.2.7", RW_KERN_VERDICT_DROP_ALL);
	flood(r, "192.0.2.7", ACK, RW_KERN_RECENT_FROM - 1);
	assert_int_equal(drops_of(r, "192.0.2.7"), RW_KERN_RECENT_FROM - 1);
	assert_int_equal(remembered(r), 0);
}

static void lifted_ban_is_forgotten_by_itself(void **state)
{
	struct rw_prefix p = rig_prefix("192.0.2.7");
	struct rig *r = *state;

	rig_ban(r, "192.0.2.7", RW_KERN_VERDICT_DROP_ALL);
	flood(r, "192.0.2.7", ACK, FLOOD);
	assert_int_equal(rw_kern_undeny(&r->k, &p, NULL), RW_OK);
	expect_soon(r, "192.0.2.7", PASS, DENIED);
	flood(r, "192.0.2.7", ACK, FLOOD);
	rig_expect_from(r, "192.0.2.7", ACK, PASS);
}

static void allowed_source_of_a_flood_passes(void **state)
{
	struct rig *r = *state;

	rig_ban(r, "192.0.2.0/24", RW_KERN_VERDICT_DROP_ALL);
	flood(r, "192.0.2.7", ACK, FLOOD);
	rig_allow(r, "192.0.2.7");
	rig_expect_from(r, "192.0.2.7", ACK, RW_KERN_N_pass_allowed);
}

/* Else it would go on for a span after its end. */
static void ban_that_ends_soon_is_not_remembered(void **state)
{
	struct rw_prefix p = rig_prefix("192.0.2.7");
	struct rig *r = *state;

	assert_int_equal(rw_kern_deny(&r->k, &p, 20000000, RW_KERN_VERDICT_DROP_ALL,
				      RW_KERN_REASON_STRIKES, NULL),
			 RW_OK);
	flood(r, "192.0.2.7", ACK, FLOOD);
	assert_int_equal(remembered(r), 0);
	expect_soon(r, "192.0.2.7", PASS, DENIED);
}

static void milder_verdict_is_not_remembered(void **state)
{
	struct rig *r = *state;

	rig_ban(r, "192.0.2.7", RW_KERN_VERDICT_DROP_SYN);
	flood(r, "192.0.2.7", SYN, FLOOD);
	rig_expect_from(r, "192.0.2.7", ACK, PASS);
	assert_int_equal(remembered(r), 0);
}

/* A place knows of an IPv6 source its /64 only. */
static void neighbour_in_the_64_of_a_banned_host_passes(void **state)
{
	struct rig *r = *state;

	rig_ban(r, "2001:db8::7/128", RW_KERN_VERDICT_DROP_ALL);
	flood(r, "2001:db8::7", ACK, FLOOD);
	rig_expect_from(r, "2001:db8::8", ACK, PASS);
	assert_int_equal(remembered(r), 0);
}

/* 2001:0db8:: and 32.1.13.184 are the same 64 bits; both presence bits are set. */
static void family_is_not_taken_for_the_other(void **state)
{
	struct rig *r = *state;

	rig_ban(r, "32.1.13.184", RW_KERN_VERDICT_DROP_ALL);
	rig_ban(r, "2001:db8:0:1::/64", RW_KERN_VERDICT_DROP_ALL);
	flood(r, "32.1.13.184", ACK, FLOOD);
	assert_int_equal(remembered(r), 1);
	rig_expect_from(r, "2001:db8::1", ACK, PASS);
}

static uint32_t place_of(uint32_t address)
{
	return (uint32_t)(((uint64_t)address << 32) * 0x9e3779b97f4a7c15 >>
			  (64 - RW_KERN_RECENT_BITS));
}

/* Two sources of one place: each is dropped and counted, whoever has it. */
static void sources_of_one_place_are_told_apart(void **state)
{
	struct rig *r = *state;
	uint32_t a = 0x0a000001, b = a + 1;
	uint64_t sent[2] = {0};
	char text[2][16];
	time_t end = deadline();

	while (place_of(b) != place_of(a))
		b++;
	for (unsigned i = 0; i < 2; i++) {
		uint32_t wire = htonl(i ? b : a);

		assert_non_null(inet_ntop(AF_INET, &wire, text[i], sizeof(text[i])));
		rig_ban(r, text[i], RW_KERN_VERDICT_DROP_ALL);
	}
	for (unsigned i = 0; i < 40; i++) {
		flood(r, text[i % 2], ACK, FLOOD);
		sent[i % 2] += FLOOD;
	}
	assert_int_equal(remembered(r), 1);
	assert_int_equal(rig_counters(r).drop_denied, sent[0] + sent[1]);
	while ((drops_of(r, text[0]) != sent[0] || drops_of(r, text[1]) != sent[1]) &&
	       time(NULL) < end)
		for (unsigned i = 0; i < 2; i++) {
			flood(r, text[i], ACK, 1);
			sent[i]++;
		}
	assert_int_equal(drops_of(r, text[0]), sent[0]);
	assert_int_equal(drops_of(r, text[1]), sent[1]);
}

static void shadow_mode_remembers_and_drops_nothing(void **state)
{
	struct rig *r = *state;

	r->cfg.shadow = 1;
	rig_config(r);
	rig_ban(r, "192.0.2.7", RW_KERN_VERDICT_DROP_ALL);
	flood(r, "192.0.2.7", ACK, FLOOD);
	rig_expect_from(r, "192.0.2.7", ACK, RW_KERN_N_would_drop_denied);
	assert_int_equal(rig_counters(r).would_drop_denied, FLOOD + 1);
}

/* Of a feed the first drop is enough, and each is counted at once. */
static void feeds_drops_are_exact_and_its_end_counts_soon(void **state)
{
	struct rig *r = *state;

	FEED(r, "a", RW_KERN_VERDICT_DROP_ALL, "198.51.100.7");
	FEED(r, "b", RW_KERN_VERDICT_DROP_ALL, "192.0.2.0/24", "2001:db8:1::/48");
	flood(r, "192.0.2.7", ACK, FLOOD);
	flood(r, "2001:db8:1:2::3", ACK, FLOOD);
	assert_int_equal(remembered(r), 2);
	assert_int_equal(feeds_get(r, "b").drops, 2 * FLOOD);
	assert_int_equal(feeds_get(r, "a").drops, 0);
	assert_int_equal(rig_counters(r).drop_feed, 2 * FLOOD);
	rig_allow(r, "192.0.2.7");
	rig_expect_from(r, "192.0.2.7", ACK, RW_KERN_N_pass_allowed);
	assert_int_equal(rw_kern_feed_clear(&r->k, "b", NULL), RW_OK);
	expect_soon(r, "2001:db8:1:2::3", PASS, RW_KERN_N_drop_feed);
}

/* Hosts of a /64 are told apart, and milder verdicts of a feed, as with bans. */
static void feeds_hosts_and_milder_verdicts_are_not_remembered(void **state)
{
	struct rig *r = *state;

	FEED(r, "hosts", RW_KERN_VERDICT_DROP_ALL, "2001:db8::7/128");
	FEED(r, "mild", RW_KERN_VERDICT_DROP_SYN, "192.0.2.7");
	flood(r, "2001:db8::7", ACK, FLOOD);
	flood(r, "192.0.2.7", SYN, FLOOD);
	assert_int_equal(remembered(r), 0);
	rig_expect_from(r, "2001:db8::8", ACK, PASS);
	rig_expect_from(r, "192.0.2.7", ACK, PASS);
}

/* The ban is asked first, and counts what it drops. */
static void ban_of_a_listed_source_keeps_its_reason(void **state)
{
	struct rig *r = *state;

	rig_ban(r, "192.0.2.7", RW_KERN_VERDICT_DROP_SYN);
	FEED(r, "a", RW_KERN_VERDICT_DROP_ALL, "192.0.2.0/24");
	flood(r, "192.0.2.7", ACK, FLOOD);
	assert_int_equal(remembered(r), 0);
	rig_expect_from(r, "192.0.2.7", SYN, RW_KERN_N_drop_denied_syn);
	rig_expect_from(r, "192.0.2.7", ACK, RW_KERN_N_drop_feed);
}

/* --- the packet rate ------------------------------------------------------------------------- */

enum { BURST = 5 };

/* A rate so low that the burst is all there is. */
static void freeze(struct rig *r, struct rw_kern_rate *rate)
{
	rw_kern_rate_fill(rate, 100000000000, BURST, r->cfg.tick_ns);
	rig_config(r);
}

static uint64_t drops_of_limiter(struct rig *r, const char *src)
{
	struct rw_prefix p = rig_prefix(src);
	struct rw_kern_key key;
	struct rw_kern_source source;

	if (p.family == AF_INET6)
		p.plen = 64;
	key = rw_prefix_key(&p);
	assert_int_equal(bpf_map_lookup_elem(r->k.fd[RW_MAP_SOURCE], &key, &source), 0);
	return source.drops;
}

static void limiters_drops_are_behind_by_a_few_and_none_is_lost(struct rig *r, const char *src)
{
	uint64_t sent = 0, dropped;
	time_t end = deadline();

	freeze(r, &r->cfg.pkt);
	for (unsigned i = 0; i < 50; i++) {
		flood(r, src, ACK, FLOOD + i);
		sent += FLOOD + i;
		dropped = sent - BURST;
		assert_in_range(drops_of_limiter(r, src), dropped - (RW_KERN_RECENT_DROPS - 1),
				dropped);
	}
	assert_int_equal(remembered(r), 1);
	assert_int_equal(rig_counters(r).drop_pkt_rate, dropped);
	while (drops_of_limiter(r, src) != dropped && time(NULL) < end) {
		flood(r, src, ACK, 1); /* the first of the next tick settles */
		dropped++;
	}
	assert_int_equal(drops_of_limiter(r, src), dropped);
}

static void over_the_rate_v4(void **state)
{
	limiters_drops_are_behind_by_a_few_and_none_is_lost(*state, "192.0.2.7");
}

static void over_the_rate_v6(void **state)
{
	limiters_drops_are_behind_by_a_few_and_none_is_lost(*state, "2001:db8::");
}

static void source_passes_again_as_soon_as_time_lets_it(void **state)
{
	struct rig *r = *state;
	uint64_t passed;
	time_t end = deadline();

	rw_kern_rate_fill(&r->cfg.pkt, r->cfg.tick_ns, BURST, r->cfg.tick_ns);
	rig_config(r);
	flood(r, "192.0.2.7", ACK, 100 * FLOOD);
	assert_true(rig_counters(r).drop_pkt_rate > 0);
	passed = rig_counters(r).pass;
	while (rig_counters(r).pass < passed + 10 && time(NULL) < end)
		flood(r, "192.0.2.7", ACK, 1); /* one a tick conforms */
	assert_true(rig_counters(r).pass >= passed + 10);
}

/* Only what the limiter says of packets is remembered: SYNs have a rate that comes before it. */
static void syns_of_a_remembered_source_meet_the_syn_rate(void **state)
{
	struct rig *r = *state;

	freeze(r, &r->cfg.pkt);
	freeze(r, &r->cfg.syn);
	flood(r, "192.0.2.7", ACK, FLOOD);
	assert_int_equal(remembered(r), 1);
	for (unsigned i = 0; i < BURST; i++)
		rig_expect_from(r, "192.0.2.7", SYN, RW_KERN_N_drop_pkt_rate);
	rig_expect_from(r, "192.0.2.7", SYN, RW_KERN_N_drop_syn_rate);
	rig_expect_from(r, "192.0.2.7", ACK, RW_KERN_N_drop_pkt_rate);
}

static void ban_takes_the_place_and_no_drop_is_lost(void **state)
{
	struct rig *r = *state;
	uint64_t at_the_rate;

	freeze(r, &r->cfg.pkt);
	flood(r, "192.0.2.7", ACK, FLOOD);
	rig_ban(r, "192.0.2.7", RW_KERN_VERDICT_DROP_ALL);
	expect_soon(r, "192.0.2.7", DENIED, RW_KERN_N_drop_pkt_rate);
	at_the_rate = rig_counters(r).drop_pkt_rate;
	flood(r, "192.0.2.7", ACK, FLOOD);
	assert_int_equal(rig_counters(r).drop_denied, FLOOD + 1);
	assert_int_equal(rig_counters(r).drop_pkt_rate, at_the_rate);
	assert_int_equal(drops_of_limiter(r, "192.0.2.7"), at_the_rate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(drops_are_behind_by_a_few_and_none_is_lost),
		RIG_TEST(few_drops_are_exact),
		RIG_TEST(lifted_ban_is_forgotten_by_itself),
		RIG_TEST(allowed_source_of_a_flood_passes),
		RIG_TEST(ban_that_ends_soon_is_not_remembered),
		RIG_TEST(milder_verdict_is_not_remembered),
		RIG_TEST(neighbour_in_the_64_of_a_banned_host_passes),
		RIG_TEST(family_is_not_taken_for_the_other),
		RIG_TEST(sources_of_one_place_are_told_apart),
		RIG_TEST(shadow_mode_remembers_and_drops_nothing),
		RIG_TEST(feeds_drops_are_exact_and_its_end_counts_soon),
		RIG_TEST(feeds_hosts_and_milder_verdicts_are_not_remembered),
		RIG_TEST(ban_of_a_listed_source_keeps_its_reason),
		RIG_TEST(over_the_rate_v4),
		RIG_TEST(over_the_rate_v6),
		RIG_TEST(source_passes_again_as_soon_as_time_lets_it),
		RIG_TEST(syns_of_a_remembered_source_meet_the_syn_rate),
		RIG_TEST(ban_takes_the_place_and_no_drop_is_lost),
	};
	cpu_set_t set;

	CPU_ZERO(&set); /* places are per CPU */
	CPU_SET((unsigned)sched_getcpu(), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return 1;
	return rig_run_group("recent", tests);
}
