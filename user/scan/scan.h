/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scanning: text in, findings out. No I/O, no globals, no clock.
 *
 * Rules (struct rw_rules) are immutable, shared by all threads and
 * reference-counted; a scanner (struct rw_scanner) is one thread's scratch.
 * Offsets count bytes of the text that was given.
 */
#ifndef RW_SCAN_SCAN_H
#define RW_SCAN_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum rw_category {
	RW_CAT_INJECTION,
	RW_CAT_PII,
	RW_CAT_SECRET,
	RW_CAT_MARKUP, /* links that carry data away, blocked domains, invisible text */
	RW_CAT_TOPIC,  /* words and phrases that an operator listed */
	RW_CAT_LEAK,   /* of a system prompt or a canary: no pack has such rules (scan/leak.h) */
	RW_CAT_COUNT
};
/* Ordered: the strongest action of several findings wins. */
enum rw_action { RW_ACT_ALLOW, RW_ACT_FLAG, RW_ACT_MASK, RW_ACT_BLOCK };

/* "injection", "pii", "secret", "markup", "topic"; "allow", "flag", "mask", "block". */
const char *rw_category_name(enum rw_category c);
const char *rw_action_name(enum rw_action a);
bool rw_action_parse(const char *name, enum rw_action *out);

struct rw_rule_info {
	const char *id;	  /* "pii.email" */
	const char *type; /* the entity as users name it: "EMAIL_ADDRESS" */
	enum rw_category category;
	unsigned severity; /* 1 to 100 */
};

struct rw_finding {
	uint32_t start, end; /* bytes [start, end) of the text */
	uint16_t rule;	     /* index for rw_rules_info */
	uint8_t swallowed;   /* 1: longer than a lane holds, its end was not known at its start */
	uint8_t score;	     /* 1 to 100: how sure; 0: as severe as its rule */
	uint8_t via;	     /* enum rw_via: the view that it was seen in */
};

/* How a view of a text came to be. */
enum rw_via {
	RW_VIA_PLAIN,
	RW_VIA_DECODED,
	RW_VIA_ROTATED,
	RW_VIA_REVERSED,
	RW_VIA_SPACED,
	RW_VIA_JOINED,
	RW_VIA_TURNS,
	RW_VIAS
};
/* "plain", "decoded", "rotated", "reversed", "spaced", "joined", "turns". */
const char *rw_via_name(enum rw_via via);

enum { RW_FINDINGS_MAX = 256, RW_SIGNALS_MAX = 4 };

/* Sorted by start; those of one category do not overlap. Beyond the bound: more counts. */
struct rw_findings {
	struct rw_finding at[RW_FINDINGS_MAX];
	unsigned n;
	unsigned more;	/* findings that did not fit: the caller treats the text as unmaskable */
	unsigned score; /* 0 to 100, the strongest evidence */
	/* The same by category and finer, 0 to 10000: also of what is too weak for a finding. */
	uint16_t evidence[RW_CAT_COUNT];
	/* Of the model's finding: the concepts that stand behind each other in it, strongest first.
	 */
	struct rw_signal {
		uint8_t n, concept[3]; /* for rw_rules_concept */
	} signals[RW_SIGNALS_MAX];
	unsigned n_signals;
};

struct rw_rules;
struct rw_scanner;

/*
 * Loads the packs in the binary and, where extra_dir is not NULL, every *.yaml in
 * it on top, compiles them, runs every rule's own must-match and must-not-match
 * cases and the chunk-invariance self-test. *e names pack, line and rule id.
 */
int rw_rules_load(struct rw_rules **out, const char *extra_dir, struct rw_error *e);

/* Where a system has its rules compiled before it starts (`ringwall rules compile`), if it has. */
#define RW_COMPILED_RULES "/usr/lib/ringwall/compiled"

struct rw_rules_from {
	const char *dir; /* NULL: none */
	const char *const *files;
	unsigned n_files;
	const char *cache_dir;	 /* compiled rules are kept there (scan/dbcache.h); NULL: nowhere */
	const char *shipped_dir; /* and looked for here first, where nothing is written; NULL */
	bool every_processor;	 /* cache_dir gets them for all kinds of processors, not for ours */
	void (*note)(const char *text); /* what is to be told of the cache; NULL: nobody */
	bool skip_bad;			/* a pack of these with a mistake is left out, and told */
};
int rw_rules_load_from(struct rw_rules **out, const struct rw_rules_from *from, struct rw_error *e);
/* What was left out: why, with pack, line and rule id. */
unsigned rw_rules_skipped(const struct rw_rules *r);
const char *rw_rules_skipped_why(const struct rw_rules *r, unsigned i);
struct rw_rules *rw_rules_ref(struct rw_rules *r);
void rw_rules_unref(struct rw_rules *r);
unsigned rw_rules_count(const struct rw_rules *r);
/* Of compiled patterns and Hyperscan's databases. */
size_t rw_rules_bytes(const struct rw_rules *r);
const struct rw_rule_info *rw_rules_info(const struct rw_rules *r, unsigned rule);
/* "override", "prior": what a part of a signal is called. */
const char *rw_rules_concept(const struct rw_rules *r, unsigned concept);
/*
 * The rule that findings of that type by an external detector count under: one with the validator
 * external, else any of the type, else the one for types that no pack knows. -1: there is none, or
 * it was disabled.
 */
