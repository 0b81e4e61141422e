/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/pem.h"

#include <stdint.h>

static bool is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '+' || c == '/' || c == '=';
}

/* What may stand between the lines of a body: newlines, and how programs quote them. */
static bool is_between(char c)
{
	return c && strchr(" \t\r\n\\\"'`,;|>()", c);
}

static bool is_label(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ';
}

/* Compares text with a literal: 1 it starts with it, 0 it does not, -1 it may when more comes. */
static int starts(struct rw_slice text, const char *literal)
{
	size_t n = strlen(literal);

	if (text.n >= n)
		return memcmp(text.p, literal, n) == 0;
	return memcmp(text.p, literal, text.n) == 0 ? -1 : 0;
}

/*
 * Length of a line "-----BEGIN label-----" or "-----END label-----" at the front of text whose
 * label starts at from; 0: it is none, -1: more is needed.
 */
static long armour_line(struct rw_slice text, size_t from)
{
	size_t i = from;

	while (i < text.n && i < RW_PEM_HEAD_MAX && is_label(text.p[i]))
		i++;
	if (i >= RW_PEM_HEAD_MAX)
		return 0;
	switch (starts(rw_slice_of(text.p + i, text.n - i), "-----")) {
	case 1:
		return (long)i + 5;
	case 0:
		return 0;
	default:
		return -1;
	}
}

static bool ends_with(struct rw_slice s, const char *tail)
{
	size_t n = strlen(tail);

	return s.n >= n && memcmp(s.p + s.n - n, tail, n) == 0;
}

long rw_pem_head(struct rw_slice text, bool eof)
{
	static const char begin[] = "-----BEGIN ";
	int is = starts(text, begin);
	long len;

	if (is != 1)
		return is == 0 || eof ? 0 : -1;
	len = armour_line(text, sizeof(begin) - 1);
	if (len <= 0)
		return eof ? 0 : len;
	text.n = (size_t)len;
	return ends_with(text, "PRIVATE KEY-----") || ends_with(text, "PRIVATE KEY BLOCK-----")
		       ? len
		       : 0;
}

void rw_pem_init(struct rw_pem *p, size_t at)
{
	*p = (struct rw_pem){.pos = at, .start = at, .end = at, .gap = at, .token = at};
}

/*
 * A header line of RFC 1421 or OpenPGP armour at the piece being looked at: its length up to the
 * newline (real or escaped), 0: it is none, -1: more is needed.
 */
static long header_line(struct rw_slice text, bool eof)
{
	static const char *const names[] = {"Proc-Type:", "DEK-Info:", "Version:",  "Comment:",
					    "Hash:",	  "Charset:",  "MessageID:"};
	int is = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && is == 0; i++)
		is = starts(text, names[i]);
	if (is != 1)
		return is == 0 || eof ? 0 : -1;
	for (size_t i = 0; i < text.n && i < RW_PEM_LINE_MAX; i++)
		if (text.p[i] == '\n' || text.p[i] == '\\')
			return (long)i;
	return text.n >= RW_PEM_LINE_MAX || eof ? 0 : -1;
}

/* A short piece that reads like a word: letters, at most the first of them upper case. */
static bool is_word(struct rw_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		bool lower = s.p[i] >= 'a' && s.p[i] <= 'z';
		bool upper = s.p[i] >= 'A' && s.p[i] <= 'Z';

		if (!lower && !(upper && i == 0))
			return false;
	}
	return s.n > 0;
}

/* The piece of base64 that ends at pos belongs to the key. */
static void take(struct rw_pem *p)
{
	if (p->pos > p->token)
		p->end = p->gap = p->pos;
}

/* At a dash: the END line or a header line with a dash in its name. */
static enum rw_pem_what at_dash(struct rw_pem *p, struct rw_slice text, bool eof)
{
	static const char end[] = "-----END ";
	struct rw_slice rest = rw_slice_of(text.p + p->pos, text.n - p->pos);
	int is = starts(rest, end);
	long len = is == 1 ? armour_line(rest, sizeof(end) - 1) : is;

	if (len < 0 && !eof)
		return RW_PEM_MORE;
	if (len == 0)
		return RW_PEM_BROKEN;
	take(p);
	if (p->end == p->start)
		return RW_PEM_BROKEN;
	p->end = len < 0 ? text.n : p->pos + (size_t)len;
	return RW_PEM_CLOSED;
}

/* Between pieces: steps over one byte, or over an escape such as \n. False: more is needed. */
static bool step_over(struct rw_pem *p, struct rw_slice text, bool eof)
{
	if (text.p[p->pos] == '\\') {
		if (p->pos + 1 >= text.n && !eof)
			return false;
		if (p->pos + 1 < text.n && memchr("nrt", text.p[p->pos + 1], 3))
			p->pos++;
	}
	p->token = ++p->pos;
	return true;
}

/* The byte at pos ends a piece of base64, which may be empty. Sets *what and returns false to stop.
 */
static bool end_piece(struct rw_pem *p, struct rw_slice text, bool eof, enum rw_pem_what *what)
{
	char c = text.p[p->pos];
	struct rw_slice piece = rw_slice_of(text.p + p->token, p->pos - p->token);
	long header;

	if (c == '-' || c == ':') {
		header = piece.n ? header_line(rw_slice_of(piece.p, text.n - p->token), eof) : 0;
		if (header > 0) {
			p->token = p->gap = p->pos = p->token + (size_t)header;
			return true;
		}
		*what = header < 0 ? RW_PEM_MORE : c == '-' ? at_dash(p, text, eof) : RW_PEM_BROKEN;
		return false;
	}
	*what = RW_PEM_BROKEN;
	if (piece.n < RW_PEM_WORD && is_word(piece) && (c == ' ' || !is_between(c)))
		return false;
	take(p);
	if (!is_between(c))
		return false;
	if (!step_over(p, text, eof)) {
		*what = RW_PEM_MORE;
		return false;
	}
	return p->pos - p->gap <= RW_PEM_GAP_MAX;
}

enum rw_pem_what rw_pem_walk(struct rw_pem *p, struct rw_slice text, bool eof)
{
	enum rw_pem_what what;

	while (p->pos < text.n) {
		if (!is_base64(text.p[p->pos])) {
			if (!end_piece(p, text, eof, &what))
				return what;
			continue;
		}
		p->pos++;
		if (p->pos - p->token >= RW_PEM_WORD)
			take(p);
	}
	if (!eof)
		return RW_PEM_MORE;
	take(p);
	return RW_PEM_BROKEN;
}
