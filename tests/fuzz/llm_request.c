/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: JSON is JSON for us as for another reader; edits that say the same change nothing. */
#include <stdint.h>
#include <yyjson.h>

#include "llm/json.h"
#include "llm/openai.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool mentions_surrogate(struct rw_slice s)
{
	for (size_t i = 0; i + 2 < s.n; i++)
		if (s.p[i] == '\\' && s.p[i + 1] == 'u' && (s.p[i + 2] | 0x20) == 'd')
			return true;
	return false;
}

static void same_as_another_reader(struct rw_slice body)
{
	yyjson_doc *doc = yyjson_read(body.p, body.n, YYJSON_READ_NUMBER_AS_RAW);
	struct rw_json j;
	int rc = rw_json_init(&j, body, RW_JSON_DEPTH_MAX, NULL);

	if (!rc)
		rc = rw_json_skip(&j, NULL);
	if (!rc)
		rc = rw_json_end(&j);
	RW_BUG_ON(doc && rc == RW_EINVAL);
	RW_BUG_ON(!doc && rc == RW_OK && !mentions_surrogate(body));
	yyjson_doc_free(doc);
}

/* Writes every text again as it is: what is read then must say the same. */
static void same_after_edits(struct rw_arena *a, struct rw_slice body, const struct rw_chat *c)
{
	struct rw_edit *edits = rw_arena_alloc(a, (c->n_texts + 1) * sizeof(*edits));
	struct rw_chat again;
	struct rw_buf out = {0};
	const struct rw_chat_limits limits = {0};

	for (unsigned i = 0; i < c->n_texts; i++)
		edits[i] = (struct rw_edit){c->texts[i].raw_start, c->texts[i].raw_end,
					    c->texts[i].text};
	RW_BUG_ON(rw_edit_apply(body, NULL, 0, &out));
	RW_BUG_ON(!rw_slice_eq(rw_buf_slice(&out), body));
	rw_buf_reset(&out);
	RW_BUG_ON(rw_edit_apply(body, edits, c->n_texts, &out));
	RW_BUG_ON(rw_chat_parse(&again, a, rw_buf_slice(&out), &limits, NULL));
	RW_BUG_ON(again.n_texts != c->n_texts || again.n_messages != c->n_messages ||
		  again.stream != c->stream || !rw_slice_eq(again.model, c->model));
	for (unsigned i = 0; i < c->n_texts; i++)
		RW_BUG_ON(again.texts[i].role != c->texts[i].role ||
			  !rw_slice_eq(again.texts[i].text, c->texts[i].text));
	rw_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rw_slice body = rw_slice_of((const char *)data, size);
	const struct rw_chat_limits limits = {0};
	struct rw_error e = {0};
	struct rw_arena a;
	struct rw_chat c;
	int rc;

	rw_arena_init(&a, 0);
	same_as_another_reader(body);
	rc = rw_chat_parse(&c, &a, body, &limits, &e);
	RW_BUG_ON((rc == RW_OK) != (e.text[0] == '\0'));
	if (!rc)
		same_after_edits(&a, body, &c);
	rw_arena_reset(&a);
	e.text[0] = '\0';
	rc = rw_scan_parse(&c, &a, body, &limits, &e);
	RW_BUG_ON((rc == RW_OK) != (e.text[0] == '\0'));
	for (unsigned i = 0; !rc && i < c.n_texts; i++)
		RW_BUG_ON(c.texts[i].raw_end > size || c.texts[i].raw_start > c.texts[i].raw_end);
	rw_arena_free(&a);
	return 0;
}
