/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/factor.h"

#include <string.h>

enum { DEPTH_MAX = 12, CLASS_WORDS = 4, COUNT_MAX = 127 };

/* Of one kind, how much stands side by side: at the front of every match, at its back, anywhere;
 * all: every match is nothing else. */
struct stretch {
	bool all;
	uint8_t front, back, best;
};
enum { STRETCHES = RW_COUNT_NUMBER - RW_COUNT_RUN };

/* A part of a pattern. */
struct node {
	uint32_t least, most; /* bytes */
	bool exact;	      /* it matches words and nothing else */
	bool apart;	      /* what it matches, if anything, ends in a byte that is of no word */
	struct rw_word_set words;
	bool found; /* in each match there is one of best */
	struct rw_word_set best;
	uint8_t need[RW_COUNTS]; /* without what stretches tell */
	struct stretch stretches[STRETCHES];
	struct rw_byte_set first; /* what it begins with, where it is not empty */
	bool bounded;		  /* at a boundary of words */
};

struct parser {
	const char *p;
	struct rw_arena *arena;
	bool caseless, failed, captures;
	bool apart; /* a byte of words that comes next begins one */
	unsigned depth;
	struct rw_factors *out; /* the sets in order, for the outermost level */
};

/* --- nodes --------------------------------------------------------------------------------- */

static void take_best(struct node *n, const struct rw_word_set *s)
{
	if (!rw_word_set_usable(s) ||
	    (n->found && rw_word_set_cost(&n->best) <= rw_word_set_cost(s)))
		return;
	n->found = true;
	n->best = *s;
}

static uint32_t add_width(uint32_t a, uint32_t b)
{
	return a + b > RW_FACTOR_FAR ? RW_FACTOR_FAR : a + b;
}

static uint32_t times_width(uint32_t a, uint32_t n)
{
	uint64_t all = (uint64_t)a * n;

	return all > RW_FACTOR_FAR ? RW_FACTOR_FAR : (uint32_t)all;
}

static struct stretch stretch_of(bool all, uint8_t n)
{
	n = all ? n : 0;
	return (struct stretch){all, n, n, n};
}

static uint8_t add_count(uint8_t a, uint8_t b)
{
	return a + b > COUNT_MAX ? COUNT_MAX : (uint8_t)(a + b);
}

static uint8_t least_of(uint8_t a, uint8_t b)
{
	return a < b ? a : b;
}

static uint8_t most_of(uint8_t a, uint8_t b)
{
	return a > b ? a : b;
}

static struct stretch stretch_append(struct stretch a, struct stretch b)
{
	return (struct stretch){
		.all = a.all && b.all,
		.front = a.all ? add_count(a.front, b.front) : a.front,
		.back = b.all ? add_count(a.back, b.back) : b.back,
		.best = most_of(most_of(a.best, b.best), add_count(a.back, b.front)),
	};
}

static struct stretch stretch_or(struct stretch a, struct stretch b)
{
	return (struct stretch){a.all && b.all, least_of(a.front, b.front),
				least_of(a.back, b.back), least_of(a.best, b.best)};
}

static struct stretch stretch_repeat(struct stretch a, uint32_t least)
{
	struct stretch out = a;

	if (!least)
		return stretch_of(a.all, 0);
	for (uint32_t i = 1; i < least && i < COUNT_MAX; i++)
		out = stretch_append(out, a);
	return out;
}

#define DIGITS	 (UINT64_C(0x3ff) << '0')
#define CAPITALS (UINT64_C(0x3ffffff) << ('A' - 64))
#define SMALL	 (UINT64_C(0x3ffffff) << ('a' - 64))
#define BIT(c)	 (UINT64_C(1) << (c) % 64)

/* Whether all of a are in b. */
static bool within(const struct rw_byte_set *a, const struct rw_byte_set *b)
{
	uint64_t beyond = 0;

	for (unsigned i = 0; i < 4; i++)
		beyond |= a->in[i] & ~b->in[i];
	return !beyond;
}

static bool meets(const struct rw_byte_set *a, const struct rw_byte_set *b)
{
	uint64_t both = 0;

	for (unsigned i = 0; i < 4; i++)
		both |= a->in[i] & b->in[i];
	return both;
}

static unsigned members_of(const struct rw_byte_set *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 4; i++)
		n += (unsigned)__builtin_popcountll(s->in[i]);
	return n;
}

/* Whether a number may go on over each, and be of it. */
static bool all_grouped(const struct rw_byte_set *s)
{
	for (unsigned i = 0; i < 4; i++)
		for (uint64_t left = s->in[i] & ~(i ? 0 : DIGITS); left; left &= left - 1)
			if (!rw_is_between_groups(
				    (unsigned char)(64 * i + (unsigned)__builtin_ctzll(left))))
				return false;
	return true;
}

