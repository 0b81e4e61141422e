/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of words of which one must stand where a pattern matches. */
#ifndef RW_SCAN_WORD_SET_H
#define RW_SCAN_WORD_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

enum { RW_FACTOR_WORDS_MAX = 48 }; /* of one set */

struct rw_factor_word {
	const char *text; /* in an arena, or a literal */
	uint32_t n;	  /* bytes */
	bool begins;	  /* at a boundary of words, where its first byte is of words */
};

struct rw_word_set {
	struct rw_factor_word at[RW_FACTOR_WORDS_MAX];
	unsigned n;
	bool begins, ends; /* all of them, at a boundary of words */
	uint32_t reach;	   /* bytes at most from the end of the set's before to this one's */
};

/* Adds a word unless it is there; false where the set is full. */
bool rw_word_set_add(struct rw_word_set *s, struct rw_factor_word w);

/* Makes it the set of the empty word alone. */
void rw_word_set_empty(struct rw_word_set *s);

/* Every word of a with every word of b behind it, in a. False: too many, too long or no memory; a
 * is what it was then. */
bool rw_word_set_append(struct rw_word_set *a, const struct rw_word_set *b, struct rw_arena *arena);

/* Whether it can be looked for: it has words, and none is empty. */
bool rw_word_set_usable(const struct rw_word_set *s);

/* How often a word of the set would be met, roughly: to choose the rarest by. */
unsigned rw_word_set_cost(const struct rw_word_set *s);

#endif
