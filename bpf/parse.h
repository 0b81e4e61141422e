/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * From a frame to "TCP to this port from this address", reading nothing else.
 *
 * Pure: memory in, values out; no map, no helper, no clock. tests/fuzz/kern_parse.c compiles it
 * for the host. The includer provides struct ethhdr, iphdr, ipv6hdr, tcphdr, bpf_ntohs/ntohl, and
 *as macros what depends on the kind of program:
 *
 * RW_CTX		 its context, struct xdp_md or struct __sk_buff
 * rw_tags_aside(ctx)	 VLAN tags that were taken out of the frame before
 * rw_super_bytes(ctx)	 the length of a frame put together of several, whose IP header has no room
 *			 for its length and says 0; else 0
 *
 * A packet is dropped as malformed only if it is ours, or may be ours and cannot be told;
 * everything else is none of our business, so that management can never be locked out.
 */
#ifndef RW_BPF_PARSE_H
#define RW_BPF_PARSE_H

enum {
	RW_ETH_IP = 0x0800,
	RW_ETH_IPV6 = 0x86dd,
	RW_ETH_8021Q = 0x8100,
	RW_ETH_8021AD = 0x88a8,
	RW_MAX_TAGS = 2,

	RW_IP_MF_OR_OFFSET = 0x3fff,
	RW_IP_OFFSET = 0x1fff,
	RW_IP6_OFFSET = 0xfff8,

	RW_NEXT_HOP_BY_HOP = 0,
	RW_NEXT_TCP = 6,
	RW_NEXT_ROUTING = 43,
	RW_NEXT_FRAGMENT = 44,
	RW_NEXT_AUTH = 51,
	RW_NEXT_DEST_OPTS = 60,
	RW_MAX_EXT = 6,

	RW_TCP_FIN = 1,
	RW_TCP_SYN = 2,
	RW_TCP_RST = 4,
	RW_TCP_PSH = 8,
	RW_TCP_ACK = 16,
	RW_TCP_URG = 32,
};

enum rw_parsed {
	RW_PARSED_OTHER, /* not TCP, or a later fragment, whose port is not in it */
	RW_PARSED_TCP,
	RW_PARSED_MALFORMED,
};

struct rw_tag {
	__u16 tci;
	__u16 proto;
};

/* The first two bytes of every extension header but the fragment's, whose second is reserved. */
struct rw_ext {
	__u8 next;
	__u8 len;
};

struct rw_ext_fragment {
	__u8 next;
	__u8 reserved;
	__be16 offset;
	__be32 id;
};

/* Offsets are from the start of the frame. */
struct rw_packet {
	__u32 ip;     /* the IP header */
	__u32 l4;     /* the TCP header */
	__u32 ip_end; /* where the IP packet ends by its own account */
	__u64 src_hi; /* source address as a number; IPv4 in the upper half of src_hi */
	__u64 src_lo;
	__u16 port;  /* destination */
	__u8 family; /* 4 or 6 */
	__u8 fragment;
	__u8 flags; /* rw_parse_tcp fills it */
};

/* Keeps the compiler from checking one register and using another, which the verifier refuses. */
#define RW_OPAQUE(pointer) asm volatile("" : "+r"(pointer))

static __always_inline enum rw_parsed rw_parse_ports(void *data, void *end, struct rw_packet *p)
{
	struct tcphdr *tcp = data + p->l4;

	RW_OPAQUE(tcp);
	if ((void *)tcp + 4 > end || p->l4 + 4 > p->ip_end)
		return RW_PARSED_MALFORMED;
	p->port = bpf_ntohs(tcp->dest);
	return RW_PARSED_TCP;
}

