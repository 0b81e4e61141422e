/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rw_xdp and rw_tcx take for TCP to a protected port, and drop for its headers alone. Every
 * case asserts the verdict, the one counter that rose, and that no byte of the frame changed.
 */
#include "kernel/rig.h"

#define V6 "2001:db8:1:2::7"
#define CHAIN(...) \
	.chain = (const uint8_t[]){__VA_ARGS__}, .n_chain = sizeof((const uint8_t[]){__VA_ARGS__})

enum { HOP = 0, ROUTING = 43, FRAGMENT = 44, AUTH = 51, DEST = 60, MF = 0x2000, DF = 0x4000 };

/* One byte changed after building; from: the start of what `at` counts from. */
enum from { UNCHANGED, ETH, IP, L4 };

struct row {
	const char *name;
	struct packet_make make;
	enum rw_kern_counter want;
	enum from from;
	unsigned at;
	uint8_t value;
};

#define PASS	  RW_KERN_N_pass
#define OTHER	  RW_KERN_N_pass_other
#define MALFORMED RW_KERN_N_drop_malformed
#define FRAGMENTS RW_KERN_N_drop_fragment
#define FLAGS	  RW_KERN_N_drop_flags

static const struct row rows[] = {
	/* valid, and ours */
	{"ip4", {0}, PASS, UNCHANGED, 0, 0},
	{"ip4_syn", {.flags = SYN, .tcp_options = 20}, PASS, UNCHANGED, 0, 0},
	{"ip4_payload", {.flags = PSH | ACK, .payload = 1000}, PASS, UNCHANGED, 0, 0},
	{"ip4_options_24_byte_header", {.options = 4}, PASS, UNCHANGED, 0, 0},
	{"ip4_options_60_byte_header", {.options = 40}, PASS, UNCHANGED, 0, 0},
	{"ip4_tcp_header_of_60_bytes", {.tcp_options = 40}, PASS, UNCHANGED, 0, 0},
	{"ip4_df", {.frag = DF}, PASS, UNCHANGED, 0, 0},
	{"ip4_vlan", {.tags = 1}, PASS, UNCHANGED, 0, 0},
	{"ip4_qinq", {.tags = 2}, PASS, UNCHANGED, 0, 0},
	{"ip6", {.src = V6}, PASS, UNCHANGED, 0, 0},
	{"ip6_payload", {.src = V6, .payload = 900}, PASS, UNCHANGED, 0, 0},
	{"ip6_vlan", {.src = V6, .tags = 1}, PASS, UNCHANGED, 0, 0},
	{"ip6_qinq", {.src = V6, .tags = 2}, PASS, UNCHANGED, 0, 0},
	{"ip6_hop_by_hop", {.src = V6, CHAIN(HOP)}, PASS, UNCHANGED, 0, 0},
	{"ip6_routing", {.src = V6, CHAIN(ROUTING)}, PASS, UNCHANGED, 0, 0},
	{"ip6_dest", {.src = V6, CHAIN(DEST)}, PASS, UNCHANGED, 0, 0},
	{"ip6_auth_counts_in_4_bytes", {.src = V6, CHAIN(AUTH)}, PASS, UNCHANGED, 0, 0},
	{"ip6_auth_of_24_bytes", {.src = V6, CHAIN(AUTH, TCP, TCP)}, PASS, IP, 40 + 1, 4},
	{"ip6_dest_of_16_bytes", {.src = V6, CHAIN(DEST, 6), .protocol = TCP}, PASS, IP, 40 + 1, 1},
	{"ip6_six_headers",
	 {.src = V6, CHAIN(HOP, DEST, ROUTING, DEST, DEST, DEST)},
	 PASS,
	 UNCHANGED,
	 0,
	 0},

	/* not ours: passed untouched, however odd */
	{"ip4_other_port", {.port = 22}, OTHER, UNCHANGED, 0, 0},
	{"ip6_other_port", {.src = V6, .port = 22}, OTHER, UNCHANGED, 0, 0},
	{"port_one_below", {.port = 442}, OTHER, UNCHANGED, 0, 0},
	{"port_one_above", {.port = 444}, OTHER, UNCHANGED, 0, 0},
	{"port_of_another_word", {.port = 443 + 64}, OTHER, UNCHANGED, 0, 0},
	{"port_with_its_bytes_swapped", {.port = 0xbb01}, OTHER, UNCHANGED, 0, 0},
	{"ip4_udp_443", {.protocol = UDP}, OTHER, UNCHANGED, 0, 0},
	{"ip4_icmp", {.protocol = 1}, OTHER, UNCHANGED, 0, 0},
	{"ip6_nd_always_passes", {.src = "fe80::1", .protocol = ICMP6}, OTHER, L4, 0, 135},
	{"ip6_no_next_header", {.src = V6, .protocol = 59}, OTHER, UNCHANGED, 0, 0},
	{"ip6_esp", {.src = V6, CHAIN(DEST), .protocol = 50}, OTHER, UNCHANGED, 0, 0},
	{"ip6_six_headers_and_no_tcp",
	 {.src = V6, CHAIN(HOP, DEST, ROUTING, DEST, DEST, DEST), .protocol = ICMP6},
	 OTHER,
	 UNCHANGED,
	 0,
	 0},
	{"arp_always_passes", {0}, OTHER, ETH, 13, 0x06},
	{"three_tags_are_not_parsed", {.tags = 3}, OTHER, UNCHANGED, 0, 0},
	{"other_port_with_odd_flags", {.port = 22, .no_flags = true}, OTHER, UNCHANGED, 0, 0},
	{"other_port_longer_than_frame", {.port = 22}, OTHER, IP, 2, 4},
	{"other_port_short_tcp", {.port = 22}, OTHER, L4, 12, 0x10},

	/* fragments */
	{"ip4_first_fragment", {.frag = MF, .payload = 36}, FRAGMENTS, UNCHANGED, 0, 0},
	{"ip4_first_fragment_other_port", {.frag = MF, .port = 22}, OTHER, UNCHANGED, 0, 0},
	{"ip4_later_fragment_has_no_port", {.frag = MF | 1}, OTHER, UNCHANGED, 0, 0},
	{"ip4_last_fragment_has_no_port", {.frag = 185}, OTHER, UNCHANGED, 0, 0},
	{"ip4_fragment_from_the_middle", {.frag = 0x1000}, OTHER, UNCHANGED, 0, 0},
	{"ip6_first_fragment", {.src = V6, CHAIN(FRAGMENT), .frag = 1}, FRAGMENTS, UNCHANGED, 0, 0},
	{"ip6_atomic_fragment", {.src = V6, CHAIN(FRAGMENT)}, FRAGMENTS, UNCHANGED, 0, 0},
	{"ip6_first_fragment_other_port",
	 {.src = V6, CHAIN(FRAGMENT), .frag = 1, .port = 22},
	 OTHER,
	 UNCHANGED,
	 0,
	 0},
	{"ip6_later_fragment_has_no_port",
	 {.src = V6, CHAIN(FRAGMENT), .frag = 8},
	 OTHER,
	 UNCHANGED,
	 0,
	 0},
	/* bpfilter added the fragment header's reserved byte to its length: the port moves */
	{"ip6_fragment_header_is_8_bytes_whatever_its_reserved_byte",
	 {.src = V6, CHAIN(FRAGMENT), .frag = 1, .payload = 64},
	 FRAGMENTS,
	 IP,
	 40 + 1,
	 3},

	/* headers that cannot be right */
	{"ip4_version_5", {0}, MALFORMED, IP, 0, 0x55},
	{"ip4_header_of_16_bytes", {0}, MALFORMED, IP, 0, 0x44},
	{"ip4_shorter_than_its_header", {.options = 8}, MALFORMED, IP, 3, 24},
	{"ip4_too_short_for_ports", {0}, MALFORMED, IP, 3, 23},
	{"ip4_too_short_for_tcp", {0}, MALFORMED, IP, 3, 39},
	{"ip4_longer_than_frame", {0}, MALFORMED, IP, 3, 41},
	{"ip4_much_longer_than_frame", {0}, MALFORMED, IP, 2, 0xff},
	{"tcp_header_of_16_bytes", {0}, MALFORMED, L4, 12, 0x40},
	{"tcp_header_longer_than_packet", {0}, MALFORMED, L4, 12, 0x60},
	{"ip6_version_4", {.src = V6}, MALFORMED, IP, 0, 0x40},
	{"ip6_empty_payload", {.src = V6}, MALFORMED, IP, 5, 0},
	{"ip6_longer_than_frame", {.src = V6}, MALFORMED, IP, 5, 21},
	{"ip6_header_runs_beyond_frame", {.src = V6, CHAIN(DEST)}, MALFORMED, IP, 40 + 1, 255},
	{"ip6_header_runs_beyond_packet",
	 {.src = V6, CHAIN(DEST), .payload = 64},
	 MALFORMED,
	 IP,
	 5,
	 8},
	{"ip6_seven_headers",
	 {.src = V6, CHAIN(HOP, DEST, DEST, DEST, DEST, DEST, DEST)},
	 MALFORMED,
	 UNCHANGED,
	 0,
	 0},

	/* flags that no TCP sends */
	{"flags_none", {.no_flags = true}, FLAGS, UNCHANGED, 0, 0},
	{"flags_syn_fin", {.flags = SYN | FIN}, FLAGS, UNCHANGED, 0, 0},
	{"flags_syn_rst", {.flags = SYN | RST}, FLAGS, UNCHANGED, 0, 0},
	{"flags_fin_alone", {.flags = FIN}, FLAGS, UNCHANGED, 0, 0},
	{"flags_psh_alone", {.flags = PSH}, FLAGS, UNCHANGED, 0, 0},
	{"flags_xmas", {.flags = FIN | PSH | URG}, FLAGS, UNCHANGED, 0, 0},
	{"flags_fin_rst_ack", {.flags = FIN | RST | ACK}, FLAGS, UNCHANGED, 0, 0},
	{"flags_all", {.flags = 0xff}, FLAGS, UNCHANGED, 0, 0},
	{"flags_ip6_syn_fin", {.src = V6, .flags = SYN | FIN}, FLAGS, UNCHANGED, 0, 0},
	{"flags_rst", {.flags = RST}, PASS, UNCHANGED, 0, 0},
	{"flags_rst_ack", {.flags = RST | ACK}, PASS, UNCHANGED, 0, 0},
	{"flags_fin_ack", {.flags = FIN | ACK}, PASS, UNCHANGED, 0, 0},
	{"flags_fin_psh_ack", {.flags = FIN | PSH | ACK}, PASS, UNCHANGED, 0, 0},
	{"flags_urg_ack", {.flags = URG | ACK}, PASS, UNCHANGED, 0, 0},
	{"flags_syn_ece_cwr", {.flags = SYN | ECE | CWR}, PASS, UNCHANGED, 0, 0},
	{"flags_syn_ack", {.flags = SYN | ACK}, PASS, UNCHANGED, 0, 0},
};

enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static struct rig rig;

static void build(struct packet *p, const struct row *row)
{
	packet_build(p, &row->make);
	if (row->from == ETH)
		p->bytes[row->at] = row->value;
	else if (row->from == IP)
		p->bytes[p->ip + row->at] = row->value;
	else if (row->from == L4)
		p->bytes[p->l4 + row->at] = row->value;
}

static void as_the_row_says(void **state)
{
	const struct row *row = *state;
	struct packet p;

	build(&p, row);
	rig_expect_frame(&rig, p.bytes, p.n, row->want);
}

/* Shadow mode: what would be dropped passes, and is counted apart. */
static void shadow_drops_nothing(void **state)
{
	struct packet p;

	(void)state;
	rig.cfg.shadow = 1;
	rig_config(&rig);
	for (unsigned i = 0; i < N_ROWS; i++) {
		enum rw_kern_counter want = rows[i].want;

		build(&p, &rows[i]);
		if (want >= RW_KERN_N_drop_malformed)
			want += RW_KERN_SHADOW;
		rig_expect_frame(&rig, p.bytes, p.n, want);
	}
}

/* A packet cut anywhere is never taken for a whole one, nor read past its end. */
static void every_truncation_is_malformed(void **state)
{
	struct packet p;

	(void)state;
	for (unsigned i = 0; i < N_ROWS; i++) {
		if (rows[i].want != PASS)
			continue;
		build(&p, &rows[i]);
		for (size_t n = 14; n < p.n; n++)
			if (rig_takes(&rig, p.bytes, n))
				rig_expect_frame(&rig, p.bytes, n, MALFORMED);
	}
}

