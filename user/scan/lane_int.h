/* SPDX-License-Identifier: Apache-2.0 */
/* What a lane is made of, for the files that work on it: lane.c, lane_take.c, lane_late.c. */
#ifndef RW_SCAN_LANE_INT_H
#define RW_SCAN_LANE_INT_H

#include "scan/leak_int.h"
#include "scan/mask.h"
#include "scan/redact_int.h"

/*
 * text holds the bytes that are not decided yet and, in front of them, those
 * already released that context is looked for in. mask.done counts from its
 * front and is never behind what was released.
 */
struct rw_lane {
	struct rw_scanner *s;
	struct rw_rules *r;
	struct rw_guard guard;
	unsigned categories;
	struct rw_seg seg;
	struct rw_masker mask;
	struct rw_buf text;
	struct rw_spells spells;
	struct rw_writer writer;
	struct rw_buf label;
	size_t shown;	      /* so much of text may be looked at: a token may begin there */
	size_t token;	      /* where a '[' stands that may begin one, plus 1; or 0 */
	struct rw_buf *out;   /* while a call runs */
	bool open;	      /* a finding goes on into text to come */
	bool open_masked;     /* and what belongs to it is dropped */
	int failed;	      /* sticky: nothing more comes out */
	bool recent_cut;      /* and does not begin where the text does */
	struct rw_buf recent; /* for injection: the last bytes, whatever was masked */
	size_t due, every; /* bytes until it is looked for again, and from one time to the next */
	bool dropping;	   /* what goes on a value that time decided is dropped */
	struct rw_canary_walk canary;
	struct rw_echo_walk echo;
	struct rw_tally tally;
};

/* Counts a finding, with its place in the text as it came. */
void rw_lane_note(struct rw_lane *l, const struct rw_finding *f, enum rw_action action);
/* Does what the guard asks for a finding in front of which all is decided. open: its end is not
 * known. */
int rw_lane_found(struct rw_lane *l, const struct rw_finding *f, bool open);
/* Drops what no decision can depend on any more. */
void rw_lane_forget(struct rw_lane *l, size_t decided);

/* Adds text; tokens and canaries in it become single bytes. RW_EPERM: a canary blocks. */
int rw_lane_take(struct rw_lane *l, struct rw_slice text);
/* How much of text can be taken: all, or up to where the answer has repeated too much of the system
 * text. */
size_t rw_lane_listen(struct rw_lane *l, struct rw_slice text, bool end, bool *blocks);

#endif
