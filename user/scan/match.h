/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread's scratch, and matching with it: units of a text in, findings out.
 */
#ifndef RW_SCAN_MATCH_H
#define RW_SCAN_MATCH_H

#include "scan/meter.h"
#include "scan/decode.h"
#include "scan/rules.h"
#include "scan/seg.h"
#include "scan/view.h"

/* The categories that are found in the folded view. */
#define RW_IN_VIEW  (1u << RW_CAT_INJECTION | 1u << RW_CAT_TOPIC)
/* The categories that are found in runs. */
#define RW_ENTITIES (1u << RW_CAT_PII | 1u << RW_CAT_SECRET | 1u << RW_CAT_MARKUP)

enum {
	RW_BATCH_UNITS = 64,   /* runs looked at with one call of the matcher */
	RW_BATCH_BYTES = 8192, /* and how far they may lie apart */
	/* Disjoint findings that fit a window. */
	RW_UNIT_FINDINGS = RW_STEP_BYTES / RW_MARKUP_MIN + 1,
};

/* Pattern pat may match and end in unit unit; or match in a view around places from first to last.
 */
struct rw_hit {
	uint16_t unit, pat;
	uint32_t first, last;
};

/* The findings of one unit in one category, disjoint and sorted. */
struct rw_spans {
	struct rw_finding at[RW_UNIT_FINDINGS];
	unsigned n;
};

struct rw_scanner {
	hs_scratch_t *scratch;
	pcre2_match_data *match;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	unsigned n_pats; /* what the arrays below are sized for */
	unsigned n_pieces;
	uint64_t *came;	   /* per piece: where it last came, counted from the scanner's beginning */
	uint64_t behind;   /* where what the prefilter gets now begins, so counted */
	uint64_t *marked;  /* per pattern: the last unit or block that it hit, by number */
	uint64_t numbered; /* units and blocks so far */
	struct rw_hit *hits; /* RW_BATCH_UNITS * n_pats: never overflows */
	unsigned n_hits;
	struct rw_shape_seen seen[RW_BATCH_UNITS];
	uint64_t *led; /* per pattern: the units of the batch that its words stand in front of, by
			  bit */
	uint16_t *led_pats; /* those of which there are any */
	unsigned n_led_pats;
	struct rw_spans spans[RW_CAT_COUNT]; /* of the unit at hand, by category */
	struct rw_spans fresh, merged;
	struct rw_view view;
	uint64_t looked; /* bytes of views so far: what a test counts work by */
	struct rw_model_scratch model;
	struct rw_decoded decoded[2]; /* by depth */
	char turns[RW_TURNS_MAX * (RW_TURN_BYTES + 8)];
	bool disguised; /* a view since it was cleared hinted at a disguise, but that of turns */
	struct rw_meter *meter; /* or NULL */
	int only;		/* this rule alone, or -1: for the rules' own cases */
};

/*
 * The prefilter over one text: hit is called for each pattern all of whose pieces came; at is where
 * the last of them ends or, of a word, starts: within the match, if it is one. Begin, then the
 * words in their order, as the lexicon tells them, then run, for what is Hyperscan's: 0 or RW_EIO.
 */
struct rw_probe {
	struct rw_scanner *s;
	const struct rw_rules *r;
	struct rw_slice text;
	void (*hit)(struct rw_probe *p, unsigned pat, size_t at);
};
void rw_probe_begin(struct rw_probe *p);
void rw_probe_word(struct rw_probe *p, uint32_t needle, size_t start);
int rw_probe_run(struct rw_probe *p, enum rw_db db);

/* What the units of a text lead to, in order of the text. Non-zero returns stop the scan. */
struct rw_sink {
	/* open: the finding's end is not known yet; closed tells it. */
	int (*found)(void *arg, const struct rw_finding *f, bool open);
	int (*closed)(void *arg, size_t end);
	void *arg;
};

/*
 * Takes text as far as it can be decided, from where seg stands: the entities
 * (all of the categories in the mask but injection and topics) go to the sink. After it,
 * rw_seg_decided tells how far. 0, RW_EIO when a matcher failed, or what the sink returned.
 */
int rw_entities(struct rw_scanner *s, const struct rw_rules *r, struct rw_seg *seg,
		struct rw_slice text, bool eof, unsigned categories, const struct rw_sink *sink);

/*
 * Injection and topics, as far as they are in the categories, in the whole of text, appended:
 * sorted among themselves, those of a category disjoint. By the rules and, where wanted, by the
 * model.
 */
int rw_injections(struct rw_scanner *s, const struct rw_rules *r, struct rw_slice text,
		  unsigned categories, bool model, struct rw_findings *out);

/* Appends, or counts in more; keeps the score. The finding's place, or NULL. */
struct rw_finding *rw_findings_add(struct rw_findings *out, const struct rw_rules *r,
				   struct rw_finding f);

/* Sorts the findings from first on: by start, the longer first. */
void rw_findings_sort(struct rw_findings *f, unsigned first);

#endif
