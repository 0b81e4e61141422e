/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/sse.h"

#include "base/err.h"
#include "base/vec.h"

/* Bytes before the first CR or LF; n if there is none. */
static size_t line_len(const char *p, size_t n)
{
	size_t i = 0;

	while (n - i >= RW_VEC) {
		rw_vec v = rw_vec_at(p + i);
		unsigned k = rw_vec_first((v == '\n') | (v == '\r'));

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
	s->line_start = 0;
	s->data_lines = 0;
	s->delivered = false;
}

static int deliver(struct rw_sse *s, struct rw_sse_block *out)
{
	struct rw_slice data = rw_slice_of(s->raw.p + s->data_start, s->data_end - s->data_start);

	*out = (struct rw_sse_block){
		.raw = rw_buf_slice(&s->raw), .has_data = s->data_lines > 0, .first = !s->opened};
	if (out->has_data)
		out->data = s->data_lines == 1 ? data : rw_buf_slice(&s->joined);
	s->opened = true;
	s->delivered = true;
	return 1;
}

static int keep_data(struct rw_sse *s, size_t start, size_t end)
{
	int rc = RW_OK;

	s->data_lines++;
	if (s->data_lines == 1) {
		s->data_start = start;
		s->data_end = end;
		return RW_OK;
	}
	if (s->data_lines == 2)
		rc = rw_buf_add(&s->joined, s->raw.p + s->data_start, s->data_end - s->data_start);
	if (!rc)
		rc = rw_buf_add(&s->joined, "\n", 1);
	return rc ? rc : rw_buf_add(&s->joined, s->raw.p + start, end - start);
}

/* A line is whole: raw[line_start, end), its end behind. 1: it ends a block. */
static int take_line(struct rw_sse *s, size_t end, struct rw_sse_block *out)
{
	struct rw_slice line = rw_slice_of(s->raw.p + s->line_start, end - s->line_start);
	size_t start = s->line_start;
	struct field f = read_field(line, start == 0 && !s->opened);

	s->line_start = s->raw.len;
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
	in->p++;
	in->n--;
	rc = rw_buf_add(&s->raw, "\n", 1);
	if (rc)
		return rc;
	s->line_start = s->raw.len;
	if (s->raw.len > 1)
		return 0;
	rc = deliver(s, out);
	out->late_lf = true;
	return rc;
}

/* Moves the rest of the line into raw; *whole: its end came too. */
static int take_bytes(struct rw_sse *s, struct rw_slice *in, size_t *end, bool *whole)
{
	size_t n = line_len(in->p, in->n), eol = 0;
	int rc;

	*end = s->raw.len + n;
	if (*end > s->max_bytes) /* line ends do not count: they may come late, and alone */
		return RW_ELIMIT;
	if (n < in->n) {
		eol = 1;
		s->after_cr = in->p[n] == '\r' && n + 1 == in->n;
		if (in->p[n] == '\r' && n + 1 < in->n && in->p[n + 1] == '\n')
			eol = 2;
	}
	*whole = eol > 0;
	rc = rw_buf_add(&s->raw, in->p, n + eol);
	in->p += n + eol;
	in->n -= n + eol;
	return rc;
}

int rw_sse_next(struct rw_sse *s, struct rw_slice *in, struct rw_sse_block *out)
{
	bool whole;
	size_t end;
	int rc = 0;

	if (s->delivered)
		start_block(s);
	while (in->n && !rc) {
		if (s->after_cr) {
			rc = take_late_lf(s, in, out);
			continue;
		}
		rc = take_bytes(s, in, &end, &whole);
		if (!rc && whole)
			rc = take_line(s, end, out);
	}
	return rc;
}

int rw_sse_end(struct rw_sse *s, struct rw_sse_block *out)
{
	size_t end = s->raw.len;
	int rc;

	if (s->delivered)
		start_block(s);
	if (s->raw.len == 0)
		return 0;
	if (s->line_start < s->raw.len) {
		rc = rw_buf_add(&s->raw, "\n", 1);
		if (!rc)
			rc = take_line(s, end, out);
		if (rc < 0)
			return rc;
	}
	if (!s->data_lines) {
		s->raw.len = end;
	} else {
		rc = rw_buf_add(&s->raw, "\n", 1);
		if (rc)
			return rc;
	}
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