int rw_rules_external(const struct rw_rules *r, struct rw_slice type);
/* Hex digest of the packs: which rules decided. */
const char *rw_rules_digest(const struct rw_rules *r);

int rw_scanner_new(struct rw_scanner **out, const struct rw_rules *r, struct rw_error *e);
/* Makes the scratch fit another rule set too (a reload). */
int rw_scanner_fit(struct rw_scanner *s, const struct rw_rules *r, struct rw_error *e);
void rw_scanner_free(struct rw_scanner *s);

/*
 * Scans the whole text for the categories in the bit mask (1u << RW_CAT_x).
 * text need not be valid UTF-8. 0, or RW_EIO if the matcher failed (fail closed).
 */
int rw_scan_text(struct rw_scanner *s, const struct rw_rules *r, struct rw_slice text,
		 unsigned categories, struct rw_findings *out);

/* Adds a finding from elsewhere; with those of its category that it overlaps it becomes one. */
void rw_findings_join(struct rw_findings *f, const struct rw_rules *r, struct rw_finding more);

enum { RW_TURNS_MAX = 8, RW_TURN_BYTES = 256 };

/* What a user said in one turn of a conversation, and what scanning it alone gave. */
struct rw_said {
	struct rw_slice text;
	uint16_t score; /* evidence[RW_CAT_INJECTION] */
};

/* What of a turn is read together with others: what was split goes on from its end. */
static inline struct rw_slice rw_turn_end(struct rw_slice t)
{
	return t.n > RW_TURN_BYTES ? rw_slice_of(t.p + t.n - RW_TURN_BYTES, RW_TURN_BYTES) : t;
}

/*
 * Injection in a user's turns together, the last RW_TURNS_MAX of n, of each its rw_turn_end: what
 * was split over them, and signs that rise. The first known of them were plain together before: of
 * these is read what may go on in the others. *plain: together nothing was found in all of them,
 * and nothing hinted at a disguise, which might put together what stands far apart. Offsets in the
 * findings say nothing. 0 or RW_EIO.
 */
int rw_scan_turns(struct rw_scanner *s, const struct rw_rules *r, const struct rw_said *turns,
		  unsigned n, unsigned known, struct rw_findings *out, bool *plain);

/* What to do by category, from the configuration. */
struct rw_vault;
struct rw_guard {
	enum rw_action action[RW_CAT_COUNT];
	/* How values are redacted (scan/redact.h); NULL: as "[EMAIL_ADDRESS]". Borrowed, of a
	 * request. */
	struct rw_vault *vault;
	bool in_answer; /* the vault's tokens are restored, and nothing becomes one */
	/* A finding with a lower score is let pass; 0: RW_INJECTION_BALANCED for injection, else
	 * none. */
	uint8_t threshold[RW_CAT_COUNT];
	/* A finding of injection that no rule shares with the model is flagged, not blocked, below
	 * this score; 0: RW_ALONE_BALANCED. */
	uint8_t alone;
	/* What lanes look for besides (scan/leak.h); NULL: nothing. Borrowed. */
	const struct rw_canaries *canaries;
	enum rw_action canary_action;
	struct rw_echo *echo;
	enum rw_action echo_action; /* flag or block */
	/* Which text it is, for the tally's places: "user" and its number in the request, or
	   "content" and the choice. */
	const char *where; /* a literal; NULL: places are not noted */
	uint32_t index;
};

/* Scores of injection that the presets draw the line at; no finding has less than the first. */
enum { RW_INJECTION_STRICT = 50, RW_INJECTION_BALANCED = 70, RW_INJECTION_PERMISSIVE = 85 };

/*
 * Scores from which the model is believed without a rule. Data (documents, tools' results) tell of
 * more than prompts do, and are often about instructions: it must be surer there.
 */
enum {
	RW_ALONE_STRICT = 85,
	RW_ALONE_STRICT_DATA = 90,
	RW_ALONE_BALANCED = 98,
	RW_ALONE_BALANCED_DATA = 99,
	RW_ALONE_NEVER = 101
};

