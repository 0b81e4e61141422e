/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes sixteen, or as many as the level (level.h) has, at a time, by the compiler's vectors; 64
 * bytes as a word with a bit for each. And numbers of 64 bits in such vectors.
 */
#ifndef RW_SCAN_LANES_H
#define RW_SCAN_LANES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "scan/level.h"
#include "scan/swar.h"

#if RW_LEVEL > 1
#include <immintrin.h>
#endif

enum { RW_LANES = RW_LEVEL >= 4 ? 64 : RW_LEVEL >= 3 ? 32 : 16, RW_BLOCK = 64 };

typedef unsigned char rw_lanes __attribute__((vector_size(RW_LANES)));

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
#if RW_LEVEL >= 4
	return _mm512_movepi8_mask((__m512i)x);
#elif RW_LEVEL >= 3
	return (uint32_t)_mm256_movemask_epi8((__m256i)x);
#elif defined(__SSE2__)
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

/*
 * Writes the places of the bits, at added; where the last was. How many there are is no branch to
 * be guessed: so many behind the last may be written, too, as the greater of 16 and most is. most:
 * more are rare in a block.
 */

#if RW_LEVEL >= 4

static inline uint16_t *rw_put_places(uint16_t *out, size_t at, uint64_t bits, unsigned most)
{
	__m512i places = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

	(void)most;
	places = _mm512_add_epi32(places, _mm512_set1_epi32((int)at));
	for (unsigned k = 0; k < RW_BLOCK; k += 16) {
		__mmask16 of = (__mmask16)(bits >> k);

		_mm256_storeu_si256((__m256i *)out,
				    _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(of, places)));
		out += __builtin_popcount(of);
		places = _mm512_add_epi32(places, _mm512_set1_epi32(16));
	}
	return out;
}

#else

/* The next eight; of bits that are not there any place. */
static inline uint16_t *rw_put_eight(uint16_t *out, size_t at, uint64_t *bits)
{
#pragma GCC unroll 8
	for (unsigned k = 0; k < 8; k++) {
#if RW_LEVEL > 1
		*out++ = (uint16_t)(at + _tzcnt_u64(*bits));
#else
		*out++ = (uint16_t)(at + (unsigned)__builtin_ctzll(*bits | UINT64_C(1) << 63));
#endif
		*bits &= *bits - 1;
	}
	return out;
}

static inline uint16_t *rw_put_places(uint16_t *out, size_t at, uint64_t bits, unsigned most)
{
	uint16_t *end = out + __builtin_popcountll(bits);

#pragma GCC unroll 8
	for (unsigned k = 0; k < most; k += 8)
		out = rw_put_eight(out, at, &bits);
	while (__builtin_expect(bits != 0, 0))
		out = rw_put_eight(out, at, &bits);
	return end;
}

#endif

#if RW_LEVEL > 1

/* Of each byte what the tables, of its lower and of its higher half, have in common. */
static inline rw_lanes rw_lanes_look_up(rw_lanes x, const uint8_t low[16], const uint8_t high[16])
{
	__m128i by_low = _mm_loadu_si128((const __m128i *)low);
	__m128i by_high = _mm_loadu_si128((const __m128i *)high);
#if RW_LEVEL >= 4
	__m512i half = _mm512_set1_epi8(0xf);

	return (rw_lanes)_mm512_and_si512(
		_mm512_shuffle_epi8(_mm512_broadcast_i32x4(by_low),
				    _mm512_and_si512((__m512i)x, half)),
		_mm512_shuffle_epi8(_mm512_broadcast_i32x4(by_high),
				    _mm512_and_si512(_mm512_srli_epi16((__m512i)x, 4), half)));
#else
	__m256i half = _mm256_set1_epi8(0xf);

	return (rw_lanes)_mm256_and_si256(
		_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(by_low),
				    _mm256_and_si256((__m256i)x, half)),
		_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(by_high),
				    _mm256_and_si256(_mm256_srli_epi16((__m256i)x, 4), half)));
#endif
}

#endif

/* --- numbers, where the level has vectors that pay ---------------------------------------------
 */

#if RW_LEVEL > 1

enum { RW_NUMS = RW_LANES / 8 };

typedef uint64_t rw_nums __attribute__((vector_size(RW_LANES)));
typedef uint32_t rw_half_nums __attribute__((vector_size(RW_LANES / 2)));

/* The numbers after before that end with now: its last k, and all but as many of now. */
#if RW_LEVEL >= 4
#define rw_nums_after1(before, now) \
	__builtin_shufflevector(before, now, 7, 8, 9, 10, 11, 12, 13, 14)
