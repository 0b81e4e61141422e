/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the segmenter. */
#ifndef RW_SCAN_SEG_INT_H
#define RW_SCAN_SEG_INT_H

#include "scan/seg.h"

enum {
	IN_TOKEN = 1, /* may be part of an entity */
	GROUP = 2,    /* may be part of a group of numbers */
	RESET = 4,    /* a value may start behind it */
	DIGIT = 8,
	UPPER = 16,
	AT = 32,
	SWALLOW = 64, /* goes on a secret that is too long to hold */
	SLASH = 128,  /* of token bytes: "://" may be here */
	LEAD = 128,   /* of others: an invisible character may begin */
};

/* What each byte is of the above. */
extern const uint8_t rw_seg_classes[256];

/* Whether what stands in a whole token behind its last ':', '=' or '#' is a word behind which
 * groups of a number may come, over a space. */
bool rw_seg_leads(struct rw_slice token);

/* At a single space: 1 the run goes on behind it (as a group of an IBAN: s->iban), 0 it ends here,
 * -1 the next byte is needed. */
int rw_seg_joins(struct rw_seg *s, struct rw_slice text, bool eof);

#endif
