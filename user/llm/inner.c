/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/inner.h"

#include "base/err.h"
#include "base/utf8.h"
#include "llm/text.h"

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static uint32_t hex(const char *p, unsigned n)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 4 | (uint32_t)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
	return v;
}

/* --- the way in -------------------------------------------------------------------------- */

/* What the whole escape sequence says. Surrogates are read one by one, as WTF-8. */
static size_t undo(const char *escape, unsigned n, char out[4])
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *at;
	uint32_t cp;

	if (n < RW_INNER_ESCAPE) {
		at = memchr(from, escape[1], sizeof(from) - 1);
		out[0] = at ? to[at - from] : escape[1];
		return 1;
	}
	cp = hex(escape + 2, 4);
	return rw_utf8_put(out, cp);
}

static int feed_escape(struct rw_inner *in, struct rw_lane *lane, struct rw_buf *out)
{
	char text[4];
	size_t n = undo(in->escape, in->escape_n, text);
	struct rw_slice raw = rw_slice_of(in->escape, in->escape_n);

	in->escape_n = 0;
	return rw_lane_add(lane, rw_slice_of(text, n), raw, out);
}

/* It turns out to be none: passes as text. */
static int feed_no_escape(struct rw_inner *in, struct rw_lane *lane, struct rw_buf *out)
{
	struct rw_slice raw = rw_slice_of(in->escape, in->escape_n);

	in->escape_n = 0;
	return rw_lane_add(lane, raw, (struct rw_slice){0}, out);
}

/* One byte of an escape sequence; *taken: it belongs to it. */
static int go_on(struct rw_inner *in, struct rw_lane *lane, char c, bool *taken, struct rw_buf *out)
{
	bool unicode = in->escape_n > 1 || c == 'u';

	*taken = (in->escape_n == 1 && (unsigned char)c < 0x80) || (in->escape_n > 1 && is_hex(c));
	if (!*taken)
		return feed_no_escape(in, lane, out);
	in->escape[in->escape_n++] = c;
	return unicode && in->escape_n < RW_INNER_ESCAPE ? RW_OK : feed_escape(in, lane, out);
}

/* Up to the next quote or escape sequence. */
static int feed_run(struct rw_inner *in, struct rw_lane *lane, struct rw_slice *text,
		    struct rw_buf *out)
{
	size_t n = 0;
	int rc;

	while (n < text->n && text->p[n] != '"' && !(in->in_string && text->p[n] == '\\'))
		n++;
	if (n < text->n && text->p[n] == '"') {
		in->in_string = !in->in_string;
		n++;
	}
	rc = rw_lane_add(lane, rw_slice_of(text->p, n), (struct rw_slice){0}, out);
	text->p += n;
	text->n -= n;
	return rc;
}

static int feed_some(struct rw_inner *in, struct rw_lane *lane, struct rw_slice *text,
		     struct rw_buf *out)
{
	bool taken = true;
	int rc = RW_OK;

	if (in->escape_n)
		rc = go_on(in, lane, text->p[0], &taken, out);
	else if (in->in_string && text->p[0] == '\\')
		in->escape[in->escape_n++] = '\\';
	else
		return feed_run(in, lane, text, out);
	text->p += taken;
	text->n -= taken;
	return rc;
}

/* --- the way out ------------------------------------------------------------------------- */

static bool is_bare(char c)
{
	return (unsigned char)c > ' ' && !strchr("{}[]:,\"", c);
}

static void follow_string(struct rw_inner *in, char c)
{
	switch (in->state) {
	case RW_INNER_ESCAPED:
		in->state = c == 'u' ? RW_INNER_HEX : RW_INNER_STRING;
		in->hex_left = 4;
		return;
	case RW_INNER_HEX:
		if (is_hex(c)) {
			if (--in->hex_left == 0)
				in->state = RW_INNER_STRING;
			return;
		}
		break;
	default:
		break;
	}
	in->state = c == '"' ? RW_INNER_VALUE : c == '\\' ? RW_INNER_ESCAPED : RW_INNER_STRING;
}

static int write_bare(struct rw_inner *in, struct rw_buf *out)
{
	unsigned n = in->bare_n;

	in->bare_n = 0;
	return rw_buf_add(out, in->bare, n);
}

