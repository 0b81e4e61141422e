/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Feeds: lists of sources that others have made, loaded whole and exchanged whole.
 *
 * Everything that belongs to one load hangs on one pointer, rw_feed_view[0]: presence bits, prefix
 * lengths in use, and the slot of the other outer maps where the prefixes are. Userspace fills the
 * other slot, exchanges the pointer, and empties the old slot when every program that may have read
 * the old pointer has ended, which the kernel waits for in an update of an outer map. So a packet
 * is judged by the old lists or by the new ones, and never by none.
 */
#ifndef RW_BPF_FEED_H
#define RW_BPF_FEED_H

enum { RW_FEED_SLOTS = 2 };

/* The inner maps of the outer ones, with names and types, are in rw_lists.bpf.c. */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(map_flags, BPF_F_MMAPABLE);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(__u32));
			__uint(value_size, sizeof(struct rw_kern_feed_view));
		});
} rw_feed_view SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, RW_FEED_SLOTS);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(struct rw_kern_key4));
			__uint(value_size, sizeof(struct rw_kern_listed));
		});
} rw_feed4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, RW_FEED_SLOTS);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(struct rw_kern_key));
			__uint(value_size, sizeof(struct rw_kern_listed));
		});
} rw_feed6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, RW_FEED_SLOTS);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_LPM_TRIE);
			__uint(map_flags, BPF_F_NO_PREALLOC);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(struct rw_kern_key4));
			__uint(value_size, sizeof(struct rw_kern_listed));
		});
} rw_feed_net4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, RW_FEED_SLOTS);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_LPM_TRIE);
			__uint(map_flags, BPF_F_NO_PREALLOC);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(struct rw_kern_key));
			__uint(value_size, sizeof(struct rw_kern_listed));
		});
} rw_feed_net6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RW_KERN_FEEDS);
	__type(key, __u32);
	__type(value, struct rw_kern_feed);
} rw_feeds SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RW_KERN_FEEDS);
	__type(key, __u32);
	__type(value, struct rw_kern_feed_drops);
} rw_feed_drops SEC(".maps");

static __always_inline const struct rw_kern_feed_view *rw_feed_now(void)
{
	__u32 zero = 0;
	void *list = bpf_map_lookup_elem(&rw_feed_view, &zero);

	return list ? bpf_map_lookup_elem(list, &zero) : NULL;
}

/* What the stricter of two entries says; counts the drop that follows. */
static __always_inline __u32 rw_feed_settle(const struct rw_kern_listed *a,
					    const struct rw_kern_listed *b, bool syn)
{
	struct rw_kern_feed_drops *drops;
	__u32 feed;

	if (!a || (b && b->verdict > a->verdict))
		a = b;
	if (!a)
		return 0;
	feed = a->feed;
	if (a->verdict == RW_KERN_VERDICT_DROP_ALL ||
	    (syn && a->verdict == RW_KERN_VERDICT_DROP_SYN)) {
		drops = bpf_map_lookup_elem(&rw_feed_drops, &feed);
		if (drops)
			drops->drops++;
	}
	return a->verdict | (__u32)a->plen << 8;
}

/*
 * What the feeds say of a source, as rw_denied_find. The longest match decides, in the hash and in
 * the trie alike: userspace has put into each entry what covers it. plens: the lengths to probe. A
 * function a family, so that each look-up knows its map.
 */
__noinline __u32 rw_listed_find4(__u64 src_hi, __u32 syn, __u64 plens)
{
	struct rw_packet p = {.src_hi = src_hi, .family = 4};
	const struct rw_kern_feed_view *view = rw_feed_now();
	const struct rw_kern_listed *hit = NULL, *net = NULL;
	__u64 key;
	void *list;
	__u32 slot;

	if (!view)
		return 0;
	slot = view->slot;
	list = bpf_map_lookup_elem(&rw_feed4, &slot);
	for (int i = 0; i < RW_KERN_PLENS && plens && list && !hit; i++, plens >>= 8) {
		key = rw_key4_of(&p, (plens & 0xff) - 1);
		hit = bpf_map_lookup_elem(list, &key);
	}
	if (view->nets4 && !(hit && hit->verdict == RW_KERN_VERDICT_DROP_ALL)) {
		key = rw_key4_of(&p, 32);
		list = bpf_map_lookup_elem(&rw_feed_net4, &slot);
		net = list ? bpf_map_lookup_elem(list, &key) : NULL;
	}
	return rw_feed_settle(hit, net, syn);
}

