/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which verdict wins: the bans and the allowlist of model.h in place, every row a source, a frame
 * and the counter it must end in. As in test_xdp.c each row asserts the verdict, the one counter
 * that rose, and that no byte of the frame changed; the last test counts the rows of both.
 */
#include "kernel/model.h"
#include "kernel/rows.h"

#define DENIED	   RW_KERN_N_drop_denied
#define DENIED_SYN RW_KERN_N_drop_denied_syn
#define ALLOWED	   RW_KERN_N_pass_allowed

#define ALL4	   "203.0.113.1"
#define SYN4	   "203.0.113.2"
#define LIM4	   "203.0.113.3"
#define ALL6	   "2001:db8:b::1"
#define SYN6	   "2001:db8:c::1"
#define OK4	   "198.51.100.129"
#define OK6	   "2001:db8:a::1"
#define FREE4	   "192.0.2.9"
#define FREE6	   "2001:db8:f::1"

static const struct row verdicts[] = {
	/* a ban, and what is beside it */
	CASE("free", PASS, .src = FREE4),
	CASE("free6", PASS, .src = FREE6),
	CASE("drop_all", DENIED, .src = ALL4),
	CASE("drop_all_syn", DENIED, .src = ALL4, .flags = SYN),
	CASE("drop_all_rst", DENIED, .src = ALL4, .flags = RST),
	CASE("drop_all_below", PASS, .src = "203.0.113.0"),
	CASE("drop_all_last_before_25", PASS, .src = "203.0.113.127"),
	CASE("drop_all_first_of_25", DENIED, .src = "203.0.113.128"),
	CASE("drop_all_last_of_25", DENIED, .src = "203.0.113.255"),
	CASE("drop_all_after_25", PASS, .src = "203.0.114.0"),
	CASE("drop_all_bytes_swapped", PASS, .src = "1.113.0.203"),
	CASE("drop_all6", DENIED, .src = ALL6),
	CASE("drop_all6_syn", DENIED, .src = ALL6, .flags = SYN),
	CASE("drop_all6_rest_of_64", DENIED, .src = "2001:db8:b:0:ffff:ffff:ffff:ffff"),
	CASE("drop_all6_next_64", PASS, .src = "2001:db8:b:1::"),
	CASE("drop_all6_128", DENIED, .src = "2001:db8:d:d::d"),
	CASE("drop_all6_128_next", PASS, .src = "2001:db8:d:d::e"),
	CASE("drop_all6_128_only_its_lower_half", PASS, .src = "2001:db8:d:e::d"),
	CASE("v4_ban_does_not_hold_for_mapped_v6", PASS, .src = "::ffff:203.0.113.1"),
	CASE("v4_ban_does_not_hold_for_v6_that_begins_so", PASS, .src = "cb00:7101::"),

	/* DROP_SYN: no new connections, what is open goes on */
	CASE("drop_syn", DENIED_SYN, .src = SYN4, .flags = SYN),
	CASE("drop_syn_options", DENIED_SYN, .src = SYN4, .flags = SYN, .tcp_options = 40),
	CASE("drop_syn_ecn", DENIED_SYN, .src = SYN4, .flags = SYN | ECE | CWR),
	CASE("drop_syn_data", DENIED_SYN, .src = SYN4, .flags = SYN, .payload = 500),
	CASE("drop_syn_ack", PASS, .src = SYN4),
	CASE("drop_syn_synack", PASS, .src = SYN4, .flags = SYN | ACK),
	CASE("drop_syn_fin_ack", PASS, .src = SYN4, .flags = FIN | ACK),
	CASE("drop_syn_rst", PASS, .src = SYN4, .flags = RST),
	CASE("drop_syn6", DENIED_SYN, .src = SYN6, .flags = SYN),
	CASE("drop_syn6_ack", PASS, .src = SYN6),
	CASE("drop_syn6_last_of_48", DENIED_SYN, .src = "2001:db8:c:ffff::", .flags = SYN),
	CASE("drop_syn6_next_48", PASS, .src = "2001:db8:d::1", .flags = SYN),

	/* LIMIT without a rate lets all through */
	CASE("limit", PASS, .src = LIM4, .flags = SYN),
	CASE("limit_of_10", PASS, .src = "100.127.255.255"),
	CASE("limit6", PASS, .src = "2001:db8:e:ff::1", .flags = SYN),

	/* several bans: the strictest, not the longest */
	CASE("strict_in_mild", DENIED, .src = "198.18.5.1"),
	CASE("strict_in_mild_syn", DENIED, .src = "198.18.5.1", .flags = SYN),
	CASE("mild_around_strict", PASS, .src = "198.18.6.1"),
	CASE("mild_around_strict_syn", DENIED_SYN, .src = "198.18.6.1", .flags = SYN),
	CASE("mild_in_strict", PASS, .src = "198.19.7.7"),
	CASE("mild_in_strict_syn", DENIED_SYN, .src = "198.19.7.7", .flags = SYN),
	CASE("strict_in_mild6", DENIED, .src = "2001:db8:c:5::1"),
	CASE("mild_around_strict6", DENIED_SYN, .src = "2001:db8:c:4::1", .flags = SYN),

	/* the allowlist goes before every ban and before the flags, not before sanity */
	CASE("allowed", ALLOWED, .src = OK4),
	CASE("allowed_syn", ALLOWED, .src = OK4, .flags = SYN),
	CASE("allowed6", ALLOWED, .src = OK6),
	CASE("allowed_before_the_25", PASS, .src = "198.51.100.127"),
	CASE("allowed_in_banned", ALLOWED, .src = "203.0.113.200"),
	CASE("beside_allowed_in_banned", DENIED, .src = "203.0.113.201"),
	CASE("allowed_in_banned6", ALLOWED, .src = "2001:db8:b::a"),
	CASE("beside_allowed_in_banned6", DENIED, .src = "2001:db8:b::b"),
	CASE("allowed_flags_none", ALLOWED, .src = OK4, .no_flags = true),
	CASE("allowed_flags_xmas", ALLOWED, .src = OK6, .flags = FIN | PSH | URG),
	CASE("allowed_fragment", FRAGMENTS, .src = OK4, .frag = MF),
	CASE("allowed_fragment6", FRAGMENTS, .src = OK6, CHAIN(FRAGMENT), .frag = 1),
	EDIT("allowed_malformed", MALFORMED, L4, 12, 0x40, .src = OK4),
	CASE("allowed_other_port", OTHER, .src = OK4, .port = 22),

	/* of two reasons the first in the order counts */
	CASE("banned_and_flags", DENIED, .src = ALL4, .no_flags = true),
	CASE("banned_syn_and_flags", DENIED_SYN, .src = SYN4, .flags = SYN | FIN),
	CASE("banned_syn_and_flags_without_syn", FLAGS, .src = SYN4, .flags = FIN),
	CASE("banned_fragment", FRAGMENTS, .src = ALL4, .frag = MF),
	CASE("banned_later_fragment", OTHER, .src = ALL4, .frag = 185),
	EDIT("banned_malformed", MALFORMED, L4, 12, 0x40, .src = ALL4),
	EDIT("banned_malformed6", MALFORMED, L4, 12, 0x40, .src = ALL6),

	/* a ban reaches what is protected, and nothing else */
	CASE("banned_other_port", OTHER, .src = ALL4, .port = 22),
	CASE("banned_other_port6", OTHER, .src = ALL6, .port = 22),
	CASE("banned_udp", OTHER, .src = ALL4, .protocol = UDP),
	CASE("banned_nd", OTHER, .src = ALL6, .protocol = ICMP6),

	/* no way round: tags, options, extension headers */
	CASE("banned_vlan", DENIED, .src = ALL4, .tags = 1),
	CASE("banned_qinq", DENIED, .src = ALL4, .tags = 2),
	CASE("banned_vlan6", DENIED, .src = ALL6, .tags = 1),
	CASE("banned_qinq6", DENIED, .src = ALL6, .tags = 2),
	CASE("banned_options", DENIED, .src = ALL4, .options = 40),
	CASE("banned_qinq_options", DENIED, .src = ALL4, .tags = 2, .options = 40),
	CASE("banned_hop_by_hop", DENIED, .src = ALL6, CHAIN(HOP)),
	CASE("banned_six_headers", DENIED, .src = ALL6,
	     CHAIN(HOP, DEST, ROUTING, DEST, AUTH, DEST)),
	CASE("banned_qinq_six_headers", DENIED, .src = ALL6, .tags = 2,
	     CHAIN(HOP, DEST, ROUTING, DEST, AUTH, DEST)),
	CASE("banned_syn_vlan", DENIED_SYN, .src = SYN4, .flags = SYN, .tags = 1),
	CASE("banned_syn_dest6", DENIED_SYN, .src = SYN6, .flags = SYN, CHAIN(DEST)),
};

