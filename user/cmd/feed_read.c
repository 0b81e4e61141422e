/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/feed_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	READ_BYTES = 4 << 20,
	FILE_MAX_BYTES = 1 << 30,
	PREFIXES_MAX = 4 * RW_KERN_LISTED, /* in a file, before they are merged */
	TEXT_SHOWN = 60,
	SAY_EVERY = 65536, /* lines between looks at the clock */
};

/* --- progress --------------------------------------------------------------------------------- */

void rw_feed_progress_start(struct rw_feed_progress *p)
{
	*p = (struct rw_feed_progress){.tty = isatty(STDERR_FILENO)};
	clock_gettime(CLOCK_MONOTONIC, &p->last);
}

void rw_feed_progress_say(struct rw_feed_progress *p, const char *what, size_t done, size_t total)
{
	struct timespec now;
	double since;

	clock_gettime(CLOCK_MONOTONIC, &now);
	since = (double)(now.tv_sec - p->last.tv_sec) +
		(double)(now.tv_nsec - p->last.tv_nsec) / 1e9;
	if (since < (p->tty ? 0.1 : 2.0))
		return;
	p->last = now;
	p->shown = p->tty;
	fprintf(stderr, "%sringwall: %s: %zu of %zu%s", p->tty ? "\r" : "", what, done, total,
		p->tty ? "\033[K" : "\n");
	fflush(stderr);
}

void rw_feed_progress_end(struct rw_feed_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}

/* --- the file --------------------------------------------------------------------------------- */

struct text {
	char *bytes;
	size_t n, room;
};

static int grow(struct text *t, const char *path, struct rw_error *e)
{
	size_t room = t->room ? 2 * t->room : READ_BYTES;
	char *more;

	if (t->n < t->room)
		return RW_OK;
	if (room > FILE_MAX_BYTES)
		return rw_fail(e, RW_ELIMIT, "%s is larger than %d bytes", path, FILE_MAX_BYTES);
	more = realloc(t->bytes, room);
	if (!more)
		return rw_fail(e, RW_ENOMEM, "out of memory for %s", path);
	t->bytes = more;
	t->room = room;
	return RW_OK;
}

static int slurp(const char *path, struct text *t, struct rw_error *e)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO, rc = RW_OK;
	ssize_t n = 1;

	if (fd < 0)
		return rw_fail(e, RW_ENOTFOUND, "cannot open %s: %s", path, strerror(errno));
	while (n && !rc) {
		rc = grow(t, path, e);
		if (rc)
			break;
		n = read(fd, t->bytes + t->n, t->room - t->n);
		if (n < 0 && errno != EINTR)
			rc = rw_fail(e, RW_EIO, "cannot read %s: %s", path, strerror(errno));
		t->n += n > 0 ? (size_t)n : 0;
	}
	if (fd != STDIN_FILENO)
		close(fd);
	return rc;
}

/* --- its lines -------------------------------------------------------------------------------- */

/* What it says goes to a terminal, and anybody may have written it. */
static void show_bad(const char *path, size_t number, const char *line, size_t n,
		     enum rw_feed_line what, struct rw_feed_progress *progress)
{
	char shown[TEXT_SHOWN + 1];
	size_t len = n < TEXT_SHOWN ? n : TEXT_SHOWN;

	for (size_t i = 0; i < len; i++)
		shown[i] = line[i] >= ' ' && line[i] <= '~' ? line[i] : '?';
	while (len && shown[len - 1] == '?')
		len--;
	shown[len] = '\0';
	rw_feed_progress_end(progress);
	fprintf(stderr, "%s:%zu: '%s' %s\n", path, number, shown, rw_feed_line_text(what));
}

static int take_lines(const char *path, const struct text *t, bool take_reserved,
		      struct rw_feed_set *set, struct rw_feed_report *r,
		      struct rw_feed_progress *progress, struct rw_error *e)
{
	static const char bom[] = "\xef\xbb\xbf";
	const char *end = t->bytes + t->n, *next;
	struct rw_prefix prefix;
	int rc = RW_OK;

	next = t->n >= 3 && !memcmp(t->bytes, bom, 3) ? t->bytes + 3 : t->bytes;
	while (next < end && !rc) {
		const char *line = next, *stop = memchr(line, '\n', (size_t)(end - line));
		size_t n = (size_t)((stop ? stop : end) - line);
		enum rw_feed_line what = rw_feed_parse(line, n, &prefix);

		next = stop ? stop + 1 : end;
		r->lines++;
		r->reserved += what == RW_FEED_RESERVED;
		if (what == RW_FEED_PREFIX || (what == RW_FEED_RESERVED && take_reserved))
			rc = rw_feed_add(set, &prefix, 0, e);
		else if (what > RW_FEED_EMPTY && r->bad++ < RW_FEED_SHOWN)
			show_bad(path, r->lines, line, n, what, progress);
		if (r->lines % SAY_EVERY == 0)
			rw_feed_progress_say(progress, "bytes read", (size_t)(next - t->bytes),
					     t->n);
		if (set->v4.n + set->v6.n > PREFIXES_MAX)
			rc = rw_fail(e, RW_ELIMIT, "%s has more than %d prefixes", path,
				     PREFIXES_MAX);
	}
	return rc;
}

int rw_feed_read(const char *path, bool take_reserved, struct rw_feed_set *set,
		 struct rw_feed_report *report, struct rw_feed_progress *progress,
		 struct rw_error *e)
{
	const char *name = strcmp(path, "-") ? path : "standard input";
	struct text t = {0};
	int rc = slurp(path, &t, e);

	*report = (struct rw_feed_report){0};
	if (!rc)
		rc = take_lines(name, &t, take_reserved, set, report, progress, e);
	free(t.bytes);
	if (!rc && report->bad > RW_FEED_SHOWN)
		fprintf(stderr, "%s: %zu more bad lines\n", name, report->bad - RW_FEED_SHOWN);
	return rc;
}
