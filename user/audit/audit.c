/* SPDX-License-Identifier: Apache-2.0 */
/* The file and the queue in front of it. Runs in the control thread. */
#include "audit/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEEP_BYTES = 65536 };

/*
 * queue begins with a record's first byte and holds whole records. sent of its bytes are in the
 * file; a record leaves the queue when its last byte is. So after a reopen a record of which the
 * old file has a part can be written whole to the new one.
 */
struct rw_audit {
	char *file;
	int fd;
	bool unsynced; /* the last sync failed */
	bool torn;     /* the file ends in the middle of a line: a newline comes first */
	struct rw_buf queue;
	size_t sent;
	atomic_bool ok;
	char error[160]; /* why records wait; "" if none do */
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

/* A crash or a full disk may have cut the last line: what comes next must not continue it. */
static bool ends_torn(int fd)
{
	struct stat st;
	char last;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size == 0)
		return false;
	return pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
}

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

/* Drops the records that are in the file with their last byte. */
static void drop_written(struct rw_audit *a)
{
	const char *end;

	if (a->sent == a->queue.len) {
		a->sent = 0;
		rw_buf_reset(&a->queue);
		if (a->queue.cap > KEEP_BYTES)
			rw_buf_free(&a->queue);
		return;
	}
	end = a->sent ? memrchr(a->queue.p, '\n', a->sent) : NULL;
	if (!end)
		return;
	a->sent -= (size_t)(end + 1 - a->queue.p);
	rw_buf_consume(&a->queue, (size_t)(end + 1 - a->queue.p));
}

static bool waits(const struct rw_audit *a)
{
	return a->torn || a->queue.len;
}

static void tell_state(struct rw_audit *a)
{
	bool ok = !waits(a) && !a->unsynced;

	if (ok)
		a->error[0] = '\0';
	atomic_store_explicit(&a->ok, ok, memory_order_relaxed);
}

static void flush(struct rw_audit *a)
{
	size_t done;

	if (a->torn && write_some(a, "\n", 1, &done) == 0)
		a->torn = false;
	if (!a->torn && a->queue.len) {
		write_some(a, a->queue.p + a->sent, a->queue.len - a->sent, &done);
		a->sent += done;
		drop_written(a);
	}
	tell_state(a);
}

int rw_audit_fd(const struct rw_audit *a)
{
	return waits(a) ? -1 : a->fd;
}

void rw_audit_synced(struct rw_audit *a, int rc)
{
	a->unsynced = rc != RW_OK && rc != RW_EINVAL; /* a device has nothing to be synced */
	if (a->unsynced && !waits(a))
		snprintf(a->error, sizeof(a->error),
			 "what was written does not reach the disk (fdatasync failed)");
	tell_state(a);
}

/* What the caller's way has under way may be of a file that is about to be closed. */
static void sync_now(struct rw_audit *a)
{
	if (!waits(a))
		rw_audit_synced(a, fdatasync(a->fd) == 0 ? RW_OK
				   : errno == EINVAL	 ? RW_EINVAL
							 : RW_EIO);
}

int rw_audit_open(struct rw_audit **out, const char *file, size_t max_queue_bytes,
		  struct rw_error *e)
{
	struct rw_audit *a = calloc(1, sizeof(*a));
	struct rw_error why = {.code = RW_EIO};

	if (a)
		a->file = strdup(file);
	if (!a || !a->file) {
		free(a);
		return rw_fail(e, RW_ENOMEM, "out of memory");
	}
	a->fd = open_file(file, &why);
	if (a->fd < 0) {
		free(a->file);
		free(a);
		return rw_fail(e, why.code, "%s", why.text);
	}
	a->queue.max = max_queue_bytes;
	a->torn = ends_torn(a->fd);
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

const char *rw_audit_error(const struct rw_audit *a)
{
	return a->error;
}

int rw_audit_reopen(struct rw_audit *a, struct rw_error *e)
{
	struct rw_error why = {.code = RW_EIO};
	int fd = open_file(a->file, &why);

	if (fd < 0)
		return rw_fail(e, why.code, "%s", why.text);
	flush(a); /* what the old file still takes belongs there */
	sync_now(a);
	close(a->fd);
	a->fd = fd;
	a->sent = 0;
	a->torn = ends_torn(fd);
	flush(a);
	return RW_OK;
}

unsigned rw_audit_close(struct rw_audit *a)
{
	unsigned lost = 0;

	flush(a);
	sync_now(a);
	for (size_t i = 0; i < a->queue.len; i++)
		lost += a->queue.p[i] == '\n';
	close(a->fd);
	rw_buf_free(&a->queue);
	free(a->file);
	free(a);
	return lost;
}
