/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Allowlist and bans. Written by userspace only, never evicted by traffic.
 *
 * Honest packets pay for one bit: a source whose /16 (IPv6: hashed /32) has no entry skips
 * every look-up. Bans are hashes, probed once per prefix length in use; a trie would cost each miss
 * as much as a hit. A ban whose time is over is no ban, whether or not anybody is there to remove
 * it.
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

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RW_KERN_BANS);
	__type(key, struct rw_kern_key4);
	__type(value, struct rw_kern_ban);
} rw_deny4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RW_KERN_BANS);
	__type(key, struct rw_kern_key);
	__type(value, struct rw_kern_ban);
} rw_deny6 SEC(".maps");

/* The strictest live ban that covers a source; ban is NULL where there is none. */
struct rw_denial {
	struct rw_kern_ban *ban;
	__u32 verdict;
	__u32 plen;
};

static __always_inline bool rw_bit(const __u64 *bits, __u16 n)
{
	return bits[n / 64] >> (n % 64) & 1;
}

static __always_inline bool rw_maybe(const struct rw_packet *p, const __u64 *bits4,
				     const __u64 *bits6)
{
	__u32 first4 = bpf_ntohl(p->src[0]);

	if (p->family == 4)
		return rw_bit(bits4, first4 >> 16);
	return rw_bit(bits6, rw_kern_bit6(first4));
}

/* The first plen bits of word number i of an address, in wire order. */
static __always_inline __u32 rw_masked(__u32 word, __u32 i, __u32 plen)
{
	__u32 left = plen > 32 * i ? plen - 32 * i : 0;

	if (left >= 32)
		return word;
	return left ? word & bpf_htonl(~0U << (32 - left)) : 0;
}

/* A key for the maps of both families: plen bits of the source, IPv4 mapped. */
static __always_inline void rw_key_of(const struct rw_packet *p, __u32 plen,
				      struct rw_kern_key *key)
{
	__u32 *addr = (__u32 *)key->addr;

	if (p->family == 4) {
		key->plen = plen + 96;
		addr[0] = 0;
		addr[1] = 0;
		addr[2] = bpf_htonl(0xffff);
		addr[3] = rw_masked(p->src[0], 0, plen);
		return;
	}
	key->plen = plen;
	for (__u32 i = 0; i < 4; i++)
		addr[i] = rw_masked(p->src[i], i, plen);
}

static __always_inline bool rw_allowed(const struct rw_packet *p, const struct rw_kern_bits *bits)
{
	struct rw_kern_key key;

	if (!rw_maybe(p, bits->allow4, bits->allow6))
		return false;
	rw_key_of(p, p->family == 4 ? 32 : 128, &key);
	return bpf_map_lookup_elem(&rw_allow, &key) || bpf_map_lookup_elem(&rw_allow_net, &key);
}

static __always_inline struct rw_kern_ban *rw_deny_get(const struct rw_packet *p, __u32 plen)
{
	if (p->family == 4) {
		struct rw_kern_key4 key = {.plen = plen};

		*(__u32 *)key.addr = rw_masked(p->src[0], 0, plen);
		return bpf_map_lookup_elem(&rw_deny4, &key);
	} else {
		struct rw_kern_key key;

		rw_key_of(p, plen, &key);
		return bpf_map_lookup_elem(&rw_deny6, &key);
	}
}

/* The clock is read on a hit only: expiry is what needs it, and most packets hit nothing. */
static __always_inline bool rw_ban_live(const struct rw_kern_ban *ban, struct rw_kern_stats *stats)
{
	if (!ban->expires_ns || bpf_ktime_get_coarse_ns() < ban->expires_ns)
		return true;
	stats->ban_expired++;
	return false;
}

static __always_inline struct rw_denial rw_denied(const struct rw_packet *p,
						  const struct rw_kern_bits *bits,
						  struct rw_kern_stats *stats)
{
	struct rw_denial d = {};
	__u64 plens;

	if (!rw_maybe(p, bits->deny4, bits->deny6))
		return d;
	plens = *(const volatile __u64 *)(p->family == 4 ? bits->deny4_plens : bits->deny6_plens);
	for (int i = 0; i < RW_KERN_PLENS && plens; i++, plens >>= 8) {
		__u32 plen = (plens & 0xff) - 1;
		struct rw_kern_ban *ban = rw_deny_get(p, plen);

		if (!ban || ban->verdict <= d.verdict || !rw_ban_live(ban, stats))
			continue;
		d = (struct rw_denial){.ban = ban, .verdict = ban->verdict, .plen = plen};
		if (d.verdict == RW_KERN_VERDICT_DROP_ALL)
			break;
	}
	return d;
}

#endif