#define rw_nums_after2(before, now) __builtin_shufflevector(before, now, 6, 7, 8, 9, 10, 11, 12, 13)
#else
#define rw_nums_after1(before, now) __builtin_shufflevector(before, now, 3, 4, 5, 6)
#define rw_nums_after2(before, now) __builtin_shufflevector(before, now, 2, 3, 4, 5)
#endif

/* a where the mask is set, else b. */
static inline rw_nums rw_nums_select(rw_nums mask, rw_nums a, rw_nums b)
{
	return (a & mask) | (b & ~mask);
}

/* The highest bit of each number. */
static inline unsigned rw_nums_bits(rw_nums x)
{
#if RW_LEVEL >= 4
	return _mm512_movepi64_mask((__m512i)x);
#else
	return (unsigned)_mm256_movemask_pd((__m256d)x);
#endif
}

/* Eight bytes from each place; stride: of the places in the array. */
static inline rw_nums rw_nums_gather(const char *p, const uint16_t *at, unsigned stride)
{
#if RW_LEVEL >= 4
	return (rw_nums){rw_load8(p + at[0]),	       rw_load8(p + at[stride]),
			 rw_load8(p + at[2 * stride]), rw_load8(p + at[3 * stride]),
			 rw_load8(p + at[4 * stride]), rw_load8(p + at[5 * stride]),
			 rw_load8(p + at[6 * stride]), rw_load8(p + at[7 * stride])};
#else
	return (rw_nums){rw_load8(p + at[0]), rw_load8(p + at[stride]),
			 rw_load8(p + at[2 * stride]), rw_load8(p + at[3 * stride])};
#endif
}

/* The numbers of a table at these places. One load each: the processor's gathers are slow on many.
 */
static inline rw_nums rw_nums_of(const uint64_t *table, rw_nums at)
{
#if RW_LEVEL >= 4
	return (rw_nums){table[at[0]], table[at[1]], table[at[2]], table[at[3]],
			 table[at[4]], table[at[5]], table[at[6]], table[at[7]]};
#else
	return (rw_nums){table[at[0]], table[at[1]], table[at[2]], table[at[3]]};
#endif
}

/* Sixteen bytes from each place, as their first and last eight; stride: of the places. */
static inline void rw_nums_gather16(const char *p, const uint16_t *at, unsigned stride,
				    rw_nums *front, rw_nums *behind)
{
#define RW_SIXTEEN(k) _mm_loadu_si128((const __m128i *)(p + at[(k) * stride]))
#if RW_LEVEL >= 4
#define RW_FOUR(k)                                                                       \
	_mm512_inserti64x4(                                                              \
		_mm512_castsi256_si512(_mm256_inserti128_si256(                          \
			_mm256_castsi128_si256(RW_SIXTEEN(k)), RW_SIXTEEN((k) + 2), 1)), \
		_mm256_inserti128_si256(_mm256_castsi128_si256(RW_SIXTEEN((k) + 4)),     \
					RW_SIXTEEN((k) + 6), 1),                         \
		1)
	__m512i even = RW_FOUR(0), odd = RW_FOUR(1);

	*front = (rw_nums)_mm512_unpacklo_epi64(even, odd);
	*behind = (rw_nums)_mm512_unpackhi_epi64(even, odd);
#undef RW_FOUR
#else
	__m256i even = _mm256_inserti128_si256(_mm256_castsi128_si256(RW_SIXTEEN(0)), RW_SIXTEEN(2),
					       1);
	__m256i odd = _mm256_inserti128_si256(_mm256_castsi128_si256(RW_SIXTEEN(1)), RW_SIXTEEN(3),
					      1);

	*front = (rw_nums)_mm256_unpacklo_epi64(even, odd);
	*behind = (rw_nums)_mm256_unpackhi_epi64(even, odd);
#endif
#undef RW_SIXTEEN
}

/* All bits of the first n bytes of each, n from 1 on; more than 8 are 8. */
static inline rw_nums rw_nums_first(rw_nums n)
{
	rw_nums most = rw_nums_select((rw_nums)(n < 8), n, (rw_nums){0} + 8);

	return ~(rw_nums){0} >> (64 - 8 * most);
}

/* Wherever out is. */
static inline void rw_nums_store(uint64_t out[RW_NUMS], rw_nums x)
{
#if RW_LEVEL >= 4
	_mm512_storeu_si512(out, (__m512i)x);
#else
	_mm256_storeu_si256((__m256i *)out, (__m256i)x);
#endif
}

static inline rw_half_nums rw_nums_low(rw_nums x)
{
	return __builtin_convertvector(x, rw_half_nums);
}

#endif

#endif
