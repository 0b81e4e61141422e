/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule says in other words than patterns, made into patterns. */
#ifndef RW_SCAN_RULE_PATTERNS_H
#define RW_SCAN_RULE_PATTERNS_H

#include "base/arena.h"
#include "base/err.h"

struct rw_rule;

/*
 * Where there are names under assigned_to, each of the rule's patterns, which tell a value alone,
 * is made one that asks for a name in front of it (names and value of rw_pack_str); each word and
 * each domain becomes one more behind them. What is made lives in the arena. RW_EINVAL: one of
 * these cannot be made a pattern; the text says which, not where. Or RW_ENOMEM.
 */
int rw_rule_make_patterns(struct rw_arena *arena, struct rw_rule *rule, struct rw_error *e);

#endif