/* Ethernet pads short frames: what follows the IP packet is not part of it. */
static void padding_is_ignored(void **state)
{
	const char *const sources[] = {"192.0.2.1", V6};
	struct packet p;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		packet_build(&p, &(struct packet_make){.src = sources[i]});
		rig_expect_frame(&rig, p.bytes, p.n + 46, PASS);
	}
}

/* Suricata's bypass read ports 20 bytes after the IP header began: options shifted them. */
static void ports_are_found_behind_options(void **state)
{
	struct packet p;

	(void)state;
	packet_build(&p, &(struct packet_make){.options = 4, .port = 22});
	packet_put16(&p, p.ip + 20 + 2, RIG_PORT);
	rig_expect_frame(&rig, p.bytes, p.n, OTHER);
}

/* RFC 7112: a first fragment without its TCP header would hide the port in the second. */
static void first_fragment_without_ports_is_malformed(void **state)
{
	struct packet p;

	(void)state;
	packet_build(&p, &(struct packet_make){.src = V6, CHAIN(FRAGMENT, DEST), .frag = 1});
	packet_put16(&p, p.ip + 4, 16);
	rig_expect_frame(&rig, p.bytes, p.n, MALFORMED);
}

/*
 * BIG TCP: what GRO put together may be longer than an IP header can say, which then says 0. In a
 * single packet 0 is a lie.
 */
