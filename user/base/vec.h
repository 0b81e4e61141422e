/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sixteen bytes at once, by the vectors that every processor here has. Bytes are signed: what is
 * not ASCII is below zero. A comparison gives a mask, all ones where it holds.
 */
#ifndef RW_BASE_VEC_H
#define RW_BASE_VEC_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { RW_VEC = 16 };

typedef signed char rw_vec __attribute__((vector_size(RW_VEC)));

static inline rw_vec rw_vec_at(const char *p)
{
	rw_vec v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline bool rw_vec_any(rw_vec mask)
{
	uint64_t half[2];

	memcpy(half, &mask, sizeof(half));
	return half[0] | half[1];
}

/* Which is the first that holds; RW_VEC: none. Processors here are little-endian. */
static inline unsigned rw_vec_first(rw_vec mask)
{
	uint64_t half[2];

	memcpy(half, &mask, sizeof(half));
	if (half[0])
		return (unsigned)__builtin_ctzll(half[0]) / 8;
	return half[1] ? 8 + (unsigned)__builtin_ctzll(half[1]) / 8 : RW_VEC;
}

static inline bool rw_vec_any4(rw_vec a, rw_vec b, rw_vec c, rw_vec d)
{
	return rw_vec_any((a | b) | (c | d));
}

/* Where a string in JSON cannot be read on blindly: a quote, a backslash, a control, no ASCII. */
static inline rw_vec rw_vec_json_special(rw_vec v)
{
	return (v < ' ') | (v == '"') | (v == '\\') | (v == 0x7f);
}

#endif