/* RFC 791; ip_at: where the IP header starts. */
static __always_inline enum rw_parsed rw_parse_ip4(RW_CTX *ctx, void *data, void *end, __u32 ip_at,
						   struct rw_packet *p)
{
	struct iphdr *ip = data + ip_at;
	__u32 header, total;
	__u16 frag;

	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5)
		return RW_PARSED_MALFORMED;
	if (ip->protocol != RW_NEXT_TCP)
		return RW_PARSED_OTHER;
	frag = bpf_ntohs(ip->frag_off) & RW_IP_MF_OR_OFFSET;
	if (frag & RW_IP_OFFSET)
		return RW_PARSED_OTHER;
	header = (__u32)ip->ihl * 4;
	total = bpf_ntohs(ip->tot_len);
	p->family = 4;
	p->fragment = frag != 0;
	p->src_hi = (__u64)bpf_ntohl(ip->saddr) << 32;
	p->src_lo = 0;
	p->l4 = ip_at + header;
	p->ip_end = total ? ip_at + total : rw_super_bytes(ctx);
	return rw_parse_ports(data, end, p);
}

/* What rw_chain_find returns: the offset of TCP in the low 16 bits, and: */
enum {
	RW_CHAIN_FRAGMENT = 1 << 16,
	RW_CHAIN_OTHER = 1 << 17,
	RW_CHAIN_MALFORMED = 1 << 18,
};

/*
 * Walks IPv6 extension headers from offset at, where the header `next` is, to TCP. They are those
 * which Linux walks itself (RFC 8200 4), so that what it would take for TCP is taken for TCP
 * here. A first fragment must hold the whole chain (RFC 7112).
 *
 * A function of its own, so that the verifier walks the loop once; most packets have no chain.
 */
__noinline __u32 rw_chain_find(RW_CTX *ctx, __u32 at, __u32 next)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 flags = 0;

	at &= 0xff;
	for (int i = 0; i <= RW_MAX_EXT; i++) {
		struct rw_ext *ext = data + at;
		struct rw_ext_fragment *frag = data + at;

		switch (next) {
		case RW_NEXT_TCP:
			return at | flags;
		case RW_NEXT_HOP_BY_HOP:
		case RW_NEXT_ROUTING:
		case RW_NEXT_DEST_OPTS:
			if ((void *)(ext + 1) > end)
				return RW_CHAIN_MALFORMED;
			at += ((__u32)ext->len + 1) * 8;
			break;
		case RW_NEXT_AUTH:
			if ((void *)(ext + 1) > end)
				return RW_CHAIN_MALFORMED;
			at += ((__u32)ext->len + 2) * 4;
			break;
		case RW_NEXT_FRAGMENT:
			if ((void *)(frag + 1) > end)
				return RW_CHAIN_MALFORMED;
			if (bpf_ntohs(frag->offset) & RW_IP6_OFFSET)
				return RW_CHAIN_OTHER;
			flags = RW_CHAIN_FRAGMENT;
			at += sizeof(*frag);
			break;
		default:
			return RW_CHAIN_OTHER;
		}
		next = ext->next;
	}
	return RW_CHAIN_MALFORMED;
}

static __always_inline enum rw_parsed rw_parse_ip6(RW_CTX *ctx, void *data, void *end, __u32 ip_at,
						   struct rw_packet *p)
{
	struct ipv6hdr *ip = data + ip_at;
	const __u32 *word = (const void *)&ip->saddr;
	__u32 chain, payload;

	if ((void *)(ip + 1) > end || ip->version != 6)
		return RW_PARSED_MALFORMED;
	payload = bpf_ntohs(ip->payload_len);
	p->family = 6;
	p->l4 = ip_at + sizeof(*ip);
	p->ip_end = payload ? p->l4 + payload : rw_super_bytes(ctx);
	p->src_hi = (__u64)bpf_ntohl(word[0]) << 32 | bpf_ntohl(word[1]);
	p->src_lo = (__u64)bpf_ntohl(word[2]) << 32 | bpf_ntohl(word[3]);
	if (ip->nexthdr != RW_NEXT_TCP) {
		chain = rw_chain_find(ctx, p->l4, ip->nexthdr);
		if (chain & RW_CHAIN_OTHER)
			return RW_PARSED_OTHER;
		if (chain & RW_CHAIN_MALFORMED)
			return RW_PARSED_MALFORMED;
		p->fragment = (chain & RW_CHAIN_FRAGMENT) != 0;
		p->l4 = chain & 0x7fff;
	}
	return rw_parse_ports(data, end, p);
}

