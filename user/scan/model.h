/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model that sees injected instructions in free text: linear ones over hashed words
 * (ngram.h), over concepts (concept.h) and, where these come near a line, over sequences of
 * characters, averaged, over windows of two sizes (windows.h). Their weights come from
 * scripts/train; what the file holds is in docs/internals/scan.md.
 *
 * Immutable after loading, shared by all threads; struct rw_model_scratch is one thread's.
 */
#ifndef RW_SCAN_MODEL_H
#define RW_SCAN_MODEL_H

#include "scan/ngram.h"
#include "scan/windows.h"

enum {
	RW_MODEL_FEATURES_MAX = 10240, /* of concepts; scripts/train/model.py has it, too */
	RW_MODEL_STRETCH_BYTES = 16,   /* windows begin and end at multiples of it */
	RW_MODEL_STRETCHES = RW_VIEW_TEXT_BYTES / RW_MODEL_STRETCH_BYTES + 1,
	RW_MODEL_WINDOWS_MAX = 512,
	RW_MODEL_CONTRIBUTIONS_MAX = 8192, /* in one view; later ones are not counted */
};

/* A concept's place in the view, and the sum of the weights up to it. */
struct rw_model_sum {
	uint16_t at;
	int32_t sum;
};

/* What in a view asks for a disguise to be undone. */
struct rw_hints {
	struct rw_word_hints words;
	struct rw_turned turned;
};

struct rw_model_scratch {
	struct rw_words words;
	/* The weights of so many words from the first on. */
	int32_t sums[RW_WORDS_MAX + RW_WORDS_SLACK];
	struct rw_concept_seen seen; /* the caller's to fill, before rw_model_end */
	struct rw_concept_hit hits[RW_CONCEPT_HITS_MAX];
	struct rw_model_sum concepts[RW_MODEL_CONTRIBUTIONS_MAX];
	unsigned n_concepts, n_hits;
	uint32_t counted[RW_MODEL_FEATURES_MAX]; /* per feature: number of the view, and where */
	uint32_t views;
	/* Where concepts are weighed, and where they are looked for: the lexicon's cells. */
	uint64_t weighed[RW_LEXICON_CELL_WORDS], sought[RW_LEXICON_CELL_WORDS];
	struct rw_model_window {
		uint16_t scale, index;
		double z;
	} windows[RW_MODEL_WINDOWS_MAX]; /* in which they are */
	unsigned n_windows;
	/* What sequences of characters weigh that begin in a stretch, where somebody asked. */
	int32_t chars[RW_MODEL_STRETCHES];
	uint64_t chars_known[RW_MODEL_STRETCHES / 64 + 1];
	struct rw_hints hints; /* of the last view */
};

/* The window of a view that looks most like an injection. */
struct rw_model_best {
	double z;		 /* log-odds */
	uint32_t start, end;	 /* in the view */
	int32_t words, concepts; /* what each part gave it: sums of weights */
	int32_t chars;		 /* 0 where they were not asked */
	unsigned n_words;
};

struct rw_model;

/* Reads the weights in the binary. */
int rw_model_load(struct rw_model **out, const struct rw_concepts *c, struct rw_error *e);
void rw_model_free(struct rw_model *m);

/*
 * Looks at the view's words; best is of these alone. True: windows come near enough for concepts to
 * matter, so s->seen must have those where s->sought says before rw_model_end. Most texts are done
 * here.
 */
bool rw_model_begin(const struct rw_model *m, const struct rw_view *v, struct rw_model_scratch *s,
		    struct rw_model_best *best);
/* Then at what was seen: concepts, and words that are turned about. */
void rw_model_end(const struct rw_model *m, const struct rw_concepts *c, const struct rw_view *v,
		  struct rw_model_scratch *s, struct rw_model_best *best);

/* The concept features that gave most to the window, strongest first; how many. After
 * rw_model_end. */
unsigned rw_model_explain(const struct rw_model *m, const struct rw_concepts *c,
			  const struct rw_model_scratch *s, const struct rw_model_best *best,
			  struct rw_concept_parts out[], unsigned most);

/* Log-odds as a score from 0 to 10000: hundredths of a per cent. */
unsigned rw_model_score(double z);

#endif
