/* SPDX-License-Identifier: Apache-2.0 */
/* A borrowed run of bytes: pointer and length, not terminated, never owned. */
#ifndef RW_BASE_SLICE_H
#define RW_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct rw_slice {
	const char *p;
	size_t n;
};

#define RW_SLICE(literal) ((struct rw_slice){(literal), sizeof(literal) - 1})
/* For printf: printf("%.*s", RW_SLICE_FMT(s)). */
#define RW_SLICE_FMT(s)	  (int)(s).n, (s).p

static inline struct rw_slice rw_slice_of(const char *p, size_t n)
{
	return (struct rw_slice){p, n};
}

/* str may be NULL, which gives an empty slice. */
static inline struct rw_slice rw_slice_str(const char *str)
{
	return (struct rw_slice){str, str ? strlen(str) : 0};
}

static inline bool rw_slice_eq(struct rw_slice a, struct rw_slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool rw_slice_is(struct rw_slice a, const char *str)
{
	return rw_slice_eq(a, rw_slice_str(str));
}

/* ASCII case-insensitive, as header names and tokens want it. */
static inline bool rw_slice_caseis(struct rw_slice a, const char *str)
{
	size_t n = strlen(str);

	return a.n == n && (n == 0 || strncasecmp(a.p, str, n) == 0);
}

static inline bool rw_slice_starts(struct rw_slice a, const char *prefix)
{
	size_t n = strlen(prefix);

	return a.n >= n && (n == 0 || memcmp(a.p, prefix, n) == 0);
}

#endif
