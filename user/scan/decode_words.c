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
 * Words by their first letter, the long before the short that they begin with. What an attack says
 * tells of it: two of those by TELLS or one by SURE are more than a long name in a program.
 */
struct word {
	char text[15];
	uint8_t told;
};

#define PLAIN(s) {s, 0}
#define TELLS(s) {s, 1}
#define SURE(s)	 {s, TOLD_MIN}

static const struct word a_words[] = {
	PLAIN("assistant"), PLAIN("attention"), PLAIN("anything"), SURE("abandon"),
	PLAIN("article"),   PLAIN("access"),	PLAIN("answer"),   PLAIN("about"),
	PLAIN("above"),	    PLAIN("admin"),	PLAIN("after"),	   PLAIN("again"),
	PLAIN("also"),	    PLAIN("away"),	PLAIN("act"),	   PLAIN("add"),
	PLAIN("all"),	    PLAIN("and"),	PLAIN("any"),	   PLAIN("are"),
	PLAIN("ask"),	    PLAIN("ai"),	PLAIN("am"),	   PLAIN("an"),
	PLAIN("as"),	    PLAIN("at"),	PLAIN("a")};
static const struct word b_words[] = {PLAIN("because"), PLAIN("before"), SURE("bypass"),
				      PLAIN("begin"),	PLAIN("below"),	 PLAIN("back"),
				      PLAIN("been"),	PLAIN("bot"),	 PLAIN("but"),
				      PLAIN("be"),	PLAIN("by")};
static const struct word c_words[] = {
	PLAIN("conversation"), PLAIN("constraints"), PLAIN("character"), PLAIN("commands"),
	PLAIN("complete"),     PLAIN("continue"),    PLAIN("chatgpt"),	 PLAIN("command"),
	PLAIN("content"),      PLAIN("context"),     PLAIN("current"),	 PLAIN("cannot"),
	PLAIN("change"),       PLAIN("create"),	     PLAIN("could"),	 PLAIN("chat"),
	PLAIN("code"),	       PLAIN("copy"),	     PLAIN("can")};
static const struct word d_words[] = {PLAIN("directions"), TELLS("directives"), PLAIN("developer"),
				      TELLS("directive"),  SURE("disregard"),	PLAIN("database"),
				      PLAIN("describe"),   SURE("disclose"),	PLAIN("details"),
				      PLAIN("disable"),	   PLAIN("display"),	PLAIN("delete"),
				      PLAIN("detail"),	   PLAIN("data"),	PLAIN("does"),
				      PLAIN("done"),	   PLAIN("down"),	PLAIN("drop"),
				      PLAIN("dump"),	   PLAIN("dan"),	PLAIN("do")};
static const struct word e_words[] = {PLAIN("everything"), PLAIN("existing"), PLAIN("earlier"),
				      PLAIN("exactly"),	   PLAIN("execute"),  PLAIN("explain"),
				      PLAIN("enable"),	   PLAIN("entire"),   SURE("erase"),
				      PLAIN("every"),	   PLAIN("each"),     PLAIN("end")};
static const struct word f_words[] = {
	PLAIN("following"), PLAIN("function"), PLAIN("filters"), PLAIN("filter"), PLAIN("follow"),
	SURE("forget"),	    PLAIN("former"),   PLAIN("files"),	 PLAIN("first"),  PLAIN("file"),
	PLAIN("from"),	    PLAIN("full"),     PLAIN("for")};
static const struct word g_words[] = {TELLS("guidelines"), PLAIN("guidance"), PLAIN("given"),
				      PLAIN("give"),	   PLAIN("get"),      PLAIN("go")};
static const struct word h_words[] = {PLAIN("hidden"), PLAIN("hello"), PLAIN("human"),
				      PLAIN("have"),   PLAIN("help"),  PLAIN("had"),
				      PLAIN("has"),    PLAIN("how")};
static const struct word i_words[] = {
	TELLS("instructions"), TELLS("instruction"), PLAIN("important"), SURE("ignoring"),
	PLAIN("initial"),      PLAIN("instead"),     SURE("ignore"),	 PLAIN("input"),
	PLAIN("into"),	       PLAIN("its"),	     PLAIN("if"),	 PLAIN("in"),
	PLAIN("is"),	       PLAIN("it"),	     PLAIN("i")};
static const struct word j_words[] = {SURE("jailbreak"), PLAIN("just")};
static const struct word k_words[] = {PLAIN("keep"), PLAIN("know"), PLAIN("key")};
static const struct word l_words[] = {PLAIN("language"), PLAIN("limits"), PLAIN("login"),
				      PLAIN("last"),	 PLAIN("like"),	  PLAIN("list"),
				      PLAIN("let")};
static const struct word m_words[] = {
	PLAIN("messages"), PLAIN("message"), PLAIN("model"), PLAIN("make"), PLAIN("mode"),
	PLAIN("more"),	   PLAIN("must"),    PLAIN("may"),   PLAIN("me"),   PLAIN("my")};
