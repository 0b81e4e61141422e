/* SPDX-License-Identifier: Apache-2.0 */
/* Leaks inside the room: what a lane keeps of the two, and walks through its text with. */
#ifndef RW_SCAN_LEAK_INT_H
#define RW_SCAN_LEAK_INT_H

#include "scan/leak.h"
#include "scan/rules.h"

/* Where a lane stands in the canaries. Zeroed is the beginning. */
struct rw_canary_walk {
	uint16_t state;
	uint8_t gap;
	unsigned n;		    /* letters so far */
	uint32_t at[RW_CANARY_MAX]; /* where the last of them stand in the lane's text */
};

/* How much of text leads nowhere: no canary is begun, and none begins in it. */
size_t rw_canary_skip(const struct rw_canaries *c, const struct rw_canary_walk *w,
		      struct rw_slice text);
/* A byte at the given place. The canary's start where it ends one, else -1. */
long rw_canary_step(const struct rw_canaries *c, struct rw_canary_walk *w, char byte, size_t at);
/* Where the letters begin that may go on to be a canary; at: none do, the text's end. */
size_t rw_canary_open(const struct rw_canaries *c, const struct rw_canary_walk *w, size_t at);
/* n bytes were dropped from the front of the text. */
void rw_canary_rebase(struct rw_canary_walk *w, size_t n);

/* Where a lane stands in its words. Zeroed is the beginning. */
struct rw_echo_walk {
	uint64_t word; /* hash of the word so far; 0: between words */
	uint64_t words[RW_ECHO_WORDS];
	unsigned n;
};

/*
 * Walks through text; end: the text ends behind it. How much of it was read when the answer had
 * repeated too much, which is told once; or -1.
 */
long rw_echo_feed(struct rw_echo *e, struct rw_echo_walk *w, struct rw_slice text, bool end);

/* Adds the rules under which leaks are reported; they have no patterns. */
int rw_leak_rules(struct rw_rules *r, struct rw_error *e);

#endif
