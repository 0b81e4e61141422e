/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "scan/mask.h"

enum {
	/* Injection is looked for each time this much has come, in as much as the window. */
	INJECTION_EVERY = 256,
	INJECTION_WINDOW = 1024,
};

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
	struct rw_buf *out;   /* while a call runs */
	bool open;	      /* a finding goes on into text to come */
	bool open_masked;     /* and what belongs to it is dropped */
	int failed;	      /* sticky: nothing more comes out */
	struct rw_buf recent; /* for injection: the last bytes, whatever was masked */
	size_t due;	      /* bytes until it is looked for again */
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
	rw_rules_unref(l->r);
	free(l);
}

static int lane_found(void *arg, const struct rw_finding *f, bool open)
{
	struct rw_lane *l = arg;
	struct rw_slice text = rw_buf_slice(&l->text);
	enum rw_action action = rw_action_of(&l->guard, l->r, f);
	int rc = 0;

	rw_tally_rule(&l->tally, f->rule, action);
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
	l->mask.done -= decided - keep;
}

/* Decides and writes out what can be. */
static int advance(struct rw_lane *l, bool eof)
{
	const struct rw_sink sink = {lane_found, lane_closed, l};
	struct rw_slice text = rw_buf_slice(&l->text);
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
	int rc = rw_injections(l->s, l->r, rw_buf_slice(&l->recent), &f);

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

/* Feeds up to the next place where injection is looked for, which the text alone sets. */
static int feed_some(struct rw_lane *l, struct rw_slice *text)
{
	bool injection = l->categories & 1u << RW_CAT_INJECTION;
	size_t n = injection && text->n > l->due ? l->due : text->n;
	int rc = rw_buf_add(&l->text, text->p, n);

	if (!rc)
		rc = advance(l, false);
	if (!rc && injection) {
		rc = rw_buf_add(&l->recent, text->p, n);
		l->due -= n;
	}
	text->p += n;
	text->n -= n;
	return rc || l->due ? rc : look_back(l);
}

int rw_lane_feed(struct rw_lane *l, struct rw_slice text, struct rw_buf *out)
{
	if (l->failed)
		return l->failed;
	if (!l->categories)
		return rw_buf_add_slice(out, text);
	l->out = out;
	while (!l->failed && text.n)
		l->failed = feed_some(l, &text);
	l->out = NULL;
	return l->failed;
}

int rw_lane_end(struct rw_lane *l, struct rw_buf *out)
{
	int rc;

	if (l->failed || !l->categories)
		return l->failed;
	l->out = out;
	rc = advance(l, true);
	if (!rc && l->categories & 1u << RW_CAT_INJECTION && l->recent.len)
		rc = look_back(l);
	l->out = NULL;
	rw_buf_reset(&l->text);
	rw_seg_init(&l->seg, false);
	l->mask.done = 0;
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
