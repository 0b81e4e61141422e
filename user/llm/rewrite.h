/* SPDX-License-Identifier: Apache-2.0 */
/* An answer or a chunk on its way: read, its texts guarded, written again. */
#ifndef RW_LLM_REWRITE_H
#define RW_LLM_REWRITE_H

#include "llm/lane.h"
#include "llm/repeat.h"

/* Zeroed with guard's borrowed members set is ready; keeps its memory from one to the next. */
struct rw_rewrite {
	struct rw_llm_guard guard;
	struct rw_chunk chunk;
	struct rw_repeat repeat;
	bool repeated; /* the chunk differs from the one before in its text alone */
	struct rw_slice json;
	struct rw_buf plain; /* one text, unescaped */
	struct rw_buf fresh; /* what the texts become, one behind the other */
};

/* Borrows json until the next read. Errors are those of rw_chunk_read. */
int rw_rewrite_read(struct rw_rewrite *w, struct rw_slice json, bool stream, struct rw_error *e);
/* What the spot says, unescaped; until the next call. */
int rw_rewrite_plain(struct rw_rewrite *w, const struct rw_spot *s, struct rw_slice *out);
/* Guards a spot whose text is whole. RW_EPERM: a finding blocks. */
int rw_rewrite_text(struct rw_rewrite *w, struct rw_spot *s);
/* Notes that text is replaced by fresh[start, its end). */
void rw_rewrite_set(struct rw_rewrite *w, struct rw_spot *s, struct rw_slice text, size_t start);
/*
 * All texts are guarded. Marks the logprobs of choices whose texts are touched: they
 * repeat the text by token and become null. True: something is changed.
 */
bool rw_rewrite_settle(struct rw_rewrite *w);
/* Adds the JSON: changed spots anew, every other byte as it came. */
int rw_rewrite_write(struct rw_rewrite *w, struct rw_buf *out);
void rw_rewrite_free(struct rw_rewrite *w);

#endif
