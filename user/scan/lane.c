/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "scan/leak_int.h"
#include "scan/mask.h"
#include "scan/redact_int.h"

enum {
	/* Injection is looked for each time this much has come, in as much as the window. */
	INJECTION_EVERY = 256,
	INJECTION_WINDOW = 1024,
	/* A token as a model may write it: with backslashes. */
	TOKEN_MAX = RW_TOKEN_MAX + 32,
	/* Values in one run that time can decide. */
	LATE_MAX = 16,
};

/* What the matcher sees where a token stood: it ends every run, and is no space. */
static const char TOKEN_BYTE = '\x1f';

/*
 * text holds the bytes that are not decided yet and, in front of them, those
 * already released that context is looked for in. mask.done counts from its
 * front and is never behind what was released.
 */
struct rw_lane {
	struct rw_scanner *s;
	struct rw_rules *r;
	struct rw_guard guard;
	unsigned categories;
	struct rw_seg seg;
	struct rw_masker mask;
	struct rw_buf text;
	struct rw_spells spells;
	struct rw_writer writer;
	struct rw_buf label;
	size_t shown;	      /* so much of text may be looked at: a token may begin there */
	size_t token;	      /* where a '[' stands that may begin one, plus 1; or 0 */
	struct rw_buf *out;   /* while a call runs */
	bool open;	      /* a finding goes on into text to come */
	bool open_masked;     /* and what belongs to it is dropped */
	int failed;	      /* sticky: nothing more comes out */
	struct rw_buf recent; /* for injection: the last bytes, whatever was masked */
	size_t due;	      /* bytes until it is looked for again */
	bool dropping;	      /* what goes on a value that time decided is dropped */
	struct rw_canary_walk canary;
	struct rw_echo_walk echo;
	struct rw_tally tally;
};

struct rw_lane *rw_lane_new(struct rw_scanner *s, struct rw_rules *r, const struct rw_guard *g)
{
	struct rw_lane *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->s = s;
	l->r = rw_rules_ref(r);
	l->guard = *g;
	l->categories = rw_guard_categories(g);
	l->mask.r = r;
	l->mask.g = &l->guard;
	l->mask.sp = &l->spells;
	l->mask.label = &l->label;
	l->due = INJECTION_EVERY;
	rw_seg_init(&l->seg, rw_wants_pem(s, r, l->categories));
	return l;
}

void rw_lane_free(struct rw_lane *l)
{
	if (!l)
		return;
	rw_buf_wipe(&l->text);
	rw_buf_wipe(&l->recent);
	rw_buf_wipe(&l->label);
	rw_spells_free(&l->spells);
	rw_rules_unref(l->r);
	free(l);
}

void rw_lane_write_to(struct rw_lane *l, const struct rw_writer *w)
{
	l->writer = *w;
	l->mask.w = &l->writer;
}

/* Counts a finding, with its place in the text as it came. */
static void note(struct rw_lane *l, const struct rw_finding *f, enum rw_action action)
{
	struct rw_finding at = *f;

	if (l->guard.where) {
		at.start = (uint32_t)rw_spells_source(&l->spells, f->start);
		at.end = f->swallowed ? 0 : (uint32_t)rw_spells_source(&l->spells, f->end);
	}
	rw_tally_place(&l->tally, &l->guard, &at, action);
}

/* --- what the matcher finds ---------------------------------------------------------------- */

static int lane_found(void *arg, const struct rw_finding *found, bool open)
{
	struct rw_finding copy = *found, *f = &copy;
	struct rw_lane *l = arg;
	struct rw_slice text = rw_buf_slice(&l->text);
	enum rw_action action = rw_action_of(&l->guard, l->r, f);
	int rc = 0;

	f->swallowed = open;
	note(l, f, action);
	l->open |= open;
	l->open_masked |= open && action == RW_ACT_MASK;
	if (action == RW_ACT_BLOCK) {
		rc = rw_masker_copy(&l->mask, text, f->start, l->out);
		return rc ? rc : RW_EPERM;
	}
	if (action == RW_ACT_MASK)
		rc = rw_masker_put(&l->mask, text, f, l->out);
	return rc;
}

static int lane_closed(void *arg, size_t end)
{
	struct rw_lane *l = arg;

	if (l->open_masked && l->mask.done < end)
		l->mask.done = end;
	l->open = l->open_masked = false;
	return 0;
}

/* Drops what no decision can depend on any more. */
static void forget(struct rw_lane *l, size_t decided)
{
	size_t keep = RW_CONTEXT_BYTES + 1;

	if (decided < 2 * keep) /* not worth moving the rest */
		return;
	rw_buf_consume(&l->text, decided - keep);
	rw_seg_rebase(&l->seg, decided - keep);
	rw_spells_rebase(&l->spells, decided - keep);
	l->mask.done -= decided - keep;
	l->shown -= decided - keep;
	l->token -= l->token ? decided - keep : 0;
	rw_canary_rebase(&l->canary, decided - keep);
}

