/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/mask.h"

#include "scan/redact_int.h"

int rw_masker_copy(struct rw_masker *m, struct rw_slice text, size_t to, struct rw_buf *out)
{
	int rc;

	if (to <= m->done)
		return 0;
	rc = rw_spells_write(m->sp, text, m->done, to, m->w, out);
	if (!rc)
		m->done = to;
	return rc;
}

/* What the finding becomes. */
static int put(struct rw_masker *m, struct rw_slice text, const struct rw_finding *f,
	       struct rw_buf *out)
{
	struct rw_slice value = rw_slice_of(text.p + f->start, f->end - f->start);
	int rc;

	if (!m->w)
		return rw_redact_put(m->g, m->r, f, value, out);
	rw_buf_reset(m->label);
	rc = rw_redact_put(m->g, m->r, f, value, m->label);
	return rc ? rc : m->w->put(m->w->arg, rw_buf_slice(m->label), out);
}

int rw_masker_put(struct rw_masker *m, struct rw_slice text, const struct rw_finding *f,
		  struct rw_buf *out)
{
	struct rw_finding rest = *f;
	int rc = 0;

	if (f->start >= m->done) {
		rc = rw_masker_copy(m, text, f->start, out);
		if (!rc)
			rc = put(m, text, f, out);
	} else if (f->end > m->done && rw_redactor_kind_in(m->g, f->rule) == RW_REDACT_TOKEN) {
		/* What the label before does not stand for could not come back. */
		rest.start = (uint32_t)m->done;
		rc = put(m, text, &rest, out);
	}
	if (f->end > m->done)
		m->done = f->end;
	return rc;
}
