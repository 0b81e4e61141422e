/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON inside a JSON string: a tool call's arguments, which must stay JSON when parts
 * of them are masked.
 *
 * A label is put over bytes of text by those who know nothing of its grammar. Inside a string it
 * does no harm, unless the bytes began in an escape sequence ("\njane@..." is
 * also a backslash and "njane@..."); in place of a number it is no value. So the text is
 * followed as it passes, in any pieces, and where it was masked an escape is made whole and a
 * label that stands alone is put in quotes. A label is never cut by pieces: lanes
 * write it in one go.
 */
#ifndef RW_LLM_INNER_H
#define RW_LLM_INNER_H

#include <stdbool.h>

#include "base/buf.h"

/* Zeroed is ready, at the beginning of the text. */
struct rw_inner {
	enum { RW_INNER_VALUE, RW_INNER_STRING, RW_INNER_ESCAPE, RW_INNER_HEX } state;
	unsigned hex_left;
};

/* masked: there are labels in the text; else it is only followed, and passes as it is. */
int rw_inner_write(struct rw_inner *in, struct rw_slice text, bool masked, struct rw_buf *out);

#endif
