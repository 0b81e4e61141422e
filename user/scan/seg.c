/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/seg_int.h"

#include "base/err.h"
#include "scan/street.h"

const uint8_t rw_seg_classes[256] = {
	['a' ... 'z'] = IN_TOKEN | SWALLOW,
	['A' ... 'Z'] = IN_TOKEN | SWALLOW | UPPER,
	['0' ... '9'] = IN_TOKEN | SWALLOW | GROUP | DIGIT,
	['+'] = IN_TOKEN | SWALLOW | GROUP,
	['-'] = IN_TOKEN | SWALLOW | GROUP,
	['.'] = IN_TOKEN | SWALLOW | GROUP,
	['/'] = IN_TOKEN | SWALLOW | GROUP | SLASH,
	['('] = IN_TOKEN | GROUP,
	[')'] = IN_TOKEN | GROUP,
	['='] = IN_TOKEN | SWALLOW | RESET,
	[':'] = IN_TOKEN | RESET,
	['#'] = IN_TOKEN | RESET,
	['@'] = IN_TOKEN | AT,
	['_'] = IN_TOKEN | SWALLOW,
	['~'] = IN_TOKEN | SWALLOW,
	['%'] = IN_TOKEN | SWALLOW,
	['!'] = IN_TOKEN,
	['$'] = IN_TOKEN,
	['&'] = IN_TOKEN,
	['*'] = IN_TOKEN,
	['?'] = IN_TOKEN,
	['^'] = IN_TOKEN,
	[0xe2] = LEAD,
	[0xf3] = LEAD,
};

enum {
	URL_BYTES = 12,
	HIDDEN_BYTES = 1024,
	PEM_BEGIN_BYTES = 10,
};

static uint8_t class_of(struct rw_slice text, size_t at)
{
	return rw_seg_classes[(unsigned char)text.p[at]];
}

void rw_seg_init(struct rw_seg *s, unsigned finds)
{
	*s = (struct rw_seg){.mode = RW_SEG_GAP, .finds = (uint8_t)finds, .held = SIZE_MAX};
}

static bool has_scheme(struct rw_slice text)
{
	return memmem(text.p, text.n, "://", 3);
}

/* Nothing that we look for is short, or without a digit, an @, ://, or length and a capital. What
 * is skipped as prose (is_prose) must not be worth a look here: where a unit ends decides how far a
 * street reads back. */
static bool may_hold(const struct rw_seg *s, struct rw_slice text, size_t end)
{
	if (end - s->run < RW_VALUE_MIN)
		return false;
	if (s->seen & SLASH && end - s->run >= URL_BYTES &&
	    has_scheme(rw_slice_of(text.p + s->run, end - s->run)))
		return true;
	return (s->seen & (DIGIT | AT)) || (end - s->run >= RW_SEG_LONG_TOKEN && (s->seen & UPPER));
}

static void start_token(struct rw_seg *s)
{
	s->token = s->core = s->pos;
	s->at_core = true;
	s->digit = false;
}

static void start_run(struct rw_seg *s)
{
	s->mode = RW_SEG_RUN;
	s->run = s->pos;
	s->seen = 0;
	s->iban = false;
	start_token(s);
}

/* Ends the run at end; false where nothing in it is worth a look. */
static bool end_run(struct rw_seg *s, struct rw_slice text, size_t end, struct rw_unit *u)
{
	bool worth = end > s->run && may_hold(s, text, end);

	*u = (struct rw_unit){RW_UNIT_RUN, s->run, end, end};
	s->mode = RW_SEG_GAP;
	s->pos = end;
	return worth;
}

static bool at_pem_begin(const struct rw_seg *s, struct rw_slice text)
{
	return s->finds & RW_SEG_FINDS_PEM && s->pos - s->token >= PEM_BEGIN_BYTES &&
	       memcmp(text.p + s->pos - PEM_BEGIN_BYTES, "-----BEGIN", PEM_BEGIN_BYTES) == 0;
}

