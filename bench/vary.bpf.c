/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Never shipped. BPF_PROG_TEST_RUN repeats one frame, so that a program over tables is timed on
 * cache hits only. bench_vary writes the next of many sources into the frame and goes on into the
 * program under test by a tail call, which the kernel has patched to a jump. bench_empty in its
 * place is the floor: what all of that costs by itself.
 */
#include <vmlinux.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "kern_bench.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} bench_next SEC(".maps");

struct bench_sources sources;
__u64 state;

SEC("xdp.frags")
int bench_vary(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 at = sources.at & 0x7f;

	if (data + at + 4 > end)
		return XDP_ABORTED;
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	*(__u32 *)(data + at) =
		bpf_htonl(sources.base + sources.stride * (__u32)((state >> 32) * sources.n >> 32));
	bpf_tail_call(ctx, &bench_next, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int bench_empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
