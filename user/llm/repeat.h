/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chunk of a stream that says what the one before it said, but for its piece of text.
 *
 * A provider writes thousands of chunks that differ in one string, or in two where it pads
 * them (OpenAI's "obfuscation"). Bytes that are the same in front of a string and behind it are
 * read the same, whatever valid string stands between; so what was found in the chunk before is
 * found in this one, moved by as much as the strings have grown.
 */
#ifndef RW_LLM_REPEAT_H
#define RW_LLM_REPEAT_H

#include "base/buf.h"
#include "llm/chunk.h"

/* Zeroed is ready; belongs to one chunk that is read again and again. rw_repeat_free gives back
 * memory. */
struct rw_repeat {
	struct rw_buf last; /* the chunk that was read in full; empty: none can repeat it */
	struct rw_span text,
		padding; /* in last: the strings that may differ; padding may be none */
};

/*
 * Reads a stream's chunk as rw_chunk_read does: c says the same, also of one that repeats the
 * chunk that c was read from before. *repeated: it does, and the envelope is the same.
 */
int rw_repeat_read(struct rw_repeat *r, struct rw_chunk *c, struct rw_slice json, bool *repeated,
		   struct rw_error *e);
void rw_repeat_free(struct rw_repeat *r);

#endif
