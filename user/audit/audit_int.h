/* SPDX-License-Identifier: Apache-2.0 */
/* The open log, as the files that write it see it. */
#ifndef RW_AUDIT_AUDIT_INT_H
#define RW_AUDIT_AUDIT_INT_H

#include <stdatomic.h>
#include <sys/types.h>

#include "audit/audit.h"
#include "audit/head.h"

/*
 * queue holds whole records as they came, and is what is not in the file; own, before it, the
 * record that accounts for stray bytes. They get their link when they are written: only then it is
 * known what is before them, since another gateway may write, too, while it is taken over from.
 * What makes the file longer than size and part is its work, or a torn line of it.
 */
struct rw_audit {
	char *file;
	int fd, head_fd; /* head_fd -1: the file is a device and is neither read nor moved */
	dev_t dev;
	ino_t ino;
	bool unsynced;	      /* the last sync failed */
	bool torn;	      /* the file ends in the middle of a line: a newline comes first */
	bool moved, stay;     /* no longer under its name; used nevertheless */
	bool headless;	      /* its head could not be written, which was said */
	struct rw_head last;  /* the last whole record. end 0: it is not in this file */
	struct rw_head asked; /* the sync that is under way will tell of it */
	uint64_t size;	      /* of the file, but for: */
	size_t part;	      /* these bytes of the first record that waits are in it */
	struct rw_buf own, queue, out;
	atomic_bool ok;
	char error[160]; /* why records wait; "" if none do */
};

/*
 * Where the chain goes on in a log that is opened. A log that ends before what was on the disk has
 * lost records: it goes on behind these, so that whoever verifies it sees the gap. (end.c)
 */
int rw_audit_find_end(struct rw_audit *a, struct rw_error *e);
/* Another gateway may have written since, or a record of ours is not where we left it. (end.c) */
int rw_audit_catch_up(struct rw_audit *a, struct rw_error *e);

#endif
