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
};

/* How far text from i on is made of marks, at most so many bytes. */
static size_t marks(struct rw_slice text, size_t i, const char *which, size_t most)
{
	size_t n = 0;

	while (n < most && i + n < text.n && text.p[i + n] && strchr(which, text.p[i + n]))
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
	size_t at = i + marks(text, i, "*#[(<>-_ ", MARK_BYTES);

	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		size_t n = strlen(names[k].name), end;

		if (text.n - at < n || strncasecmp(text.p + at, names[k].name, n) != 0)
			continue;
		end = at + n;
		end += marks(text, end, "*])>_ (#0123456789", TAIL_BYTES);
		if (end == text.n || text.p[end] != ':')
			continue;
		end++;
		*user = names[k].user;
		return end - i + marks(text, end, "*_ ", MARK_BYTES);
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
	if (how != RW_TURNS_GLUED && how != RW_TURNS_QUOTED_GLUED && d->n)
		rw_decoded_put(d, ' ', i);
	for (; i < end; i++)
		rw_decoded_put(d, text.p[i], i);
	return true;
}

bool rw_decode_turns(struct rw_decoded *d, struct rw_slice text, enum rw_turns how)
{
	size_t i = 0, from = 0;
	unsigned turns = 0, said = 0;
	bool user = false, open = false;

	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	d->n = 0;
	while (i < text.n) {
		bool next = false;
		size_t n = speaker(text, i, &next);
		const char *end;

		if (n) {
			if (open)
				said += copy(d, text, from, i, how);
			user = next;
			open = user;
			turns += user;
			from = i + n;
		}
		end = memchr(text.p + i, '\n', text.n - i);
		i = end ? (size_t)(end - text.p) + 1 : text.n;
	}
	if (open)
		said += copy(d, text, from, text.n, how);
	return turns > 1 && (said > 1 || how < RW_TURNS_QUOTED);
}
