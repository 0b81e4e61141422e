/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that comes into a lane, in front of the matcher: tokens and canaries, which it does not see,
 * and the echo of a system text.
 */
#include "scan/lane_int.h"

/* A token as a model may write it: with backslashes. */
enum { TOKEN_MAX = RW_TOKEN_MAX + 32 };

/* What the matcher sees where a token stood: it ends every run, and is no space. */
static const char TOKEN_BYTE = '\x1f';

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
	if (!rw_vault_restore(l->guard.vault, rw_slice_of(l->text.p + at, l->text.len - at),
			      &one.written))
		return RW_OK;
	l->canary.state = 0;
	rw_spells_cut(&l->spells, at);
	l->text.len = at;
	l->text.p[l->text.len++] = TOKEN_BYTE;
	return rw_spells_add(&l->spells, &one);
}

/* Up to the byte behind the next place where a token may begin or end. text is not empty. */
static int take_some(struct rw_lane *l, struct rw_slice *text)
{
	const char *open;
	size_t n;
	int rc;
	char c;

	RW_BUG_ON(!text->n || !text->p);
	open = l->token ? text->p : memchr(text->p, '[', text->n);
	n = open ? (size_t)(open - text->p) + 1 : text->n;
	rc = rw_buf_add(&l->text, text->p, n);
	c = text->p[n - 1];
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

/* A token that was begun is none if what has come can begin none. */
static void check_token(struct rw_lane *l)
{
	if (l->token &&
	    !rw_vault_may_begin(l->guard.vault,
				rw_slice_of(l->text.p + l->token - 1, l->text.len - l->token + 1)))
		l->token = 0;
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

	rw_lane_note(l, &f, action);
	l->canary.state = 0;
	if (action == RW_ACT_FLAG)
		return RW_OK;
	check_token(l); /* while the canary is there, whose letters may say so */
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

/* What leads to no canary at once, and then a byte. */
static int take_stretch(struct rw_lane *l, bool tokens, struct rw_slice *text)
{
	struct rw_slice cold = rw_slice_of(text->p,
					   rw_canary_skip(l->guard.canaries, &l->canary, *text));
	size_t n = cold.n;
	int rc = RW_OK;

	if (tokens)
		while (!rc && cold.n)
			rc = take_some(l, &cold);
	else
		rc = rw_buf_add_slice(&l->text, cold);
	text->p += n;
	text->n -= n;
	return rc || !text->n ? rc : take_byte(l, tokens, text);
}

/* What may become a token or a canary is not shown to the matcher. */
static size_t shown_of(struct rw_lane *l)
{
	size_t n = l->text.len, open;

	check_token(l);
	if (l->token)
		n = l->token - 1;
	if (!l->guard.canaries || l->guard.canary_action < RW_ACT_MASK)
		return n;
	open = rw_canary_open(l->guard.canaries, &l->canary, n);
	return open < n ? open : n;
}

int rw_lane_take(struct rw_lane *l, struct rw_slice text)
{
	bool tokens = l->guard.in_answer && rw_vault_has_tokens(l->guard.vault);
	int rc = RW_OK;

	if (l->guard.canaries)
		while (!rc && text.n)
			rc = take_stretch(l, tokens, &text);
	else if (tokens)
		while (!rc && text.n)
			rc = take_some(l, &text);
	else
		rc = rw_buf_add_slice(&l->text, text);
	l->shown = shown_of(l);
	return rc;
}

size_t rw_lane_listen(struct rw_lane *l, struct rw_slice text, bool end, bool *blocks)
{
	long n = rw_echo_feed(l->guard.echo, &l->echo, text, end);

	*blocks = n >= 0 && l->guard.echo_action == RW_ACT_BLOCK;
	if (n >= 0)
		rw_tally_rule(&l->tally, (uint16_t)l->r->leak_rule, l->guard.echo_action);
	return *blocks ? (size_t)n : text.n;
}
