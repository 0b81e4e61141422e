/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a log that is at rest or being written: is its chain whole, and what does it say. */
#ifndef RW_AUDIT_VERIFY_H
#define RW_AUDIT_VERIFY_H

#include "audit/head.h"
#include "audit/reader.h"

/*
 * The files of a log, oldest first. Those whose name begins with the log's are its own, but for its
 * head and what is compressed. One thread.
 */
struct rw_log_files {
	struct rw_log_file {
		char *name;	/* "-": standard input */
		uint64_t first; /* number of its first record */
	} *file;
	unsigned n;
	struct rw_buf passed; /* names that were passed over, and why: a line each */
};

/* path: a log, with what was rotated away from it; a folder with logs of one chain; "-". */
int rw_log_files_add(struct rw_log_files *l, const char *path, bool rotated, struct rw_error *e);
void rw_log_files_sort(struct rw_log_files *l);
void rw_log_files_free(struct rw_log_files *l);

/* A record that somebody has noted: it has to be there with this digest. */
struct rw_verify_head {
	const char *from; /* who says so, for people */
	struct rw_chain at;
	bool met;
};
enum { RW_VERIFY_HEADS = 8 };

struct rw_verify {
	struct rw_walk walk;
	struct rw_verify_head heads[RW_VERIFY_HEADS];
	unsigned n_heads;
	uint64_t tail_bytes; /* the last line has no end yet: it is being written, or was torn */
	/* May be NULL; before the first file is read. As in struct rw_reading. */
	void (*each)(void *arg, const char *file, uint64_t line_no, struct rw_slice line,
		     bool linked);
	void (*progress)(void *arg, size_t n);
	void *arg;
};

/*
 * Walks along all files. RW_OK: the chain is whole. RW_EINVAL: it is not, and *e says where; the
 * first place that is wrong. RW_EIO, RW_EPERM, RW_ENOTFOUND: a file cannot be read.
 */
int rw_verify_run(struct rw_verify *v, const struct rw_log_files *files, struct rw_error *e);
void rw_verify_free(struct rw_verify *v);

#endif
