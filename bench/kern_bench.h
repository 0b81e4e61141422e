/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* What the programs that are only benchmarks' share with those that load them. */
#ifndef RW_BENCH_KERN_BENCH_H
#define RW_BENCH_KERN_BENCH_H

#ifndef __bpf__ /* there, vmlinux.h has defined them */
#include <stdint.h>
#endif

/* n sources, drawn at random: the number base + stride * 0..n-1, written at byte `at`. */
struct bench_sources {
	uint64_t n;
	uint32_t at;
	uint32_t base;
	uint32_t stride;
};

/*
 * Where bench_send sends, and the sums of the frame's IP header and of its TCP segment with
 * pseudo-header, both without source and checksum, in the order of memory.
 */
struct bench_flood {
	uint32_t ifindex;
	uint32_t ip_sum;
	uint32_t tcp_sum;
};

#endif
