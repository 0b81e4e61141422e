/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a rule pack: read or refused with a sentence, and what was read has what a rule must
 * have. */
#include "scan/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rw_ruleset set;
	struct rw_error e = {.text = ""};

	rw_ruleset_init(&set);
	if (rw_pack_read(&set, "fuzz.yaml", rw_slice_of((const char *)data, size), &e))
		RW_BUG_ON(!e.text[0]);
	for (unsigned i = 0; i < set.n; i++) {
		const struct rw_rule *r = &set.rules[i];

		RW_BUG_ON(!r->info.id || !r->info.type || !r->info.severity);
		RW_BUG_ON(r->by != RW_BY_DETECTOR && (!r->match.n || !r->no_match.n));
		RW_BUG_ON((r->by == RW_BY_PATTERNS) != (r->patterns.n != 0));
		for (unsigned k = 0; k < i; k++)
			RW_BUG_ON(!strcmp(r->info.id, set.rules[k].info.id));
	}
	rw_ruleset_free(&set);
	return 0;
}
