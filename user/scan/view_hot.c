/* SPDX-License-Identifier: Apache-2.0 */
/* Folding of what most texts are nearly all of: ASCII whose bytes fold each by itself. */
#include "scan/lanes.h"
#include "scan/view.h"

#if RW_LEVEL == 1

/* ASCII that stands for itself, in lower case; 0: there is more to it. */
static const char plain[256] = {
	['!'] = '!', ['"'] = '"',   ['#'] = '#', ['%'] = '%', ['&'] = '&', ['\''] = '\'',
	['('] = '(', [')'] = ')',   ['*'] = '*', ['+'] = '+', [','] = ',', ['-'] = '-',
	['.'] = '.', ['/'] = '/',   ['2'] = '2', ['6'] = '6', [':'] = ':', [';'] = ';',
	['<'] = '<', ['='] = '=',   ['>'] = '>', ['?'] = '?', ['A'] = 'a', ['B'] = 'b',
	['C'] = 'c', ['D'] = 'd',   ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h',
	['I'] = 'i', ['J'] = 'j',   ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n',
	['O'] = 'o', ['P'] = 'p',   ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't',
	['U'] = 'u', ['V'] = 'v',   ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
	['['] = '[', ['\\'] = '\\', [']'] = ']', ['^'] = '^', ['_'] = '_', ['`'] = '`',
	['a'] = 'a', ['b'] = 'b',   ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f',
	['g'] = 'g', ['h'] = 'h',   ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l',
	['m'] = 'm', ['n'] = 'n',   ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r',
	['s'] = 's', ['t'] = 't',   ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x',
	['y'] = 'y', ['z'] = 'z',   ['{'] = '{', ['|'] = '|', ['}'] = '}', ['~'] = '~',
};

/*
 * Folds eight bytes at once, where each folds by itself: ASCII, no white space behind another, and
 * nothing that leet knows beside a letter or at an end. before: a space stands in front.
 */
static bool fold8(uint64_t *bytes, bool before)
{
	uint64_t x = *bytes, control, letter, sign;

	if (x & RW_ALL8(0x80))
		return false;
	control = rw_between8(x, 0, ' ') | rw_between8(x, 0x7f, 0x7f);
	if (control & (control << 8 | (before ? 0x80 : 0)))
		return false;
	x = (x & ~((control >> 7) * 0xff)) | control >> 2; /* 0x80 >> 2 is a space */
	x += rw_between8(x, 'A', 'Z') >> 2;		   /* and the bit of lower case */
	letter = rw_between8(x, 'a', 'z');
	sign = rw_between8(x, '0', '9') | rw_between8(x, '@', '@') | rw_between8(x, '$', '$');
	if (sign & (letter << 8 | letter >> 8 | UINT64_C(0x8000000000000080)))
		return false;
	*bytes = x;
	return true;
}

/* Folds plain bytes from i on, which are most of most texts; where it stopped. */
size_t RW_HOT(rw_fold_plain)(struct rw_view *v, struct rw_slice text, size_t i, size_t *folded)
{
	size_t n = v->n;
	bool space = n && v->bytes[n - 1] == ' ';
	uint64_t x;
	char c;

	(void)folded;
	for (; i + sizeof(x) <= text.n; i += sizeof(x), n += sizeof(x)) {
		x = rw_load8(text.p + i);
		if (!fold8(&x, space))
			break;
		rw_store8(v->bytes + n, x);
		for (unsigned k = 0; k < sizeof(x); k++)
			v->origin[n + k] = (uint16_t)(i + k);
		space = x >> 56 == ' ';
	}
	for (; i < text.n && (c = plain[(unsigned char)text.p[i]]) != 0; i++, n++) {
		v->bytes[n] = c;
		v->origin[n] = (uint16_t)i;
	}
	v->n = n;
	return i;
}

#else

/* 64 bytes folded, and what they are: a bit for each. Signs are digits, @ and $: most look like a
 * letter, but 2 and 6, which are told from these where it matters. */
struct folded {
	uint64_t wide, space, letter, sign;
};

