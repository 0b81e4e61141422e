/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/view.h"

#include "base/err.h"
#include "base/utf8.h"

/* What becomes of a range of code points. */
enum fold_how {
	DROP,	 /* invisible, or a combining mark */
	SPACE,	 /* some kind of space */
	SHIFT,	 /* cp - from + to, then lower case */
	LETTERS, /* A to Z and again from A: (cp - from) mod 26 */
	DIGITS,	 /* 0 to 9 and again from 0 */
	TABLE,	 /* to[cp - from]; '*' keeps */
};

struct fold_range {
	uint32_t from, last;
	enum fold_how how;
	uint32_t to;
	const char *table;
};

/* Sorted. Letters that look Latin become Latin, whatever the script, in patterns as well as texts.
 */
static const struct fold_range ranges[] = {
	{0x00a0, 0x00a0, SPACE, 0, NULL},
	{0x00ad, 0x00ad, DROP, 0, NULL},
	{0x00c0, 0x00ff, TABLE, 0,
	 "aaaaaaaceeeeiiiidnoooooxouuuuypsaaaaaaaceeeeiiiidnooooo/ouuuuypy"},
	{0x0100, 0x017f, TABLE, 0,
	 "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllllnnnnnn*nnoooo"
	 "oooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs"},
	{0x0180, 0x024f, TABLE, 0,
	 "b**g****c***d**eeff**h*i*kl***n*oo***p*******t*uu***y*z*********l************aai"
	 "ioouuuuuuuuuueaaaa****ggkkoooo**j***gg**nnaa****aaaaeeeeiiiioooorrrruuuusstt**hh"
	 "*d***zaaeeooooooooyy***j****c**sz******e*j***r*y"},
	{0x0250, 0x029f, TABLE, 0, /* small capitals, among others */
	 "aaabccddee*e***fggg**hh*iiilll*mmmnnno***r*rrrj*rrs****ttuuvvwyyzz*******b*ghjkl"},
	{0x02b0, 0x02b8, TABLE, 0, "h*jr***wy"},
	{0x02e1, 0x02e3, TABLE, 0, "lsx"},
	{0x0300, 0x036f, DROP, 0, NULL},
	{0x0386, 0x038e, TABLE, 0, "a*ehi*o*u"},
	{0x038f, 0x038f, SHIFT, 0x03c9, NULL},
	{0x0390, 0x0390, TABLE, 0, "i"},
	{0x0391, 0x03a9, TABLE, 0, "ab**ezh*ik*mn*o*p**tu*x**"},
	{0x03aa, 0x03b0, TABLE, 0, "iuaehiu"},
	{0x03b1, 0x03c1, TABLE, 0, "ab**ezh*ik*mn*o*p"},
	{0x03c2, 0x03c2, SHIFT, 0x03c3, NULL}, /* at the end of a word */
	{0x03c3, 0x03c9, TABLE, 0, "*tu*x**"},
	{0x03ca, 0x03cd, TABLE, 0, "iuou"},
	{0x03ce, 0x03ce, SHIFT, 0x03c9, NULL},
	{0x0400, 0x042f, TABLE, 0, "ee***siij*******a*b**e****k*mho*pcty*x**********"},
	{0x0430, 0x045f, TABLE, 0, "a*b**e****k*mho*pcty*x**********ee***siij*******"},
	{0x0474, 0x0475, TABLE, 0, "vv"},
	{0x04ae, 0x04af, TABLE, 0, "yy"},
	{0x04ba, 0x04bb, TABLE, 0, "hh"},
	{0x04c0, 0x04c0, SHIFT, 'l', NULL},
	{0x04cf, 0x04cf, SHIFT, 'l', NULL},
	{0x0501, 0x0501, SHIFT, 'd', NULL},
	{0x051b, 0x051b, SHIFT, 'q', NULL},
	{0x051d, 0x051d, SHIFT, 'w', NULL},
	{0x0566, 0x0585, TABLE, 0, "q*********h*******n****u***g***o"}, /* Armenian */
	{0x05df, 0x05df, SHIFT, 'l', NULL},
	{0x061c, 0x061c, DROP, 0, NULL},
	{0x0622, 0x0622, SHIFT, 0x0627, NULL}, /* Arabic: alef as it is mostly typed */
	{0x0623, 0x0623, SHIFT, 0x0627, NULL},
	{0x0625, 0x0625, SHIFT, 0x0627, NULL},
	{0x0640, 0x0640, DROP, 0, NULL}, /* draws a word out */
	{0x0649, 0x0649, SHIFT, 0x064a, NULL},
	{0x064b, 0x0652, DROP, 0, NULL},
	{0x06a9, 0x06a9, SHIFT, 0x0643,
	 NULL}, /* Persian letters that others write for Arabic ones */
	{0x06cc, 0x06cc, SHIFT, 0x064a, NULL},
	{0x115f, 0x1160, DROP, 0, NULL},
	{0x1680, 0x1680, SPACE, 0, NULL},
	{0x180b, 0x180e, DROP, 0, NULL},
	{0x1d00, 0x1d22, TABLE, 0, "a**bcdde*ijklmno*o*o****prrtuu*mvwz"},
	{0x1d2c, 0x1d6a, TABLE, 0,
	 "a*b*de*ghijklmn*o*prtuwaaa*bde***g*km*o***ptu**v******iruv*****"},
	{0x1d9c, 0x1dbb, TABLE, 0, "c***f**************************z"},
	{0x1e00, 0x1eff, TABLE, 0,
	 "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooo"
	 "oooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwyas**s*"
	 "aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuu"
	 "uuyyyyyyyy******"},
	{0x2000, 0x200a, SPACE, 0, NULL},
	{0x200b, 0x200f, DROP, 0, NULL},
	{0x2010, 0x2015, TABLE, 0, "------"},
	{0x2018, 0x201b, TABLE, 0, "''''"},
	{0x201c, 0x201f, TABLE, 0, "\"\"\"\""},
	{0x2028, 0x2029, SPACE, 0, NULL},
	{0x202a, 0x202e, DROP, 0, NULL},
	{0x202f, 0x202f, SPACE, 0, NULL},
	{0x205f, 0x205f, SPACE, 0, NULL},
	{0x2060, 0x206f, DROP, 0, NULL},
	{0x2070, 0x209c, TABLE, 0, "0i**456789*****n0123456789******aeox*hklmnpst"},
	{0x2102, 0x2149, TABLE, 0,
	 "c*******ghhhh*iill*n***pqrrr******z***z*kabc*eef*mo****i***********ddeij"},
	{0x2212, 0x2212, TABLE, 0, "-"},
	{0x249c, 0x24b5, LETTERS, 0, NULL},
	{0x24b6, 0x24e9, LETTERS, 0, NULL},
	{0x2800, 0x2800, SPACE, 0, NULL}, /* Braille */
	{0x2801, 0x283f, TABLE, 0,
	 "a*b*k*l*cif*msp*e*h*o*r*djg*ntq*****u*v*****x*******z****w**y**"},
	{0x3000, 0x3000, SPACE, 0, NULL},
	{0xa730, 0xa731, TABLE, 0, "fs"},
	{0xfe00, 0xfe0f, DROP, 0, NULL},
	{0xfeff, 0xfeff, DROP, 0, NULL},
	{0xff01, 0xff5e, SHIFT, '!', NULL},
	{0xfff9, 0xfffb, DROP, 0, NULL},
	{0x1d400, 0x1d6a3, LETTERS, 0, NULL},
	{0x1d7ce, 0x1d7ff, DIGITS, 0, NULL},
	{0x1f110, 0x1f129, LETTERS, 0, NULL},
	{0x1f130, 0x1f149, LETTERS, 0, NULL},
	{0x1f150, 0x1f169, LETTERS, 0, NULL},
	{0x1f170, 0x1f189, LETTERS, 0, NULL},
	{0x1f1e6, 0x1f1ff, LETTERS, 0, NULL},
	{0xe0020, 0xe007e, SHIFT, ' ', NULL},
	{0xe0100, 0xe010f, DROP, 0, NULL},
	{0xe0110, 0xe016e, SHIFT, ' ',
	 NULL}, /* selectors that no script uses carry bytes, from 16 */
	{0xe016f, 0xe01ef, DROP, 0, NULL},
};

