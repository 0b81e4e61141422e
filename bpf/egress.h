/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Where the gateway may connect to: the maps, the verdict on a destination, its one counter. */
#ifndef RW_BPF_EGRESS_H
#define RW_BPF_EGRESS_H

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rw_kern_out_meta);
} rw_out_meta SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RW_KERN_OUT_ADDRS);
	__type(key, struct rw_kern_out_key);
	__type(value, struct rw_kern_out);
} rw_out SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, RW_KERN_OUT_NETS);
	__type(key, struct rw_kern_out_net_key);
	__type(value, struct rw_kern_out_net);
} rw_out_net SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rw_kern_out_stats);
} rw_out_stats SEC(".maps");

/* Nothing is decided by it, so what an LRU forgets does no harm. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, RW_KERN_OUT_REFUSED);
	__type(key, struct rw_kern_out_key);
	__type(value, struct rw_kern_out_refused);
} rw_out_refused SEC(".maps");

/* Whereto: IPv4 as ::ffff:a.b.c.d, most significant byte first; port in the machine's order. */
struct rw_dest {
	__u64 hi, lo;
	__u32 port, proto;
};

static __always_inline void rw_dest_v4(struct rw_dest *d, __be32 addr)
{
	d->hi = 0;
	d->lo = 0xffffULL << 32 | bpf_ntohl(addr);
}

static __always_inline void rw_dest_v6(struct rw_dest *d, __be32 a, __be32 b, __be32 c, __be32 e)
{
	d->hi = (__u64)bpf_ntohl(a) << 32 | bpf_ntohl(b);
	d->lo = (__u64)bpf_ntohl(c) << 32 | bpf_ntohl(e);
}

static __always_inline void rw_dest_addr(const struct rw_dest *d, __u8 *to)
{
	*(__u32 *)to = bpf_htonl((__u32)(d->hi >> 32));
	*(__u32 *)(to + 4) = bpf_htonl((__u32)d->hi);
	*(__u32 *)(to + 8) = bpf_htonl((__u32)(d->lo >> 32));
	*(__u32 *)(to + 12) = bpf_htonl((__u32)d->lo);
}

static __always_inline void rw_dest_key(const struct rw_dest *d, struct rw_kern_out_key *key)
{
	rw_dest_addr(d, key->addr);
	key->port = d->port;
	key->proto = d->proto;
}

/* Listed by root for this port, or for all. */
static __always_inline struct rw_kern_out_net *rw_out_listed(const struct rw_dest *d)
{
	struct rw_kern_out_net_key key = {
		.plen = RW_KERN_OUT_PROTO_BITS + 128, .proto = d->proto, .port = d->port};
	struct rw_kern_out_net *net;

	rw_dest_addr(d, key.addr);
	net = bpf_map_lookup_elem(&rw_out_net, &key);
	if (net)
		return net;
	key.port = 0;
	return bpf_map_lookup_elem(&rw_out_net, &key);
}

/* The verdict of the engine's list, which counts for public addresses. */
static __always_inline __u32 rw_out_upstream(const struct rw_dest *d)
{
	struct rw_kern_out_key key;
	struct rw_kern_out *out;

	if (d->proto != IPPROTO_TCP && d->proto != IPPROTO_UDP)
		return RW_KERN_OUT_N_refuse_protocol;
	rw_dest_key(d, &key);
	out = bpf_map_lookup_elem(&rw_out, &key);
	if (!out)
		return RW_KERN_OUT_N_refuse_unlisted;
	return bpf_ktime_get_coarse_ns() < out->expires_ns ? RW_KERN_OUT_N_allow_upstream
							   : RW_KERN_OUT_N_refuse_expired;
}

_Static_assert(RW_KERN_NET_METADATA - 1 == RW_KERN_OUT_METADATA &&
		       RW_KERN_NET_LOOPBACK - 1 == RW_KERN_OUT_LOOPBACK &&
		       RW_KERN_NET_PRIVATE - 1 == RW_KERN_OUT_PRIVATE &&
		       RW_KERN_NET_SPECIAL - 1 == RW_KERN_OUT_SPECIAL,
	       "classes of addresses and reasons of refusal stand in the same order");

/* Which counter the destination belongs to: allow_* or refuse_*. */
static __noinline __u32 rw_out_verdict(const struct rw_dest *d)
{
	enum rw_kern_net net = rw_kern_net_of(d->hi, d->lo);
	struct rw_kern_out_net *listed = rw_out_listed(d);

	if (listed && listed->why == RW_KERN_OUT_DNS)
		return RW_KERN_OUT_N_allow_dns;
	if (listed && net != RW_KERN_NET_METADATA)
		return listed->why == RW_KERN_OUT_UPSTREAM ? RW_KERN_OUT_N_allow_upstream
							   : RW_KERN_OUT_N_allow_service;
	if (net != RW_KERN_NET_PUBLIC)
		return RW_KERN_OUT_N_refuse_metadata + net - 1;
	return rw_out_upstream(d);
}

/* Remembers whereto, for people; also for the log, which tells what is new. */
static __noinline void rw_out_note(const struct rw_dest *d, __u32 reason, __u32 packets)
{
	__u64 now_ns = bpf_ktime_get_coarse_ns();
	struct rw_kern_out_refused fresh = {.count = 1,
					    .first_ns = now_ns,
					    .last_ns = now_ns,
					    .reason = reason,
					    .packets = packets};
	struct rw_kern_out_refused *r;
	struct rw_kern_out_key key;
	struct rw_kern_out_stats *stats;
	__u32 zero = 0;

	rw_dest_key(d, &key);
	r = bpf_map_lookup_elem(&rw_out_refused, &key);
	if (r) {
		if (now_ns - r->last_ns > RW_KERN_OUT_WINDOW_NS)
			r->first_ns = now_ns;
		r->last_ns = now_ns;
		r->reason = reason;
		r->packets = packets;
		__sync_fetch_and_add(&r->count, 1);
		return;
	}
	if (!bpf_map_update_elem(&rw_out_refused, &key, &fresh, BPF_ANY))
		return;
	stats = bpf_map_lookup_elem(&rw_out_stats, &zero);
	if (stats)
		stats->note_failed++;
}

static __always_inline void rw_out_count(__u32 counter)
{
	__u32 zero = 0;
	struct rw_kern_out_stats *stats = bpf_map_lookup_elem(&rw_out_stats, &zero);

	/* The compiler may know the bound; the verifier has to see it. */
	asm volatile("" : "+r"(counter));
	if (stats && counter < RW_KERN_OUT_N)
		((__u64 *)stats)[counter]++;
}

#endif