enum { N_VERDICTS = sizeof(verdicts) / sizeof(verdicts[0]), CASES_WANTED = 120 };

static struct rig rig;

static void as_the_row_says(void **state)
{
	const struct row *row = *state;
	struct packet p;

	row_build(&p, row);
	rig_expect_frame(&rig, p.bytes, p.n, row->want);
}

/* A row that the model contradicts would leave one of them wrong and nobody to say so. */
static void model_says_the_same(void **state)
{
	struct packet p;

	(void)state;
	for (unsigned i = 0; i < N_VERDICTS; i++) {
		row_build(&p, &verdicts[i]);
		if (model_outcome(p.bytes, p.n) != verdicts[i].want)
			fail_msg("%s: the model says %s", verdicts[i].name,
				 rig_counter_names[model_outcome(p.bytes, p.n)]);
	}
}

static void shadow_mode_counts_and_passes(void **state)
{
	struct packet p;

	(void)state;
	rig.cfg.shadow = 1;
	rig_config(&rig);
	for (unsigned i = 0; i < N_VERDICTS; i++) {
		enum rw_kern_counter want = verdicts[i].want;

		row_build(&p, &verdicts[i]);
		if (want >= RW_KERN_N_drop_malformed)
			want += RW_KERN_SHADOW;
		rig_expect_frame(&rig, p.bytes, p.n, want);
	}
	rig.cfg.shadow = 0;
	rig_config(&rig);
}

