/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * rw_syn: makes the connection when a SYN cookie (cookie.h) comes back.
 *
 * At TCX ingress, behind the program that judges packets, because only there can a connection be
 * handed to the stack. It looks only while cookies are about, and only at ACKs that belong to no
 * connection: for those it drops what carries no cookie, as the stack would refuse it, but without
 * an answer to what may be a spoofed address.
 */
#include <vmlinux.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ringwall/kern_abi.h"

#define RW_CTX		    struct __sk_buff
#define rw_tags_aside(ctx)  (!!(ctx)->vlan_present)
#define rw_super_bytes(ctx) ((ctx)->gso_size ? (ctx)->len : 0)
#define rw_load_bytes	    bpf_skb_load_bytes

#include "cfg.h"
#include "handshake.h"
#include "parse.h"
#include "scope.h"
#include "stats.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum {
	HEADERS_MAX = 14 + 4 * RW_MAX_TAGS + 60 + 60,
	WAITING_PERIODS = RW_COOKIE_PERIODS - 1, /* for so long an old cookie is known as one */
};

struct ack {
	union {
		struct iphdr ip4;
		struct ipv6hdr ip6;
	};
	struct tcphdr tcp;
	__u32 l4;
	struct rw_options options;
	struct rw_cookie cookie;
};

/* Whether a cookie was sent lately enough to come back. */
static __always_inline bool cookies_about(__u64 period)
{
	__u32 zero = 0;
	struct rw_kern_syn_meter *meter = bpf_map_lookup_elem(&rw_syn_meter, &zero);

	return meter && meter->period && period + 1 - meter->period <= WAITING_PERIODS;
}

/*
 * Where the IP header starts. Behind generic XDP some kernels forget the Ethernet header of a
 * packet that they had to copy: then it starts where an Ethernet header should.
 */
static __always_inline __u32 ip_offset(struct __sk_buff *skb)
{
	__u8 here[sizeof(struct ethhdr)] = {0}, ip[sizeof(struct ethhdr)] = {0};

	bpf_skb_load_bytes(skb, 0, here, sizeof(here));
	bpf_skb_load_bytes_relative(skb, 0, ip, sizeof(ip), BPF_HDR_START_NET);
	return __builtin_memcmp(here, ip, sizeof(ip)) ? sizeof(struct ethhdr) : 0;
}

/* Fills a from an ACK to a protected port. False: it is something else. */
static __always_inline bool ack_read(struct __sk_buff *skb, const struct rw_kern_cfg *cfg,
				     struct ack *a)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct rw_packet p = {.ip = ip_offset(skb)};
	enum rw_parsed parsed;

	/* Behind another tag the stack takes no connection: on the VLAN device, then. */
	if (skb->protocol == bpf_htons(RW_ETH_IP))
		parsed = rw_parse_ip4(skb, data, end, p.ip, &p);
	else if (skb->protocol == bpf_htons(RW_ETH_IPV6))
		parsed = rw_parse_ip6(skb, data, end, p.ip, &p);
	else
		return false;
	if (parsed != RW_PARSED_TCP || !rw_in_scope(cfg, p.port) || p.fragment ||
	    !rw_parse_tcp(data, end, &p))
		return false;
	if ((p.flags & (RW_TCP_ACK | RW_TCP_SYN | RW_TCP_RST)) != RW_TCP_ACK)
		return false;
	a->l4 = p.l4;
	a->cookie.family = p.family;
	return !rw_load_bytes(skb, p.l4, &a->tcp, sizeof(a->tcp)) &&
	       !rw_load_bytes(skb, p.ip, &a->ip6, p.family == 4 ? sizeof(a->ip4) : sizeof(a->ip6));
}

/* Whether the ACK carries a cookie of ours; fills a->cookie. */
static __always_inline enum rw_cookie_verdict ack_check(struct __sk_buff *skb, struct ack *a,
							__u32 period)
{
	struct rw_cookie *c = &a->cookie;
	__u32 zero = 0;
	struct rw_kern_syn_key *key = bpf_map_lookup_elem(&rw_syn_key, &zero);

	if (!key || !rw_options_find(skb, a->l4, a->tcp.doff * 4, &a->options))
		return RW_COOKIE_REFUSED;
	rw_cookie_addresses(c, c->family, &a->ip4, &a->ip6);
	c->ports = (__u32)bpf_ntohs(a->tcp.source) << 16 | bpf_ntohs(a->tcp.dest);
	c->seq = bpf_ntohl(a->tcp.seq) - 1;
	c->options = RW_COOKIE_PLAIN;
	if (a->options.options & RW_COOKIE_TIMESTAMPS)
		c->options = RW_COOKIE_TIMESTAMPS | (a->options.tsecr & RW_COOKIE_IN_TIMESTAMP);
	return rw_cookie_check(c, bpf_ntohl(a->tcp.ack_seq) - 1, period, key);
}

