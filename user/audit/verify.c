/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* --- heads --------------------------------------------------------------------------------------
 */

static void meet(struct rw_verify *v, struct rw_verify_head *h)
{
	h->met |= v->walk.at.seq == h->at.seq &&
		  !memcmp(v->walk.at.digest, h->at.digest, sizeof(h->at.digest));
}

/* What the log says of a head that was not met. */
static int missed(const struct rw_verify *v, const struct rw_verify_head *h, struct rw_error *e)
{
	if (v->walk.at.seq < h->at.seq)
		return rw_fail(e, RW_EINVAL,
			       "the log ends with record %" PRIu64
			       ", but %s says that there was a record %" PRIu64
			       ": its end was cut off",
			       v->walk.at.seq, h->from, h->at.seq);
	if (v->walk.first > h->at.seq)
		return rw_fail(e, RW_EINVAL,
			       "the log begins with record %" PRIu64 ": record %" PRIu64
			       ", which %s names, is not in these files",
			       v->walk.first, h->at.seq, h->from);
	return rw_fail(e, RW_EINVAL,
		       "record %" PRIu64 " is not the one that %s names: the log was written anew",
		       h->at.seq, h->from);
}

/* --- files --------------------------------------------------------------------------------------
 */

struct one {
	struct rw_verify *v;
	const char *name;
};

/* A head may be of the record before the first: its digest stands in that. */
static void meet_before(struct rw_verify *v, struct rw_slice line)
{
	struct rw_chain before;

	if (v->walk.records != 1 || !rw_chain_read(line, &before.seq, before.digest))
		return;
	for (unsigned i = 0; i < v->n_heads; i++) {
		const struct rw_chain *at = &v->heads[i].at;

		v->heads[i].met |= at->seq + 1 == before.seq &&
				   !memcmp(at->digest, before.digest, sizeof(at->digest));
	}
}

static void on_line(void *arg, struct rw_slice line, bool linked)
{
	struct one *o = arg;

	if (linked)
		meet_before(o->v, line);
	for (unsigned i = 0; linked && i < o->v->n_heads; i++)
		meet(o->v, &o->v->heads[i]);
	if (o->v->each)
		o->v->each(o->v->arg, o->name, o->v->walk.line, line, linked);
}

static void on_progress(void *arg, size_t n)
{
	struct one *o = arg;

	if (o->v->progress)
		o->v->progress(o->v->arg, n);
}

static int read_one(struct rw_verify *v, const char *name, struct rw_error *e)
{
	bool in = !strcmp(name, "-");
	struct one o = {v, in ? "standard input" : name};
	struct rw_reading r = {
		.fd = in ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC),
		.each = on_line,
		.progress = on_progress,
		.arg = &o,
	};
	int rc;

	if (r.fd < 0)
		return rw_fail(e, errno == EACCES ? RW_EPERM : RW_EIO, "cannot read %s: %s", name,
			       strerror(errno));
	rc = rw_walk_file(&v->walk, &r, e);
	if (!in)
		close(r.fd);
	return rc;
}

/* The first place that is wrong, in words. */
static int broken(const struct rw_verify *v, const struct rw_log_files *files, struct rw_error *e)
{
	const struct rw_walk *w = &v->walk;
	const char *file = files->file[w->fault_file].name;
	char what[240];

	if (w->fault == RW_WALK_NO_RECORD)
		snprintf(what, sizeof(what),
			 "this is no record, and none accounts for it: changed, or put in");
	else if (w->fault == RW_WALK_PREV)
		snprintf(what, sizeof(what),
			 "record %" PRIu64 " does not link to the line before it: one of the two "
			 "was changed",
			 w->fault_seq);
	else if (w->fault_seq > w->at.seq + 1)
		snprintf(what, sizeof(what),
			 "record %" PRIu64 " follows record %" PRIu64 ": those between are missing",
			 w->fault_seq, w->at.seq);
	else
		snprintf(what, sizeof(what),
			 "record %" PRIu64 " follows record %" PRIu64 ": put in, or put elsewhere",
			 w->fault_seq, w->at.seq);
	return rw_fail(e, RW_EINVAL, "%.200s:%" PRIu64 ": %s", file, w->fault_line, what);
}

int rw_verify_run(struct rw_verify *v, const struct rw_log_files *files, struct rw_error *e)
{
	struct rw_walk *w = &v->walk;
	size_t tail;
	int rc = RW_OK;

	for (unsigned i = 0; i < files->n && !rc; i++) {
		w->file = i;
		rc = read_one(v, files->file[i].name, e);
	}
	if (rc)
		return rc;
	tail = w->pending ? 0 : w->cut.len;
	if (rw_walk_end(w) && !tail)
		return broken(v, files, e);
	v->tail_bytes = tail;
	for (unsigned i = 0; i < v->n_heads; i++) {
		meet(v, &v->heads[i]); /* a last record without its newline */
		if (!v->heads[i].met)
			return missed(v, &v->heads[i], e);
	}
	return RW_OK;
}

void rw_verify_free(struct rw_verify *v)
{
	rw_walk_free(&v->walk);
}
