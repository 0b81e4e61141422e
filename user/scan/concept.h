/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Concepts: words and phrases of many languages that mean one thing ("ignore", "the instructions
 * before"), found in a folded view by one pass of a literal matcher. What stands behind what, and
 * how near, are the features of the model that sees injected instructions (model.h).
 *
 * struct rw_concepts is immutable after loading and shared by all threads.
 */
#ifndef RW_SCAN_CONCEPT_H
#define RW_SCAN_CONCEPT_H

#include <hs/hs.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "scan/view.h"

enum {
	RW_CONCEPTS_MAX = 128,
	RW_CONCEPT_WORDS_MAX = 8192,
	RW_CONCEPT_HITS_MAX = 4096,  /* in one view; the words behind are not looked at */
	RW_CONCEPT_FOUND_MAX = 8192, /* words in one view, of which hits are made */
	RW_CONCEPT_PAIR_GAP = 90,    /* bytes between two that belong together */
	RW_CONCEPT_TRIPLE_GAP = 150,
	RW_CONCEPT_BACK = 8,	/* hits that are looked back over */
	RW_CONCEPT_APART = 160, /* a feature counts again so many bytes later */
	/* What one hit may end: itself, a pair with each before it, a triple with each two. */
	RW_CONCEPT_FEATURES = 1 + RW_CONCEPT_BACK + RW_CONCEPT_BACK * (RW_CONCEPT_BACK - 1) / 2,
};

struct rw_concept {
	const char *id;
	uint32_t key; /* of its name: features are told apart by it, wherever it stands */
	bool seen;    /* while its cases run */
};

struct rw_concept_hit {
	uint32_t start, end; /* in the view */
	uint16_t concept;
};

/* A word and where it ends. */
struct rw_concept_found {
	uint32_t end, word;
};

struct rw_concepts;

/* Reads the pack in the binary, compiles it and runs its cases. */
int rw_concepts_load(struct rw_concepts **out, struct rw_error *e);
void rw_concepts_free(struct rw_concepts *c);
const hs_database_t *rw_concepts_db(const struct rw_concepts *c);
unsigned rw_concepts_count(const struct rw_concepts *c);
const char *rw_concepts_id(const struct rw_concepts *c, unsigned concept);

/*
 * The concepts in the view, by their ends; words of one that overlap are one. The number of them,
 * or RW_EIO where the matcher failed.
 */
int rw_concepts_find(const struct rw_concepts *c, hs_scratch_t *scratch, const struct rw_view *v,
		     struct rw_concept_found found[RW_CONCEPT_FOUND_MAX],
		     struct rw_concept_hit hits[RW_CONCEPT_HITS_MAX]);

/* Which features are wanted at all, by two concepts: the pair, and triples that end with it. */
struct rw_concept_wanted {
	uint8_t pair[RW_CONCEPTS_MAX][RW_CONCEPTS_MAX]; /* RW_WANTED_* */
};
enum { RW_WANTED_PAIR = 1, RW_WANTED_TRIPLE = 2 };

/* The features of a pair and a triple of concepts. */
uint32_t rw_concepts_pair(const struct rw_concepts *c, unsigned a, unsigned b);
uint32_t rw_concepts_triple(const struct rw_concepts *c, unsigned first, uint32_t pair);

/*
 * The features that end with hits[i]: it alone, and behind those before it. How many. wanted
 * (NULL: all) leaves out what nobody waits for, but for some triples.
 */
unsigned rw_concepts_features(const struct rw_concepts *c, const struct rw_concept_wanted *wanted,
			      const struct rw_concept_hit *hits, unsigned i,
			      uint32_t out[RW_CONCEPT_FEATURES]);

#endif
