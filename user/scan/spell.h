/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spelling: bytes of a text that are read one way and written another. An escape sequence is read
 * as the character it stands for; a token is read as a byte that ends every run and written as its
 * value; both only where the bytes are written as they are, for what is masked is
 * masked whole.
 *
 * A list of spans, sorted and disjoint, over a text whose front is dropped from time to time. One
 * owner.
 */
#ifndef RW_SCAN_SPELL_H
#define RW_SCAN_SPELL_H

#include "base/buf.h"
#include "scan/scan.h"

enum { RW_SPELL_RAW = 7 }; /* longest spelling kept in place: \uXXXX has six */

struct rw_spell {
	uint32_t at; /* in the text */
	uint8_t n;   /* bytes of it */
	uint8_t raw_n;
	char raw[RW_SPELL_RAW];
	uint32_t source; /* bytes that it takes in the text as it came */
	bool put;	 /* written is something that is put in: p, p_n instead of raw */
	struct rw_slice written;
};

struct rw_spells {
	struct rw_spell *list;
	unsigned first, n, cap; /* those before first are dropped */
	size_t dropped;		/* bytes of the text as it came that are in front of this text */
};

/* RW_ENOMEM. at is behind all that are there. */
int rw_spells_add(struct rw_spells *s, const struct rw_spell *one);
/* The text was cut off at at: what begins there or behind it is forgotten. */
void rw_spells_cut(struct rw_spells *s, size_t at);
/* Where the byte at at stands in the text as it came. */
size_t rw_spells_source(const struct rw_spells *s, size_t at);
/* n bytes were dropped from the front of the text. */
void rw_spells_rebase(struct rw_spells *s, size_t n);
void rw_spells_reset(struct rw_spells *s);
void rw_spells_free(struct rw_spells *s);

/* Writes [from, to) of the text. w NULL: straight to out. */
int rw_spells_write(const struct rw_spells *s, struct rw_slice text, size_t from, size_t to,
		    const struct rw_writer *w, struct rw_buf *out);

#endif
