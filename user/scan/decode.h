/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Undoing disguises: a block of text in, what it says in clear out, each byte with the offset of
 * what it came from. No output is longer than its input, but of rw_decode_together, and none than a
 * block; each takes one pass over it, so whatever a text holds, a bounded number of views costs a
 * bounded number of passes.
 */
#ifndef RW_SCAN_DECODE_H
#define RW_SCAN_DECODE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"
#include "scan/view.h"

enum {
	RW_CODED_BYTES_MIN = 16, /* a shorter token is no base64 or hex */
	RW_CODED_RUN_MIN = 6,	 /* numbers, escapes, Morse letters in a row that are text */
};

enum { RW_DECODED_CELL = 64 };

struct rw_decoded {
	char bytes[RW_VIEW_TEXT_BYTES];
	uint16_t origin[RW_VIEW_TEXT_BYTES]; /* of what a byte came from; not always ascending */
	size_t n;
	/* Of each RW_DECODED_CELL bytes a bit: in or beside them is what the text did not say. */
	uint64_t news[RW_VIEW_TEXT_BYTES / RW_DECODED_CELL / 64];
};

/*
 * A stretch of what is new and RW_DECODED_NEAR bytes on both sides of it, [*from, *to); the rest is
 * as it was looked at before, and in most texts that hold something coded it is a token here and
 * there. *at: where to go on, 0 at first. False: there is no more.
 */
enum { RW_DECODED_NEAR = 768 };
bool rw_decoded_next_news(const struct rw_decoded *d, size_t *at, size_t *from, size_t *to);

/*
 * The text with what is encoded in it decoded in its place: base64 (standard, URL, wrapped),
 * base32, hex, percent, quoted-printable, HTML entities, \u \x \0 escapes, numbers of characters
 * (binary, octal, decimal, hex), Morse. False: there is none, and d is empty. inside: the text goes
 * on from before, so a token at its start may be the rest of one.
 */
bool rw_decode(struct rw_decoded *d, struct rw_slice text, bool inside);
/*
 * What in text asks for that: escapes or Morse; long tokens and rows of numbers do by struct
 * rw_hints of the view (model.h). Whether lines of speakers ask for rw_decode_turns, and a sum of
 * names or quotes for rw_decode_joined.
 */
struct rw_decode_hints {
	bool coded, turns, sum;
};
typedef struct rw_decode_hints rw_decode_hints_fn(struct rw_slice text);
RW_AT_LEVELS(rw_decode_hints_fn, rw_decode_hints);
/* Letters moved back by n in the alphabet. */
void rw_decode_rotated(struct rw_decoded *d, struct rw_slice text, unsigned n);
/* The characters from the last to the first; words: those of each word. */
void rw_decode_reversed(struct rw_decoded *d, struct rw_slice text, bool words);
/* "i g n o r e" without what is between the letters; false: nothing is spaced out, and d is empty.
 */
bool rw_decode_spaced(struct rw_decoded *d, struct rw_slice text);

/*
 * Long tokens with spaces between the words that attacks are made of, which ran together. False: no
 * token has enough of them, and d is empty. A space for each byte at most; what would be longer
 * than a block is cut off, and stands in the next, which overlaps.
 */
bool rw_decode_together(struct rw_decoded *d, struct rw_slice text);
/* Bytes of the longest of the words that attacks are made of that text begins with, or 0. */
size_t rw_decode_known_word(struct rw_slice text);
/* Letters as far from the end of the alphabet as they were from its beginning. */
void rw_decode_mirrored(struct rw_decoded *d, struct rw_slice text);
/* Without white space and hyphens, which stood inside words. */
void rw_decode_unbroken(struct rw_decoded *d, struct rw_slice text);
/* Words of radio as the letters that they stand for; rows of numbers from 1 to 26 likewise. */
void rw_decode_spelled(struct rw_decoded *d, struct rw_slice text);
void rw_decode_numbered(struct rw_decoded *d, struct rw_slice text);
/*
 * The pieces that are given to names, in one: a = "ig", b = "nore"; spaced: with a space between.
 * all: whatever is quoted, too. False: there are not two.
 */
bool rw_decode_joined(struct rw_decoded *d, struct rw_slice text, bool all, bool spaced);

/* How the turns of a user are joined: as they are; without labels and quotes; the same without a
 * space; what is quoted in them, with a space and without. */
