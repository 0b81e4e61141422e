/* SPDX-License-Identifier: Apache-2.0 */
/* What the stub says: whole answers, errors, and streams event by event. */
#include <time.h>

#include "base/utf8.h"
#include "stub/stub_int.h"

void rw_stub_reply(struct rw_exchange *x, unsigned status, struct rw_slice json)
{
	const struct rw_http_field f[] = {
		{RW_SLICE("content-type"), RW_SLICE("application/json")},
		{RW_SLICE("x-request-id"), RW_SLICE("req_stub")},
	};

	if (rw_exchange_head(x, status, f, 2, (int64_t)json.n) == RW_OK &&
	    rw_exchange_body(x, json.p, json.n) == RW_OK)
		rw_exchange_end(x);
}

static void add_message(struct rw_stub_chat *c, struct rw_buf *b)
{
	rw_buf_add_str(b, "{\"role\":\"assistant\",\"content\":");
	if (!c->tool_name.n) {
		rw_buf_add_json(b, rw_buf_slice(&c->text));
	} else {
		rw_buf_add_str(b,
			       "null,\"tool_calls\":[{\"id\":\"call_stub\",\"type\":\"function\","
			       "\"function\":{\"name\":");
		rw_buf_add_json(b, c->tool_name);
		rw_buf_add_str(b, ",\"arguments\":");
		rw_buf_add_json(b, c->tool_args);
		rw_buf_add_str(b, "}}]");
	}
	rw_buf_add_str(b, "}");
}

static void add_usage(struct rw_stub_chat *c, struct rw_buf *b)
{
	size_t in = c->body.len / 4 + 1, out = c->text.len / 4 + 1;

	rw_buf_addf(b,
		    "\"usage\":{\"prompt_tokens\":%zu,\"completion_tokens\":%zu,"
		    "\"total_tokens\":%zu}",
		    in, out, in + out);
}

void rw_stub_answer_whole(struct rw_stub_chat *c)
{
	struct rw_buf b = {0};

	rw_buf_add_str(&b, "{\"id\":\"chatcmpl-stub\",\"object\":\"chat.completion\","
			   "\"created\":1700000000,\"model\":");
	rw_buf_add_json(&b, rw_slice_str(c->model));
	rw_buf_add_str(&b, ",\"choices\":[{\"index\":0,\"message\":");
	add_message(c, &b);
	rw_buf_addf(&b, ",\"logprobs\":null,\"finish_reason\":\"%s\"}],",
		    c->tool_name.n ? "tool_calls" : "stop");
	add_usage(c, &b);
	rw_buf_add_str(&b, "}");
	c->finished = true;
	rw_stub_reply(c->x, 200, rw_buf_slice(&b));
	rw_buf_free(&b);
}

void rw_stub_answer_error(struct rw_stub_chat *c)
{
	struct rw_http_field f[2] = {{RW_SLICE("content-type"), RW_SLICE("application/json")}};
	struct rw_buf b = {0};
	size_t n = 1;

	rw_buf_addf(&b,
		    "{\"error\":{\"message\":\"stub says %u\",\"type\":\"stub_error\","
		    "\"param\":null,\"code\":\"stub_%u\"}}",
		    c->status, c->status);
	if (c->retry_after)
		f[n++] = (struct rw_http_field){
			RW_SLICE("retry-after"),
			rw_slice_str(rw_arena_printf(&c->arena, "%u", c->retry_after))};
	c->finished = true;
	if (rw_exchange_head(c->x, c->status, f, n, (int64_t)b.len) == RW_OK &&
	    rw_exchange_body(c->x, b.p, b.len) == RW_OK)
		rw_exchange_end(c->x);
	rw_buf_free(&b);
}

/* --- streams ---------------------------------------------------------------------------------- */

static void open_event(struct rw_stub_chat *c, struct rw_buf *b)
{
	rw_buf_add_str(b, "data: {\"id\":\"chatcmpl-stub\",\"object\":\"chat.completion.chunk\","
			  "\"created\":1700000000,\"model\":");
	rw_buf_add_json(b, rw_slice_str(c->model));
}

/* Where OpenAI pads its chunks, and so another in each. */
static void add_stamp(struct rw_buf *b)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	rw_buf_addf(b, ",\"obfuscation\":\"%lu\"",
		    (unsigned long)t.tv_sec * 1000000000ul + (unsigned long)t.tv_nsec);
}