/* Has the stack make the connection that the cookie describes. */
static __always_inline bool ack_connect(struct __sk_buff *skb, const struct rw_kern_cfg *cfg,
					const struct ack *a, struct tcp_sock *listener)
{
	const struct rw_cookie *c = &a->cookie;
	bool scale = (c->options & RW_COOKIE_SCALE) != RW_COOKIE_SCALE;
	struct bpf_tcp_req_attrs attrs = {
		.mss = rw_cookie_mss(c->family, c->mss),
		.wscale_ok = scale,
		.snd_wscale = scale ? c->options & RW_COOKIE_SCALE : 0,
		.rcv_wscale = scale ? cfg->cookie.window_scale : 0,
		.sack_ok = (c->options & RW_COOKIE_SACK) != 0,
		.ecn_ok = (c->options & RW_COOKIE_ECN) != 0,
		.tstamp_ok = (c->options & RW_COOKIE_TIMESTAMPS) != 0,
		.rcv_tsval = a->options.tsval,
		.rcv_tsecr = a->options.tsecr,
	};

	return !bpf_sk_assign_tcp_reqsk(skb, (struct sock *)listener, &attrs, sizeof(attrs));
}

/* The stack sends cookies of its own when a listen queue is full all the same. */
static __always_inline bool is_stacks_cookie(struct bpf_sock *sk, struct ack *a)
{
	return !bpf_tcp_check_syncookie(sk, &a->ip6,
					a->cookie.family == 4 ? sizeof(a->ip4) : sizeof(a->ip6),
					&a->tcp, sizeof(a->tcp));
}

/* Of an ACK that only a listener takes. */
static __always_inline int ack_settle(struct __sk_buff *skb, const struct rw_kern_cfg *cfg,
				      struct ack *a, struct bpf_sock *sk, __u32 period)
{
	struct rw_kern_stats *stats = rw_stats_here();
	enum rw_cookie_verdict verdict = ack_check(skb, a, period);
	struct tcp_sock *listener;

	if (!stats)
		return TCX_NEXT;
	if (verdict == RW_COOKIE_ACCEPTED) {
		listener = bpf_skc_to_tcp_sock(sk);
		if (listener && ack_connect(skb, cfg, a, listener)) {
			stats->cookie_accepted++;
			return TCX_NEXT;
		}
		stats->cookie_failed++;
		return TCX_DROP;
	}
	if (is_stacks_cookie(sk, a))
		return TCX_NEXT;
	if (verdict == RW_COOKIE_EXPIRED)
		stats->cookie_expired++;
	else
		stats->cookie_refused++;
	return TCX_DROP;
}

/* On the interface that this VLAN device is on. */
static __always_inline bool was_taken(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	return sk && sk->state == BPF_TCP_NEW_SYN_RECV;
}

SEC("tcx/ingress")
int rw_syn(struct __sk_buff *skb)
{
	__u64 period = bpf_ktime_get_coarse_ns() >> RW_COOKIE_PERIOD_SHIFT;
	const struct rw_kern_cfg *cfg = rw_cfg_now();
	struct ack a = {0};
	struct bpf_sock *sk;
	int verdict = TCX_NEXT;

	if (!cfg || !cookies_about(period) || was_taken(skb))
		return TCX_NEXT;
	bpf_skb_pull_data(skb, skb->len < HEADERS_MAX ? skb->len : HEADERS_MAX);
	RW_OPAQUE(skb); /* or its fields are read from addresses that the verifier does not take */
	if (!ack_read(skb, cfg, &a))
		return TCX_NEXT;
	sk = rw_socket(skb, a.cookie.family, &a.ip4, &a.ip6, &a.tcp);
	if (!sk)
		return TCX_NEXT;
	if (sk->state == BPF_TCP_LISTEN)
		verdict = ack_settle(skb, cfg, &a, sk, period);
	bpf_sk_release(sk);
	return verdict;
}
