/* SPDX-License-Identifier: Apache-2.0 */
/* Time: what a lane decides when nothing comes any more. */
#include "scan/lane_int.h"

enum { LATE_MAX = 16 }; /* values in one run that time can decide */

struct late {
	struct rw_finding at[LATE_MAX];
	unsigned n;
};

static int late_found(void *arg, const struct rw_finding *f, bool open)
{
	struct late *late = arg;

	(void)open;
	if (late->n == LATE_MAX)
		return RW_ELIMIT;
	late->at[late->n++] = *f;
	return 0;
}

static int late_closed(void *arg, size_t end)
{
	(void)arg;
	(void)end;
	return 0;
}

/* The values in the open run, as if it ended here. Groups of numbers are let go on: a value's rest
   would stand behind a space. */
static int look_late(struct rw_lane *l, struct late *late)
{
	const struct rw_sink sink = {late_found, late_closed, late};
	struct rw_slice text = rw_slice_of(l->text.p, l->shown);
	struct rw_seg seg = l->seg;
	int rc;

	if (seg.mode != RW_SEG_RUN || seg.pos != text.n ||
	    memchr(text.p + seg.run, ' ', text.n - seg.run))
		return RW_OK;
	rc = rw_entities(l->s, l->r, &seg, text, true, l->categories, &sink);
	if (rc == RW_ELIMIT)
		late->n = 0;
	return rc == RW_ELIMIT ? RW_OK : rc;
}

/* The run goes on behind the last value; what follows that without a gap is part of it. */
static int decide_late(struct rw_lane *l, const struct late *late)
{
	size_t end = 0;
	bool masked = false;
	int rc = RW_OK;

	for (unsigned i = 0; i < late->n && !rc; i++) {
		rc = rw_lane_found(l, &late->at[i], false);
		if (late->at[i].end >= end)
			masked = rw_action_of(&l->guard, l->r, &late->at[i]) == RW_ACT_MASK;
		end = late->at[i].end > end ? late->at[i].end : end;
	}
	if (rc)
		return rc;
	l->dropping = masked && end == l->shown && l->shown == l->text.len;
	rw_seg_step(&l->seg, end, false);
	rc = rw_masker_copy(&l->mask, rw_buf_slice(&l->text), end, l->out);
	if (!rc)
		rw_lane_forget(l, end);
	return rc;
}

int rw_lane_late(struct rw_lane *l, struct rw_buf *out)
{
	struct late late = {.n = 0};

	if (l->failed || !(l->categories & RW_ENTITIES))
		return l->failed;
	l->out = out;
	l->failed = look_late(l, &late);
	if (!l->failed && late.n)
		l->failed = decide_late(l, &late);
	l->out = NULL;
	return l->failed;
}
