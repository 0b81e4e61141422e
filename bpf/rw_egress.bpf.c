/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Egress containment of one cgroup, the gateway's: it reaches its upstreams, its name servers and
 * what root has listed, and nothing else.
 *
 * connect and sendmsg hooks say EPERM before a packet exists. rw_egress judges what leaves all the
 * same: raw sockets, protocols without such a hook, source routes. It hangs on the cgroup
 * and not on an interface (TCX), because only there the sender is certain: whatever
 * interface or namespace a packet leaves by, and no other process pays for it.
 *
 * What no cgroup hook sees is AF_PACKET, which wants CAP_NET_RAW; the engine has no capability.
 */
#include <vmlinux.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ringwall/kern_egress.h"

#include "egress.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* vmlinux.h has types, no macros. */
enum { ETH_IPV4 = 0x0800, ETH_IPV6 = 0x86dd, IP_OFFSET = 0x1fff, V6_EXTENSIONS = 6 };
enum { EXT_HOP = 0, EXT_ROUTING = 43, EXT_FRAGMENT = 44, EXT_DESTINATION = 60 };
enum { STREAM = 1, CGROUP_REFUSE = 0, CGROUP_ALLOW = 1 };

/* --- at the call -------------------------------------------------------------------------------
 */

/*
 * connect on a UDP socket sends nothing, and getaddrinfo does it to every address of an answer, to
 * learn its own (RFC 6724). Where only the engine's list would forbid it, that passes: a false
 * alarm for each name would hide the true ones. Datagrams are judged as they leave.
 */
static __always_inline bool only_asks(const struct rw_dest *d, __u32 counter)
{
	return d->proto == IPPROTO_UDP && counter == RW_KERN_OUT_N_refuse_unlisted;
}

static __always_inline int settle(const struct rw_dest *d, bool connects)
{
	__u32 counter = rw_out_verdict(d);

	if (connects && only_asks(d, counter))
		counter = RW_KERN_OUT_N_udp_connects;
	rw_out_count(counter);
	if (counter < RW_KERN_OUT_N_refuse_metadata)
		return CGROUP_ALLOW;
	rw_out_note(d, counter - RW_KERN_OUT_N_refuse_metadata, 0);
	return CGROUP_REFUSE;
}

static __always_inline void whereto(const struct bpf_sock_addr *ctx, struct rw_dest *d)
{
	d->port = bpf_ntohs(ctx->user_port);
	/* MPTCP is TCP on the wire. */
	d->proto = ctx->type == STREAM && ctx->protocol == IPPROTO_MPTCP ? IPPROTO_TCP
									 : ctx->protocol;
}

static __always_inline int judge4(struct bpf_sock_addr *ctx, bool connects)
{
	struct rw_dest d = {0};

	rw_dest_v4(&d, ctx->user_ip4);
	whereto(ctx, &d);
	return settle(&d, connects);
}

/* An IPv4 destination on an IPv6 socket is a mapped address here, and no hook for IPv4 follows. */
static __always_inline int judge6(struct bpf_sock_addr *ctx, bool connects)
{
	struct rw_dest d = {0};

	rw_dest_v6(&d, ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]);
	whereto(ctx, &d);
	return settle(&d, connects);
}

SEC("cgroup/connect4")
int rw_connect4(struct bpf_sock_addr *ctx)
{
	if (ctx->user_ip4 == bpf_htonl(RW_KERN_OUT_PROBE_ADDR) && !ctx->user_port) {
		rw_out_count(RW_KERN_OUT_N_probes);
		return CGROUP_REFUSE;
	}
	return judge4(ctx, true);
}

SEC("cgroup/connect6")
int rw_connect6(struct bpf_sock_addr *ctx)
{
	return judge6(ctx, true);
}

SEC("cgroup/sendmsg4")
int rw_sendmsg4(struct bpf_sock_addr *ctx)
{
	return judge4(ctx, false);
}

SEC("cgroup/sendmsg6")
int rw_sendmsg6(struct bpf_sock_addr *ctx)
{
	return judge6(ctx, false);
}

/* --- packets -----------------------------------------------------------------------------------
 */