static const struct word n_words[] = {SURE("neglect"), PLAIN("nothing"), PLAIN("never"),
				      PLAIN("name"),   PLAIN("next"),	 PLAIN("new"),
				      PLAIN("not"),    PLAIN("now"),	 PLAIN("no")};
static const struct word o_words[] = {
	PLAIN("overwrite"), PLAIN("original"), SURE("override"), SURE("overrule"), PLAIN("orders"),
	PLAIN("output"),    PLAIN("order"),    PLAIN("other"),	 SURE("obey"),	   PLAIN("only"),
	PLAIN("off"),	    PLAIN("one"),      PLAIN("our"),	 PLAIN("out"),	   PLAIN("own"),
	PLAIN("of"),	    PLAIN("on"),       PLAIN("or")};
static const struct word p_words[] = {
	PLAIN("programming"), TELLS("preceding"), PLAIN("password"), PLAIN("policies"),
	TELLS("previous"),    PLAIN("prepare"),	  SURE("pretend"),   TELLS("prompts"),
	PLAIN("provide"),     PLAIN("please"),	  PLAIN("policy"),   TELLS("prompt"),
	PLAIN("print"),	      TELLS("prior"),	  PLAIN("past"),     PLAIN("play")};
static const struct word q_words[] = {PLAIN("questions"), PLAIN("question")};
static const struct word r_words[] = {
	TELLS("restrictions"), PLAIN("response"), PLAIN("respond"), SURE("recite"), PLAIN("refuse"),
	PLAIN("repeat"),       PLAIN("return"),	  SURE("reveal"),   PLAIN("reply"), PLAIN("rules"),
	PLAIN("read"),	       PLAIN("role"),	  PLAIN("rule")};
static const struct word s_words[] = {
	PLAIN("summarize"), PLAIN("security"), PLAIN("safety"), PLAIN("secret"),
	PLAIN("should"),    PLAIN("system"),   PLAIN("start"),	PLAIN("story"),
	PLAIN("send"),	    PLAIN("show"),     PLAIN("skip"),	PLAIN("some"),
	PLAIN("stop"),	    PLAIN("say"),      PLAIN("set"),	PLAIN("so")};
static const struct word t_words[] = {
	PLAIN("translate"), PLAIN("training"), PLAIN("tokens"), PLAIN("their"), PLAIN("there"),
	PLAIN("these"),	    PLAIN("think"),    PLAIN("throw"),	PLAIN("token"), PLAIN("task"),
	PLAIN("tell"),	    PLAIN("text"),     PLAIN("that"),	PLAIN("them"),	PLAIN("then"),
	PLAIN("they"),	    PLAIN("this"),     PLAIN("time"),	PLAIN("told"),	PLAIN("type"),
	PLAIN("the"),	    PLAIN("to")};
static const struct word u_words[] = {SURE("unrestricted"), PLAIN("until"), PLAIN("user"),
				      PLAIN("use"),	    PLAIN("up"),    PLAIN("us")};
static const struct word v_words[] = {TELLS("verbatim"), PLAIN("version")};
static const struct word w_words[] = {
	PLAIN("without"), PLAIN("where"), PLAIN("which"), PLAIN("words"),
	PLAIN("would"),	  PLAIN("write"), PLAIN("want"),  PLAIN("were"),
	PLAIN("what"),	  PLAIN("when"),  PLAIN("will"),  PLAIN("with"),
	PLAIN("word"),	  PLAIN("was"),	  PLAIN("who"),	  PLAIN("we")};
static const struct word y_words[] = {PLAIN("yourself"), PLAIN("your"), PLAIN("yes"), PLAIN("you")};

#define ALL(list) {list, sizeof(list) / sizeof((list)[0])}

static const struct {
	const struct word *at;
	unsigned n;
} words[LETTERS] = {ALL(a_words), ALL(b_words), ALL(c_words), ALL(d_words), ALL(e_words),
		    ALL(f_words), ALL(g_words), ALL(h_words), ALL(i_words), ALL(j_words),
		    ALL(k_words), ALL(l_words), ALL(m_words), ALL(n_words), ALL(o_words),
		    ALL(p_words), ALL(q_words), ALL(r_words), ALL(s_words), ALL(t_words),
		    ALL(u_words), ALL(v_words), ALL(w_words), {NULL, 0},    ALL(y_words),
		    {NULL, 0}};

struct known {
	size_t bytes;
	unsigned told;
};

/* The longest word that text goes on with at i. */
static struct known longest_word(struct rw_slice text, size_t i)
{
	char low = text.p[i] | 0x20;
	unsigned first = is_letter(low) ? (unsigned)(low - 'a') : 0;
	unsigned some = is_letter(low) ? words[first].n : 0;

	for (const struct word *w = words[first].at; some; some--, w++) {
		size_t n = 1;

		while (w->text[n] && i + n < text.n && w->text[n] == (text.p[i + n] | 0x20))
			n++;
		if (!w->text[n])
			return (struct known){n, w->told};
	}
	return (struct known){0};
}

