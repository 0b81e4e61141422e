/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation written down: what its user said, in one piece, so that what was split is whole
 * again. */
#include <ctype.h>
#include <strings.h>

#include "base/err.h"
#include "scan/decode.h"

enum {
	LABEL_BYTES = 72, /* "Remember this as the second part of my message:" */
	MARK_BYTES = 6,	  /* "**", "### ", "[": in front of a speaker's name, and behind it */
	TAIL_BYTES = 8,	  /* "]", "** ", " 12", " (2)": between the name and its colon */
	NAMED_BYTES = 24, /* the longest name, such a tail and the colon */
	TOKEN_BYTES = 2 * RW_CODED_BYTES_MIN, /* a longer one may be anything */
};

_Static_assert((int)RW_TURN_LABEL_BYTES >= LABEL_BYTES + 2 * MARK_BYTES,
	       "what joining leaves out in front of a turn is no longer");

/* What stands in front of a name, behind it, behind its colon. */
enum { HEAD = 1, TAIL = 2, AFTER = 4 };
static const uint8_t marks_of[256] = {
	['*'] = HEAD | TAIL | AFTER,
	['_'] = HEAD | TAIL | AFTER,
	[' '] = HEAD | TAIL | AFTER,
	['#'] = HEAD | TAIL,
	['('] = HEAD | TAIL,
	['>'] = HEAD | TAIL,
	['['] = HEAD,
	['<'] = HEAD,
	['-'] = HEAD,
	[']'] = TAIL,
	[')'] = TAIL,
	['0' ... '9'] = TAIL,
};

/* How far text from i on is made of such marks, at most so many bytes. */
static size_t marks(struct rw_slice text, size_t i, uint8_t which, size_t most)
{
	size_t n = 0;

	while (n < most && i + n < text.n && marks_of[(unsigned char)text.p[i + n]] & which)
		n++;
	return n;
}

#define NAME(name, user) {name, sizeof(name) - 1, user}
static const struct {
	char name[10]; /* in small letters */
	uint8_t n;
	bool user;
} names[] = {NAME("user", true),   NAME("human", true),	     NAME("customer", true),
	     NAME("turn", true),   NAME("message", true),    NAME("part", true),
	     NAME("client", true), NAME("assistant", false), NAME("ai", false),
	     NAME("bot", false),   NAME("system", false),    NAME("model", false),
	     NAME("agent", false), NAME("chatbot", false),   NAME("chatgpt", false),
	     NAME("gpt", false),   NAME("claude", false),    NAME("llm", false)};

/* What they begin with. */
static const bool begins_name[256] = {
	['u'] = true, ['h'] = true, ['c'] = true, ['t'] = true, ['m'] = true, ['p'] = true,
	['a'] = true, ['b'] = true, ['s'] = true, ['g'] = true, ['l'] = true};

/* Length of a name of a speaker with its colon at the start of a line, or 0. */
static size_t speaker(struct rw_slice text, size_t i, bool *user)
{
	size_t at = i + marks(text, i, HEAD, MARK_BYTES), left = text.n - at;
	char first = left ? text.p[at] | 0x20 : 0;

	if (!begins_name[(unsigned char)first] ||
	    !memchr(text.p + at, ':', left < NAMED_BYTES ? left : NAMED_BYTES))
		return 0;

	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		size_t n = names[k].n, end;

		if (*names[k].name != first || left < n ||
		    strncasecmp(text.p + at, names[k].name, n) != 0)
			continue;
		end = at + n;
		end += marks(text, end, TAIL, TAIL_BYTES);
		if (end == text.n || text.p[end] != ':')
			continue;
		end++;
		*user = names[k].user;
		return end - i + marks(text, end, AFTER, MARK_BYTES);
	}
	return 0;
}

/* Past a label ("Part 1:", "b =") in front of what a turn says, and quotes. */
static size_t skip_label(struct rw_slice text, size_t i)
{
	size_t n = i;

	while (n < text.n && n < i + LABEL_BYTES && text.p[n] != '\n') {
		if ((text.p[n] == ':' || text.p[n] == '=') && n + 1 < text.n) {
			i = n + 1;
			break;
		}
		n++;
	}
	while (i < text.n && (text.p[i] == ' ' || text.p[i] == '"' || text.p[i] == '\''))
		i++;
	return i;
}

/* Makes [*i, *end) what is quoted in it; false: nothing is. */
static bool quoted(struct rw_slice text, size_t *i, size_t *end)
{
	const char *open = memchr(text.p + *i, '"', *end - *i), *close;
	size_t at;

	if (!open)
		return false;
	at = (size_t)(open - text.p) + 1;
	close = memchr(text.p + at, '"', *end - at);
	if (!close)
		return false;
	*i = at;
	*end = (size_t)(close - text.p);
	return true;
}

/* Whether a byte is of a word, of a code or of markup. Others end all three, as a space does. */
static bool goes_on(char c)
{
	return (c & (char)0x80) || isalnum((unsigned char)c) || (c && strchr("<[{|#_/+=&%\\@", c));
}

/* Whether all of it is letters, small ones behind the first. */
static bool is_name(struct rw_slice t)
{
	for (size_t i = 0; i < t.n; i++)
		if (i ? !islower((unsigned char)t.p[i]) : !isalpha((unsigned char)t.p[i]))
			return false;
	return true;
}