/* A byte between strings. */
static int write_value(struct rw_inner *in, char c, struct rw_buf *out)
{
	int rc = RW_OK;

	if (is_bare(c) && in->state == RW_INNER_VALUE && in->bare_n < RW_INNER_BARE) {
		in->bare[in->bare_n++] = c;
		return RW_OK;
	}
	if (is_bare(c) && in->state == RW_INNER_QUOTED)
		return rw_text_write(out, rw_slice_of(&c, 1));
	rc = write_bare(in, out);
	if (!rc && in->state == RW_INNER_QUOTED)
		rc = rw_buf_add(out, "\"", 1);
	in->state = is_bare(c) ? RW_INNER_LONG : c == '"' ? RW_INNER_STRING : RW_INNER_VALUE;
	return rc ? rc : rw_buf_add(out, &c, 1);
}

static int write_text(void *arg, struct rw_slice text, struct rw_buf *out)
{
	struct rw_inner *in = arg;
	size_t run = 0, i = 0;
	int rc = RW_OK;

	while (i < text.n && !rc) {
		if (in->state >= RW_INNER_STRING) {
			follow_string(in, text.p[i++]);
			continue;
		}
		rc = rw_buf_add(out, text.p + run, i - run);
		if (!rc)
			rc = write_value(in, text.p[i++], out);
		run = i;
	}
	return rc || run == i ? rc : rw_buf_add(out, text.p + run, i - run);
}

static bool is_number(struct rw_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n && s.n <= RW_INNER_BARE && s.p[0] != '0';
}

/* In place of a bare value, or within one. */
static int put_value(struct rw_inner *in, struct rw_slice s, struct rw_buf *out)
{
	struct rw_slice front = rw_slice_of(in->bare, in->bare_n);
	int rc = RW_OK;

	if (in->state == RW_INNER_LONG) /* the front went out without a quote: a digit fits */
		return rw_buf_add(out, "0", 1);
	if (in->state == RW_INNER_VALUE && !front.n && is_number(s)) {
		memcpy(in->bare, s.p, s.n);
		in->bare_n = (unsigned)s.n;
		return RW_OK;
	}
	if (in->state == RW_INNER_VALUE) {
		in->state = RW_INNER_QUOTED;
		rc = rw_buf_add(out, "\"", 1);
	}
	if (!rc)
		rc = rw_text_write(out, front);
	in->bare_n = 0;
	return rc ? rc : rw_text_write(out, s);
}

static int put(void *arg, struct rw_slice s, struct rw_buf *out)
{
	static const char zeros[] = "0000";
	struct rw_inner *in = arg;
	int rc = RW_OK;

	if (in->state < RW_INNER_STRING)
		return put_value(in, s, out);
	/* Half an escape sequence is in front: no JSON so far; it is not made to swallow what
	 * comes. */
	if (in->state == RW_INNER_ESCAPED)
		rc = rw_buf_add(out, "\\", 1);
	if (in->state == RW_INNER_HEX)
		rc = rw_buf_add(out, zeros, in->hex_left);
	in->state = RW_INNER_STRING;
	return rc ? rc : rw_text_write(out, s);
}

/* --- both -------------------------------------------------------------------------------- */

int rw_inner_feed(struct rw_inner *in, struct rw_lane *lane, struct rw_slice text,
		  struct rw_buf *out)
{
	const struct rw_writer w = {write_text, put, in};
	int rc = RW_OK;

	rw_lane_write_to(lane, &w);
	while (!rc && text.n)
		rc = feed_some(in, lane, &text, out);
	return rc ? rc : rw_lane_feed(lane, (struct rw_slice){0}, out);
}

int rw_inner_end(struct rw_inner *in, struct rw_lane *lane, struct rw_buf *out)
{
	const struct rw_writer w = {write_text, put, in};
	int rc = RW_OK;

	rw_lane_write_to(lane, &w);
	if (in->escape_n)
		rc = feed_no_escape(in, lane, out);
	if (!rc)
		rc = rw_lane_end(lane, out);
	if (!rc)
		rc = write_bare(in, out);
	return rc || in->state != RW_INNER_QUOTED ? rc : rw_buf_add(out, "\"", 1);
}

int rw_inner_late(struct rw_inner *in, struct rw_lane *lane, struct rw_buf *out)
{
	const struct rw_writer w = {write_text, put, in};

	rw_lane_write_to(lane, &w);
	return rw_lane_late(lane, out);
}
