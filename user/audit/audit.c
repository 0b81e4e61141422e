/* SPDX-License-Identifier: Apache-2.0 */
/* The file and the queue in front of it. Runs in the control thread. */
#include "audit/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/audit_int.h"
#include "base/log.h"

enum {
	KEEP_BYTES = 128 * 1024,
	CHUNK_BYTES = 64 * 1024, /* linked and written at once */
};

/*
 * The file may be new: its name is in its folder, and reaches the disk with that (fsync(2)). What
 * cannot be synced (EINVAL), or may be written and not read, has no more than its file system does
 * by itself.
 */
static int sync_folder(const char *file, struct rw_error *e)
{
	const char *slash = strrchr(file, '/');
	char folder[PATH_MAX] = ".";
	int fd, rc = RW_OK;

	if (slash)
		snprintf(folder, sizeof(folder), "%.*s", slash == file ? 1 : (int)(slash - file),
			 file);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return RW_OK;
	if (fsync(fd) && errno != EINVAL)
		rc = rw_fail(e, RW_EIO, "the folder of the audit log %s cannot be synced: %s", file,
			     strerror(errno));
	close(fd);
	return rc;
}

static int open_file(const char *file, struct rw_error *e)
{
	/* Non-blocking, so that a FIFO without a reader is an error and not a hang. */
	int fd = open(file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	struct stat st;

	if (fd < 0) {
		rw_fail(e, errno == EACCES || errno == EPERM || errno == EROFS ? RW_EPERM : RW_EIO,
			"cannot open the audit log %s: %s; make its directory, let ringwall write "
			"there, or change audit.file",
			file, strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISCHR(st.st_mode))) {
		if (sync_folder(file, e) == RW_OK)
			return fd;
		close(fd);
		return -1;
	}
	close(fd);
	rw_fail(e, RW_EINVAL, "the audit log %s is not a regular file: change audit.file", file);
	return -1;
}

/* --- writing ------------------------------------------------------------------------------------
 */

/* 0, or -1 with the reason kept for people. */
static int write_some(struct rw_audit *a, const char *p, size_t n, size_t *done)
{
	ssize_t w;

	for (*done = 0; *done < n; *done += (size_t)w) {
		do
			w = write(a->fd, p + *done, n - *done);
		while (w < 0 && errno == EINTR);
		if (w > 0)
			continue;
		snprintf(a->error, sizeof(a->error), "%s", strerror(w < 0 ? errno : ENOSPC));
		return -1;
	}
	return 0;
}

static bool waits(const struct rw_audit *a)
{
	return a->torn || a->own.len || a->queue.len;
}

static void tell_state(struct rw_audit *a)
{
	bool ok = !waits(a) && !a->unsynced;

	if (ok)
		a->error[0] = '\0';
	atomic_store_explicit(&a->ok, ok, memory_order_relaxed);
}

/* Its first whole records, CHUNK_BYTES of them or one that is longer. */
static struct rw_slice some_of(const struct rw_buf *b)
{
	const char *end;

	if (b->len <= CHUNK_BYTES)
		return rw_buf_slice(b);
	end = memrchr(b->p, '\n', CHUNK_BYTES);
	if (!end)
		end = memchr(b->p, '\n', b->len);
	return rw_slice_of(b->p, (size_t)(end + 1 - b->p));
}

/* Links the records of lines, at most max of them, into out. */
static int link_lines(struct rw_audit *a, struct rw_slice lines, size_t max, struct rw_chain *c)
{
	int rc = RW_OK;

	rw_buf_reset(&a->out);
	for (size_t at = 0, n; !rc && at < lines.n && max; at += n, max--) {
		const char *end = memchr(lines.p + at, '\n', lines.n - at);

		n = (size_t)(end + 1 - lines.p) - at;
		rc = rw_chain_add(c, rw_slice_of(lines.p + at, n), &a->out);
	}
	return rc;
}

/* So many bytes of out are in the file, as whole records; they leave b. */
static void settle(struct rw_audit *a, struct rw_buf *b, struct rw_slice lines,
		   const struct rw_chain *c)
{
	const char *before = memrchr(a->out.p, '\n', a->out.len - 1);

	a->size += a->out.len;
	a->last = (struct rw_head){.at = *c,
				   .end = a->size,
				   .bytes = before ? (size_t)(a->out.p + a->out.len - 2 - before)
						   : a->out.len - 1};
	a->part = 0;
	rw_buf_consume(b, lines.n);
}

/* The write was cut short: what is whole leaves b, and what is not is written on another time. */
static void settle_some(struct rw_audit *a, struct rw_buf *b, struct rw_slice lines, size_t written)
{
	const char *end = memrchr(a->out.p, '\n', written);
	size_t whole = end ? (size_t)(end + 1 - a->out.p) : 0, n = 0, bytes = 0;
	struct rw_chain c = a->last.at;

	for (size_t i = 0; i < whole; i++)
		n += a->out.p[i] == '\n';
	for (size_t i = 0; i < n; i++)
		bytes = (size_t)((const char *)memchr(lines.p + bytes, '\n', lines.n - bytes) + 1 -
				 lines.p);
	if (n && !link_lines(a, lines, n, &c)) /* out has had room for more */
		settle(a, b, rw_slice_of(lines.p, bytes), &c);
	a->part = written - whole;
}

/* False: the file takes no more. */
static bool write_from(struct rw_audit *a, struct rw_buf *b)
{
	while (b->len) {
		struct rw_slice lines = some_of(b);
		struct rw_chain c = a->last.at;
		size_t done;

		if (link_lines(a, lines, SIZE_MAX, &c)) {
			snprintf(a->error, sizeof(a->error), "out of memory");
			return false;
		}
		if (write_some(a, a->out.p + a->part, a->out.len - a->part, &done)) {
			settle_some(a, b, lines, a->part + done);
			return false;
		}
		settle(a, b, lines, &c);
	}
	return true;
}

/* Whether the file is the one of that name: a rotation may have moved it. */
static bool in_place(struct rw_audit *a)
{
	struct stat st;

	if (a->head_fd < 0 || a->stay)
		return true;
	a->moved = stat(a->file, &st) || st.st_ino != a->ino || st.st_dev != a->dev;
	if (a->moved)
		snprintf(a->error, sizeof(a->error), "the file was moved away");
	return !a->moved;
}

static void write_queue(struct rw_audit *a)
{
	struct rw_error why = {0};
	size_t done;

	if (rw_audit_catch_up(a, &why)) {
		snprintf(a->error, sizeof(a->error), "%.150s", why.text);
		return;
	}
	if (a->torn && write_some(a, "\n", 1, &done) == 0) {
		a->torn = false;
		a->size++;
	}
	if (!a->torn && write_from(a, &a->own))
		write_from(a, &a->queue);
}

static void flush(struct rw_audit *a)
{
	rw_head_lock(a->head_fd);
	if (waits(a) && in_place(a))
		write_queue(a);
	rw_head_unlock(a->head_fd);
	if (!a->queue.len && a->queue.cap > KEEP_BYTES)
		rw_buf_free(&a->queue);
	if (a->out.cap > KEEP_BYTES)
		rw_buf_free(&a->out);
	tell_state(a);
}

/* --- to the disk --------------------------------------------------------------------------------
 */

int rw_audit_fd(const struct rw_audit *a)
{
	return waits(a) ? -1 : a->fd;
}

void rw_audit_syncing(struct rw_audit *a)
{
	a->asked = a->last;
}

/* Without it the log is as safe, but that its end was cut off would not be noticed. */
static void tell_head(struct rw_audit *a, bool ok)
{
	if (!ok && !a->headless)
		rw_warn("audit log: %s.head cannot be written: %s", a->file, strerror(errno));
	a->headless = !ok;
}

void rw_audit_synced(struct rw_audit *a, int rc)
{
	a->unsynced = rc != RW_OK && rc != RW_EINVAL; /* a device has nothing to be synced */
	if (a->unsynced && !waits(a))
		snprintf(a->error, sizeof(a->error),
			 "what was written does not reach the disk (fdatasync failed)");
	if (rc == RW_OK && a->head_fd >= 0 && a->asked.end) {
		rw_head_lock(a->head_fd);
		tell_head(a, rw_head_write(a->head_fd, &a->asked));
		rw_head_unlock(a->head_fd);
	}
	tell_state(a);
}

/* What the caller's way has under way may be of a file that is about to be closed. */
static void sync_now(struct rw_audit *a)
{
	rw_audit_syncing(a);
	rw_audit_synced(a, fdatasync(a->fd) == 0 ? RW_OK : errno == EINVAL ? RW_EINVAL : RW_EIO);
	if (a->head_fd >= 0)
		(void)fdatasync(a->head_fd); /* older, it is a longer way for the next start */
}

/* --- life ---------------------------------------------------------------------------------------
 */

static void know_file(struct rw_audit *a)
{
	struct stat st = {0};

	(void)fstat(a->fd, &st);
	a->dev = st.st_dev;
	a->ino = st.st_ino;
	a->moved = a->stay = false;
}

static bool is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static void free_all(struct rw_audit *a)
{
	if (a->fd >= 0)
		close(a->fd);
	if (a->head_fd >= 0)
		close(a->head_fd);
	rw_buf_free(&a->own);
	rw_buf_free(&a->queue);
	rw_buf_free(&a->out);
	free(a->file);
	free(a);
}

int rw_audit_open(struct rw_audit **out, const char *file, size_t max_queue_bytes,
		  struct rw_error *e)
{
	struct rw_audit *a = calloc(1, sizeof(*a));
	struct rw_error why = {.code = RW_EIO};
	int rc = RW_OK;

	if (!a)
		return rw_fail(e, RW_ENOMEM, "out of memory");
	a->head_fd = -1;
	a->queue.max = max_queue_bytes;
	a->file = strdup(file);
	a->fd = a->file ? open_file(file, &why) : -1;
	if (a->fd >= 0 && is_file(a->fd))
		a->head_fd = rw_head_open(file, &why);
	if (a->fd < 0 || (is_file(a->fd) && a->head_fd < 0)) {
		rc = a->file ? rw_fail(e, why.code, "%s", why.text)
			     : rw_fail(e, RW_ENOMEM, "out of memory");
		free_all(a);
		return rc;
	}
	know_file(a);
	if (a->head_fd >= 0) {
		rw_head_lock(a->head_fd);
		rc = rw_audit_find_end(a, &why);
		rw_head_unlock(a->head_fd);
	}
	if (rc) {
		free_all(a);
		return rw_fail(e, rc, "%s", why.text);
	}
	flush(a);
	*out = a;
	return RW_OK;
}

int rw_audit_write(struct rw_audit *a, struct rw_slice line)
{
	int rc;

	RW_BUG_ON(line.n == 0 || line.p[line.n - 1] != '\n');
	rc = rw_buf_add_slice(&a->queue, line);
	if (!rc)
		flush(a);
	return rc;
}

void rw_audit_retry(struct rw_audit *a)
{
	if (!rw_audit_ok(a))
		flush(a);
}

bool rw_audit_ok(const struct rw_audit *a)
{
	return atomic_load_explicit(&a->ok, memory_order_relaxed);
}

bool rw_audit_moved(const struct rw_audit *a)
{
	return a->moved;
}

const char *rw_audit_error(const struct rw_audit *a)
{
	return a->error;
}

/*
 * The chain goes on in fd, behind what another gateway has written to the old file since, and at
 * whose beginning it may have gone on already.
 */
static void go_on_in(struct rw_audit *a, int fd)
{
	struct rw_error why;

	rw_head_lock(a->head_fd);
	if (rw_audit_catch_up(a, &why))
		rw_err("%s", why.text);
	rw_head_unlock(a->head_fd);
	close(a->fd);
	a->fd = fd;
	a->torn = false;
	a->size = a->part = 0;
	a->last.end = a->last.bytes = 0;
	know_file(a);
}

static bool same_file(const struct rw_audit *a, int fd)
{
	struct stat st;

	return a->head_fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == a->ino && st.st_dev == a->dev;
}

int rw_audit_reopen(struct rw_audit *a, struct rw_error *e)
{
	struct rw_error why = {.code = RW_EIO};
	int fd = open_file(a->file, &why);

	if (fd >= 0 && (a->head_fd >= 0) != is_file(fd)) {
		close(fd);
		fd = -1;
		rw_fail(&why, RW_EINVAL,
			"the audit log %s was a file and is a device now, or the other way: "
			"restart to change that",
			a->file);
	}
	if (fd < 0) {
		a->moved = false;
		a->stay = true;
		flush(a);
		return rw_fail(e, why.code, "%s", why.text);
	}
	sync_now(a);
	if (same_file(a, fd)) {
		close(fd);
		know_file(a);
	} else {
		go_on_in(a, fd);
	}
	flush(a);
	sync_now(a);
	return RW_OK;
}

unsigned rw_audit_close(struct rw_audit *a)
{
	unsigned lost = 0;

	flush(a);
	if (a->moved)
		(void)rw_audit_reopen(a, NULL); /* where that fails, the old one has taken it */
	sync_now(a);
	for (size_t i = 0; i < a->queue.len; i++)
		lost += a->queue.p[i] == '\n';
	free_all(a);
	return lost;
}
