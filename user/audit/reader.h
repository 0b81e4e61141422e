/* SPDX-License-Identifier: Apache-2.0 */
/* A file of the log along its chain: where its records are, and what is none. */
#ifndef RW_AUDIT_READER_H
#define RW_AUDIT_READER_H

#include "audit/chain.h"

/* One file. Zeroed but for fd, which is read from where it stands to its end. */
struct rw_reading {
	int fd;
	uint64_t bytes;		       /* read */
	uint64_t last_end, last_bytes; /* of the last record that links: behind its newline; its
					* length without. Counted from where fd stood */
	bool unended;		       /* the file ends in the middle of a line */
	bool enough;		       /* each has seen what it wants: no more is read */
	/* May be NULL. linked: the line is a record where it should be. */
	void (*each)(void *arg, struct rw_slice line, bool linked);
	/* n more bytes are read; may be NULL. */
	void (*progress)(void *arg, size_t n);
	void *arg;
};

/* Sets w->line as it goes, from 1. RW_EIO, RW_ENOMEM. */
int rw_walk_file(struct rw_walk *w, struct rw_reading *r, struct rw_error *e);

#endif
