/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many of something each source has open at once, and all together: exact, because each one
 * that begins also ends. One thread's.
 */
#ifndef RW_LIMIT_OPEN_H
#define RW_LIMIT_OPEN_H

#include <stdbool.h>
#include <stdint.h>

#include "limit/table.h"

struct rw_open;

/* most: of all together, ever. NULL: no memory. seed: random, so that nobody picks collisions. */
struct rw_open *rw_open_new(uint32_t most, uint64_t seed);
void rw_open_free(struct rw_open *o);
/*
 * One more of who: false where it would be more than each of who, or more than all in all. When
 * more than half of all is taken, each shrinks with what is left, down to 1.
 */
bool rw_open_begin(struct rw_open *o, const struct rw_source *who, uint32_t each, uint32_t all);
/* One that began is over. */
void rw_open_end(struct rw_open *o, const struct rw_source *who);
uint32_t rw_open_count(const struct rw_open *o);

#endif
