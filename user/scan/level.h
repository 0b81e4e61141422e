/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hot code: each *_hot.c of this room is compiled once for every level of amd64 processors (the
 * least, v3 with AVX2, v4 with AVX-512), and the best that the processor has is called. What a
 * function gives does not depend on the level: tests compare them bit by bit.
 *
 * In a *_hot.c a function is named RW_HOT(name); RW_AT_LEVELS says who it is to others.
 */
#ifndef RW_SCAN_LEVEL_H
#define RW_SCAN_LEVEL_H

/* The level that this file is compiled for: 1, 3 or 4. */
#ifndef RW_LEVEL
#define RW_LEVEL 1
#endif

#define RW_HOT_PASTE(name, level)  name##_v##level
#define RW_HOT_EXPAND(name, level) RW_HOT_PASTE(name, level)
#define RW_HOT(name)		   RW_HOT_EXPAND(name, RW_LEVEL)

/* Declares the function of this type at all levels, and name_at[]: them from the least on. */
#ifdef __x86_64__
enum { RW_LEVELS = 3 };
#define RW_AT_LEVELS(type, name)                                 \
	extern __typeof__(type) name##_v1, name##_v3, name##_v4; \
	static __typeof__(type) *const name##_at[RW_LEVELS] = {name##_v1, name##_v3, name##_v4}
#else
enum { RW_LEVELS = 1 };
#define RW_AT_LEVELS(type, name)           \
	extern __typeof__(type) name##_v1; \
	static __typeof__(type) *const name##_at[RW_LEVELS] = {name##_v1}
#endif

/* The best for this processor, as an index into name_at. */
static inline unsigned rw_level_here(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("x86-64-v4"))
		return 2;
	if (__builtin_cpu_supports("x86-64-v3"))
		return 1;
#endif
	return 0;
}

#endif
