/* SPDX-License-Identifier: Apache-2.0 */
/* A streamed answer, for the files that work on it: stream.c, which reads, and stream_own.c. */
#ifndef RW_LLM_STREAM_INT_H
#define RW_LLM_STREAM_INT_H

#include "llm/rewrite.h"
#include "llm/sse.h"

struct rw_answer_stream {
	struct rw_guard g;
	struct rw_sse sse;
	struct rw_rewrite w;
	struct rw_buf envelope; /* members of the last chunk, each with a comma behind */
	struct rw_buf spliced, tail;
	struct rw_llm_lane *lanes;
	unsigned n_lanes, lanes_cap;
	uint64_t events;
	uint64_t late_event; /* the last event when time was asked for last */
	uint64_t blocked;    /* the choice that is to blame */
	bool done;	     /* [DONE] has passed */
	bool closed;	     /* and what comes now is dropped */
	int failed;	     /* sticky: out has its ending */
	struct rw_usage usage;
};

/* --- stream_own.c: each appends to out; 0 or a rw_err ------------------------------------ */

/* What the chunk at hand says of itself is what events of our own will say. */
int rw_answer_stream_keep_envelope(struct rw_answer_stream *st);
/* Ends a lane; what it held goes out in an event. RW_EPERM: a finding blocks. */
int rw_answer_stream_tail(struct rw_answer_stream *st, struct rw_llm_lane *l, struct rw_buf *out);
/* Ends all that are open. */
int rw_answer_stream_tails(struct rw_answer_stream *st, struct rw_buf *out);
/* Time is up for what a lane holds. */
int rw_answer_stream_late_tail(struct rw_answer_stream *st, struct rw_llm_lane *l,
			       struct rw_buf *out);
/* Writes the stream's ending for rc, which stays; what lanes hold is forgotten. Returns rc. */
int rw_answer_stream_break(struct rw_answer_stream *st, int rc, struct rw_buf *out);

#endif
