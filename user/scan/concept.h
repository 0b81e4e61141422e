/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Concepts: words and phrases of many languages that mean one thing ("ignore", "the instructions
 * before"), found in a folded view where the lexicon (lexicon.h) finds them. What stands behind
 * what, and how near, are the features of the model that sees injected instructions (model.h).
 *
 * struct rw_concepts is immutable after loading and shared by all threads.
 */
#ifndef RW_SCAN_CONCEPT_H
#define RW_SCAN_CONCEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "scan/lexicon.h"
#include "scan/view.h"

enum {
	RW_CONCEPTS_MAX = 128,
	RW_CONCEPT_WORDS_MAX = 32768,
	RW_CONCEPT_WORD_BYTES = 96,   /* of a word, at most */
	RW_CONCEPT_HITS_MAX = 4096,   /* in one view; the words behind are not looked at */
	RW_CONCEPT_WORDS_SEEN = 8192, /* the same, before overlaps are joined */
	RW_CONCEPT_PAIR_GAP = 90,     /* bytes between two that belong together */
	RW_CONCEPT_TRIPLE_GAP = 150,
	RW_CONCEPT_BACK = 8,	/* hits that are looked back over */
	RW_CONCEPT_APART = 160, /* a feature counts again so many bytes later */
	/* In front of one, where another of a feature may start. */
	RW_CONCEPT_REACH = RW_CONCEPT_TRIPLE_GAP + RW_CONCEPT_WORD_BYTES,
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

enum { RW_CONCEPT_TURNS = 32 };

struct rw_turned_seen {
	uint16_t hits, last; /* last: where the latest stands */
};

/* What stands in one view, as the lexicon tells it: words of concepts, by their starts; and words
 * that betray a text turned about, by how. */
struct rw_concept_seen {
	struct {
		uint16_t start, word;
	} at[RW_CONCEPT_WORDS_SEEN];
	unsigned n;
	struct rw_turned_seen turns[RW_CONCEPT_TURNS];
};

struct rw_concepts;

/* Reads the pack in the binary and runs its cases. */
int rw_concepts_load(struct rw_concepts **out, struct rw_error *e);
void rw_concepts_free(struct rw_concepts *c);
unsigned rw_concepts_count(const struct rw_concepts *c);
const char *rw_concepts_id(const struct rw_concepts *c, unsigned concept);

/* What the lexicon is to find: so many entries, whose ids are from first on. out NULL: only their
 * number. */
unsigned rw_concepts_entries(const struct rw_concepts *c, uint32_t first,
			     struct rw_lexicon_entry *out);
/* A lexicon of these alone, from 0 on; it lives no longer than the concepts. NULL: no memory. */
struct rw_lexicon *rw_concepts_lexicon(const struct rw_concepts *c);

void rw_concepts_begin(struct rw_concept_seen *seen);
/* The lexicon found the entry, whose id is first + id, at start of the view. */
void rw_concepts_note(const struct rw_concepts *c, const struct rw_view *v, uint32_t id,
		      size_t start, struct rw_concept_seen *seen);

/* The concepts of what was seen, by their starts; words of one that overlap are one. How many. */
unsigned rw_concepts_hits(const struct rw_concepts *c, const struct rw_concept_seen *seen,
			  struct rw_concept_hit hits[RW_CONCEPT_HITS_MAX]);

/*
 * Whether words of attacks stand in the view rotated (by how much; 0: none), backwards, with the
 * alphabet mirrored (z for a), as numbers (1 for a), spelled in the words of radio (Alfa for a), or
 * with spaces inside; pieces: something is to be put together; together:
 * words run together.
 */
struct rw_turned {
	unsigned rotated;
	bool reversed, mirrored, numbered, spelled, broken, pieces, together;
};
struct rw_turned rw_concepts_turned(const struct rw_concept_seen *seen);

/* The concepts of a feature in their order, and how many. */
struct rw_concept_parts {
	uint8_t n, concept[3];
};

/*
 * Which features somebody asks for, by the number that they have there: of one concept, of two in
 * their order, and of three that end with two, as far as any do. Numbers and rows are from 1 on; 0:
 * none. The triples of a row stand side by side, by their first concept, from first on.
 */
struct rw_concept_asked {
	uint16_t alone[RW_CONCEPTS_MAX];
	struct {
		uint16_t pair, row;
	} two[RW_CONCEPTS_MAX][RW_CONCEPTS_MAX];
	struct rw_concept_row {
		uint64_t in[RW_CONCEPTS_MAX / 64];
		uint32_t first;
	} *rows;
	uint16_t *triples;
};

/* number(arg, feature), at most 65534, or -1 where nobody asks for it, of each that there can be.
 * RW_OK or RW_ENOMEM. */
int rw_concepts_ask(const struct rw_concepts *c, int (*number)(void *arg, uint32_t feature),
		    void *arg, struct rw_concept_asked *out);
void rw_concepts_asked_free(struct rw_concept_asked *a);

/*
 * The features that end with hits[i]: it alone, and behind those before it. How many. By number of
 * those asked for; asked NULL: all, by hash. parts (may be NULL): what each is made of.
 */
unsigned rw_concepts_features(const struct rw_concepts *c, const struct rw_concept_asked *asked,
			      const struct rw_concept_hit *hits, unsigned i,
			      uint32_t out[RW_CONCEPT_FEATURES],
			      struct rw_concept_parts parts[RW_CONCEPT_FEATURES]);

#endif
