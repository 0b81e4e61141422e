/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Allowlist and bans. Written by userspace only, never evicted by traffic.
 *
 * Honest packets pay for one bit, or two: a source whose /16 (IPv6: hashed /32) or /24 (/48) has no
 * entry skips every look-up. Bans are hashes, probed once per prefix length in use; a trie would
 * cost each miss as much as a hit. What has a ninth length is in a small trie all the same. A ban
 * whose time is over is no ban, whether or not anybody is there to remove it.
 */
#ifndef RW_BPF_DENY_H
#define RW_BPF_DENY_H

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rw_kern_bits);
} rw_bits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RW_KERN_ALLOW_HOSTS);
	__type(key, struct rw_kern_key);
	__type(value, struct rw_kern_allow);
} rw_allow SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, RW_KERN_ALLOW_NETS);
	__type(key, struct rw_kern_key);
	__type(value, struct rw_kern_allow);
} rw_allow_net SEC(".maps");

/* Not preallocated: entries then lie in few large pages, and a ban costs a third less to look up.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, RW_KERN_BANS);
	__type(key, struct rw_kern_key4);
	__type(value, struct rw_kern_ban);
} rw_deny4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, RW_KERN_BANS);
	__type(key, struct rw_kern_key);
	__type(value, struct rw_kern_ban);
} rw_deny6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, RW_KERN_CIDRS);
	__type(key, struct rw_kern_key4);
	__type(value, struct rw_kern_cidr);
} rw_cidr4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, RW_KERN_CIDRS);
	__type(key, struct rw_kern_key);
	__type(value, struct rw_kern_cidr);
} rw_cidr6 SEC(".maps");

enum {
	RW_CIDR_NESTED = 129,	 /* every length there is */
	RW_SUSPECT_SYN = 1 << 8, /* beside the family of who is suspected */
};

/*
 * A look-up in this map and no other. Of two look-ups on two branches the compiler makes one in
 * "either map"; that one the verifier cannot turn into a direct call, and it costs 25 ns more.
 */
