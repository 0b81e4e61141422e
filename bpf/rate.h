/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Rates per source: GCRA, in two layers.
 *
 * The sketch is a fixed array of arrival times, two cells to a source. It costs no allocation, so a
 * flood of spoofed sources finds nothing to fill. It errs on one side only: sources that share
 * cells look faster than they are. So it never drops by itself; above its threshold a source is
 * promoted to an exact limiter in an LRU table, which decides. Promotions are capped per CPU and
 * tick; over the cap, and only there, the sketch's suspicion is the verdict.
 *
 * A source is promoted when the sketch has let all but one packet of its burst through, so it
 * starts in the exact table with the burst spent and the rate intact. The same holds for a source
 * that comes back to an idle entry.
 *
 * Time is passed in: jiffies in nanoseconds. A tick may be 10 ms, so userspace makes bursts at
 * least two ticks' worth.
 */
#ifndef RW_BPF_RATE_H
#define RW_BPF_RATE_H

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rw_kern_sketch);
} rw_sketch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, RW_KERN_SOURCES_MIN);
	__type(key, struct rw_kern_key);
	__type(value, struct rw_kern_source);
} rw_source SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rw_kern_promo);
} rw_promo SEC(".maps");

/* What one packet's rating needs, so that functions have few arguments. */
struct rw_rating {
	const struct rw_kern_cfg *cfg;
	struct rw_kern_stats *stats;
	const struct rw_packet *p;
	__u64 now_ns;
	bool syn; /* the SYN rate; else the packet rate */
};

/*
 * Counts the packet and says whether the source looks too fast. Both cells are raised to the
 * smaller backlog plus one packet only (conservative update). The stores race with other CPUs and
 * may lose a packet: a flood reaches the threshold all the same.
 */
static __always_inline bool rw_sketch_over(__u64 *a, __u64 *b, __u64 now_ns,
					   const struct rw_kern_rate *rate)
{
	__u64 least = *a < *b ? *a : *b;
	__u64 backlog = least > now_ns ? least - now_ns : 0;
	__u64 next = backlog + rate->interval_ns;

	if (next > rate->sketch_cap_ns)
		next = rate->sketch_cap_ns;
	next += now_ns;
	if (*a < next)
		*a = next;
	if (*b < next)
		*b = next;
	return backlog > rate->sketch_threshold_ns;
}

/* Multiply-shift with secret odd factors: two sources collide in a row with chance 2 / columns. */
static __always_inline bool rw_sketch_rate(const struct rw_rating *r,
					   const struct rw_kern_rate *rate)
{
	__u32 zero = 0;
	struct rw_kern_sketch *sk = bpf_map_lookup_elem(&rw_sketch, &zero);
	__u64 id = r->p->src_hi; /* the IPv4 address, or the /64 of IPv6 */
	__u64 h0 = id * r->cfg->hash[0], h1 = id * r->cfg->hash[1];

	if (!sk)
		return false;
	if (r->syn)
		return rw_sketch_over(&sk->syn[0][h0 >> (64 - RW_KERN_SYN_BITS)],
				      &sk->syn[1][h1 >> (64 - RW_KERN_SYN_BITS)], r->now_ns, rate);
	return rw_sketch_over(&sk->pkt[0][h0 >> (64 - RW_KERN_PKT_BITS)],
			      &sk->pkt[1][h1 >> (64 - RW_KERN_PKT_BITS)], r->now_ns, rate);
}

/*
 * GCRA on one word. True: conforming. A lost compare-and-swap admits, and is counted: at most
 * one packet per other CPU and collision.
 */
static __always_inline bool rw_gcra(__u64 *word, const struct rw_kern_rate *rate, __u64 idle_tat,
				    const struct rw_rating *r)
{
	__u64 old = *(volatile __u64 *)word;
	__u64 tat = old < r->now_ns ? idle_tat : old;

	if (tat > r->now_ns + rate->tolerance_ns)
		return false;
	if (__sync_val_compare_and_swap(word, old, tat + rate->interval_ns) != old)
		r->stats->cas_lost++;
	return true;
}

/* One more source into the exact table, if this CPU has not made too many in this tick. */
static __always_inline struct rw_kern_source *rw_promote(const struct rw_kern_key *key,
							 const struct rw_rating *r)
{
	struct rw_kern_source fresh = {.first_ns = r->now_ns};
	__u32 zero = 0;
	struct rw_kern_promo *promo = bpf_map_lookup_elem(&rw_promo, &zero);

	if (!promo)
		return NULL;
	if (promo->tick_ns != r->now_ns) {
		promo->tick_ns = r->now_ns;
		promo->used = 0;
	}
	if (promo->used >= RW_KERN_PROMOTE_PER_TICK) {
		r->stats->promote_capped++;
		return NULL;
	}
	promo->used++;
	/* Never an update of what is there: in a full LRU that evicts others. */
	if (bpf_map_update_elem(&rw_source, key, &fresh, BPF_NOEXIST)) {
		r->stats->promote_failed++;
		return NULL;
	}
	r->stats->promoted++;
	return bpf_map_lookup_elem(&rw_source, key);
}

/*
 * The exact limiter of the first plen bits of the source. idle_tat: where a new or idle one
 * starts. True: conforming.
 */
static __always_inline bool rw_exact(const struct rw_rating *r, const struct rw_kern_rate *rate,
				     __u32 plen, __u64 idle_tat)
{
	struct rw_kern_key key;
	struct rw_kern_source *source;

	rw_key_of(r->p, plen, &key);
	source = bpf_map_lookup_elem(&rw_source, &key);
	if (!source)
		source = rw_promote(&key, r);
	if (!source)
		return false;
	if (rw_gcra(r->syn ? &source->tat_syn_ns : &source->tat_pkt_ns, rate, idle_tat, r))
		return true;
	__sync_fetch_and_add(&source->drops, 1);
	return false;
}

/* Whether the source may send this packet (r->syn: open this connection). */
static __always_inline bool rw_conforms(const struct rw_rating *r)
{
	const struct rw_kern_rate *rate = r->syn ? &r->cfg->syn : &r->cfg->pkt;

	if (!rate->interval_ns || !rw_sketch_rate(r, rate))
		return true;
	return rw_exact(r, rate, r->p->family == 4 ? 32 : 64, r->now_ns + rate->tolerance_ns);
}

/* As rw_conforms, for the budget that everything under a prefix banned with LIMIT shares. */
static __always_inline bool rw_conforms_shared(const struct rw_rating *r, __u32 plen)
{
	const struct rw_kern_rate *rate = r->syn ? &r->cfg->syn : &r->cfg->pkt;

	return !rate->interval_ns || rw_exact(r, rate, plen, r->now_ns);
}

#endif
