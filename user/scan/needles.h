/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns to needles, which are what is looked for in a text: the rarest words that each pattern
 * cannot do without, every word once however many patterns wait for it; or a pattern itself,
 * made cheap for Hyperscan, where it has no such words.
 */
#ifndef RW_SCAN_NEEDLES_H
#define RW_SCAN_NEEDLES_H

#include "scan/rules.h"

/*
 * The needles of one database while they are gathered, then what hs_compile_multi and
 * rw_lexicon_new take. Of its texts the words alone outlive it, in the rule set's arena: patterns
 * taken apart are many times as large as what is found in them.
 */
struct rw_sack {
	struct rw_rules *r;
	struct rw_arena scratch;
	struct rw_waiting *waiting; /* words and patterns, and the piece that waits for each */
	unsigned n_waiting, cap;
	const char **sources;
	unsigned *flags, *ids, *pats;
	unsigned n;
	struct rw_lexicon_entry *words;
	unsigned n_words;
};

void rw_sack_free(struct rw_sack *s);
/* Adds the pieces of pattern pat, read from p as source. words: cut it into words. RW_OK or
 * RW_ENOMEM. */
int rw_sack_add(struct rw_sack *s, unsigned pat, const struct rw_pack_str *p, const char *source,
		bool words);
/* Makes the needles and what their finders get. RW_OK or RW_ENOMEM. */
int rw_sack_close(struct rw_sack *s);

#endif
