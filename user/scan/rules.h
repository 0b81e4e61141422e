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
#include "scan/lexicon.h"
#include "scan/shape.h"

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
	unsigned line;
	uint32_t width; /* bytes of the longest match */
	uint32_t lead; /* of injection: bytes from a match's start to where the prefilter sees it */
	uint16_t rule;
	/* What the prefilter waits for stands in front of the value, in the same window: the value
	 * has the shape led[led - 1]. 0: it is a part of the run. */
	uint16_t led;
	bool has_group;
};

/*
 * What the prefilter waits for: a word of a set, or a whole pattern. The pieces of one pattern
 * stand side by side; all must come, in order, each starting (words) or ending (patterns) at
 * most reach bytes behind the one before.
 */
struct rw_piece {
	uint16_t pat;
	bool first, last;
	uint32_t reach;
};

enum { RW_REACH_FAR = 1 << 19 }; /* farther than any text that the prefilter gets at once */

/* What is looked for, and the pieces that wait for it: [links, links + n_links) of the links. */
struct rw_needle {
	uint32_t links, n_links;
	uint16_t n; /* bytes of a word that ends where words end; else 0 */
};

struct rw_rules {
	_Atomic unsigned refs;
	struct rw_ruleset set;
	struct rw_pat *pats; /* those of RW_DB_ENTITY, then those of RW_DB_INJECTION */
	unsigned n_pats;
	struct rw_piece *pieces;
	struct rw_needle *needles;
	uint32_t *links;
	unsigned n_pieces, n_needles, n_links;
	/* Of the entities that Hyperscan does not look for, by the digits that they need. */
	struct rw_shapes shapes;
	struct rw_shape *led; /* of the values that words in front of them tell */
	unsigned n_led;
	hs_database_t *db[RW_DB_COUNT]; /* NULL: it has no pattern */
	/* Words of the view: needles, then from first_concept on what the model looks for. */
	struct rw_lexicon *lexicon;
	uint32_t first_concept;
	bool topics;		    /* there is a rule of that category */
	int found_by[RW_FOUND_BYS]; /* the one rule of a finder of our own, or -1 */
	struct rw_concepts *concepts;
	struct rw_model *model;
	int leak_rule; /* index: the system prompt's, then the canaries' */
	char digest[65];
	const struct rw_rules_from *from; /* while it is made */
	const char *at_pack;		  /* while it is made: which pack is looked at, or NULL */
	char **skipped;			  /* why packs were left out */
	unsigned n_skipped;
};

/* Whether rules of a category read the folded view and not the bytes of a text. */
static inline bool rw_reads_view(enum rw_category c)
{
	return c == RW_CAT_INJECTION || c == RW_CAT_TOPIC;
}

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
