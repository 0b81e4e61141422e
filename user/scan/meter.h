/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of a scan cost, for `ringwall bench scan`: a scanner that has a meter notes the
 * time after each part. Without one, as in the gateway, it is a test per batch of runs and per
 * block. The clock is the caller's: this room has none.
 */
#ifndef RW_SCAN_METER_H
#define RW_SCAN_METER_H

#include <stdint.h>

#include "scan/scan.h"

#define RW_PARTS_OF_SCAN(X)                                                 \
	X(SEGMENT, "segment")	  /* where an entity may be */              \
	X(PREFILTER, "prefilter") /* which patterns may end in the runs */  \
	X(CONFIRM, "confirm")	  /* exact spans, validators */             \
	X(FOLD, "fold")		  /* views of the text */                   \
	X(WORDS, "words")	  /* of rules and concepts, in the views */ \
	X(INJECTION, "injection") /* patterns without words */              \
	X(MODEL, "model")	  /* weights of words and concepts */       \
	X(PLACE, "place")	  /* exact spans of the rules */            \
	X(HINTS, "hints")	  /* what asks for another view */          \
	X(UNDO, "undo")		  /* disguises */

enum rw_part {
#define X(name, text) RW_PART_##name,
	RW_PARTS_OF_SCAN(X)
#undef X
		RW_PARTS
};

struct rw_meter {
	uint64_t (*now)(void);
	uint64_t last; /* the caller sets it to now() before a scan */
	uint64_t spent[RW_PARTS];
};

/* NULL: none. The meter outlives its use. */
void rw_scanner_meter(struct rw_scanner *s, struct rw_meter *m);
const char *rw_part_name(enum rw_part part);

/* What passed since the last lap was spent on part. */
static inline void rw_meter_lap(struct rw_meter *m, enum rw_part part)
{
	uint64_t now;

	if (!m)
		return;
	now = m->now();
	m->spent[part] += now - m->last;
	m->last = now;
}

#endif
