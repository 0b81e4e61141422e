/* SPDX-License-Identifier: Apache-2.0 */
#include "stub/stub.h"

#include <stdlib.h>
#include <time.h>
#include <yyjson.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "http/server.h"

enum { FAIL_TOKENS = 64, BODY_MAX = 64 * 1024 * 1024 };

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
	} fails[FAIL_TOKENS];
	unsigned n_fails;
};

/* One chat request, from head to the end of its answer. */
struct chat {
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

/* --- answers ---------------------------------------------------------------------------------- */

static void reply(struct rw_exchange *x, unsigned status, struct rw_slice json)
{
	const struct rw_http_field f[] = {
		{RW_SLICE("content-type"), RW_SLICE("application/json")},
		{RW_SLICE("x-request-id"), RW_SLICE("req_stub")},
	};

	if (rw_exchange_head(x, status, f, 2, (int64_t)json.n) == RW_OK &&
	    rw_exchange_body(x, json.p, json.n) == RW_OK)
		rw_exchange_end(x);
}

static void add_message(struct chat *c, struct rw_buf *b)
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

static void add_usage(struct chat *c, struct rw_buf *b)
{
	size_t in = c->body.len / 4 + 1, out = c->text.len / 4 + 1;

	rw_buf_addf(b,
		    "\"usage\":{\"prompt_tokens\":%zu,\"completion_tokens\":%zu,"
		    "\"total_tokens\":%zu}",
		    in, out, in + out);
}

static void answer_whole(struct chat *c)
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
	reply(c->x, 200, rw_buf_slice(&b));
	rw_buf_free(&b);
}

static void answer_error(struct chat *c)
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

static void open_event(struct chat *c, struct rw_buf *b)
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

static void add_delta(struct chat *c, struct rw_buf *b, const char *delta, struct rw_slice text,
		      const char *tail)
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

static void end_events(struct chat *c, struct rw_buf *b)
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
static struct rw_slice next_piece(const struct chat *c, struct rw_slice all)
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

static void add_first(struct chat *c, struct rw_buf *b)
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

static void add_next(struct chat *c, struct rw_buf *b, struct rw_slice piece)
{
	if (c->tool_name.n)
		add_delta(c, b, "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":", piece,
			  "}}]},\"finish_reason\":null}]");
	else
		add_delta(c, b, "\"content\":", piece, "},\"finish_reason\":null}]");
}

/* One event, or all that are left where there is no delay; then the timer. */
static void stream_on(void *arg)
{
	struct chat *c = arg;
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
			     rw_loop_now(c->s->loop) + c->delay_ms * 1000000ull, stream_on, c);
	rw_buf_free(&b);
}

static void begin_stream(struct chat *c)
{
	const struct rw_http_field f[] = {
		{RW_SLICE("content-type"), RW_SLICE("text/event-stream; charset=utf-8")},
		{RW_SLICE("cache-control"), RW_SLICE("no-cache")},
		{RW_SLICE("x-request-id"), RW_SLICE("req_stub")},
	};

	if (rw_exchange_head(c->x, 200, f, 3, -1) == RW_OK)
		stream_on(c);
}

/* --- what is asked ---------------------------------------------------------------------------- */

static bool must_fail(struct chat *c, struct rw_slice spec)
{
	struct rw_stub *s = c->s;
	const char *space = spec.n ? memchr(spec.p, ' ', spec.n) : NULL;
	unsigned times, i;
	char token[32];

	if (!space)
		return true;
	times = (unsigned)strtoul(spec.p, NULL, 10);
	snprintf(token, sizeof(token), "%.*s", (int)(spec.p + spec.n - space - 1), space + 1);
	for (i = 0; i < s->n_fails && strcmp(s->fails[i].token, token) != 0; i++)
		;
	if (i == FAIL_TOKENS)
		return true;
	if (i == s->n_fails)
		memcpy(s->fails[s->n_fails++].token, token, sizeof(token));
	return ++s->fails[i].seen <= times;
}

static unsigned number_of(const struct rw_h1_head *h, const char *name, unsigned otherwise)
{
	const struct rw_slice *v = rw_h1_find(h, name);
	char text[16];

	if (!v)
		return otherwise;
	snprintf(text, sizeof(text), "%.*s", RW_SLICE_FMT(*v));
	return (unsigned)strtoul(text, NULL, 10);
}

static struct rw_slice keep(struct chat *c, struct rw_slice s)
{
	const char *p = rw_arena_copy(&c->arena, s);

	return rw_slice_of(p, p ? s.n : 0);
}

