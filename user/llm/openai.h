/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenAI dialect: what a chat completion request, answer, stream and error
 * look like. Bytes in, bytes out; no sockets. A body that nothing in it changes
 * is passed on byte for byte.
 */
#ifndef RW_LLM_OPENAI_H
#define RW_LLM_OPENAI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "scan/scan.h"

enum rw_role { RW_ROLE_USER, RW_ROLE_SYSTEM, RW_ROLE_ASSISTANT, RW_ROLE_TOOL, RW_ROLE_OTHER };

/* One text of a body: where its JSON string stands and what it says. */
struct rw_text {
	enum rw_role role;
	uint32_t raw_start, raw_end; /* between the quotes, in the body's bytes */
	struct rw_slice text;	     /* unescaped; lone surrogates as WTF-8; in the arena */
	bool json;		     /* it is JSON itself: arguments of a tool call */
};

struct rw_chat_limits {
	unsigned messages; /* 0: 2048 */
	unsigned texts;	   /* 0: 8192 */
	unsigned depth;	   /* JSON nesting; 0: 64 */
};

/* A parsed chat completion request. Everything is in the arena given to the parse. */
struct rw_chat {
	struct rw_slice model;
	bool stream;
	bool include_usage; /* stream_options.include_usage is true */
	unsigned n_messages;
	struct rw_text *texts;
	unsigned n_texts;
};

/*
 * RW_EINVAL with a sentence fit for the caller's eyes (no content in it) for: invalid
 * JSON or UTF-8, duplicate keys where the meaning would be in doubt, wrong types,
 * missing model or messages. RW_ELIMIT over a limit.
 */
int rw_chat_parse(struct rw_chat *out, struct rw_arena *a, struct rw_slice body,
		  const struct rw_chat_limits *limits, struct rw_error *e);

/* The same for POST /scan: {"text": "..."}, {"texts": [...]} or {"messages": [...]}. */
int rw_scan_parse(struct rw_chat *out, struct rw_arena *a, struct rw_slice body,
		  const struct rw_chat_limits *limits, struct rw_error *e);

/* A change to a body: the JSON string content at [raw_start, raw_end) becomes text. */
struct rw_edit {
	uint32_t raw_start, raw_end;
	struct rw_slice text; /* unescaped; escaped when written */
};
/* Writes body with the edits (sorted, disjoint) applied; every other byte as it came. */
int rw_edit_apply(struct rw_slice body, const struct rw_edit *edits, unsigned n,
		  struct rw_buf *out);

/*
 * Redacts a text that is JSON itself (rw_text.json) so that it stays JSON; as the lane of an answer
 * does. RW_EPERM: a finding blocks. RW_EIO.
 */
int rw_arguments_guard(struct rw_scanner *s, struct rw_rules *r, const struct rw_guard *g,
		       struct rw_slice text, struct rw_buf *out, struct rw_tally *tally);

struct rw_usage {
	uint64_t prompt_tokens, completion_tokens;
	bool known;
};

/*
 * Guards a whole (not streamed) answer: scans every text of every choice, writes
 * the answer, masked where asked, to out. RW_EPERM: a finding blocks. RW_EINVAL: not
 * a JSON object that can be read (the caller refuses: it cannot be scanned).
 */
int rw_answer_guard(struct rw_scanner *s, struct rw_rules *r, const struct rw_guard *g,
		    struct rw_slice body, struct rw_buf *out, struct rw_tally *tally,
		    struct rw_usage *usage, struct rw_error *e);

/*
 * Guards a streamed answer (text/event-stream). Events are re-assembled from
 * any cut; each lane (choice x content, refusal, reasoning, tool call arguments ...)
 * is masked with hold-back; an event whose texts do not change keeps its bytes.
 */
struct rw_answer_stream;
struct rw_answer_stream *rw_answer_stream_new(struct rw_scanner *s, struct rw_rules *r,
					      const struct rw_guard *g);
void rw_answer_stream_free(struct rw_answer_stream *st);
/*
 * Appends to out what may go to the client now. RW_EPERM: blocked; out then ends
 * with a finish_reason "content_filter" chunk and [DONE]. RW_EPROTO, RW_ELIMIT: the
 * upstream's stream is broken; out then ends with an error event.
 */
int rw_answer_stream_feed(struct rw_answer_stream *st, struct rw_slice data, struct rw_buf *out);
/* [DONE] is in what feed or end has given out: an SDK reads no further. */
bool rw_answer_stream_done(const struct rw_answer_stream *st);
/* Whether text is held back. */
bool rw_answer_stream_holds(const struct rw_answer_stream *st);
/*
 * To be called every so often while text is held: lanes that got nothing since the last call
 * give out what can be decided (rw_lane_late). Returns as feed does.
 */
int rw_answer_stream_late(struct rw_answer_stream *st, struct rw_buf *out);
/* Upstream ended. clean: its message was whole; else an error event is written. */
int rw_answer_stream_end(struct rw_answer_stream *st, bool clean, struct rw_buf *out);
/* What was found so far, of all lanes. */
void rw_answer_stream_tally(const struct rw_answer_stream *st, struct rw_tally *out);
const struct rw_usage *rw_answer_stream_usage(const struct rw_answer_stream *st);
uint64_t rw_answer_stream_events(const struct rw_answer_stream *st);

/* {"error":{"message","type","param":null,"code"}} */
int rw_openai_error(struct rw_buf *out, const char *type, const char *code, const char *message);
/* {"object":"list","data":[{"id","object":"model","created","owned_by"}...]} */
int rw_openai_models(struct rw_buf *out, const char *const *models, unsigned n, uint64_t created_s);

#endif
