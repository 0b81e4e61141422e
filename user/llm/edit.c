/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies with some of their strings changed. */
#include "llm/openai.h"
#include "llm/text.h"

int rw_edit_apply(struct rw_slice body, const struct rw_edit *edits, unsigned n, struct rw_buf *out)
{
	size_t at = 0;
	int rc = rw_buf_reserve(out, body.n);

	for (unsigned i = 0; i < n && !rc; i++) {
		RW_BUG_ON(edits[i].raw_start < at || edits[i].raw_end < edits[i].raw_start ||
			  edits[i].raw_end > body.n);
		rc = rw_buf_add(out, body.p + at, edits[i].raw_start - at);
		if (!rc)
			rc = rw_text_write(out, edits[i].text);
		at = edits[i].raw_end;
	}
	return rc ? rc : rw_buf_add(out, body.p + at, body.n - at);
}
