/* SPDX-License-Identifier: Apache-2.0 */
/* From a file of addresses to a set, with what was wrong on the way. */
#ifndef RW_CMD_FEED_READ_H
#define RW_CMD_FEED_READ_H

#include <stdio.h>
#include <time.h>

#include "kern/feed.h"

/* Says how far it is on standard error: on a terminal often, else every few seconds. */
struct rw_feed_progress {
	struct timespec last;
	bool tty;
	bool shown; /* a line on the terminal wants its end */
};
void rw_feed_progress_start(struct rw_feed_progress *p);
void rw_feed_progress_say(struct rw_feed_progress *p, const char *what, size_t done, size_t total);
void rw_feed_progress_end(struct rw_feed_progress *p);

struct rw_feed_report {
	size_t lines;	 /* all of them */
	size_t bad;	 /* the first RW_FEED_SHOWN went to standard error */
	size_t reserved; /* private or reserved; skipped unless asked for */
};

enum { RW_FEED_SHOWN = 10 };

/* path "-": standard input. take_reserved: private and reserved addresses, too. */
int rw_feed_read(const char *path, bool take_reserved, struct rw_feed_set *set,
		 struct rw_feed_report *report, struct rw_feed_progress *progress,
		 struct rw_error *e);

#endif