size_t rw_decode_known_word(struct rw_slice text)
{
	return text.n ? longest_word(text, 0).bytes : 0;
}

/* A token that is read word by word. */
struct token {
	struct rw_slice text; /* to its end */
	size_t at;	      /* how far it is read */
	size_t word;	      /* bytes of the word in front of that, 0: it is none of ours */
	bool apart;	      /* what comes next begins a word, whatever it is */
};

/* Reads on by a word, or by a byte that is of none: how long, and what that tells. */
static struct known next_word(struct token *t)
{
	struct known w = {0};

	if (is_alnum(t->text.p[t->at]))
		w = longest_word(t->text, t->at);
	if (w.bytes < SURE_BYTES && !t->word && !t->apart)
		w = (struct known){0}; /* "is" in "history" */
	t->apart = !is_alnum(t->text.p[t->at]);
	t->word = w.bytes;
	t->at += w.bytes ? w.bytes : 1;
	return w;
}

/* Whether the token [i, end) has words enough that ran together. */
static bool ran_together(struct rw_slice text, size_t i, size_t end)
{
	struct token t = {rw_slice_of(text.p, end), i, 0, true};
	size_t covered = 0;
	unsigned count = 0, told = 0, signs = 0;

	while (t.at < end) {
		struct known w;

		if (t.at - i > LOOK_BYTES && covered * 2 < t.at - i) /* no words at all */
			return false;
		w = next_word(&t);
		signs += t.apart;
		count += w.bytes > 0;
		told += w.told;
		covered += w.bytes;
	}
	return (count >= WORDS_MIN && told >= TOLD_MIN && covered * 2 >= end - i) ||
	       (count >= SENTENCE_MIN && !signs && covered * 5 >= (end - i) * 4);
}

/* Appends the token [i, end), its words apart. */
static void put_apart(struct rw_decoded *d, struct rw_slice text, size_t i, size_t end)
{
	struct token t = {rw_slice_of(text.p, end), i, 0, true};
	size_t from = d->n;

	while (t.at < end) {
		bool behind = t.word > 0;

		i = t.at;
		next_word(&t);
		if (t.apart) {
			rw_decoded_put(d, ' ', i);
			continue;
		}
		if ((t.word || behind) && d->n > from && d->bytes[d->n - 1] != ' ')
			rw_decoded_put(d, ' ', i);
		for (; i < t.at; i++)
			rw_decoded_put(d, text.p[i], i);
	}
}

/* Letters, digits and what joins words: what rw_decode_skip takes tokens to be made of. */
static const bool in_token[256] = {
	['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['-'] = true,
	['_'] = true,	      ['/'] = true,	    ['+'] = true,
};

static size_t token_end(struct rw_slice text, size_t i)
{
	while (i < text.n && in_token[(unsigned char)text.p[i]])
		i++;
	return i;
}

bool rw_decode_together(struct rw_decoded *d, struct rw_slice text)
{
	rw_decode_skip_fn *skip = rw_decode_skip_at[rw_level_here()];
	size_t copied = 0, i = 0;
	bool some = false;

	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	rw_decoded_begin(d);
	while ((i = skip(text, i)) < text.n) {
		size_t end = token_end(text, i), from;

		if (end - i >= RW_CODED_BYTES_MIN && ran_together(text, i, end)) {
			rw_decoded_copy(d, text, copied, i);
			from = d->n;
			put_apart(d, text, i, end);
			rw_decoded_tell(d, from, d->n);
			copied = end;
			some = true;
		}
		i = end + (end == i);
	}
	if (some)
		rw_decoded_copy(d, text, copied, text.n);
	return some;
}

/* --- words with spaces inside ---------------------------------------------------------------- */

void rw_decode_unbroken(struct rw_decoded *d, struct rw_slice text)
{
	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	rw_decoded_begin(d);
	rw_decoded_tell(d, 0, text.n);
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
	rw_decoded_begin(d);
	while (i < text.n) {
		size_t n = i && is_alnum(text.p[i - 1]) ? 0 : radio_word(text, i), gap = 0;

		if (!n) {
			rw_decoded_put(d, text.p[i], i);
			i++;
			continue;
		}
		rw_decoded_tell(d, d->n, d->n + 1);
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
	rw_decoded_begin(d);
	while (i < text.n) {
		bool starts = is_digit(text.p[i]) && !(i && is_alnum(text.p[i - 1]));
		size_t from = d->n, n = starts ? places(d, text, i) : 0;

		if (n)
			rw_decoded_tell(d, from, d->n);
		else
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
	rw_decoded_tell(d, d->n, d->n + (end - i));
	rw_decoded_copy(d, text, i, end);
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

bool rw_decode_joined(struct rw_decoded *d, struct rw_slice text, bool all, bool spaced)
{
	rw_decode_quote_fn *next = rw_decode_quote_at[rw_level_here()];
	unsigned pieces = 0;
	size_t i = 0;

	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	rw_decoded_begin(d);
	while ((i = next(text, i)) < text.n) {
		size_t n = quote(text, i), start, end = 0;

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
	return pieces > 1;
}
