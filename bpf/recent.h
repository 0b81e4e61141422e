/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Who was dropped by a ban, a feed or the packet rate a moment ago: a small table per CPU in front
 * of them, for floods.
 *
 * A look-up among 100,000 bans is three lines of memory, one after the other, that no near cache
 * holds, for each packet of a flood. Here it is one, that does. An entry counts within the span of
 * four ticks in which it was made and not beyond, so nobody has to take it back when a ban is
 * lifted or a feed loaded: that counts from the next span on. A ban that could end within two spans
 * has no entries: bans end by the clock. Within a span a place is the first source's that comes.
 *
 * Drops that are met here are added to their ban RW_KERN_RECENT_DROPS at a time, and when the place
 * is given away: the ban's count is behind by less than that, per CPU and address. Sources get a
 * place when their ban has RW_KERN_RECENT_FROM drops; with less it is exact. Drops of feeds are
 * counted per CPU, at once.
 *
 * Of the packet rate an entry counts for one tick: only time lowers a backlog, and the limiter's
 * time stands still between ticks, so who was over is over. SYNs go on to the SYN rate, which comes
 * first. A ban or a feed takes the place of such an entry: its own lasts longer.
 */
#ifndef RW_BPF_RECENT_H
#define RW_BPF_RECENT_H

enum {
	RW_RECENT_SPAN = 2,		/* log2 of its ticks, of which one is 10 ms at most */
	RW_RECENT_MARGIN_NS = 80000000, /* two spans */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* as many as CPUs */
	__type(key, __u32);
	__type(value, struct rw_kern_recents);
} rw_recent SEC(".maps");

static __always_inline __u32 rw_recent_span(void)
{
	return bpf_jiffies64() >> RW_RECENT_SPAN;
}

/* The limiters' time: jiffies in nanoseconds. */
static __always_inline __u64 rw_rate_now_ns(const struct rw_kern_cfg *cfg)
{
	return bpf_jiffies64() * cfg->tick_ns;
}

/* The place of a source on this CPU; net: its IPv4 address in the upper half, or its /64. */
static __always_inline struct rw_kern_recent *rw_recent_at(__u64 net)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct rw_kern_recents *here = bpf_map_lookup_elem(&rw_recent, &cpu);

	return here ? &here->at[net * 0x9e3779b97f4a7c15 >> (64 - RW_KERN_RECENT_BITS)] : NULL;
}

/* Adds the drops of this place to their ban or limiter; in deny.h and rate.h, which know those. */
static __always_inline void rw_ban_spend(struct rw_kern_recent *recent);
static __always_inline void rw_source_spend(struct rw_kern_recent *recent);

static __always_inline void rw_recent_spend(struct rw_kern_recent *recent)
{
	if (!recent->drops)
		return;
	if (recent->plen == RW_KERN_RECENT_RATE)
		rw_source_spend(recent);
	else
		rw_ban_spend(recent);
	recent->drops = 0;
}

/* The same, apart, because it is seldom needed. */
__noinline int rw_recent_settle(__u64 net)
{
	struct rw_kern_recent *recent = rw_recent_at(net);

	if (recent)
		rw_recent_spend(recent);
	return 0;
}

static __always_inline void rw_feed_count(__u32 feed); /* in feed.h */

/* Whether what is said here of its source holds now, and for this packet. */
static __always_inline bool rw_recent_holds(const struct rw_kern_recent *recent,
					    const struct rw_packet *p,
					    const struct rw_kern_cfg *cfg)
{
	if (recent->plen == RW_KERN_RECENT_RATE)
		return recent->span == (__u32)rw_rate_now_ns(cfg) && !rw_is_syn(p->flags);
	return recent->span == rw_recent_span();
}

/* The outcome of a source that was dropped a moment ago; counts that it is again. 0: it was not. */
static __always_inline __u32 rw_recently(const struct rw_packet *p, const struct rw_kern_cfg *cfg)
{
	struct rw_kern_recent *recent = rw_recent_at(p->src_hi);

	if (!recent || recent->net != p->src_hi || recent->family != p->family ||
	    !rw_recent_holds(recent, p, cfg))
		return 0;
	if (recent->plen & RW_KERN_RECENT_FEED) {
		rw_feed_count(recent->plen & ~RW_KERN_RECENT_FEED);
		return RW_KERN_N_drop_feed;
	}
	if (++recent->drops == RW_KERN_RECENT_DROPS)
		rw_recent_settle(p->src_hi);
	return recent->plen == RW_KERN_RECENT_RATE ? RW_KERN_N_drop_pkt_rate
						   : RW_KERN_N_drop_denied;
}

/* Gives a place away. why: the length of the ban, RW_KERN_RECENT_RATE, or the feed and _FEED. */
static __always_inline void rw_recent_take(struct rw_kern_recent *recent, __u64 net, __u32 family,
					   __u32 why, __u32 span)
{
	rw_recent_spend(recent);
	recent->net = net;
	recent->span = span;
	recent->family = family;
	recent->plen = why;
}

/* Remembers a ban's drop or a feed's, unless the place is taken in this span. */
__noinline int rw_recent_put(__u64 net, __u32 family, __u32 why)
{
	struct rw_kern_recent *recent = rw_recent_at(net);
	__u32 span = rw_recent_span();

	if (recent && (recent->span != span || recent->plen == RW_KERN_RECENT_RATE))
		rw_recent_take(recent, net, family, why, span);
	return 0;
}

/* Remembers that a source is over its packet rate, unless the place is another's in this tick. */
__noinline int rw_recent_put_rate(__u64 net, __u32 family, __u64 now_ns)
{
	struct rw_kern_recent *recent = rw_recent_at(net);
	__u32 span = now_ns;

	if (recent &&
	    recent->span != (recent->plen == RW_KERN_RECENT_RATE ? span : rw_recent_span()))
		rw_recent_take(recent, net, family, RW_KERN_RECENT_RATE, span);
	return 0;
}

#endif
