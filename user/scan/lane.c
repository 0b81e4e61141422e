/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "scan/lane_int.h"

enum {
	/* Injection is looked for each time this much has come, in that and so much before it. */
	INJECTION_EVERY = 256,
	INJECTION_BEFORE = 768,
	/* Where nobody waits for the text meanwhile: then it is looked at once, not four times. */
	INJECTION_EVERY_WHOLE = 15 << 10,
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
	l->due = l->every = INJECTION_EVERY;
	rw_seg_init(&l->seg, rw_seg_finds(s, r, l->categories));
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

void rw_lane_whole(struct rw_lane *l)
{
	l->due = l->every = INJECTION_EVERY_WHOLE;
}

void rw_lane_write_to(struct rw_lane *l, const struct rw_writer *w)
{
	l->writer = *w;
	l->mask.w = &l->writer;
}
void rw_lane_note(struct rw_lane *l, const struct rw_finding *f, enum rw_action action)
{
	struct rw_finding at = *f;

	if (l->guard.where) {
		at.start = (uint32_t)rw_spells_source(&l->spells, f->start);
		at.end = f->swallowed ? 0 : (uint32_t)rw_spells_source(&l->spells, f->end);
	}
	rw_tally_place(&l->tally, &l->guard, &at, action);
}

/* --- what the matcher finds ---------------------------------------------------------------- */

int rw_lane_found(struct rw_lane *l, const struct rw_finding *found, bool open)
{
	struct rw_finding copy = *found, *f = &copy;
	struct rw_slice text = rw_buf_slice(&l->text);
	enum rw_action action = rw_action_of(&l->guard, l->r, f);
	int rc = 0;

	f->swallowed = open;
	rw_lane_note(l, f, action);
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

static int lane_found(void *arg, const struct rw_finding *f, bool open)
{
	return rw_lane_found(arg, f, open);
}

static int lane_closed(void *arg, size_t end)
{
	struct rw_lane *l = arg;

	if (l->open_masked && l->mask.done < end)
		l->mask.done = end;
	l->open = l->open_masked = false;
	return 0;
}

void rw_lane_forget(struct rw_lane *l, size_t decided)
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
		rw_lane_forget(l, decided);
	return rc;
}

static bool tallied(const struct rw_tally *t, uint16_t rule)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->at[i].rule == rule)
			return true;
	return false;
}

/* Whether it may be a part of a word: another window has the whole. */
static bool is_part(const struct rw_lane *l, const struct rw_finding *f, bool eof)
{
	return rw_rule_of(l->r, f->rule)->info.category == RW_CAT_TOPIC &&
	       ((f->end == l->recent.len && !eof) || (f->start == 0 && l->recent_cut));
}

/* Looks for injection in the last bytes: each rule counts once in a lane. */
static int look_back(struct rw_lane *l, bool eof)
{
	struct rw_findings f = {.n = 0};
	const size_t keep = INJECTION_BEFORE;
	int rc = rw_injections(l->s, l->r, rw_buf_slice(&l->recent), l->categories, false, &f);

	for (unsigned i = 0; !rc && i < f.n; i++) {
		enum rw_action action = rw_action_of(&l->guard, l->r, &f.at[i]);

		if (is_part(l, &f.at[i], eof))
			continue;
		if (!tallied(&l->tally, f.at[i].rule))
			rw_tally_rule(&l->tally, f.at[i].rule, action);
		if (action == RW_ACT_BLOCK)
			rc = RW_EPERM;
	}
	if (l->recent.len > keep) {
		rw_buf_consume(&l->recent, l->recent.len - keep);
		l->recent_cut = true;
	}
	l->due = l->every;
	return rc;
}

/* --- text that comes ----------------------------------------------------------------------- */

/*
 * Takes up to the next place where injection is looked for, which the text alone sets; whole: what
 * is spelled as one is not taken apart.
 */
static int feed_some(struct rw_lane *l, struct rw_slice *text, bool whole)
{
	bool injection = l->categories & RW_IN_VIEW;
	size_t n = injection && !whole && text->n > l->due ? l->due : text->n;
	bool blocks = false;
	int rc;

	if (l->guard.echo)
		n = rw_lane_listen(l, rw_slice_of(text->p, n), false, &blocks);
	rc = rw_lane_take(l, rw_slice_of(text->p, n));
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
	return rc ? rc : look_back(l, false);
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
		rw_lane_listen(l, (struct rw_slice){0}, true, &blocks);
	rc = blocks ? RW_EPERM : advance(l, true);
	if (!rc && l->categories & RW_IN_VIEW && l->recent.len)
		rc = look_back(l, true);
	l->out = NULL;
	rw_buf_reset(&l->text);
	rw_spells_reset(&l->spells);
	rw_seg_init(&l->seg, 0);
	l->mask.done = l->shown = l->token = 0;
	l->failed = rc;
	return rc;
}

size_t rw_lane_held(const struct rw_lane *l)
{
	return l->text.len - l->mask.done;
}

const struct rw_tally *rw_lane_tally(const struct rw_lane *l)
{
	return &l->tally;
}
