/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/mask.h"

int rw_masker_copy(struct rw_masker *m, struct rw_slice text, size_t to, struct rw_buf *out)
{
	int rc;

	if (to <= m->done)
		return 0;
	rc = rw_buf_add(out, text.p + m->done, to - m->done);
	if (!rc)
		m->done = to;
	return rc;
}

int rw_masker_put(struct rw_masker *m, struct rw_slice text, const struct rw_finding *f,
		  struct rw_buf *out)
{
	int rc = 0;

	if (f->start >= m->done) {
		rc = rw_masker_copy(m, text, f->start, out);
		if (!rc)
			rc = rw_buf_add(out, "[", 1);
		if (!rc)
			rc = rw_buf_add_str(out, rw_rule_of(m->r, f->rule)->info.type);
		if (!rc)
			rc = rw_buf_add(out, "]", 1);
	}
	if (f->end > m->done)
		m->done = f->end;
	return rc;
}
