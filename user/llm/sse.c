/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/sse.h"

#include "base/err.h"
#include "base/vec.h"

static rw_vec line_ends(rw_vec v)
{
	return (v == '\n') | (v == '\r');
}

/* Bytes before the first CR or LF; n if there is none. */
static size_t line_len(const char *p, size_t n)
{
	size_t i = 0;

	while (n - i >= 4 * RW_VEC &&
	       !rw_vec_any4(line_ends(rw_vec_at(p + i)), line_ends(rw_vec_at(p + i + RW_VEC)),
			    line_ends(rw_vec_at(p + i + 2 * RW_VEC)),
			    line_ends(rw_vec_at(p + i + 3 * RW_VEC))))
		i += 4 * RW_VEC;
	while (n - i >= RW_VEC) {
		unsigned k = rw_vec_first(line_ends(rw_vec_at(p + i)));

		i += k;
		if (k < RW_VEC)
			return i;
	}
	while (i < n && p[i] != '\n' && p[i] != '\r')
		i++;
	return i;
}

struct field {
	bool is_data, is_comment, is_empty;
	size_t value; /* offset in the line */
};

/* The line without its end. */
static struct field read_field(struct rw_slice line, bool first)
{
	struct field f = {0};
	size_t at = 0;

	if (first && rw_slice_starts(line, "\xef\xbb\xbf"))
		at = 3;
	f.is_empty = line.n == at;
	f.is_comment = line.n > at && line.p[at] == ':';
	if (line.n - at < 4 || memcmp(line.p + at, "data", 4) != 0)
		return f;
	at += 4;
	f.is_data = line.n == at || line.p[at] == ':';
	if (line.n > at)
		at++;
	if (line.n > at && line.p[at] == ' ')
		at++;
	f.value = at;
	return f;
}

/* --- re-assembly ------------------------------------------------------------------------- */

static void start_block(struct rw_sse *s)
{
	rw_buf_reset(&s->raw);
	rw_buf_reset(&s->joined);
	s->here = NULL;
	s->n = 0;
	s->line_start = 0;
	s->data_lines = 0;
	s->delivered = false;
}

/* The block so far. */
static const char *bytes_of(const struct rw_sse *s)
{
	return s->here ? s->here : s->raw.p;
}

/* The next n bytes of the input are the block's. */
static int take(struct rw_sse *s, struct rw_slice *in, size_t n)
{
	int rc = s->here ? RW_OK : rw_buf_add(&s->raw, in->p, n);

	s->n += n;
	in->p += n;
	in->n -= n;
	return rc;
}

/* The input ends in the block: what it had of it is kept. */
static int keep(struct rw_sse *s)
{
	const char *p = s->here;

	s->here = NULL;
	return p ? rw_buf_add(&s->raw, p, s->n) : RW_OK;
}

static int deliver(struct rw_sse *s, struct rw_sse_block *out)
{
	*out = (struct rw_sse_block){.raw = rw_slice_of(bytes_of(s), s->n),
				     .has_data = s->data_lines > 0,
				     .one_line = s->data_lines == 1,
				     .first = !s->opened};
	if (out->one_line)
		out->data = rw_slice_of(out->raw.p + s->data_start, s->data_end - s->data_start);
	else if (out->has_data)
		out->data = rw_buf_slice(&s->joined);
	s->opened = true;
	s->delivered = true;
	return 1;
}

static int keep_data(struct rw_sse *s, size_t start, size_t end)
{
	const char *p = bytes_of(s);
	int rc = RW_OK;

	s->data_lines++;
	if (s->data_lines == 1) {
		s->data_start = start;
		s->data_end = end;
		return RW_OK;
	}
	if (s->data_lines == 2)
		rc = rw_buf_add(&s->joined, p + s->data_start, s->data_end - s->data_start);
	if (!rc)
		rc = rw_buf_add(&s->joined, "\n", 1);
	return rc ? rc : rw_buf_add(&s->joined, p + start, end - start);
}

/* A line is whole: [line_start, end) of the block, its end behind. 1: it ends the block. */
static int take_line(struct rw_sse *s, size_t end, struct rw_sse_block *out)
{
	struct rw_slice line = rw_slice_of(bytes_of(s) + s->line_start, end - s->line_start);
	size_t start = s->line_start;
	struct field f = read_field(line, start == 0 && !s->opened);

	s->line_start = s->n;
	if (f.is_empty || (f.is_comment && start == 0))
		return deliver(s, out);
	return f.is_data ? keep_data(s, start + f.value, end) : 0;
}

