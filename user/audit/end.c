/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the file, and where the chain goes on in it. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit/audit_int.h"
#include "audit/reader.h"
#include "base/log.h"

enum {
	LINE_BYTES = 1024 * 1024
}; /* of a last record that is longer the head does not tell where */

static uint64_t file_size(const struct rw_audit *a)
{
	struct stat st;

	return a->head_fd >= 0 && fstat(a->fd, &st) == 0 ? (uint64_t)st.st_size : a->size + a->part;
}

static uint64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* What is no record is accounted for before anything else is written. */
static int account(struct rw_audit *a, const struct rw_walk *w)
{
	unsigned char sum[RW_CHAIN_DIGEST];

	rw_buf_reset(&a->own);
	if (!w->pending)
		return RW_OK;
	rw_walk_sum(w, sum);
	rw_warn("audit log %s: %" PRIu64 " bytes behind record %" PRIu64
		" are no record (torn by a crash or a full disk, or not ours): a record says so",
		a->file, w->pending_bytes, w->at.seq);
	return rw_audit_stray_json(wall_ms(), w->pending_bytes, sum, &a->own);
}

/* Walks from a record that ends at from, or from where none is known. */
static int look(struct rw_audit *a, struct rw_walk *w, uint64_t from, struct rw_error *e)
{
	struct rw_reading r = {.fd = a->fd};
	size_t tail;
	int rc;

	if (lseek(a->fd, (off_t)from, SEEK_SET) < 0)
		return rw_fail(e, RW_EIO, "cannot read the audit log: %s", strerror(errno));
	rc = rw_walk_file(w, &r, e);
	if (rc)
		return rc;
	tail = w->cut.len;
	if (r.last_end)
		a->last = (struct rw_head){.end = from + r.last_end, .bytes = r.last_bytes};
	if (!rw_walk_end(w) && tail) /* a record that lacks nothing but its newline */
		a->last = (struct rw_head){.end = from + r.bytes + 1, .bytes = tail};
	a->last.at = w->at;
	a->torn = r.unended;
	a->size = from + r.bytes;
	a->part = 0;
	return account(a, w);
}

int rw_audit_catch_up(struct rw_audit *a, struct rw_error *e)
{
	struct rw_walk w = {.at = a->last.at, .begun = true};
	uint64_t size = file_size(a);
	int rc;

	if (size == a->size + a->part)
		return RW_OK;
	if (size < a->last.end) /* somebody cut it: what is gone will be missed */
		a->last = (struct rw_head){.at = a->last.at, .end = size};
	rc = look(a, &w, a->last.end, e);
	rw_walk_free(&w);
	return rc;
}

/* Whether the record that the head names ends where it says. */
static bool is_there(const struct rw_audit *a, const struct rw_head *h)
{
	unsigned char digest[RW_CHAIN_DIGEST];
	size_t n = (size_t)h->bytes + 1;
	char *line = n <= LINE_BYTES ? malloc(n) : NULL;
	bool there = line && pread(a->fd, line, n, (off_t)(h->end - n)) == (ssize_t)n;

	if (there) {
		rw_chain_digest(rw_slice_of(line, n - 1), digest);
		there = line[n - 1] == '\n' && !memcmp(digest, h->at.digest, sizeof(digest));
	}
	free(line);
	return there;
}

int rw_audit_find_end(struct rw_audit *a, struct rw_error *e)
{
	struct rw_walk w = {0};
	struct rw_head h = {0};
	bool known = rw_head_read(a->head_fd, &h), there = known && is_there(a, &h);
	int rc;

	if (there) {
		w.at = h.at;
		w.begun = true;
		a->last = h;
	}
	rc = look(a, &w, there ? h.end : 0, e);
	if (!rc && known && w.at.seq < h.at.seq) {
		if (a->size)
			rw_err("audit log %s: record %" PRIu64 " was on the disk, and the file "
			       "ends with %" PRIu64 ": see 'ringwall audit verify'",
			       a->file, h.at.seq, w.at.seq);
		a->last.at = h.at;
	}
	rw_walk_free(&w);
	return rc;
}