static const struct fold_range *range_of(uint32_t cp)
{
	size_t low = 0, high = sizeof(ranges) / sizeof(ranges[0]);

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (cp > ranges[mid].last)
			low = mid + 1;
		else if (cp < ranges[mid].from)
			high = mid;
		else
			return &ranges[mid];
	}
	return NULL;
}

static uint32_t lower(uint32_t cp)
{
	if (cp >= 'A' && cp <= 'Z')
		return cp + 32;
	if ((cp >= 0x0391 && cp <= 0x03a9) || (cp >= 0x0410 && cp <= 0x042f))
		return cp + 32;
	if (cp >= 0x0400 && cp <= 0x040f)
		return cp + 80;
	return cp;
}

/* The code point that stands for cp in the view; 0: none does. */
static uint32_t fold(uint32_t cp)
{
	const struct fold_range *r = range_of(cp);

	if (!r)
		return lower(cp);
	switch (r->how) {
	case DROP:
		return 0;
	case SPACE:
		return ' ';
	case SHIFT:
		return lower(cp - r->from + r->to);
	case LETTERS:
		return 'a' + (cp - r->from) % 26;
	case DIGITS:
		return '0' + (cp - r->from) % 10;
	default:
		if (r->table[cp - r->from] == '*')
			return lower(cp);
		return (unsigned char)r->table[cp - r->from];
	}
}

