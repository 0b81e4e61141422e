/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * rw_tcx: the verdict of rw_xdp where XDP cannot attach, at TCX ingress.
 *
 * What comes here is an skb. Its outer VLAN tag is beside the frame, of which only a first part may
 * be in one piece; and where GRO is on, it is several segments in one.
 */
#include <vmlinux.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ringwall/kern_abi.h"

#define RW_CTX				 struct __sk_buff
#define rw_frame_bytes(ctx)		 ((ctx)->len)
#define rw_tags_aside(ctx)		 (!!(ctx)->vlan_present)
/* BIG TCP: over 64 KiB. Only the kernel sets gso_size, nothing in the packet can. */
#define rw_super_bytes(ctx)		 ((ctx)->gso_size ? (ctx)->len : 0)
#define rw_load_bytes			 bpf_skb_load_bytes
#define rw_store_bytes(ctx, at, from, n) bpf_skb_store_bytes(ctx, at, from, n, 0)
#define rw_cut(ctx, bytes)		 bpf_skb_change_tail(ctx, bytes, 0)

#include "verdict.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Where headers end at most: without extension headers; with them and a tag (parse.h). */
enum {
	NEAR = sizeof(struct ethhdr) + 60 + 60,
	FAR = sizeof(struct ethhdr) + RW_MAX_TAGS * sizeof(struct rw_tag) + sizeof(struct ipv6hdr) +
	      RW_MAX_EXT * 256 * 8 + 60,
};

static __always_inline bool is_plain(struct __sk_buff *skb)
{
	__u8 next;

	if (skb->protocol == bpf_htons(RW_ETH_IP))
		return true;
	return skb->protocol == bpf_htons(RW_ETH_IPV6) &&
	       !bpf_skb_load_bytes_relative(skb, offsetof(struct ipv6hdr, nexthdr), &next, 1,
					    BPF_HDR_START_NET) &&
	       next == RW_NEXT_TCP;
}

/* Brings the headers into the part that is in one piece. No byte of the packet changes. */
static __always_inline void pull_headers(struct __sk_buff *skb)
{
	__u32 want = is_plain(skb) ? NEAR : FAR;

	if (want > skb->len)
		want = skb->len;
	if (want > (__u64)(skb->data_end - skb->data))
		bpf_skb_pull_data(skb, want);
}

SEC("tcx/ingress")
int rw_tcx(struct __sk_buff *skb)
{
	pull_headers(skb);
	switch (rw_judge(skb)) {
	case RW_FATE_DROP:
		return TCX_DROP;
	case RW_FATE_ANSWER: /* the tag beside the frame goes along */
		return bpf_redirect(skb->ifindex, 0);
	default: /* not TCX_PASS: whoever is attached behind us has a say, too */
		return TCX_NEXT;
	}
}
