/* SPDX-License-Identifier: Apache-2.0 */
/* Events: what is told, how often at most, and what becomes of it when nobody listens. */
#include "kernel/rig.h"

#include <stdlib.h>

#include "kern/events.h"

#define FROZEN_NS 100000000000ULL
#define MF	  0x2000
#define S	  1000000000ULL

enum { BURST = 5, SEEN_MAX = 4096 };

struct seen {
	struct rw_event ev[SEEN_MAX];
	unsigned n;
};

static void on_event(void *arg, const struct rw_event *ev)
{
	struct seen *s = arg;

	assert_true(s->n < SEEN_MAX);
	s->ev[s->n++] = *ev;
}

static struct rw_events *reader(struct rig *r)
{
	struct rw_error e = {0};
	struct rw_events *events;

	if (rw_events_open(&events, &r->k, &e))
		fail_msg("%s", e.text);
	return events;
}

/* What has been told since the last look; *s is overwritten. */
static void look_at(struct rig *r, struct seen *s, uint64_t now_ns)
{
	struct rw_events *events = reader(r);

	s->n = 0;
	rw_events_read(events, SEEN_MAX, now_ns, on_event, s);
	rw_events_close(events);
}

static void look(struct rig *r, struct seen *s)
{
	look_at(r, s, rw_kern_now_ns());
}

static struct seen seen;

/*
 * The ring is the object's and not emptied by reset: what an earlier test told is read away, which
 * on a slow machine is more than one look takes.
 */
static int setup(void **state)
{
	rig_reset(*state);
	do
		look(*state, &seen);
	while (seen.n == SEEN_MAX);
	return 0;
}

static void limit_syns(struct rig *r)
{
	rw_kern_rate_fill(&r->cfg.syn, FROZEN_NS, BURST, r->cfg.tick_ns);
	rig_config(r);
}

static void expect_source(const struct rw_event *ev, const char *source, const char *under)
{
	char text[64];

	assert_string_equal(rw_prefix_text(&ev->source, text), source);
	assert_string_equal(rw_prefix_text(&ev->under, text), under);
}

/* A banned flood of a million packets must not be a million lines. */
static void ban_tells_of_its_first_drop_and_not_of_each(void **state)
{
	struct rig *r = *state;
	uint64_t before = rw_kern_now_ns();

	rig_ban(r, "192.0.2.0/24", RW_KERN_VERDICT_DROP_ALL);
	for (unsigned i = 0; i < 300; i++)
		rig_expect_from(r, "192.0.2.7", ACK, RW_KERN_N_drop_denied);
	look(r, &seen);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.ev[0].kind, RW_KERN_EVENT_ban_drops);
	assert_int_equal(seen.ev[0].outcome, RW_KERN_N_drop_denied);
	assert_int_equal(seen.ev[0].count, 1);
	assert_false(seen.ev[0].shadow);
	assert_in_range(seen.ev[0].at_ns, before, rw_kern_now_ns());
	expect_source(&seen.ev[0], "192.0.2.7/32", "192.0.2.0/24");
}

static void ban_of_ipv6_names_source_and_prefix(void **state)
{
	struct rig *r = *state;

	rig_ban(r, "2001:db8:1:2::/64", RW_KERN_VERDICT_DROP_SYN);
	rig_expect_from(r, "2001:db8:1:2::99", ACK, RW_KERN_N_pass);
	rig_expect_from(r, "2001:db8:1:2::99", SYN, RW_KERN_N_drop_denied_syn);
	look(r, &seen);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.ev[0].outcome, RW_KERN_N_drop_denied_syn);
	expect_source(&seen.ev[0], "2001:db8:1:2::99/128", "2001:db8:1:2::/64");
}

/* When the window is over, an attack that goes on is told of again. */
static void ban_that_still_drops_is_told_of_once_a_window(void **state)
{
	struct rig *r = *state;
	struct rw_kern_key4 key = {.plen = 32, .addr = {192, 0, 2, 7}};
	struct rw_kern_ban ban;

	rig_ban(r, "192.0.2.7", RW_KERN_VERDICT_DROP_ALL);
	rig_expect_from(r, "192.0.2.7", ACK, RW_KERN_N_drop_denied);
	assert_int_equal(bpf_map_lookup_elem(r->k.fd[RW_MAP_DENY4], &key, &ban), 0);
	assert_true(ban.told_ns > ban.since_ns);
	/* On a machine that has just booted this wraps, and so does the program's difference. */
	ban.told_ns = rw_kern_now_ns() - RW_KERN_EVENT_WINDOW_NS - S;
	assert_int_equal(bpf_map_update_elem(r->k.fd[RW_MAP_DENY4], &key, &ban, BPF_EXIST), 0);
	for (unsigned i = 0; i < 4 * RW_KERN_EVENT_EVERY; i++)
		rig_expect_from(r, "192.0.2.7", ACK, RW_KERN_N_drop_denied);
	look(r, &seen);
	assert_int_equal(seen.n, 2);
	/* by then the drops of a flood are counted some at a time */
	assert_in_range(seen.ev[1].count, RW_KERN_EVENT_EVERY + 1,
			RW_KERN_EVENT_EVERY + RW_KERN_RECENT_DROPS);
}