/* Decides and writes out what can be. */
static int advance(struct rw_lane *l, bool eof)
{
	const struct rw_sink sink = {lane_found, lane_closed, l};
	struct rw_slice text = rw_slice_of(l->text.p, eof ? l->text.len : l->shown);
	size_t decided;
	int rc = rw_entities(l->s, l->r, &l->seg, text, eof, l->categories, &sink);

	if (rc)
		return rc;
	decided = eof ? text.n : rw_seg_decided(&l->seg);
	if (l->open_masked && l->mask.done < decided)
		l->mask.done = decided;
	rc = rw_masker_copy(&l->mask, text, decided, l->out);
	if (!rc)
		forget(l, decided);
	return rc;
}

static bool tallied(const struct rw_tally *t, uint16_t rule)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->at[i].rule == rule)
			return true;
	return false;
}

/* Looks for injection in the last bytes: each rule counts once in a lane. */
static int look_back(struct rw_lane *l)
{
	struct rw_findings f = {.n = 0};
	size_t keep = INJECTION_WINDOW - INJECTION_EVERY;
	int rc = rw_injections(l->s, l->r, rw_buf_slice(&l->recent), false, &f);

	for (unsigned i = 0; !rc && i < f.n; i++)
		if (!tallied(&l->tally, f.at[i].rule))
			rw_tally_rule(&l->tally, f.at[i].rule, l->guard.action[RW_CAT_INJECTION]);
	if (!rc && f.n && l->guard.action[RW_CAT_INJECTION] == RW_ACT_BLOCK)
		rc = RW_EPERM;
	if (l->recent.len > keep)
		rw_buf_consume(&l->recent, l->recent.len - keep);
	l->due = INJECTION_EVERY;
	return rc;
}

/* --- text that comes ----------------------------------------------------------------------- */

static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '\\' || c == '-' || c == '.';
}

/* The text ends in a token, perhaps: then a single byte that is written as its value takes its
 * place. */
static int end_token(struct rw_lane *l)
{
	size_t at = l->token - 1;
	struct rw_spell one = {.at = (uint32_t)at, .n = 1, .put = true};

	one.source = (uint32_t)(l->text.len - at); /* no escape is in it */
	l->token = 0;
	l->canary.state = 0;
	if (!rw_vault_restore(l->guard.vault, rw_slice_of(l->text.p + at, l->text.len - at),
			      &one.written))
		return RW_OK;
	rw_spells_cut(&l->spells, at);
	l->text.len = at;
	l->text.p[l->text.len++] = TOKEN_BYTE;
	return rw_spells_add(&l->spells, &one);
}

/* Up to the byte behind the next place where a token may begin or end. */
static int take_some(struct rw_lane *l, struct rw_slice *text)
{
	const char *open = l->token ? text->p : memchr(text->p, '[', text->n);
	size_t n = open ? (size_t)(open - text->p) + 1 : text->n;
	int rc = rw_buf_add(&l->text, text->p, n);
	char c = text->p[n - 1];

	text->p += n;
	text->n -= n;
	if (rc || !open)
		return rc;
	if (c == '[')
		l->token = l->text.len;
	else if (c == ']')
		return end_token(l);
	else if (!is_token_char(c) || l->text.len - l->token > TOKEN_MAX)
		l->token = 0;
	return RW_OK;
}

static const char CANARY_LABEL[] = "[CANARY]";

/* The text ends in a canary. */
static int end_canary(struct rw_lane *l, size_t at)
{
	struct rw_finding f = {.start = (uint32_t)at,
			       .end = (uint32_t)l->text.len,
			       .rule = (uint16_t)(l->r->leak_rule + 1)};
	struct rw_spell one = {.at = (uint32_t)at, .n = 1, .put = true};
	enum rw_action action = l->guard.canary_action;

	one.source = (uint32_t)(rw_spells_source(&l->spells, l->text.len) -
				rw_spells_source(&l->spells, at));

	note(l, &f, action);
	l->canary.state = 0;
	if (action == RW_ACT_FLAG)
		return RW_OK;
	l->token = l->token > at ? 0 : l->token;
	rw_spells_cut(&l->spells, at);
	l->text.len = at;
	if (action == RW_ACT_BLOCK)
		return RW_EPERM;
	one.written = rw_slice_of(CANARY_LABEL, sizeof(CANARY_LABEL) - 1);
	l->text.p[l->text.len++] = TOKEN_BYTE;
	return rw_spells_add(&l->spells, &one);
}