__noinline __u32 rw_listed_find6(__u64 src_hi, __u64 src_lo, __u32 syn, __u64 plens)
{
	struct rw_packet p = {.src_hi = src_hi, .src_lo = src_lo, .family = 6};
	const struct rw_kern_feed_view *view = rw_feed_now();
	const struct rw_kern_listed *hit = NULL, *net = NULL;
	struct rw_kern_key key RW_WHOLE;
	void *list;
	__u32 slot;

	if (!view)
		return 0;
	slot = view->slot;
	list = bpf_map_lookup_elem(&rw_feed6, &slot);
	for (int i = 0; i < RW_KERN_PLENS && plens && list && !hit; i++, plens >>= 8) {
		rw_key_of(&p, (plens & 0xff) - 1, &key);
		hit = bpf_map_lookup_elem(list, &key);
	}
	if (view->nets6 && !(hit && hit->verdict == RW_KERN_VERDICT_DROP_ALL)) {
		rw_key_of(&p, 128, &key);
		list = bpf_map_lookup_elem(&rw_feed_net6, &slot);
		net = list ? bpf_map_lookup_elem(list, &key) : NULL;
	}
	return rw_feed_settle(hit, net, syn);
}

/*
 * The longest length is probed in place, as in rw_denied: it is that of most entries, and what
 * drops everything needs no second opinion.
 */
static __always_inline __u32 rw_listed4(const struct rw_packet *p,
					const struct rw_kern_feed_view *view)
{
	__u32 slot = view->slot, at = p->src_hi >> 40; /* the /24 */
	__u64 plens, key;
	const struct rw_kern_listed *hit;
	void *list;

	if (!(view->bits4[at / 64] >> (at % 64) & 1))
		return 0;
	plens = *(const volatile __u64 *)view->plens4;
	list = bpf_map_lookup_elem(&rw_feed4, &slot);
	if (!list || !plens)
		return 0;
	key = rw_key4_of(p, (plens & 0xff) - 1);
	hit = bpf_map_lookup_elem(list, &key);
	if (hit && hit->verdict == RW_KERN_VERDICT_DROP_ALL)
		return rw_feed_settle(hit, NULL, true);
	if (!hit) {
		plens >>= 8;
		if (!plens && !view->nets4)
			return 0;
	}
	return rw_listed_find4(p->src_hi, rw_is_syn(p->flags), plens);
}

static __always_inline __u32 rw_listed6(const struct rw_packet *p,
					const struct rw_kern_feed_view *view)
{
	struct rw_kern_key key RW_WHOLE;
	const struct rw_kern_listed *hit;
	__u32 slot = view->slot;
	__u64 plens;
	void *list;

	if (!rw_bit(view->bits6, rw_kern_bit6(p->src_hi >> 32)))
		return 0;
	plens = *(const volatile __u64 *)view->plens6;
	list = bpf_map_lookup_elem(&rw_feed6, &slot);
	if (!list || !plens)
		return 0;
	rw_key_of(p, (plens & 0xff) - 1, &key);
	hit = bpf_map_lookup_elem(list, &key);
	if (hit && hit->verdict == RW_KERN_VERDICT_DROP_ALL)
		return rw_feed_settle(hit, NULL, true);
	if (!hit) {
		plens >>= 8;
		if (!plens && !view->nets6)
			return 0;
	}
	return rw_listed_find6(p->src_hi, p->src_lo, rw_is_syn(p->flags), plens);
}

static __always_inline __u32 rw_listed(const struct rw_packet *p)
{
	const struct rw_kern_feed_view *view = rw_feed_now();

	if (!view)
		return 0;
	return p->family == 4 ? rw_listed4(p, view) : rw_listed6(p, view);
}

#endif
