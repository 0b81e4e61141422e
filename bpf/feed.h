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

static __always_inline void rw_feed_count(__u32 feed)
{
	struct rw_kern_feed_drops *drops = bpf_map_lookup_elem(&rw_feed_drops, &feed);

	if (drops)
		drops->drops++;
}

/*
 * What the stricter of two entries says: verdict, then the prefix length that it is about, then the
 * feed. Counts the drop that follows.
 */
static __always_inline __u32 rw_feed_settle(const struct rw_kern_listed *a,
					    const struct rw_kern_listed *b, bool syn)
{
	if (!a || (b && b->verdict > a->verdict))
		a = b;
	if (!a)
		return 0;
	if (a->verdict == RW_KERN_VERDICT_DROP_ALL ||
	    (syn && a->verdict == RW_KERN_VERDICT_DROP_SYN))
		rw_feed_count(a->feed);
	return a->verdict | (__u32)a->plen << 8 | (__u32)a->feed << 16;
}

/* What the functions below are told of the view and the packet, beside the lengths to probe. */
enum {
	RW_LISTED_SLOT = 1,
	RW_LISTED_SYN = 2,
	RW_LISTED_NETS = 4, /* the trie holds something */
};

/*
 * What the feeds say of a source, as rw_denied_find. The longest match decides, in the hash and in
 * the trie alike: userspace has put into each entry what covers it. A function a family, so that
 * each look-up knows its map.
 */
__noinline __u32 rw_listed_find4(__u64 src_hi, __u64 plens, __u32 how)
{
	struct rw_packet p = {.src_hi = src_hi, .family = 4};
	const struct rw_kern_listed *hit = NULL, *net = NULL;
	__u32 slot = how & RW_LISTED_SLOT;
	void *list = bpf_map_lookup_elem(&rw_feed4, &slot);
	__u64 key;

	for (int i = 0; i < RW_KERN_PLENS && plens && list && !hit; i++, plens >>= 8) {
		key = rw_key4_of(&p, (plens & 0xff) - 1);
		hit = bpf_map_lookup_elem(list, &key);
	}
	if ((how & RW_LISTED_NETS) && !(hit && hit->verdict == RW_KERN_VERDICT_DROP_ALL)) {
		key = rw_key4_of(&p, 32);
		list = bpf_map_lookup_elem(&rw_feed_net4, &slot);
		net = list ? bpf_map_lookup_elem(list, &key) : NULL;
	}
	return rw_feed_settle(hit, net, how & RW_LISTED_SYN);
}

__noinline __u32 rw_listed_find6(__u64 src_hi, __u64 src_lo, __u64 plens, __u32 how)
{
	struct rw_packet p = {.src_hi = src_hi, .src_lo = src_lo, .family = 6};
	const struct rw_kern_listed *hit = NULL, *net = NULL;
	__u32 slot = how & RW_LISTED_SLOT;
	void *list = bpf_map_lookup_elem(&rw_feed6, &slot);
	struct rw_kern_key key RW_WHOLE;

	for (int i = 0; i < RW_KERN_PLENS && plens && list && !hit; i++, plens >>= 8) {
		rw_key_of(&p, (plens & 0xff) - 1, &key);
		hit = bpf_map_lookup_elem(list, &key);
	}
	if ((how & RW_LISTED_NETS) && !(hit && hit->verdict == RW_KERN_VERDICT_DROP_ALL)) {
		rw_key_of(&p, 128, &key);
		list = bpf_map_lookup_elem(&rw_feed_net6, &slot);
		net = list ? bpf_map_lookup_elem(list, &key) : NULL;
	}
	return rw_feed_settle(hit, net, how & RW_LISTED_SYN);
}

static __always_inline __u32 rw_listed(const struct rw_packet *p)
{
	const struct rw_kern_feed_view *view = rw_feed_now();
	__u32 at = p->src_hi >> 40, how; /* the /24 */

	if (!view)
		return 0;
	how = (view->slot & RW_LISTED_SLOT) | (rw_is_syn(p->flags) ? RW_LISTED_SYN : 0);
	if (p->family == 4) {
		if (!(view->bits4[at / 64] >> (at % 64) & 1))
			return 0;
		return rw_listed_find4(p->src_hi, *(const volatile __u64 *)view->plens4,
				       how | (view->nets4 ? RW_LISTED_NETS : 0));
	}
	if (!rw_bit(view->bits6, rw_kern_bit6(p->src_hi >> 32) & 0xffff))
		return 0;
	return rw_listed_find6(p->src_hi, p->src_lo, *(const volatile __u64 *)view->plens6,
			       how | (view->nets6 ? RW_LISTED_NETS : 0));
}

#endif
