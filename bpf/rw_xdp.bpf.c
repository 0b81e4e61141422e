/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * rw_xdp: the first place where a packet for the gateway is judged.
 *
 * Every packet ends in exactly one counter (include/ringwall/kern_abi.h). The
 * program reads the frame and never writes it; it limits, but bans nobody: only userspace does,
 * which has seen a handshake.
 */
#include <vmlinux.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ringwall/kern_abi.h"

#define RW_CTX	       struct xdp_md /* a macro: CO-RE would look a typedef up in the kernel */
#define rw_frame_bytes bpf_xdp_get_buff_len

#include "verdict.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rw_kern_meta);
} rw_meta SEC(".maps");

SEC("xdp.frags")
int rw_xdp(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct rw_kern_cfg *cfg = bpf_map_lookup_elem(&rw_cfg, &zero);
	struct rw_kern_stats *stats = rw_stats_here();

	if (!cfg || !stats)
		return XDP_PASS;
	return rw_stats_settle(stats, rw_outcome(ctx, cfg), cfg->shadow);
}
