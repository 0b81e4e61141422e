/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The SYN budget: while all sources together send more SYNs than it allows, each is answered on
 * the spot with a cookie and no socket is spent. rw_syn.bpf.c makes the connection when the cookie
 * comes back.
 *
 * Over the budget every SYN is answered, none let through: what spoofed sources leave in the
 * listen queue stays there for a minute. The meter's backlog counts on to its cap, so that this
 * lasts until the flood is over, and a client that repeats its SYN gets the same answer.
 *
 * An answer is never longer than its SYN, and offers only what the SYN did. Data in a SYN is not
 * acknowledged, so the client sends it again.
 *
 * The checksum of a SYN is not verified: on veth, and where a card leaves it to be filled in, that
 * of an honest SYN is not whole yet. A spoilt SYN gets an answer that its sender refuses by its
 * numbers, and repeats; it costs no state, and whoever floods can sum up as well as we can.
 *
 * The includer defines what handshake.h wants and rw_store_bytes(ctx, at, from, n), and
 * rw_cut(ctx, bytes), which shortens the frame to so many; 0: done.
 */
#ifndef RW_BPF_SYN_H
#define RW_BPF_SYN_H

#include "events.h"
#include "handshake.h"

enum {
	RW_TCP_ECE = 64,
	RW_TCP_CWR = 128,
	RW_FRAME_MIN = 60,
	RW_TTL = 64,
	/* Two initial flights (RFC 6928); the listener's own window is told with its first ACK. */
	RW_FIRST_WINDOW = 29200,
};

/* Of what a SYN offers, what is granted. */
static __always_inline __u8 rw_syn_granted(__u8 options, __u8 flags, __u8 offers)
{
	if (!(options & RW_COOKIE_TIMESTAMPS) || !(offers & RW_KERN_OFFER_TIMESTAMPS))
		return RW_COOKIE_PLAIN;
	if (!(offers & RW_KERN_OFFER_SACK))
		options &= ~RW_COOKIE_SACK;
	if (!(offers & RW_KERN_OFFER_WINDOW_SCALE))
		options |= RW_COOKIE_SCALE;
	if ((flags & RW_TCP_ECE) && (flags & RW_TCP_CWR) && (offers & RW_KERN_OFFER_ECN))
		options |= RW_COOKIE_ECN;
	return options;
}

/* The headers of a SYN as its answer needs them. */
struct rw_syn_seen {
	union {
		struct iphdr ip4;
		struct ipv6hdr ip6;
	};
	struct tcphdr tcp;
	struct rw_options options;
	struct rw_cookie cookie;
};

/* Whether anybody can have this address: not "this network", multicast, reserved. */
static __always_inline bool rw_can_answer(const struct rw_cookie *c)
{
	__u8 first = c->src_hi >> 56;

	if (c->family == 4)
		return first && first < 224;
	return first != 0xff && (c->src_hi || c->src_lo);
}

/*
 * Whether a listener takes SYNs with these addresses. Not so where a connection is, or was until
 * just now (TIME_WAIT), or is being made: all that the stack knows better.
 */
static __always_inline bool rw_is_listening(RW_CTX *ctx, __u32 family, const struct rw_syn_seen *s)
{
	struct bpf_sock *sk = rw_socket(ctx, family, &s->ip4, &s->ip6, &s->tcp);
	bool listening;

	if (!sk)
		return false;
	listening = sk->state == BPF_TCP_LISTEN;
	bpf_sk_release(sk);
	return listening;
}