static void length_0_is_believed_of_super_segments_only(void **state)
{
	const char *const sources[] = {"192.0.2.1", V6};
	uint8_t out[PACKET_MAX];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct __sk_buff skb = {.gso_size = i / 2 ? 100 : 0};
		struct packet p;
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.bytes, .data_out = out,
			    .data_size_out = sizeof(out), .ctx_in = &skb,
			    .ctx_size_in = sizeof(skb));

		packet_build(&p, &(struct packet_make){.src = sources[i % 2], .payload = 900});
		packet_put16(&p, p.ip + (i % 2 ? 4 : 2), 0);
		opts.data_size_in = (uint32_t)p.n;
		assert_int_equal(bpf_prog_test_run_opts(rig.programs.prog[RW_PROGRAM_TCX], &opts),
				 0);
		assert_int_equal(opts.retval, (uint32_t)(i / 2 ? TCX_NEXT : TCX_DROP));
	}
	assert_int_equal(rig_counters(&rig).pass, 2);
	assert_int_equal(rig_counters(&rig).drop_malformed, 2);
}

/* A loader on a small machine is not kept waiting, and older kernels have less patience. */
static void verifier_work_stays_under_20000_instructions(void **state)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);

	(void)state;
	assert_int_equal(bpf_prog_get_info_by_fd(rig.programs.prog[rig.judge], &info, &len), 0);
	print_message("%u instructions\n", info.verified_insns);
	assert_in_range(info.verified_insns, 1, 20000);
}

static int setup(void **state)
{
	(void)state;
	rig_reset(&rig);
	return 0;
}

int main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test_setup(shadow_drops_nothing, setup),
		cmocka_unit_test_setup(every_truncation_is_malformed, setup),
		cmocka_unit_test_setup(padding_is_ignored, setup),
		cmocka_unit_test_setup(ports_are_found_behind_options, setup),
		cmocka_unit_test_setup(first_fragment_without_ports_is_malformed, setup),
		cmocka_unit_test_setup(length_0_is_believed_of_super_segments_only, setup),
		cmocka_unit_test(verifier_work_stays_under_20000_instructions),
	};
	struct CMUnitTest table[N_ROWS];
	int failed;

	for (unsigned i = 0; i < N_ROWS; i++)
		table[i] = (struct CMUnitTest){.name = rows[i].name,
					       .test_func = as_the_row_says,
					       .initial_state = (void *)(uintptr_t)&rows[i]};
	if (rig_new(&rig)) {
		fprintf(stderr, "the programs do not load: run as root\n");
		return 1;
	}
	rig.judge = RW_PROGRAM_XDP;
	failed = _cmocka_run_group_tests("headers, rw_xdp", table, N_ROWS, NULL, NULL);
	failed += cmocka_run_group_tests_name("frames, rw_xdp", others, NULL, NULL);
	rig.judge = RW_PROGRAM_TCX;
	failed += _cmocka_run_group_tests("headers, rw_tcx", table, N_ROWS, NULL, NULL);
	failed += cmocka_run_group_tests_name("frames, rw_tcx", others, NULL, NULL);
	rig_free(&rig);
	return failed;
}
