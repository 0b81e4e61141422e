/* SPDX-License-Identifier: Apache-2.0 */
/* Whole answers. */
#include "llm/rewrite.h"

int rw_answer_guard(struct rw_scanner *s, struct rw_rules *r, const struct rw_guard *g,
		    struct rw_slice body, struct rw_buf *out, struct rw_tally *tally,
		    struct rw_usage *usage, struct rw_error *e)
{
	struct rw_rewrite w = {.guard = {.s = s, .r = r, .g = g}};
	int rc = rw_rewrite_read(&w, body, false, e);

	if (!rc)
		*usage = w.chunk.usage;
	for (unsigned i = 0; i < w.chunk.n && !rc; i++)
		if (w.chunk.spots[i].kind == RW_SPOT_TEXT)
			rc = rw_rewrite_text(&w, &w.chunk.spots[i]);
	if (rc == RW_EPERM)
		rw_fail(e, rc, "the answer was withheld: a rule blocks what it says");
	else if (rc == RW_EIO)
		rw_fail(e, rc, "the answer could not be scanned");
	rw_llm_tally_merge(tally, &w.guard.ended);
	if (!rc) {
		rw_rewrite_settle(&w);
		rc = rw_rewrite_write(&w, out);
	}
	rw_rewrite_free(&w);
	return rc;
}
