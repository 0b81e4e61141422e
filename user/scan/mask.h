/* SPDX-License-Identifier: Apache-2.0 */
/* What a whole text and a lane share when they mask: one way to write what stands over findings. */
#ifndef RW_SCAN_MASK_H
#define RW_SCAN_MASK_H

#include "base/buf.h"
#include "scan/match.h"
#include "scan/spell.h"

static inline enum rw_action rw_action_of(const struct rw_guard *g, const struct rw_rules *r,
					  const struct rw_finding *f)
{
	const struct rw_rule_info *info = &rw_rule_of(r, f->rule)->info;
	unsigned least = g->threshold[info->category];

	if (!least && info->category == RW_CAT_INJECTION)
		least = RW_INJECTION_BALANCED;
	if ((f->score ? f->score : info->severity) < least)
		return RW_ACT_ALLOW;
	if (f->rule == r->found_by[RW_BY_MODEL] &&
	    f->score < (g->alone ? g->alone : RW_ALONE_BALANCED) &&
	    g->action[info->category] > RW_ACT_FLAG)
		return RW_ACT_FLAG; /* no rule says so, too */
	return g->action[info->category];
}

/* Whether a rule that has no patterns, or none (-1), is looked for. */
static inline bool rw_wants_rule(const struct rw_scanner *s, const struct rw_rules *r, int rule,
				 unsigned categories)
{
	return rule >= 0 && (s->only < 0 || s->only == rule) &&
	       categories & 1u << rw_rule_of(r, (unsigned)rule)->info.category;
}

/* What the segmenter is to find by itself. */
static inline unsigned rw_seg_finds(const struct rw_scanner *s, const struct rw_rules *r,
				    unsigned categories)
{
	return (rw_wants_rule(s, r, r->found_by[RW_BY_PEM], categories) ? RW_SEG_FINDS_PEM : 0u) |
	       (rw_wants_rule(s, r, r->found_by[RW_BY_STREET], categories) ? RW_SEG_FINDS_STREETS
									   : 0u);
}

/* Writes a text with something else in place of findings: done is how much of it is written. */
struct rw_masker {
	const struct rw_rules *r;
	const struct rw_guard *g;
	const struct rw_writer *w;  /* NULL: straight to out */
	const struct rw_spells *sp; /* what of the text is spelled another way; or NULL */
	struct rw_buf *label;	    /* scratch; wiped by its owner. Needed where w is */
	size_t done;
};

/* Writes the text up to the finding and what it becomes. Findings come by start; the first of
   several that overlap gives the label. */
int rw_masker_put(struct rw_masker *m, struct rw_slice text, const struct rw_finding *f,
		  struct rw_buf *out);
/* Writes the text up to to as it is, where it is not written yet. */
int rw_masker_copy(struct rw_masker *m, struct rw_slice text, size_t to, struct rw_buf *out);

/* Counts one finding. */
void rw_tally_rule(struct rw_tally *t, uint16_t rule, enum rw_action action);
/* And where it is. */
void rw_tally_place(struct rw_tally *t, const struct rw_guard *g, const struct rw_finding *f,
		    enum rw_action action);

#endif