static __always_inline bool read_port(struct __sk_buff *ctx, __u32 l4, struct rw_dest *d)
{
	__be16 port;

	if (d->proto != IPPROTO_TCP && d->proto != IPPROTO_UDP)
		return true;
	if (bpf_skb_load_bytes(ctx, l4 + 2, &port, sizeof(port)))
		return false;
	d->port = bpf_ntohs(port);
	return true;
}

static __always_inline bool read_v4(struct __sk_buff *ctx, struct rw_dest *d)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(ctx, 0, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl < 5)
		return false;
	/* The stack cuts up packets after this hook: only a raw socket sends later fragments. */
	if (ip.frag_off & bpf_htons(IP_OFFSET))
		return false;
	rw_dest_v4(d, ip.daddr);
	d->proto = ip.protocol;
	return read_port(ctx, (__u32)ip.ihl * 4, d);
}

/* A routing header hides the destination, a later fragment its ports: neither is ours. */
static __always_inline bool read_v6(struct __sk_buff *ctx, struct rw_dest *d)
{
	__u32 at = sizeof(struct ipv6hdr);
	struct ipv6hdr ip;
	__u8 next, ext[4];

	if (bpf_skb_load_bytes(ctx, 0, &ip, sizeof(ip)) || ip.version != 6)
		return false;
	rw_dest_v6(d, ip.daddr.in6_u.u6_addr32[0], ip.daddr.in6_u.u6_addr32[1],
		   ip.daddr.in6_u.u6_addr32[2], ip.daddr.in6_u.u6_addr32[3]);
	next = ip.nexthdr;
	for (int i = 0; i < V6_EXTENSIONS; i++) {
		bool fragment = next == EXT_FRAGMENT;

		if (next != EXT_HOP && next != EXT_DESTINATION && !fragment) {
			d->proto = next;
			return next != EXT_ROUTING && read_port(ctx, at, d);
		}
		if (bpf_skb_load_bytes(ctx, at, ext, sizeof(ext)))
			return false;
		if (fragment && (ext[2] || ext[3] & ~7))
			return false;
		next = ext[0];
		at += fragment ? 8 : 8 * ((__u32)ext[1] + 1);
	}
	return false;
}

/*
 * A TCP packet that opens nothing, to its socket's own peer: that peer was judged when its
 * connection was opened, or has opened it itself. So connections outlive their address's entry,
 * and answers to callers pass. A source route set later leads elsewhere: then it is judged.
 */
static __always_inline bool goes_on(struct __sk_buff *ctx, const struct rw_dest *d)
{
	struct bpf_sock *sk = ctx->sk;
	struct rw_dest peer = {0};

	if (!sk)
		return false;
	sk = bpf_sk_fullsock(sk);
	if (!sk || sk->type != STREAM || sk->protocol != IPPROTO_TCP || d->proto != IPPROTO_TCP)
		return false;
	if (sk->state == BPF_TCP_LISTEN)
		return true; /* a SYN-ACK; a listener sends nothing else */
	if (sk->state == BPF_TCP_SYN_SENT)
		return false;
	if (ctx->protocol == bpf_htons(ETH_IPV4))
		rw_dest_v4(&peer, sk->dst_ip4);
	else
		rw_dest_v6(&peer, sk->dst_ip6[0], sk->dst_ip6[1], sk->dst_ip6[2], sk->dst_ip6[3]);
	return peer.hi == d->hi && peer.lo == d->lo;
}

SEC("cgroup_skb/egress")
int rw_egress(struct __sk_buff *ctx)
{
	struct rw_dest d = {0};
	bool read = ctx->protocol == bpf_htons(ETH_IPV4) ? read_v4(ctx, &d) : read_v6(ctx, &d);
	__u32 counter = RW_KERN_OUT_N_drop_malformed;

	if (read && goes_on(ctx, &d))
		counter = RW_KERN_OUT_N_packets;
	else if (read)
		counter = rw_out_verdict(&d);
	if (counter < RW_KERN_OUT_N_refuse_metadata)
		counter = RW_KERN_OUT_N_packets;
	else if (counter < RW_KERN_OUT_N_packets)
		counter += RW_KERN_OUT_N_drop_metadata - RW_KERN_OUT_N_refuse_metadata;
	rw_out_count(counter);
	if (counter == RW_KERN_OUT_N_packets)
		return CGROUP_ALLOW;
	rw_out_note(&d, counter - RW_KERN_OUT_N_drop_metadata, 1);
	return CGROUP_REFUSE;
}
