/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What making a SYN cookie and taking it back have in common: the maps, TCP options, whose
 * addresses and sockets they are.
 *
 * The includer defines rw_load_bytes(ctx, at, to, n); 0: done.
 */
#ifndef RW_BPF_HANDSHAKE_H
#define RW_BPF_HANDSHAKE_H

#include "cookie.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rw_kern_syn_key);
} rw_syn_key SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rw_kern_syn_meter);
} rw_syn_meter SEC(".maps");

enum {
	RW_TCP_HEADER = 20,
	RW_TCP_OPTIONS_MAX = 40,
	RW_OPTION_NOP = 1,
	RW_OPTION_MSS = 2,
	RW_OPTION_SCALE = 3,
	RW_OPTION_SACK = 4,
	RW_OPTION_TIMESTAMP = 8,
	RW_SCALE_MAX = 14, /* RFC 7323 2.3 */
};

/* The TCP options that matter here. options: RW_COOKIE_*, without ECN. */
struct rw_options {
	__u32 tsval;
	__u32 tsecr;
	__u16 mss; /* 0: none */
	__u8 options;
};

static __always_inline __u32 rw_get32(const __u8 *from)
{
	return (__u32)from[0] << 24 | from[1] << 16 | from[2] << 8 | from[3];
}

struct rw_options_walk {
	struct rw_options *seen;
	__u8 len;
	__u8 at;
	__u8 byte[RW_TCP_OPTIONS_MAX + 14]; /* what follows the options is 0, which ends the list */
};

static __always_inline void rw_option_take(const __u8 *option, __u8 bytes, struct rw_options *seen)
{
	switch (option[0] << 8 | bytes) {
	case RW_OPTION_MSS << 8 | 4:
		seen->mss = option[2] << 8 | option[3];
		break;
	case RW_OPTION_SCALE << 8 | 3:
		seen->options &= ~RW_COOKIE_SCALE;
		seen->options |= option[2] < RW_SCALE_MAX ? option[2] : RW_SCALE_MAX;
		break;
	case RW_OPTION_SACK << 8 | 2:
		seen->options |= RW_COOKIE_SACK;
		break;
	case RW_OPTION_TIMESTAMP << 8 | 10:
		seen->options |= RW_COOKIE_TIMESTAMPS;
		seen->tsval = rw_get32(option + 2);
		seen->tsecr = rw_get32(option + 6);
		break;
	}
}

/* One option; 1: that was the last. A function for bpf_loop, so that the verifier walks it once. */
static long rw_option_next(__u64 turn, struct rw_options_walk *w)
{
	__u32 at = w->at;
	__u8 bytes = 1;

	if (at >= RW_TCP_OPTIONS_MAX || !w->byte[at])
		return 1;
	if (w->byte[at] != RW_OPTION_NOP) {
		bytes = w->byte[at + 1];
		if (bytes < 2 || at + bytes > w->len)
			return 1;
		rw_option_take(w->byte + at, bytes, w->seen);
	}
	w->at = at + bytes;
	return 0;
}

/*
 * Reads the options of the TCP header at l4 of so many bytes. Where they end or break, what was
 * read counts, as in Linux. Apart for the verifier's sake, as in deny.h.
 */
__noinline bool rw_options_find(RW_CTX *ctx, __u32 l4, __u32 header, struct rw_options *seen)
{
	struct rw_options_walk walk = {.seen = seen};
	__u32 len = header - RW_TCP_HEADER;

	if (!seen)
		return false;
	*seen = (struct rw_options){.options = RW_COOKIE_PLAIN};
	if (!len)
		return true;
	if (len > RW_TCP_OPTIONS_MAX || rw_load_bytes(ctx, l4 + RW_TCP_HEADER, walk.byte, len))
		return false;
	walk.len = len;
	bpf_loop(RW_TCP_OPTIONS_MAX, rw_option_next, &walk, 0);
	return true;
}

/* Fills the addresses of a cookie from the headers of a packet of the client. */
static __always_inline void rw_cookie_addresses(struct rw_cookie *c, __u32 family,
						const struct iphdr *ip4, const struct ipv6hdr *ip6)
{
	const __be32 *src = (const void *)&ip6->saddr, *dst = (const void *)&ip6->daddr;

	c->family = family;
	if (family == 4) {
		c->src_hi = (__u64)bpf_ntohl(ip4->saddr) << 32;
		c->dst_hi = (__u64)bpf_ntohl(ip4->daddr) << 32;
		c->src_lo = c->dst_lo = 0;
	} else {
		c->src_hi = (__u64)bpf_ntohl(src[0]) << 32 | bpf_ntohl(src[1]);
		c->src_lo = (__u64)bpf_ntohl(src[2]) << 32 | bpf_ntohl(src[3]);
		c->dst_hi = (__u64)bpf_ntohl(dst[0]) << 32 | bpf_ntohl(dst[1]);
		c->dst_lo = (__u64)bpf_ntohl(dst[2]) << 32 | bpf_ntohl(dst[3]);
	}
}

/* The socket that this packet is for. The caller releases it. */
static __always_inline struct bpf_sock *rw_socket(RW_CTX *ctx, __u32 family,
						  const struct iphdr *ip4,
						  const struct ipv6hdr *ip6,
						  const struct tcphdr *tcp)
{
	struct bpf_sock_tuple t = {0};

	if (family == 4) {
		t.ipv4.saddr = ip4->saddr;
		t.ipv4.daddr = ip4->daddr;
		t.ipv4.sport = tcp->source;
		t.ipv4.dport = tcp->dest;
		return bpf_skc_lookup_tcp(ctx, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0);
	}
	__builtin_memcpy(t.ipv6.saddr, &ip6->saddr, sizeof(t.ipv6.saddr));
	__builtin_memcpy(t.ipv6.daddr, &ip6->daddr, sizeof(t.ipv6.daddr));
	t.ipv6.sport = tcp->source;
	t.ipv6.dport = tcp->dest;
	return bpf_skc_lookup_tcp(ctx, &t, sizeof(t.ipv6), BPF_F_CURRENT_NETNS, 0);
}

#endif