static inline struct folded fold_block(const char *p, char *out)
{
	struct folded f = {0};

	for (unsigned i = 0; i < RW_BLOCK / RW_LANES; i++) {
		rw_lanes x = rw_lanes_load(p + (size_t)i * RW_LANES), space, letter, sign;

		f.wide |= rw_lanes_bits(x) << (i * RW_LANES);
		space = rw_lanes_within(x, 0, ' ') | rw_lanes_equal(x, 0x7f);
		x = (x & ~space) | (space & ' ');
		x += rw_lanes_within(x, 'A', 'Z') & 0x20;
		letter = rw_lanes_within(x, 'a', 'z');
		sign = rw_lanes_within(x, '0', '9') | rw_lanes_equal(x, '@') |
		       rw_lanes_equal(x, '$');
		f.space |= rw_lanes_bits(space) << (i * RW_LANES);
		f.letter |= rw_lanes_bits(letter) << (i * RW_LANES);
		f.sign |= rw_lanes_bits(sign) << (i * RW_LANES);
		memcpy(out + (size_t)i * RW_LANES, &x, sizeof(x));
	}
	return f;
}

/* The signs that a letter follows, at once or behind as many more as are looked at. */
static inline uint64_t before_letter(uint64_t sign, uint64_t letter)
{
	uint64_t one = sign >> 1, two = one & sign >> 2, three = two & sign >> 3;

	_Static_assert(RW_LEET_AHEAD == 4, "as many are shifted");
	return letter >> 1 | (one & letter >> 2) | (two & letter >> 3) | (three & letter >> 4);
}

static inline uint64_t without_2_and_6(const char *folded, uint64_t sign)
{
	for (unsigned i = 0; i < RW_BLOCK / RW_LANES; i++) {
		rw_lanes x = rw_lanes_load(folded + (size_t)i * RW_LANES);

		sign &= ~(rw_lanes_bits(rw_lanes_equal(x, '2') | rw_lanes_equal(x, '6'))
			  << (i * RW_LANES));
	}
	return sign;
}

/* Whether the word that went on up to at of the view, of whose block spaces are known, is leet yet.
 */
static inline bool goes_on(const struct rw_view *v, size_t folded, size_t at, uint64_t spaces)
{
	unsigned first = folded > v->n ? (unsigned)(folded - v->n) : 0;

	spaces &= (UINT64_C(1) << (at - v->n)) - 1;
	return at - folded <= RW_LEET_REACH && !(spaces >> first);
}

/*
 * Makes letters of signs among the first n bytes of the block, which stands behind the view and
 * came from text at i, as rw_view_fold_with has it: where a word begins with one or a letter is in
 * front, and another follows; in a word that had one, behind any letter.
 */
static void turn_signs(struct rw_view *v, struct rw_slice text, size_t i, unsigned n,
		       const struct folded *f, size_t *folded)
{
	char last = v->n ? v->bytes[v->n - 1] : ' ';
	uint64_t sign = without_2_and_6(v->bytes + v->n, f->sign), left = sign, some;
	uint64_t behind_letter = f->letter << 1 | (last >= 'a' && last <= 'z');
	uint64_t first = before_letter(sign, f->letter) &
			 (behind_letter | f->space << 1 | (last == ' '));
	bool open = rw_view_word_is_leet(v, *folded); /* the word had one */

	if (n < RW_BLOCK)
		left &= (UINT64_C(1) << n) - 1;
	while ((some = open ? left : left & first) != 0) {
		unsigned k = (unsigned)__builtin_ctzll(some);
		uint64_t bit = some & -some;
		size_t at = v->n + k;

		if (open && !goes_on(v, *folded, at, f->space)) {
			open = false; /* but it may begin another */
			continue;
		}
		left &= ~(bit | (bit - 1));
		if (open && !(behind_letter & bit))
			continue;
		v->bytes[at] = rw_view_leet_letter(at ? v->bytes[at - 1] : ' ', text, i + k);
		behind_letter |= bit << 1;
		*folded = at;
		open = true;
	}
}

/* Bits of the last signs of a block: what follows tells whether they are letters. */
#define LAST_SIGNS (-(UINT64_C(1) << (RW_BLOCK - RW_LEET_AHEAD)))

/* Whether any of the signs may be a letter; more may than do. The block is at at of the view, which
 * is less than folded where none was. */
static inline bool may_turn(const struct rw_view *v, size_t at, const struct folded *f,
			    size_t folded)
{
	char last = at ? v->bytes[at - 1] : ' ';
	uint64_t alone = last == ' ' || (last >= 'a' && last <= 'z');

	return f->sign && (at - folded <= RW_LEET_REACH ||
			   f->sign & (before_letter(f->sign, f->letter) | LAST_SIGNS) &
				   ((f->letter | f->space) << 1 | alone));
}

