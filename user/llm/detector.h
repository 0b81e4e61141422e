/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detectors elsewhere, by two protocols: Presidio's analyzer (POST /analyze, spans of entities) and
 * a judge that speaks OpenAI's chat completions (a score for a text). What to send, and how to read
 * what comes back. Answers are outside input: each is wholly right and within bounds, or none.
 */
#ifndef RW_LLM_DETECTOR_H
#define RW_LLM_DETECTOR_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	RW_DETECTED_MAX = 256, /* entities of one answer */
	RW_DETECTED_TYPE = 48,
	RW_DETECTOR_DEPTH = 16,
};

struct rw_detected {
	uint32_t start, end; /* bytes of the text */
	unsigned score;	     /* 0 to 100 */
	char type[RW_DETECTED_TYPE];
};

struct rw_detections {
	struct rw_detected at[RW_DETECTED_MAX];
	unsigned n;
};

/* {"text", "language", "score_threshold"}; least is a score of 100. RW_ENOMEM, RW_ELIMIT. */
int rw_presidio_ask(struct rw_buf *out, struct rw_slice text, const char *language, unsigned least);
/*
 * An array of {"entity_type", "start", "end", "score"}; its offsets count code points of text.
 * Entities that score less than least are left out. RW_EINVAL with a sentence that holds no content
 * for anything else, RW_ELIMIT for more than there is room for.
 */
int rw_presidio_read(struct rw_slice answer, struct rw_slice text, unsigned least,
		     struct rw_detections *out, struct rw_error *e);

/* A chat completion that asks the model for {"score": 0 to 100} of the text. */
int rw_judge_ask(struct rw_buf *out, const char *model, struct rw_slice text);
/* The score in the first choice's content, which may have words around its one JSON object. */
int rw_judge_read(struct rw_slice answer, unsigned *score, struct rw_error *e);

#endif
