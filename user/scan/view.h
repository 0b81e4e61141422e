/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views: what a detector reads instead of the text, with a way back to the
 * text's own bytes. A view is made block by block, so that its memory is bounded.
 */
#ifndef RW_SCAN_VIEW_H
#define RW_SCAN_VIEW_H

#include <stdint.h>

#include "base/slice.h"
#include "scan/level.h"

enum {
	RW_VIEW_TEXT_BYTES = 16384, /* of the text, at most, in one block */
	RW_VIEW_PAD = 64,	    /* bytes behind a view that may be read and written */
};

/* origin[i]: offset into the block's text of what byte i of the view came from. */
struct rw_view {
	char bytes[RW_VIEW_TEXT_BYTES + RW_VIEW_PAD];
	uint16_t origin[RW_VIEW_TEXT_BYTES + RW_VIEW_PAD];
	size_t n;
};

/*
 * The folded view of text (at most RW_VIEW_TEXT_BYTES of it): lower case, accents and
 * invisible characters gone, any white space one space, letters that look Latin made
 * Latin, digits that stand for letters inside words made letters. Never
 * longer than the text.
 */
void rw_view_fold(struct rw_view *v, struct rw_slice text);

/* Folds letters beyond ASCII only: for the source of a pattern. */
void rw_view_fold_letters(struct rw_view *v, struct rw_slice text);

/* Appends text from i on to the view, as far as it sees that each byte folds by itself; where it
 * stopped, and whatever stands there is folded otherwise. */
typedef size_t rw_fold_plain_fn(struct rw_view *v, struct rw_slice text, size_t i);
RW_AT_LEVELS(rw_fold_plain_fn, rw_fold_plain);
void rw_view_fold_with(rw_fold_plain_fn *fold_plain, struct rw_view *v, struct rw_slice text);

#endif
