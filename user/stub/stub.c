/* SPDX-License-Identifier: Apache-2.0 */
#include "stub/stub.h"

#include <stdlib.h>

#include "stub/stub_int.h"

enum { BODY_MAX = 64 * 1024 * 1024 };

/* --- what is asked ---------------------------------------------------------------------------- */

static bool must_fail(struct rw_stub_chat *c, struct rw_slice spec)
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
	if (i == RW_STUB_FAIL_TOKENS)
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

static struct rw_slice keep(struct rw_stub_chat *c, struct rw_slice s)
{
	const char *p = rw_arena_copy(&c->arena, s);

	return rw_slice_of(p, p ? s.n : 0);
}

static void read_orders(struct rw_stub_chat *c, const struct rw_h1_head *h)
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

static void last_user_text(struct rw_stub_chat *c, yyjson_val *root)
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

static void choose_text(struct rw_stub_chat *c)
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
	struct rw_stub_chat *c = arg;

	if (c->status)
		rw_stub_answer_error(c);
	else if (c->stream)
		rw_stub_stream_begin(c);
	else
		rw_stub_answer_whole(c);
}

static void on_body_end(void *xuser, struct rw_exchange *x)
{
	struct rw_stub_chat *c = xuser;
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
		rw_stub_reply(
			x, 400,
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
	struct rw_stub_chat *c = calloc(1, sizeof(*c));

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
	rw_stub_reply(x, 200, rw_buf_slice(&b));
	rw_buf_free(&b);
}

static void on_request(void *user, struct rw_exchange *x, const struct rw_h1_head *h)
{
	struct rw_stub *s = user;

	rw_exchange_set_user(x, NULL);
	if (rw_slice_starts(h->target, "/v1/chat/completions"))
		begin_chat(s, x, h);
	else if (rw_slice_is(h->target, "/v1/models"))
		rw_stub_reply(
			x, 200,
			RW_SLICE("{\"object\":\"list\",\"data\":[{\"id\":\"stub\",\"object\":"
				 "\"model\",\"created\":1700000000,\"owned_by\":\"ringwall\"}]}"));
	else if (rw_slice_is(h->target, "/stub/last"))
		rw_stub_reply(x, 200, s->last.len ? rw_buf_slice(&s->last) : RW_SLICE("{}\n"));
	else if (rw_slice_is(h->target, "/stub/stats"))
		stats(s, x);
	else
		rw_stub_reply(x, 404,
			      RW_SLICE("{\"error\":{\"message\":\"no such path\",\"type\":"
				       "\"stub_error\",\"param\":null,\"code\":null}}"));
}

static void on_body(void *xuser, struct rw_exchange *x, const char *data, size_t n)
{
	struct rw_stub_chat *c = xuser;

	if (c && rw_buf_add(&c->body, data, n))
		rw_exchange_abort(x);
}

static void on_drain(void *xuser, struct rw_exchange *x)
{
	struct rw_stub_chat *c = xuser;

	(void)x;
	if (c && c->stream && c->events && !c->finished && !rw_timer_armed(&c->timer))
		rw_stub_stream_on(c);
}

static void on_done(void *xuser, struct rw_exchange *x, bool completed)
{
	struct rw_stub_chat *c = xuser;

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