static void ban_that_is_over_is_told_of_once(void **state)
{
	struct rig *r = *state;
	struct rw_kern_key4 key = {.plen = 32, .addr = {192, 0, 2, 7}};
	struct rw_kern_ban ban;

	rig_ban(r, "192.0.2.7", RW_KERN_VERDICT_DROP_ALL);
	rig_expect_from(r, "192.0.2.7", ACK, RW_KERN_N_drop_denied);
	assert_int_equal(bpf_map_lookup_elem(r->k.fd[RW_MAP_DENY4], &key, &ban), 0);
	ban.expires_ns = ban.told_ns + 1;
	assert_int_equal(bpf_map_update_elem(r->k.fd[RW_MAP_DENY4], &key, &ban, BPF_EXIST), 0);
	while (rw_kern_now_ns() < ban.expires_ns + 2 * r->cfg.tick_ns)
		;
	for (unsigned i = 0; i < 100; i++)
		rig_expect_from(r, "192.0.2.7", ACK, RW_KERN_N_pass);
	look(r, &seen);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.ev[1].kind, RW_KERN_EVENT_ban_expired);
	assert_int_equal(seen.ev[1].count, 1);
	assert_int_equal(rig_counters(r).ban_expired, 100);
}

static void rates_tell_once_per_reason(void **state)
{
	struct rig *r = *state;

	limit_syns(r);
	rw_kern_rate_fill(&r->cfg.pkt, FROZEN_NS, 4 * BURST, r->cfg.tick_ns);
	rig_config(r);
	for (unsigned i = 0; i < BURST; i++)
		rig_expect_from(r, "192.0.2.7", SYN, RW_KERN_N_pass);
	for (unsigned i = 0; i < 30; i++)
		rig_expect_from(r, "192.0.2.7", SYN, RW_KERN_N_drop_syn_rate);
	for (unsigned i = BURST; i < 4 * BURST; i++)
		rig_expect_from(r, "192.0.2.7", ACK, RW_KERN_N_pass);
	for (unsigned i = 0; i < 30; i++)
		rig_expect_from(r, "192.0.2.7", ACK, RW_KERN_N_drop_pkt_rate);
	look(r, &seen);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.ev[0].kind, RW_KERN_EVENT_rate_drops);
	assert_int_equal(seen.ev[0].outcome, RW_KERN_N_drop_syn_rate);
	assert_int_equal(seen.ev[1].outcome, RW_KERN_N_drop_pkt_rate);
	expect_source(&seen.ev[0], "192.0.2.7/32", "192.0.2.7/32");
}

static void limit_ban_tells_as_a_ban(void **state)
{
	struct rig *r = *state;

	limit_syns(r);
	rig_ban(r, "192.0.2.0/24", RW_KERN_VERDICT_LIMIT);
	for (unsigned i = 0; i < BURST; i++)
		rig_expect_from(r, "192.0.2.7", SYN, RW_KERN_N_pass);
	for (unsigned i = 0; i < 10; i++)
		rig_expect_from(r, "192.0.2.8", SYN, RW_KERN_N_drop_limited);
	look(r, &seen);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.ev[0].kind, RW_KERN_EVENT_ban_drops);
	assert_int_equal(seen.ev[0].outcome, RW_KERN_N_drop_limited);
	expect_source(&seen.ev[0], "192.0.2.8/32", "192.0.2.0/24");
}

static void shadow_mode_is_told(void **state)
{
	struct rig *r = *state;

	r->cfg.shadow = 1;
	rig_config(r);
	rig_ban(r, "192.0.2.7", RW_KERN_VERDICT_DROP_ALL);
	rig_expect_from(r, "192.0.2.7", ACK, RW_KERN_N_would_drop_denied);
	look(r, &seen);
	assert_int_equal(seen.n, 1);
	assert_true(seen.ev[0].shadow);
}