/* Each member of a small set as a word. False: no memory. */
static bool add_members(struct rw_arena *arena, const struct rw_byte_set *set,
			struct rw_word_set *words)
{
	for (unsigned i = 0; i < 4; i++) {
		for (uint64_t left = set->in[i]; left; left &= left - 1) {
			char *text = rw_arena_alloc(arena, 2);

			if (!text)
				return false;
			text[0] = (char)(64 * i + (unsigned)__builtin_ctzll(left));
			rw_word_set_add(words, (struct rw_factor_word){.text = text, .n = 1});
		}
	}
	return true;
}

static void node_of_bytes(struct parser *ps, const struct rw_byte_set *from, struct node *out)
{
	static const struct rw_byte_set digits = {{DIGITS}}, upper = {{0, CAPITALS}},
					alnum = {{DIGITS, CAPITALS | SMALL}},
					spaced = {{DIGITS | BIT(' '), CAPITALS | SMALL}},
					word = {{DIGITS, CAPITALS | SMALL | BIT('_')}};
	static const struct {
		enum rw_count count;
		struct rw_byte_set only;
	} signs[] = {{RW_COUNT_AT, {{0, BIT('@')}}},
		     {RW_COUNT_COLON, {{BIT(':')}}},
		     {RW_COUNT_DOT, {{BIT('.')}}},
		     {RW_COUNT_DASH, {{BIT('-')}}}};
	struct rw_byte_set set = *from, told;
	unsigned members;
	bool some;

	if (ps->caseless)
		rw_byte_set_fold_case(&set);
	told = set;
	if (ps->caseless)
		told.in[1] &= ~CAPITALS; /* its small letter stands for each */
	members = members_of(&told);
	some = members > 0;
	*out = (struct node){.least = 1, .most = 1, .first = set};
	out->exact = some && members <= CLASS_WORDS;
	out->apart = !meets(&set, &word);
	if (out->exact && !add_members(ps->arena, &told, &out->words)) {
		ps->failed = true;
		return;
	}
	out->stretches[0] = stretch_of(some && within(&set, &digits), 1);
	out->stretches[1] = stretch_of(some && all_grouped(&set), within(&set, &digits) ? 1 : 0);
	out->stretches[2] = stretch_of(some && within(&set, &alnum), 1);
	out->stretches[3] = stretch_of(some && within(&set, &spaced), within(&set, &alnum) ? 1 : 0);
	out->need[RW_COUNT_BYTES] = 1;
	out->need[RW_COUNT_DIGIT] = some && within(&set, &digits);
	out->need[RW_COUNT_UPPER] = some && within(&set, &upper);
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		out->need[signs[i].count] |= some && within(&told, &signs[i].only);
}

static void node_empty(struct node *out)
{
	*out = (struct node){.exact = true, .apart = true};
	for (unsigned k = 0; k < STRETCHES; k++)
		out->stretches[k] = stretch_of(true, 0);
	rw_word_set_empty(&out->words);
}

static void read_ways(struct parser *ps, struct node *out);

/* What stands in (?...) before its content: 0 a group, 1 looks around, 2 a group that is told
 * apart. -1: not known here. */
static int group_kind(struct parser *ps)
{
	static const struct {
		const char *text;
		int kind;
	} kinds[] = {{"?:", 0}, {"?=", 1}, {"?!", 1}, {"?<=", 1}, {"?<!", 1}};

	if (*ps->p != '?')
		return 2;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t n = strlen(kinds[i].text);

		if (strncmp(ps->p, kinds[i].text, n) != 0)
			continue;
		ps->p += n;
		return kinds[i].kind;
	}
	return -1;
}

static void read_group(struct parser *ps, struct node *out)
{
	struct rw_factors *top = ps->out;
	int kind = group_kind(ps);

	if (kind < 0 || ps->depth == DEPTH_MAX) {
		ps->failed = true;
		return;
	}
	ps->captures |= kind == 2;
	ps->depth++;
	ps->out = NULL;
	read_ways(ps, out);
	ps->out = top;
	ps->depth--;
	ps->failed |= *ps->p != ')';
	ps->p += *ps->p == ')';
	if (kind == 1)
		node_empty(out);
}

/* One atom, without its repeat. *boundary: it is \b, which is as wide as nothing. */
static void read_atom(struct parser *ps, struct node *out, bool *boundary)
{
	struct rw_byte_set set = {{0}};
	char c = *ps->p++;
	int byte;

	*boundary = false;
	if (c == '(') {
		read_group(ps, out);
		return;
	}
	if (c == '[') {
		ps->failed |= !rw_byte_set_read_class(&set, &ps->p);
	} else if (c == '.') {
		rw_byte_set_put_range(&set, 0, 255);
	} else if (c == '\\') {
		c = *ps->p;
		ps->p += c != '\0';
		if (c == 'b') {
			*boundary = true;
			node_empty(out);
			return;
		}
		byte = rw_byte_set_put_escape(&set, c) ? -1 : rw_byte_escaped(c);
		if (byte >= 0)
			rw_byte_set_put(&set, (unsigned)byte);
		else if (!strchr("dDwWsS", c))
			ps->failed = true;
	} else {
		rw_byte_set_put(&set, (unsigned char)c);
	}
	if (!ps->failed)
		node_of_bytes(ps, &set, out);
}

