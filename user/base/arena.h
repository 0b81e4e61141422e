/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of one lifetime: a request's or a snapshot's data, freed whole.
 *
 * One owner, one thread at a time. limit bounds the sum of all chunks in bytes
 * (0: none); at the bound allocation returns NULL. Memory is aligned for any type, and
 * zeroed but where that is said.
 */
#ifndef RW_BASE_ARENA_H
#define RW_BASE_ARENA_H

#include <stddef.h>

#include "base/slice.h"

struct rw_arena_chunk;

struct rw_arena {
	struct rw_arena_chunk *chunks;
	size_t used_bytes;
	size_t limit_bytes;
};

void rw_arena_init(struct rw_arena *a, size_t limit_bytes);
void *rw_arena_alloc(struct rw_arena *a, size_t n);
/* Not zeroed: for who writes all that is read of it. */
void *rw_arena_bytes(struct rw_arena *a, size_t n);
/* A NUL-terminated copy; NULL at the bound. */
char *rw_arena_copy(struct rw_arena *a, struct rw_slice s);
/* Three pieces, one behind the other; as a copy. */
char *rw_arena_join(struct rw_arena *a, struct rw_slice first, struct rw_slice then,
		    struct rw_slice last);
char *rw_arena_printf(struct rw_arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Frees everything but one chunk, which the next user of the arena finds warm. */
void rw_arena_reset(struct rw_arena *a);
void rw_arena_free(struct rw_arena *a);

#endif
