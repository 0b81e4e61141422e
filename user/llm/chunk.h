/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands where in an answer: one reader for whole answers and for the chunks of a
 * stream, which differ in "message" and "delta" only.
 */
#ifndef RW_LLM_CHUNK_H
#define RW_LLM_CHUNK_H

#include "llm/json.h"
#include "llm/openai.h"

/* The places of a delta whose text goes on from chunk to chunk. */
enum rw_field {
	RW_FIELD_CONTENT,
	RW_FIELD_PART, /* content as an array of parts */
	RW_FIELD_REFUSAL,
	RW_FIELD_REASONING_CONTENT,
	RW_FIELD_REASONING,
	RW_FIELD_THINKING,
	RW_FIELD_DETAIL_TEXT,
	RW_FIELD_DETAIL_SUMMARY,
	RW_FIELD_TRANSCRIPT,
	RW_FIELD_TOOL_ARGUMENTS,
	RW_FIELD_TOOL_INPUT,
	RW_FIELD_CALL_ARGUMENTS,
	RW_FIELD_TEXT, /* legacy completions */
	RW_FIELD_COUNT,
};

/* How a field looks in a chunk of our own: begin [index then] text end, inside a choice. */
struct rw_field_form {
	const char *begin, *then, *end; /* then NULL: the field has no index */
	bool json;			/* its text is JSON itself */
	const char *name;		/* for the audit log */
};
extern const struct rw_field_form rw_field_forms[RW_FIELD_COUNT];

enum rw_spot_kind {
	RW_SPOT_LANE,	  /* a piece of a text */
	RW_SPOT_TEXT,	  /* a text, whole */
	RW_SPOT_LOGPROBS, /* a value that repeats the choice's text */
	RW_SPOT_FINISH,	  /* a finish_reason that says something */
};

/* Sorted by position in the bytes. */
struct rw_spot {
	enum rw_spot_kind kind;
	enum rw_field field;
	struct rw_span at;
	uint64_t choice, index; /* index: of the tool call or detail */
	/* for llm/rewrite.h */
	bool changed;		   /* another text or value is put in its place */
	bool touched;		   /* changed; of logprobs: the choice holds text back */
	size_t new_start, new_end; /* what it becomes */
	unsigned lane;
};

enum { RW_ENVELOPE = 5, RW_SPOTS_MAX = 8192 };

/*
 * A chunk or an answer that was read. Zeroed is ready; read again and again, it keeps its
 * memory; rw_chunk_free gives it back. Spans point into the bytes that were read.
 */
struct rw_chunk {
	struct rw_span envelope[RW_ENVELOPE]; /* scalar values only; end 0: not there */
	struct rw_span padding; /* the last string beside choices that means nothing; end 0: none */
	struct rw_usage usage;
	struct rw_spot *spots;
	unsigned n, cap;
	bool has_choices;
};

/* How envelope[i] is written: the name, with a colon. */
extern const struct rw_slice rw_envelope_names[RW_ENVELOPE];

/*
 * stream: texts of a delta are lanes, else whole. In an object that has neither choices
 * nor an error every string is a text: what it means is not known. Strings of an
 * error are texts too. RW_EINVAL: not a JSON object that can be read. RW_ELIMIT, RW_ENOMEM.
 */
int rw_chunk_read(struct rw_chunk *c, struct rw_slice json, bool stream, struct rw_error *e);
void rw_chunk_free(struct rw_chunk *c);

#endif
