/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation written down: what its user said, in one piece, so that what was split is whole
 * again. */
#include <strings.h>

#include "base/err.h"
#include "scan/decode.h"

enum { LABEL_BYTES = 24 /* "Part 2 of 3:" */ };

/* Length of a name of a speaker with its colon at the start of a line, or 0. */
static size_t speaker(struct rw_slice text, size_t i, bool *user)
{
	static const struct {
		const char *name;
		bool user;
	} names[] = {{"user:", true},	    {"human:", true},  {"customer:", true},
		     {"assistant:", false}, {"ai:", false},    {"bot:", false},
		     {"system:", false},    {"model:", false}, {"agent:", false}};

	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		size_t n = strlen(names[k].name);

		if (text.n - i < n || strncasecmp(text.p + i, names[k].name, n) != 0)
			continue;
		*user = names[k].user;
		return n;
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

/* Copies one turn's text [i, end) as it is to be joined. */
static void copy(struct rw_decoded *d, struct rw_slice text, size_t i, size_t end,
		 enum rw_turns how)
{
	if (how != RW_TURNS_SPACED)
		i = skip_label(text, i);
	while (end > i && ((unsigned char)text.p[end - 1] <= ' ' ||
			   (how != RW_TURNS_SPACED && strchr("\"'.", text.p[end - 1]))))
		end--;
	if (i >= end) /* a label alone: what stands behind it may be the text's end */
		return;
	if (how != RW_TURNS_GLUED && d->n)
		rw_decoded_put(d, ' ', i);
	for (; i < end; i++)
		rw_decoded_put(d, text.p[i], i);
}

bool rw_decode_turns(struct rw_decoded *d, struct rw_slice text, enum rw_turns how)
{
	size_t i = 0, from = 0;
	unsigned turns = 0;
	bool user = false, open = false;

	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	d->n = 0;
	while (i < text.n) {
		bool next = false;
		size_t n = speaker(text, i, &next);
		const char *end;

		if (n) {
			if (open)
				copy(d, text, from, i, how);
			user = next;
			open = user;
			turns += user;
			from = i + n;
		}
		end = memchr(text.p + i, '\n', text.n - i);
		i = end ? (size_t)(end - text.p) + 1 : text.n;
	}
	if (open)
		copy(d, text, from, text.n, how);
	return turns > 1;
}
