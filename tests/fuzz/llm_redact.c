/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON inside JSON, with every kind of redaction. Arguments that are JSON stay JSON, in a request
 * and in an answer, and a stream of them says what the whole says; with time running out at any
 * place a stream stays a stream of JSON objects.
 */
#include <xxhash.h>
#include <yyjson.h>

#include "llm/openai.h"
#include "scan/redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rw_rules *rules;
static struct rw_scanner *scanner;
static struct rw_redactor *redactors[RW_REDACT_KINDS];
static struct rw_vault *vault;

static void load_rules(void)
{
	static const unsigned char key[RW_REDACT_KEY_BYTES];
	struct rw_error e = {0};

	if (rules)
		return;
	RW_BUG_ON(rw_rules_load(&rules, NULL, &e) || rw_scanner_new(&scanner, rules, &e));
	for (unsigned k = 0; k < RW_REDACT_KINDS; k++) {
		struct rw_redact_plan plan = {0};

		for (unsigned c = 0; c < RW_CAT_COUNT; c++)
			plan.category[c] = (enum rw_redact)k;
		RW_BUG_ON(rw_redactor_new(&redactors[k], rules, &plan, key, &e));
	}
	vault = rw_vault_new();
	RW_BUG_ON(!vault);
}

static struct rw_guard begin(unsigned kind, uint64_t seed)
{
	struct rw_guard g = {.action = {[RW_CAT_PII] = RW_ACT_MASK, [RW_CAT_SECRET] = RW_ACT_MASK}};

	rw_vault_end(vault);
	if (!redactors[kind])
		return g;
	RW_BUG_ON(rw_vault_begin(vault, redactors[kind], seed));
	g.vault = vault;
	return g;
}

static bool is_json(struct rw_slice s)
{
	yyjson_doc *doc = yyjson_read(s.p, s.n, 0);

	yyjson_doc_free(doc);
	return doc != NULL;
}

/* Pieces by the input's own bytes; late: time is asked for between them. */
static void build(struct rw_slice args, const uint8_t *sizes, struct rw_buf *stream)
{
	for (unsigned i = 0; args.n; i++) {
		size_t n = 1 + sizes[i % 4] % 32;

		n = n < args.n ? n : args.n;
		RW_BUG_ON(rw_buf_add_str(
			stream, "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":"
				"[{\"index\":0,\"function\":{\"arguments\":"));
		RW_BUG_ON(rw_buf_add_json(stream, rw_slice_of(args.p, n)));
		RW_BUG_ON(rw_buf_add_str(stream, "}}]}}]}\n\n"));
		args = rw_slice_of(args.p + n, args.n - n);
	}
}

static void add_up(struct rw_slice out, struct rw_buf *text)
{
	while (out.n) {
		const char *lf = memchr(out.p, '\n', out.n);
		size_t n = lf ? (size_t)(lf - out.p) : out.n;
		yyjson_doc *doc = n > 6 ? yyjson_read(out.p + 6, n - 6, 0) : NULL;
		yyjson_val *v =
			yyjson_doc_ptr_get(doc, "/choices/0/delta/tool_calls/0/function/arguments");

		RW_BUG_ON(n > 6 && !doc);
		if (v)
			RW_BUG_ON(rw_buf_add(text, yyjson_get_str(v), yyjson_get_len(v)));
		yyjson_doc_free(doc);
		out.p += n + (lf != NULL);
		out.n -= n + (lf != NULL);
	}
}

static void run(const struct rw_guard *g, struct rw_slice stream, size_t late, struct rw_buf *text)
{
	struct rw_answer_stream *st = rw_answer_stream_new(scanner, rules, g);
	struct rw_buf out = {0};

	RW_BUG_ON(!st);
	while (stream.n) {
		const char *end = memmem(stream.p, stream.n, "\n\n", 2);
		size_t n = (size_t)(end - stream.p) + 2;

		RW_BUG_ON(rw_answer_stream_feed(st, rw_slice_of(stream.p, n), &out));
		for (size_t i = 0; late && i < 1 + n % late % 3; i++)
			RW_BUG_ON(rw_answer_stream_late(st, &out));
		stream = rw_slice_of(stream.p + n, stream.n - n);
	}
	RW_BUG_ON(rw_answer_stream_end(st, true, &out));
	add_up(rw_buf_slice(&out), text);
	rw_answer_stream_free(st);
	rw_buf_free(&out);
}

static void check(unsigned kind, struct rw_slice args, const uint8_t *sizes, uint64_t seed)
{
	struct rw_buf whole = {0}, stream = {0}, cut = {0}, late = {0}, back = {0};
	struct rw_guard g = begin(kind, seed), answer = {.vault = g.vault, .in_answer = true};
	struct rw_tally tally = {0};
	bool json = is_json(args);

	RW_BUG_ON(rw_arguments_guard(scanner, rules, &g, args, &whole, &tally));
	RW_BUG_ON(json && !is_json(rw_buf_slice(&whole)));
	build(rw_buf_slice(&whole), sizes, &stream);
	run(&answer, rw_buf_slice(&stream), 0, &back);
	RW_BUG_ON(json && !is_json(rw_buf_slice(&back)));
	if (kind != RW_REDACT_TOKEN)
		RW_BUG_ON(!rw_slice_eq(rw_buf_slice(&back), rw_buf_slice(&whole)));
	rw_buf_reset(&stream);
	build(args, sizes, &stream);
	g = begin(kind, seed);
	run(&g, rw_buf_slice(&stream), 0, &cut);
	RW_BUG_ON(!rw_slice_eq(rw_buf_slice(&cut), rw_buf_slice(&whole)));
	g = begin(kind, seed);
	run(&g, rw_buf_slice(&stream), 1 + sizes[0], &late);
	RW_BUG_ON(json && !is_json(rw_buf_slice(&late)));
	rw_buf_free(&whole);
	rw_buf_free(&stream);
	rw_buf_free(&cut);
	rw_buf_free(&late);
	rw_buf_free(&back);
}

/* ASCII: a piece must not cut a character, which the stream's own JSON could not hold. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 6 || size > 16 * 1024)
		return 0;
	for (size_t i = 5; i < size; i++)
		if (data[i] >= 0x80)
			return 0;
	load_rules();
	check(data[4] % RW_REDACT_KINDS, rw_slice_of((const char *)data + 5, size - 5), data,
	      XXH3_64bits_withSeed(data, size, 4711));
	return 0;
}