enum walked { WALKED_MORE, WALKED_ON, WALKED_UNIT };

static enum walked take_street(struct rw_seg *s, size_t start, long n, struct rw_unit *u)
{
	size_t end = start + (size_t)n;

	*u = (struct rw_unit){RW_UNIT_STREET, start, end, end};
	s->mode = RW_SEG_GAP;
	s->pos = end;
	return WALKED_UNIT;
}

/* The bytes of the address that the run, a number or two, begins, from start on; as of
 * rw_street_numbered. */
static long street_behind(const struct rw_seg *s, struct rw_slice text, bool eof)
{
	if (!(s->finds & RW_SEG_FINDS_STREETS) || s->pos - s->run > RW_STREET_NUMBER ||
	    !(class_of(text, s->run) & DIGIT))
		return 0;
	if (s->pos + 2 >= text.n)
		return eof ? 0 : -1;
	if (!rw_street_may_follow(rw_slice_of(text.p + s->pos + 1, 2)))
		return 0;
	return rw_street_numbered(text, s->run, eof);
}

/* The byte at pos ends the token: what becomes of the run? */
static enum walked end_token(struct rw_seg *s, struct rw_slice text, bool eof, struct rw_unit *u)
{
	long street;
	int join;

	if (text.p[s->pos] != ' ')
		return end_run(s, text, s->pos, u) ? WALKED_UNIT : WALKED_ON;
	if (at_pem_begin(s, text)) {
		s->mode = RW_SEG_PEM_HEAD;
		s->pem_at = s->pos - PEM_BEGIN_BYTES;
		return WALKED_ON;
	}
	street = street_behind(s, text, eof);
	if (street > 0)
		return take_street(s, s->run, street, u);
	join = street < 0 ? -1 : rw_seg_joins(s, text, eof);
	if (join < 0)
		return WALKED_MORE;
	if (join == 0)
		return end_run(s, text, s->pos, u) ? WALKED_UNIT : WALKED_ON;
	if (s->pos - s->run > RW_JOIN_BYTES) {
		*u = (struct rw_unit){RW_UNIT_STEP, s->run, s->pos, s->pos - RW_JOIN_ENTITY_BYTES};
		return WALKED_UNIT;
	}
	s->pos++;
	start_token(s);
	return WALKED_ON;
}

/* Notes whether what stands behind the last sign of the token that resets, [from, to), is of number
 * groups alone, as it was before from; only then it matters whether there is a digit. */
static void see_groups(struct rw_seg *s, struct rw_slice text, size_t from, size_t to)
{
	while (s->at_core && from < to) {
		uint8_t k = class_of(text, from++);

		s->digit |= k & DIGIT;
		s->at_core = k & GROUP;
	}
}

/* Goes on to the end of the token, at most to stop. A comma is of a number's groups. */
static void walk_token(struct rw_seg *s, struct rw_slice text, size_t stop)
{
	size_t at = s->pos, from = at, core = s->core;
	uint8_t seen = 0, k;

	for (;; from = ++at) {
		for (; at < stop && (k = class_of(text, at)) & IN_TOKEN; at++) {
			seen |= k;
			core = k & RESET ? at + 1 : core;
		}
		if (core > from) {
			s->at_core = true;
			s->digit = false;
			from = core;
		}
		see_groups(s, text, from, at);
		if (at == stop || text.p[at] != ',' || !s->at_core || !s->digit)
			break;
	}
	s->pos = at;
	s->core = core;
	s->seen |= seen;
}

static enum walked walk_run(struct rw_seg *s, struct rw_slice text, bool eof, struct rw_unit *u)
{
	size_t limit = s->run + RW_STEP_BYTES;

