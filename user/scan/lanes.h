/* SPDX-License-Identifier: Apache-2.0 */
/* Sixteen bytes at a time, by the compiler's vectors; 64 bytes as a word with a bit for each. */
#ifndef RW_SCAN_LANES_H
#define RW_SCAN_LANES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { RW_LANES = 16, RW_BLOCK = 64 };

typedef unsigned char rw_lanes __attribute__((vector_size(16)));

static inline rw_lanes rw_lanes_load(const char *p)
{
	rw_lanes x;

	memcpy(&x, p, sizeof(x));
	return x;
}

/* The lanes whose bytes are in [first, last], all bits set. */
static inline rw_lanes rw_lanes_within(rw_lanes x, unsigned char first, unsigned char last)
{
	return (rw_lanes)(x - first <= (unsigned char)(last - first));
}

static inline rw_lanes rw_lanes_equal(rw_lanes x, char c)
{
	return (rw_lanes)(x == (unsigned char)c);
}

/* The highest bit of each lane; that of the first byte is the lowest. */
static inline uint64_t rw_lanes_bits(rw_lanes x)
{
#ifdef __SSE2__
	typedef char chars __attribute__((vector_size(16)));

	return (unsigned)__builtin_ia32_pmovmskb128((chars)x) & 0xffff;
#else
	uint64_t out = 0;

	for (unsigned i = 0; i < RW_LANES; i++)
		out |= (uint64_t)(x[i] >> 7) << i;
	return out;
#endif
}

/* The bytes that go on with words, of an alphabet in lower case, and of capitals too. */
static inline rw_lanes rw_lanes_small_word(rw_lanes x)
{
	return rw_lanes_within(x, 'a', 'z') | rw_lanes_within(x, '0', '9') | rw_lanes_equal(x, '_');
}

static inline rw_lanes rw_lanes_word(rw_lanes x)
{
	return rw_lanes_within(x | 0x20, 'a', 'z') | rw_lanes_within(x, '0', '9') |
	       rw_lanes_equal(x, '_');
}

#endif
