/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lane of an answer: the scanner's lane, and what JSON adds to it.
 *
 * The scanner sees the text, not its pieces: surrogates that two deltas share are joined
 * before it. Arguments of tool calls stay JSON behind it (llm/inner.h).
 */
#ifndef RW_LLM_LANE_H
#define RW_LLM_LANE_H

#include "llm/chunk.h"
#include "llm/inner.h"

struct rw_llm_lane {
	enum rw_field field;
	uint64_t choice, index;
	struct rw_lane *scan; /* NULL: ended */
	uint32_t high;	      /* a surrogate that waits for its other half, or 0 */
	struct rw_inner inner;
	uint64_t fed_event; /* the last event that had a piece for it */
	/* for the stream: in which event its choice finished, and its last piece in an event */
	uint64_t finish_event;
	unsigned last_spot;
};

/* What all lanes of an answer share. Borrowed. */
struct rw_llm_guard {
	struct rw_scanner *s;
	struct rw_rules *r;
	const struct rw_guard *g;
	struct rw_tally ended; /* of the lanes that have ended */
};

/* RW_ENOMEM. Begins anew after an end. */
int rw_llm_lane_begin(struct rw_llm_guard *g, struct rw_llm_lane *l);
/* Appends to out what may be released, unescaped. RW_EPERM: a finding blocks. Others: failed. */
int rw_llm_lane_feed(struct rw_llm_lane *l, struct rw_slice text, struct rw_buf *out);
/* The text is complete. The lane's tally goes over to the guard's, whatever is returned. */
int rw_llm_lane_end(struct rw_llm_guard *g, struct rw_llm_lane *l, struct rw_buf *out);
/* Time is up for what is held, see rw_lane_late. */
int rw_llm_lane_late(struct rw_llm_lane *l, struct rw_buf *out);
/* Forgets what is held. */
void rw_llm_lane_drop(struct rw_llm_guard *g, struct rw_llm_lane *l);
/* Bytes held back now, by anyone. */
size_t rw_llm_lane_held(const struct rw_llm_lane *l);

/* Guards a text that is whole. */
int rw_llm_guard_text(struct rw_llm_guard *g, enum rw_field field, struct rw_slice text,
		      struct rw_buf *out);
void rw_llm_tally_merge(struct rw_tally *into, const struct rw_tally *from);

#endif