#define RW_LOOKUP(map, key)                                   \
	({                                                    \
		void *found_ = bpf_map_lookup_elem(map, key); \
		asm volatile("# " #map : "+r"(found_));       \
		found_;                                       \
	})

static __always_inline bool rw_bit(const __u64 *bits, __u32 n)
{
	return bits[n / 64] >> (n % 64) & 1;
}

static __always_inline bool rw_maybe(const struct rw_packet *p, const __u64 *bits4,
				     const __u64 *bits6)
{
	__u32 first4 = p->src_hi >> 32;

	if (p->family == 4)
		return rw_bit(bits4, first4 >> 16);
	return rw_bit(bits6, rw_kern_bit6(first4) & 0xffff);
}

/* The same, asked where it says yes: 100,000 bans are in nearly every /16, but in few /24. */
static __always_inline bool rw_maybe_near(const struct rw_packet *p,
					  const struct rw_kern_bits *bits)
{
	if (p->family == 4)
		return rw_bit(bits->near4, p->src_hi >> 40);
	return rw_bit(bits->near6,
		      rw_kern_near6(p->src_hi >> 16) & ((1 << RW_KERN_NEAR6_BITS) - 1));
}

/* 0 for a negative number; opaque, or the compiler makes a branch of it again. */
static __always_inline __s32 rw_clip(__s32 n)
{
	__s32 sign = n >> 31;

	asm volatile("" : "+r"(sign));
	return n & ~sign;
}

/*
 * The mask of the first n bits of 64, n clipped to 0..64. Without branches, because the verifier
 * would walk each of them in every turn of the loops below.
 */
static __always_inline __u64 rw_mask(__s32 n)
{
	__u32 off = rw_clip(64 - rw_clip(n));

	return ~0ULL << (off / 2) << (off - off / 2);
}

/*
 * A key as the memory that the map compares eight bytes at a time. Written in smaller pieces it is
 * not yet whole in the cache when it is read, and the processor waits.
 */
struct rw_words {
	__u64 word[2];
	__u32 last;
};
#define RW_WHOLE __attribute__((aligned(8)))

static __always_inline void rw_key_words(struct rw_kern_key *key, __u32 plen, __u64 hi, __u64 lo)
{
	struct rw_words *to = (void *)key;

	hi = bpf_cpu_to_be64(hi);
	lo = bpf_cpu_to_be64(lo);
	to->word[0] = hi << 32 | plen;
	to->word[1] = lo << 32 | hi >> 32;
	to->last = lo >> 32;
}

/* A key for the maps of both families: plen bits of the source, IPv4 mapped. */
static __always_inline void rw_key_of(const struct rw_packet *p, __u32 plen,
				      struct rw_kern_key *key)
{
	__u64 hi = p->src_hi & rw_mask(plen);

	if (p->family == 4) {
		rw_key_words(key, plen + 96, 0, 0xffffULL << 32 | hi >> 32);
	} else {
		rw_key_words(key, plen, hi, p->src_lo & rw_mask(plen - 64));
	}
}

/*
 * The functions named *_find are functions of their own with numbers for arguments, so that the
 * verifier walks them once, and not once per way through the parser. Only suspects get there: a
 * call costs 10 ns where returns are guarded against speculation.
 */

__noinline bool rw_allowed_find(__u64 src_hi, __u64 src_lo, __u32 family)
{
	struct rw_packet p = {.src_hi = src_hi, .src_lo = src_lo, .family = family};
	struct rw_kern_key key RW_WHOLE;

	rw_key_of(&p, family == 4 ? 32 : 128, &key);
	return bpf_map_lookup_elem(&rw_allow, &key) || bpf_map_lookup_elem(&rw_allow_net, &key);
}

static __always_inline bool rw_allowed(const struct rw_packet *p, const struct rw_kern_bits *bits)
{
	return rw_maybe(p, bits->allow4, bits->allow6) &&
	       rw_allowed_find(p->src_hi, p->src_lo, p->family);
}

/* A struct rw_kern_key4 as one word. */
static __always_inline __u64 rw_key4_of(const struct rw_packet *p, __u32 plen)
{
	__u32 host_bits = 32 - plen;
	__u64 net = p->src_hi >> 32 >> host_bits << host_bits;

	return (__u64)bpf_htonl((__u32)net) << 32 | plen;
}

static __always_inline struct rw_kern_ban *rw_deny_get(const struct rw_packet *p, __u32 plen)
{
	if (p->family == 4) {
		__u64 key = rw_key4_of(p, plen);

		return RW_LOOKUP(&rw_deny4, &key);
	} else {
		struct rw_kern_key key RW_WHOLE;

		rw_key_of(p, plen, &key);
		return RW_LOOKUP(&rw_deny6, &key);
	}
}

/* The longest ban of at most plen bits in the trie. */
static __always_inline struct rw_kern_cidr *rw_cidr_get(const struct rw_packet *p, __u32 plen)
{
	if (p->family == 4) {
		__u64 key = rw_key4_of(p, plen);

		return RW_LOOKUP(&rw_cidr4, &key);
	} else {
		struct rw_kern_key key RW_WHOLE;

		rw_key_of(p, plen, &key);
		return RW_LOOKUP(&rw_cidr6, &key);
	}
}

/* The ban of just this prefix, wherever it is. */
static __always_inline struct rw_kern_ban *rw_ban_at(const struct rw_packet *p, __u32 plen)
{
	struct rw_kern_ban *ban = rw_deny_get(p, plen);
	struct rw_kern_cidr *cidr = ban ? NULL : rw_cidr_get(p, plen);

	return cidr && cidr->plen == plen ? &cidr->ban : ban;
}

static __always_inline __u32 rw_ban_outcome(const struct rw_kern_ban *ban)
{
	switch (ban->verdict) {
	case RW_KERN_VERDICT_LIMIT:
		return RW_KERN_N_drop_limited;
	case RW_KERN_VERDICT_DROP_SYN:
		return RW_KERN_N_drop_denied_syn;
	default:
		return RW_KERN_N_drop_denied;
	}
}

/* The time, if no event told of the end of this ban yet; 0 otherwise. */
static __always_inline __u64 rw_end_due(struct rw_kern_ban *ban)
{
	__u64 told = *(volatile __u64 *)&ban->told_ns, now_ns = bpf_ktime_get_ns();

	if (told >= ban->expires_ns)
		return 0;
	return __sync_val_compare_and_swap(&ban->told_ns, told, now_ns) == told ? now_ns : 0;
}

/*
 * What is to be said when a packet met the ban of this prefix: that it is over (n 0), or its n-th
 * drop. Seldom called, so it is a function of its own and looks the ban up again.
 */
__noinline int rw_ban_met(__u64 src_hi, __u64 src_lo, __u32 family, __u32 plen, __u64 n)
{
	struct rw_packet p = {.src_hi = src_hi, .src_lo = src_lo, .family = family};
	struct rw_kern_ban *ban = rw_ban_at(&p, plen);
	struct rw_kern_stats *stats = rw_stats_here();
	__u64 about, now_ns;

	if (!ban || !stats)
		return 0;
	if (n) {
		now_ns = rw_drop_due(&ban->told_ns);
		about = RW_ABOUT(ban_drops, rw_ban_outcome(ban), family, plen);
	} else {
		stats->ban_expired++;
		now_ns = rw_end_due(ban);
		about = RW_ABOUT(ban_expired, 0, family, plen);
		n = ban->drops;
	}
	return now_ns ? rw_tell(src_hi, src_lo, about, n, now_ns) : 0;
}

/* The clock is read on a hit only: expiry is what needs it, and most packets hit nothing. */
static __always_inline bool rw_ban_live(const struct rw_kern_ban *ban)
{
	return !ban->expires_ns || bpf_ktime_get_coarse_ns() < ban->expires_ns;
}

/* Whether rw_recent may answer for this ban: one for whole sources, that does not end soon. */
static __always_inline bool rw_ban_steady(const struct rw_kern_ban *ban, __u32 plen)
{
	return ban->verdict == RW_KERN_VERDICT_DROP_ALL && plen <= 64 &&
	       (!ban->expires_ns ||
		bpf_ktime_get_coarse_ns() + RW_RECENT_MARGIN_NS < ban->expires_ns);
}

static __always_inline void rw_ban_drop(const struct rw_packet *p, __u32 plen,
					struct rw_kern_ban *ban)
{
	__u64 n = __sync_fetch_and_add(&ban->drops, 1) + 1;

	if (rw_drop_told(n))
		rw_ban_met(p->src_hi, p->src_lo, p->family, plen, n);
	if (n >= RW_KERN_RECENT_FROM && rw_ban_steady(ban, plen))
		rw_recent_put(p->src_hi, p->family, plen);
}

static __always_inline void rw_ban_spend(struct rw_kern_recent *recent)
{
	struct rw_packet p = {.src_hi = recent->net, .family = recent->family};
	__u32 plen = recent->plen, drops = recent->drops;
	struct rw_kern_ban *ban = rw_ban_at(&p, plen);
	__u64 n, due_ns;

	if (!ban)
		return;
	n = __sync_fetch_and_add(&ban->drops, drops) + drops;
	if (!rw_drops_told(n, drops))
		return;
	due_ns = rw_drop_due(&ban->told_ns);
	if (due_ns)
		rw_tell(p.src_hi, 0, RW_ABOUT(ban_drops, RW_KERN_N_drop_denied, p.family, plen), n,
			due_ns);
}

/*
 * The verdict of the ban of this prefix length, 0: none, or over. Counts the drop that follows from
 * it; where several bans cover a packet, each that would have dropped it may count it.
 */
static __always_inline __u32 rw_ban_verdict(const struct rw_packet *p, __u32 plen,
					    struct rw_kern_ban *ban, bool syn)
{
	if (!ban)
		return 0;
	if (!rw_ban_live(ban)) {
		rw_ban_met(p->src_hi, p->src_lo, p->family, plen, 0);
		return 0;
	}
	if (ban->verdict == RW_KERN_VERDICT_DROP_ALL ||
	    (syn && ban->verdict == RW_KERN_VERDICT_DROP_SYN))
		rw_ban_drop(p, plen, ban);
	return ban->verdict & 3; /* all there are; a bound saves the verifier a sixth of its work */
}

/* A walk up the trie. The longest match may be over or mild, so what it hides is asked for, too. */
struct rw_cidr_walk {
	struct rw_packet p;
	__u32 plen; /* the next is of at most so many bits */
	__u32 strictest;
	bool syn;
};

static long rw_cidr_step(__u32 i, struct rw_cidr_walk *walk)
{
	struct rw_kern_cidr *cidr = rw_cidr_get(&walk->p, walk->plen);
	__u32 plen, verdict;

	if (!cidr)
		return 1;
	plen = cidr->plen;
	verdict = rw_ban_verdict(&walk->p, plen, &cidr->ban, walk->syn);
	if (verdict > (walk->strictest & 0xff))
		walk->strictest = verdict | plen << 8;
	walk->plen = plen - 1;
	return !plen || verdict == RW_KERN_VERDICT_DROP_ALL;
}

/* As rw_denied_find, in the trie. */
__noinline __u32 rw_cidr_find(__u64 src_hi, __u64 src_lo, __u32 family, __u32 strictest)
{
	struct rw_cidr_walk walk = {
		.p = {.src_hi = src_hi, .src_lo = src_lo, .family = family & 0xff},
		.plen = (family & 0xff) == 4 ? 32 : 128,
		.strictest = strictest,
		.syn = family & RW_SUSPECT_SYN,
	};

	bpf_loop(RW_CIDR_NESTED, rw_cidr_step, &walk, 0);
	return walk.strictest;
}

/* The prefix lengths in use, longest first, a byte each; read as one word. */
static __always_inline __u64 rw_plens(const struct rw_packet *p, const struct rw_kern_bits *bits)
{
	return *(const volatile __u64 *)(p->family == 4 ? bits->deny4_plens : bits->deny6_plens);
}

/*
 * The strictest verdict on a source, and its prefix length in the second byte; 0: none. plens: the
 * lengths that are left to probe; strictest: what was found before.
 */
__noinline __u32 rw_denied_find(__u64 src_hi, __u64 src_lo, __u32 family, __u64 plens,
				__u32 strictest)
{
	struct rw_packet p = {.src_hi = src_hi, .src_lo = src_lo, .family = family & 0xff};
	bool syn = family & RW_SUSPECT_SYN;
	__u32 zero = 0;
	struct rw_kern_bits *bits = bpf_map_lookup_elem(&rw_bits, &zero);

	for (int i = 1; i < RW_KERN_PLENS && plens; i++, plens >>= 8) {
		__u32 plen = (plens & 0xff) - 1;
		__u32 verdict = rw_ban_verdict(&p, plen, rw_deny_get(&p, plen), syn);

		if (verdict <= (strictest & 0xff))
			continue;
		strictest = verdict | plen << 8;
		if (verdict == RW_KERN_VERDICT_DROP_ALL)
			return strictest;
	}
	if (bits && (p.family == 4 ? bits->cidr4 : bits->cidr6))
		strictest = rw_cidr_find(src_hi, src_lo, family, strictest);
	return strictest;
}

/* Most bans have one length, and that is probed here: a call costs a third of the verdict. */
static __always_inline __u32 rw_denied(const struct rw_packet *p, const struct rw_kern_bits *bits)
{
	bool syn = rw_is_syn(p->flags);
	__u32 plen, verdict = 0;
	__u64 plens;

	if (!rw_maybe(p, bits->deny4, bits->deny6) || !rw_maybe_near(p, bits))
		return 0;
	plens = rw_plens(p, bits);
	if (plens) {
		plen = (plens & 0xff) - 1;
		verdict = rw_ban_verdict(p, plen, rw_deny_get(p, plen), syn);
		if (verdict)
			verdict |= plen << 8;
	}
	if ((verdict & 0xff) == RW_KERN_VERDICT_DROP_ALL)
		return verdict;
	if (!(plens >> 8) && !(p->family == 4 ? bits->cidr4 : bits->cidr6))
		return verdict;
	return rw_denied_find(p->src_hi, p->src_lo, p->family | (syn ? RW_SUSPECT_SYN : 0),
			      plens >> 8, verdict);
}

#endif