/* As take_some, a byte at a time. */
static int take_byte(struct rw_lane *l, bool tokens, struct rw_slice *text)
{
	struct rw_slice one = rw_slice_of(text->p, 1);
	size_t at = l->text.len;
	long start;
	int rc;

	if (tokens) {
		rc = take_some(l, &one);
	} else {
		rc = rw_buf_add(&l->text, one.p, 1);
	}
	if (rc)
		return rc;
	start = rw_canary_step(l->guard.canaries, &l->canary, text->p[0], at);
	text->p++;
	text->n--;
	return start < 0 ? RW_OK : end_canary(l, (size_t)start);
}

/* What may become a token or a canary is not shown to the matcher. */
static size_t shown_of(struct rw_lane *l)
{
	size_t n = l->text.len, open;

	if (l->token &&
	    !rw_vault_may_begin(l->guard.vault,
				rw_slice_of(l->text.p + l->token - 1, l->text.len - l->token + 1)))
		l->token = 0;
	if (l->token)
		n = l->token - 1;
	if (!l->guard.canaries || l->guard.canary_action < RW_ACT_MASK)
		return n;
	open = rw_canary_open(l->guard.canaries, &l->canary, n);
	return open < n ? open : n;
}

/* Adds text; tokens and canaries in it become single bytes. RW_EPERM: a canary blocks. */
static int take(struct rw_lane *l, struct rw_slice text)
{
	bool tokens = l->guard.in_answer && rw_vault_has_tokens(l->guard.vault);
	int rc = RW_OK;

	if (l->guard.canaries)
		while (!rc && text.n)
			rc = take_byte(l, tokens, &text);
	else if (tokens)
		while (!rc && text.n)
			rc = take_some(l, &text);
	else
		rc = rw_buf_add_slice(&l->text, text);
	l->shown = shown_of(l);
	return rc;
}

/* How much of text can be taken: all, or up to where the answer has repeated too much of the system
 * text. */
static size_t listen(struct rw_lane *l, struct rw_slice text, bool end, bool *blocks)
{
	long n = rw_echo_feed(l->guard.echo, &l->echo, text, end);

	*blocks = n >= 0 && l->guard.echo_action == RW_ACT_BLOCK;
	if (n >= 0)
		rw_tally_rule(&l->tally, (uint16_t)l->r->leak_rule, l->guard.echo_action);
	return *blocks ? (size_t)n : text.n;
}

/*
 * Takes up to the next place where injection is looked for, which the text alone sets; whole: what
 * is spelled as one is not taken apart.
 */
static int feed_some(struct rw_lane *l, struct rw_slice *text, bool whole)
{
	bool injection = l->categories & 1u << RW_CAT_INJECTION;
	size_t n = injection && !whole && text->n > l->due ? l->due : text->n;
	bool blocks = false;
	int rc;

	if (l->guard.echo)
		n = listen(l, rw_slice_of(text->p, n), false, &blocks);
	rc = take(l, rw_slice_of(text->p, n));
	if (rc == RW_EPERM || (!rc && blocks)) {
		rc = advance(l, false);
		return rc ? rc : RW_EPERM;
	}
	if (!rc && injection) {
		rc = rw_buf_add(&l->recent, text->p, n);
		l->due -= n < l->due ? n : l->due;
	}
	text->p += n;
	text->n -= n;
	if (rc || l->due)
		return rc;
	rc = advance(l, false);
	return rc ? rc : look_back(l);
}

/* Whether there is nothing that the lane could do. */
static bool idle(const struct rw_lane *l)
{
	return !l->categories && !l->guard.canaries && !l->guard.echo &&
	       !(l->guard.in_answer && rw_vault_has_tokens(l->guard.vault));
}

/* Whether a value ends in front of the byte: nothing that is one token has it. */
static bool ends_value(char c)
{
	return (unsigned char)c <= ' ' || (unsigned char)c >= 0x7f || strchr("\"'`<>[]{}(),", c);
}

/* What goes on a value that time decided belongs to it. */
static void drop(struct rw_lane *l, struct rw_slice *text)
{
	while (l->dropping && text->n) {
		if (ends_value(text->p[0])) {
			l->dropping = false;
			return;
		}
		text->p++;
		text->n--;
	}
}

static int add(struct rw_lane *l, struct rw_slice text, bool whole)
{
	drop(l, &text);
	while (!l->failed && text.n)
		l->failed = feed_some(l, &text, whole);
	return l->failed;
}

int rw_lane_feed(struct rw_lane *l, struct rw_slice text, struct rw_buf *out)
{
	if (l->failed)
		return l->failed;
	if (idle(l))
		return l->mask.w ? l->writer.text(l->writer.arg, text, out)
				 : rw_buf_add_slice(out, text);
	l->out = out;
	if (!add(l, text, false))
		l->failed = advance(l, false);
	l->out = NULL;
	return l->failed;
}