	walk_token(s, text, limit < text.n ? limit : text.n);
	if (s->pos == limit) {
		*u = (struct rw_unit){RW_UNIT_STEP, s->run, limit, s->run + RW_STEP_FRONT};
		return WALKED_UNIT;
	}
	if (s->pos < text.n)
		return end_token(s, text, eof, u);
	if (!eof)
		return WALKED_MORE;
	return end_run(s, text, s->pos, u) ? WALKED_UNIT : WALKED_ON;
}

/*
 * Whether a token is prose that decides nothing: no entity in it, and no run that goes on
 * behind it. seen are the classes of its bytes, next the byte that ends it.
 */
static bool is_prose(struct rw_slice token, uint8_t seen, char next)
{
	if (seen & (DIGIT | AT))
		return false;
	if (seen & SLASH && has_scheme(token))
		return false;
	if (seen & UPPER && (token.n >= RW_SEG_LONG_TOKEN || token.p[token.n - 1] == 'N'))
		return false;
	return next != ' ' || !rw_seg_leads(token);
}

static size_t token_start(const unsigned char *p, size_t from, size_t at)
{
	while (at > from && rw_seg_classes[p[at - 1]] & IN_TOKEN)
		at--;
	return at;
}

/* Skips prose up to the token that may be more; where that begins with a digit up to the word
 * before it, if this leads numbers: nothing else joins behind a word. */
static size_t skip_cold(const unsigned char *p, size_t from, size_t n)
{
	size_t at = rw_seg_skip_at[rw_level_here()](p, from, n), before;

	if (at == from || p[at - 1] != ' ' || (at < n && !(rw_seg_classes[p[at]] & DIGIT)))
		return at;
	before = token_start(p, from, at - 1);
	return rw_seg_leads(rw_slice_of((const char *)p + before, at - 1 - before)) ? before : at;
}

/*
 * The bytes of the character at p that nobody sees: of no width, of direction, tags, variation
 * selectors, private ones. 0: it is seen; -1: more is needed to tell.
 */
static int hidden_bytes(const unsigned char *p, size_t n)
{
	static const struct {
		unsigned char lead[3], n, from, to; /* the byte behind the lead */
		unsigned char bytes;
	} kinds[] = {
		{{0xe2, 0x80}, 2, 0x8b, 0x8f, 3}, {{0xe2, 0x80}, 2, 0xaa, 0xae, 3},
		{{0xe2, 0x81}, 2, 0xa0, 0xaf, 3}, {{0xef, 0xbb}, 2, 0xbf, 0xbf, 3},
		{{0xef, 0xb8}, 2, 0x80, 0x8f, 3}, {{0xf3, 0xa0}, 2, 0x80, 0x87, 4},
		{{0xf3}, 1, 0xb0, 0xbf, 4},	  {{0xc2}, 1, 0xad, 0xad, 2},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t lead = kinds[i].n;

		if (memcmp(p, kinds[i].lead, n < lead ? n : lead) != 0)
			continue;
		if (n <= lead)
			return -1;
		if (p[lead] < kinds[i].from || p[lead] > kinds[i].to)
			continue;
		return n < kinds[i].bytes ? -1 : kinds[i].bytes;
	}
	return 0;
}

/* At a byte that may begin an invisible character: a run of them is a run. */
static enum walked start_hidden(struct rw_seg *s)
{
	s->mode = RW_SEG_HIDDEN;
	s->run = s->pos;
	return WALKED_ON;
}

static enum walked walk_hidden(struct rw_seg *s, struct rw_slice text, bool eof, struct rw_unit *u)
{
	int n = 1;

	while (n > 0 && s->pos < text.n && s->pos - s->run < HIDDEN_BYTES) {
		n = hidden_bytes((const unsigned char *)text.p + s->pos, text.n - s->pos);
		s->pos += n > 0 ? (size_t)n : 0;
	}
	if (!eof && s->pos - s->run < HIDDEN_BYTES && (n < 0 || s->pos == text.n))
		return WALKED_MORE;
	s->mode = RW_SEG_GAP;
	*u = (struct rw_unit){RW_UNIT_RUN, s->run, s->pos, s->pos};
	if (s->pos > s->run)
		return WALKED_UNIT;
	s->pos++; /* it begins something else */
	return WALKED_ON;
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (signed char)c < 0;
}

