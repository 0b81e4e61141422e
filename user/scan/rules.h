/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled rule set. Immutable after loading, shared by all threads.
 *
 * Each pattern is compiled twice. Hyperscan tells in one pass which patterns end
 * where: a prefilter that may say too much, never too little. PCRE2 then finds the exact
 * span in a window of bounded size. Entities (PII, secrets) and injection have a
 * database each: they read different views of a text.
 */
#ifndef RW_SCAN_RULES_H
#define RW_SCAN_RULES_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <hs/hs.h>
#include <pcre2.h>

#include "scan/model.h"
#include "scan/pack.h"
#include "scan/scan.h"
#include "scan/seg.h"

enum {
	/* Bytes in front of a run that context words and key names are looked for in. */
	RW_CONTEXT_BYTES = 96,
	/* No injection pattern matches more of the folded view than this. */
	RW_INJECTION_WIDTH = 640,
};

enum rw_db { RW_DB_ENTITY, RW_DB_INJECTION, RW_DB_COUNT };

/*
 * A pattern. Group 1, where there is one, is the value and what stands before it
 * its context; else the whole match is the value.
 */
struct rw_pat {
	pcre2_code *code;
	uint16_t rule;
	bool has_group;
};

struct rw_rules {
	_Atomic unsigned refs;
	struct rw_ruleset set;
	struct rw_pat *pats; /* those of RW_DB_ENTITY, then those of RW_DB_INJECTION */
	unsigned n_pats;
	unsigned first[RW_DB_COUNT + 1]; /* where each database's patterns start in pats */
	hs_database_t *db[RW_DB_COUNT];	 /* NULL: it has no pattern */
	int pem_rule, model_rule;	 /* index, or -1 */
	struct rw_concepts *concepts;
	struct rw_model *model;
	char digest[65];
};

static inline const struct rw_rule *rw_rule_of(const struct rw_rules *r, unsigned rule)
{
	return &r->set.rules[rule];
}

/* Of two rules that claim the same bytes: the severer, else the earlier. */
uint16_t rw_rule_stronger(const struct rw_rules *r, uint16_t a, uint16_t b);

/* Compiles r->set; *e names pack, line and rule. */
int rw_rules_compile(struct rw_rules *r, struct rw_error *e);
/* Runs every rule's own cases, whole, byte by byte and shifted. */
int rw_rules_check(struct rw_rules *r, struct rw_error *e);

#endif