static void read_orders(struct chat *c, const struct rw_h1_head *h)
{
	const struct rw_slice *v;
	const char *space;

	c->status = number_of(h, "x-stub-status", 0);
	c->retry_after = number_of(h, "x-stub-retry-after", 0);
	c->piece = number_of(h, "x-stub-piece", c->s->cfg.piece_bytes);
	c->delay_ms = number_of(h, "x-stub-delay-ms", c->s->cfg.delay_ms);
	c->break_after = number_of(h, "x-stub-break", 0);
	c->stamp = number_of(h, "x-stub-stamp", 0) != 0;
	v = rw_h1_find(h, "x-stub-answer");
	if (v)
		c->answer = keep(c, *v);
	v = rw_h1_find(h, "x-stub-tool");
	space = v ? memchr(v->p, ' ', v->n) : NULL;
	if (space) {
		c->tool_name = keep(c, rw_slice_of(v->p, (size_t)(space - v->p)));
		c->tool_args = keep(c, rw_slice_of(space + 1, (size_t)(v->p + v->n - space - 1)));
	}
	v = rw_h1_find(h, "x-stub-fail-times");
	if (v && !must_fail(c, keep(c, *v)))
		c->status = 0;
}

static void remember(struct rw_buf *b, const struct rw_h1_head *h)
{
	rw_buf_add_str(b, "{\"target\":");
	rw_buf_add_json(b, h->target);
	rw_buf_add_str(b, ",\"headers\":[");
	for (unsigned i = 0; i < h->n_headers; i++) {
		rw_buf_add_str(b, i ? ",[" : "[");
		rw_buf_add_json(b, h->headers[i].name);
		rw_buf_add_str(b, ",");
		rw_buf_add_json(b, h->headers[i].value);
		rw_buf_add_str(b, "]");
	}
	rw_buf_add_str(b, "],\"body\":");
}

static void last_user_text(struct chat *c, yyjson_val *root)
{
	yyjson_val *messages = yyjson_obj_get(root, "messages"), *m, *content, *part;
	size_t i, n, j, k;

	yyjson_arr_foreach(messages, i, n, m)
	{
		if (!yyjson_equals_str(yyjson_obj_get(m, "role"), "user"))
			continue;
		rw_buf_reset(&c->text);
		content = yyjson_obj_get(m, "content");
		if (yyjson_is_str(content))
			rw_buf_add(&c->text, yyjson_get_str(content), yyjson_get_len(content));
		yyjson_arr_foreach(content, j, k, part)
		{
			yyjson_val *t = yyjson_obj_get(part, "text");

			if (yyjson_is_str(t))
				rw_buf_add(&c->text, yyjson_get_str(t), yyjson_get_len(t));
		}
	}
}

static void choose_text(struct chat *c)
{
	yyjson_val *root = yyjson_doc_get_root(c->s->answers), *key, *val;
	size_t i, n;

	if (c->answer.n) {
		rw_buf_reset(&c->text);
		rw_buf_add_slice(&c->text, c->answer);
		return;
	}
	if (!root)
		return;
	yyjson_obj_foreach(root, i, n, key, val)
	{
		if (!memmem(c->text.p ? c->text.p : "", c->text.len, yyjson_get_str(key),
			    yyjson_get_len(key)))
			continue;
		rw_buf_reset(&c->text);
		rw_buf_add(&c->text, yyjson_get_str(val), yyjson_get_len(val));
		return;
	}
}

static void answer(void *arg)
{
	struct chat *c = arg;

	if (c->status)
		answer_error(c);
	else if (c->stream)
		begin_stream(c);
	else
		answer_whole(c);
}

static void on_body_end(void *xuser, struct rw_exchange *x)
{
	struct chat *c = xuser;
	yyjson_doc *doc;
	yyjson_val *root, *model;

	if (!c)
		return;
	rw_buf_add_json(&c->seen, rw_buf_slice(&c->body));
	rw_buf_add_str(&c->seen, "}\n");
	rw_buf_free(&c->s->last);
	c->s->last = c->seen;
	c->seen = (struct rw_buf){0};
	doc = yyjson_read(c->body.p ? c->body.p : "", c->body.len, 0);
	root = yyjson_doc_get_root(doc);
	if (!yyjson_is_obj(root)) {
		yyjson_doc_free(doc);
		c->finished = true;
		reply(x, 400,
		      RW_SLICE("{\"error\":{\"message\":\"not JSON\",\"type\":\"stub_error\","
			       "\"param\":null,\"code\":null}}"));
		return;
	}
	model = yyjson_obj_get(root, "model");
	c->model = rw_arena_copy(&c->arena,
				 rw_slice_of(yyjson_get_str(model), yyjson_get_len(model)));
	c->stream = yyjson_is_true(yyjson_obj_get(root, "stream"));
	c->usage = yyjson_is_true(
		yyjson_obj_get(yyjson_obj_get(root, "stream_options"), "include_usage"));
	last_user_text(c, root);
	choose_text(c);
	yyjson_doc_free(doc);
	if (c->delay_ms && !c->stream)
		rw_timer_set(c->s->loop, &c->timer,
			     rw_loop_now(c->s->loop) + c->delay_ms * 1000000ull, answer, c);
	else
		answer(c);
}

/* --- the server ------------------------------------------------------------------------------- */

