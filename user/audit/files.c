/* SPDX-License-Identifier: Apache-2.0 */
/* Which files a log is in, and in which order. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/verify.h"

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && !strcmp(name + n - m, end);
}

static bool compressed(const char *name)
{
	static const char *const ends[] = {".gz", ".xz", ".bz2", ".zst"};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends_in(name, ends[i]))
			return true;
	return false;
}

static int fail_at(struct rw_error *e, const char *file)
{
	int code = errno == ENOENT ? RW_ENOTFOUND : errno == EACCES ? RW_EPERM : RW_EIO;

	return rw_fail(e, code, "cannot read %s: %s", file, strerror(errno));
}

struct first {
	struct rw_reading reading;
	uint64_t seq;
};

static void on_line(void *arg, struct rw_slice line, bool linked)
{
	struct first *f = arg;
	unsigned char prev[RW_CHAIN_DIGEST];

	(void)linked;
	f->reading.enough = rw_chain_read(line, &f->seq, prev);
	if (!f->reading.enough)
		f->seq = 0;
}

/* The number of the first record; 0: the file has none. */
static int first_of(const char *file, uint64_t *first, struct rw_error *e)
{
	struct first f = {.reading = {.fd = open(file, O_RDONLY | O_CLOEXEC), .each = on_line}};
	struct rw_walk w = {0};
	int rc;

	if (f.reading.fd < 0)
		return fail_at(e, file);
	f.reading.arg = &f;
	rc = rw_walk_file(&w, &f.reading, e);
	close(f.reading.fd);
	rw_walk_free(&w);
	*first = f.seq;
	return rc;
}

static int append(struct rw_log_files *l, const char *name, uint64_t first, struct rw_error *e)
{
	struct rw_log_file *more = realloc(l->file, (l->n + 1) * sizeof(*more));

	if (!more)
		return rw_fail(e, RW_ENOMEM, "out of memory");
	l->file = more;
	more[l->n] = (struct rw_log_file){.name = strdup(name), .first = first};
	return more[l->n].name ? (l->n++, RW_OK) : rw_fail(e, RW_ENOMEM, "out of memory");
}

static int pass_over(struct rw_log_files *l, const char *name, const char *why, struct rw_error *e)
{
	return rw_buf_addf(&l->passed, "%s: %s\n", name, why)
		       ? rw_fail(e, RW_ENOMEM, "out of memory")
		       : RW_OK;
}

static int add_file(struct rw_log_files *l, const char *name, struct rw_error *e)
{
	uint64_t first = 0;
	int rc;

	if (compressed(name))
		return pass_over(
			l, name,
			"is compressed: unpack it, or pipe all into 'ringwall audit verify -'", e);
	rc = first_of(name, &first, e);
	if (!rc && !first)
		return pass_over(l, name, "has no record with a link", e);
	return rc ? rc : append(l, name, first, e);
}

/* The regular files of a folder whose names begin so. */
static int add_folder(struct rw_log_files *l, const char *folder, const char *prefix,
		      struct rw_error *e)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char name[PATH_MAX];
	struct stat st;
	int rc = RW_OK;

	if (!dir)
		return fail_at(e, folder);
	while (!rc && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 ||
		    ends_in(entry->d_name, ".head"))
			continue;
		snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name);
		if (stat(name, &st) == 0 && S_ISREG(st.st_mode))
			rc = add_file(l, name, e);
	}
	closedir(dir);
	return rc;
}

/* The log and what was rotated away from it, which has its name with something behind. */
static int add_rotated(struct rw_log_files *l, const char *log, struct rw_error *e)
{
	const char *slash = strrchr(log, '/');
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - log) : 1, slash ? log : ".");
	return add_folder(l, slash == log ? "/" : folder, slash ? slash + 1 : log, e);
}

int rw_log_files_add(struct rw_log_files *l, const char *path, bool rotated, struct rw_error *e)
{
	struct stat st;

	if (!strcmp(path, "-"))
		return append(l, path, 0, e);
	if (stat(path, &st))
		return fail_at(e, path);
	if (S_ISDIR(st.st_mode))
		return add_folder(l, path, "", e);
	return rotated ? add_rotated(l, path, e) : add_file(l, path, e);
}

static int by_first(const void *a, const void *b)
{
	const struct rw_log_file *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

void rw_log_files_sort(struct rw_log_files *l)
{
	if (l->n)
		qsort(l->file, l->n, sizeof(*l->file), by_first);
}

void rw_log_files_free(struct rw_log_files *l)
{
	for (unsigned i = 0; i < l->n; i++)
		free(l->file[i].name);
	free(l->file);
	rw_buf_free(&l->passed);
}
