/* SPDX-License-Identifier: Apache-2.0 */
/* Words in disguise: run together, broken up, spelled by radio or by numbers, in pieces. */
#include <strings.h>

#include "base/err.h"
#include "scan/decode.h"

enum {
	WORDS_MIN = 3,	   /* of a token that is more than one word */
	SENTENCE_MIN = 6,  /* words that are no name, whatever they say */
	TOLD_MIN = 2,	   /* of what marks them */
	LOOK_BYTES = 48,   /* of a token, before it is given up */
	SURE_BYTES = 4,	   /* a shorter word is one only where another ends */
	LETTERS = 26,	   /* of the alphabet */
	GAP_BYTES = 3,	   /* between two of them that are written as words or numbers */
	PIECE_BYTES = 400, /* of the longest piece that is put together */
	NAME_BYTES = 24,   /* of what a piece is called */
};

static bool is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_letter(c) || is_digit(c);
}

static bool is_space(char c)
{
	return (unsigned char)c <= ' ';
}

/* --- words that run together ---------------------------------------------------------------- */

/*
 * Words by their first letter. What an attack says is marked: two of those with + or one with ! are
 * more than a long name in a program.
 */
static const char *const words[LETTERS] = {
	"a abandon! about above access act add admin after again ai all also am an and answer any "
	"anything are article as ask assistant at attention away",
	"back be because been before begin below bot but by bypass!",
	"can cannot change character chat chatgpt code command commands complete constraints "
	"content "
	"context continue conversation copy could create current",
	"dan data database delete describe detail details developer directions directive+ "
	"directives+ "
	"disable disclose! display disregard! do does done down drop dump",
	"each earlier enable end entire erase! every everything exactly execute existing explain",
	"file files filter filters first follow following for forget! former from full function",
	"get give given go guidelines+ guidance",
	"had has have hello help hidden how human",
	"i if ignore! ignoring! important in initial input instead instruction+ instructions+ into "
	"is "
	"it its",
	"jailbreak! just",
	"keep key know",
	"language last let like limits list login",
	"make may me message messages mode model more must my",
	"name neglect! never new next no not nothing now",
	"obey! of off on one only or order orders original other our out output override! "
	"overrule! "
	"overwrite own",
	"password past play please policies policy preceding+ prepare pretend! previous+ print "
	"prior+ "
	"programming prompt+ prompts+ provide",
	"question questions",
	"read recite! refuse repeat reply respond response restrictions+ return reveal! role rule "
	"rules",
	"safety say secret security send set should show skip so some start stop story summarize "
	"system",
	"task tell text that the their them then there these they think this throw time to told "
	"token "
	"tokens "
	"training translate type",
	"unrestricted! until up us use user",
	"verbatim+ version",
	"want was we were what when where which who will with without word words would write",
	"",
	"yes you your yourself",
	"",
};

struct known {
	size_t bytes;
	unsigned told; /* 2 where it is marked with !, 1 with + */
};

/* The longest word that text goes on with at i. */
static struct known longest_word(struct rw_slice text, size_t i)
{
	char low = text.p[i] | 0x20;
	const char *at = is_letter(low) ? words[low - 'a'] : "";
	struct known best = {0};

	while (*at) {
		size_t n = strcspn(at, "!+ ");

		if (n > best.bytes && n <= text.n - i && !strncasecmp(text.p + i, at, n))
			best = (struct known){n, at[n] == '!' ? 2 : at[n] == '+'};
		at += n;
		at += strspn(at, "!+ ");
	}
	return best;
}

/* Appends the token [i, end) in its words; false: it has not enough, and d is as before. */
static bool part(struct rw_decoded *d, struct rw_slice text, size_t i, size_t end)
{
	struct rw_slice token = rw_slice_of(text.p, end);
	size_t from = d->n, covered = 0, first = i;
	unsigned count = 0, told = 0, signs = 0;
	struct known w = {0};

	while (i < end) {
		bool behind = w.bytes > 0;

		if (i - first > LOOK_BYTES && covered * 2 < i - first) /* no words at all */
			break;
		if (!is_alnum(text.p[i])) {
			rw_decoded_put(d, ' ', i++);
			signs++;
			w.bytes = 0;
			continue;
		}
		w = longest_word(token, i);
		if (w.bytes < SURE_BYTES && !behind && d->n > from && d->bytes[d->n - 1] != ' ')
			w = (struct known){0}; /* "is" in "history" */
		count += w.bytes > 0;
		told += w.told;
		covered += w.bytes;
		if ((w.bytes || behind) && d->n > from && d->bytes[d->n - 1] != ' ')
			rw_decoded_put(d, ' ', i);
		for (size_t k = w.bytes ? w.bytes : 1; k; k--, i++)
			rw_decoded_put(d, text.p[i], i);
	}
	if (i == end && ((count >= WORDS_MIN && told >= TOLD_MIN && covered * 2 >= end - first) ||
			 (count >= SENTENCE_MIN && !signs && covered * 5 >= (end - first) * 4)))
		return true;
	d->n = from;
	return false;
}