static void add_delta(struct rw_stub_chat *c, struct rw_buf *b, const char *delta,
		      struct rw_slice text, const char *tail)
{
	open_event(c, b);
	rw_buf_add_str(b, ",\"choices\":[{\"index\":0,\"delta\":{");
	rw_buf_add_str(b, delta);
	if (text.p)
		rw_buf_add_json(b, text);
	rw_buf_add_str(b, tail);
	if (c->usage)
		rw_buf_add_str(b, ",\"usage\":null");
	if (c->stamp)
		add_stamp(b);
	rw_buf_add_str(b, "}\n\n");
}

static void end_events(struct rw_stub_chat *c, struct rw_buf *b)
{
	struct rw_slice none = {0};

	add_delta(c, b, "", none,
		  c->tool_name.n ? "},\"finish_reason\":\"tool_calls\"}]"
				 : "},\"finish_reason\":\"stop\"}]");
	if (c->usage) {
		open_event(c, b);
		rw_buf_add_str(b, ",\"choices\":[],");
		add_usage(c, b);
		rw_buf_add_str(b, "}\n\n");
	}
	rw_buf_add_str(b, "data: [DONE]\n\n");
}

/* The next whole characters of at most piece bytes (at least one character). */
static struct rw_slice next_piece(const struct rw_stub_chat *c, struct rw_slice all)
{
	size_t n = 0, len;

	while (c->sent + n < all.n) {
		len = rw_utf8_len(all.p + c->sent + n, all.n - c->sent - n);
		if (!len)
			len = 1;
		if (n && n + len > c->piece)
			break;
		n += len;
	}
	return rw_slice_of(all.p + c->sent, n);
}

static void add_first(struct rw_stub_chat *c, struct rw_buf *b)
{
	struct rw_slice none = {0};

	if (!c->tool_name.n) {
		add_delta(c, b, "\"role\":\"assistant\",\"content\":\"\"", none,
			  "},\"finish_reason\":null}]");
		return;
	}
	add_delta(c, b,
		  "\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"index\":0,"
		  "\"id\":\"call_stub\",\"type\":\"function\",\"function\":{\"arguments\":\"\","
		  "\"name\":",
		  c->tool_name, "}}]},\"finish_reason\":null}]");
}

static void add_next(struct rw_stub_chat *c, struct rw_buf *b, struct rw_slice piece)
{
	if (c->tool_name.n)
		add_delta(c, b, "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":", piece,
			  "}}]},\"finish_reason\":null}]");
	else
		add_delta(c, b, "\"content\":", piece, "},\"finish_reason\":null}]");
}

void rw_stub_stream_on(void *arg)
{
	struct rw_stub_chat *c = arg;
	struct rw_slice all = c->tool_name.n ? c->tool_args : rw_buf_slice(&c->text);
	struct rw_buf b = {0};
	struct rw_slice piece;

	do {
		if (c->break_after && c->events == c->break_after) {
			rw_exchange_body(c->x, b.p, b.len);
			rw_buf_free(&b);
			rw_exchange_abort(c->x);
			return;
		}
		if (c->events++ == 0) {
			add_first(c, &b);
			continue;
		}
		piece = next_piece(c, all);
		if (piece.n == 0) {
			end_events(c, &b);
			c->finished = true;
			break;
		}
		add_next(c, &b, piece);
		c->sent += piece.n;
	} while (!c->delay_ms && rw_exchange_queued(c->x) + b.len < rw_sock_high_mark());

	if (rw_exchange_body(c->x, b.p, b.len) == RW_OK && c->finished)
		rw_exchange_end(c->x);
	else if (!c->finished && (c->delay_ms || rw_exchange_queued(c->x) < rw_sock_high_mark()))
		rw_timer_set(c->s->loop, &c->timer,
			     rw_loop_now(c->s->loop) + c->delay_ms * 1000000ull, rw_stub_stream_on,
			     c);
	rw_buf_free(&b);
}

void rw_stub_stream_begin(struct rw_stub_chat *c)
{
	const struct rw_http_field f[] = {
		{RW_SLICE("content-type"), RW_SLICE("text/event-stream; charset=utf-8")},
		{RW_SLICE("cache-control"), RW_SLICE("no-cache")},
		{RW_SLICE("x-request-id"), RW_SLICE("req_stub")},
	};

	if (rw_exchange_head(c->x, 200, f, 3, -1) == RW_OK)
		rw_stub_stream_on(c);
}
