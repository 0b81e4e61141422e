/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bans that outlive the kernel's memory: state_dir/bans.db. Here they are words and times of day;
 * who is banned now is the kernel side's to say. The engine's control thread and the command line
 * write it, each change durable before it is told. A handle belongs to one thread.
 */
#ifndef RW_IDENT_BANS_H
#define RW_IDENT_BANS_H

#include <stdint.h>

#include "base/err.h"

struct rw_kept_ban {
	char prefix[64]; /* canonical, "192.0.2.7/32" */
	char verdict[16], reason[16];
	uint64_t since_ms, until_ms; /* since 1970; until 0: for ever */
	uint32_t repeats;	     /* bans of it before this one that were not forgotten */
};

struct rw_banstore;
/* Opens or makes it; errors as rw_db_open. */
int rw_banstore_open(struct rw_banstore **out, const char *state_dir, struct rw_error *e);
void rw_banstore_close(struct rw_banstore *s); /* NULL: nothing */

/* Between begin and end, which makes all of it durable or, where rc is an error, none. */
int rw_banstore_begin(struct rw_banstore *s, struct rw_error *e);
int rw_banstore_put(struct rw_banstore *s, const struct rw_kept_ban *b, struct rw_error *e);
int rw_banstore_drop(struct rw_banstore *s, const char *prefix, struct rw_error *e);
/* Returns rc, or why the end failed. */
int rw_banstore_end(struct rw_banstore *s, int rc, struct rw_error *e);

/* All, also those that are over and remembered; *bans is malloc'd, the caller frees. */
int rw_banstore_list(struct rw_banstore *s, struct rw_kept_ban **bans, unsigned *n,
		     struct rw_error *e);
/* Forgets bans that were over at over_ms, but for the latest `remember` of them. */
int rw_banstore_forget(struct rw_banstore *s, uint64_t over_ms, unsigned remember,
		       struct rw_error *e);

#endif