/* At pos a number may begin that a street's name stands in front of; or a run. */
static enum walked start_number(struct rw_seg *s, struct rw_slice text, bool eof, struct rw_unit *u)
{
	size_t lead = s->pos;
	long n = 0;

	/* a letter or the dot of "Str.", and a space: else it is not looked for at all */
	if (s->pos > 2 && text.p[s->pos - 1] == ' ' &&
	    (is_alpha(text.p[s->pos - 2]) || text.p[s->pos - 2] == '.'))
		lead = rw_street_lead(text, s->floor, s->pos);
	if (lead < s->pos)
		n = rw_street_named(text, lead, eof);

	if (n > 0)
		return take_street(s, lead, n, u);
	if (n < 0) {
		s->held = lead;
		return WALKED_MORE;
	}
	start_run(s);
	return WALKED_ON;
}

/* Skips what stands between runs, and prose: most of most texts. */
static enum walked walk_gap(struct rw_seg *s, struct rw_slice text, bool eof, struct rw_unit *u)
{
	const unsigned char *p = (const unsigned char *)text.p;
	size_t at = s->pos, from;

	for (;;) {
		uint8_t seen = 0;

		at = skip_cold(p, at, text.n);
		while (at < text.n && !(rw_seg_classes[p[at]] & (IN_TOKEN | LEAD)))
			at++;
		from = at;
		if (at == text.n)
			break;
		if (!(rw_seg_classes[p[at]] & IN_TOKEN)) {
			s->pos = at;
			return start_hidden(s);
		}
		for (; at < text.n && rw_seg_classes[p[at]] & IN_TOKEN && !(seen & (DIGIT | AT));
		     at++)
			seen |= rw_seg_classes[p[at]];
		if (at == text.n || at - from >= RW_STEP_BYTES ||
		    !is_prose(rw_slice_of(text.p + from, at - from), seen, text.p[at]))
			break;
	}
	s->pos = from;
	if (from == text.n)
		return WALKED_MORE;
	if (s->finds & RW_SEG_FINDS_STREETS && rw_seg_classes[p[from]] & DIGIT)
		return start_number(s, text, eof, u);
	start_run(s);
	return WALKED_ON;
}

static enum walked walk_pem_head(struct rw_seg *s, struct rw_slice text, bool eof,
				 struct rw_unit *u)
{
	long head = rw_pem_head(rw_slice_of(text.p + s->pem_at, text.n - s->pem_at), eof);

	if (head < 0)
		return WALKED_MORE;
	if (head == 0)
		return end_run(s, text, s->pos, u) ? WALKED_UNIT : WALKED_ON;
	s->mode = RW_SEG_PEM_BODY;
	s->opened = false;
	rw_pem_init(&s->pem, s->pem_at + (size_t)head);
	return WALKED_ON;
}

/* There is key material: what stood before it in the run comes first. */
static enum walked open_pem(struct rw_seg *s, struct rw_slice text, struct rw_unit *u)
{
	size_t at = s->pem_at > s->run ? s->pem_at : s->run;
	bool before = s->run < at && may_hold(s, text, at);

	*u = (struct rw_unit){before ? RW_UNIT_RUN : RW_UNIT_PEM_BEGIN, before ? s->run : at, at,
			      at};
	s->run = at;
	s->opened = !before;
	return WALKED_UNIT;
}

static enum walked walk_pem_body(struct rw_seg *s, struct rw_slice text, bool eof,
				 struct rw_unit *u)
{
	enum rw_pem_what what = s->over ? s->what : rw_pem_walk(&s->pem, text, eof);

