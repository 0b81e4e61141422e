/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/reader.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	CHUNK_BYTES = 128 * 1024,
	LINE_MAX_BYTES = 1024 * 1024, /* no record is longer: a path, cut by limits, is its most */
};

static void take(struct rw_walk *w, struct rw_reading *r, struct rw_slice line, bool whole)
{
	bool linked = rw_walk_line(w, line, whole);

	if (linked) {
		r->last_end = r->bytes;
		r->last_bytes = line.n;
	}
	if (r->each && whole)
		r->each(r->arg, line, linked);
	w->line += whole;
}

/* The whole lines of b; what is left is the beginning of one. */
static void take_lines(struct rw_walk *w, struct rw_reading *r, struct rw_buf *b)
{
	size_t done = 0;
	char *end;

	while (!r->enough && b->len > done && (end = memchr(b->p + done, '\n', b->len - done))) {
		struct rw_slice line = rw_slice_of(b->p + done, (size_t)(end - b->p) - done);

		r->bytes += line.n + 1;
		take(w, r, line, true);
		done += line.n + 1;
	}
	rw_buf_consume(b, done);
	if (b->len < LINE_MAX_BYTES)
		return;
	r->bytes += b->len;
	take(w, r, rw_buf_slice(b), false);
	rw_buf_reset(b);
}

/* 0 at the end. */
static ssize_t read_more(const struct rw_reading *r, struct rw_buf *b)
{
	ssize_t got;

	do
		got = read(r->fd, b->p + b->len, CHUNK_BYTES);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		b->len += (size_t)got;
	return got;
}

int rw_walk_file(struct rw_walk *w, struct rw_reading *r, struct rw_error *e)
{
	struct rw_buf b = {0};
	ssize_t got = 0;
	int rc = RW_OK;

	w->line = 1;
	while (!r->enough && !(rc = rw_buf_reserve(&b, CHUNK_BYTES)) &&
	       (got = read_more(r, &b)) > 0) {
		take_lines(w, r, &b);
		if (r->progress)
			r->progress(r->arg, (size_t)got);
	}
	if (!rc && got < 0)
		rc = rw_fail(e, RW_EIO, "cannot read the audit log: %s", strerror(errno));
	r->unended = b.len || w->inside;
	r->bytes += b.len;
	if (!rc && b.len)
		rc = rw_walk_cut(w, rw_buf_slice(&b));
	w->inside = false;
	rw_buf_free(&b);
	return rc == RW_ENOMEM ? rw_fail(e, rc, "out of memory") : rc;
}
