/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON inside a JSON string: a tool call's arguments, which must be read as what they say and
 * stay JSON when parts of them are redacted.
 *
 * On the way in, escape sequences inside the inner strings are undone for the scanner, which
 * keeps how they were spelled: "jane\u0040example.com" is an address, and "\njane@..." begins with
 * a j. On the way out, what is put in place of something is escaped; where it stands for (a part
 * of) a bare number it is put in quotes together with the rest of that number, unless it is a
 * number itself. Both ways in any pieces; text that is no JSON passes as it is.
 */
#ifndef RW_LLM_INNER_H
#define RW_LLM_INNER_H

#include <stdbool.h>

#include "scan/scan.h"

enum { RW_INNER_ESCAPE = 6, RW_INNER_BARE = 64 };

/* Zeroed is ready, at the beginning of the text. */
struct rw_inner {
	/* the way in */
	bool in_string;
	char escape[RW_INNER_ESCAPE]; /* a sequence that is not whole */
	unsigned escape_n;
	/* the way out */
	enum {
		RW_INNER_VALUE,	 /* between strings */
		RW_INNER_LONG,	 /* in a bare value of which the front is written */
		RW_INNER_QUOTED, /* in a bare value that was put in quotes */
		RW_INNER_STRING,
		RW_INNER_ESCAPED,
		RW_INNER_HEX
	} state;
	unsigned hex_left;
	char bare[RW_INNER_BARE]; /* a number, true ...: it may have to be put in quotes */
	unsigned bare_n;
};

/* Feeds a piece to the lane, which decides what it can. Returns what the lane does. */
int rw_inner_feed(struct rw_inner *in, struct rw_lane *lane, struct rw_slice text,
		  struct rw_buf *out);
/* The text is complete: the rest goes to the lane, which is ended. */
int rw_inner_end(struct rw_inner *in, struct rw_lane *lane, struct rw_buf *out);
/* Time is up, see rw_lane_late. */
int rw_inner_late(struct rw_inner *in, struct rw_lane *lane, struct rw_buf *out);
/* Bytes held here. */
static inline size_t rw_inner_held(const struct rw_inner *in)
{
	return in->escape_n + in->bare_n;
}

#endif
