/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events (WHATWG HTML, 9.2.6), re-assembled from any cut.
 *
 * Bytes go in as they arrive; what comes out are blocks whose raw bytes, put
 * together, are exactly what went in. A block is an event (it has data), or bytes that
 * carry none: a comment between events, which must not wait, or a block without
 * data. Lines end by LF, CR or CRLF; one byte-order mark may open the stream; several data
 * lines are joined by LF.
 *
 * A block ends with its line: after a CR at the end of the input the LF that may follow
 * is a block of its own.
 */
#ifndef RW_LLM_SSE_H
#define RW_LLM_SSE_H

#include <stdbool.h>

#include "base/buf.h"

/* Zeroed with max_bytes set is ready; rw_sse_free gives back memory. One thread. */
struct rw_sse {
	size_t max_bytes;  /* of one event up to its last line's end, with its other lines */
	struct rw_buf raw; /* of a block that began in an input before */
	struct rw_buf joined;
	const char *here;  /* where the block stands in the input, if it is whole there; or NULL */
	size_t n;	   /* bytes of the block so far */
	size_t line_start; /* of the line that is being read, in the block */
	size_t data_start, data_end; /* of the first data line's value, in the block */
	unsigned data_lines;
	bool after_cr, opened, delivered;
};

struct rw_sse_block {
	struct rw_slice raw, data; /* until the next call, and as long as the input */
	bool has_data;
	bool one_line; /* and data is a part of raw */
	bool first;    /* of the stream: may begin with a byte-order mark */
	bool late_lf;  /* the other half of the line end of the block before */
};

/*
 * Takes bytes from *in. 1: *out is the next block. 0: all bytes are taken, more are
 * needed. RW_ELIMIT: an event is larger than max_bytes. RW_ENOMEM.
 */
int rw_sse_next(struct rw_sse *s, struct rw_slice *in, struct rw_sse_block *out);
/*
 * The input has ended. 1: *out is what was not closed by an empty line; an event among it is
 * closed in raw, for readers that drop what is not. 0: nothing was left.
 */
int rw_sse_end(struct rw_sse *s, struct rw_sse_block *out);
void rw_sse_free(struct rw_sse *s);

/*
 * Adds an event with data in place of its data: other lines, prefixes and line ends as
 * they came. data has at most as many lines as the event had.
 */
int rw_sse_rewrite(struct rw_buf *out, const struct rw_sse_block *b, struct rw_slice data);

#endif