/* The LF of a CRLF whose CR was the last byte of the input before. 1: a block of its own. */
static int take_late_lf(struct rw_sse *s, struct rw_slice *in, struct rw_sse_block *out)
{
	int rc;

	s->after_cr = false;
	if (in->p[0] != '\n')
		return 0;
	rc = take(s, in, 1);
	if (rc)
		return rc;
	s->line_start = s->n;
	if (s->n > 1)
		return 0;
	rc = deliver(s, out);
	out->late_lf = true;
	return rc;
}

/* Takes the rest of the line; *whole: its end came too. */
static int take_bytes(struct rw_sse *s, struct rw_slice *in, size_t *end, bool *whole)
{
	size_t n = line_len(in->p, in->n), eol = 0;

	*end = s->n + n;
	if (*end > s->max_bytes) /* line ends do not count: they may come late, and alone */
		return RW_ELIMIT;
	if (n < in->n) {
		eol = 1;
		s->after_cr = in->p[n] == '\r' && n + 1 == in->n;
		if (in->p[n] == '\r' && n + 1 < in->n && in->p[n + 1] == '\n')
			eol = 2;
	}
	*whole = eol > 0;
	return take(s, in, n + eol);
}

int rw_sse_next(struct rw_sse *s, struct rw_slice *in, struct rw_sse_block *out)
{
	bool whole;
	size_t end;
	int rc = 0;

	RW_BUG_ON(in->n && !in->p); /* NULL in here says that the block was copied */
	if (s->delivered)
		start_block(s);
	if (s->n == 0)
		s->here = in->p;
	while (in->n && !rc) {
		if (s->after_cr) {
			rc = take_late_lf(s, in, out);
			continue;
		}
		rc = take_bytes(s, in, &end, &whole);
		if (!rc && whole)
			rc = take_line(s, end, out);
	}
	return rc ? rc : keep(s);
}

int rw_sse_end(struct rw_sse *s, struct rw_sse_block *out)
{
	struct rw_slice lf = RW_SLICE("\n");
	size_t end = s->n;
	int rc;

	if (s->delivered)
		start_block(s);
	if (s->n == 0)
		return 0;
	if (s->line_start < s->n) {
		rc = take(s, &lf, 1);
		if (!rc)
			rc = take_line(s, end, out);
		if (rc < 0)
			return rc;
	}
	lf = RW_SLICE("\n");
	if (!s->data_lines)
		s->n = end;
	else if ((rc = take(s, &lf, 1)) != RW_OK)
		return rc;
	return deliver(s, out);
}

void rw_sse_free(struct rw_sse *s)
{
	rw_buf_free(&s->raw);
	rw_buf_free(&s->joined);
	*s = (struct rw_sse){.max_bytes = s->max_bytes};
}

/* --- rewriting --------------------------------------------------------------------------- */

/* Adds a data line's prefix, the next line of *data and the line's end; *more: data goes on. */
static int rewrite_line(struct rw_buf *out, struct rw_slice prefix, struct rw_slice eol,
			struct rw_slice *data, bool *more)
{
	const char *lf = memchr(data->p, '\n', data->n);
	size_t n = lf ? (size_t)(lf - data->p) : data->n;
	int rc = rw_buf_add_slice(out, prefix);

	if (!rc)
		rc = rw_buf_add(out, data->p, n);
	*more = lf != NULL;
	data->p += n + *more;
	data->n -= n + *more;
	return rc ? rc : rw_buf_add_slice(out, eol);
}

int rw_sse_rewrite(struct rw_buf *out, const struct rw_sse_block *b, struct rw_slice data)
{
	struct rw_slice rest = b->raw;
	struct field f;
	bool more = true;
	size_t n, eol;
	int rc = RW_OK;

	while (rest.n && !rc) {
		n = line_len(rest.p, rest.n);
		eol = n < rest.n;
		if (n + 1 < rest.n && rest.p[n] == '\r' && rest.p[n + 1] == '\n')
			eol = 2;
		f = read_field(rw_slice_of(rest.p, n), b->first && rest.p == b->raw.p);
		if (!f.is_data)
			rc = rw_buf_add(out, rest.p, n + eol);
		else if (more)
			rc = rewrite_line(out, rw_slice_of(rest.p, f.value),
					  rw_slice_of(rest.p + n, eol), &data, &more);
		rest.p += n + eol;
		rest.n -= n + eol;
	}
	return rc;
}
