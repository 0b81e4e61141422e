/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SYN cookies a second time, byte by byte, from the description in bpf/cookie.h and the SipHash
 * paper; and checksums the slow way.
 */
#ifndef RW_TESTS_KERNEL_COOKIE_REF_H
#define RW_TESTS_KERNEL_COOKIE_REF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t ref_rotate(uint64_t x, unsigned n)
{
	return (x << n) | (x >> (64 - n));
}

static inline void ref_rounds(uint64_t v[4], unsigned n)
{
	while (n--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = ref_rotate(v[1], 13);
		v[3] = ref_rotate(v[3], 16);
		v[1] ^= v[0];
		v[3] ^= v[2];
		v[0] = ref_rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = ref_rotate(v[1], 17);
		v[3] = ref_rotate(v[3], 21);
		v[1] ^= v[2];
		v[3] ^= v[0];
		v[2] = ref_rotate(v[2], 32);
	}
}

static inline uint64_t ref_little(const uint8_t *p, size_t n)
{
	uint64_t x = 0;

	while (n--)
		x = x << 8 | p[n];
	return x;
}

/* SipHash-2-4 of any message; key: 16 bytes. */
static inline uint64_t ref_siphash(const uint8_t *key, const uint8_t *message, size_t n)
{
	static const char name[] = "uespemosmodnarodarenegylsetybdet"; /* little-endian words */
	uint64_t k[2] = {ref_little(key, 8), ref_little(key + 8, 8)}, v[4], m;
	size_t i = 0;

	for (unsigned j = 0; j < 4; j++)
		v[j] = k[j % 2] ^ ref_little((const uint8_t *)name + 8 * j, 8);
	for (; n - i >= 8; i += 8) {
		m = ref_little(message + i, 8);
		v[3] ^= m;
		ref_rounds(v, 2);
		v[0] ^= m;
	}
	m = ref_little(message + i, n - i) | (uint64_t)(n & 0xff) << 56;
	v[3] ^= m;
	ref_rounds(v, 2);
	v[0] ^= m;
	v[2] ^= 0xff;
	ref_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* What is in a cookie; addresses and ports as they are in the client's packets, in wire order. */
struct ref_cookie {
	uint8_t family;
	uint8_t src[16], dst[16]; /* IPv4: four bytes, then zeros */
	uint8_t sport[2], dport[2];
	uint32_t seq, period;
	uint8_t mss, options;
};

/* Appends n bytes back to front: the number that they are in wire order, little-endian. */
static inline uint8_t *ref_swapped(uint8_t *to, const uint8_t *from, size_t n)
{
	while (n--)
		*to++ = from[n];
	return to;
}

static inline uint8_t *ref_number(uint8_t *to, uint32_t x)
{
	for (unsigned i = 0; i < 4; i++)
		*to++ = (uint8_t)(x >> 8 * i);
	return to;
}

static inline uint64_t ref_cookie_hash(const struct ref_cookie *c, const uint8_t *key)
{
	uint8_t message[48], *to = message;

	to = ref_swapped(to, c->src, 8);
	to = ref_swapped(to, c->src + 8, 8);
	to = ref_swapped(to, c->dst, 8);
	to = ref_swapped(to, c->dst + 8, 8);
	to = ref_number(to, c->seq);
	to = ref_swapped(to, c->dport, 2);
	to = ref_swapped(to, c->sport, 2);
	*to++ = c->options;
	*to++ = c->mss;
	*to++ = c->family;
	*to++ = 0;
	to = ref_number(to, c->period);
	return ref_siphash(key, message, (size_t)(to - message));
}

static inline uint32_t ref_cookie_seq(const struct ref_cookie *c, const uint8_t *key)
{
	return (uint32_t)((ref_cookie_hash(c, key) & 0xfffffff) << 4) | (c->period % 4) << 2 |
	       c->mss;
}

static inline uint32_t ref_cookie_timestamp(const struct ref_cookie *c, const uint8_t *key)
{
	return (uint32_t)((ref_cookie_hash(c, key) >> 38) << 6) | (c->options & 63);
}

static inline uint32_t ref_add(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

/* 0xffff: the checksum within is right. */
static inline uint32_t ref_fold(uint32_t sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

#endif