	if (!s->opened && s->pem.end > s->pem.start) {
		s->over = what != RW_PEM_MORE;
		s->what = what;
		return open_pem(s, text, u);
	}
	if (what == RW_PEM_MORE)
		return WALKED_MORE;
	s->over = false;
	if (!s->opened) { /* a BEGIN line alone is no secret */
		s->pos = s->pem_at + PEM_BEGIN_BYTES;
		return end_run(s, text, s->pos, u) ? WALKED_UNIT : WALKED_ON;
	}
	s->mode = RW_SEG_GAP;
	s->pos = s->pem.end;
	*u = (struct rw_unit){RW_UNIT_CLOSE, s->pos, s->pos, s->pos};
	return WALKED_UNIT;
}

static enum walked walk_swallow(struct rw_seg *s, struct rw_slice text, bool eof, struct rw_unit *u)
{
	while (s->pos < text.n && (class_of(text, s->pos) & SWALLOW))
		s->pos++;
	if (s->pos == text.n && !eof)
		return WALKED_MORE;
	s->mode = RW_SEG_GAP;
	*u = (struct rw_unit){RW_UNIT_CLOSE, s->pos, s->pos, s->pos};
	return WALKED_UNIT;
}

/* Names at the end of the text are held as long as they may be a street's. */
static void hold_streets(struct rw_seg *s, struct rw_slice text)
{
	size_t open;

	if (!(s->finds & RW_SEG_FINDS_STREETS) || (s->mode != RW_SEG_GAP && s->mode != RW_SEG_RUN))
		return;
	open = rw_street_open(text, s->floor);
	if (open < s->held)
		s->held = open;
}

bool rw_seg_next(struct rw_seg *s, struct rw_slice text, bool eof, struct rw_unit *u)
{
	enum walked w;

	s->held = SIZE_MAX;
	do {
		switch (s->mode) {
		case RW_SEG_GAP:
			w = walk_gap(s, text, eof, u);
			break;
		case RW_SEG_HIDDEN:
			w = walk_hidden(s, text, eof, u);
			break;
		case RW_SEG_RUN:
			w = walk_run(s, text, eof, u);
			break;
		case RW_SEG_PEM_HEAD:
			w = walk_pem_head(s, text, eof, u);
			break;
		case RW_SEG_PEM_BODY:
			w = walk_pem_body(s, text, eof, u);
			break;
		case RW_SEG_SWALLOW:
			w = walk_swallow(s, text, eof, u);
			break;
		default:
			RW_BUG_ON(true);
		}
	} while (w == WALKED_ON);
	if (w == WALKED_UNIT)
		s->floor = u->end;
	else if (!eof)
		hold_streets(s, text);
	return w == WALKED_UNIT;
}

void rw_seg_step(struct rw_seg *s, size_t from, bool swallow)
{
	RW_BUG_ON(s->mode != RW_SEG_RUN || from <= s->run || from > s->pos);
	s->run = s->floor = from;
	if (swallow)
		s->mode = RW_SEG_SWALLOW;
	else if (from == s->pos)
		s->mode = RW_SEG_GAP;
}

static size_t decided(const struct rw_seg *s)
{
	switch (s->mode) {
	case RW_SEG_GAP:
	case RW_SEG_SWALLOW:
		return s->pos;
	case RW_SEG_PEM_BODY:
		return s->opened ? s->pem.end : s->run;
	default:
		return s->run;
	}
}

size_t rw_seg_decided(const struct rw_seg *s)
{
	size_t at = decided(s);

	return s->held < at ? s->held : at;
}

void rw_seg_rebase(struct rw_seg *s, size_t n)
{
	size_t *all[] = {&s->pos,     &s->run,	   &s->token,	 &s->core,
			 &s->pem_at,  &s->floor,   &s->pem.pos,	 &s->pem.start,
			 &s->pem.end, &s->pem.gap, &s->pem.token};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		*all[i] -= *all[i] < n ? *all[i] : n;
}
