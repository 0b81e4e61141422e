/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/steady.h"

#include <string.h>

#include "base/log.h"
#include "http/client.h"

enum { PROMPT_BYTES = 2048, ANSWER_BYTES = 1024, PIECE_BYTES = 5, MAX_TURNS = 100000000 };

static const char prose[] =
	"The quick brown fox jumps over the lazy dog and thinks about it for a while. ";

struct steady {
	struct scenario *s;
	struct rw_pool *pool;
	struct rw_buf body, answer, answers, bearer;
	unsigned left, status;
	bool stream, failed;
	struct rw_task next;
};

static void add_prose(struct rw_buf *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		rw_buf_add(b, &prose[i % (sizeof(prose) - 1)], 1);
}

static void ask(void *arg);

static void on_head(void *user, const struct rw_h1_head *head)
{
	((struct steady *)user)->status = head->status;
}

static void on_body(void *user, const char *data, size_t n)
{
	(void)user;
	(void)data;
	(void)n;
}

static void on_done(void *user, const struct rw_error *why)
{
	struct steady *st = user;

	st->left--;
	st->failed |= why->code || st->status != 200;
	if (st->left && !st->failed)
		rw_task_set(st->s->client_loop, &st->next, ask, st);
}

static void ask(void *arg)
{
	static const struct rw_fetch_cb cb = {
		.on_head = on_head,
		.on_body = on_body,
		.on_done = on_done,
	};
	struct steady *st = arg;
	const struct rw_http_field fields[] = {
		/* what an SDK says; the last are of streams */
		{RW_SLICE("content-type"), RW_SLICE("application/json")},
		{RW_SLICE("authorization"), rw_buf_slice(&st->bearer)},
		{RW_SLICE("accept"), RW_SLICE("application/json")},
		{RW_SLICE("accept-encoding"), RW_SLICE("gzip, deflate")},
		{RW_SLICE("user-agent"), RW_SLICE("OpenAI/Python 1.99.9")},
		{RW_SLICE("x-stainless-lang"), RW_SLICE("python")},
		{RW_SLICE("x-stainless-package-version"), RW_SLICE("1.99.9")},
		{RW_SLICE("x-stainless-os"), RW_SLICE("Linux")},
		{RW_SLICE("x-stainless-arch"), RW_SLICE("x64")},
		{RW_SLICE("x-stainless-runtime"), RW_SLICE("CPython")},
		{RW_SLICE("x-stainless-runtime-version"), RW_SLICE("3.13.5")},
		{RW_SLICE("x-stainless-async"), RW_SLICE("false")},
		{RW_SLICE("x-stainless-retry-count"), RW_SLICE("0")},
		{RW_SLICE("x-stainless-read-timeout"), RW_SLICE("600")},
		{RW_SLICE("x-stub-answer"), rw_buf_slice(&st->answer)},
		{RW_SLICE("x-stub-piece"), RW_SLICE("5")},
		{RW_SLICE("x-stub-delay-ms"), RW_SLICE("1")},
	};
	const size_t n = sizeof(fields) / sizeof(fields[0]);
	const struct rw_fetch_request rq = {
		.method = RW_SLICE("POST"),
		.target = RW_SLICE("/v1/chat/completions"),
		.fields = fields,
		.n_fields = n - (st->stream ? 0 : 3),
		.body = rw_buf_slice(&st->body),
	};
	struct rw_error e = {0};

	if (!rw_fetch_start(st->pool, &rq, &cb, st, &e)) {
		rw_err("sim: %s", e.text);
		st->failed = true;
	}
}

#define LIMITS                                                         \
	"limits:\n  key_rate: {per_minute: 1000000, burst: 1000000}\n" \
	"  address_rate: {per_minute: 1000000, burst: 1000000}\n"
#define OFF "{injection: allow, pii: allow, secrets: allow, markup: allow, topics: allow}"

int steady_run(struct fixture *f, unsigned n, enum steady_load load)
{
	bool stream = load == STEADY_STREAM;
	static const struct rw_sim_knobs calm = {0};
	static const struct rw_pool_config pc = {0};
	struct scenario *s = calloc(1, sizeof(*s));
	struct steady st = {.s = s, .left = stream ? 1 : n, .stream = stream};

	add_prose(&st.answer, stream ? n * PIECE_BYTES - 1 : ANSWER_BYTES - 1);
	rw_buf_add_str(&st.answers, "{\"quick\":");
	rw_buf_add_json(&st.answers, rw_buf_slice(&st.answer));
	rw_buf_add(&st.answers, "}", 2); /* with a NUL */
	s->f = f;
	s->answers = stream ? NULL : st.answers.p;
	s->more = load == STEADY_PLAIN ? LIMITS "guards:\n  request: " OFF "\n  answer: " OFF "\n"
				       : LIMITS "guards: {remember: false}\n"; /* each is as new */
	scene_seed(1);
	rw_sim_new(&s->sim, 1, &calm);
	scene_gateway(s, true, 1);
	scene_peers(s, true);
	rw_buf_add_str(&st.body,
		       "{\"model\":\"stub\",\"messages\":[{\"role\":\"user\",\"content\":\"");
	add_prose(&st.body, PROMPT_BYTES);
	rw_buf_add_str(&st.body, stream ? "\"}],\"stream\":true}" : "\"}]}");
	rw_buf_addf(&st.bearer, "Bearer %s", f->key);
	st.pool = rw_pool_new(s->client_loop, &pc, &s->world.gateway, 1, "127.0.0.1:8443",
			      s->client_tls);
	RW_BUG_ON(!st.pool);
	ask(&st);
	for (unsigned i = 0; st.left && !st.failed && i < MAX_TURNS; i++)
		scene_turn(s);
	if (stream)
		printf("sim: the stream of %u events %s\n", n,
		       st.left ? "broke off" : "came whole");
	else
		printf("sim: %u of %u chats came whole\n", n - st.left, n);
	rw_pool_release(st.pool);
	for (unsigned i = 0; i < 2000; i++)
		scene_turn(s);
	scene_close(s);
	rw_buf_free(&st.body);
	rw_buf_free(&st.answer);
	rw_buf_free(&st.answers);
	rw_buf_free(&st.bearer);
	free(s);
	return st.failed || st.left ? 1 : 0;
}
