/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * rw_xdp: the first place where a packet for the gateway is judged.
 *
 * Every packet ends in exactly one counter (include/ringwall/kern_abi.h). The
 * program reads the frame and writes it only to turn a SYN into its answer (syn.h); it limits, but
 * bans nobody: only userspace does, which has seen a handshake.
 */
#include <vmlinux.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ringwall/kern_abi.h"

#define RW_CTX		    struct xdp_md /* a macro: CO-RE would look a typedef up in the kernel */
#define rw_frame_bytes	    bpf_xdp_get_buff_len
#define rw_tags_aside(ctx)  0
#define rw_super_bytes(ctx) 0
#define rw_load_bytes	    bpf_xdp_load_bytes
#define rw_store_bytes	    bpf_xdp_store_bytes

static __always_inline long rw_cut(struct xdp_md *ctx, __u32 bytes)
{
	return bpf_xdp_adjust_tail(ctx, (int)bytes - (int)bpf_xdp_get_buff_len(ctx));
}

#include "verdict.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("xdp.frags")
int rw_xdp(struct xdp_md *ctx)
{
	return rw_judge(ctx);
}
