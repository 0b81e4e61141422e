/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * SYN cookies: all that a connection needs, kept by the client (RFC 4987 3.6).
 *
 *	sequence number  | 31 .. 4 code | 3 2 period | 1 0 MSS |
 *	timestamp        | 31 .. 6 noise | 5 ECN | 4 SACK | 3 .. 0 window scale, 15: none |
 *
 * The code is 28 bits of SipHash-2-4 over both addresses and ports, the client's sequence number,
 * the whole period, and everything that the other bits say, also whether there is a timestamp. So
 * none of it can be changed, and each period has a function of its own. A cookie is good in its
 * period and the next. Without timestamps a connection has no window scale, SACK or ECN.
 *
 * Pure: memory in, values out; time is passed in.
 */
#ifndef RW_BPF_COOKIE_H
#define RW_BPF_COOKIE_H

enum {
	RW_COOKIE_PERIOD_SHIFT = 36, /* a period is 2^36 ns: 69 s */
	RW_COOKIE_PERIODS = 4,	     /* told apart in a cookie */
	RW_COOKIE_GOOD_PERIODS = 2,

	/* options of a connection, as they stand in the timestamp, and one more */
	RW_COOKIE_SCALE = 15, /* mask; as a value: no window scaling */
	RW_COOKIE_SACK = 16,
	RW_COOKIE_ECN = 32,
	RW_COOKIE_IN_TIMESTAMP = 63,
	RW_COOKIE_TIMESTAMPS = 64,
	RW_COOKIE_PLAIN = RW_COOKIE_SCALE, /* what a connection without timestamps has */
};

/* What a cookie is about; numbers as p->src_hi of parse.h. */
struct rw_cookie {
	__u64 src_hi, src_lo, dst_hi, dst_lo;
	__u32 seq;   /* the client's */
	__u32 ports; /* its own, then ours */
	__u32 period;
	__u8 family;
	__u8 mss; /* index of rw_cookie_mss */
	__u8 options;
};

/* What a client can take at least, by two bits. IPv6's start at its least MTU. */
static __always_inline __u32 rw_cookie_mss(__u8 family, __u32 index)
{
	const __u64 ip4 = 536ULL | 1300ULL << 16 | 1440ULL << 32 | 1460ULL << 48;
	const __u64 ip6 = 1220ULL | 1360ULL << 16 | 1420ULL << 32 | 1440ULL << 48;

	return ((family == 4 ? ip4 : ip6) >> (index & 3) * 16) & 0xffff;
}

static __always_inline __u8 rw_cookie_mss_index(__u8 family, __u32 mss)
{
	return (mss >= rw_cookie_mss(family, 1)) + (mss >= rw_cookie_mss(family, 2)) +
	       (mss >= rw_cookie_mss(family, 3));
}

#define RW_ROTL(x, n) ((x) << (n) | (x) >> (64 - (n)))

static __always_inline void rw_sip_round(__u64 *v)
{
	v[0] += v[1];
	v[1] = RW_ROTL(v[1], 13) ^ v[0];
	v[0] = RW_ROTL(v[0], 32);
	v[2] += v[3];
	v[3] = RW_ROTL(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = RW_ROTL(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = RW_ROTL(v[1], 17) ^ v[2];
	v[2] = RW_ROTL(v[2], 32);
}

static __always_inline void rw_sip_word(__u64 *v, __u64 m)
{
	v[3] ^= m;
	rw_sip_round(v);
	rw_sip_round(v);
	v[0] ^= m;
}

/* SipHash-2-4 of the six words, each little-endian. Apart for the verifier's sake, as in deny.h. */
__noinline __u64 rw_cookie_hash(const struct rw_cookie *c, const struct rw_kern_syn_key *key)
{
	__u64 v[4];

	if (!c || !key)
		return 0;
	v[0] = key->key[0] ^ 0x736f6d6570736575ULL;
	v[1] = key->key[1] ^ 0x646f72616e646f6dULL;
	v[2] = key->key[0] ^ 0x6c7967656e657261ULL;
	v[3] = key->key[1] ^ 0x7465646279746573ULL;
	rw_sip_word(v, c->src_hi);
	rw_sip_word(v, c->src_lo);
	rw_sip_word(v, c->dst_hi);
	rw_sip_word(v, c->dst_lo);
	rw_sip_word(v, (__u64)c->ports << 32 | c->seq);
	rw_sip_word(v, (__u64)c->period << 32 | c->family << 16 | c->mss << 8 | c->options);
	rw_sip_word(v, 48ULL << 56);
	v[2] ^= 0xff;
	rw_sip_round(v);
	rw_sip_round(v);
	rw_sip_round(v);
	rw_sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The sequence number to answer with. */
static __always_inline __u32 rw_cookie_seq(const struct rw_cookie *c, __u64 hash)
{
	return (__u32)hash << 4 | (c->period & 3) << 2 | c->mss;
}

/* The timestamp to answer with; the noise hides for how long we have been up. */
static __always_inline __u32 rw_cookie_timestamp(const struct rw_cookie *c, __u64 hash)
{
	return ((__u32)(hash >> 32) & ~RW_COOKIE_IN_TIMESTAMP) |
	       (c->options & RW_COOKIE_IN_TIMESTAMP);
}

enum rw_cookie_verdict {
	RW_COOKIE_ACCEPTED,
	RW_COOKIE_EXPIRED,
	RW_COOKIE_REFUSED,
};

/*
 * Whether seq is one of ours. c holds everything but period and mss, which are filled; now: the
 * period that it is.
 */
static __always_inline enum rw_cookie_verdict rw_cookie_check(struct rw_cookie *c, __u32 seq,
							      __u32 now,
							      const struct rw_kern_syn_key *key)
{
	__u32 age = (now - (seq >> 2)) & (RW_COOKIE_PERIODS - 1);

	c->period = now - age;
	c->mss = seq & 3;
	if (rw_cookie_seq(c, rw_cookie_hash(c, key)) != seq)
		return RW_COOKIE_REFUSED;
	return age < RW_COOKIE_GOOD_PERIODS ? RW_COOKIE_ACCEPTED : RW_COOKIE_EXPIRED;
}

#endif
