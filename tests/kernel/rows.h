/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames, and the counter that each must end in when nothing is banned and nothing limited. A row
 * is a test by itself (test_xdp.c), and what the model's mutations start from (test_model.c).
 */
#ifndef RW_TESTS_KERNEL_ROWS_H
#define RW_TESTS_KERNEL_ROWS_H

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

#define CASE(name_, want_, ...)                                           \
	{                                                                 \
		.name = (name_), .want = (want_), .make = { __VA_ARGS__ } \
	}
#define EDIT(name_, want_, from_, at_, value_, ...)                                                \
	{                                                                                          \
		.name = (name_), .want = (want_), .from = (from_), .at = (at_), .value = (value_), \
		.make = {                                                                          \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

static const struct row rows[] = {
	/* valid, and ours */
	CASE("ip4", PASS),
	CASE("ip4_syn", PASS, .flags = SYN, .tcp_options = 20),
	CASE("ip4_payload", PASS, .flags = PSH | ACK, .payload = 1000),
	CASE("ip4_options_24_byte_header", PASS, .options = 4),
	CASE("ip4_options_60_byte_header", PASS, .options = 40),
	CASE("ip4_tcp_header_of_60_bytes", PASS, .tcp_options = 40),
	CASE("ip4_df", PASS, .frag = DF),
	CASE("ip4_vlan", PASS, .tags = 1),
	CASE("ip4_qinq", PASS, .tags = 2),
	CASE("ip6", PASS, .src = V6),
	CASE("ip6_payload", PASS, .src = V6, .payload = 900),
	CASE("ip6_vlan", PASS, .src = V6, .tags = 1),
	CASE("ip6_qinq", PASS, .src = V6, .tags = 2),
	CASE("ip6_hop_by_hop", PASS, .src = V6, CHAIN(HOP)),
	CASE("ip6_routing", PASS, .src = V6, CHAIN(ROUTING)),
	CASE("ip6_dest", PASS, .src = V6, CHAIN(DEST)),
	CASE("ip6_auth_counts_in_4_bytes", PASS, .src = V6, CHAIN(AUTH)),
	EDIT("ip6_auth_of_24_bytes", PASS, IP, 40 + 1, 4, .src = V6, CHAIN(AUTH, TCP, TCP)),
	EDIT("ip6_dest_of_16_bytes", PASS, IP, 40 + 1, 1, .src = V6, CHAIN(DEST, 6),
	     .protocol = TCP),
	CASE("ip6_six_headers", PASS, .src = V6, CHAIN(HOP, DEST, ROUTING, DEST, DEST, DEST)),

	/* not ours: passed untouched, however odd */
	CASE("ip4_other_port", OTHER, .port = 22),
	CASE("ip6_other_port", OTHER, .src = V6, .port = 22),
	CASE("port_one_below", OTHER, .port = 442),
	CASE("port_one_above", OTHER, .port = 444),
	CASE("port_of_another_word", OTHER, .port = 443 + 64),
	CASE("port_with_its_bytes_swapped", OTHER, .port = 0xbb01),
	CASE("ip4_udp_443", OTHER, .protocol = UDP),
	CASE("ip4_icmp", OTHER, .protocol = 1),
	EDIT("ip6_nd_always_passes", OTHER, L4, 0, 135, .src = "fe80::1", .protocol = ICMP6),
	CASE("ip6_no_next_header", OTHER, .src = V6, .protocol = 59),
	CASE("ip6_esp", OTHER, .src = V6, CHAIN(DEST), .protocol = 50),
	CASE("ip6_six_headers_and_no_tcp", OTHER, .src = V6,
	     CHAIN(HOP, DEST, ROUTING, DEST, DEST, DEST), .protocol = ICMP6),
	EDIT("arp_always_passes", OTHER, ETH, 13, 0x06),
	CASE("three_tags_are_not_parsed", OTHER, .tags = 3),
	CASE("other_port_with_odd_flags", OTHER, .port = 22, .no_flags = true),
	EDIT("other_port_longer_than_frame", OTHER, IP, 2, 4, .port = 22),
	EDIT("other_port_short_tcp", OTHER, L4, 12, 0x10, .port = 22),

	/* fragments */
	CASE("ip4_first_fragment", FRAGMENTS, .frag = MF, .payload = 36),
	CASE("ip4_first_fragment_other_port", OTHER, .frag = MF, .port = 22),
	CASE("ip4_later_fragment_has_no_port", OTHER, .frag = MF | 1),
	CASE("ip4_last_fragment_has_no_port", OTHER, .frag = 185),
	CASE("ip4_fragment_from_the_middle", OTHER, .frag = 0x1000),
	CASE("ip6_first_fragment", FRAGMENTS, .src = V6, CHAIN(FRAGMENT), .frag = 1),
	CASE("ip6_atomic_fragment", FRAGMENTS, .src = V6, CHAIN(FRAGMENT)),
	CASE("ip6_first_fragment_other_port", OTHER, .src = V6, CHAIN(FRAGMENT), .frag = 1,
	     .port = 22),
	CASE("ip6_later_fragment_has_no_port", OTHER, .src = V6, CHAIN(FRAGMENT), .frag = 8),
	/* bpfilter added the fragment header's reserved byte to its length: the port moves */
	EDIT("ip6_fragment_header_is_8_bytes_whatever_its_reserved_byte", FRAGMENTS, IP, 40 + 1, 3,
	     .src = V6, CHAIN(FRAGMENT), .frag = 1, .payload = 64),

	/* headers that cannot be right */
	EDIT("ip4_version_5", MALFORMED, IP, 0, 0x55),
	EDIT("ip4_header_of_16_bytes", MALFORMED, IP, 0, 0x44),
	EDIT("ip4_shorter_than_its_header", MALFORMED, IP, 3, 24, .options = 8),
	EDIT("ip4_too_short_for_ports", MALFORMED, IP, 3, 23),
	EDIT("ip4_too_short_for_tcp", MALFORMED, IP, 3, 39),
	EDIT("ip4_longer_than_frame", MALFORMED, IP, 3, 41),
	EDIT("ip4_much_longer_than_frame", MALFORMED, IP, 2, 0xff),
	EDIT("tcp_header_of_16_bytes", MALFORMED, L4, 12, 0x40),
	EDIT("tcp_header_longer_than_packet", MALFORMED, L4, 12, 0x60),
	EDIT("ip6_version_4", MALFORMED, IP, 0, 0x40, .src = V6),
	EDIT("ip6_empty_payload", MALFORMED, IP, 5, 0, .src = V6),
	EDIT("ip6_longer_than_frame", MALFORMED, IP, 5, 21, .src = V6),
	EDIT("ip6_header_runs_beyond_frame", MALFORMED, IP, 40 + 1, 255, .src = V6, CHAIN(DEST)),
	EDIT("ip6_header_runs_beyond_packet", MALFORMED, IP, 5, 8, .src = V6, CHAIN(DEST),
	     .payload = 64),
	CASE("ip6_seven_headers", MALFORMED, .src = V6,
	     CHAIN(HOP, DEST, DEST, DEST, DEST, DEST, DEST)),

	/* flags that no TCP sends */
	CASE("flags_none", FLAGS, .no_flags = true),
	CASE("flags_syn_fin", FLAGS, .flags = SYN | FIN),
	CASE("flags_syn_rst", FLAGS, .flags = SYN | RST),
	CASE("flags_fin_alone", FLAGS, .flags = FIN),
	CASE("flags_psh_alone", FLAGS, .flags = PSH),
	CASE("flags_xmas", FLAGS, .flags = FIN | PSH | URG),
	CASE("flags_fin_rst_ack", FLAGS, .flags = FIN | RST | ACK),
	CASE("flags_all", FLAGS, .flags = 0xff),
	CASE("flags_ip6_syn_fin", FLAGS, .src = V6, .flags = SYN | FIN),
	CASE("flags_rst", PASS, .flags = RST),
	CASE("flags_rst_ack", PASS, .flags = RST | ACK),
	CASE("flags_fin_ack", PASS, .flags = FIN | ACK),
	CASE("flags_fin_psh_ack", PASS, .flags = FIN | PSH | ACK),
	CASE("flags_urg_ack", PASS, .flags = URG | ACK),
	CASE("flags_syn_ece_cwr", PASS, .flags = SYN | ECE | CWR),
	CASE("flags_syn_ack", PASS, .flags = SYN | ACK),
};

enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static inline void row_build(struct packet *p, const struct row *row)
{
	packet_build(p, &row->make);
	if (row->from == ETH)
		p->bytes[row->at] = row->value;
	else if (row->from == IP)
		p->bytes[p->ip + row->at] = row->value;
	else if (row->from == L4)
		p->bytes[p->l4 + row->at] = row->value;
}

#endif
