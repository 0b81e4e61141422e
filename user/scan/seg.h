/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The segmenter: where in a text an entity may be, found by content alone.
 *
 * A *run* is a maximal stretch of bytes that may be one entity: characters of
 * tokens, joined over a single space where groups of numbers, an IBAN or a date may
 * go on; or of characters that nobody sees. An entity never crosses the end of a run, so what
 * stands before the run that is still open can be released, and a whole text and a stream of it cut
 * anywhere have the same runs. Prose ends a run at every space.
 *
 * Runs that grow too long to hold are decided in *steps*: the window [start, end) is
 * looked at, what starts before limit is decided for good, and the run goes on
 * from there. A secret that reaches the end of such a window is swallowed: its
 * characters belong to it as long as they come. A PEM block is swallowed from its BEGIN line on.
 *
 * Street addresses have words in them: they are read ahead of a number, or back from one, and are
 * units of their own. A name that a number may follow is held.
 *
 * Positions are offsets into the text that each call gets; the caller may drop
 * bytes from the front with rw_seg_rebase. One owner, no memory of its own.
 */
#ifndef RW_SCAN_SEG_H
#define RW_SCAN_SEG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "scan/level.h"
#include "scan/pem.h"

enum {
	RW_VALUE_MIN = 6,	  /* bytes of the shortest entity */
	RW_MARKUP_MIN = 3,	  /* but a single character that turns the text around has three */
	RW_STEP_BYTES = 4096,	  /* window of a token that goes on and on */
	RW_STEP_FRONT = 2048,	  /* what starts in this much of it is decided */
	RW_SEG_LONG_TOKEN = 16,	  /* a shorter one without a digit or a sign is prose */
	RW_JOIN_BYTES = 128,	  /* window of groups joined by spaces */
	RW_JOIN_ENTITY_BYTES = 64 /* no entity with spaces in it is longer */
};

enum rw_unit_kind {
	RW_UNIT_RUN,	   /* [start, end) is a whole run: limit is end */
	RW_UNIT_STEP,	   /* a window of a run that goes on; rw_seg_step must follow */
	RW_UNIT_PEM_BEGIN, /* a private key starts at start, its end is not known yet */
	RW_UNIT_CLOSE,	   /* what was swallowed ends at end */
	RW_UNIT_STREET,	   /* [start, end) is a street address */
};

/* What the segmenter finds by itself, where it is asked to. */
enum {
	RW_SEG_FINDS_PEM = 1,
	RW_SEG_FINDS_STREETS = 2,
};

struct rw_unit {
	enum rw_unit_kind kind;
	size_t start, end, limit;
};

struct rw_seg {
	enum {
		RW_SEG_GAP,
		RW_SEG_HIDDEN,
		RW_SEG_RUN,
		RW_SEG_PEM_HEAD,
		RW_SEG_PEM_BODY,
		RW_SEG_SWALLOW
	} mode;
	size_t pos;    /* next byte to look at */
	size_t run;    /* start of the open run or window */
	size_t token;  /* start of its last token */
	size_t core;   /* start of that token's part behind the last of : = # */
	bool digit;    /* that part has a digit */
	bool at_core;  /* and nothing but characters of number groups */
	bool iban;     /* the groups so far may be an IBAN */
	uint8_t finds; /* RW_SEG_FINDS_... */
	uint8_t seen;  /* classes of the run's bytes */
	size_t floor;  /* end of the last unit */
	size_t held;   /* where a street may begin whose number has not come */
	size_t pem_at; /* where -----BEGIN stands */
	struct rw_pem pem;
	bool opened;	       /* the key was reported */
	bool over;	       /* the walk through it has ended, with: */
	enum rw_pem_what what; /* held while the key is reported */
};

void rw_seg_init(struct rw_seg *s, unsigned finds);

/*
 * The next unit of text, which starts where the text of the call before started
 * (after rebase) and is at least as long. eof: nothing follows. False: more
 * text is needed, or at eof nothing is left. Runs that cannot hold an entity are not reported.
 */
bool rw_seg_next(struct rw_seg *s, struct rw_slice text, bool eof, struct rw_unit *u);

/* After RW_UNIT_STEP: the run goes on at from; swallow: a secret that reached the end goes on. */
void rw_seg_step(struct rw_seg *s, size_t from, bool swallow);

/* Everything before this is decided once the units so far are. */
size_t rw_seg_decided(const struct rw_seg *s);

/* n bytes were dropped from the front; n is at most rw_seg_decided. */
void rw_seg_rebase(struct rw_seg *s, size_t n);

/*
 * Where from from on a token starts that may be no prose (hot, or long with a capital), or that may
 * not be whole; or a little before that.
 */
typedef size_t rw_seg_skip_fn(const unsigned char *p, size_t from, size_t n);
RW_AT_LEVELS(rw_seg_skip_fn, rw_seg_skip);

#endif
