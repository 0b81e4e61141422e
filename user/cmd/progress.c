/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/progress.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TEXTS = 64,	 /* the clock is looked at after so many, */
	BYTES = 1 << 16, /* or a text of this size */
};

/* Of all files together; 0 where one is a pipe or not there. */
static unsigned long long bytes_of(char *const *files, int n)
{
	unsigned long long bytes = 0;
	struct stat st;

	for (int i = 0; i < n; i++) {
		if (stat(files[i], &st) != 0 || !S_ISREG(st.st_mode))
			return 0;
		bytes += (unsigned long long)st.st_size;
	}
	return bytes;
}

void rw_progress_begin(struct rw_progress *p, char *const *files, int n_files)
{
	p->on = p->asked || (isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO));
	p->begun = time(NULL);
	p->whole = bytes_of(files, n_files);
}

/* "12000 texts, 3.4 MiB of 10.0 MiB (34 %), 1.2 MiB/s" */
static void tell(struct rw_progress *p, time_t now, bool last)
{
	const double mib = 1024.0 * 1024.0;
	bool over = isatty(STDERR_FILENO);

	fprintf(stderr, "%sringwall: %llu %s, %.1f MiB", over ? "\r" : "", p->texts,
		p->what ? p->what : "texts", (double)p->bytes / mib);
	if (p->whole)
		fprintf(stderr, " of %.1f MiB (%.0f %%)", (double)p->whole / mib,
			100.0 * (double)p->bytes / (double)p->whole);
	if (now > p->begun)
		fprintf(stderr, ", %.1f MiB/s", (double)p->bytes / mib / (double)(now - p->begun));
	fprintf(stderr, "%s%s", over ? "\033[K" : "", over && !last ? "" : "\n");
	p->told = now;
}

void rw_progress_done(struct rw_progress *p, size_t n)
{
	time_t now;

	p->texts++;
	p->bytes += n;
	if (!p->on || (p->texts % TEXTS && n < BYTES))
		return;
	now = time(NULL);
	if (now != p->told && now != p->begun)
		tell(p, now, false);
}

void rw_progress_end(struct rw_progress *p)
{
	if (p->asked || p->told)
		tell(p, time(NULL), true);
}
