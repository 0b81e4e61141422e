/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Telling userspace, by one ring: transitions, never packets.
 *
 * Bounded three times over. Only entries of userspace's (bans) and of the exact limiters speak,
 * each once a window: a spoofed source has neither. Each kind has a cap per CPU and span of time,
 * so a flood of one does not hide another. A full ring loses events, counted, and nothing else.
 *
 * Nobody is woken: readers look on a tick of theirs, and an attack raises no interrupt.
 */
#ifndef RW_BPF_EVENTS_H
#define RW_BPF_EVENTS_H

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RW_KERN_EVENTS_BYTES);
} rw_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rw_kern_told);
} rw_told SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rw_kern_episodes);
} rw_episodes SEC(".maps");

/* What rw_tell is about, beside the source: packed, because a function takes five numbers. */
#define RW_ABOUT(kind, outcome, family, plen) \
	((__u64)(RW_KERN_EVENT_##kind) << 32 | (__u64)(outcome) << 16 | (family) << 8 | (plen))

/* Whether one more event of this kind is within its cap. */
static __always_inline bool rw_may_tell(__u32 kind, __u64 now_ns)
{
	__u32 zero = 0;
	struct rw_kern_told *told = bpf_map_lookup_elem(&rw_told, &zero);
	__u64 span = now_ns >> RW_KERN_EVENT_SPAN_BITS;

	if (!told || kind >= RW_KERN_EVENTS)
		return false;
	if (told->span != span) {
		__builtin_memset(told, 0, sizeof(*told));
		told->span = span;
	}
	return told->used[kind]++ < RW_KERN_EVENTS_PER_SPAN;
}

/* Called seldom, so it is one function and not a part of each path. count: packets so far. */
__noinline int rw_tell(__u64 src_hi, __u64 src_lo, __u64 about, __u64 count, __u64 now_ns)
{
	struct rw_kern_stats *stats = rw_stats_here();
	__u32 family = about >> 8 & 0xff, plen = about & 0xff;
	const struct rw_kern_cfg *cfg = rw_cfg_now(); /* for one flag, which may be newer */
	struct rw_kern_event *ev;

	if (!stats || !cfg)
		return 0;
	if (!rw_may_tell(about >> 32, now_ns)) {
		stats->events_capped++;
		return 0;
	}
	ev = bpf_ringbuf_reserve(&rw_events, sizeof(*ev), 0);
	if (!ev) {
		stats->events_lost++;
		return 0;
	}
	ev->at_ns = now_ns;
	ev->count = count;
	ev->kind = about >> 32;
	ev->outcome = about >> 16 & 0xff;
	ev->shadow = cfg->shadow;
	ev->plen = family == 4 ? plen + 96 : plen;
	*(__u64 *)ev->addr = family == 4 ? 0 : bpf_cpu_to_be64(src_hi);
	*(__u64 *)(ev->addr + 8) = bpf_cpu_to_be64(family == 4 ? 0xffffULL << 32 | src_hi >> 32
							       : src_lo);
	bpf_ringbuf_submit(ev, BPF_RB_NO_WAKEUP);
	return 0;
}

/* Whether to look if the n-th drop, from 1, is to be told: the first is, others once a window. */
static __always_inline bool rw_drop_told(__u64 n)
{
	return n % RW_KERN_EVENT_EVERY == 1;
}

/* The same for the last `many` of n drops. */
static __always_inline bool rw_drops_told(__u64 n, __u32 many)
{
	return (n - 1) / RW_KERN_EVENT_EVERY != (n - many - 1) / RW_KERN_EVENT_EVERY;
}

/* The time, if no event told of this within the window; 0 otherwise. */
static __always_inline __u64 rw_drop_due(__u64 *told_ns)
{
	__u64 told = *(volatile __u64 *)told_ns, now_ns = bpf_ktime_get_ns();

	if (told && now_ns - told < RW_KERN_EVENT_WINDOW_NS)
		return 0;
	return __sync_val_compare_and_swap(told_ns, told, now_ns) == told ? now_ns : 0;
}

/*
 * A state of the whole goes on; kind: promote_capped or syn_budget. Call it once a tick and CPU at
 * most. The first call after a quiet time begins an episode.
 */
static __always_inline void rw_episode(struct rw_kern_episode *at, __u64 about)
{
	__u64 now_ns = bpf_ktime_get_coarse_ns(), last = *(volatile __u64 *)&at->last_ns;

	if (now_ns <= last)
		return;
	if (__sync_val_compare_and_swap(&at->last_ns, last, now_ns) != last)
		return;
	if (last && now_ns - last < RW_KERN_EPISODE_QUIET_NS)
		return;
	at->since_ns = now_ns;
	rw_tell(0, 0, about, 0, now_ns);
}

#endif
