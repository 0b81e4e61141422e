/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the stub: stub.c, which hears what is asked, and stub_answer.c, which answers. */
#ifndef RW_STUB_INT_H
#define RW_STUB_INT_H

#include <yyjson.h>

#include "base/arena.h"
#include "http/server.h"
#include "stub/stub.h"

enum { RW_STUB_FAIL_TOKENS = 64 };

struct rw_stub {
	struct rw_loop *loop;
	struct rw_http_server *server;
	struct rw_stub_config cfg;
	yyjson_doc *answers;
	struct rw_buf last; /* JSON of the last chat request */
	uint64_t requests, canceled, open;
	struct {
		char token[32];
		unsigned seen;
	} fails[RW_STUB_FAIL_TOKENS];
	unsigned n_fails;
};

/* One chat request, from head to the end of its answer. */
struct rw_stub_chat {
	struct rw_stub *s;
	struct rw_exchange *x;
	struct rw_arena arena;
	struct rw_buf body, text; /* text: what the answer says */
	struct rw_buf seen;	  /* becomes the stub's last when it is whole */
	struct rw_slice answer, tool_name, tool_args;
	unsigned status, retry_after, piece, delay_ms, break_after;
	bool stream, usage, stamp, finished;
	const char *model;
	size_t sent; /* bytes of text streamed so far */
	unsigned events;
	struct rw_timer timer;
};

/* --- stub_answer.c ----------------------------------------------------------------------- */

void rw_stub_reply(struct rw_exchange *x, unsigned status, struct rw_slice json);
void rw_stub_answer_whole(struct rw_stub_chat *c);
void rw_stub_answer_error(struct rw_stub_chat *c);
void rw_stub_stream_begin(struct rw_stub_chat *c);
/* arg: the chat. One event, or all that are left where there is no delay; then the timer. */
void rw_stub_stream_on(void *arg);

#endif