static bool is_space(char c)
{
	return (c >= 0 && c <= ' ') || c == 0x7f;
}

static bool is_wide(char c)
{
	return c & (char)0x80;
}

static inline bool ends_with_space(const struct rw_view *v)
{
	return v->n && v->bytes[v->n - 1] == ' ';
}

static inline unsigned first_of(uint64_t bits)
{
	return bits ? (unsigned)__builtin_ctzll(bits) : RW_BLOCK;
}

static inline void put_origins(uint16_t *origin, size_t i)
{
	for (unsigned k = 0; k < RW_BLOCK; k++)
		origin[k] = (uint16_t)(i + k);
}

/*
 * The block at p, i bytes behind the text's start, is at to of the view up to the first of drops,
 * the white space behind another; puts the stretches between these there. Where the view ends then.
 * As many bytes as it has follow it. They are folded again, since to move what was just written
 * waits.
 */
static inline size_t put_stretches(struct rw_view *v, const char *p, size_t i, size_t to,
				   uint64_t drops)
{
	unsigned end = first_of(drops), from;

	to += end;
	while ((from = first_of(~drops & -(UINT64_C(1) << end))) < RW_BLOCK) {
		end = first_of(drops & -(UINT64_C(1) << from));
		fold_block(p + from, v->bytes + to);
		put_origins(v->origin + to, i + from);
		to += end - from;
		if (end == RW_BLOCK)
			break;
	}
	return to;
}

/* A block with more to it: of n bytes only signs are to be turned. The view does not count it yet.
 */
struct odd {
	struct folded f;
	unsigned n; /* 0: there is none, or nothing of it folds so */
};

/* How far what is in the block stands for itself, but for signs. */
static inline unsigned even_bytes(const struct folded *f, uint64_t drops)
{
	return first_of(f->wide | drops | (f->sign & LAST_SIGNS));
}

/*
 * Folds blocks up to one that has signs to turn or bytes beyond ASCII, or to the last; where that
 * is. No call is in the loop, so what it compares with stays in registers; and where the next block
 * is does not wait for what is in this.
 */
static size_t fold_blocks(struct rw_view *v, struct rw_slice text, size_t i, size_t folded,
			  struct odd *odd)
{
	bool behind_space = ends_with_space(v);
	size_t to = v->n;

	odd->n = 0;
	for (; text.n - i >= RW_BLOCK; i += RW_BLOCK) {
		struct folded f = fold_block(text.p + i, v->bytes + to);
		uint64_t drops = f.space & (f.space << 1 | behind_space);

		put_origins(v->origin + to, i);
		if (f.wide || (drops && text.n - i < 2 * RW_BLOCK) || may_turn(v, to, &f, folded)) {
			*odd = (struct odd){f, even_bytes(&f, drops)};
			break;
		}
		to = drops ? put_stretches(v, text.p + i, i, to, drops) : to + RW_BLOCK;
		behind_space = f.space >> (RW_BLOCK - 1);
	}
	v->n = to;
	return i;
}

/* Less than a block, which ends the text. */
static void fold_rest(struct rw_view *v, struct rw_slice text, size_t i, struct odd *odd)
{
	size_t left = text.n - i;
	char rest[RW_BLOCK];
	uint64_t drops;

	memset(rest, '.', sizeof(rest));
	memcpy(rest, text.p + i, left);
	odd->f = fold_block(rest, v->bytes + v->n);
	drops = odd->f.space & (odd->f.space << 1 | ends_with_space(v));
	odd->n = first_of(odd->f.wide | drops);
	odd->n = odd->n < left ? odd->n : (unsigned)left;
	put_origins(v->origin + v->n, i);
}

size_t RW_HOT(rw_fold_plain)(struct rw_view *v, struct rw_slice text, size_t i, size_t *folded)
{
	struct odd odd;

	while (i < text.n && !is_wide(text.p[i])) {
		i = fold_blocks(v, text, i, *folded, &odd);
		if (i < text.n && text.n - i < RW_BLOCK)
			fold_rest(v, text, i, &odd);
		if (odd.n && may_turn(v, v->n, &odd.f, *folded))
			turn_signs(v, text, i, odd.n, &odd.f, folded);
		v->n += odd.n;
		i += odd.n;
		while (i < text.n && ends_with_space(v) && is_space(text.p[i]))
			i++;
	}
	return i;
}

#endif