static void begin_chat(struct rw_stub *s, struct rw_exchange *x, const struct rw_h1_head *h)
{
	struct chat *c = calloc(1, sizeof(*c));

	if (!c) {
		rw_exchange_abort(x);
		return;
	}
	c->s = s;
	c->x = x;
	c->body.max = BODY_MAX;
	s->requests++;
	s->open++;
	rw_exchange_set_user(x, c);
	read_orders(c, h);
	remember(&c->seen, h);
	rw_exchange_continue(x);
}

static void stats(struct rw_stub *s, struct rw_exchange *x)
{
	struct rw_buf b = {0};

	rw_buf_addf(&b, "{\"requests\":%lu,\"canceled\":%lu,\"open\":%lu}\n",
		    (unsigned long)s->requests, (unsigned long)s->canceled, (unsigned long)s->open);
	reply(x, 200, rw_buf_slice(&b));
	rw_buf_free(&b);
}

static void on_request(void *user, struct rw_exchange *x, const struct rw_h1_head *h)
{
	struct rw_stub *s = user;

	rw_exchange_set_user(x, NULL);
	if (rw_slice_starts(h->target, "/v1/chat/completions"))
		begin_chat(s, x, h);
	else if (rw_slice_is(h->target, "/v1/models"))
		reply(x, 200,
		      RW_SLICE("{\"object\":\"list\",\"data\":[{\"id\":\"stub\",\"object\":"
			       "\"model\",\"created\":1700000000,\"owned_by\":\"ringwall\"}]}"));
	else if (rw_slice_is(h->target, "/stub/last"))
		reply(x, 200, s->last.len ? rw_buf_slice(&s->last) : RW_SLICE("{}\n"));
	else if (rw_slice_is(h->target, "/stub/stats"))
		stats(s, x);
	else
		reply(x, 404,
		      RW_SLICE("{\"error\":{\"message\":\"no such path\",\"type\":"
			       "\"stub_error\",\"param\":null,\"code\":null}}"));
}

static void on_body(void *xuser, struct rw_exchange *x, const char *data, size_t n)
{
	struct chat *c = xuser;

	if (c && rw_buf_add(&c->body, data, n))
		rw_exchange_abort(x);
}

static void on_drain(void *xuser, struct rw_exchange *x)
{
	struct chat *c = xuser;

	(void)x;
	if (c && c->stream && c->events && !c->finished && !rw_timer_armed(&c->timer))
		stream_on(c);
}

static void on_done(void *xuser, struct rw_exchange *x, bool completed)
{
	struct chat *c = xuser;

	(void)x;
	if (!c)
		return;
	rw_timer_cancel(&c->timer);
	c->s->open--;
	c->s->canceled += !completed;
	rw_buf_free(&c->body);
	rw_buf_free(&c->text);
	rw_buf_free(&c->seen);
	rw_arena_free(&c->arena);
	free(c);
}

static void on_bad(void *user, const struct rw_addr *peer, enum rw_http_bad kind,
		   const struct rw_error *why)
{
	(void)user;
	(void)peer;
	(void)kind;
	(void)why;
}

int rw_stub_new(struct rw_stub **out, struct rw_loop *l, const struct rw_stub_config *cfg,
		struct rw_tls_ctx *tls, const struct rw_addr *addr, struct rw_error *e)
{
	static const struct rw_http_handler h = {
		.on_request = on_request,
		.on_body = on_body,
		.on_body_end = on_body_end,
		.on_drain = on_drain,
		.on_done = on_done,
		.on_bad = on_bad,
	};
	const struct rw_http_server_config sc = {.max_conns = 65536, .idle_ns = 600000000000ull};
	struct rw_stub *s = calloc(1, sizeof(*s));
	int rc = RW_OK;

	if (!s)
		return rw_fail(e, RW_ENOMEM, "out of memory");
	s->loop = l;
	s->cfg = *cfg;
	if (!s->cfg.piece_bytes)
		s->cfg.piece_bytes = 4;
	if (cfg->answers) {
		s->answers = yyjson_read(cfg->answers, cfg->answers_len, 0);
		if (!yyjson_is_obj(yyjson_doc_get_root(s->answers)))
			rc = rw_fail(e, RW_EINVAL, "the answers are not a JSON object");
	}
	if (!rc) {
		s->server = rw_http_server_new(l, &sc, tls, &h, s);
		rc = s->server ? rw_http_server_listen(s->server, addr, e)
			       : rw_fail(e, RW_ENOMEM, "out of memory");
	}
	if (rc) {
		rw_stub_free(s);
		return rc;
	}
	*out = s;
	return RW_OK;
}

const struct rw_addr *rw_stub_addr(const struct rw_stub *s)
{
	return rw_http_server_addr(s->server);
}

void rw_stub_free(struct rw_stub *s)
{
	if (!s)
		return;
	if (s->server)
		rw_http_server_free(s->server);
	yyjson_doc_free(s->answers);
	rw_buf_free(&s->last);
	free(s);
}
