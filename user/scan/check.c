/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rule set proves itself before it is used: every rule finds what its cases say and nothing else,
 * on this processor, wherever the text begins, and in a stream as in a whole text.
 */
#include "scan/mask.h"

/* Marks around the span in a match case: U+00AB, U+00BB. */
#define MARK_OPEN  "\xc2\xab"
#define MARK_CLOSE "\xc2\xbb"

enum { MARK_BYTES = 2 };

/* What one check works on. The findings are too big for a stack of every thread. */
struct checker {
	struct rw_rules *r;
	struct rw_scanner *s;
	struct rw_error *e;
	struct rw_findings found;
	struct rw_buf text, whole, stream;
	unsigned rule;
};

static int fail_as(struct checker *c, int rc, const struct rw_pack_str *at, const char *what)
{
	const struct rw_rule *rule = rw_rule_of(c->r, c->rule);

	return rw_fail(c->e, rc, "%s:%u: rule %s: %s", rule->pack, at->line, rule->info.id, what);
}

static int fail(struct checker *c, const struct rw_pack_str *at, const char *what)
{
	return fail_as(c, RW_EINVAL, at, what);
}

/* Writes the case's text after pad newlines, without marks; *start and *end are the marked span, or
 * equal. */
static int write_case(struct checker *c, const char *text, size_t pad, size_t *start, size_t *end)
{
	const char *open = strstr(text, MARK_OPEN);
	const char *close = open ? strstr(open, MARK_CLOSE) : NULL;
	int rc = 0;

	rw_buf_reset(&c->text);
	*start = *end = 0;
	while (!rc && pad--)
		rc = rw_buf_add(&c->text, "\n", 1);
	if (rc || !close)
		return rc ? rc : rw_buf_add_str(&c->text, text);
	rc = rw_buf_add(&c->text, text, (size_t)(open - text));
	*start = c->text.len;
	open += MARK_BYTES;
	if (!rc)
		rc = rw_buf_add(&c->text, open, (size_t)(close - open));
	*end = c->text.len;
	return rc ? rc : rw_buf_add_str(&c->text, close + MARK_BYTES);
}

static unsigned category_bit(const struct checker *c)
{
	return 1u << rw_rule_of(c->r, c->rule)->info.category;
}

/* A stream of single bytes is masked as the whole text is. */
static int check_stream(struct checker *c, const struct rw_pack_str *at)
{
	enum rw_category category = rw_rule_of(c->r, c->rule)->info.category;
	struct rw_guard g = {0};
	struct rw_lane *l;
	int rc;

	g.action[category] = RW_ACT_MASK;
	rw_buf_reset(&c->whole);
	rw_buf_reset(&c->stream);
	rc = rw_mask_text(&g, c->r, &c->found, rw_buf_slice(&c->text), &c->whole);
	l = rw_lane_new(c->s, c->r, &g);
	if (!l)
		return rw_fail(c->e, RW_ENOMEM, "no memory for the rules");
	for (size_t i = 0; !rc && i < c->text.len; i++)
		rc = rw_lane_feed(l, rw_slice_of(c->text.p + i, 1), &c->stream);
	if (!rc)
		rc = rw_lane_end(l, &c->stream);
	rw_lane_free(l);
	if (rc)
		return fail_as(c, rc, at, "a stream of this case cannot be scanned");
	if (!rw_slice_eq(rw_buf_slice(&c->whole), rw_buf_slice(&c->stream)))
		return fail(c, at, "this case is masked differently in a stream");
	return 0;
}

static int check_case(struct checker *c, const struct rw_pack_str *at, bool must, size_t pad,
		      bool streamed)
{
	size_t start, end;
	bool span_ok = false;
	int rc = write_case(c, at->text, pad, &start, &end);

	if (rc)
		return rw_fail(c->e, rc, "no memory for the rules");
	rc = rw_scan_text(c->s, c->r, rw_buf_slice(&c->text), category_bit(c), &c->found);
	if (rc)
		return fail_as(c, rc, at, "this case cannot be scanned");
	if (must && !c->found.n)
		return fail(c, at, "its match case is not found");
	if (!must && c->found.n)
		return fail(c, at, "its no_match case is found");
	for (unsigned i = 0; i < c->found.n; i++)
		span_ok |= c->found.at[i].start == start && c->found.at[i].end == end;
	if (must && end && !span_ok)
		return fail(c, at, "what is found in its match case is not the marked span");
	return streamed && !(category_bit(c) & RW_IN_VIEW) ? check_stream(c, at) : 0;
}

static int check_list(struct checker *c, const struct rw_pack_list *list, bool must)
{
	/* Byte by byte costs ten times the whole: with nothing in front, and behind other lines. */
	static const struct {
		size_t pad;
		bool streamed;
	} ways[] = {{0, true}, {1, false}, {15, false}, {31, true}, {64, false}};
	int rc = 0;

	for (unsigned i = 0; !rc && i < list->n; i++)
		for (size_t k = 0; !rc && k < sizeof(ways) / sizeof(ways[0]); k++)
			rc = check_case(c, &list->at[i], must, ways[k].pad, ways[k].streamed);
	return rc;
}

int rw_rules_check(struct rw_rules *r, struct rw_error *e)
{
	struct checker *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return rw_fail(e, RW_ENOMEM, "no memory for the rules");
	c->r = r;
	c->e = e;
	rc = rw_scanner_new(&c->s, r, e);
	for (unsigned i = 0; !rc && i < r->set.n; i++) {
		r->at_pack = r->set.rules[i].pack;
		c->rule = i;
		c->s->only = (int)i;
		rc = check_list(c, &r->set.rules[i].match, true);
		if (!rc)
			rc = check_list(c, &r->set.rules[i].no_match, false);
	}
	rw_scanner_free(c->s);
	rw_buf_free(&c->text);
	rw_buf_free(&c->whole);
	rw_buf_free(&c->stream);
	free(c);
	return rc;
}