static uint32_t decode(const char *p, size_t len)
{
	const unsigned char *s = (const unsigned char *)p;

	switch (len) {
	case 2:
		return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
	case 3:
		return (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
	case 4:
		return (s[0] & 0x07u) << 18 | (s[1] & 0x3fu) << 12 | (s[2] & 0x3fu) << 6 |
		       (s[3] & 0x3fu);
	default:
		return s[0];
	}
}

static void put(struct rw_view *v, const char *bytes, size_t n, size_t from)
{
	for (size_t i = 0; i < n; i++) {
		v->bytes[v->n] = bytes[i];
		v->origin[v->n++] = (uint16_t)from;
	}
}

static bool is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

/* One white space for any number of them. */
static void put_space(struct rw_view *v, size_t from)
{
	if (!v->n || v->bytes[v->n - 1] != ' ')
		put(v, " ", 1, from);
}

const char rw_leet_of[256] = {
	['0'] = 'o', ['1'] = 'i', ['3'] = 'e', ['4'] = 'a', ['@'] = 'a',
	['5'] = 's', ['$'] = 's', ['7'] = 't', ['8'] = 'b', ['9'] = 'g',
};

static char leet(char c)
{
	return rw_leet_of[(unsigned char)c];
}

/* folded: where the last one went. */
bool rw_view_word_is_leet(const struct rw_view *v, size_t folded)
{
	return v->n > folded && v->n - folded <= RW_LEET_REACH && v->bytes[v->n - 1] != ' ' &&
	       !memchr(v->bytes + folded, ' ', v->n - folded);
}

/*
 * Whether the byte at i, which leet knows, stands for a letter: a letter follows in its
 * word and one stands before it or nothing does; or the word had one already.
 */
static bool is_leet(const struct rw_view *v, struct rw_slice text, size_t i, size_t folded)
{
	char before = v->n ? v->bytes[v->n - 1] : ' ';
	size_t k = i + 1;

	if (rw_view_word_is_leet(v, folded))
		return is_letter(before);
	if (!is_letter(before) && before != ' ')
		return false;
	while (k < text.n && k < i + RW_LEET_AHEAD && leet(text.p[k]))
		k++;
	return k < text.n && is_letter((char)(text.p[k] | 0x20));
}

/* Folds the sequence beyond ASCII at i; the bytes that it took. */
static size_t fold_wide(struct rw_view *v, struct rw_slice text, size_t i)
{
	size_t len = rw_utf8_len(text.p + i, text.n - i);
	char out[4] = "";
	uint32_t cp;

	if (!len) {
		put(v, text.p + i, 1, i);
		return 1;
	}
	cp = fold(decode(text.p + i, len));
	if (cp == ' ')
		put_space(v, i);
	else if (cp)
		put(v, out, rw_utf8_put(out, cp), i);
	return len;
}

/* Whether the byte may be of a word: where one is beyond ASCII the rest of its word is likely to
 * be. */
static const bool may_be_odd[256] = {
	['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,   ['_'] = true,
	['@'] = true,	      ['$'] = true,	    [0x80 ... 0xff] = true,
};

/* Folds the character at i, whatever it is; the bytes that it took. folded: as rw_fold_plain_fn has
 * it.
 */
static size_t fold_one(struct rw_view *v, struct rw_slice text, size_t i, size_t *folded)
{
	char c = text.p[i];

	if (c & (char)0x80)
		return fold_wide(v, text, i);
	if (c <= ' ' || c == 0x7f) {
		put_space(v, i);
		return 1;
	}
	if (leet(c) && is_leet(v, text, i, *folded)) {
		c = rw_view_leet_letter(v->n ? v->bytes[v->n - 1] : ' ', text, i);
		*folded = v->n;
	}
	if (c >= 'A' && c <= 'Z')
		c = (char)(c + 32);
	put(v, &c, 1, i);
	return 1;
}

void rw_view_fold_with(rw_fold_plain_fn *fold_plain, struct rw_view *v, struct rw_slice text)
{
	size_t folded = RW_VIEW_TEXT_BYTES, i = 0;

	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	v->n = 0;
	while ((i = fold_plain(v, text, i, &folded)) < text.n) {
		do
			i += fold_one(v, text, i, &folded);
		while (i < text.n && may_be_odd[(unsigned char)text.p[i]]);
	}
}

void rw_view_fold(struct rw_view *v, struct rw_slice text)
{
	rw_view_fold_with(rw_fold_plain_at[rw_level_here()], v, text);
}

void rw_view_fold_letters(struct rw_view *v, struct rw_slice text)
{
	size_t i = 0;

	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	v->n = 0;
	while (i < text.n) {
		if (text.p[i] & (char)0x80) {
			i += fold_wide(v, text, i);
		} else {
			put(v, text.p + i, 1, i);
			i++;
		}
	}
}
