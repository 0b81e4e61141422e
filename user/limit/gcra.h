/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GCRA (ITU-T I.371, "virtual scheduling"): a rate with a burst in one 64-bit word,
 * the theoretical arrival time, shared by threads with compare-and-swap.
 */
#ifndef RW_LIMIT_GCRA_H
#define RW_LIMIT_GCRA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct rw_gcra {
	_Atomic uint64_t tat_ns; /* 0: never used */
};

/*
 * Takes one from a rate of per_minute with the given burst (0 means 1). now_ns is
 * monotonic; threads whose clocks were read at different moments may share a word.
 * True: conforming. False: nothing is taken, *retry_ns (may be NULL) is the time, above 0,
 * until one conforms. per_minute 0: always true.
 */
bool rw_gcra_take(struct rw_gcra *g, uint32_t per_minute, uint32_t burst, uint64_t now_ns,
		  uint64_t *retry_ns);

#endif
