/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer must not say: canaries, and the system prompt. One of a scan's headers that
 * other rooms see.
 *
 * Canaries are strings that stand where nobody should quote from. They are found by their letters
 * and digits alone, in any case and with anything between them: one automaton for all, made from
 * the configuration, immutable, shared and reference-counted.
 *
 * An echo is one request's system text as a set of sequences of words. An answer that repeats too
 * many of them, in whatever order and place, leaks it. One thread; memory of fixed size, in the
 * request's arena.
 */
#ifndef RW_SCAN_LEAK_H
#define RW_SCAN_LEAK_H

#include "base/arena.h"
#include "scan/scan.h"

enum {
	RW_CANARY_MIN = 8,  /* letters and digits */
	RW_CANARY_MAX = 64, /* of it */
	RW_CANARIES = 64,
	RW_CANARY_GAP = 16, /* bytes of anything else between two of its letters */

	RW_ECHO_WORDS = 5,	  /* of a sequence */
	RW_ECHO_SEQUENCES = 4096, /* of a system text: what comes behind is not looked for */
	RW_ECHO_LEAST = 8,	  /* a shorter text is anybody's */
};

struct rw_canaries;
/* *out is NULL for none. RW_EINVAL: one is too short or too long; *e does not show it. */
int rw_canaries_new(struct rw_canaries **out, const struct rw_slice *texts, unsigned n,
		    struct rw_error *e);
struct rw_canaries *rw_canaries_ref(struct rw_canaries *c); /* NULL is allowed, here and below */
void rw_canaries_unref(struct rw_canaries *c);

/* When an answer has repeated too much. */
struct rw_echo_limits {
	uint32_t percent; /* of the text's sequences */
	uint32_t words;	  /* or so many of its words */
};

struct rw_echo;
/*
 * From the texts one after the other. *out stays NULL where they are too short. RW_ENOMEM. The
 * echo lives in the arena.
 */
int rw_echo_new(struct rw_echo **out, struct rw_arena *a, const struct rw_slice *texts, unsigned n,
		const struct rw_echo_limits *limits);

#endif
