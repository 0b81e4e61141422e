/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must stand in a text wherever a pattern matches: sets of words of which one each must be
 * there, in order and not too far apart, and how many digits, signs and capitals. Looking for
 * words costs a tenth of looking for patterns, and counting less still.
 */
#ifndef RW_SCAN_FACTOR_H
#define RW_SCAN_FACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "scan/shape.h"
#include "scan/word_set.h"

enum {
	RW_FACTOR_SETS_MAX = 24, /* of one pattern */
	RW_FACTOR_FAR = 1 << 19, /* bytes: no bound */
};

struct rw_factors {
	struct rw_word_set *sets[RW_FACTOR_SETS_MAX];
	unsigned n;
	bool caseless; /* words are in lower case then and match any */
	bool captures; /* it has a group that is told apart */
	/* Of every match: at least so much of what is counted, what it begins with, and whether it
	 * begins at a boundary of words. */
	uint8_t need[RW_COUNTS];
	struct rw_byte_set first;
	bool bounded;
};

/* False: the pattern has something that is not understood here, or memory was short. */
bool rw_factors_of(const char *pattern, struct rw_arena *arena, struct rw_factors *out);

#endif
