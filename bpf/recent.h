/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Who was dropped by a ban or a feed a moment ago: a small table per CPU in front of both, for
 * floods.
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

/* The place of a source on this CPU; net: its IPv4 address in the upper half, or its /64. */
static __always_inline struct rw_kern_recent *rw_recent_at(__u64 net)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct rw_kern_recents *here = bpf_map_lookup_elem(&rw_recent, &cpu);

	return here ? &here->at[net * 0x9e3779b97f4a7c15 >> (64 - RW_KERN_RECENT_BITS)] : NULL;
}

/* Adds the drops of this place to their ban; in deny.h, which knows bans. */
static __always_inline void rw_recent_spend(struct rw_kern_recent *recent);

/* The same, apart, because it is seldom needed. */
__noinline int rw_recent_settle(__u64 net)
{
	struct rw_kern_recent *recent = rw_recent_at(net);

	if (recent)
		rw_recent_spend(recent);
	return 0;
}

static __always_inline void rw_feed_count(__u32 feed); /* in feed.h */

/* The outcome of a source that was dropped in this span; counts that it is again. 0: it was not. */
static __always_inline __u32 rw_recently(const struct rw_packet *p)
{
	struct rw_kern_recent *recent = rw_recent_at(p->src_hi);

	if (!recent || recent->net != p->src_hi || recent->span != rw_recent_span() ||
	    recent->family != p->family)
		return 0;
	if (recent->plen & RW_KERN_RECENT_FEED) {
		rw_feed_count(recent->plen & ~RW_KERN_RECENT_FEED);
		return RW_KERN_N_drop_feed;
	}
	if (++recent->drops == RW_KERN_RECENT_DROPS)
		rw_recent_settle(p->src_hi);
	return RW_KERN_N_drop_denied;
}

/*
 * Remembers a drop, unless the place is taken in this span. why: the length of the ban, or the feed
 * and RW_KERN_RECENT_FEED.
 */
__noinline int rw_recent_put(__u64 net, __u32 family, __u32 why)
{
	struct rw_kern_recent *recent = rw_recent_at(net);
	__u32 span = rw_recent_span();

	if (!recent || recent->span == span)
		return 0;
	rw_recent_spend(recent);
	recent->net = net;
	recent->span = span;
	recent->family = family;
	recent->plen = why;
	return 0;
}

#endif