/* How careful: where the lines are drawn. Observe is balanced, and does no more than flag. */
enum rw_preset { RW_PRESET_BALANCED, RW_PRESET_STRICT, RW_PRESET_PERMISSIVE, RW_PRESET_OBSERVE };
/* "balanced", "strict", "permissive", "observe". */
bool rw_preset_parse(const char *name, enum rw_preset *out);
/* Draws the lines for injection where the guard has none of its own yet. */
void rw_guard_preset(struct rw_guard *g, enum rw_preset p, bool data);

/* The categories that the guard wants looked for, as a mask for rw_scan_text: all but the allowed.
 */
unsigned rw_guard_categories(const struct rw_guard *g);
/* What the guard asks for over one finding. */
enum rw_action rw_guard_action(const struct rw_guard *g, const struct rw_rules *r,
			       const struct rw_finding *f);
/* The strongest action that the guard asks for over the findings. */
enum rw_action rw_guard_verdict(const struct rw_guard *g, const struct rw_rules *r,
				const struct rw_findings *f);
/* Appends text with each finding whose category is masked redacted. */
int rw_mask_text(const struct rw_guard *g, const struct rw_rules *r, const struct rw_findings *f,
		 struct rw_slice text, struct rw_buf *out);

enum { RW_PLACES_MAX = 16 };
/* Totals per rule over a request or an answer, for headers and audit. */
struct rw_tally {
	struct {
		uint16_t rule;
		uint16_t count;
	} at[32];
	unsigned n;
	enum rw_action strongest;
	/* The first places; never what stands there. */
	struct rw_place {
		const char *where;
		uint32_t index;
		uint32_t start, end; /* bytes of the text as it came; end 0: not known yet */
		uint16_t rule;
		uint8_t action; /* enum rw_action */
		uint8_t as;	/* enum rw_redact, where the action is mask */
	} places[RW_PLACES_MAX];
	unsigned n_places;
};
void rw_tally_add(struct rw_tally *t, const struct rw_guard *g, const struct rw_rules *r,
		  const struct rw_findings *f);

/*
 * A lane: one text that arrives in pieces (an answer's content, a tool call's
 * arguments). What comes out is a function of the whole text only, never of
 * how it was cut: equal to rw_scan_text + rw_mask_text over the whole. Held back is
 * only a trailing run that may still become an entity, at most
 * RW_LANE_HOLD_BYTES; a longer secret is swallowed to its end.
 */
enum { RW_LANE_HOLD_BYTES = 4096 };
struct rw_lane;
/* Who takes what a lane releases, in its order, and adds it to out. Returns 0 or a rw_err. */
struct rw_writer {
	int (*text)(void *arg, struct rw_slice s, struct rw_buf *out); /* as it came */
	int (*put)(void *arg, struct rw_slice s,
		   struct rw_buf *out); /* put in place of something */
	void *arg;
};
struct rw_lane *rw_lane_new(struct rw_scanner *s, struct rw_rules *r, const struct rw_guard *g);
void rw_lane_free(struct rw_lane *l);
/*
 * Before the first feed: the text is all there, and nobody gets a part of it before the end. Then
 * injection is looked for in as much at once as can be, not in all that a stream has had so far.
 */
void rw_lane_whole(struct rw_lane *l);
/* Appends to out what may be released now. RW_EPERM: a finding blocks; nothing more comes out. */
int rw_lane_feed(struct rw_lane *l, struct rw_slice text, struct rw_buf *out);
/* From now on the writer gets what is released; *w is copied. */
void rw_lane_write_to(struct rw_lane *l, const struct rw_writer *w);
/*
 * As feed, but what can be decided waits for the next feed: for many small pieces. raw.p not
 * NULL: text (7 bytes at most, of one character) is written as raw (7 bytes at most) where it is
 * not masked.
 */
int rw_lane_add(struct rw_lane *l, struct rw_slice text, struct rw_slice raw, struct rw_buf *out);
/*
 * Nothing came for a while: values that are whole as it stands are decided, and what goes on such a
 * value without a gap counts as its rest. What may still become one is held on: time releases
 * nothing that text did not decide. Without this call the output is a function of the text alone.
 */
int rw_lane_late(struct rw_lane *l, struct rw_buf *out);
/* The text is complete: releases the rest. */
int rw_lane_end(struct rw_lane *l, struct rw_buf *out);
/* Bytes held back now. */
size_t rw_lane_held(const struct rw_lane *l);
const struct rw_tally *rw_lane_tally(const struct rw_lane *l);

#endif