enum rw_turns {
	RW_TURNS_SPACED,
	RW_TURNS_BARE,
	RW_TURNS_GLUED,
	RW_TURNS_QUOTED,
	RW_TURNS_QUOTED_GLUED,
	RW_TURNS_WAYS
};
/* Asked where two tokens are made one of at most 2 * RW_CODED_BYTES_MIN bytes: whether more that is
 * looked for begins in it, in small letters, than in its first left bytes. */
struct rw_glue {
	bool (*begins_more)(void *arg, struct rw_slice token, size_t left);
	void *arg;
};
/*
 * Of a conversation in lines ("User: ...", "Assistant: ...") what the user said; glue: what tells
 * which of the joins without a space are news, NULL: each is. False: it is none, or has one turn
 * only.
 */
bool rw_decode_turns(struct rw_decoded *d, struct rw_slice text, enum rw_turns how,
		     const struct rw_glue *glue);
enum { RW_TURN_LABEL_BYTES = 96 }; /* in front of what a turn says, at most */
/* Which of these ways are worth a look, a bit each; 0: there are no turns. As they are only where
 * one has a label, quoted where two hold quotes. */
unsigned rw_decode_turns_ways(struct rw_slice text);

/* --- between the files of decoding ------------------------------------------------------------ */

static inline void rw_decoded_begin(struct rw_decoded *d)
{
	d->n = 0;
	memset(d->news, 0, sizeof(d->news));
}

/* [from, to) of the bytes is new, and what stands beside it; more bytes may follow. */
static inline void rw_decoded_tell(struct rw_decoded *d, size_t from, size_t to)
{
	size_t last = (to < RW_VIEW_TEXT_BYTES ? to : RW_VIEW_TEXT_BYTES - 1) / RW_DECODED_CELL;

	for (size_t cell = from / RW_DECODED_CELL; cell <= last; cell++)
		d->news[cell / 64] |= UINT64_C(1) << cell % 64;
}

static inline bool rw_decoded_told(const struct rw_decoded *d, size_t at)
{
	return d->news[at / RW_DECODED_CELL / 64] >> at / RW_DECODED_CELL % 64 & 1;
}

static inline void rw_decoded_put(struct rw_decoded *d, char c, size_t from)
{
	if (d->n == sizeof(d->bytes))
		return;
	d->bytes[d->n] = c;
	d->origin[d->n++] = (uint16_t)from;
}

/* Puts [from, to) of the text as it is at at, where there is room for it. */
static inline void rw_decoded_place(struct rw_decoded *d, size_t at, struct rw_slice text,
				    size_t from, size_t to)
{
	if (from == to)
		return;
	memcpy(d->bytes + at, text.p + from, to - from);
	for (size_t i = 0; i < to - from; i++)
		d->origin[at + i] = (uint16_t)(from + i);
}

/* Appends [from, to) of the text as it is, as far as there is room. */
static inline void rw_decoded_copy(struct rw_decoded *d, struct rw_slice text, size_t from,
				   size_t to)
{
	size_t room = sizeof(d->bytes) - d->n, n = to - from < room ? to - from : room;

	rw_decoded_place(d, d->n, text, from, from + n);
	d->n += n;
}

/* Value of a hexadecimal digit, or -1. */
static inline int rw_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/*
 * Each looks at what starts at i, appends what it decodes to and returns how much of the text it
 * was; 0: it is nothing of the kind, and d is as before.
 */
size_t rw_decode_escape(struct rw_decoded *d, struct rw_slice text, size_t i);
size_t rw_decode_numbers(struct rw_decoded *d, struct rw_slice text, size_t i);
size_t rw_decode_morse(struct rw_decoded *d, struct rw_slice text, size_t i);

/*
 * Where from at on, which is no middle of a token, something may be coded: an escape, numbers,
 * Morse, a token of RW_CODED_BYTES_MIN. Nothing in front of that is; the text's end: nothing at
 * all.
 */
typedef size_t rw_decode_skip_fn(struct rw_slice text, size_t at);
RW_AT_LEVELS(rw_decode_skip_fn, rw_decode_skip);

/* Where from at on a quote is, what curly ones begin with, or a sign that gives something to a
 * name; else the text's end. */
typedef size_t rw_decode_quote_fn(struct rw_slice text, size_t at);
RW_AT_LEVELS(rw_decode_quote_fn, rw_decode_quote);

/*
 * Where from at on a letter, a digit or what looks like one may stand alone, with another such two
 * to seven bytes behind. Nothing in front of that does; the text's end: nothing at all.
 */
typedef size_t rw_decode_lone_fn(struct rw_slice text, size_t at);
RW_AT_LEVELS(rw_decode_lone_fn, rw_decode_lone);

#endif
