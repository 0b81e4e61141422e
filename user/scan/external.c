/* SPDX-License-Identifier: Apache-2.0 */
/* Findings that a detector elsewhere made, among our own. */
#include <string.h>

#include "scan/match.h"

/* Whose type every type is that no rule has. */
static const char unknown[] = "ENTITY";

static int of_type(const struct rw_rules *r, struct rw_slice type, bool external)
{
	for (unsigned i = 0; i < r->set.n; i++) {
		const struct rw_rule *rule = &r->set.rules[i];

		if ((rule->by == RW_BY_DETECTOR || !external) && rw_slice_is(type, rule->info.type))
			return (int)i;
	}
	return -1;
}

/* "external.date_time" for DATE_TIME: an operator who took that rule out wants none of the type. */
static bool is_disabled(const struct rw_rules *r, struct rw_slice type)
{
	static const char prefix[] = "external.";

	for (unsigned i = 0; i < r->set.n_disabled; i++) {
		const char *id = r->set.disabled[i].id;

		if (strncmp(id, prefix, sizeof(prefix) - 1) == 0 &&
		    strlen(id) == sizeof(prefix) - 1 + type.n &&
		    strncasecmp(id + sizeof(prefix) - 1, type.p, type.n) == 0)
			return true;
	}
	return false;
}

int rw_rules_external(const struct rw_rules *r, struct rw_slice type)
{
	int rule = of_type(r, type, true);

	if (rule < 0 && is_disabled(r, type))
		return -1;
	if (rule < 0)
		rule = of_type(r, type, false);
	return rule < 0 ? of_type(r, rw_slice_str(unknown), true) : rule;
}

void rw_findings_join(struct rw_findings *f, const struct rw_rules *r, struct rw_finding more)
{
	enum rw_category category = rw_rule_of(r, more.rule)->info.category;
	unsigned i = 0;

	while (i < f->n) {
		struct rw_finding *at = &f->at[i];

		if (rw_rule_of(r, at->rule)->info.category != category || at->start >= more.end ||
		    at->end <= more.start) {
			i++;
			continue;
		}
		more.start = at->start < more.start ? at->start : more.start;
		more.end = at->end > more.end ? at->end : more.end;
		more.score = at->score > more.score ? at->score : more.score;
		more.rule = rw_rule_stronger(r, more.rule, at->rule);
		*at = f->at[--f->n];
		i = 0; /* it is wider now, and may meet one that was passed */
	}
	rw_findings_add(f, r, more);
	rw_findings_sort(f, 0);
}