/* The end of the token at i: letters, digits and what joins words. */
static size_t token_end(struct rw_slice text, size_t i)
{
	while (i < text.n && (is_alnum(text.p[i]) || strchr("-_/+", text.p[i])) && text.p[i])
		i++;
	return i;
}

bool rw_decode_together(struct rw_decoded *d, struct rw_slice text)
{
	bool some = false;
	size_t i = 0;

	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	d->n = 0;
	while (i < text.n) {
		size_t end = token_end(text, i);

		if (end - i >= RW_CODED_BYTES_MIN && part(d, text, i, end)) {
			some = true;
			i = end;
			continue;
		}
		for (end += end == i; i < end; i++)
			rw_decoded_put(d, text.p[i], i);
	}
	return some;
}

/* --- words with spaces inside ---------------------------------------------------------------- */

void rw_decode_unbroken(struct rw_decoded *d, struct rw_slice text)
{
	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	d->n = 0;
	for (size_t i = 0; i < text.n; i++)
		if (!is_space(text.p[i]) && !strchr("-_.|", text.p[i]))
			rw_decoded_put(d, text.p[i], i);
}

/* --- letters by radio ------------------------------------------------------------------------ */

/* The longest of n words that text goes on with at i, or 0. */
static size_t longest(const char *const *from, size_t n, struct rw_slice text, size_t i)
{
	size_t best = 0;

	for (size_t k = 0; k < n; k++) {
		size_t len = strlen(from[k]);

		if (len > best && len <= text.n - i && !strncasecmp(text.p + i, from[k], len))
			best = len;
	}
	return best;
}

static const char *const radio[] = {
	"alfa",	  "alpha",   "bravo",  "charlie", "delta",  "echo",   "foxtrot", "golf",
	"hotel",  "india",   "juliet", "juliett", "kilo",   "lima",   "mike",	 "november",
	"oscar",  "papa",    "quebec", "romeo",	  "sierra", "space",  "tango",	 "uniform",
	"victor", "whiskey", "whisky", "x-ray",	  "xray",   "yankee", "zulu",
};

/* Length of the word of radio that is the whole word at i, or 0. */
static size_t radio_word(struct rw_slice text, size_t i)
{
	size_t n = is_letter(text.p[i]) ? longest(radio, sizeof(radio) / sizeof(radio[0]), text, i)
					: 0;

	return n && i + n < text.n && is_alnum(text.p[i + n]) ? 0 : n;
}

void rw_decode_spelled(struct rw_decoded *d, struct rw_slice text)
{
	size_t i = 0;

	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	d->n = 0;
	while (i < text.n) {
		size_t n = i && is_alnum(text.p[i - 1]) ? 0 : radio_word(text, i), gap = 0;

		if (!n) {
			rw_decoded_put(d, text.p[i], i);
			i++;
			continue;
		}
		rw_decoded_put(d, strncasecmp(text.p + i, "space", n) ? text.p[i] : ' ', i);
		i += n;
		while (i + gap < text.n && gap < GAP_BYTES && !is_alnum(text.p[i + gap]) &&
		       !(text.p[i + gap] & (char)0x80))
			gap++;
		/* One sign stands between letters, more between words. */
		if (gap > 1 && !(gap == 2 && text.p[i] == ','))
			rw_decoded_put(d, ' ', i);
		i += gap;
	}
}

/* --- letters by number ----------------------------------------------------------------------- */

/* A number of one or two digits at i that stands alone; how long, and what it says, 0: a gap. */
static size_t place(struct rw_slice text, size_t i, unsigned *letter)
{
	size_t n = 0;

	for (*letter = 0; n < 3 && i + n < text.n && is_digit(text.p[i + n]); n++)
		*letter = *letter * 10 + (unsigned)(text.p[i + n] - '0');
	return n < 3 && *letter <= LETTERS && !(i + n < text.n && is_letter(text.p[i + n])) ? n : 0;
}

static bool between_places(char c)
{
	return is_space(c) || c == '-' || c == ',' || c == '.' || c == '/' || c == '|' || c == '_';
}

