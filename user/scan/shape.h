/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of a number: how many digits, signs and capitals any match of a pattern has, how many
 * side by side, and what it begins with. A pattern of classes alone keeps Hyperscan awake on every
 * digit of a text; counting a run's bytes once tells of all such patterns that they cannot match.
 */
#ifndef RW_SCAN_SHAPE_H
#define RW_SCAN_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "scan/byte_set.h"
#include "scan/level.h"

/* What is counted, a byte each. */
enum rw_count {
	RW_COUNT_DIGIT,
	RW_COUNT_AT,
	RW_COUNT_COLON,
	RW_COUNT_DOT,
	RW_COUNT_UPPER,
	RW_COUNT_DASH,
	RW_COUNT_BYTES,
	RW_COUNT_RUN,	 /* digits side by side, at most */
	RW_COUNT_GROUP,	 /* the same, with what may stand between groups of digits */
	RW_COUNT_ALNUM,	 /* letters and digits side by side, at most */
	RW_COUNT_SPACED, /* the same, with spaces between */
	RW_COUNT_NUMBER, /* digits with anything but letters between, at most */
	RW_COUNTS,
	RW_COUNT_LANES = 16
};

/* Whether a number may go on over the byte, which is no digit. */
static inline bool rw_is_between_groups(unsigned char c)
{
	return c == ' ' || c == '-' || c == '.' || c == '/' || c == '(' || c == ')' || c == '+';
}

struct rw_shape {
	uint8_t least[RW_COUNT_LANES]; /* of each, in every match */
	struct rw_byte_set first;      /* one of these begins it */
	bool at_word;		       /* at the beginning of a word */
	uint16_t pat;
};

/* What a run adds up to; borrows its bytes. */
struct rw_shape_seen {
	uint8_t counts[RW_COUNT_LANES];
	struct rw_slice run;
	bool known; /* the sets are: they are made where the counts fit a shape */
	struct rw_byte_set bytes, starts; /* all; those where words begin, or the run */
};

/*
 * Many shapes, those that need few digits first, and what each needs least in a column for each
 * count: a run is asked about RW_SHAPES_STEP of them at once.
 */
struct rw_shapes {
	struct rw_shape *at;
	unsigned n, room;
	uint8_t *least; /* RW_COUNTS columns of room bytes */
};

enum {
	RW_SHAPES_STEP = 64,
	/* Bytes of a run that is counted; but for RW_COUNT_NUMBER a longer one may be anything. */
	RW_SHAPE_RUN_MAX = 240
};

/* Puts them in order once they are all there: RW_OK or RW_ENOMEM. */
int rw_shapes_close(struct rw_shapes *s);
void rw_shapes_free(struct rw_shapes *s);

/* What the run adds up to. readable: bytes from its start on that may be read. */
void rw_shape_see(struct rw_slice run, size_t readable, struct rw_shape_seen *out);
/* Whether a match may lie in the run. */
bool rw_shape_fits(const struct rw_shape *s, struct rw_shape_seen *seen);
/* The same of the shapes from from on, RW_SHAPES_STEP of them: a bit each. */
uint64_t rw_shapes_fit(const struct rw_shapes *s, unsigned from, struct rw_shape_seen *seen);

/* Counts a run of at most RW_SHAPE_RUN_MAX bytes, of which and behind which readable may be read;
 * lanes from RW_COUNTS on stay as they are. */
typedef void rw_shape_count_fn(struct rw_slice run, size_t readable,
			       uint8_t counts[RW_COUNT_LANES]);
RW_AT_LEVELS(rw_shape_count_fn, rw_shape_count);

/* Of RW_SHAPES_STEP shapes from from on a bit for each that needs no more than the counts; bits
 * behind the last shape mean nothing. */
typedef uint64_t rw_shapes_reach_fn(const struct rw_shapes *s, unsigned from,
				    const uint8_t counts[RW_COUNT_LANES]);
RW_AT_LEVELS(rw_shapes_reach_fn, rw_shapes_reach);

#endif