/*
 * Ethernet with up to two tags. RW_PARSED_TCP: everything but p->flags is filled, and the four
 * bytes of ports are inside both the frame and the IP packet. More tags than two are OTHER.
 */
static __always_inline enum rw_parsed rw_parse(RW_CTX *ctx, struct rw_packet *p)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	__u32 at = sizeof(*eth), tags = rw_tags_aside(ctx);
	__u16 proto;

	if ((void *)(eth + 1) > end)
		return RW_PARSED_MALFORMED;
	proto = bpf_ntohs(eth->h_proto);
	for (int i = 0; i < RW_MAX_TAGS; i++) {
		struct rw_tag *tag = data + at;

		if ((proto != RW_ETH_8021Q && proto != RW_ETH_8021AD) || i + tags >= RW_MAX_TAGS)
			break;
		if ((void *)(tag + 1) > end)
			return RW_PARSED_MALFORMED;
		proto = bpf_ntohs(tag->proto);
		at += sizeof(*tag);
	}
	p->ip = at;
	p->fragment = 0;
	if (proto == RW_ETH_IP)
		return rw_parse_ip4(ctx, data, end, at, p);
	if (proto == RW_ETH_IPV6)
		return rw_parse_ip6(ctx, data, end, at, p);
	return RW_PARSED_OTHER;
}

/* The rest of the TCP header, after RW_PARSED_TCP. False: malformed (RFC 9293 3.1). */
static __always_inline bool rw_parse_tcp(void *data, void *end, struct rw_packet *p)
{
	struct tcphdr *tcp = data + p->l4;

	RW_OPAQUE(tcp);
	if ((void *)(tcp + 1) > end || tcp->doff < 5 || p->l4 + tcp->doff * 4 > p->ip_end)
		return false;
	p->flags = ((__u8 *)tcp)[13];
	return true;
}

/*
 * Whether a TCP state machine can have sent these flags. PSH, ECE and CWR never matter; a
 * segment is SYN, SYN+ACK, RST, RST+ACK, ACK or FIN+ACK, each but the RSTs also with URG.
 */
static __always_inline bool rw_flags_possible(__u8 flags)
{
#define POSSIBLE(f) (1ULL << (f))
	const __u64 possible = POSSIBLE(RW_TCP_SYN) | POSSIBLE(RW_TCP_SYN | RW_TCP_URG) |
			       POSSIBLE(RW_TCP_SYN | RW_TCP_ACK) |
			       POSSIBLE(RW_TCP_SYN | RW_TCP_ACK | RW_TCP_URG) |
			       POSSIBLE(RW_TCP_RST) | POSSIBLE(RW_TCP_RST | RW_TCP_ACK) |
			       POSSIBLE(RW_TCP_ACK) | POSSIBLE(RW_TCP_ACK | RW_TCP_URG) |
			       POSSIBLE(RW_TCP_FIN | RW_TCP_ACK) |
			       POSSIBLE(RW_TCP_FIN | RW_TCP_ACK | RW_TCP_URG);
#undef POSSIBLE
	const __u8 judged = RW_TCP_FIN | RW_TCP_SYN | RW_TCP_RST | RW_TCP_ACK | RW_TCP_URG;

	return possible >> (flags & judged) & 1;
}

static __always_inline bool rw_is_syn(__u8 flags)
{
	return (flags & (RW_TCP_SYN | RW_TCP_ACK)) == RW_TCP_SYN;
}

#endif
