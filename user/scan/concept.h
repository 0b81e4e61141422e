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
#include "scan/ngram.h"
#include "scan/view.h"

enum {
	RW_CONCEPTS_MAX = 128,
	RW_CONCEPT_WORDS_MAX = 8192,
	RW_CONCEPT_HITS_MAX = 4096,    /* in one view; the words behind are not looked at */
	RW_CONCEPT_WAITING_MAX = 8192, /* short words and signs in one view */
	RW_CONCEPT_PAIR_GAP = 90,      /* bytes between two that belong together */
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

/* Short words and signs of a view, by start, until the longer words are found. */
struct rw_concept_waiting {
	struct {
		uint16_t start, word;
	} at[RW_CONCEPT_WAITING_MAX];
	unsigned n;
};

struct rw_concepts;

/* Reads the pack in the binary, compiles it and runs its cases. */
int rw_concepts_load(struct rw_concepts **out, struct rw_error *e);
void rw_concepts_free(struct rw_concepts *c);
const hs_database_t *rw_concepts_db(const struct rw_concepts *c);
unsigned rw_concepts_count(const struct rw_concepts *c);
const char *rw_concepts_id(const struct rw_concepts *c, unsigned concept);

/* Words of attacks that stand in a view rotated (by how much; 0: none) or backwards. */
struct rw_turned {
	unsigned rotated;
	bool reversed;
};

/* Notes a word of the view where it is a short one of a concept. Every word, before
 * rw_concepts_find. */
void rw_concepts_short(const struct rw_concepts *c, const struct rw_view *v,
		       const struct rw_word *word, struct rw_concept_waiting *w);

/*
 * The concepts in the view, by their starts; words of one that overlap are one. The number of them,
 * or RW_EIO where the matcher failed.
 */
int rw_concepts_find(const struct rw_concepts *c, hs_scratch_t *scratch, const struct rw_view *v,
		     struct rw_concept_waiting *waiting,
		     struct rw_concept_hit hits[RW_CONCEPT_HITS_MAX], struct rw_turned *turned);

/* The concepts of a feature in their order, and how many. */
struct rw_concept_parts {
	uint8_t n, concept[3];
};

/*
 * The features that end with hits[i]: it alone, and behind those before it. How many. parts (may be
 * NULL): what each is made of.
 */
unsigned rw_concepts_features(const struct rw_concepts *c, const struct rw_concept_hit *hits,
			      unsigned i, uint32_t out[RW_CONCEPT_FEATURES],
			      struct rw_concept_parts parts[RW_CONCEPT_FEATURES]);

#endif
