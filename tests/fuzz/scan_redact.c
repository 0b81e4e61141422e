/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redaction. The first bytes say which kind and how the text is cut. A stream is redacted as
 * the whole text is; what went out as tokens comes back byte for byte; a lane that looks for
 * canaries and an echo too says the same however it is cut.
 */
#include <xxhash.h>

#include "base/err.h"
#include "scan/leak.h"
#include "scan/redact.h"

enum { HEAD = 4, TEXT_MAX = 16 * 1024 };

static struct rw_rules *rules;
static struct rw_scanner *scanner;
static struct rw_redactor *redactors[RW_REDACT_KINDS];
static struct rw_canaries *canaries;
static struct rw_vault *vault;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct rw_slice texts[] = {RW_SLICE("canary-12"), RW_SLICE("aaaabaaaab")};
	static const unsigned char key[RW_REDACT_KEY_BYTES];
	struct rw_error e;

	(void)argc;
	(void)argv;
	RW_BUG_ON(rw_rules_load(&rules, NULL, &e));
	RW_BUG_ON(rw_scanner_new(&scanner, rules, &e));
	for (unsigned k = 0; k < RW_REDACT_KINDS; k++) {
		struct rw_redact_plan plan = {0};

		for (unsigned c = 0; c < RW_CAT_COUNT; c++)
			plan.category[c] = (enum rw_redact)k;
		RW_BUG_ON(rw_redactor_new(&redactors[k], rules, &plan, key, &e));
	}
	RW_BUG_ON(rw_canaries_new(&canaries, texts, 2, &e));
	vault = rw_vault_new();
	RW_BUG_ON(!vault);
	return 0;
}

/* A fresh vault for the kind; the seed is nobody's guess. */
static void begin(struct rw_guard *g, unsigned kind, uint64_t seed)
{
	*g = (struct rw_guard){
		.action = {[RW_CAT_PII] = RW_ACT_MASK, [RW_CAT_SECRET] = RW_ACT_MASK}};
	rw_vault_end(vault);
	if (!redactors[kind])
		return;
	RW_BUG_ON(rw_vault_begin(vault, redactors[kind], seed));
	g->vault = vault;
}

/* Feeds text in pieces whose sizes go round those in sizes; 0 is one byte. Returns the lane's last
 * word. */
static int stream(const struct rw_guard *g, struct rw_slice text, const uint8_t sizes[HEAD],
		  struct rw_buf *out)
{
	struct rw_lane *l = rw_lane_new(scanner, rules, g);
	int rc = 0;

	for (unsigned i = 0; text.n && !rc; i++) {
		size_t n = 1 + sizes[i % HEAD];

		n = n < text.n ? n : text.n;
		rc = rw_lane_feed(l, rw_slice_of(text.p, n), out);
		text = rw_slice_of(text.p + n, text.n - n);
	}
	if (!rc)
		rc = rw_lane_end(l, out);
	rw_lane_free(l);
	return rc;
}

static void same(const struct rw_buf *a, struct rw_slice b)
{
	RW_BUG_ON(!rw_slice_eq(rw_buf_slice(a), b));
}

static void as_whole(unsigned kind, struct rw_slice text, const uint8_t *sizes, uint64_t seed)
{
	static const uint8_t ones[HEAD];
	static struct rw_findings f;
	struct rw_buf whole = {0}, cut = {0}, bytes = {0}, back = {0};
	struct rw_guard g, answer = {.vault = vault, .in_answer = true};
	bool open = false;

	begin(&g, kind, seed);
	RW_BUG_ON(rw_scan_text(scanner, rules, text, 1u << RW_CAT_PII | 1u << RW_CAT_SECRET, &f));
	if (f.more)
		return;
	for (unsigned i = 0; i < f.n; i++)
		open |= f.at[i].swallowed;
	RW_BUG_ON(rw_mask_text(&g, rules, &f, text, &whole));
	if (kind == RW_REDACT_TOKEN) {
		RW_BUG_ON(stream(&answer, rw_buf_slice(&whole), sizes, &back));
		same(&back, text);
	}
	if (!open || kind != RW_REDACT_TOKEN) { /* a lane does not know such a value whole */
		begin(&g, kind, seed);
		RW_BUG_ON(stream(&g, text, sizes, &cut));
		begin(&g, kind, seed);
		RW_BUG_ON(stream(&g, text, ones, &bytes));
		same(&cut, rw_buf_slice(&whole));
		same(&bytes, rw_buf_slice(&whole));
	}
	rw_buf_free(&whole);
	rw_buf_free(&cut);
	rw_buf_free(&bytes);
	rw_buf_free(&back);
}

/* A lane that has everything to look for: the same output and verdict, whatever the cut. */
static int guarded(struct rw_guard g, struct rw_slice text, const uint8_t *sizes,
		   struct rw_buf *out)
{
	static const struct rw_echo_limits limits = {.percent = 50, .words = 40};
	static const struct rw_slice system_text =
		RW_SLICE("a b c d e f g h i j k l m n o p q r s t u v w x y z one two three four");
	struct rw_arena a = {0};
	int rc;

	RW_BUG_ON(rw_echo_new(&g.echo, &a, &system_text, 1, &limits));
	rc = stream(&g, text, sizes, out);
	rw_arena_free(&a);
	return rc;
}

static void as_answer(struct rw_slice text, const uint8_t *sizes, uint64_t seed)
{
	static const uint8_t ones[HEAD], large[HEAD] = {255, 255, 255, 255};
	struct rw_buf token = {0}, said = {0}, a = {0}, b = {0}, c = {0};
	static struct rw_findings f;
	struct rw_guard g;
	int rc;

	begin(&g, RW_REDACT_TOKEN, seed);
	RW_BUG_ON(rw_scan_text(scanner, rules, RW_SLICE("a@example.com"), 1u << RW_CAT_PII, &f));
	RW_BUG_ON(rw_mask_text(&g, rules, &f, RW_SLICE("a@example.com"), &token));
	for (size_t i = 0; i < text.n; i++) /* 0x01 stands for the token, which no input can know */
		RW_BUG_ON(text.p[i] == 1 ? rw_buf_add_slice(&said, rw_buf_slice(&token))
					 : rw_buf_add(&said, &text.p[i], 1));
	g.in_answer = true;
	g.canaries = canaries;
	g.canary_action = sizes[0] & 1 ? RW_ACT_MASK : RW_ACT_BLOCK;
	g.echo_action = sizes[1] & 1 ? RW_ACT_FLAG : RW_ACT_BLOCK;
	rc = guarded(g, rw_buf_slice(&said), large, &a);
	RW_BUG_ON(rc != 0 && rc != RW_EPERM);
	RW_BUG_ON(guarded(g, rw_buf_slice(&said), sizes, &b) != rc);
	RW_BUG_ON(guarded(g, rw_buf_slice(&said), ones, &c) != rc);
	same(&b, rw_buf_slice(&a));
	same(&c, rw_buf_slice(&a));
	rw_buf_free(&token);
	rw_buf_free(&said);
	rw_buf_free(&a);
	rw_buf_free(&b);
	rw_buf_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rw_slice text;
	uint64_t seed = XXH3_64bits_withSeed(data, size, 4711);

	if (size < HEAD + 1 || size > TEXT_MAX)
		return 0;
	text = rw_slice_of((const char *)data + HEAD + 1, size - HEAD - 1);
	if (data[HEAD] % 8 >= RW_REDACT_KINDS)
		as_answer(text, data, seed);
	else
		as_whole(data[HEAD] % 8, text, data, seed);
	return 0;
}
