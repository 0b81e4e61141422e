/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in rules, loaded once, for the targets that guard answers. */
#ifndef RW_TESTS_FUZZ_LLM_GUARDED_H
#define RW_TESTS_FUZZ_LLM_GUARDED_H

#include "llm/openai.h"

static struct rw_rules *rules;
static struct rw_scanner *scanner;
static const struct rw_guard guard = {
	.action = {[RW_CAT_PII] = RW_ACT_MASK, [RW_CAT_SECRET] = RW_ACT_MASK}};

static void load_rules(void)
{
	struct rw_error e = {0};

	if (rules)
		return;
	if (rw_rules_load(&rules, NULL, &e) || rw_scanner_new(&scanner, rules, &e)) {
		fprintf(stderr, "%s\n", e.text);
		abort();
	}
}

#endif
