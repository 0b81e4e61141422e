/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in a file, made fit for one line of a message; and what was meant instead. */
#ifndef RW_POLICY_SHOW_H
#define RW_POLICY_SHOW_H

#include "base/slice.h"

enum { RW_SHOWN = 48 };

/* At most 40 bytes of s, then "..."; what is no printable ASCII becomes '?'. Returns out. */
const char *rw_show(struct rw_slice s, char out[RW_SHOWN]);
/* Number of insertions, removals, replacements and swaps from a to b; 255 for long texts. */
unsigned rw_distance(struct rw_slice a, const char *b);
/* True where b is near enough to a to ask "did you mean b?". */
bool rw_is_near(struct rw_slice a, const char *b);

#endif
