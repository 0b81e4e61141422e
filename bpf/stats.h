/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Counting: named, per CPU, no atomics; one reason per packet. */
#ifndef RW_BPF_STATS_H
#define RW_BPF_STATS_H

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rw_kern_stats);
} rw_stats SEC(".maps");

static __always_inline struct rw_kern_stats *rw_stats_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&rw_stats, &zero);
}

/* What the program does with the packet; by the numbers of enum xdp_action. */
enum rw_fate {
	RW_FATE_DROP = XDP_DROP,
	RW_FATE_PASS = XDP_PASS,
	RW_FATE_ANSWER = XDP_TX, /* sends it back: it is its answer */
};

/* Counts the outcome of a packet. Shadow mode counts would_drop and passes. */
static __always_inline enum rw_fate rw_stats_settle(struct rw_kern_stats *stats, __u32 outcome,
						    bool shadow)
{
	enum rw_fate fate = RW_FATE_PASS;

	if (outcome >= RW_KERN_N_drop_malformed && outcome <= RW_KERN_N_drop_pkt_rate) {
		fate = RW_FATE_DROP;
		if (shadow) {
			fate = RW_FATE_PASS;
			outcome += RW_KERN_SHADOW;
		}
	} else if (outcome == RW_KERN_N_tx_cookie) {
		fate = RW_FATE_ANSWER;
	}
	stats->rx++;
	/* The compiler may know the bound; the verifier has to see it. */
	asm volatile("" : "+r"(outcome));
	if (outcome < RW_KERN_N)
		((__u64 *)stats)[outcome]++;
	return fate;
}

#endif