static bool read_number(const char **p, uint32_t *out)
{
	const char *from = *p;

	*out = 0;
	while (**p >= '0' && **p <= '9' && *p - from < 5)
		*out = *out * 10 + (uint32_t)(*(*p)++ - '0');
	return *p > from;
}

/* The repeat behind an atom, if one is there. */
static bool read_repeat(struct parser *ps, uint32_t *least, uint32_t *most)
{
	const char *p = ps->p;

	*least = *most = 1;
	if (*p == '?' || *p == '*' || *p == '+') {
		*least = *p == '+';
		*most = *p == '?' ? 1 : RW_FACTOR_FAR;
		p++;
	} else if (*p == '{') {
		p++;
		if (!read_number(&p, least))
			return false; /* a brace that means itself */
		*most = *least;
		if (*p == ',') {
			p++;
			if (!read_number(&p, most))
				*most = RW_FACTOR_FAR;
		}
		if (*p != '}' || *most < *least) {
			ps->failed = true;
			return false;
		}
		p++;
	} else {
		return false;
	}
	p += *p == '?' || *p == '+';
	ps->p = p;
	return true;
}

static void begin_anywhere(struct rw_word_set *s)
{
	s->begins = false;
	for (unsigned i = 0; i < s->n; i++)
		s->at[i].begins = false;
}

static void repeat(struct parser *ps, struct node *n, uint32_t least, uint32_t most)
{
	bool empty = false;

	if (most > 1 && !n->apart) { /* where the first ends begins the second */
		begin_anywhere(&n->words);
		begin_anywhere(&n->best);
	}

	if (least == 0) {
		empty = n->exact && most == 1 &&
			rw_word_set_add(&n->words, (struct rw_factor_word){.text = ""});
		n->found = false;
	} else if (n->exact && (most > 1 || least > 1)) {
		struct rw_word_set one = n->words;

		take_best(n, &one);
		for (uint32_t i = 1; n->exact && i < least; i++)
			n->exact = least == most && rw_word_set_append(&n->words, &one, ps->arena);
		n->exact &= least == most;
	}
	if (least == 0) {
		n->exact = empty;
		n->words.begins = n->words.ends = false;
	}
	for (unsigned k = 0; k < RW_COUNTS; k++) {
		uint32_t all = times_width(n->need[k], least);

		n->need[k] = (uint8_t)(all > COUNT_MAX ? COUNT_MAX : all);
	}
	for (unsigned k = 0; k < STRETCHES; k++)
		n->stretches[k] = stretch_repeat(n->stretches[k], least);
	n->least = times_width(n->least, least);
	n->most = times_width(n->most, most);
}

/* A sequence that is being read. */
struct sequence {
	struct node all;
	struct rw_word_set run; /* the words that end here */
	bool run_all;		/* they are all there was so far */
	bool apart;		/* a byte of words that comes next begins one */
	uint32_t since;		/* bytes at most since the last set told */
};

static void tell_set(struct parser *ps, struct sequence *q, const struct rw_word_set *s,
		     uint32_t behind)
{
	struct rw_factors *f = ps->out;

	take_best(&q->all, s);
	if (!f || !rw_word_set_usable(s) || f->n == RW_FACTOR_SETS_MAX)
		return;
	f->sets[f->n] = rw_arena_alloc(ps->arena, sizeof(*s));
	if (!f->sets[f->n]) {
		ps->failed = true;
		return;
	}
	*f->sets[f->n] = *s;
	f->sets[f->n++]->reach = add_width(q->since, behind);
	q->since = behind;
}

/* Puts an atom behind the sequence. */
static void append(struct parser *ps, struct sequence *q, const struct node *n)
{
	bool apart = q->apart;

	for (unsigned k = 0; k < RW_COUNTS; k++)
		q->all.need[k] = add_count(q->all.need[k], n->need[k]);
	for (unsigned k = 0; k < STRETCHES; k++)
		q->all.stretches[k] = stretch_append(q->all.stretches[k], n->stretches[k]);
	for (unsigned i = 0; i < 4 && !q->all.least; i++)
		q->all.first.in[i] |= n->first.in[i];
	q->all.bounded |= !q->all.most && n->bounded;
	q->all.least = add_width(q->all.least, n->least);
	q->all.most = add_width(q->all.most, n->most);
	q->all.apart = n->apart && (n->least || q->all.apart);
	q->apart = n->apart && (n->least || q->apart);
	if (n->exact && rw_word_set_append(&q->run, &n->words, ps->arena)) {
		q->since = add_width(q->since, n->most);
		return;
	}
	q->run_all = false;
	tell_set(ps, q, &q->run, 0);
	rw_word_set_empty(&q->run);
	if (n->exact) {
		q->run = n->words;
		q->run.begins |= apart;
		q->since = add_width(q->since, n->most);
		return;
	}
	q->run.begins = q->apart;
	if (n->found)
		tell_set(ps, q, &n->best, n->most);
	else
		q->since = add_width(q->since, n->most);
}