/* The ones' complement checksum, from a sum of less than 32 words of 32 bits. */
static __always_inline __u16 rw_checksum(__u64 sum)
{
	for (int i = 0; i < 3; i++)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* The TCP header of the answer. Its IP header is made in the place of the SYN's, to save stack. */
struct rw_answer {
	__be32 tcp[12]; /* ten are used; the verifier sees a mask */
};

/*
 * Fills the TCP header of the answer, but for its checksum; returns how many words of options it
 * has. Apart for the verifier's sake, as in deny.h.
 */
__noinline __u32 rw_answer_tcp(struct rw_answer *a, const struct rw_syn_seen *s, __u64 hash,
			       const struct rw_kern_cookie *cfg)
{
	__u32 n = 5, flags = RW_TCP_SYN | RW_TCP_ACK,
	      first = RW_OPTION_NOP << 24 | RW_OPTION_NOP << 16;
	__u8 options;

	if (!a || !s || !cfg)
		return 0;
	options = s->cookie.options;
	if (s->options.mss)
		a->tcp[n++] = bpf_htonl(RW_OPTION_MSS << 24 | 4 << 16 |
					(s->cookie.family == 4 ? cfg->mss4 : cfg->mss6));
	if (options & RW_COOKIE_TIMESTAMPS) {
		if (options & RW_COOKIE_SACK)
			first = RW_OPTION_SACK << 24 | 2 << 16;
		if (options & RW_COOKIE_ECN)
			flags |= RW_TCP_ECE;
		a->tcp[n++] = bpf_htonl(first | RW_OPTION_TIMESTAMP << 8 | 10);
		a->tcp[n++] = bpf_htonl(rw_cookie_timestamp(&s->cookie, hash));
		a->tcp[n++] = bpf_htonl(s->options.tsval);
		if ((options & RW_COOKIE_SCALE) != RW_COOKIE_SCALE)
			a->tcp[n++] = bpf_htonl(RW_OPTION_NOP << 24 | RW_OPTION_SCALE << 16 |
						3 << 8 | cfg->window_scale);
	}
	a->tcp[0] = bpf_htonl(s->cookie.ports << 16 | s->cookie.ports >> 16);
	a->tcp[1] = bpf_htonl(rw_cookie_seq(&s->cookie, hash));
	a->tcp[2] = bpf_htonl(s->cookie.seq + 1);
	a->tcp[3] = bpf_htonl(n << 28 | flags << 16 | RW_FIRST_WINDOW);
	return n - 5;
}

/* Makes the SYN's IP header that of the answer; returns the sum of what TCP's checksum takes of it.
 */
static __always_inline __u64 rw_answer_ip(struct rw_syn_seen *s, __u32 family, __u32 tcp_bytes)
{
	__be32 *ip = (void *)&s->ip6, swap;
	__u64 sum = 0;

	if (family == 4) {
		ip[0] = bpf_htonl(0x45000000 | (sizeof(s->ip4) + tcp_bytes));
		ip[1] = bpf_htonl(0x00004000); /* no fragments */
		ip[2] = bpf_htonl(RW_TTL << 24 | RW_NEXT_TCP << 16);
		swap = ip[3];
		ip[3] = ip[4];
		ip[4] = swap;
		sum = (__u64)ip[3] + ip[4];
		ip[2] |= bpf_htonl(bpf_ntohs(rw_checksum(sum + ip[0] + ip[1] + ip[2])));
	} else {
		ip[0] = bpf_htonl(0x60000000);
		ip[1] = bpf_htonl(tcp_bytes << 16 | RW_NEXT_TCP << 8 | RW_TTL);
		for (int i = 2; i < 6; i++) {
			swap = ip[i];
			ip[i] = ip[4 + i];
			ip[4 + i] = swap;
			sum += (__u64)ip[i] + ip[4 + i];
		}
	}
	return sum + bpf_htonl(RW_NEXT_TCP << 16 | tcp_bytes);
}

/* Turns the frame into the answer. False: it is spoilt, which cannot be. */
static __always_inline bool rw_answer(RW_CTX *ctx, __u32 ip_at, __u32 family, struct rw_syn_seen *s,
				      __u64 hash, const struct rw_kern_cookie *cfg)
{
	struct rw_answer a = {0};
	__u32 options = rw_answer_tcp(&a, s, hash, cfg), frame = rw_frame_bytes(ctx);
	__u32 ip_bytes = family == 4 ? sizeof(s->ip4) : sizeof(s->ip6), tcp_bytes, end;
	__u8 macs[12];
	__u64 sum;

	/* The compiler may know the bound; the verifier has to see it. */
	RW_OPAQUE(options);
	tcp_bytes = RW_TCP_HEADER + (options & 7) * 4;
	end = ip_at + ip_bytes + tcp_bytes;
	sum = rw_answer_ip(s, family, tcp_bytes);
	for (__u32 i = 0; i < sizeof(a.tcp) / 4; i++)
		sum += a.tcp[i];
	a.tcp[4] = bpf_htonl((__u32)bpf_ntohs(rw_checksum(sum)) << 16);
	/* Not below what Ethernet takes; what is behind the packet then is the sender's own. */
	if (end < RW_FRAME_MIN)
		end = frame < RW_FRAME_MIN ? frame : RW_FRAME_MIN;
	return !rw_cut(ctx, end) && !rw_load_bytes(ctx, 6, macs, 6) &&
	       !rw_load_bytes(ctx, 0, macs + 6, 6) && !rw_store_bytes(ctx, 0, macs, sizeof(macs)) &&
	       !rw_store_bytes(ctx, ip_at, &s->ip6, ip_bytes) &&
	       !rw_store_bytes(ctx, ip_at + ip_bytes, a.tcp, tcp_bytes);
}

/*
 * Answers the SYN whose headers are there, over the budget; where: the IP header in the upper half,
 * TCP's in the lower. Returns the counter it belongs to; otherwise: there is no listener to answer
 * for, so it is the stack's. Apart for the verifier's sake, as in deny.h.
 */
__noinline __u32 rw_syn_answer(RW_CTX *ctx, __u32 where, __u32 family, __u32 index, __u32 otherwise)
{
	struct rw_syn_seen s = {0};
	__u32 zero = 0, ip_at = where >> 16 & 31, l4 = where & 0x7fff;
	const struct rw_kern_cfg *cfg = rw_cfg_at(index);
	struct rw_kern_syn_key *key = bpf_map_lookup_elem(&rw_syn_key, &zero);
	struct rw_kern_syn_meter *meter = bpf_map_lookup_elem(&rw_syn_meter, &zero);
	__u64 period = bpf_ktime_get_coarse_ns() >> RW_COOKIE_PERIOD_SHIFT, hash;
	struct rw_kern_episodes *episodes = bpf_map_lookup_elem(&rw_episodes, &zero);
	__u8 first_mac;

	if (episodes)
		rw_episode(&episodes->syn_budget, RW_ABOUT(syn_budget, 0, 6, 0));
	if (cfg && cfg->shadow)
		return RW_KERN_N_would_tx_cookie;
	if (!cfg || !key || !meter || rw_load_bytes(ctx, 0, &first_mac, 1) ||
	    rw_load_bytes(ctx, ip_at, &s.ip6, family == 4 ? sizeof(s.ip4) : sizeof(s.ip6)) ||
	    rw_load_bytes(ctx, l4, &s.tcp, sizeof(s.tcp)))
		return otherwise;
	rw_cookie_addresses(&s.cookie, family, &s.ip4, &s.ip6);
	if (!rw_can_answer(&s.cookie))
		return RW_KERN_N_drop_malformed;
	/* To many at once: TCP has no such thing, and the stack will not have it. */
	if ((first_mac & 1) || !rw_is_listening(ctx, family, &s) ||
	    !rw_options_find(ctx, l4, s.tcp.doff * 4, &s.options))
		return otherwise;
	s.cookie.seq = bpf_ntohl(s.tcp.seq);
	s.cookie.ports = (__u32)bpf_ntohs(s.tcp.source) << 16 | bpf_ntohs(s.tcp.dest);
	s.cookie.period = period;
	s.cookie.mss = rw_cookie_mss_index(family, s.options.mss);
	s.cookie.options = rw_syn_granted(s.options.options, ((__u8 *)&s.tcp)[13],
					  cfg->cookie.offers);
	hash = rw_cookie_hash(&s.cookie, key);
	if (!rw_answer(ctx, ip_at, family, &s, hash, &cfg->cookie))
		return RW_KERN_N_drop_malformed;
	if (meter->period != period + 1)
		meter->period = period + 1;
	return RW_KERN_N_tx_cookie;
}

/* Counts a SYN; whether they come too fast. A lost race loses a SYN of the count. */
static __always_inline bool rw_syn_over(const struct rw_kern_rate *budget, __u64 now_ns)
{
	__u32 zero = 0;
	struct rw_kern_syn_meter *meter = bpf_map_lookup_elem(&rw_syn_meter, &zero);
	__u64 old, backlog, next;

	if (!meter)
		return false;
	old = *(volatile __u64 *)&meter->tat_ns;
	backlog = old > now_ns ? old - now_ns : 0;
	next = backlog + budget->interval_ns;
	if (next > budget->sketch_cap_ns)
		next = budget->sketch_cap_ns;
	/* At the cap there is one store a tick, whatever the CPUs and the flood. */
	if (now_ns + next > old)
		__sync_val_compare_and_swap(&meter->tat_ns, old, now_ns + next);
	return backlog > budget->sketch_threshold_ns;
}

/* What becomes of a packet with this outcome, now that the SYN budget is asked. */
static __always_inline __u32 rw_syn_outcome(RW_CTX *ctx, const struct rw_packet *p,
					    const struct rw_kern_cfg *cfg, __u32 outcome)
{
	if (!rw_is_syn(p->flags) || !cfg->budget.interval_ns ||
	    (outcome != RW_KERN_N_pass && outcome != RW_KERN_N_pass_allowed) ||
	    !rw_syn_over(&cfg->budget, bpf_jiffies64() * cfg->tick_ns))
		return outcome;
	return rw_syn_answer(ctx, p->ip << 16 | p->l4, p->family, cfg->index, outcome);
}

#endif