/*
 * Whether what ends with left and goes on with right says something that they do not: a word of
 * attacks or the beginning of one goes on over the seam, or it may be a code, markup, words that
 * ran together, or of a script about which this knows nothing. "there" and "Please" make none.
 */
static bool says_more(const struct rw_glue *glue, struct rw_slice left, struct rw_slice right)
{
	char word[TOKEN_BYTES];
	struct rw_slice token = rw_slice_of(word, left.n + right.n);

	if (!left.n || !right.n)
		return false;
	if (token.n > sizeof(word) || !isalnum((unsigned char)left.p[left.n - 1]) ||
	    !isalnum((unsigned char)right.p[0]))
		return true;
	if (token.n >= RW_CODED_BYTES_MIN &&
	    !(is_name(left) && is_name(right) && isupper((unsigned char)right.p[0])))
		return true;
	for (size_t i = 0; i < token.n; i++)
		word[i] = (char)tolower(
			(unsigned char)(i < left.n ? left.p[i] : right.p[i - left.n]));
	return rw_decode_known_word(token) > left.n || glue->begins_more(glue->arg, token, left.n);
}

/* Of what d ends with and [i, end) of the text, without a gap. No more of either is read than tells
 * that a token is long: many short turns make one that grows with each. */
static bool glue_says_more(const struct rw_glue *glue, const struct rw_decoded *d,
			   struct rw_slice text, size_t i, size_t end)
{
	size_t from = d->n, to = i;

	while (from && d->n - from <= TOKEN_BYTES && goes_on(d->bytes[from - 1]))
		from--;
	while (to < end && to - i <= TOKEN_BYTES && goes_on(text.p[to]))
		to++;
	return says_more(glue, rw_slice_of(d->bytes + from, d->n - from),
			 rw_slice_of(text.p + i, to - i));
}

/* [i, end) of the text comes next: what each turn says alone was looked at before, so what is new
 * is the token that the join completes. Where a join in front told of it, it is told of. */
static void tell_join(struct rw_decoded *d, struct rw_slice text, size_t i, size_t end)
{
	size_t from = d->n, to = i;

	while (from && (unsigned char)d->bytes[from - 1] > ' ' && !rw_decoded_told(d, from - 1))
		from--;
	while (to < end && (unsigned char)text.p[to] > ' ')
		to++;
	rw_decoded_tell(d, from ? from - 1 : 0, d->n + 1 + (to - i));
}

/* Copies one turn's text [i, end) as it is to be joined; whether there is something. */
static bool copy(struct rw_decoded *d, struct rw_slice text, size_t i, size_t end,
		 enum rw_turns how, const struct rw_glue *glue)
{
	bool glued = how == RW_TURNS_GLUED || how == RW_TURNS_QUOTED_GLUED;

	if (how == RW_TURNS_QUOTED || how == RW_TURNS_QUOTED_GLUED) {
		if (!quoted(text, &i, &end))
			return false;
	} else {
		if (how != RW_TURNS_SPACED)
			i = skip_label(text, i);
		while (end > i && ((unsigned char)text.p[end - 1] <= ' ' ||
				   (how != RW_TURNS_SPACED && strchr("\"'.", text.p[end - 1]))))
			end--;
	}
	if (i >= end) /* a label alone: what stands behind it may be the text's end */
		return false;
	if (d->n && !(glued && glue && !glue_says_more(glue, d, text, i, end)))
		tell_join(d, text, i, end);
	if (!glued && d->n)
		rw_decoded_put(d, ' ', i);
	rw_decoded_copy(d, text, i, end);
	return true;
}

/* The next turn of the user from *at on, [*from, *end); false: there is none. */
static bool next_turn(struct rw_slice text, size_t *at, size_t *from, size_t *end)
{
	bool open = false;
	size_t i = *at;

	while (i < text.n) {
		bool user = false;
		size_t n = speaker(text, i, &user);
		const char *line_end;

		if (n && open)
			break;
		open |= n && user;
		if (n && user)
			*from = i + n;
		line_end = memchr(text.p + i, '\n', text.n - i);
		i = line_end ? (size_t)(line_end - text.p) + 1 : text.n;
	}
	*at = *end = i;
	return open;
}

unsigned rw_decode_turns_ways(struct rw_slice text)
{
	unsigned turns = 0, labelled = 0, in_quotes = 0, ways;
	size_t at = 0, from, end;

	while (next_turn(text, &at, &from, &end)) {
		turns++;
		labelled += skip_label(text, from) > from;
		in_quotes += quoted(text, &from, &end) && from < end;
	}
	if (turns < 2)
		return 0;
	ways = 1u << RW_TURNS_BARE | 1u << RW_TURNS_GLUED;
	if (labelled)
		ways |= 1u << RW_TURNS_SPACED;
	if (in_quotes > 1)
		ways |= 1u << RW_TURNS_QUOTED | 1u << RW_TURNS_QUOTED_GLUED;
	return ways;
}

bool rw_decode_turns(struct rw_decoded *d, struct rw_slice text, enum rw_turns how,
		     const struct rw_glue *glue)
{
	unsigned turns = 0, said = 0;
	size_t at = 0, from, end;

	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	rw_decoded_begin(d);
	for (; next_turn(text, &at, &from, &end); turns++)
		said += copy(d, text, from, end, how, glue);
	return turns > 1 && (said > 1 || how < RW_TURNS_QUOTED);
}
