/* SPDX-License-Identifier: Apache-2.0 */
/* Texts to measure scanning with, made here, so that everybody measures the same. */
#ifndef RW_CMD_BENCH_TEXT_H
#define RW_CMD_BENCH_TEXT_H

#include "base/buf.h"
#include "scan/scan.h"

struct rw_bench_text {
	const char *name, *about;
	bool hostile; /* made to cost, not to be read */
	/* Appends a bit of the text; *seed makes the choices. */
	int (*more)(struct rw_buf *out, uint64_t *seed, const struct rw_rules *r);
	const char *repeat; /* or: the text is this, again and again */
};

extern const struct rw_bench_text rw_bench_texts[];
extern const unsigned rw_bench_n_texts;

/* The text, exactly n bytes of it, in place of what out holds. The same each time. */
int rw_bench_make(const struct rw_bench_text *t, const struct rw_rules *r, size_t n,
		  struct rw_buf *out);

#endif