static void drops_without_a_known_source_tell_nothing(void **state)
{
	struct rig *r = *state;

	for (unsigned i = 0; i < 200; i++) {
		rig_expect_from(r, "192.0.2.7", SYN | FIN, RW_KERN_N_drop_flags);
		rig_expect(r, &(struct packet_make){.frag = MF, .payload = 36},
			   RW_KERN_N_drop_fragment);
	}
	look(r, &seen);
	assert_int_equal(seen.n, 0);
}

/* A SYN from each of n sources, and one more from every eighth. */
static void flood(struct rig *r, unsigned n)
{
	struct packet p;
	char src[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(src, sizeof(src), "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
		packet_build(&p, &(struct packet_make){.src = src, .flags = SYN});
		rig_run(r, p.bytes, p.n);
		if (i % 8 == 0)
			rig_run(r, p.bytes, p.n);
	}
}

/* How many events of one kind may have been told between two moments, on all CPUs. */
static uint64_t cap(const struct rig *r, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t spans = (to_ns >> RW_KERN_EVENT_SPAN_BITS) - (from_ns >> RW_KERN_EVENT_SPAN_BITS);

	return (spans + 1) * RW_KERN_EVENTS_PER_SPAN * (uint64_t)r->k.cpus;
}

/*
 * The worst that spoofing can do: every cell of the sketch is hot, so each new source is promoted
 * until the cap and dropped at once. A million of them are told of within the cap, the rest
 * counted.
 */
static void million_spoofed_sources_stay_within_the_cap(void **state)
{
	static struct rw_kern_sketch hot;
	struct rig *r = *state;
	struct rw_kern_stats stats;
	uint64_t from_ns, to_ns;

	limit_syns(r);
	memset(&hot, 0x7f, sizeof(hot));
	rig_put(r, RW_MAP_SKETCH, &hot);
	from_ns = rw_kern_now_ns();
	flood(r, 1000000);
	to_ns = rw_kern_now_ns();
	stats = rig_counters(r);
	look(r, &seen);
	assert_true(stats.promoted > 1000);
	assert_true(stats.events_capped > 0);
	assert_in_range(seen.n, 1, cap(r, from_ns, to_ns));
	print_message("%u events, %llu capped, %llu lost of %llu drops in %llu ms\n", seen.n,
		      (unsigned long long)stats.events_capped,
		      (unsigned long long)stats.events_lost,
		      (unsigned long long)stats.drop_syn_rate,
		      (unsigned long long)((to_ns - from_ns) / 1000000));
}

/* A flood of banned sources must not hide what else happens. */
static void kinds_have_caps_of_their_own(void **state)
{
	struct rig *r = *state;
	unsigned rates = 0;
	char prefix[32];

	limit_syns(r);
	for (unsigned i = 0; i < 2 * RW_KERN_EVENTS_PER_SPAN * (unsigned)r->k.cpus; i++) {
		snprintf(prefix, sizeof(prefix), "198.51.%u.%u", i / 250, i % 250);
		rig_ban(r, prefix, RW_KERN_VERDICT_DROP_ALL);
		rig_expect_from(r, prefix, SYN, RW_KERN_N_drop_denied);
	}
	for (unsigned i = 0; i < 2 * BURST; i++)
		rig_expect_from(r, "192.0.2.7", SYN,
				i < BURST ? RW_KERN_N_pass : RW_KERN_N_drop_syn_rate);
	look(r, &seen);
	for (unsigned i = 0; i < seen.n; i++)
		rates += seen.ev[i].kind == RW_KERN_EVENT_rate_drops;
	assert_int_equal(rates, 1);
}

/* Nobody reads: the ring fills, packets are judged as before, and the loss is counted. */
static void full_ring_loses_events_and_nothing_else(void **state)
{
	const unsigned room = RW_KERN_EVENTS_BYTES / (sizeof(struct rw_kern_event) + 8);
	static const struct rw_kern_told untold[1024];
	struct rig *r = *state;
	unsigned total = 0;
	char prefix[32];

	for (unsigned i = 0; i < room + 50; i++) {
		snprintf(prefix, sizeof(prefix), "198.%u.%u.%u", i / 62500, i / 250 % 250, i % 250);
		rig_ban(r, prefix, RW_KERN_VERDICT_DROP_ALL);
		rig_put(r, RW_MAP_TOLD, untold);
		rig_expect_from(r, prefix, SYN, RW_KERN_N_drop_denied);
	}
	assert_in_range(rig_counters(r).events_lost, 50, 60);
	assert_int_equal(rig_counters(r).events_capped, 0);
	do {
		look(r, &seen);
		total += seen.n;
	} while (seen.n);
	assert_in_range(total, room - 10, room);
	rig_ban(r, "192.0.2.7", RW_KERN_VERDICT_DROP_ALL);
	rig_expect_from(r, "192.0.2.7", SYN, RW_KERN_N_drop_denied);
	look(r, &seen);
	assert_int_equal(seen.n, 1);
}

/* An end is when nothing happens: the reader tells it, once, and a new beginning is a new one. */
static void capped_promotions_begin_and_end(void **state)
{
	static struct rw_kern_sketch hot;
	struct rig *r = *state;
	struct rw_events *events;
	uint64_t now_ns;

	limit_syns(r);
	memset(&hot, 0x7f, sizeof(hot));
	rig_put(r, RW_MAP_SKETCH, &hot);
	events = reader(r);
	flood(r, 20000);
	assert_true(rig_counters(r).promote_capped > 0);
	now_ns = rw_kern_now_ns();
	seen.n = 0;
	rw_events_read(events, SEEN_MAX, now_ns, on_event, &seen);
	unsigned begun = 0, ended = 0;
	for (unsigned i = 0; i < seen.n; i++)
		begun += seen.ev[i].kind == RW_KERN_EVENT_promote_capped && !seen.ev[i].ended;
	assert_int_equal(begun, 1);
	for (unsigned i = 0; i < 3; i++) {
		seen.n = 0;
		rw_events_read(events, SEEN_MAX, now_ns + (i + 1) * RW_KERN_EPISODE_QUIET_NS,
			       on_event, &seen);
		for (unsigned j = 0; j < seen.n; j++)
			ended += seen.ev[j].kind == RW_KERN_EVENT_promote_capped &&
				 seen.ev[j].ended;
	}
	assert_int_equal(ended, 1);
	rw_events_close(events);
}

static void words_name_who_what_and_how_much(void **state)
{
	struct rig *r = *state;
	char text[240];

	rig_ban(r, "192.0.2.0/24", RW_KERN_VERDICT_DROP_ALL);
	rig_expect_from(r, "192.0.2.7", ACK, RW_KERN_N_drop_denied);
	look(r, &seen);
	assert_int_equal(seen.n, 1);
	assert_string_equal(rw_event_name(&seen.ev[0]), "ban_drops");
	assert_string_equal(rw_event_text(&seen.ev[0], text),
			    "192.0.2.7 of 192.0.2.0/24: packets of a banned source are dropped "
			    "(drop_denied, 1 so far)");
	seen.ev[0] = (struct rw_event){
		.kind = RW_KERN_EVENT_promote_capped, .ended = true, .lasted_ns = 7 * S};
	assert_string_equal(rw_event_name(&seen.ev[0]), "promote_capped_ended");
	assert_string_equal(rw_event_text(&seen.ev[0], text),
			    "more heavy sources than get exact limiters: over, after 7 s");
}

static void reader_without_the_right_is_refused(void **state)
{
	struct rig *r = *state;
	struct rw_events *events;
	struct rw_error e = {0};

	r->k.read_only = true;
	assert_int_equal(rw_events_open(&events, &r->k, &e), RW_EPERM);
	assert_null(events);
	assert_non_null(strstr(e.text, "--group"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ban_tells_of_its_first_drop_and_not_of_each, setup),
		cmocka_unit_test_setup(ban_of_ipv6_names_source_and_prefix, setup),
		cmocka_unit_test_setup(ban_that_still_drops_is_told_of_once_a_window, setup),
		cmocka_unit_test_setup(ban_that_is_over_is_told_of_once, setup),
		cmocka_unit_test_setup(rates_tell_once_per_reason, setup),
		cmocka_unit_test_setup(limit_ban_tells_as_a_ban, setup),
		cmocka_unit_test_setup(shadow_mode_is_told, setup),
		cmocka_unit_test_setup(drops_without_a_known_source_tell_nothing, setup),
		cmocka_unit_test_setup(million_spoofed_sources_stay_within_the_cap, setup),
		cmocka_unit_test_setup(kinds_have_caps_of_their_own, setup),
		cmocka_unit_test_setup(full_ring_loses_events_and_nothing_else, setup),
		cmocka_unit_test_setup(capped_promotions_begin_and_end, setup),
		cmocka_unit_test_setup(words_name_who_what_and_how_much, setup),
		cmocka_unit_test_setup(reader_without_the_right_is_refused, setup),
	};

	return cmocka_run_group_tests_name("events", tests, rig_group_setup, rig_group_teardown);
}
