/* SPDX-License-Identifier: Apache-2.0 */
/* What streets are called, and what else stands in an address. */
#ifndef RW_SCAN_STREET_WORDS_H
#define RW_SCAN_STREET_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum rw_street_kind {
	RW_STREET_SUFFIX = 1, /* ends a street's name */
	RW_STREET_WEAK =
		2, /* as well, but other things, too: more must tell that it is an address */
	RW_STREET_SHORT = 4,	 /* a dot belongs to it */
	RW_STREET_UNIT = 8,	 /* an apartment or the like */
	RW_STREET_OPENS = 16,	 /* begins the name of a street whose number follows */
	RW_STREET_NUMBERED = 32, /* and of one whose number stands in front */
	RW_STREET_SMALL = 64,	 /* stands small inside a name */
	RW_STREET_GERMAN = 128,	 /* behind "Villacher", "Frankfurter" */
};

/* At least so many bytes stand in front of an ending. */
enum { RW_STREET_STEM = 3 };

struct rw_street_word {
	uint8_t n, kind; /* bytes; of enum rw_street_kind */
	char word[14];	 /* in lower case */
};

extern const struct rw_street_word rw_street_words[];
extern const unsigned rw_street_n_words;

/* What the word is, in any case; 0: none of them. */
unsigned rw_street_kind(struct rw_slice w);

/* Whether it ends as only streets do that a number follows: "strasse", "laan". */
bool rw_street_ending(struct rw_slice w);

#endif
