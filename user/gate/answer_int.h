/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of an answer's way back: what all its ways share, and the entries of two. */
#ifndef RW_GATE_ANSWER_INT_H
#define RW_GATE_ANSWER_INT_H

#include "gate/request.h"

/* --- answer.c -------------------------------------------------------------------------- */

/* The upstream is heard no more; its connection is closed, unless the fetch is over. */
void rw_answer_cancel(struct rw_request *r);
/* Cancels, and the caller is told this instead. No head is sent yet. */
void rw_answer_refuse(struct rw_request *r, enum rw_refusal kind, const char *detail);
/*
 * Sends the upstream's head; length in bytes, -1: not known. False: it could not be written, the
 * connection is ending, and on_done of the exchange follows.
 */
bool rw_answer_head(struct rw_request *r, int64_t length);
/* The audit record and the headers tell the stronger of what was found on both ways. */
void rw_answer_raise(struct rw_request *r);

/* --- answer_stream.c --------------------------------------------------------------------- */

/* False: out of memory. */
bool rw_answer_events_begin(struct rw_request *r);
/* Bytes from the upstream, guarded, go to the client. */
void rw_answer_events_body(struct rw_request *r, struct rw_slice data);
/* The upstream has ended; clean: its message was whole. */
void rw_answer_events_end(struct rw_request *r, bool clean);

/* --- answer_whole.c ---------------------------------------------------------------------- */

void rw_answer_whole_body(struct rw_request *r, struct rw_slice data);
/* All of it is there: it is guarded and goes out. */
void rw_answer_whole_end(struct rw_request *r);
/* As much as the client takes; the rest stays in out until it does, not in one more copy. */
void rw_answer_whole_push(struct rw_request *r);

#endif
