/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule packs: YAML in, rules out. Nothing here compiles a pattern; see rules.h.
 * The schema is docs/rules.md.
 */
#ifndef RW_SCAN_PACK_H
#define RW_SCAN_PACK_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "scan/scan.h"

enum {
	RW_PACK_BYTES_MAX = 1 << 20, /* one file */
	RW_RULES_MAX = 4096,
	RW_RULE_PATTERNS_MAX = 64,
};

/* A string of a pack and the line that it stands on (from 1). */
struct rw_pack_str {
	const char *text;
	unsigned line;
	/* Of a pattern that asks for a name: the names and the value, as patterns; else NULL. */
	const char *names, *value;
};

struct rw_pack_list {
	struct rw_pack_str *at;
	unsigned n;
};

struct rw_validator;

/* What finds a rule's values: where it is no pattern, the rule says so as its validator. */
enum rw_found_by {
	RW_BY_PATTERNS,
	RW_BY_PEM, /* this and the next: the segmenter (seg.h) */
	RW_BY_STREET,
	RW_BY_MODEL,	/* model.h */
	RW_BY_DETECTOR, /* elsewhere: nothing here to test */
	RW_FOUND_BYS
};

/*
 * One rule as written. Strings live in the rule set's arena.
 * match and no_match are never both empty: a rule that nothing tests does not load.
 */
struct rw_rule {
	struct rw_rule_info info;
	const char *pack;
	unsigned line;
	struct rw_pack_list patterns;
	struct rw_pack_list context;	    /* lower case; empty: none needed */
	struct rw_pack_list words, domains; /* made into patterns, too */
	struct rw_pack_list assigned_to;    /* names; the patterns have been made to ask for one */
	struct rw_pack_list match, no_match;
	const struct rw_validator *validator; /* or NULL */
	unsigned entropy_centibits;	      /* least Shannon entropy per character, 0: any */
	enum rw_found_by by;
	const char *replaces; /* the pack whose rule of that id it stands for, or NULL */
};

/* A rule that a later pack took out. */
struct rw_rule_disabled {
	const char *id, *pack, *by;
};

/* Every rule of the packs read so far, in order; ids are unique. */
struct rw_ruleset {
	struct rw_arena arena;
	struct rw_rule *rules;
	unsigned n, cap;
	struct rw_rule_disabled *disabled;
	unsigned n_disabled;
};

void rw_ruleset_init(struct rw_ruleset *set);
void rw_ruleset_free(struct rw_ruleset *set);

/*
 * Reads one pack into the set. A rule whose id is there already replaces it;
 * ids under "disable" are taken out. RW_EINVAL with pack, line and rule id in *e: the
 * set may then hold a part of the pack and is only good to be freed.
 */
int rw_pack_read(struct rw_ruleset *set, const char *pack, struct rw_slice yaml,
		 struct rw_error *e);

/* A rule of a loaded set, as written. */
const struct rw_rule *rw_rules_rule(const struct rw_rules *r, unsigned rule);
/* The i-th rule of it that was taken out; NULL past the last. */
const struct rw_rule_disabled *rw_rules_disabled(const struct rw_rules *r, unsigned i);

/* One more, whose id is not there yet. */
int rw_ruleset_add(struct rw_ruleset *set, const struct rw_rule *rule, struct rw_error *e);

/* The n-th pack that is part of the binary; false past the last. */
bool rw_pack_builtin(unsigned n, const char **name, struct rw_slice *yaml);

#endif
