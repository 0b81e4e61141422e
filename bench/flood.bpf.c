/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Never shipped. bench_send makes a flood of one frame: BPF_PROG_TEST_RUN with live frames runs it
 * for each copy, and it writes the next source, sets the checksums right and sends it out.
 * bench_drop is the least that a dropper can do.
 */
#include <vmlinux.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "kern_bench.h"

struct bench_sources sources;
struct bench_flood flood;
__u8 frame[sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct tcphdr)];
__u64 state;
__u64 sent;

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

SEC("xdp")
int bench_send(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	struct tcphdr *tcp = (void *)(ip + 1);
	__u32 source;

	if ((void *)(tcp + 1) > end)
		return XDP_ABORTED;
	/* Anew: the memory comes back from who got the last copy, and may have answered in it. */
	__builtin_memcpy(data, frame, sizeof(frame));
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	source =
		bpf_htonl(sources.base + sources.stride * (__u32)((state >> 32) * sources.n >> 32));
	ip->saddr = source;
	ip->check = fold(flood.ip_sum + (source & 0xffff) + (source >> 16));
	tcp->check = fold(flood.tcp_sum + (source & 0xffff) + (source >> 16));
	sent++;
	return bpf_redirect(flood.ifindex, 0);
}

SEC("xdp")
int bench_drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
