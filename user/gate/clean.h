/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts in which nothing was found, by their keys: a conversation says all of its texts again with
 * each turn, and an application its system prompt with each request. One worker's; bounded: of a
 * few the one that was not said for longest gives way.
 */
#ifndef RW_GATE_CLEAN_H
#define RW_GATE_CLEAN_H

#include <stdbool.h>

#include "gate/text_key.h"

enum {
	RW_CLEAN_ENTRIES = 16384,
	RW_CLEAN_BYTES_MIN = 128, /* of a text: a shorter one is not worth another's place */
};

struct rw_clean;

/* NULL: out of memory. */
struct rw_clean *rw_clean_new(void);
/* NULL is allowed. */
void rw_clean_free(struct rw_clean *c);

/* True: it was clean; *evidence is of injection, as scanning it gave (rw_findings). */
bool rw_clean_get(struct rw_clean *c, const struct rw_text_key *key, uint16_t *evidence);
void rw_clean_put(struct rw_clean *c, const struct rw_text_key *key, uint16_t evidence);

#endif