static void read_sequence(struct parser *ps, struct node *out)
{
	struct sequence q = {.run_all = true, .apart = ps->apart};
	uint32_t least, most;
	struct node n;
	bool boundary;

	node_empty(&q.all);
	rw_word_set_empty(&q.run);
	q.run.begins = q.apart;
	while (!ps->failed && *ps->p && *ps->p != '|' && *ps->p != ')') {
		ps->apart = q.apart;
		read_atom(ps, &n, &boundary);
		if (ps->failed)
			return;
		if (boundary) {
			if (q.run.n == 1 && q.run.at[0].n == 0)
				q.run.begins = true;
			else
				q.run.ends = true;
			q.apart = true;
			q.all.bounded |= !q.all.most;
			continue;
		}
		if (read_repeat(ps, &least, &most))
			repeat(ps, &n, least, most);
		append(ps, &q, &n);
	}
	tell_set(ps, &q, &q.run, 0);
	*out = q.all;
	out->exact = q.run_all;
	out->words = q.run;
}

/* What all words of a set have, each has: before others join them. */
static void push_down(struct rw_word_set *s)
{
	for (unsigned i = 0; i < s->n; i++)
		s->at[i].begins |= s->begins;
}

/* Ways: one is enough. */
static void read_ways(struct parser *ps, struct node *out)
{
	struct rw_factors *top = ps->out;
	const char *from = ps->p;
	bool apart = ps->apart, found;
	struct node way;

	read_sequence(ps, out);
	if (ps->failed || *ps->p != '|')
		return;
	if (top) { /* no order among ways: told as one set */
		top->n = 0;
		ps->out = NULL;
		ps->p = from;
		ps->apart = apart;
		read_sequence(ps, out);
	}
	if (out->exact)
		take_best(out, &out->words);
	found = out->found;
	push_down(&out->words);
	push_down(&out->best);
	while (!ps->failed && *ps->p == '|') {
		ps->p++;
		ps->apart = apart;
		read_sequence(ps, &way);
		if (ps->failed)
			break;
		if (way.exact)
			take_best(&way, &way.words);
		push_down(&way.words);
		push_down(&way.best);
		for (unsigned i = 0; out->exact && i < way.words.n; i++)
			out->exact = way.exact && rw_word_set_add(&out->words, way.words.at[i]);
		out->words.begins &= way.words.begins;
		out->words.ends &= way.words.ends;
		found &= way.found;
		for (unsigned i = 0; found && i < way.best.n; i++)
			found = rw_word_set_add(&out->best, way.best.at[i]);
		out->best.begins &= way.best.begins;
		out->best.ends &= way.best.ends;
		out->apart &= way.apart;
		out->bounded &= way.bounded;
		for (unsigned i = 0; i < 4; i++)
			out->first.in[i] |= way.first.in[i];
		for (unsigned k = 0; k < STRETCHES; k++)
			out->stretches[k] = stretch_or(out->stretches[k], way.stretches[k]);
		out->least = way.least < out->least ? way.least : out->least;
		out->most = way.most > out->most ? way.most : out->most;
		for (unsigned k = 0; k < RW_COUNTS; k++)
			if (way.need[k] < out->need[k])
				out->need[k] = way.need[k];
	}
	out->found = found;
	ps->out = top;
	if (top && found) {
		struct sequence q = {.since = 0};

		tell_set(ps, &q, &out->best, out->most);
	}
}

bool rw_factors_of(const char *pattern, struct rw_arena *arena, struct rw_factors *out)
{
	struct parser ps = {.p = pattern, .arena = arena, .out = out};
	struct node all;

	*out = (struct rw_factors){.n = 0};
	if (!strncmp(pattern, "(?i)", 4)) {
		ps.caseless = out->caseless = true;
		ps.p += 4;
	}
	read_ways(&ps, &all);
	if (ps.failed || *ps.p)
		return false;
	memcpy(out->need, all.need, sizeof(out->need));
	for (unsigned k = 0; k < STRETCHES; k++)
		out->need[RW_COUNT_RUN + k] = all.stretches[k].best;
	out->first = all.first;
	out->bounded = all.bounded;
	out->captures = ps.captures;
	return true;
}