/*
 * Every valid packet, of whomever, cut anywhere. Without its port it may be ours and is malformed;
 * with it, one for another port is left alone and one for ours is malformed until it is whole.
 */
static void every_truncation_of_every_valid_packet(void **state)
{
	unsigned cut = 0;
	struct packet p;

	(void)state;
	for (unsigned i = 0; i < N_ROWS + N_VERDICTS; i++) {
		const struct row *row = i < N_ROWS ? &rows[i] : &verdicts[i - N_ROWS];
		bool other = row->make.port && row->make.port != RIG_PORT;

		if (row->want == MALFORMED || row->want == FLAGS || row->make.protocol ||
		    row->make.frag || row->make.tags > 2 || row->from == ETH)
			continue;
		row_build(&p, row);
		for (size_t n = 14; n < p.n; n++) {
			bool left_alone = other && n >= p.l4 + 4;

			if (!rig_takes(&rig, p.bytes, n))
				continue;
			rig_expect_frame(&rig, p.bytes, n, left_alone ? OTHER : MALFORMED);
			cut++;
		}
	}
	print_message("%u truncated frames\n", cut);
	assert_true(cut > 3000);
}

static void there_are_at_least_120_cases(void **state)
{
	(void)state;
	print_message("%u cases: %u of headers (test_xdp), %u of sources (here); each asserts the "
		      "verdict, its counter and every byte\n",
		      N_ROWS + N_VERDICTS, N_ROWS, N_VERDICTS);
	assert_true(N_ROWS + N_VERDICTS >= CASES_WANTED);
}

static int run(const char *name, const struct CMUnitTest *table, enum rw_kern_program judge)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(model_says_the_same),
		cmocka_unit_test(shadow_mode_counts_and_passes),
		cmocka_unit_test(every_truncation_of_every_valid_packet),
		cmocka_unit_test(there_are_at_least_120_cases),
	};

	rig.judge = judge;
	return _cmocka_run_group_tests(name, table, N_VERDICTS, NULL, NULL) +
	       cmocka_run_group_tests_name(name, others, NULL, NULL);
}

int main(void)
{
	struct CMUnitTest table[N_VERDICTS];
	int failed;

	for (unsigned i = 0; i < N_VERDICTS; i++)
		table[i] = (struct CMUnitTest){.name = verdicts[i].name,
					       .test_func = as_the_row_says,
					       .initial_state = (void *)(uintptr_t)&verdicts[i]};
	if (rig_new(&rig)) {
		fprintf(stderr, "the programs do not load: run as root\n");
		return 1;
	}
	model_enter(&rig);
	failed = run("verdicts, rw_xdp", table, RW_PROGRAM_XDP);
	failed += run("verdicts, rw_tcx", table, RW_PROGRAM_TCX);
	rig_free(&rig);
	return failed;
}
