/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small OpenAI-compatible server for demonstrations, tests and benches: a real peer on the
 * network, so that the proxy's path is the real one. It serves
 *
 *   GET  /v1/models              two models
 *   POST /v1/chat/completions    echoes the last user message, whole or as a stream
 *   GET  /stub/last              what the last chat request looked like when it came here
 *   GET  /stub/stats             {"requests","canceled","open"}
 *
 * A request may say by header how it wants to be answered:
 *
 *   x-stub-answer: TEXT          this text instead of the echo
 *   x-stub-tool: NAME ARGUMENTS  a tool call
 *   x-stub-status: N             an error with this status; x-stub-retry-after: SECONDS
 *   x-stub-fail-times: N TOKEN   the status above for the first N requests with TOKEN
 *   x-stub-piece: BYTES          size of a stream's deltas (whole characters)
 *   x-stub-delay-ms: MS          between a stream's events, or before a whole answer
 *   x-stub-break: EVENTS         the connection is cut after so many events
 *
 * One loop, one thread; several may run side by side (SO_REUSEPORT), then the counters
 * are each one's own.
 */
#ifndef RW_STUB_STUB_H
#define RW_STUB_STUB_H

#include "ring/loop.h"
#include "ring/sock.h"
#include "tls/ctx.h"

struct rw_stub;

struct rw_stub_config {
	unsigned piece_bytes; /* 0: 4 */
	unsigned delay_ms;
	const char *answers; /* JSON object {"part of the prompt": "answer", ...}; NULL: echo */
	size_t answers_len;
};

int rw_stub_new(struct rw_stub **out, struct rw_loop *l, const struct rw_stub_config *cfg,
		struct rw_tls_ctx *tls, const struct rw_addr *addr, struct rw_error *e);
const struct rw_addr *rw_stub_addr(const struct rw_stub *s);
void rw_stub_free(struct rw_stub *s);

#endif
