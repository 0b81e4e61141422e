/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What external detectors said of texts, for a while. One worker's; bounded: the oldest of a few
 * gives way. A text is known by a keyed hash, so neither it nor anything of it is kept.
 */
#ifndef RW_GATE_RECALL_H
#define RW_GATE_RECALL_H

#include <stdbool.h>
#include <stdint.h>

#include "gate/text_key.h"
#include "scan/scan.h"

enum {
	RW_RECALL_ENTRIES = 1024,
	RW_RECALL_FINDINGS = 24, /* an answer with more is asked for again */
};

struct rw_recall;
/* NULL: out of memory. */
struct rw_recall *rw_recall_new(void);
/* NULL is allowed. */
void rw_recall_free(struct rw_recall *c);

/* out has room for RW_RECALL_FINDINGS. False: it is not known, or no more. */
bool rw_recall_get(const struct rw_recall *c, const struct rw_text_key *key, uint64_t now_ns,
		   struct rw_finding *out, unsigned *n);
void rw_recall_put(struct rw_recall *c, const struct rw_text_key *key, uint64_t until_ns,
		   const struct rw_finding *at, unsigned n);

#endif
