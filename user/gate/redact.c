/* SPDX-License-Identifier: Apache-2.0 */
/* Redaction of a request's texts, and the vault that its answer is read with. */
#include "gate/request.h"

static const struct rw_config *config_of(const struct rw_request *r)
{
	return r->snap->routes->config;
}

/* Nothing is made where every value is only masked. The vault stays with the request for the next.
 */
static int begin_vault(struct rw_request *r)
{
	int rc;

	if (!r->snap->redactor || r->vault_begun)
		return RW_OK;
	if (!r->vault)
		r->vault = rw_vault_new();
	if (!r->vault)
		return RW_ENOMEM;
	rc = rw_vault_begin(r->vault, r->snap->redactor, rw_loop_random(r->w->loop));
	r->vault_begun = !rc;
	return rc;
}

void rw_redact_settle(struct rw_request *r)
{
	if (r->vault_begun)
		rw_vault_end(r->vault);
	r->vault_begun = false;
}

/* What the request's own system text is, for the answer. */
static int begin_echo(struct rw_request *r, struct rw_echo **out)
{
	struct rw_slice *texts = rw_arena_alloc(&r->arena, (r->chat.n_texts + 1) * sizeof(*texts));
	unsigned n = 0;

	*out = NULL;
	if (!texts)
		return RW_ENOMEM;
	for (unsigned i = 0; i < r->chat.n_texts; i++)
		if (r->chat.texts[i].role == RW_ROLE_SYSTEM)
			texts[n++] = r->chat.texts[i].text;
	return n ? rw_echo_new(out, &r->arena, texts, n, &config_of(r)->echo) : RW_OK;
}

static const char *role_name(enum rw_role role)
{
	static const char *const names[] = {[RW_ROLE_USER] = "user",
					    [RW_ROLE_SYSTEM] = "system",
					    [RW_ROLE_ASSISTANT] = "assistant",
					    [RW_ROLE_TOOL] = "tool",
					    [RW_ROLE_OTHER] = "other"};

	return names[role];
}

int rw_redact_guard(struct rw_request *r, const struct rw_guard *of, bool in_answer,
		    struct rw_guard *out)
{
	int rc = begin_vault(r);

	*out = *of;
	if (!in_answer && r->next_text < r->chat.n_texts) {
		out->where = role_name(r->chat.texts[r->next_text].role);
		out->index = r->next_text;
	}
	out->vault = r->vault_begun ? r->vault : NULL;
	out->in_answer = in_answer;
	if (in_answer && out->canary_action != RW_ACT_ALLOW)
		out->canaries = r->snap->canaries;
	if (!rc && in_answer && out->echo_action != RW_ACT_ALLOW)
		rc = begin_echo(r, &out->echo);
	return rc;
}

/* Takes the text's new content over: it becomes an edit. */
static int add_edit(struct rw_request *r, const struct rw_text *t, const struct rw_buf *text)
{
	const char *copy = rw_arena_copy(&r->arena, rw_buf_slice(text));

	if (!copy)
		return RW_ENOMEM;
	r->edits[r->n_edits++] = (struct rw_edit){t->raw_start, t->raw_end,
						  rw_slice_of(copy, text->len)};
	return RW_OK;
}

int rw_redact_text(struct rw_request *r, const struct rw_text *t, const struct rw_findings *f)
{
	struct rw_buf masked = {0};
	struct rw_guard g;
	int rc = rw_redact_guard(r, &config_of(r)->request, false, &g);

	if (!rc)
		rc = rw_mask_text(&g, r->snap->rules, f, t->text, &masked);
	if (!rc)
		rc = add_edit(r, t, &masked);
	rw_buf_free(&masked);
	return rc;
}

int rw_redact_arguments(struct rw_request *r, const struct rw_text *t, const struct rw_guard *of)
{
	struct rw_buf masked = {0};
	struct rw_guard g;
	int rc = rw_redact_guard(r, of, false, &g);

	if (!rc)
		rc = rw_arguments_guard(r->w->scanner, r->snap->rules, &g, t->text, &masked,
					&r->found);
	if (!rc && !rw_slice_eq(rw_buf_slice(&masked), t->text))
		rc = add_edit(r, t, &masked);
	rw_buf_wipe(&masked);
	return rc;
}
