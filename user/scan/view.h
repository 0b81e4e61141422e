/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views: what a detector reads instead of the text, with a way back to the
 * text's own bytes. A view is made block by block, so that its memory is bounded.
 */
#ifndef RW_SCAN_VIEW_H
#define RW_SCAN_VIEW_H

#include <stdbool.h>
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

/* Appends text from i on to the view, as far as it can; where it stopped, and whatever stands there
 * is folded otherwise. *folded: where in the view the last sign became a letter. */
typedef size_t rw_fold_plain_fn(struct rw_view *v, struct rw_slice text, size_t i, size_t *folded);
RW_AT_LEVELS(rw_fold_plain_fn, rw_fold_plain);
void rw_view_fold_with(rw_fold_plain_fn *fold_plain, struct rw_view *v, struct rw_slice text);

/* --- between the files of folding -------------------------------------------------------------
 */

/* Signs that look like letters: as many of a word are read ahead for a letter, and for so many
 * bytes behind one that became a letter others do, too. */
enum { RW_LEET_AHEAD = 4, RW_LEET_REACH = 16 };

/* Whether the view's last word holds a sign that became a letter and is near. */
bool rw_view_word_is_leet(const struct rw_view *v, size_t folded);

/* Letters by look: "1gn0r3" is "ignore". 0: the byte stands for itself. */
extern const char rw_leet_of[256];

/* The letter that the sign at i of the text looks like: a 1 behind a vowel or beside another is an
 * l. before: the view's byte in front of it. */
static inline char rw_view_leet_letter(char before, struct rw_slice text, size_t i)
{
	char c = text.p[i];

	if (c == '1' &&
	    (before == 'a' || before == 'e' || before == 'i' || before == 'o' || before == 'u' ||
	     (i && text.p[i - 1] == '1') || (i + 1 < text.n && text.p[i + 1] == '1')))
		return 'l';
	return rw_leet_of[(unsigned char)c];
}

#endif
