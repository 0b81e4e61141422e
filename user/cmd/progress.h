/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a command is with its input, on standard error: once a second, as a line of a terminal
 * that is written over or as lines of a log. It is told where somebody asked, and on a terminal
 * that gets nothing else.
 */
#ifndef RW_CMD_PROGRESS_H
#define RW_CMD_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* All zeros at first, but for asked. */
struct rw_progress {
	bool asked;
	const char *what; /* is counted; NULL: texts */
	bool on;
	time_t begun, told; /* told 0: nothing yet */
	unsigned long long texts, bytes;
	unsigned long long whole; /* bytes of all files; 0: not known */
};

void rw_progress_begin(struct rw_progress *p, char *const *files, int n_files);
/* n bytes of input, and a text with them, are done. */
void rw_progress_done(struct rw_progress *p, size_t n);
void rw_progress_end(struct rw_progress *p);

#endif
