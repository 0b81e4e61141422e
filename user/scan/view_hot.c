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
size_t RW_HOT(rw_fold_plain)(struct rw_view *v, struct rw_slice text, size_t i)
{
	size_t n = v->n;
	bool space = n && v->bytes[n - 1] == ' ';
	uint64_t x;
	char c;

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

/* 64 bytes folded, and what they are: a bit for each. */
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

/*
 * How many of the bytes fold by themselves: none beyond ASCII, no white space behind another, and
 * nothing that leet knows in a row of such that a letter or the block ends, or behind a letter.
 * before: the view's byte in front, or 0.
 */
static inline unsigned plain_bytes(const struct folded *f, char before)
{
	uint64_t stop = f->wide | (f->space & (f->space << 1 | (before == ' ')));
	uint64_t after_letter = f->letter << 1 | (uint64_t)(before >= 'a' && before <= 'z');
	uint64_t letters = after_letter | f->letter >> 1 | UINT64_C(1) << 63;
	uint64_t odd = f->sign & letters, less;

	if (odd) {
		less = ~f->sign & ((odd & -odd) - 1); /* what is in front of its row */
		stop |= less ? UINT64_C(2) << (63 - __builtin_clzll(less)) : 1;
	}
	return stop ? (unsigned)__builtin_ctzll(stop) : RW_BLOCK;
}

static bool is_space(char c)
{
	return (c >= 0 && c <= ' ') || c == 0x7f;
}

size_t RW_HOT(rw_fold_plain)(struct rw_view *v, struct rw_slice text, size_t i)
{
	char rest[RW_BLOCK];

	while (i < text.n) {
		char before = v->n ? v->bytes[v->n - 1] : 0;
		size_t left = text.n - i, n;
		const char *p = text.p + i;
		struct folded f;

		if (left < RW_BLOCK) {
			memset(rest, '.', sizeof(rest));
			p = memcpy(rest, p, left);
		}
		f = fold_block(p, v->bytes + v->n);
		n = plain_bytes(&f, before);
		n = n < left ? n : left;
		for (unsigned k = 0; k < RW_BLOCK; k++)
			v->origin[v->n + k] = (uint16_t)(i + k);
		v->n += n;
		i += n;
		if (n == RW_BLOCK)
			continue;
		if (i == text.n || !is_space(text.p[i]))
			return i;
		while (i < text.n && is_space(text.p[i]))
			i++;
	}
	return i;
}

#endif