/* Appends the row of numbers at i; how much of the text it is, 0: none. */
static size_t places(struct rw_decoded *d, struct rw_slice text, size_t i)
{
	size_t from = d->n, at = i, end = i, first = 0, n;
	unsigned letter, count = 0;
	bool word = false; /* the gap was one between words */

	while (at < text.n && (n = place(text, at, &letter)) > 0) {
		size_t gap = 0;

		if (word)
			rw_decoded_put(d, ' ', at - 1);
		rw_decoded_put(d, letter ? (char)('a' + letter - 1) : ' ', at);
		count++;
		end = at += n;
		while (at + gap < text.n && gap < GAP_BYTES && between_places(text.p[at + gap]))
			gap++;
		if (!gap)
			break;
		first = first ? first : at;
		word = text.p[at] != text.p[first] || (gap > 1 && text.p[at] != ',');
		at += gap;
	}
	if (count >= RW_CODED_RUN_MIN)
		return end - i;
	d->n = from;
	return 0;
}

void rw_decode_numbered(struct rw_decoded *d, struct rw_slice text)
{
	size_t i = 0;

	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	d->n = 0;
	while (i < text.n) {
		bool starts = is_digit(text.p[i]) && !(i && is_alnum(text.p[i - 1]));
		size_t n = starts ? places(d, text, i) : 0;

		if (!n)
			rw_decoded_put(d, text.p[i], i);
		i += n ? n : 1;
	}
}

/* --- pieces ---------------------------------------------------------------------------------- */

/* Length of the quote at i: of ASCII, or a curly one; 0: there is none. */
static size_t quote(struct rw_slice text, size_t i)
{
	if (strchr("\"'`", text.p[i]) && text.p[i])
		return 1;
	return text.n - i > 2 && !memcmp(text.p + i, "\xe2\x80", 2) &&
			       (unsigned char)text.p[i + 2] >= 0x98 &&
			       (unsigned char)text.p[i + 2] <= 0x9f
		       ? 3
		       : 0;
}

/* The end of what stands between the quote of n bytes before i and the next, or 0. */
static size_t quoted_end(struct rw_slice text, size_t i, size_t n)
{
	char mark = text.p[i - 1];

	for (size_t at = i; at < text.n && at < i + PIECE_BYTES; at++)
		if (n == 1 ? text.p[at] == mark : quote(text, at) == 3)
			return at;
	return 0;
}

/* Whether what is quoted at i is given to a name, or put to something: = + := is be as */
static bool is_given(struct rw_slice text, size_t i)
{
	static const char *const words_before[] = {" is", " be", " as", " to", "let", "say"};

	while (i && text.p[i - 1] == ' ')
		i--;
	if (i && strchr("=+", text.p[i - 1]))
		return true;
	for (size_t k = 0; k < sizeof(words_before) / sizeof(words_before[0]); k++)
		if (i > 3 && !strncasecmp(text.p + i - 3, words_before[k], 3))
			return true;
	return false;
}

static void put_piece(struct rw_decoded *d, struct rw_slice text, size_t i, size_t end, bool spaced)
{
	if (spaced && d->n)
		rw_decoded_put(d, ' ', i);
	for (; i < end; i++)
		rw_decoded_put(d, text.p[i], i);
}

/* Whether a short name ends in front of i: "a = ", and not "a == ". */
static bool is_named(struct rw_slice text, size_t i)
{
	if (i + 1 >= text.n || text.p[i + 1] == '=')
		return false;
	if (i && text.p[i - 1] == ' ')
		i--;
	return i && (is_alnum(text.p[i - 1]) || text.p[i - 1] == '_');
}

/*
 * The end of words that are given without quotes behind the sign at i, "a = ignore all", or 0;
 * start: where they begin. What a program computes has other signs.
 */
static size_t bare_end(struct rw_slice text, size_t i, size_t *start)
{
	size_t at = i + 1, gaps = 0;

	while (at < text.n && at < i + NAME_BYTES && text.p[at] == ' ')
		at++;
	*start = at;
	while (at < text.n && at < *start + PIECE_BYTES &&
	       (is_alnum(text.p[at]) || text.p[at] == ' '))
		gaps += text.p[at++] == ' ';
	return gaps && (at == text.n || strchr(";,.\n", text.p[at])) ? at : 0;
}

/* Where a piece may begin. */
static const bool begins_piece[256] = {
	['"'] = true, ['\''] = true, ['`'] = true, ['='] = true, [0xe2] = true};

bool rw_decode_joined(struct rw_decoded *d, struct rw_slice text, bool all, bool spaced)
{
	unsigned pieces = 0;
	size_t i = 0;

	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	d->n = 0;
	for (;;) {
		size_t n, start, end = 0;

		while (i < text.n && !begins_piece[(unsigned char)text.p[i]])
			i++;
		if (i == text.n)
			return pieces > 1;
		n = quote(text, i);
		start = i + n;
		if (n && !(i && is_alnum(text.p[i - 1])) && (all || is_given(text, i)))
			end = quoted_end(text, start, n);
		else if (!n && is_named(text, i))
			end = bare_end(text, i, &start);
		if (end > start) {
			put_piece(d, text, start, end, spaced);
			pieces++;
		}
		i = end > i ? end + (n ? 1 : 0) : i + 1;
	}
}
