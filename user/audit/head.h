/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FILE.head, beside the log: how far the log had come when the disk last had all of it. It says
 * where to go on when the log was moved away meanwhile, what must be there, and its lock makes two
 * gateways take turns that write to one log while the one takes over from the other.
 *
 * One line of JSON, padded, so that it is written over in one go. It never says more than the disk
 * has, and may say less: the log itself is what counts.
 */
#ifndef RW_AUDIT_HEAD_H
#define RW_AUDIT_HEAD_H

#include "audit/chain.h"

struct rw_head {
	struct rw_chain at;
	uint64_t end, bytes; /* in the log: behind the record's newline; its length without */
};

/* Opens or makes it. -1 and *e: RW_EPERM, RW_EIO. */
int rw_head_open(const char *log, struct rw_error *e);
/* False: there is none that can be read. */
bool rw_head_read(int fd, struct rw_head *out);
/* Not over one of a later record, which the other gateway's is. False: it failed. */
bool rw_head_write(int fd, const struct rw_head *h);
/* The caller waits for its turn, and ends it. */
void rw_head_lock(int fd);
void rw_head_unlock(int fd);

#endif