int rw_lane_add(struct rw_lane *l, struct rw_slice text, struct rw_slice raw, struct rw_buf *out)
{
	struct rw_spell one = {
		.n = (uint8_t)text.n, .raw_n = (uint8_t)raw.n, .source = (uint32_t)raw.n};
	int rc;

	RW_BUG_ON(raw.p && (raw.n > RW_SPELL_RAW || text.n > RW_SPELL_RAW));
	if (l->failed)
		return l->failed;
	if (idle(l)) {
		text = raw.p ? raw : text;
		return l->mask.w ? l->writer.text(l->writer.arg, text, out)
				 : rw_buf_add_slice(out, text);
	}
	drop(l, &text);
	if (!text.n)
		return RW_OK;
	l->out = out;
	if (raw.p) {
		/* Whatever was open ends: the spelling would be lost in a token. */
		l->token = 0;
		memcpy(one.raw, raw.p, raw.n);
		one.at = (uint32_t)l->text.len;
		l->failed = rw_spells_add(&l->spells, &one);
	}
	rc = l->failed ? l->failed : add(l, text, raw.p != NULL);
	l->out = NULL;
	return rc;
}

int rw_lane_end(struct rw_lane *l, struct rw_buf *out)
{
	bool blocks = false;
	int rc;

	if (l->failed || idle(l))
		return l->failed;
	l->out = out;
	if (l->guard.echo)
		listen(l, (struct rw_slice){0}, true, &blocks);
	rc = blocks ? RW_EPERM : advance(l, true);
	if (!rc && l->categories & 1u << RW_CAT_INJECTION && l->recent.len)
		rc = look_back(l);
	l->out = NULL;
	rw_buf_reset(&l->text);
	rw_spells_reset(&l->spells);
	rw_seg_init(&l->seg, false);
	l->mask.done = l->shown = l->token = 0;
	l->failed = rc;
	return rc;
}

/* --- time ----------------------------------------------------------------------------------- */

struct late {
	struct rw_finding at[LATE_MAX];
	unsigned n;
};

static int late_found(void *arg, const struct rw_finding *f, bool open)
{
	struct late *late = arg;

	(void)open;
	if (late->n == LATE_MAX)
		return RW_ELIMIT;
	late->at[late->n++] = *f;
	return 0;
}

static int late_closed(void *arg, size_t end)
{
	(void)arg;
	(void)end;
	return 0;
}

/* The values in the open run, as if it ended here. Groups of numbers are let go on: a value's rest
   would stand behind a space. */
static int look_late(struct rw_lane *l, struct late *late)
{
	const struct rw_sink sink = {late_found, late_closed, late};
	struct rw_slice text = rw_slice_of(l->text.p, l->shown);
	struct rw_seg seg = l->seg;
	int rc;

	if (seg.mode != RW_SEG_RUN || seg.pos != text.n ||
	    memchr(text.p + seg.run, ' ', text.n - seg.run))
		return RW_OK;
	rc = rw_entities(l->s, l->r, &seg, text, true, l->categories, &sink);
	if (rc == RW_ELIMIT)
		late->n = 0;
	return rc == RW_ELIMIT ? RW_OK : rc;
}

/* The run goes on behind the last value; what follows that without a gap is part of it. */
static int decide_late(struct rw_lane *l, const struct late *late)
{
	size_t end = 0;
	bool masked = false;
	int rc = RW_OK;

	for (unsigned i = 0; i < late->n && !rc; i++) {
		rc = lane_found(l, &late->at[i], false);
		if (late->at[i].end >= end)
			masked = rw_action_of(&l->guard, l->r, &late->at[i]) == RW_ACT_MASK;
		end = late->at[i].end > end ? late->at[i].end : end;
	}
	if (rc)
		return rc;
	l->dropping = masked && end == l->shown && l->shown == l->text.len;
	rw_seg_step(&l->seg, end, false);
	rc = rw_masker_copy(&l->mask, rw_buf_slice(&l->text), end, l->out);
	if (!rc)
		forget(l, end);
	return rc;
}

int rw_lane_late(struct rw_lane *l, struct rw_buf *out)
{
	struct late late = {.n = 0};

	if (l->failed || !(l->categories & RW_ENTITIES))
		return l->failed;
	l->out = out;
	l->failed = look_late(l, &late);
	if (!l->failed && late.n)
		l->failed = decide_late(l, &late);
	l->out = NULL;
	return l->failed;
}

size_t rw_lane_held(const struct rw_lane *l)
{
	return l->text.len - l->mask.done;
}

const struct rw_tally *rw_lane_tally(const struct rw_lane *l)
{
	return &l->tally;
}
