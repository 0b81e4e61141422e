/* SPDX-License-Identifier: Apache-2.0 */
/* Eight bytes at a time in one register; the lowest byte of a number is the first in memory. */
#ifndef RW_SCAN_SWAR_H
#define RW_SCAN_SWAR_H

#include <stdint.h>
#include <string.h>

/* A byte in all eight places. */
#define RW_ALL8(c) (UINT64_C(0x0101010101010101) * (c))

/* The high bits of exactly those bytes of x (all below 0x80) that are in [first, last]. */
static inline uint64_t rw_between8(uint64_t x, unsigned first, unsigned last)
{
	return (x + RW_ALL8(0x80 - first)) & ~(x + RW_ALL8(0x7f - last)) & RW_ALL8(0x80);
}

/* All bits of the first n bytes, n from 1 to 8. */
static inline uint64_t rw_first8(unsigned n)
{
	return ~UINT64_C(0) >> (64 - 8 * n);
}

static inline uint64_t rw_load8(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? x : __builtin_bswap64(x);
}

static inline void rw_store8(char *p, uint64_t x)
{
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		x = __builtin_bswap64(x);
	memcpy(p, &x, sizeof(x));
}

#endif
