/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation written down: what its user said, in one piece, so that what was split is whole
 * again. */
#include <strings.h>

#include "base/err.h"
#include "scan/decode.h"

enum {
	LABEL_BYTES = 72, /* "Remember this as the second part of my message:" */
	MARK_BYTES = 6,	  /* "**", "### ", "[": in front of a speaker's name */
	TAIL_BYTES = 8,	  /* "]", "** ", " 12", " (2)": between the name and its colon */
	NAMED_BYTES = 24, /* the longest name, such a tail and the colon */
};

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

/* Length of a name of a speaker with its colon at the start of a line, or 0. */
static size_t speaker(struct rw_slice text, size_t i, bool *user)
{
	static const struct {
		const char *name;
		bool user;
	} names[] = {{"user", true},   {"human", true},	     {"customer", true},
		     {"turn", true},   {"message", true},    {"part", true},
		     {"client", true}, {"assistant", false}, {"ai", false},
		     {"bot", false},   {"system", false},    {"model", false},
		     {"agent", false}, {"chatbot", false},   {"chatgpt", false},
		     {"gpt", false},   {"claude", false},    {"llm", false}};
	size_t at = i + marks(text, i, HEAD, MARK_BYTES), left = text.n - at;
	char first = left ? text.p[at] | 0x20 : 0;

	if (!memchr(text.p + at, ':', left < NAMED_BYTES ? left : NAMED_BYTES))
		return 0;

	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		size_t n = strlen(names[k].name), end;

		if (*names[k].name != first || text.n - at < n ||
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
		 enum rw_turns how)
{
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
	if (d->n)
		tell_join(d, text, i, end);
	if (how != RW_TURNS_GLUED && how != RW_TURNS_QUOTED_GLUED && d->n)
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

bool rw_decode_turns(struct rw_decoded *d, struct rw_slice text, enum rw_turns how)
{
	unsigned turns = 0, said = 0;
	size_t at = 0, from, end;

	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	rw_decoded_begin(d);
	for (; next_turn(text, &at, &from, &end); turns++)
		said += copy(d, text, from, end, how);
	return turns > 1 && (said > 1 || how < RW_TURNS_QUOTED);
}
